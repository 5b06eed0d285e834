"""Sums and gradients over what is not 0 of inputs, against those over all of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import MARGIN, PANEL, from_panels, panels_of, room, to_panels, within_margins, written

from infoplane.kernels.layers import LAYER
from infoplane.kernels.sparse import (
    kernel_from_rows,
    row_length,
    rows_from_kernel,
    sparse_gradient,
    sparse_inputs,
    sparse_sums,
)

FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
any_example = settings(max_examples=50)
counts, seeds, widths, shares = st.integers(1, 70), st.integers(0, 2**32), st.integers(1, 35), st.floats(0, 1)


def images_of(seed, count, features, share):
    """Inputs (N, features) uint8, of which about a share are not 0; one is 0 throughout."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, features)) * (generator.random((count, features)) < share)
    images[generator.integers(count)] = 0
    return images.astype(np.uint8)


def layer_of(fan_in, width):
    """A dense layer, whose parameters begin at MARGIN."""
    record = np.zeros(1, dtype=LAYER)
    record["fan_in"], record["width"], record["start"] = fan_in, width, MARGIN
    return record[0]


def rows_of(kernel, dtype):
    """A kernel by rows."""
    rows = room(len(kernel) * row_length(kernel.shape[1]), dtype)
    rows_from_kernel(layer_of(*kernel.shape), within_margins(kernel.astype(dtype).ravel()), rows[MARGIN:])
    return written(rows)


def sums_of(images, indices, kernel, dtype, in_order=False):
    """Of the inputs of some indices, (indices, width)."""
    width = kernel.shape[1]
    sums = room(panels_of(len(indices)) * PANEL * width, dtype)
    parts = np.full(4 * row_length(width), np.nan, dtype=dtype)
    layer, rows = layer_of(*kernel.shape), rows_of(kernel, dtype)
    sparse_sums(layer, sparse_inputs(images), indices, rows, parts, in_order, sums[MARGIN:])
    return from_panels(written(sums), len(indices), width)


def gradient_of(images, indices, deltas, dtype):
    fan_in, width = images.shape[1], deltas.shape[1]
    length, layer = row_length(width), layer_of(fan_in, width)
    row, rows = np.full(length, np.nan, dtype=dtype), np.full(fan_in * length, np.nan, dtype=dtype)
    panels = to_panels(deltas, dtype, "zeros")
    sparse_gradient(layer, sparse_inputs(images), indices, panels, row, rows)
    gradient = room(fan_in * width, dtype)
    kernel_from_rows(layer, rows, gradient)
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
def test_rows_hold_a_kernel_and_give_it_back(dtype, fan_in, width, seed):
    """In whole vectors; and nothing else is overwritten."""
    kernel = np.random.default_rng(seed).normal(size=(fan_in, width)).astype(dtype)
    rows, length = rows_of(kernel, dtype), row_length(width)
    assert length % 16 == 0 and 0 <= length - width < 16
    np.testing.assert_array_equal(rows.reshape(fan_in, length)[:, :width], kernel)
    kernel_from_rows(layer_of(fan_in, width), rows, again := room(fan_in * width, dtype))
    np.testing.assert_array_equal(written(again), kernel.ravel())


def test_rows_may_be_of_a_smaller_type():
    kernel = np.random.default_rng(0).integers(-255, 256, (5, 17)).astype(np.float64)
    rows = room(5 * 32, np.float32)
    rows_from_kernel(layer_of(5, 17), within_margins(kernel.ravel()), rows[MARGIN:])
    np.testing.assert_array_equal(written(rows).reshape(5, 32)[:, :17], kernel)


@with_floats
@given(counts, st.integers(1, 100), widths, shares, seeds)
@any_example
def test_sums_and_gradients_of_whole_numbers_are_those_over_everything(
    dtype, count, features, width, share, seed
):
    """In any order of the inputs, some of which may come twice."""
    generator = np.random.default_rng(seed)
    images = images_of(seed, 20, features, share)
    indices = generator.integers(0, 20, count)
    kernel, deltas = (
        generator.integers(-127, 128, (features, width)),
        generator.integers(-9, 9, (count, width)),
    )
    x = images[indices].astype(int)
    for in_order in (False, True):
        np.testing.assert_array_equal(sums_of(images, indices, kernel, dtype, in_order), x @ kernel)
    np.testing.assert_array_equal(gradient_of(images, indices, deltas, dtype), x.T @ deltas)


@with_floats
@pytest.mark.parametrize("seed", range(3))
def test_sums_and_gradients_of_other_numbers_are_as_exact_as_their_terms_allow(seed, dtype):
    generator = np.random.default_rng(seed)
    images, indices = images_of(seed, 50, 100, 0.3), generator.permutation(50)
    x = images[indices].astype(np.longdouble)
    kernel, deltas = (
        (generator.normal(size=shape) * 10.0 ** generator.integers(-4, 5, shape)).astype(dtype)
        for shape in [(100, 19), (50, 19)]
    )
    u = np.finfo(dtype).eps / 2
    for in_order in (False, True):
        errors = np.abs(sums_of(images, indices, kernel, dtype, in_order) - x @ kernel)
        assert (errors <= 100 * u * (x @ np.abs(kernel).astype(np.longdouble))).all()
    errors = np.abs(gradient_of(images, indices, deltas, dtype) - x.T @ deltas)
    assert (errors <= 50 * u * (x.T @ np.abs(deltas).astype(np.longdouble))).all()


@with_floats
def test_sums_in_order_are_those_of_one_term_after_the_other(dtype):
    """And those that are not take up four terms at a time."""
    generator = np.random.default_rng(0)
    images, indices = images_of(0, 40, 90, 0.3), np.arange(40)
    digits = 15 if dtype is np.float32 else 44  # those that a pixel leaves to a weight, if products are exact
    kernel = generator.integers(-(2**digits), 2**digits, (90, 5)) * 2.0 ** generator.integers(-9, 9, (90, 5))
    kernel = kernel.astype(dtype)
    expected = np.zeros((40, 5), dtype=dtype)
    for feature in range(90):
        expected += images[:, feature, None].astype(dtype) * kernel[feature]
    np.testing.assert_array_equal(sums_of(images, indices, kernel, dtype, in_order=True), expected)
    assert (sums_of(images, indices, kernel, dtype) != expected).any()
