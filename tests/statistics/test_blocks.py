"""Curves are read in blocks of four values: known answers, and a second way to the same numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import find_peaks

from infoplane.statistics.blocks import (
    blocks_before_tail,
    peak,
    read_blocks,
    tail_length,
    turning_points,
)

BITS = st.floats(0, 12)


def test_a_block_has_two_readings_that_share_no_value():
    first, second = read_blocks(np.array([1, 10, 3, 30, 5, 50, 7, 70]))
    assert first.tolist() == [2, 6] and second.tolist() == [20, 60]


@pytest.mark.parametrize("more", [1, 2, 3])
def test_an_incomplete_block_joins_the_one_before(more):
    curve = np.arange(8.0 + more)
    first, second = read_blocks(curve)
    assert first.tolist() == [1, 5]
    assert second.tolist() == [2, np.mean([5, *range(7, 8 + more)])]


@pytest.mark.parametrize("epochs", [0, 1, 3])
def test_fewer_than_four_values_are_no_block(epochs):
    assert read_blocks(np.zeros((2, epochs))).first.shape == (2, 0)


@given(st.integers(1, 5000))
def test_blocks_before_the_tail_are_those_that_end_before_it(epochs):
    ends = [4 * block + 3 for block in range(epochs // 4)]
    ends[-1:] = [epochs - 1] if ends else []
    tail = range(epochs - tail_length(epochs), epochs)
    assert blocks_before_tail(epochs) == sum(end < tail[0] for end in ends)


def test_the_tail_is_the_last_twentieth():
    assert [tail_length(epochs) for epochs in (1, 19, 20, 39, 40, 1601, 1502)] == [1, 1, 1, 1, 2, 80, 75]


def test_a_spike_of_one_epoch_does_not_raise_the_peak():
    """The reading that sees it chooses its block, and the other one says how high that is."""
    curve = np.full(40, 5.0)
    curve[8] = 9
    assert peak(read_blocks(curve)) == 5


def test_jitter_does_not_raise_the_peak():
    noise = np.random.default_rng(0).standard_normal((4000, 200))
    own, read = noise.max(-1).mean(), peak(read_blocks(noise)).mean()
    # one reading says nothing of the other: the mean of 4000 peaks has a standard error of 0.5 / √4000
    assert own > 2.5 and abs(read) < 4 * 0.5 / np.sqrt(4000)


@given(arrays(float, (3, 24), elements=BITS))
def test_a_peak_lies_within_the_values(curves):
    peaks = peak(read_blocks(curves))
    assert (curves.min(-1) - 1e-12 <= peaks).all() and (peaks <= curves.max(-1) + 1e-12).all()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40, unique=True), st.integers(1, 300))
def test_turning_points_are_the_prominent_peaks_and_troughs(steps, margin):
    """Of whole numbers no two of which are equal: no difference is rounded, no prominence is ambiguous."""
    curve = np.array(steps, dtype=float)
    prominent = [len(find_peaks(side, prominence=margin)[0]) for side in (curve, -curve)]
    assert turning_points(curve, margin) == sum(prominent)


def test_equal_maxima_with_little_between_them_are_one_turning_point():
    assert turning_points(np.array([11, 12, 11.99, 12, 11.98, 12, 11]), 0.1) == 1


@pytest.mark.parametrize(
    ("corners", "turns"),
    [
        ([5, 9], 0),
        ([9, 5], 0),
        ([5, 5], 0),
        ([5, 9, 7], 1),
        ([9, 5, 7], 1),
        ([5, 9, 8.95, 10], 0),
        ([5, 9, 8, 10], 2),
        ([5, 9, 8, 10, 6, 7], 4),
    ],
)
def test_turning_points_by_hand(corners, turns):
    curve = np.interp(np.linspace(0, len(corners) - 1, 200), range(len(corners)), corners)
    assert turning_points(curve, 0.1) == turns
    assert turning_points(12 - curve, 0.1) == turns
