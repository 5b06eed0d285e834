"""Panels against NumPy's transpositions and extremes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import MARGIN, PANEL, from_panels, panels_of, room, to_panels, within_margins, written

from infoplane.kernels import panels
from infoplane.kernels.panels import copy, extremes, fill, gather, gather_labels, multiply, round_to_single
from infoplane.kernels.vectors import SIDE

FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
counts = st.integers(1, 70)


@given(st.integers(0, 1000))
def test_panels_hold_all_inputs_and_less_than_one_panel_more(count):
    assert panels.panels_for(count) == panels_of(count)
    assert panels.lanes_for(count) == panels_of(count) * PANEL
    assert 0 <= panels.lanes_for(count) - count < PANEL


@with_floats
@pytest.mark.parametrize("stored", ["u1", "i2", "i4", "f4"])
@given(counts, st.integers(1, 40), st.integers(0, 2**32))
@settings(max_examples=30)
def test_inputs_of_some_indices_are_copied_feature_by_feature(stored, dtype, count, features, seed):
    """Indices may come in any order, and twice; the first input of the last panel fills it up."""
    generator = np.random.default_rng(seed)
    inputs = generator.integers(0, 200, (50, features)).astype(stored)
    indices = generator.integers(0, 50, count)
    flat = np.concatenate([inputs.ravel(), np.zeros(SIDE, dtype=stored)])
    found = room(panels_of(count) * PANEL * features, dtype)
    gather(flat, features, indices, np.zeros(SIDE, dtype=np.int64), found[MARGIN:])
    np.testing.assert_array_equal(written(found), to_panels(inputs[indices], dtype))
    np.testing.assert_array_equal(from_panels(written(found), count, features), inputs[indices])


@with_floats
@given(counts, st.integers(0, 2**32))
@settings(max_examples=30)
def test_what_fills_up_a_panel_has_the_weight_0(dtype, count, seed):
    generator = np.random.default_rng(seed)
    labels, indices = generator.integers(0, 10, 50), generator.integers(0, 50, count)
    classes, weights = np.full((2, 100), 99, dtype=dtype)
    gather_labels(labels, indices, classes, weights)
    lanes = panels_of(count) * PANEL
    np.testing.assert_array_equal(classes[:count], labels[indices])
    assert (classes[count:lanes] == labels[indices[0]]).all()
    np.testing.assert_array_equal(weights, [1] * count + [0] * (lanes - count) + [99] * (100 - lanes))
    assert (classes[lanes:] == 99).all()


@with_floats
@given(st.data())
@settings(max_examples=60)
def test_extremes_of_a_part_of_an_array(dtype, data):
    numbers = st.floats(width=8 * np.dtype(dtype).itemsize)
    values = np.array(data.draw(st.lists(numbers, min_size=1, max_size=70)), dtype=dtype)
    start = data.draw(st.integers(0, len(values) - 1))
    count = data.draw(st.integers(1, len(values) - start))
    low, high = extremes(values, start, count)
    part = values[start : start + count]
    part = part[~np.isnan(part)]
    assert (low, high) == (part.min(initial=np.inf), part.max(initial=-np.inf))


@with_floats
def test_numbers_are_copied_from_anywhere_to_anywhere(dtype):
    target = room(32, dtype)
    copy(np.arange(60, dtype=dtype), 7, 32, target, MARGIN)
    np.testing.assert_array_equal(written(target), np.arange(7, 39))


@with_floats
def test_a_part_of_an_array_is_filled(dtype):
    target = room(32, dtype)
    fill(target, MARGIN, 32, 1.5)
    np.testing.assert_array_equal(written(target), 1.5)


@with_floats
def test_values_are_multiplied_by_a_factor_and_then_by_slopes(dtype):
    """Each product is rounded by itself."""
    values, slopes = np.random.default_rng(0).normal(size=(2, 64)).astype(dtype)
    factor = dtype(0.1)
    found = within_margins(values)
    multiply(found, MARGIN, 64, factor, within_margins(slopes), MARGIN)
    np.testing.assert_array_equal(written(found), values * factor * slopes)
    assert (written(found) != values * (factor * slopes)).any()


@with_floats
def test_numbers_are_rounded_to_float32_and_lose_the_sign_of_0(dtype):
    values = np.random.default_rng(1).normal(size=64).astype(dtype)
    values[:4] = 0.0, -0.0, -1e-60, 1e300 if dtype is np.float64 else 3e38
    expected = values.astype(np.float64)
    with np.errstate(over="ignore"):
        expected[:48] = values[:48].astype(np.float32)
    round_to_single(values, 0, 32)
    round_to_single(values, 32, 16)
    np.testing.assert_array_equal(values, expected)
    assert not np.signbit(values[:3]).any()
