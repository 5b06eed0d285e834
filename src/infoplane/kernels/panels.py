"""Panels: 32 inputs side by side, feature after feature, in which all layers hold their numbers.

The number of feature f for lane j of panel p is at `(p·features + f)·32 + j` of a flat array. So a layer
reads and writes memory in one direction, whatever the batch, and the innermost loops run over whole vectors.
What fills up the last panel is a copy of its first input, of weight 0: it changes neither extremes nor sums.
"""

import numpy as np

from infoplane.kernels.compilation import compiled, inlined
from infoplane.kernels.vectors import (
    SIDE,
    larger,
    largest,
    load,
    rounded_to_single,
    smaller,
    smallest,
    splat,
    splat_like,
    store,
    transpose,
)

__all__ = ["PANEL", "copy", "extremes", "gather", "gather_labels", "multiply", "panels_of", "round_to_single"]

PANEL = 32


@inlined
def panels_of(count: int) -> int:
    """The number of panels that hold so many inputs."""
    return (count + PANEL - 1) // PANEL


@compiled
def gather(
    inputs: np.ndarray, features: int, places: np.ndarray, starts: np.ndarray, panels: np.ndarray
) -> None:
    """Copy inputs at some places into panels.

    Args:
        inputs: (N, features) flat, of any type, and 16 numbers more.
        starts: room for 16 places.
        panels: receives (features) panels, flat.
    """
    count = len(places)
    for first in range(0, panels_of(count) * PANEL, SIDE):
        top = first // PANEL * PANEL
        for lane in range(SIDE):
            starts[lane] = places[first + lane if first + lane < count else top] * features
        for feature in range(0, features, SIDE):
            target = top * features + feature * PANEL + first - top
            transpose(inputs, starts, feature, panels, target, PANEL, min(SIDE, features - feature))


@compiled
def gather_labels(labels: np.ndarray, places: np.ndarray, classes: np.ndarray, weights: np.ndarray) -> None:
    """Copy the labels at some places into lanes, and their weights: 1, and 0 for what fills up a panel."""
    count = len(places)
    for lane in range(panels_of(count) * PANEL):
        real = lane < count
        classes[lane] = labels[places[lane if real else 0]]
        weights[lane] = 1.0 if real else 0.0


@compiled
def extremes(values: np.ndarray, start: int, count: int) -> tuple[float, float]:
    """The lowest and the highest of `count` numbers of a flat array; NaN is passed over."""
    low, high = splat_like(values[start], np.inf), splat_like(values[start], -np.inf)
    lanes = len(splat(low))
    place = start
    if count >= lanes:
        lowest, highest = splat(low), splat(high)
        while place + lanes <= start + count:
            here = load(values, place)
            lowest, highest = smaller(here, lowest), larger(here, highest)
            place += lanes
        low, high = smallest(lowest), largest(highest)
    while place < start + count:
        if values[place] < low:
            low = values[place]
        if values[place] > high:
            high = values[place]
        place += 1
    return low, high


@compiled
def copy(source: np.ndarray, of_source: int, count: int, target: np.ndarray, of_target: int) -> None:
    """Copy `count` numbers of a flat array to a place in another one, in whole vectors."""
    for place in range(0, count, len(load(source, of_source))):
        store(target, of_target + place, load(source, of_source + place))


@compiled
def multiply(
    values: np.ndarray, start: int, count: int, factor: float, slopes: np.ndarray, of_slopes: int
) -> None:
    """values ← values · factor · slopes, of whole vectors."""
    scale = splat_like(load(values, start), factor)
    for place in range(0, count, len(scale)):
        product = load(values, start + place) * scale * load(slopes, of_slopes + place)
        store(values, start + place, product)


@compiled
def round_to_single(values: np.ndarray, count: int) -> None:
    """Round the first `count` numbers to float32, and −0 to +0: in whole vectors."""
    nothing = splat_like(load(values, 0), 0.0)
    for place in range(0, count, len(nothing)):
        store(values, place, rounded_to_single(load(values, place)) + nothing)
