"""A dense first layer on inputs that are mostly 0, such as images: only what is not 0 is read.

The kernel and its gradient are stored by rows, one for each feature, each padded to whole vectors.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable

from infoplane.compilation import compiled, inlined
from infoplane.kernels.panels import PANEL, fill, lanes_for
from infoplane.kernels.vectors import SIDE, fma, full_like, load, load_as, prefetch, store

__all__ = [
    "SparseInputs",
    "kernel_from_rows",
    "row_length",
    "rows_from_kernel",
    "sparse_gradient",
    "sparse_inputs",
    "sparse_sums",
]

# Inputs that are prefetched ahead of their sum; bytes of a line of the cache
AHEAD, LINE = 12, 64


class SparseInputs(NamedTuple):
    """The numbers of inputs that are not 0, input after input.

    Attributes:
        start: input n has the numbers k = start[n] … start[n + 1] − 1, (N + 1,).
        features: their features, in rising order for each input.
        values: the numbers themselves.
    """

    start: np.ndarray
    features: np.ndarray
    values: np.ndarray


def sparse_inputs(inputs: np.ndarray) -> SparseInputs:
    """The numbers of inputs (N, features) that are not 0.

    >>> sparse_inputs(np.array([[0, 7], [5, 0]], dtype=np.uint8)).values.tolist()
    [7, 5]
    """
    count, features = inputs.shape
    start = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.count_nonzero(inputs, axis=1), out=start[1:])
    numbers = np.empty(start[-1], dtype=np.uint16 if features <= 2**16 else np.uint32)
    values = np.empty(start[-1], dtype=inputs.dtype)
    collect(np.ascontiguousarray(inputs), numbers, values)
    return SparseInputs(start, numbers, values)


@compiled
def collect(inputs: np.ndarray, features: np.ndarray, values: np.ndarray) -> None:
    """Copy the numbers of inputs (N, features) that are not 0, and their features."""
    found = 0
    for number in range(inputs.shape[0]):
        for feature in range(inputs.shape[1]):
            if inputs[number, feature] != 0:
                features[found] = feature
                values[found] = inputs[number, feature]
                found += 1


@register_jitable
def row_length(width: int) -> int:
    """Length of a row that holds `width` weights in whole vectors of any type.

    >>> row_length(17)
    32
    """
    return (width + SIDE - 1) // SIDE * SIDE


@inlined
def rows_from_kernel(layer: Any, kernels: np.ndarray, rows: np.ndarray) -> None:
    """Copy a layer's kernel (fan_in, width) into padded rows, which may be of another type.

    The padding is whatever lies behind a row of the kernel: nobody reads what comes of it.
    """
    width, length = layer.width, row_length(layer.width)
    like = load(rows, 0)
    for index in range(layer.fan_in):
        for step in range(0, width, len(like)):
            weights = load_as(kernels, layer.start + index * width + step, like)
            store(rows, index * length + step, weights)


@inlined
def kernel_from_rows(layer: Any, rows: np.ndarray, kernels: np.ndarray) -> None:
    """Copy padded rows back into a layer's kernel, and not beyond it."""
    width, length = layer.width, row_length(layer.width)
    lanes, end = len(load(rows, 0)), layer.start + layer.fan_in * layer.width
    for index in range(layer.fan_in):
        source, target = index * length, layer.start + index * width
        for step in range(0, width, lanes):
            if target + step + lanes <= end:
                store(kernels, target + step, load(rows, source + step))
            else:
                for output in range(step, width):
                    kernels[target + output] = rows[source + output]


@inlined
def sparse_sums(
    layer: Any,
    inputs: SparseInputs,
    indices: np.ndarray,
    rows: np.ndarray,
    parts: np.ndarray,
    in_order: bool,
    sums: np.ndarray,
) -> None:
    """Σᵢ kernel[i, o]·x[i] of the inputs of some indices: (width) panels.

    Terms are added to four sums by turns, in the type of the rows, and these in that of the sums.

    Args:
        rows: the kernel, by `rows_from_kernel`.
        parts: scratch memory, four rows.
        in_order: whether all terms are added in the order of their features instead.
    """
    zeros = full_like(load(rows, 0), 0.0)
    width, length, count = layer.width, row_length(layer.width), len(indices)
    for lane in range(lanes_for(count)):
        if lane + AHEAD < count:
            prefetch_input(inputs, indices[lane + AHEAD])
        index = indices[lane if lane < count else lane // PANEL * PANEL]
        first, last = inputs.start[index], inputs.start[index + 1]
        by_turns = first if in_order else first + (last - first) // 4 * 4
        for block in range(0, length, len(zeros)):
            a = b = c = d = zeros
            for k in range(first, by_turns, 4):
                a = add_term(inputs, k, rows, length, block, a)
                b = add_term(inputs, k + 1, rows, length, block, b)
                c = add_term(inputs, k + 2, rows, length, block, c)
                d = add_term(inputs, k + 3, rows, length, block, d)
            for k in range(by_turns, last):
                a = add_term(inputs, k, rows, length, block, a)
            store(parts, block, a)
            store(parts, length + block, b)
            store(parts, 2 * length + block, c)
            store(parts, 3 * length + block, d)
        target = lane // PANEL * width * PANEL + lane % PANEL
        for output in range(width):
            one, two = full_like(sums[0], parts[output]), full_like(sums[0], parts[length + output])
            three = full_like(sums[0], parts[2 * length + output])
            four = full_like(sums[0], parts[3 * length + output])
            sums[target + output * PANEL] = (one + two) + (three + four)


@inlined
def prefetch_input(inputs: SparseInputs, index: int) -> None:
    for k in range(inputs.start[index], inputs.start[index + 1], LINE):
        prefetch(inputs.values, k)
    for k in range(inputs.start[index], inputs.start[index + 1], LINE // 2):
        prefetch(inputs.features, k)


@inlined
def add_term(inputs: SparseInputs, k: int, rows: np.ndarray, length: int, block: int, total: Any) -> Any:
    """total + values[k]·row, of the row of feature k."""
    return fma(full_like(total, inputs.values[k]), load(rows, inputs.features[k] * length + block), total)


@inlined
def sparse_gradient(
    layer: Any,
    inputs: SparseInputs,
    indices: np.ndarray,
    deltas: np.ndarray,
    row: np.ndarray,
    rows: np.ndarray,
) -> None:
    """Σ x[i]·delta[o] over the inputs of some indices, into the rows (fan_in, width) of a gradient.

    Args:
        row: scratch memory, one row.
    """
    width, length = layer.width, row_length(layer.width)
    fill(rows, 0, layer.fan_in * length, 0.0)
    fill(row, 0, length, 0.0)
    for lane in range(len(indices)):
        source = lane // PANEL * width * PANEL + lane % PANEL
        for output in range(width):
            row[output] = deltas[source + output * PANEL]
        first, last = inputs.start[indices[lane]], inputs.start[indices[lane] + 1]
        for block in range(0, length, len(load(row, 0))):
            delta = load(row, block)
            for k in range(first, last):
                there = inputs.features[k] * length + block
                store(rows, there, fma(full_like(delta, inputs.values[k]), delta, load(rows, there)))
