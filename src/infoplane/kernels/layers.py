"""Layers on panels: weighted sums, selections such as pools, and their derivatives.

`x` is what a layer reads; `deltas` are the derivatives of the loss by its weighted sums. Sums over inputs are
taken lane by lane, panel after panel, and folded at the end. All other sums are taken in the order of their
index.
"""

from typing import Any

import numpy as np

from infoplane.compilation import compiled, inlined
from infoplane.kernels.panels import PANEL, fill
from infoplane.kernels.vectors import broadcast, fma, full_like, load, select, splat, store, total
from infoplane.networks.layers import Conv, Dense, Layer, Pool, Selection

__all__ = [
    "LAYER",
    "backward_selection",
    "backward_sums",
    "bias_gradient",
    "forward_selection",
    "forward_sums",
    "kernel_gradient",
    "layer_records",
    "pool",
    "pool_deltas",
    "scale_and_shift",
]

DENSE, CONV, POOL = range(3)
KINDS: dict[type[Layer], int] = {Dense: DENSE, Conv: CONV, Pool: POOL}
# What the kernels need to know of a layer. Its parameters begin at `start`: a kernel (fan_in, width), then
# the bias. `channels`, `rows` and `columns` are those of the images that a convolution or a selection reads,
# `size` is the side of its squares. `outputs` is the number of values for one input. The values of a lane
# that the layer reads begin at `input_offset`, those that it writes at `output_offset`.
LAYER = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("kind", "fan_in", "width", "start", "channels", "rows", "columns", "size", "outputs"),
            *("input_offset", "output_offset"),
        )
    ]
)


def layer_records(layers: tuple[Layer, ...], features: int) -> np.ndarray:
    """Records of layers on inputs of some features, (L,) of type `LAYER`."""
    records = np.zeros(len(layers), dtype=LAYER)
    offset, following = 0, features
    for record, layer in zip(records, layers, strict=True):
        record["kind"] = KINDS[type(layer)]
        if isinstance(layer, Dense):
            record["fan_in"], record["width"], record["start"] = layer.fan_in, layer.width, layer.start
        if isinstance(layer, Conv | Selection):
            record["channels"], record["rows"], record["columns"] = layer.shape
            record["size"] = layer.size
        record["outputs"], record["input_offset"], record["output_offset"] = layer.outputs, offset, following
        offset, following = following, following + layer.outputs
    return records


@inlined
def forward_sums(
    layer: Any,
    kernels: np.ndarray,
    x: np.ndarray,
    x_offset: int,
    panels: int,
    sums: np.ndarray,
    taps: np.ndarray,
) -> None:
    """Weighted sums of a layer, without scale and bias.

    Args:
        taps: scratch memory of `conv_sums`.
    """
    if layer.kind == CONV:
        conv_sums(layer, kernels, x, x_offset, panels, sums, taps)
    else:
        fan_in, width = layer.fan_in, layer.width
        dense_sums(kernels, layer.start, width, 1, x, x_offset, fan_in, width, panels, sums)


@inlined
def kernel_gradient(
    layer: Any,
    x: np.ndarray,
    x_offset: int,
    deltas: np.ndarray,
    panels: int,
    gradient: np.ndarray,
    partial: np.ndarray,
) -> None:
    """Gradient of a layer's kernel, at its offset among the parameters.

    Args:
        partial: scratch memory of `conv_gradient`.
    """
    if layer.kind == CONV:
        conv_gradient(layer, x, x_offset, deltas, panels, gradient, partial)
    else:
        dense_gradient(layer, x, x_offset, deltas, panels, gradient)


@inlined
def backward_sums(layer: Any, kernels: np.ndarray, deltas: np.ndarray, panels: int, back: np.ndarray) -> None:
    """Derivatives of the loss by what a layer reads, without the scale of its kernel."""
    if layer.kind == CONV:
        conv_deltas(layer, kernels, deltas, panels, back)
    else:
        fan_in, width = layer.fan_in, layer.width
        dense_sums(kernels, layer.start, 1, width, deltas, 0, width, fan_in, panels, back)


@inlined
def forward_selection(
    layer: Any, x: np.ndarray, x_offset: int, panels: int, selected: np.ndarray, selected_offset: int
) -> None:
    """What a layer without weights hands on of what it reads."""
    if layer.kind == POOL:
        pool(layer, x, x_offset, panels, selected, selected_offset)


@inlined
def backward_selection(
    layer: Any, x: np.ndarray, x_offset: int, deltas: np.ndarray, panels: int, back: np.ndarray
) -> None:
    """Derivatives of the loss by what a layer without weights reads, from those by what it hands on."""
    if layer.kind == POOL:
        pool_deltas(layer, x, x_offset, deltas, panels, back)


@inlined
def dense_sums(
    kernel: np.ndarray,
    kernel_offset: int,
    by_input: int,
    by_output: int,
    x: np.ndarray,
    x_offset: int,
    fan_in: int,
    width: int,
    panels: int,
    sums: np.ndarray,
) -> None:
    """Σᵢ kernel[i, o]·x[i] for each output o: (width) panels.

    Args:
        by_input, by_output: distances of the kernel's neighbours in memory. Exchanged, they transpose the
            kernel, and derivatives are carried back.
    """
    zeros = full_like(load(x, x_offset), 0.0)
    pair = 2 * len(zeros)
    for panel in range(panels):
        for lane in range(0, PANEL, pair):
            source = x_offset + panel * fan_in * PANEL + lane
            target = panel * width * PANEL + lane
            output = 0
            while output + 4 <= width:
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zeros
                weight = kernel_offset + output * by_output
                for index in range(fan_in):
                    a, b = load(x, source + index * PANEL), load(x, source + index * PANEL + len(zeros))
                    w0, w1 = broadcast(kernel, weight), broadcast(kernel, weight + by_output)
                    w2 = broadcast(kernel, weight + 2 * by_output)
                    w3 = broadcast(kernel, weight + 3 * by_output)
                    a0, a1, a2, a3 = fma(w0, a, a0), fma(w1, a, a1), fma(w2, a, a2), fma(w3, a, a3)
                    b0, b1, b2, b3 = fma(w0, b, b0), fma(w1, b, b1), fma(w2, b, b2), fma(w3, b, b3)
                    weight += by_input
                store_pair(sums, target + output * PANEL, a0, b0)
                store_pair(sums, target + (output + 1) * PANEL, a1, b1)
                store_pair(sums, target + (output + 2) * PANEL, a2, b2)
                store_pair(sums, target + (output + 3) * PANEL, a3, b3)
                output += 4
            while output < width:
                a0 = b0 = zeros
                weight = kernel_offset + output * by_output
                for index in range(fan_in):
                    w0 = broadcast(kernel, weight)
                    a0 = fma(w0, load(x, source + index * PANEL), a0)
                    b0 = fma(w0, load(x, source + index * PANEL + len(zeros)), b0)
                    weight += by_input
                store_pair(sums, target + output * PANEL, a0, b0)
                output += 1


@inlined
def store_pair(array: np.ndarray, offset: int, first: Any, second: Any) -> None:
    store(array, offset, first)
    store(array, offset + len(first), second)


@inlined
def scale_and_shift(layer: Any, sums: np.ndarray, scale: float, parameters: np.ndarray, panels: int) -> None:
    """sums ← sums·scale + bias, each operation rounded by itself; the pixels of an output share its bias."""
    factor = splat(scale)
    width, bias = layer.width, layer.start + layer.fan_in * layer.width
    pixels = layer.outputs // width
    offset = 0
    for _ in range(panels):
        for output in range(width):
            shift = broadcast(parameters, bias + output)
            for _ in range(0, pixels * PANEL, len(factor)):
                store(sums, offset, load(sums, offset) * factor + shift)
                offset += len(factor)


@inlined
def dense_gradient(
    layer: Any, x: np.ndarray, x_offset: int, deltas: np.ndarray, panels: int, gradient: np.ndarray
) -> None:
    """Σ x[i]·delta[o] over the inputs, the gradient of the kernel (fan_in, width)."""
    zeros = full_like(load(x, x_offset), 0.0)
    fan_in, width, start = layer.fan_in, layer.width, layer.start
    index = 0
    while index < fan_in:
        four_inputs = index + 4 <= fan_in
        output = 0
        while output < width:
            g = start + index * width + output
            if four_inputs and output + 4 <= width:
                a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zeros
                c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = zeros
                for panel in range(panels):
                    source = x_offset + (panel * fan_in + index) * PANEL
                    there = (panel * width + output) * PANEL
                    for lane in range(0, PANEL, len(zeros)):
                        a, b = load(x, source + lane), load(x, source + PANEL + lane)
                        c, d = load(x, source + 2 * PANEL + lane), load(x, source + 3 * PANEL + lane)
                        v0, v1 = load(deltas, there + lane), load(deltas, there + PANEL + lane)
                        v2 = load(deltas, there + 2 * PANEL + lane)
                        v3 = load(deltas, there + 3 * PANEL + lane)
                        a0, a1, a2, a3 = fma(a, v0, a0), fma(a, v1, a1), fma(a, v2, a2), fma(a, v3, a3)
                        b0, b1, b2, b3 = fma(b, v0, b0), fma(b, v1, b1), fma(b, v2, b2), fma(b, v3, b3)
                        c0, c1, c2, c3 = fma(c, v0, c0), fma(c, v1, c1), fma(c, v2, c2), fma(c, v3, c3)
                        d0, d1, d2, d3 = fma(d, v0, d0), fma(d, v1, d1), fma(d, v2, d2), fma(d, v3, d3)
                store_totals(gradient, g, a0, a1, a2, a3)
                store_totals(gradient, g + width, b0, b1, b2, b3)
                store_totals(gradient, g + 2 * width, c0, c1, c2, c3)
                store_totals(gradient, g + 3 * width, d0, d1, d2, d3)
                output += 4
            elif four_inputs:
                a0 = b0 = c0 = d0 = zeros
                for panel in range(panels):
                    source = x_offset + (panel * fan_in + index) * PANEL
                    there = (panel * width + output) * PANEL
                    for lane in range(0, PANEL, len(zeros)):
                        v0 = load(deltas, there + lane)
                        a0 = fma(load(x, source + lane), v0, a0)
                        b0 = fma(load(x, source + PANEL + lane), v0, b0)
                        c0 = fma(load(x, source + 2 * PANEL + lane), v0, c0)
                        d0 = fma(load(x, source + 3 * PANEL + lane), v0, d0)
                gradient[g], gradient[g + width] = total(a0), total(b0)
                gradient[g + 2 * width], gradient[g + 3 * width] = total(c0), total(d0)
                output += 1
            else:
                a0 = zeros
                for panel in range(panels):
                    source = x_offset + (panel * fan_in + index) * PANEL
                    there = (panel * width + output) * PANEL
                    for lane in range(0, PANEL, len(zeros)):
                        a0 = fma(load(x, source + lane), load(deltas, there + lane), a0)
                gradient[g] = total(a0)
                output += 1
        index += 4 if four_inputs else 1


@inlined
def store_totals(array: np.ndarray, offset: int, a: Any, b: Any, c: Any, d: Any) -> None:
    array[offset], array[offset + 1] = total(a), total(b)
    array[offset + 2], array[offset + 3] = total(c), total(d)


@inlined
def bias_gradient(layer: Any, deltas: np.ndarray, panels: int, gradient: np.ndarray) -> None:
    """Sum of the deltas of each output over its pixels and the inputs, at its offset among parameters."""
    width, bias = layer.width, layer.start + layer.fan_in * layer.width
    stride = layer.outputs // width * PANEL
    for output in range(width):
        summed = full_like(load(deltas, 0), 0.0)
        for panel in range(panels):
            start = (panel * width + output) * stride
            for offset in range(start, start + stride, len(summed)):
                summed = summed + load(deltas, offset)
        gradient[bias + output] = total(summed)


@compiled
def conv_sums(
    layer: Any,
    kernels: np.ndarray,
    x: np.ndarray,
    x_offset: int,
    panels: int,
    sums: np.ndarray,
    taps: np.ndarray,
) -> None:
    """Σ kernel[c, i, j, f]·x[c, r + i, s + j] over c, i, j: (filters, rows − size + 1, columns − size + 1)
    panels.

    Two filters and two neighbouring columns are summed up at once.

    Args:
        taps: scratch memory, an integer for each value of a square.
    """
    zeros = full_like(load(x, x_offset), 0.0)
    channels, rows, columns = layer.channels, layer.rows, layer.columns
    size, filters, fan_in, start = layer.size, layer.width, layer.fan_in, layer.start
    high, wide = rows - size + 1, columns - size + 1
    for tap in range(fan_in):
        line = tap // (size * size) * rows + tap // size % size
        taps[tap] = (line * columns + tap % size) * PANEL
    for panel in range(panels):
        image = x_offset + panel * channels * rows * columns * PANEL
        for first in range(0, filters, 2):
            last = min(first + 1, filters - 1)
            for row in range(high):
                for column in range(0, wide, 2):
                    right = min(column + 1, wide - 1)
                    for lane in range(0, PANEL, 2 * len(zeros)):
                        a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = zeros
                        left = image + (row * columns + column) * PANEL + lane
                        other = image + (row * columns + right) * PANEL + lane
                        weight = start
                        for tap in range(fan_in):
                            step = taps[tap]
                            w0, w1 = broadcast(kernels, weight + first), broadcast(kernels, weight + last)
                            u0, u1 = load(x, left + step), load(x, left + step + len(zeros))
                            v0, v1 = load(x, other + step), load(x, other + step + len(zeros))
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
                        line = ((panel * filters + first) * high + row) * wide
                        store_pair(sums, (line + column) * PANEL + lane, a0, a1)
                        store_pair(sums, (line + right) * PANEL + lane, b0, b1)
                        line = ((panel * filters + last) * high + row) * wide
                        store_pair(sums, (line + column) * PANEL + lane, c0, c1)
                        store_pair(sums, (line + right) * PANEL + lane, d0, d1)


@compiled
def conv_gradient(
    layer: Any,
    x: np.ndarray,
    x_offset: int,
    deltas: np.ndarray,
    panels: int,
    gradient: np.ndarray,
    partial: np.ndarray,
) -> None:
    """Σ x[c, r + i, s + j]·delta[f, r, s] over pixels and inputs, the gradient of the kernel (c, i, j, f).

    Args:
        partial: scratch memory, a vector for each weight.
    """
    zeros = full_like(load(x, x_offset), 0.0)
    lanes = len(zeros)
    channels, rows, columns = layer.channels, layer.rows, layer.columns
    size, filters, start = layer.size, layer.width, layer.start
    high, wide = rows - size + 1, columns - size + 1
    weights = channels * size * size * filters
    fill(partial, 0, weights * lanes, 0.0)
    for panel in range(panels):
        for output in range(filters):
            for row in range(high):
                there = ((panel * filters + output) * high + row) * wide * PANEL
                for channel in range(channels):
                    for down in range(size):
                        line = ((panel * channels + channel) * rows + row + down) * columns
                        for right in range(size):
                            source = x_offset + (line + right) * PANEL
                            weight = (((channel * size + down) * size + right) * filters + output) * lanes
                            a0, a1 = load(partial, weight), zeros
                            for step in range(0, wide * PANEL, 2 * lanes):
                                a0 = fma(load(x, source + step), load(deltas, there + step), a0)
                                a1 = fma(
                                    load(x, source + step + lanes), load(deltas, there + step + lanes), a1
                                )
                            store(partial, weight, a0 + a1)
    for weight in range(weights):
        gradient[start + weight] = total(load(partial, weight * lanes))


@compiled
def conv_deltas(layer: Any, kernels: np.ndarray, deltas: np.ndarray, panels: int, back: np.ndarray) -> None:
    """Σ kernel[c, i, j, f]·delta[f, r − i, s − j] over f, i, j: derivatives carried back to (c, r, s)."""
    zeros = full_like(load(deltas, 0), 0.0)
    channels, rows, columns = layer.channels, layer.rows, layer.columns
    size, filters, kernel_offset = layer.size, layer.width, layer.start
    high, wide = rows - size + 1, columns - size + 1
    for panel in range(panels):
        for channel in range(channels):
            for row in range(rows):
                for column in range(columns):
                    for lane in range(0, PANEL, 2 * len(zeros)):
                        a0 = a1 = zeros
                        for output in range(filters):
                            for down in range(max(0, row - high + 1), min(size, row + 1)):
                                line = ((panel * filters + output) * high + row - down) * wide + column
                                weight = kernel_offset + ((channel * size + down) * size) * filters + output
                                for right in range(max(0, column - wide + 1), min(size, column + 1)):
                                    w0 = broadcast(kernels, weight + right * filters)
                                    there = (line - right) * PANEL + lane
                                    a0 = fma(w0, load(deltas, there), a0)
                                    a1 = fma(w0, load(deltas, there + len(zeros)), a1)
                        offset = ((panel * channels + channel) * rows + row) * columns + column
                        store_pair(back, offset * PANEL + lane, a0, a1)


@compiled
def pool(
    layer: Any, x: np.ndarray, x_offset: int, panels: int, pooled: np.ndarray, pooled_offset: int
) -> None:
    """The maximum over squares of size × size; rows and columns that fill no square are left out."""
    lanes = len(load(x, x_offset))
    rows, columns, size = layer.rows, layer.columns, layer.size
    target = pooled_offset
    for image in range(panels * layer.channels):
        for row in range(rows // size):
            for column in range(columns // size):
                corner = x_offset + ((image * rows + row * size) * columns + column * size) * PANEL
                for lane in range(0, PANEL, lanes):
                    store(pooled, target + lane, maximum(x, corner + lane, columns, size))
                target += PANEL


@inlined
def maximum(x: np.ndarray, corner: int, columns: int, size: int) -> Any:
    """The maximum over the square whose first number is at `corner`; NaN where that is NaN."""
    highest = load(x, corner)
    for down in range(size):
        for right in range(size):
            here = load(x, corner + (down * columns + right) * PANEL)
            highest = select(here > highest, here, highest)
    return highest


@compiled
def pool_deltas(
    layer: Any, x: np.ndarray, x_offset: int, deltas: np.ndarray, panels: int, back: np.ndarray
) -> None:
    """Derivatives carried back to the first maximum of each square, row by row; 0 elsewhere."""
    zeros = full_like(load(x, x_offset), 0.0)
    channels, rows, columns, size = layer.channels, layer.rows, layer.columns, layer.size
    fill(back, 0, panels * channels * rows * columns * PANEL, 0.0)
    source = 0
    for image in range(panels * channels):
        for row in range(rows // size):
            for column in range(columns // size):
                corner = ((image * rows + row * size) * columns + column * size) * PANEL
                for lane in range(0, PANEL, len(zeros)):
                    highest = maximum(x, x_offset + corner + lane, columns, size)
                    left = load(deltas, source + lane)
                    for down in range(size):
                        for right in range(size):
                            there = corner + (down * columns + right) * PANEL + lane
                            found = load(x, x_offset + there) >= highest
                            store(back, there, select(found, left, zeros))
                            left = select(found, zeros, left)
                source += PANEL
