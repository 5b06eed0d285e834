"""Initial parameters, and the functions of our own that they are drawn by."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reference import plan, small_images, split
from scipy import special, stats

from infoplane import TrainingSpec, load_dataset
from infoplane.networks.initialisation import (
    ABOVE,
    BELOW,
    initialise,
    logarithm,
    normal_quantile,
    truncated_normal,
)
from infoplane.networks.layers import network_of

IMAGES = [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5]
INITIALISATIONS = ["glorot", "truncated-normal"]


def spec_of(bits=8, protocol="published", network="shwartz-ziv", **others):
    settings = {"dataset": "mine", "activation": "tanh", "epochs": 1, "record_every": 1}
    return TrainingSpec(**settings, bits=bits, protocol=protocol, network=network, **others)


def uniforms(network, seed):
    return np.random.default_rng(seed).random(network.size)


@pytest.fixture(scope="module", params=[*product(INITIALISATIONS, ["shwartz-ziv", IMAGES])], ids=str)
def draws(request):
    initialisation, layers = request.param
    dataset = load_dataset("synthetic") if layers == "shwartz-ziv" else small_images((2, 9, 8))
    spec = spec_of(network=layers, initialisation=initialisation)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    rows = np.stack([initialise(network, spec, uniforms(network, seed)) for seed in range(300)])
    return initialisation, plan(spec, dataset), rows


def test_initial_parameters(draws):
    initialisation, layers, rows = draws
    assert rows.dtype == np.float32
    drawn = [split(layers, torch.from_numpy(row)) for row in rows]
    for place, layer in enumerate(layers):
        if layer.kind == "pool":
            continue
        kernels = np.concatenate([tensors[place][0].numpy().ravel() for tensors in drawn])
        biases = np.concatenate([tensors[place][1].numpy() for tensors in drawn])
        assert not biases.any()
        if initialisation == "glorot":
            fan_out = layer.width * (layer.size**2 if layer.kind == "conv" else 1)
            limit = np.sqrt(6 / (layer.fan_in + fan_out))
            expected = stats.uniform(-limit, 2 * limit)
        else:
            limit = 2 / np.sqrt(layer.width)
            expected = stats.truncnorm(-2, 2, scale=1 / np.sqrt(layer.width))
        assert np.abs(kernels).max() <= limit * (1 + 1e-6)
        assert np.abs(kernels).max() > 0.95 * limit
        assert kernels.std() == pytest.approx(expected.std(), rel=0.05)
        assert stats.kstest(kernels, expected.cdf).pvalue > 1e-3


def test_initial_parameters_differ_between_repetitions(draws):
    *_, rows = draws
    assert len(np.unique(rows[:, 0])) == 300


@pytest.mark.parametrize(
    ("network", "protocol", "bits", "expected"),
    [
        ("shwartz-ziv", "published", 8, "glorot"),
        ("shwartz-ziv", "published", "float32", "glorot"),
        ("shwartz-ziv", "controlled", 8, "truncated-normal"),
        ("shwartz-ziv", "controlled", "float32", "truncated-normal"),
        ("4x10", "published", 8, "truncated-normal"),
        ([10, 7, 5, 4, 3], "published", 8, "truncated-normal"),
    ],
)
def test_initialisation_by_default(network, protocol, bits, expected):
    spec = spec_of(bits, protocol, network)
    layers = network_of(spec, (12,), 2)
    drawn = [
        initialise(layers, each, uniforms(layers, 3))
        for each in (spec, *(spec.model_copy(update={"initialisation": name}) for name in INITIALISATIONS))
    ]
    same = [np.array_equal(drawn[0], other) for other in drawn[1:]]
    assert same == [name == expected for name in INITIALISATIONS]


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
def test_every_parameter_follows_from_its_own_uniform_number(initialisation):
    spec = spec_of(initialisation=initialisation)
    network = network_of(spec, (12,), 2)
    numbers = uniforms(network, 0)
    for place in (0, 119, 130):  # of the kernels of the first and second layer
        others = uniforms(network, 1)
        others[place] = numbers[place]
        ours, theirs = initialise(network, spec, numbers), initialise(network, spec, others)
        assert np.flatnonzero((ours == theirs) & (ours != 0)).tolist() == [place]


def test_constants_are_the_normal_distribution_at_two():
    assert pytest.approx(special.ndtr(-2), rel=1e-15) == BELOW
    assert pytest.approx(special.ndtr(2), rel=1e-15) == ABOVE


# Both are right to a few units in the last place, of which there are 2⁵² in 1: 1e-13 are 450 of them.
def test_quantiles_are_those_of_scipy():
    p = np.concatenate([np.linspace(BELOW, ABOVE, 100_001), np.linspace(1e-10, BELOW, 1001)])
    expected = special.ndtri(p)
    np.testing.assert_allclose(normal_quantile(p), expected, rtol=1e-13, atol=1e-16)
    assert normal_quantile(np.array([0.5])) == 0


@given(st.floats(0.5, 1 - 1e-10))
def test_quantiles_are_odd(p):
    """About ½; 1 − p is not rounded."""
    below, above = normal_quantile(np.array([1 - p, p]))
    assert below == -above


@given(st.floats(1e-300, 1e300))
def test_logarithms_are_those_of_numpy(x):
    np.testing.assert_allclose(logarithm(np.array([x])), np.log(x), rtol=1e-15, atol=0)


@given(st.lists(st.floats(2.0**-53, 1 - 2.0**-53), min_size=1))
def test_truncated_normal_numbers_are_cut_at_two_and_rise_with_their_uniform_ones(numbers):
    ordered = truncated_normal(np.sort(numbers))
    assert np.abs(ordered).max() <= 2 * (1 + 1e-15)
    assert (np.diff(ordered) >= -4e-15).all()  # two values, each right to 1e-15 of at most 2
