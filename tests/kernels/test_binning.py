"""Bins in loops against their formula in NumPy, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.kernels.binning import number_bins

with_floats = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)


def numbered(values, low, high, bins):
    codes = np.full((values.shape[0] + 1, values.shape[1]), 12345, dtype=np.uint16)
    number_bins(values, low, high, bins, codes[:-1])
    assert (codes[-1] == 12345).all()
    return codes[:-1]


def numbered_in_numpy(values, low, high, bins):
    low, span = low[:, None], np.where(low == high, 1.0, high - low)[:, None]
    return np.clip(np.floor((values.astype(np.float64) - low) * bins / span), 0, bins - 1)


@with_floats
@given(st.integers(1, 4), st.integers(1, 40), st.integers(2, 65536), st.integers(0, 2**32))
def test_bins_are_those_of_the_formula(dtype, rows, count, bins, seed):
    """Also of values on edges, at the ends and beyond them, and of ranges that are one point."""
    generator = np.random.default_rng(seed)
    low, spans = generator.normal(size=rows), 10.0 ** generator.integers(-5, 5, rows)
    high = low + spans * generator.integers(0, 4, rows)
    edges = low[:, None] + (high - low)[:, None] * generator.integers(-2, bins + 3, (rows, count)) / bins
    others = low[:, None] + (high - low)[:, None] * generator.uniform(-0.1, 1.1, (rows, count))
    values = np.where(generator.random((rows, count)) < 0.5, edges, others).astype(dtype)
    codes = numbered(values, low, high, bins)
    np.testing.assert_array_equal(codes, numbered_in_numpy(values, low, high, bins))


@with_floats
@pytest.mark.parametrize("count", [1, 7, 8, 9, 16, 33])
def test_rows_have_ranges_of_their_own(count, dtype):
    """The last bin is closed on the right; a range that is one point has one bin."""
    values = np.tile(np.linspace(0, 1, count, dtype=dtype), (3, 1))
    values[1] = 0.5
    ends = np.array([0.0, 0.5, -1.0]), np.array([1.0, 0.5, 3.0])
    codes = numbered(values, *ends, 4)
    np.testing.assert_array_equal(codes[0], np.minimum(np.floor(values[0].astype(float) * 4), 3))
    assert not codes[1].any()
    np.testing.assert_array_equal(codes[2], np.floor(values[2].astype(float) + 1))
