"""Sums and gradients over what is not 0 of inputs, against those over all of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import MARGIN, PANEL, from_panels, panels_of, room, to_panels, within_margins, written

from infoplane.kernels.sparse import (
    collect_rows,
    row_length,
    sparse_gradient,
    sparse_inputs,
    sparse_sums,
    spread_rows,
)

FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
any_example = settings(deadline=None, max_examples=50)
counts, seeds, widths, shares = st.integers(1, 70), st.integers(0, 2**32), st.integers(1, 35), st.floats(0, 1)


def images_of(seed, count, features, share):
    """Inputs (N, features) uint8, of which about a share are not 0; one is 0 throughout."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, features)) * (generator.random((count, features)) < share)
    images[generator.integers(count)] = 0
    return images.astype(np.uint8)


def rows_of(kernel, dtype):
    """A kernel by rows, and the length of a row."""
    fan_in, width = kernel.shape
    length = row_length(width, 64 // np.dtype(dtype).itemsize)
    rows = room(fan_in * length, dtype)
    spread_rows(within_margins(kernel.astype(dtype).ravel()), MARGIN, fan_in, width, length, rows[MARGIN:])
    return written(rows), length


def sums_of(images, places, kernel, dtype, in_order=False):
    """Of the inputs at some places, (places, width)."""
    rows, length = rows_of(kernel, dtype)
    width = kernel.shape[1]
    sums = room(panels_of(len(places)) * PANEL * width, dtype)
    parts = np.full(4 * length, np.nan, dtype=dtype)
    sparse_sums(sparse_inputs(images), places, rows, width, length, parts, in_order, sums, MARGIN)
    return from_panels(written(sums), len(places), width)


def gradient_of(images, places, deltas, dtype):
    fan_in, width = images.shape[1], deltas.shape[1]
    length = row_length(width, 64 // np.dtype(dtype).itemsize)
    row, rows = np.full(length, np.nan, dtype=dtype), np.full(fan_in * length, np.nan, dtype=dtype)
    panels = within_margins(to_panels(deltas, dtype, "zeros"))
    sparse_gradient(sparse_inputs(images), places, panels, MARGIN, fan_in, width, length, row, rows)
    gradient = room(fan_in * width, dtype)
    collect_rows(rows, fan_in, width, length, gradient, MARGIN)
    return written(gradient).reshape(fan_in, width)


@given(counts, st.integers(1, 100), shares, seeds)
@any_example
def test_what_is_not_0_makes_up_the_inputs(count, features, share, seed):
    images = images_of(seed, count, features, share)
    inputs = sparse_inputs(images)
    assert inputs.start.dtype == np.int64 and inputs.values.dtype == np.uint8
    assert inputs.start[0] == 0 and inputs.start[-1] == len(inputs.values) == np.count_nonzero(images)
    again = np.zeros_like(images)
    for number in range(count):
        own = slice(inputs.start[number], inputs.start[number + 1])
        assert (np.diff(inputs.features[own].astype(int)) > 0).all()
        again[number, inputs.features[own]] = inputs.values[own]
    np.testing.assert_array_equal(again, images)


@pytest.mark.parametrize(("features", "dtype"), [(2**16, np.uint16), (2**16 + 1, np.uint32)])
def test_the_last_of_many_features_has_its_number(features, dtype):
    images = np.zeros((2, features), dtype=np.uint8)
    images[1, -1] = 7
    inputs = sparse_inputs(images)
    assert inputs.features.dtype == dtype
    assert inputs.features.tolist() == [features - 1]
    kernel = np.arange(features)[:, None] % 1000
    assert sums_of(images, np.arange(2), kernel, np.float64).tolist() == [[0], [7 * kernel[-1, 0]]]


@with_floats
@given(st.integers(1, 20), widths, seeds)
@any_example
def test_rows_hold_a_kernel_filled_up_with_0(dtype, fan_in, width, seed):
    kernel = np.random.default_rng(seed).normal(size=(fan_in, width)).astype(dtype)
    rows, length = rows_of(kernel, dtype)
    assert (
        length % (64 // np.dtype(dtype).itemsize) == 0
        and 0 <= length - width < 64 // np.dtype(dtype).itemsize
    )
    np.testing.assert_array_equal(rows.reshape(fan_in, length), np.pad(kernel, ((0, 0), (0, length - width))))
    collect_rows(rows, fan_in, width, length, again := room(fan_in * width, dtype), MARGIN)
    np.testing.assert_array_equal(written(again), kernel.ravel())


@with_floats
@given(counts, st.integers(1, 100), widths, shares, seeds)
@any_example
def test_sums_and_gradients_of_whole_numbers_are_those_over_everything(
    dtype, count, features, width, share, seed
):
    """In any order of the inputs, some of which may come twice."""
    generator = np.random.default_rng(seed)
    images = images_of(seed, 20, features, share)
    places = generator.integers(0, 20, count)
    kernel, deltas = (
        generator.integers(-127, 128, (features, width)),
        generator.integers(-9, 9, (count, width)),
    )
    x = images[places].astype(int)
    for in_order in (False, True):
        np.testing.assert_array_equal(sums_of(images, places, kernel, dtype, in_order), x @ kernel)
    np.testing.assert_array_equal(gradient_of(images, places, deltas, dtype), x.T @ deltas)


@with_floats
@pytest.mark.parametrize("seed", range(3))
def test_sums_and_gradients_of_other_numbers_are_as_exact_as_their_terms_allow(seed, dtype):
    generator = np.random.default_rng(seed)
    images, places = images_of(seed, 50, 100, 0.3), generator.permutation(50)
    x = images[places].astype(np.longdouble)
    kernel, deltas = (
        (generator.normal(size=shape) * 10.0 ** generator.integers(-4, 5, shape)).astype(dtype)
        for shape in [(100, 19), (50, 19)]
    )
    u = np.finfo(dtype).eps / 2
    for in_order in (False, True):
        errors = np.abs(sums_of(images, places, kernel, dtype, in_order) - x @ kernel)
        assert (errors <= 100 * u * (x @ np.abs(kernel).astype(np.longdouble))).all()
    errors = np.abs(gradient_of(images, places, deltas, dtype) - x.T @ deltas)
    assert (errors <= 50 * u * (x.T @ np.abs(deltas).astype(np.longdouble))).all()


@with_floats
def test_sums_in_order_are_those_of_one_term_after_the_other(dtype):
    """And those that are not take up four terms at a time."""
    generator = np.random.default_rng(0)
    images, places = images_of(0, 40, 90, 0.3), np.arange(40)
    digits = 15 if dtype is np.float32 else 44  # those that a pixel leaves to a weight, if products are exact
    kernel = generator.integers(-(2**digits), 2**digits, (90, 5)) * 2.0 ** generator.integers(-9, 9, (90, 5))
    kernel = kernel.astype(dtype)
    expected = np.zeros((40, 5), dtype=dtype)
    for feature in range(90):
        expected += images[:, feature, None].astype(dtype) * kernel[feature]
    np.testing.assert_array_equal(sums_of(images, places, kernel, dtype, in_order=True), expected)
    assert (sums_of(images, places, kernel, dtype) != expected).any()
