"""Insets show crowded layers, where they cover no trajectory."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from infoplane.plotting.insets import Box, crowded_part, free_place

WHOLE = Box((0, 12), (0, 1))


def paths(*ends):
    """Straight trajectories of 50 epochs, each from one point to another."""
    steps = np.linspace(0, 1, 50)[:, None]
    first, last = np.transpose(ends, (1, 0, 2))[..., None].transpose(0, 2, 3, 1)
    x, y = (first[axis] + steps * (last[axis] - first[axis]) for axis in (0, 1))
    return x, y


def test_layers_that_stay_within_a_tenth_are_shown_larger():
    x, y = paths([(11, 0.9), (12, 1)], [(11.5, 0.95), (12, 1)], [(0, 0), (6, 0.8)])
    part = crowded_part(x, y, WHOLE)
    assert part.x[0] < 11 < 12 < part.x[1] and part.y[0] < 0.9 < 1 < part.y[1]
    assert np.ptp(part.x) < 2 and np.ptp(part.y) < 0.2


def test_layers_that_do_not_move_are_no_reason():
    x, y = paths([(12, 1), (12, 1)], [(12, 1), (12, 1)], [(0, 0), (6, 0.8)])
    assert crowded_part(x, y, WHOLE) is None


def test_where_all_layers_are_near_to_each_other_small_moves_count():
    near = [(11.7, 0.9), (12, 0.92)], [(11.8, 0.9), (11.9, 0.91)]
    part = crowded_part(*paths(*near), WHOLE)
    assert part.x[0] < 11.7 < 12 < part.x[1] and np.ptp(part.x) < 0.5
    assert crowded_part(*paths(*near, [(0, 0), (6, 0.8)]), WHOLE) is None
    still = [(11.99, 1), (12, 1)], [(12, 1), (12, 1)]
    assert crowded_part(*paths(*still), WHOLE) is None


def test_layers_all_over_the_plane_are_no_reason():
    x, y = paths([(0, 0), (12, 1)], [(0, 1), (12, 0)])
    assert crowded_part(x, y, WHOLE) is None


points = st.tuples(st.floats(0, 12), st.floats(0, 1))


@given(st.lists(st.tuples(points, points), min_size=1, max_size=5))
def test_an_inset_covers_no_trajectory_and_lies_within_the_axes(ends):
    x, y = paths(*ends)
    part = Box((11, 12), (0.9, 1))
    place = free_place(x, y, WHOLE, part)
    if place is None:
        return
    left, bottom, width, height = place
    assert left > 0 and left + width < 1 and bottom > 0 and bottom + height < 1
    covered = (x / 12 > left) & (x / 12 < left + width) & (y > bottom) & (y < bottom + height)
    assert not covered.any()
