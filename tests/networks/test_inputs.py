"""What networks are shown of a data set."""

from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import small_images

from infoplane import Dataset, TrainingSpec, load_dataset
from infoplane.networks.inputs import network_inputs, network_labels
from infoplane.networks.quantization import grid, quantize
from infoplane.networks.ranges import extremes

BOTH = pytest.mark.parametrize("quantized", [True, False])


def floats(values, scale=1.0):
    """A data set of floats, of which all but the last two are trained on."""
    inputs = np.asarray(values, dtype=np.float32).reshape(-1, 1)
    mask = np.arange(len(inputs)) < len(inputs) - 2
    return Dataset("mine", inputs, np.arange(len(inputs)) % 2, mask, scale)


@BOTH
def test_patterns_are_seen_as_they_are(quantized):
    synthetic = load_dataset("synthetic")
    values, scale = network_inputs(synthetic, quantized)
    np.testing.assert_array_equal(values, synthetic.inputs)
    assert scale == 1


@BOTH
def test_pixels_are_whole_numbers_and_their_scale(quantized):
    images = small_images((2, 9, 8))
    values, scale = network_inputs(images, quantized)
    assert values.shape == (60, 144)
    assert values.dtype == np.uint8
    np.testing.assert_array_equal(values.reshape(images.inputs.shape), images.inputs)
    assert scale == 1 / 255


@BOTH
def test_wider_whole_numbers_stay_too(quantized):
    inputs = np.array([[0, 7], [65535, 256]], dtype=np.uint16)
    dataset = Dataset("mine", inputs, np.array([0, 1]), np.array([True, False]), 0.5)
    values, scale = network_inputs(dataset, quantized)
    np.testing.assert_array_equal(values, [[0, 7], [65535, 256]])
    assert values.dtype.kind == "i"
    assert scale == 0.5


def test_float32_networks_see_floats_as_they_are():
    images = small_images((9, 8), np.float32)
    values, scale = network_inputs(images, False)
    assert scale is None
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, images.inputs.reshape(60, 72) * np.float32(2))


VALUES = arrays(np.float32, st.integers(3, 20), elements=st.floats(-100, 100, width=32))


@given(VALUES, st.sampled_from([1.0, 0.5, 1 / 255, 3.0]))
@settings(deadline=None)
def test_quantized_networks_see_floats_on_a_grid_of_8_bits_over_those_trained_on(values, factor):
    dataset = floats(values, factor)
    steps, scale = network_inputs(dataset, True)
    seen = [Fraction(float(x)) for x in values * np.float32(factor)]
    low, high = min(0, *seen[:-2]), max(0, *seen[:-2])
    if low == high:
        assert not steps.any()
        return
    unit = (high - low) / 255
    zero = floor(-low / unit + Fraction(1, 2))
    assert scale == pytest.approx(float(unit), rel=1e-14)
    for step, x in zip(steps.ravel().tolist(), seen, strict=True):
        exact = min(max(x / unit + zero, Fraction(0)), Fraction(255)) - zero
        assert abs(step - exact) <= Fraction(1, 2) + Fraction(1, 10**9)


@given(VALUES, st.sampled_from([1.0, 1 / 255]))
@settings(deadline=None)
def test_their_grid_is_that_of_the_quantizer(values, factor):
    """To the last bit: the same operations on the same numbers."""
    seen = torch.from_numpy(values * np.float32(factor)).double()[None]
    on = grid(extremes(seen[:, :-2]), 255)
    steps, scale = network_inputs(floats(values, factor), True)
    np.testing.assert_array_equal(steps.ravel(), quantize(seen, on).steps[0])
    assert scale == on.scale.item()


def test_floats_beyond_those_trained_on_are_cut():
    steps, scale = network_inputs(floats([-1.0, 0.0, 1.55, -9.0, 9.0]), True)
    assert scale == pytest.approx(2.55 / 255)
    assert steps.ravel().tolist() == [-100, 0, 155, -100, 155]


def test_what_is_seen_depends_on_no_order():
    images = small_images((9, 8), np.float32)
    order = np.random.default_rng(1).permutation(60)
    shuffled = replace(
        images,
        inputs=images.inputs[order],
        labels=images.labels[order],
        train_mask=images.train_mask[order],
    )
    for quantized in (True, False):
        ours, theirs = network_inputs(images, quantized), network_inputs(shuffled, quantized)
        np.testing.assert_array_equal(ours.values[order], theirs.values)
        assert ours.scale == theirs.scale


def spec_of(labels, seed=0):
    settings = {"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8}
    return TrainingSpec(**settings, epochs=1, record_every=1, labels=labels, seed=seed)


def test_every_repetition_permutes_all_labels_in_its_own_way():
    synthetic = load_dataset("synthetic")
    spec = spec_of("shuffled")
    shuffled = [network_labels(spec, synthetic, repetition) for repetition in range(5)]
    reseeded = network_labels(spec_of("shuffled", seed=1), synthetic, 0)
    agreement = np.corrcoef([synthetic.labels, *shuffled, reseeded])
    assert np.abs(agreement[~np.eye(7, dtype=bool)]).max() < 0.1  # six standard errors: 6/√4096
    for labels in shuffled:
        np.testing.assert_array_equal(np.bincount(labels), np.bincount(synthetic.labels))
    np.testing.assert_array_equal(network_labels(spec, synthetic, 4), shuffled[4])


def test_labels_are_those_given_where_nothing_is_said():
    synthetic = load_dataset("synthetic")
    np.testing.assert_array_equal(network_labels(spec_of("given"), synthetic, 4), synthetic.labels)
