"""Curves of single runs, read in blocks of four recorded epochs.

The highest value of a curve is chosen by its jitter too, so that a curve seems to fall from it even where it
does not. Each block therefore has two readings that share no epoch: one chooses the highest block, the other
says how high it is.
"""

from typing import NamedTuple

import numpy as np

__all__ = [
    "LENGTH",
    "Readings",
    "blocks_before_tail",
    "peak",
    "read_blocks",
    "tail_length",
    "turning_points",
]

LENGTH = 4
# The tail is one in twenty of the recorded epochs
TAIL = 20


class Readings(NamedTuple):
    """The two readings of the blocks of a curve, each (..., blocks).

    Attributes:
        first: mean of the first and third value of a block.
        second: mean of the others.
    """

    first: np.ndarray
    second: np.ndarray

    @property
    def level(self) -> np.ndarray:
        """Mean of both readings, (..., blocks): in a block of four, the mean of its values."""
        mean: np.ndarray = (self.first + self.second) / 2
        return mean

    def until(self, count: int) -> "Readings":
        """The first blocks only."""
        return Readings(self.first[..., :count], self.second[..., :count])


def read_blocks(curves: np.ndarray, length: int = LENGTH) -> Readings:
    """Cut curves into blocks of values in a row; an incomplete last one joins the one before.

    Args:
        curves: (..., epochs).
        length: of a block, an even number; or 1 for curves of a few epochs that lie far apart, where both
            readings are the value itself.

    Returns:
        The readings of ⌊epochs / length⌋ blocks.

    >>> read_blocks(np.array([1, 2, 3, 4, 5, 6, 7, 8, 9]))
    Readings(first=array([2., 6.]), second=array([3.        , 7.66666667]))
    """
    if length == 1:
        return Readings(curves, curves)
    count = curves.shape[-1] // length
    blocks = curves[..., : length * count].reshape(*curves.shape[:-1], count, length)
    first, second = blocks[..., 0::2].mean(-1), blocks[..., 1::2].mean(-1)
    rest = curves[..., length * count :]
    if count and rest.shape[-1]:
        second[..., -1] = np.concatenate([blocks[..., -1, 1::2], rest], axis=-1).mean(-1)
    return Readings(first, second)


def tail_length(epochs: int, length: int = LENGTH) -> int:
    """Length of the tail: the last 5 % of the epochs, rounded down, at least one; one with blocks of one.

    >>> tail_length(1601), tail_length(16), tail_length(60, 1)
    (80, 1, 1)
    """
    return 1 if length == 1 else max(1, epochs // TAIL)


def blocks_before_tail(epochs: int, length: int = LENGTH) -> int:
    """Number of the blocks that end before the tail begins.

    >>> blocks_before_tail(1601), blocks_before_tail(11), blocks_before_tail(4), blocks_before_tail(26, 1)
    (380, 1, 0, 25)
    """
    blocks = epochs // length  # the last of which always ends in the tail
    return max(0, min((epochs - tail_length(epochs, length)) // length, blocks - 1))


def peak(readings: Readings) -> np.ndarray:
    """Height of the highest block, (...): each reading where the other one is largest, and their mean.

        ½ · (b where a is largest + a where b is largest)

    This is cross-fitting (Chernozhukov et al. 2018, https://doi.org/10.1111/ectj.12097) within one run. Of
    equal readings the first counts.

    >>> peak(read_blocks(np.array([0, 0, 0, 0, 3, 2, 3, 2, 1, 1, 1, 1])))
    array(2.5)
    """
    first, second = readings
    chosen = (each.argmax(-1, keepdims=True) for each in readings)
    by_first, by_second = (
        np.take_along_axis(other, index, -1)[..., 0]
        for index, other in zip(chosen, (second, first), strict=True)
    )
    height: np.ndarray = np.asarray((by_first + by_second) / 2)
    return height


def turning_points(level: np.ndarray, margin: float) -> np.ndarray:
    """Number of the turning points of curves that are more than jitter, (...).

    A curve has turned where it has come back by at least `margin` from its highest or lowest point since it
    turned last. One that rises and falls has one turning point, a zig-zag more.

    Args:
        level: (..., blocks), at least one block.
        margin: in the unit of the level.

    >>> turning_points(np.array([[0, 1, 2, 1.95, 3], [0, 2, 1, 3, 0]]), 0.1)
    array([0, 3])
    """
    low, high = level[..., 0], level[..., 0]
    rising = np.zeros(level.shape[:-1], dtype=int)  # 1, or −1 where it falls, or 0 as long as it does neither
    turns = np.zeros_like(rising)
    for value in np.moveaxis(level[..., 1:], -1, 0):
        low, high = np.minimum(low, value), np.maximum(high, value)
        falls = (rising >= 0) & (high - value >= margin)
        rises = (rising <= 0) & (value - low >= margin)
        turns += (falls & (rising > 0)) | (rises & (rising < 0))
        rising = np.select([falls, rises], [-1, 1], rising)
        low, high = np.where(falls, value, low), np.where(rises, value, high)
    return turns
