"""Panels: 32 inputs side by side, feature after feature, the form in which all layers hold their numbers.

Feature f of lane j of panel p is at `(p·features + f)·32 + j` of a flat array. So a layer reads and writes
memory in one direction, whatever the batch, and the innermost loops run over whole vectors. The last panel is
filled up
with copies of its first input, of weight 0: they change neither extremes nor sums.

In all kernels, `x_offset` is the offset in the flat array `x` from which they read or write.
"""

import numpy as np
from numba.extending import register_jitable

from infoplane.compilation import inlined
from infoplane.kernels.vectors import (
    SIDE,
    full_like,
    larger,
    largest,
    load,
    rounded_to_single,
    smaller,
    smallest,
    splat,
    store,
    transpose,
)

__all__ = [
    "PANEL",
    "copy",
    "extremes",
    "fill",
    "gather",
    "gather_labels",
    "lanes_for",
    "multiply",
    "panels_for",
    "round_to_single",
]

PANEL = 32


@register_jitable
def panels_for(count: int) -> int:
    """Number of panels that hold `count` inputs."""
    return (count + PANEL - 1) // PANEL


@register_jitable
def lanes_for(count: int) -> int:
    """Number of lanes of the panels that hold `count` inputs.

    >>> lanes_for(33)
    64
    """
    return panels_for(count) * PANEL


@inlined
def gather(
    inputs: np.ndarray, features: int, indices: np.ndarray, starts: np.ndarray, panels: np.ndarray
) -> None:
    """Copy the inputs of some indices into panels.

    Args:
        inputs: (N, features) flat, of any type, and 16 numbers more.
        indices: (n,).
        starts: scratch memory, 16 integers.
        panels: receives the panels, flat.
    """
    count = len(indices)
    for first in range(0, lanes_for(count), SIDE):
        top = first // PANEL * PANEL
        for lane in range(SIDE):
            starts[lane] = indices[first + lane if first + lane < count else top] * features
        for feature in range(0, features, SIDE):
            target = top * features + feature * PANEL + first - top
            transpose(inputs, starts, feature, panels, target, PANEL, min(SIDE, features - feature))


@inlined
def gather_labels(labels: np.ndarray, indices: np.ndarray, classes: np.ndarray, weights: np.ndarray) -> None:
    """Copy the labels of some indices into lanes, with weights: 1, or 0 in lanes that fill up a panel."""
    count = len(indices)
    for lane in range(lanes_for(count)):
        exists = lane < count
        classes[lane] = labels[indices[lane if exists else 0]]
        weights[lane] = 1.0 if exists else 0.0


@inlined
def extremes(values: np.ndarray, offset: int, count: int) -> tuple[float, float]:
    """Lowest and highest of `count` numbers of a flat array; NaN is passed over."""
    low, high = full_like(values[offset], np.inf), full_like(values[offset], -np.inf)
    lanes = len(splat(low))
    position = offset
    if count >= lanes:
        lowest, highest = splat(low), splat(high)
        while position + lanes <= offset + count:
            here = load(values, position)
            lowest, highest = smaller(here, lowest), larger(here, highest)
            position += lanes
        low, high = smallest(lowest), largest(highest)
    while position < offset + count:
        if values[position] < low:
            low = values[position]
        if values[position] > high:
            high = values[position]
        position += 1
    return low, high


@inlined
def copy(source: np.ndarray, source_offset: int, count: int, target: np.ndarray, target_offset: int) -> None:
    """Copy `count` numbers of a flat array into another one, in whole vectors."""
    for step in range(0, count, len(load(source, source_offset))):
        store(target, target_offset + step, load(source, source_offset + step))


@inlined
def fill(values: np.ndarray, offset: int, count: int, number: float) -> None:
    """Set `count` numbers of a flat array, in whole vectors."""
    vector = full_like(load(values, offset), number)
    for step in range(0, count, len(vector)):
        store(values, offset + step, vector)


@inlined
def multiply(
    values: np.ndarray, offset: int, count: int, factor: float, slopes: np.ndarray, slopes_offset: int
) -> None:
    """values ← values · factor · slopes, in whole vectors."""
    scale = full_like(load(values, offset), factor)
    for step in range(0, count, len(scale)):
        product = load(values, offset + step) * scale * load(slopes, slopes_offset + step)
        store(values, offset + step, product)


@inlined
def round_to_single(values: np.ndarray, offset: int, count: int) -> None:
    """Round `count` numbers to float32, and −0 to +0, in whole vectors."""
    zeros = full_like(load(values, offset), 0.0)
    for step in range(0, count, len(zeros)):
        store(values, offset + step, rounded_to_single(load(values, offset + step)) + zeros)
