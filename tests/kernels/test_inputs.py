"""Inputs in the forms that kernels read: one by one, in panels, and those that are not 0."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import images_of_few_pixels
from layouts import PANEL, from_panels, panels_of
from reference import small_images
from trainings import spec_of

from infoplane.kernels.inputs import gather_inputs, in_panels, inputs_of, one_by_one, unpack_inputs
from infoplane.networks.layers import network_of

FLOATS = [np.float32, np.float64]
NETWORK = network_of(spec_of(network=[5]), (7,), 2)
counts, features = st.integers(1, 70), st.integers(1, 40)


def values_of(stored, count, features):
    return np.random.default_rng(count).integers(1, 256, (count, features)).astype(stored)


@given(counts, features)
def test_the_first_input_fills_up_the_last_panel(count, features):
    """However few features there are: no other number may change the range of a layer."""
    values = values_of("u1", count, features)
    lanes = from_panels(in_panels(values), panels_of(count) * PANEL, features)
    np.testing.assert_array_equal(lanes[:count], values)
    np.testing.assert_array_equal(lanes[count:], np.repeat(values[:1], len(lanes) - count, axis=0))


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("stored", ["u1", "i2", "i4", "f4"])
@given(counts, features)
@settings(max_examples=20)
def test_both_forms_hold_the_same_inputs(stored, dtype, count, features):
    """From one by one they are gathered, from panels copied; bytes as bytes, all others as float32."""
    values = values_of(stored, count, features)
    expected = np.zeros((2, panels_of(count) * PANEL * features), dtype=dtype)
    apart, packed = (inputs_of(values, 0.5, NETWORK, dtype, each) for each in (one_by_one, in_panels))
    assert (len(apart.bytes) > 0) == (len(packed.bytes) > 0) == (stored == "u1")
    gather_inputs(apart, features, np.arange(count), np.zeros(16, dtype=np.int64), expected[0])
    unpack_inputs(packed, features, 0, count, expected[1])
    for panels in expected:
        np.testing.assert_array_equal(from_panels(panels, count, features), values)


def test_inputs_are_sparse_where_they_are_many_and_mostly_0():
    dark, bright = images_of_few_pixels().inputs, small_images((10, 10)).inputs.reshape(-1, 100)
    network = network_of(spec_of(network=[5]), (100,), 3)
    for values, expected in [(dark, True), (bright, False), (dark[:, :63], False)]:
        inputs = inputs_of(values, 1 / 255, network, np.float32, one_by_one)
        assert inputs.is_sparse == expected
        assert (len(inputs.bytes) == 0) == expected
        assert inputs.densest == (np.count_nonzero(values, axis=1).max() if expected else 0)
