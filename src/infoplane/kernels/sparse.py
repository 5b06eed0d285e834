"""A dense first layer on inputs that are mostly 0, such as images: only what is not 0 is looked at.

Kernels and gradients are held by rows, one for each feature, of as many whole vectors as its weights take.
"""

from typing import Any, NamedTuple

import numpy as np

from infoplane.kernels.compilation import compiled, inlined
from infoplane.kernels.panels import PANEL
from infoplane.kernels.vectors import fma, load, prefetch, splat_like, store

__all__ = [
    "SparseInputs",
    "collect_rows",
    "row_length",
    "sparse_gradient",
    "sparse_inputs",
    "sparse_sums",
    "spread_rows",
]

AHEAD = 12
LINE = 64


class SparseInputs(NamedTuple):
    """What is not 0 of inputs: of input n, `values[k]` is feature `features[k]` for k = start[n] … start[n +
    1] − 1.
    """

    start: np.ndarray
    features: np.ndarray
    values: np.ndarray


def sparse_inputs(inputs: np.ndarray) -> SparseInputs:
    """What is not 0 of inputs (N, features) uint8.

    >>> sparse_inputs(np.array([[0, 7], [5, 0]], dtype=np.uint8)).values.tolist()
    [7, 5]
    """
    count, features = inputs.shape
    start = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.count_nonzero(inputs, axis=1), out=start[1:])
    places = np.empty(start[-1], dtype=np.uint16 if features <= 2**16 else np.uint32)
    values = np.empty(start[-1], dtype=inputs.dtype)
    collect_numbers(np.ascontiguousarray(inputs), places, values)
    return SparseInputs(start, places, values)


@compiled
def collect_numbers(inputs: np.ndarray, features: np.ndarray, values: np.ndarray) -> None:
    """Copy what is not 0 of inputs (N, features), and which features that is."""
    found = 0
    for number in range(inputs.shape[0]):
        for feature in range(inputs.shape[1]):
            if inputs[number, feature] != 0:
                features[found] = feature
                values[found] = inputs[number, feature]
                found += 1


@inlined
def row_length(width: int, lanes: int) -> int:
    """The length of a row that holds `width` weights in whole vectors."""
    return (width + lanes - 1) // lanes * lanes


@compiled
def spread_rows(
    kernel: np.ndarray, of_kernel: int, fan_in: int, width: int, length: int, rows: np.ndarray
) -> None:
    """Copy a kernel (fan_in, width) into rows of a length, filled up with 0."""
    for index in range(fan_in):
        for output in range(length):
            rows[index * length + output] = (
                kernel[of_kernel + index * width + output] if output < width else 0.0
            )


@compiled
def collect_rows(
    rows: np.ndarray, fan_in: int, width: int, length: int, kernel: np.ndarray, of_kernel: int
) -> None:
    """Copy rows back into a kernel (fan_in, width)."""
    for index in range(fan_in):
        for output in range(width):
            kernel[of_kernel + index * width + output] = rows[index * length + output]


@compiled
def sparse_sums(
    inputs: SparseInputs,
    places: np.ndarray,
    rows: np.ndarray,
    width: int,
    length: int,
    parts: np.ndarray,
    in_order: bool,
    sums: np.ndarray,
    of_sums: int,
) -> None:
    """Σᵢ kernel[i, o]·x[i] of the inputs at some places: (width) panels.

    Terms are added to four sums by turns, in the type of the rows, and these in that of the sums.

    Args:
        in_order: whether all terms are added in the order of their features instead.
        rows: the kernel, by `spread_rows`.
        parts: room for four rows.
    """
    nothing = splat_like(load(rows, 0), 0.0)
    count = len(places)
    panels = (count + PANEL - 1) // PANEL
    for lane in range(panels * PANEL):
        if lane + AHEAD < count:
            ahead = places[lane + AHEAD]
            for k in range(inputs.start[ahead], inputs.start[ahead + 1], LINE):
                prefetch(inputs.values, k)
            for k in range(inputs.start[ahead], inputs.start[ahead + 1], LINE // 2):
                prefetch(inputs.features, k)
        place = places[lane if lane < count else (lane // PANEL) * PANEL]
        first, last = inputs.start[place], inputs.start[place + 1]
        whole = first if in_order else first + (last - first) // 4 * 4
        for block in range(0, length, len(nothing)):
            a = b = c = d = nothing
            for k in range(first, whole, 4):
                a = add_term(inputs, k, rows, length, block, a)
                b = add_term(inputs, k + 1, rows, length, block, b)
                c = add_term(inputs, k + 2, rows, length, block, c)
                d = add_term(inputs, k + 3, rows, length, block, d)
            for k in range(whole, last):
                a = add_term(inputs, k, rows, length, block, a)
            store(parts, block, a)
            store(parts, length + block, b)
            store(parts, 2 * length + block, c)
            store(parts, 3 * length + block, d)
        target = of_sums + (lane // PANEL) * width * PANEL + lane % PANEL
        for output in range(width):
            one, two = splat_like(sums[0], parts[output]), splat_like(sums[0], parts[length + output])
            three = splat_like(sums[0], parts[2 * length + output])
            four = splat_like(sums[0], parts[3 * length + output])
            sums[target + output * PANEL] = (one + two) + (three + four)


@inlined
def add_term(inputs: SparseInputs, k: int, rows: np.ndarray, length: int, block: int, total: Any) -> Any:
    """total + values[k]·row, of the row of feature k."""
    return fma(splat_like(total, inputs.values[k]), load(rows, inputs.features[k] * length + block), total)


@compiled
def sparse_gradient(
    inputs: SparseInputs,
    places: np.ndarray,
    deltas: np.ndarray,
    of_deltas: int,
    fan_in: int,
    width: int,
    length: int,
    row: np.ndarray,
    rows: np.ndarray,
) -> None:
    """Σ over the inputs at some places of x[i]·delta[o], into rows (fan_in, length)."""
    nothing = splat_like(load(rows, 0), 0.0)
    for place in range(0, fan_in * length, len(nothing)):
        store(rows, place, nothing)
    for block in range(0, length, len(nothing)):
        store(row, block, nothing)
    for lane in range(len(places)):
        source = of_deltas + (lane // PANEL) * width * PANEL + lane % PANEL
        for output in range(width):
            row[output] = deltas[source + output * PANEL]
        place = places[lane]
        for block in range(0, length, len(nothing)):
            delta = load(row, block)
            for k in range(inputs.start[place], inputs.start[place + 1]):
                there = inputs.features[k] * length + block
                store(rows, there, fma(splat_like(delta, inputs.values[k]), delta, load(rows, there)))
