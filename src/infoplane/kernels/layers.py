"""Dense layers, convolutions and pools on panels: sums, gradients, and deltas carried back.

`x` are the numbers that a layer is given, `deltas` the derivatives of the loss by its sums. Sums over inputs
are taken lane by lane, panel after panel, and folded at the end; all others in the order of their index. See
`panels`.
"""

from typing import Any

import numpy as np

from infoplane.kernels.compilation import compiled, inlined
from infoplane.kernels.panels import PANEL
from infoplane.kernels.vectors import broadcast, fma, load, select, splat, splat_like, store, total

__all__ = [
    "bias_gradient",
    "conv_deltas",
    "conv_gradient",
    "conv_sums",
    "dense_gradient",
    "dense_sums",
    "pool",
    "pool_deltas",
    "scale_and_shift",
]


@compiled
def dense_sums(
    kernel: np.ndarray,
    of_kernel: int,
    by_input: int,
    by_output: int,
    x: np.ndarray,
    of_x: int,
    fan_in: int,
    width: int,
    panels: int,
    sums: np.ndarray,
    of_sums: int,
) -> None:
    """Σᵢ kernel[i, o]·x[i] for each output o: (width) panels.

    Args:
        by_input, by_output: how far apart in memory the kernel's neighbours are. Exchanged, the kernel is
            transposed, and deltas are carried back.
    """
    nothing = splat_like(load(x, of_x), 0.0)
    pair = 2 * len(nothing)
    for panel in range(panels):
        for lane in range(0, PANEL, pair):
            source = of_x + panel * fan_in * PANEL + lane
            target = of_sums + panel * width * PANEL + lane
            output = 0
            while output + 4 <= width:
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = nothing
                place = of_kernel + output * by_output
                for index in range(fan_in):
                    a, b = load(x, source + index * PANEL), load(x, source + index * PANEL + len(nothing))
                    w0, w1 = broadcast(kernel, place), broadcast(kernel, place + by_output)
                    w2, w3 = (
                        broadcast(kernel, place + 2 * by_output),
                        broadcast(kernel, place + 3 * by_output),
                    )
                    a0, a1, a2, a3 = fma(w0, a, a0), fma(w1, a, a1), fma(w2, a, a2), fma(w3, a, a3)
                    b0, b1, b2, b3 = fma(w0, b, b0), fma(w1, b, b1), fma(w2, b, b2), fma(w3, b, b3)
                    place += by_input
                store_pair(sums, target + output * PANEL, a0, b0)
                store_pair(sums, target + (output + 1) * PANEL, a1, b1)
                store_pair(sums, target + (output + 2) * PANEL, a2, b2)
                store_pair(sums, target + (output + 3) * PANEL, a3, b3)
                output += 4
            while output < width:
                a0 = b0 = nothing
                place = of_kernel + output * by_output
                for index in range(fan_in):
                    w0 = broadcast(kernel, place)
                    a0 = fma(w0, load(x, source + index * PANEL), a0)
                    b0 = fma(w0, load(x, source + index * PANEL + len(nothing)), b0)
                    place += by_input
                store_pair(sums, target + output * PANEL, a0, b0)
                output += 1


@inlined
def store_pair(array: np.ndarray, place: int, first: Any, second: Any) -> None:
    store(array, place, first)
    store(array, place + len(first), second)


@compiled
def scale_and_shift(
    sums: np.ndarray,
    of_sums: int,
    scale: float,
    bias: np.ndarray,
    of_bias: int,
    width: int,
    places: int,
    panels: int,
) -> None:
    """sums ← sums·scale + bias, each operation rounded by itself; every output has `places` places of one
    bias.
    """
    factor = splat(scale)
    place = of_sums
    for _ in range(panels):
        for output in range(width):
            shift = broadcast(bias, of_bias + output)
            for _ in range(0, places * PANEL, len(factor)):
                store(sums, place, load(sums, place) * factor + shift)
                place += len(factor)


@compiled
def dense_gradient(
    x: np.ndarray,
    of_x: int,
    deltas: np.ndarray,
    of_deltas: int,
    fan_in: int,
    width: int,
    panels: int,
    gradient: np.ndarray,
    of_gradient: int,
) -> None:
    """Σ over the inputs of x[i]·delta[o], the gradient of the kernel (fan_in, width)."""
    nothing = splat_like(load(x, of_x), 0.0)
    index = 0
    while index < fan_in:
        four_inputs = index + 4 <= fan_in
        output = 0
        while output < width:
            g = of_gradient + index * width + output
            if four_inputs and output + 4 <= width:
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = nothing
                c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = nothing
                for panel in range(panels):
                    source = of_x + (panel * fan_in + index) * PANEL
                    there = of_deltas + (panel * width + output) * PANEL
                    for lane in range(0, PANEL, len(nothing)):
                        a, b = load(x, source + lane), load(x, source + PANEL + lane)
                        c, d = load(x, source + 2 * PANEL + lane), load(x, source + 3 * PANEL + lane)
                        v0, v1 = load(deltas, there + lane), load(deltas, there + PANEL + lane)
                        v2, v3 = (
                            load(deltas, there + 2 * PANEL + lane),
                            load(deltas, there + 3 * PANEL + lane),
                        )
                        a0, a1, a2, a3 = fma(a, v0, a0), fma(a, v1, a1), fma(a, v2, a2), fma(a, v3, a3)
                        b0, b1, b2, b3 = fma(b, v0, b0), fma(b, v1, b1), fma(b, v2, b2), fma(b, v3, b3)
                        c0, c1, c2, c3 = fma(c, v0, c0), fma(c, v1, c1), fma(c, v2, c2), fma(c, v3, c3)
                        d0, d1, d2, d3 = fma(d, v0, d0), fma(d, v1, d1), fma(d, v2, d2), fma(d, v3, d3)
                put_totals(gradient, g, a0, a1, a2, a3)
                put_totals(gradient, g + width, b0, b1, b2, b3)
                put_totals(gradient, g + 2 * width, c0, c1, c2, c3)
                put_totals(gradient, g + 3 * width, d0, d1, d2, d3)
                output += 4
            elif four_inputs:
                a0 = b0 = c0 = d0 = nothing
                for panel in range(panels):
                    source = of_x + (panel * fan_in + index) * PANEL
                    there = of_deltas + (panel * width + output) * PANEL
                    for lane in range(0, PANEL, len(nothing)):
                        v0 = load(deltas, there + lane)
                        a0, b0 = (
                            fma(load(x, source + lane), v0, a0),
                            fma(load(x, source + PANEL + lane), v0, b0),
                        )
                        c0 = fma(load(x, source + 2 * PANEL + lane), v0, c0)
                        d0 = fma(load(x, source + 3 * PANEL + lane), v0, d0)
                gradient[g], gradient[g + width] = total(a0), total(b0)
                gradient[g + 2 * width], gradient[g + 3 * width] = total(c0), total(d0)
                output += 1
            else:
                a0 = nothing
                for panel in range(panels):
                    source = of_x + (panel * fan_in + index) * PANEL
                    there = of_deltas + (panel * width + output) * PANEL
                    for lane in range(0, PANEL, len(nothing)):
                        a0 = fma(load(x, source + lane), load(deltas, there + lane), a0)
                gradient[g] = total(a0)
                output += 1
        index += 4 if four_inputs else 1


@inlined
def put_totals(array: np.ndarray, place: int, a: Any, b: Any, c: Any, d: Any) -> None:
    array[place], array[place + 1], array[place + 2], array[place + 3] = (
        total(a),
        total(b),
        total(c),
        total(d),
    )


@compiled
def bias_gradient(
    deltas: np.ndarray,
    of_deltas: int,
    width: int,
    places: int,
    panels: int,
    gradient: np.ndarray,
    of_gradient: int,
) -> None:
    """Σ of the deltas of each output, over its places and over the inputs."""
    for output in range(width):
        summed = splat_like(load(deltas, of_deltas), 0.0)
        for panel in range(panels):
            start = of_deltas + (panel * width + output) * places * PANEL
            for place in range(start, start + places * PANEL, len(summed)):
                summed = summed + load(deltas, place)
        gradient[of_gradient + output] = total(summed)


@compiled
def conv_sums(
    kernel: np.ndarray,
    of_kernel: int,
    x: np.ndarray,
    of_x: int,
    channels: int,
    rows: int,
    columns: int,
    size: int,
    filters: int,
    panels: int,
    sums: np.ndarray,
    of_sums: int,
) -> None:
    """Σ kernel[c, i, j, f]·x[c, r + i, s + j] over c, i, j: (filters, rows − size + 1, columns − size + 1)
    panels.

    Two filters and two neighbouring columns are summed up at once.
    """
    nothing = splat_like(load(x, of_x), 0.0)
    high, wide = rows - size + 1, columns - size + 1
    for panel in range(panels):
        for first in range(0, filters, 2):
            last = min(first + 1, filters - 1)
            for row in range(high):
                for column in range(0, wide, 2):
                    right = min(column + 1, wide - 1)
                    for lane in range(0, PANEL, 2 * len(nothing)):
                        a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = nothing
                        weight = of_kernel
                        for channel in range(channels):
                            for down in range(size):
                                line = ((panel * channels + channel) * rows + row + down) * columns
                                left = of_x + (line + column) * PANEL + lane
                                other = of_x + (line + right) * PANEL + lane
                                for _ in range(size):
                                    w0, w1 = (
                                        broadcast(kernel, weight + first),
                                        broadcast(kernel, weight + last),
                                    )
                                    u0, u1 = load(x, left), load(x, left + len(nothing))
                                    v0, v1 = load(x, other), load(x, other + len(nothing))
                                    a0, a1, b0, b1 = (
                                        fma(w0, u0, a0),
                                        fma(w0, u1, a1),
                                        fma(w0, v0, b0),
                                        fma(w0, v1, b1),
                                    )
                                    c0, c1, d0, d1 = (
                                        fma(w1, u0, c0),
                                        fma(w1, u1, c1),
                                        fma(w1, v0, d0),
                                        fma(w1, v1, d1),
                                    )
                                    weight += filters
                                    left += PANEL
                                    other += PANEL
                        line = ((panel * filters + first) * high + row) * wide
                        store_pair(sums, of_sums + (line + column) * PANEL + lane, a0, a1)
                        store_pair(sums, of_sums + (line + right) * PANEL + lane, b0, b1)
                        line = ((panel * filters + last) * high + row) * wide
                        store_pair(sums, of_sums + (line + column) * PANEL + lane, c0, c1)
                        store_pair(sums, of_sums + (line + right) * PANEL + lane, d0, d1)


@compiled
def conv_gradient(
    x: np.ndarray,
    of_x: int,
    deltas: np.ndarray,
    of_deltas: int,
    channels: int,
    rows: int,
    columns: int,
    size: int,
    filters: int,
    panels: int,
    gradient: np.ndarray,
    of_gradient: int,
    partial: np.ndarray,
) -> None:
    """Σ x[c, r + i, s + j]·delta[f, r, s] over places and inputs, the gradient of the kernel (c, i, j, f).

    Args:
        partial: room for a vector of each weight.
    """
    nothing = splat_like(load(x, of_x), 0.0)
    lanes = len(nothing)
    high, wide = rows - size + 1, columns - size + 1
    weights = channels * size * size * filters
    for place in range(weights):
        store(partial, place * lanes, nothing)
    for panel in range(panels):
        for output in range(filters):
            for row in range(high):
                there = of_deltas + ((panel * filters + output) * high + row) * wide * PANEL
                for channel in range(channels):
                    for down in range(size):
                        line = ((panel * channels + channel) * rows + row + down) * columns
                        for right in range(size):
                            source = of_x + (line + right) * PANEL
                            weight = (((channel * size + down) * size + right) * filters + output) * lanes
                            a0, a1 = load(partial, weight), nothing
                            for place in range(0, wide * PANEL, 2 * lanes):
                                a0 = fma(load(x, source + place), load(deltas, there + place), a0)
                                a1 = fma(
                                    load(x, source + place + lanes), load(deltas, there + place + lanes), a1
                                )
                            store(partial, weight, a0 + a1)
    for place in range(weights):
        gradient[of_gradient + place] = total(load(partial, place * lanes))


@compiled
def conv_deltas(
    kernel: np.ndarray,
    of_kernel: int,
    deltas: np.ndarray,
    of_deltas: int,
    channels: int,
    rows: int,
    columns: int,
    size: int,
    filters: int,
    panels: int,
    back: np.ndarray,
    of_back: int,
) -> None:
    """Σ kernel[c, i, j, f]·delta[f, r − i, s − j] over f, i, j: deltas carried back to (c, r, s)."""
    nothing = splat_like(load(deltas, of_deltas), 0.0)
    high, wide = rows - size + 1, columns - size + 1
    for panel in range(panels):
        for channel in range(channels):
            for row in range(rows):
                for column in range(columns):
                    for lane in range(0, PANEL, 2 * len(nothing)):
                        a0 = a1 = nothing
                        for output in range(filters):
                            for down in range(max(0, row - high + 1), min(size, row + 1)):
                                line = ((panel * filters + output) * high + row - down) * wide + column
                                tap = of_kernel + ((channel * size + down) * size) * filters + output
                                for right in range(max(0, column - wide + 1), min(size, column + 1)):
                                    w0 = broadcast(kernel, tap + right * filters)
                                    there = of_deltas + (line - right) * PANEL + lane
                                    a0 = fma(w0, load(deltas, there), a0)
                                    a1 = fma(w0, load(deltas, there + len(nothing)), a1)
                        place = ((panel * channels + channel) * rows + row) * columns + column
                        store_pair(back, of_back + place * PANEL + lane, a0, a1)


@compiled
def pool(
    x: np.ndarray,
    of_x: int,
    channels: int,
    rows: int,
    columns: int,
    size: int,
    panels: int,
    pooled: np.ndarray,
    of_pooled: int,
) -> None:
    """The maximum over squares of size × size; what fills no square is left out."""
    lanes = len(load(x, of_x))
    high, wide = rows // size, columns // size
    target = of_pooled
    for image in range(panels * channels):
        for row in range(high):
            for column in range(wide):
                corner = of_x + ((image * rows + row * size) * columns + column * size) * PANEL
                for lane in range(0, PANEL, lanes):
                    highest = load(x, corner + lane)
                    for down in range(size):
                        for right in range(size):
                            here = load(x, corner + (down * columns + right) * PANEL + lane)
                            highest = select(here > highest, here, highest)
                    store(pooled, target + lane, highest)
                target += PANEL


@compiled
def pool_deltas(
    x: np.ndarray,
    of_x: int,
    deltas: np.ndarray,
    of_deltas: int,
    channels: int,
    rows: int,
    columns: int,
    size: int,
    panels: int,
    back: np.ndarray,
    of_back: int,
) -> None:
    """Deltas carried back to the first maximum of each square, row by row; 0 elsewhere."""
    lanes = len(load(x, of_x))
    nothing = splat_like(load(x, of_x), 0.0)
    high, wide = rows // size, columns // size
    for place in range(of_back, of_back + panels * channels * rows * columns * PANEL, lanes):
        store(back, place, nothing)
    source = of_deltas
    for image in range(panels * channels):
        for row in range(high):
            for column in range(wide):
                corner = ((image * rows + row * size) * columns + column * size) * PANEL
                for lane in range(0, PANEL, lanes):
                    highest = load(x, of_x + corner + lane)
                    for down in range(size):
                        for right in range(size):
                            here = load(x, of_x + corner + (down * columns + right) * PANEL + lane)
                            highest = select(here > highest, here, highest)
                    left = load(deltas, source + lane)
                    for down in range(size):
                        for right in range(size):
                            place = corner + (down * columns + right) * PANEL + lane
                            found = load(x, of_x + place) >= highest
                            store(back, of_back + place, select(found, left, nothing))
                            left = select(found, nothing, left)
                source += PANEL
