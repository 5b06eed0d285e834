"""Insets of information planes: which part is shown larger, and where there is room for it."""

from itertools import product
from typing import NamedTuple

import numpy as np

__all__ = ["SHARE", "Box", "crowded_part", "free_place"]

# Layers that stay within this share of the plane are shown larger
SHARE = 0.1
# In shares of the plane: around what is shown larger, and the least that is
MARGIN, LEAST = 0.08, 0.004
# In shares of the axes: sizes of insets, the first of which is tried first; where they may begin and end; and
# the room that their numbers take, left and below
SIZES = (0.44, 0.38, 0.32)
FIRST, LAST = 0.02, 0.9
NUMBERS = np.array([0.11, 0.08])
STEPS = 12
# Where the name of H(Y) stands
NAME = np.array([*product((0.03, 0.08, 0.13), (0.8, 0.84, 0.88))])
# Points of a line between two epochs that an inset must not lie upon
POINTS = np.linspace(0, 1, 20)[:, None, None, None]


class Box(NamedTuple):
    """Lower and upper end in x, and in y."""

    x: tuple[float, float]
    y: tuple[float, float]

    def within(self, other: "Box") -> "Box":
        """The part of it that lies in another one.

        >>> Box((0, 2), (0, 1)).within(Box((1, 3), (-1, 9)))
        Box(x=(1, 2), y=(0, 1))
        """
        ends = zip(self, other, strict=True)
        return Box(*((max(one[0], two[0]), min(one[1], two[1])) for one, two in ends))


def crowded_part(x: np.ndarray, y: np.ndarray, whole: Box) -> Box | None:
    """Part of a plane where as many layers as possible lie that together stay within a tenth of it.

    Layers join by the area that they cross, smallest first. Some of the layers are no reason if they stay
    within `MARGIN` in both directions; where all layers do, nothing else is to be seen, and `LEAST` counts.

    Args:
        x, y: trajectories, (epochs, layers).
        whole: what the axes show.

    Returns:
        The part, somewhat widened, or None if fewer than two layers lie there or none of them moves.

    >>> whole = Box((0, 10), (0, 1))
    >>> x, y = np.array([[9.0, 9, 1], [10, 9, 8]]), np.array([[1.0, 0.9, 0], [1, 1, 1]])
    >>> crowded_part(x, y, whole)
    Box(x=(8.92, 10.08), y=(0.892, 1.008))
    """
    sizes = np.array([np.ptp(whole.x), np.ptp(whole.y)])
    points = np.stack([x, y], -1)
    points = points[np.isfinite(points).all((1, 2))]
    if not len(points):
        return None
    lower, upper = points.min(0), points.max(0)
    found = None
    order = np.argsort(((upper - lower) / sizes).prod(-1), kind="stable")
    for count in range(2, len(order) + 1):
        low, high = lower[order[:count]].min(0), upper[order[:count]].max(0)
        if ((high - low) / sizes).prod() > SHARE:
            break
        moving = ((high - low) / sizes).max() > (LEAST if count == len(order) else MARGIN)
        found = (low, high) if moving else None
    if found is None:
        return None
    low, high = found
    room = np.maximum(MARGIN * (high - low), LEAST * sizes)
    (left, bottom), (right, top) = low - room, high + room
    return Box(*((round(float(a), 6), round(float(b), 6)) for a, b in ((left, right), (bottom, top))))


def free_place(
    x: np.ndarray, y: np.ndarray, whole: Box, part: Box
) -> tuple[float, float, float, float] | None:
    """Place of an inset where it covers no trajectory, as left, bottom, width, height in shares of the axes.

    Of several places it is the largest, and the one nearest to the part that it shows larger.

    Args:
        x, y: trajectories, (epochs, layers).
        whole: what the axes show.
        part: what is shown larger.
    """
    lower, size = np.array([whole.x[0], whole.y[0]]), np.array([np.ptp(whole.x), np.ptp(whole.y)])
    steps = (np.stack([x, y], -1) - lower) / size
    lines = steps[:-1] + POINTS * (steps[1:] - steps[:-1])
    points = np.concatenate([lines.reshape(-1, 2), steps.reshape(-1, 2), NAME])
    taken = np.unique(points.round(2), axis=0)
    ends = (np.transpose(part) - lower) / size
    middle = ends.mean(0)
    for width in SIZES:
        starts = np.linspace(NUMBERS + FIRST, np.full(2, LAST - width), STEPS)
        corners = np.array([*product(*starts.T)])
        low, high = corners - NUMBERS, corners + width + FIRST
        inside = (taken > low[:, None]) & (taken < high[:, None])
        apart = (low > ends[1]).any(1) | (high < ends[0]).any(1)
        free = ~inside.all(-1).any(1) & apart
        if free.any():
            distances = np.where(free, np.hypot(*(corners + width / 2 - middle).T), np.inf)
            left, bottom = corners[distances.argmin()]
            return float(left), float(bottom), width, width
    return None
