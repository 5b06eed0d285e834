"""What networks are shown of a data set."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import small_images

from infoplane import Dataset, TrainingSpec, load_dataset
from infoplane.networks.inputs import distinct_inputs, network_inputs, network_labels
from infoplane.networks.quantization import grid, quantize
from infoplane.ranges import extremes

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
    inputs = np.array([[0, 7], [65535, 256], [1, 2]], dtype=np.uint16)
    dataset = Dataset("mine", inputs, np.array([0, 1, 0]), np.array([True, True, False]), 0.5)
    values, scale = network_inputs(dataset, quantized)
    np.testing.assert_array_equal(values, inputs)
    assert values.dtype.kind == "i"
    assert scale == 0.5


def test_float32_networks_see_floats_as_they_are():
    images = small_images((9, 8), np.float32)
    values, scale = network_inputs(images, False)
    assert scale is None
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, images.inputs.reshape(60, 72) * np.float32(2))


def stands_for(found):
    """The numbers that inputs stand for, exactly."""
    return [Fraction(int(value)) * Fraction(found.scale) for value in found.values.ravel()]


def ends_of(values, factor):
    """The inputs as they are scaled, and the range of those that are trained on."""
    scaled = [Fraction(float(x)) for x in values * np.float32(factor)]
    return scaled, min(scaled[:-2]), max(scaled[:-2])


VALUES = arrays(np.float32, st.integers(4, 20), elements=st.floats(-100, 100, width=32))
OFFSETS = st.sampled_from([0.0, 1.0, -30.0, 1000.0, -1e6])


@given(VALUES, OFFSETS, st.sampled_from([1.0, 0.5, 1 / 255, 3.0]))
def test_the_grid_of_floats_spans_the_range_of_those_trained_on(values, offset, factor):
    values = values + np.float32(offset)
    found = network_inputs(floats(values, factor), True)
    scaled, low, high = ends_of(values, factor)
    if high - low < Fraction(1, 10**30):
        return
    assert found.values.dtype.kind == "i"
    assert np.abs(found.values).max() <= 2**24
    largest, step = max(abs(low), abs(high)), (high - low) / 255
    rounding = largest * Fraction(1, 2**23)
    for value, x in zip(stands_for(found), scaled, strict=True):
        assert low - rounding <= value <= high + rounding
        assert abs(value - min(max(x, low), high)) <= step / 2 + rounding
        level = (value - low) / step
        assert abs(level - round(level)) * step <= rounding


def test_a_range_far_from_0_keeps_its_levels():
    """The grid of weights and activations would have made one input of these."""
    values = 1000 + np.random.default_rng(0).random((1000, 3), dtype=np.float32)
    dataset = Dataset("mine", values, np.arange(1000) % 2)
    found = network_inputs(dataset, True)
    assert len(np.unique(found.values)) == 256
    assert found.values.min() * found.scale == values[dataset.train_mask].min()
    assert found.values.max() * found.scale == values[dataset.train_mask].max()
    distinct = distinct_inputs(dataset, True)
    assert (distinct.read, distinct.given, distinct.merged.tolist()) == (1000, 1000, [])


@given(VALUES, st.sampled_from([1.0, 1 / 255]))
def test_where_the_range_begins_at_0_the_grid_is_that_of_the_quantizer(values, factor):
    """To the last bit: the same operations on the same numbers."""
    values = np.abs(values)
    values[0] = 0
    seen = torch.from_numpy(values * np.float32(factor)).double()[None]
    on = grid(extremes(seen[:, :-2]), 255)
    steps, scale = network_inputs(floats(values, factor), True)
    np.testing.assert_array_equal(steps.ravel(), quantize(seen, on).steps[0])
    assert scale == on.scale.item()


@pytest.mark.parametrize(
    "values, steps, scale",
    [
        ([-1.0, 0.4, 254.0, -9.0, 999.0], [-1, 0, 254, -1, 254], 1.0),
        ([-2.55, -1.0, 0.0, -9.0, 9.0], [-255, -100, 0, -255, 0], 0.01),
        ([0.0, 1.0, 2.55, -9.0, 9.0], [0, 100, 255, 0, 255], 0.01),
    ],
)
def test_floats_are_whole_steps_where_0_is_on_the_grid_and_are_cut_beyond_those_trained_on(
    values, steps, scale
):
    found = network_inputs(floats(values), True)
    assert found.values.ravel().tolist() == steps
    assert found.scale == pytest.approx(scale, rel=1e-7)


FEATURES = np.stack([np.linspace(0, 1, 1000), np.linspace(0, 10_000, 1000)[::-1], np.full(1000, 7.0)], 1)


def of_features(values=FEATURES, **keys):
    return Dataset("mine", values, np.arange(1000) % 2, np.arange(1000) % 5 > 0, **keys)


def test_a_small_feature_beside_a_large_one_is_merged_and_said_to_be():
    distinct = distinct_inputs(of_features(), True)
    assert distinct.merged.tolist() == [0]
    assert distinct.read < distinct.given == 1000


def test_scaling_by_feature_gives_each_its_own_grid():
    dataset = of_features(scaling="feature")
    values, scale = network_inputs(dataset, True)
    assert (values.dtype, scale) == (np.uint8, 1 / 255)
    trained = FEATURES[dataset.train_mask].astype(np.float32).astype(float)
    shares = (FEATURES.astype(np.float32) - trained.min(0)) / np.maximum(np.ptp(trained, 0), 1e-9)
    assert np.abs(values[:, :2] / 255 - shares[:, :2].clip(0, 1)).max() <= 0.5 / 255 + 1e-9
    assert not values[:, 2].any()
    assert distinct_inputs(dataset, True).merged.tolist() == []


def test_scaling_by_feature_shows_float32_networks_shares_of_the_range():
    values, scale = network_inputs(of_features(scaling="feature"), False)
    assert (values.dtype, scale) == (np.float32, None)
    dataset = of_features()
    low, high = (extreme(dataset.inputs[dataset.train_mask], axis=0) for extreme in (np.min, np.max))
    shares = (dataset.inputs[:, :2] - low[:2]) / (high - low)[:2]
    np.testing.assert_allclose(values[:, :2], shares, atol=1e-6)
    assert values.min() < 0  # a test input lies outside of the range of those trained on


def test_scaling_by_feature_takes_whole_numbers_too():
    whole = np.stack([np.arange(1000) % 2, np.arange(1000) * 60], 1)
    values, scale = network_inputs(of_features(whole, scaling="feature"), True)
    assert set(values[:, 0]) == {0, 255} and len(set(values[:, 1])) == 256
    assert scale == 1 / 255


@pytest.mark.parametrize("shift", [0, 1000])
def test_what_each_feature_reads_depends_on_no_offset_and_unit_of_its_own(shift):
    """Powers of two as units, and offsets at which float32 holds the same numbers."""
    values = np.random.default_rng(1).integers(0, 1024, (1000, 2)) / 1024
    ours = network_inputs(of_features(values, scaling="feature"), True).values
    theirs = network_inputs(of_features(values * [4.0, 0.25] + shift, scaling="feature"), True).values
    np.testing.assert_array_equal(ours, theirs)


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
