"""Replay, code for code: against slow arithmetic, and whatever the company of a snapshot or of an input."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import floor

import numpy as np
import pytest
import torch
from reference import bits_of, replayed, split

from infoplane import Dataset, TrainingSpec, load_dataset, train
from infoplane.replay import replay

QUANTIZED = ["tanh-8", "tanh-4", "relu-8", "relu-2", "relu-16"]
KINDS = [*QUANTIZED, "tanh-float32", "relu-float32"]
COMPILE = [pytest.param(False, id="eager"), pytest.param(True, id="compiled", marks=pytest.mark.slow)]
LAYERS = 6


@pytest.fixture(scope="module")
def synthetic():
    return load_dataset("synthetic")


def spec_of(kind, **others):
    activation, bits = kind.split("-")
    settings = {"dataset": "synthetic", "network": "shwartz-ziv", "activation": activation}
    settings |= {"bits": bits if bits == "float32" else int(bits), "compile": False}
    settings |= {"epochs": 5, "record_every": 2, "learning_rate": 2e-2, "batch_size": 1024}
    return TrainingSpec(**settings | others)


@cache
def trained(kind):
    """Three repetitions of four snapshots each."""
    return train(spec_of(kind), [0, 3, 7])[0]


def compiled(trajectory):
    return replace(trajectory, spec=trajectory.spec.model_copy(update={"compile": True}))


def everything(trajectory, dataset):
    """Codes and activations of each layer at each snapshot, each (snapshots, width, N)."""
    parts = [layers for _, layers in replay(trajectory, dataset)]
    return [np.concatenate(layer) for layer in zip(*parts, strict=True)]


def snapshots(trajectory):
    return trajectory.parameters.reshape(-1, 294), trajectory.ranges.reshape(-1, LAYERS, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_codes_and_activations_are_those_of_plain_loops(kind, synthetic):
    trajectory = trained(kind)
    found = everything(trajectory, synthetic)
    parameters, ranges = snapshots(trajectory)
    assert all(len(layer) == len(parameters) == 12 for layer in found)
    for place in range(0, len(parameters), 3):
        codes, activations = replayed(
            parameters[place],
            ranges[place],
            trajectory.spec.activation,
            bits_of(trajectory.spec),
            synthetic.inputs,
        )
        for layer in range(LAYERS):
            np.testing.assert_array_equal(found[layer][place].T, codes[layer])
            np.testing.assert_allclose(found[LAYERS + layer][place].T, activations[layer], rtol=2e-7, atol=0)


class RationalGrid:
    def __init__(self, low, high, bits):
        low, high = min(Fraction(float(low)), 0), max(Fraction(float(high)), 0)
        self.top = 2**bits - 1
        self.scale = (high - low) / self.top
        self.zero = min(max(floor(-low / self.scale + Fraction(1, 2)), 0), self.top)

    def steps(self, x):
        return min(max(floor(x / self.scale + self.zero + Fraction(1, 2)), 0), self.top) - self.zero


def rational_codes(parameters, ranges, bits, inputs):
    """The codes of each layer of a ReLU network, by rational numbers from the input to the logits."""
    values, codes = [[Fraction(int(bit)) for bit in row] for row in inputs], []
    layers = split(torch.from_numpy(parameters))
    for place, (kernel, bias) in enumerate(layers):
        is_output = place == len(layers) - 1
        weights = RationalGrid(kernel.min(), kernel.max(), bits[0])
        columns = [
            [weights.steps(Fraction(float(weight))) * weights.scale for weight in column]
            for column in kernel.T
        ]
        on = RationalGrid(*ranges[place], bits[1])
        steps = []
        for row in values:
            sums = [
                sum(map(Fraction.__mul__, column, row)) + Fraction(float(b))
                for column, b in zip(columns, bias, strict=True)
            ]
            steps.append([on.steps(x if is_output else max(x, Fraction(0))) for x in sums])
        values = [[step * on.scale for step in row] for row in steps]
        codes.append([[s - max(row) if is_output else s + on.zero for s in row] for row in steps])
    return codes


@pytest.mark.parametrize("kind", ["relu-8", "relu-2", "relu-16"])
def test_codes_of_quantized_weights_are_those_of_rational_arithmetic(kind, synthetic):
    trajectory = trained(kind)
    some = np.arange(0, 4096, 61)
    found = everything(trajectory, synthetic)
    parameters, ranges = snapshots(trajectory)
    for place in (0, 5, 11):
        codes = rational_codes(
            parameters[place], ranges[place], bits_of(trajectory.spec), synthetic.inputs[some]
        )
        for layer in range(LAYERS):
            np.testing.assert_array_equal(found[layer][place][:, some].T, codes[layer])


@pytest.mark.parametrize("compile", COMPILE)
@pytest.mark.parametrize("count", [4096, 5001])
@pytest.mark.parametrize("kind", KINDS)
def test_codes_depend_neither_on_the_place_of_an_input_nor_on_their_number(kind, count, compile, synthetic):
    trajectory = compiled(trained(kind)) if compile else trained(kind)
    generator = np.random.default_rng(count)
    order = np.concatenate([generator.permutation(4096), generator.integers(0, 4096, count - 4096)])
    shuffled = Dataset(
        "shuffled", synthetic.inputs[order], synthetic.labels[order], synthetic.train_mask[order]
    )
    whole, other = everything(trained(kind), synthetic), everything(trajectory, shuffled)
    for ours, theirs in zip(whole, other, strict=True):
        np.testing.assert_array_equal(ours[:, :, order], theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_codes_depend_on_no_other_snapshot(kind, synthetic):
    trajectory = trained(kind)
    whole = everything(trajectory, synthetic)
    times = len(trajectory.epochs)
    for repetition, time in [(0, 0), (1, 2), (2, 3)]:
        alone = replace(
            trajectory,
            repetitions=trajectory.repetitions[[repetition]],
            epochs=trajectory.epochs[[time]],
            parameters=trajectory.parameters[[repetition]][:, [time]],
            ranges=trajectory.ranges[[repetition]][:, [time]],
        )
        for ours, theirs in zip(whole, everything(alone, synthetic), strict=True):
            np.testing.assert_array_equal(ours[repetition * times + time], theirs[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_compiled_replay_is_eager_replay(kind, synthetic):
    trajectory = trained(kind)
    eager, other = everything(trajectory, synthetic), everything(compiled(trajectory), synthetic)
    for ours, theirs in zip(eager, other, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("kind", QUANTIZED)
def test_codes_of_logits_are_their_distance_to_the_largest(kind, synthetic):
    trajectory = trained(kind)
    logits, softmax = (everything(trajectory, synthetic)[layer] for layer in (5, 11))
    assert (logits.max(axis=1) == 0).all()
    assert (logits <= 0).all()
    for codes, outputs in zip(logits, softmax, strict=True):
        parts = len(np.unique(codes, axis=1).T)
        assert len(np.unique(np.concatenate([codes, outputs]), axis=1).T) == parts
        assert len(np.unique(outputs, axis=1).T) <= parts  # the softmax itself is rounded


def test_snapshots_are_handed_out_in_order(synthetic):
    parts = [(first, len(layers[0])) for first, layers in replay(trained("relu-8"), synthetic)]
    firsts, sizes = zip(*parts, strict=True)
    assert list(firsts) == np.cumsum([0, *sizes])[:-1].tolist()
    assert sum(sizes) == 12


@pytest.mark.parametrize("compile", COMPILE)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_negative_zero_has_the_code_of_zero(activation, synthetic, compile):
    kind = f"{activation}-float32"
    trajectory = train(spec_of(kind, epochs=1), [0], synthetic)[0]
    parameters = np.full_like(trajectory.parameters, -0.0)
    parameters[:, :, :120] = np.linspace(-0.0, -1.0, 120)
    trajectory = replace(trajectory, spec=spec_of(kind, epochs=1, compile=compile), parameters=parameters)
    for codes in everything(trajectory, synthetic)[1 : LAYERS - 1]:
        assert not codes.any()
