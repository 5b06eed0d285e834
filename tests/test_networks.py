"""Layout, initialisation and forward pass of the networks."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from reference import WIDTHS, PublishedNetwork, bits_of, split
from scipy import stats

from infoplane import TrainingSpec
from infoplane.networks import Levels, Network, forward, initialise, network_of, scheme_of
from infoplane.training import FastArithmetic

SPEC = {"dataset": "synthetic", "network": "shwartz-ziv", "epochs": 1, "record_every": 1, "compile": False}


def test_kernels_lie_row_by_row_before_their_biases():
    network = Network.dense((3, 2, 2), "relu")
    assert network.size == 14
    rows = torch.stack([torch.arange(14.0), 100 + torch.arange(14.0)])
    kernel, bias = network.layers[0].kernel_and_bias(rows)
    assert kernel[0].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert bias[0].tolist() == [6, 7]
    kernel, bias = network.layers[1].kernel_and_bias(rows)
    assert kernel[1].tolist() == [[108, 109], [110, 111]]
    assert bias[1].tolist() == [112, 113]


@pytest.fixture(scope="module", params=["glorot", "truncated-normal"])
def draws(request):
    network = network_of(TrainingSpec(**SPEC, activation="tanh", bits=8), 12, 2)
    rows = np.stack([initialise(network, request.param, np.random.default_rng(seed)) for seed in range(300)])
    return request.param, rows


def test_initial_parameters(draws):
    initialisation, rows = draws
    assert rows.shape == (300, 294)
    assert rows.dtype == np.float32
    for layer, (fan_in, width) in enumerate(pairwise(WIDTHS)):
        kernels = np.concatenate([split(torch.from_numpy(row))[layer][0].numpy().ravel() for row in rows])
        biases = np.concatenate([split(torch.from_numpy(row))[layer][1].numpy() for row in rows])
        assert not biases.any()
        if initialisation == "glorot":
            limit = np.sqrt(6 / (fan_in + width))
            expected = stats.uniform(-limit, 2 * limit)
        else:
            limit = 2 / np.sqrt(width)
            expected = stats.truncnorm(-2, 2, scale=1 / np.sqrt(width))
        assert np.abs(kernels).max() <= limit * (1 + 1e-6)
        assert np.abs(kernels).max() > 0.95 * limit
        assert kernels.std() == pytest.approx(expected.std(), rel=0.05)
        assert stats.kstest(kernels, expected.cdf).pvalue > 1e-3


def test_initial_parameters_differ_between_repetitions(draws):
    _, rows = draws
    assert len(np.unique(rows[:, 0])) == 300


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("bits", [8, 2, {"weights": 8, "activations": 3}, "float32"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_forward_is_that_of_the_reference(activation, bits, training):
    spec = TrainingSpec(**SPEC, activation=activation, bits=bits)
    generator = np.random.default_rng(5)
    parameters = torch.from_numpy(generator.normal(0, 0.6, (3, 294)))
    ranges = torch.from_numpy(generator.uniform(0.5, 6, (3, 6, 1)) * [-1.0, 1.0] + 0.01)
    inputs = torch.from_numpy(generator.integers(0, 2, (3, 100, 12)).astype(float))
    outputs, updated = forward(
        network_of(spec, 12, 2),
        scheme_of(spec),
        Levels.of(spec.bits, torch.float64),
        parameters,
        ranges,
        inputs.transpose(1, 2),
        FastArithmetic(),
        training,
    )
    moves = {"tanh": [5], "relu": range(6)}[activation] if bits != "float32" and training else ()
    for member in range(3):
        reference = PublishedNetwork(activation, bits_of(spec), parameters[member])
        reference.ranges = ranges[member].tolist()
        with torch.no_grad():
            reference.logits(inputs[member], training)
        for found, expected in zip(outputs, reference.outputs, strict=True):
            values = found if isinstance(found, torch.Tensor) else found.values
            torch.testing.assert_close(values[member].T, expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(updated[member], torch.tensor(reference.ranges, dtype=torch.float64))
        changed = (updated[member] != ranges[member]).any(1).nonzero().ravel().tolist()
        assert changed == list(moves)
