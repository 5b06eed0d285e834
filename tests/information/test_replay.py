"""Replay by either engine, code for code: against slow arithmetic, and whatever the company of a snapshot or
of an input.
"""

import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import exp, floor
from typing import NamedTuple

import numpy as np
import pytest
import torch
from invariants import parts_of, refines
from reference import input_steps, plan, policies, pooled, reads_softmax, replayed, small_images, split, sums
from trainings import CASES, name_of
from trainings import dataset_of as dataset_of_spec

from infoplane import Dataset, EstimatorSpec, TrainingSpec, UserError, estimate, load_dataset, train
from infoplane.config import Bits
from infoplane.information.binning import rebinned
from infoplane.information.levels import levels_in_use
from infoplane.information.merging import merging
from infoplane.information.reliability import reliability
from infoplane.information.replay import replay
from infoplane.kernels.inputs import is_sparse_for
from infoplane.networks.layers import network_of
from infoplane.suitability import InputsMerged

LAYERS = [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5]
SETTINGS = {"epochs": 5, "record_every": 2, "learning_rate": 2e-2}
PLAIN = {"dataset": "synthetic", "network": "shwartz-ziv", "batch_size": 1024}
SMALL = {"network": LAYERS, "batch_size": 32}
ENGINES = ["kernels", "torch"]


def spec_of(activation, bits, dataset="synthetic", **others):
    settings = PLAIN if dataset == "synthetic" else SMALL | {"dataset": dataset}
    return TrainingSpec(**SETTINGS | settings | {"activation": activation, "bits": bits} | others)


def controlled(activation, bits, dataset="synthetic", **others):
    return spec_of(activation, bits, dataset, protocol="controlled", **others)


KINDS = {
    "tanh-8": spec_of("tanh", 8),
    "tanh-4": spec_of("tanh", 4),
    "relu-8": spec_of("relu", 8),
    "relu-2": spec_of("relu", 2),
    "relu-16": spec_of("relu", 16),
    "tanh-float32": spec_of("tanh", "float32"),
    "relu-float32": spec_of("relu", "float32"),
    "controlled-relu-8": controlled("relu", 8),
    "controlled-sigmoid-3": controlled("sigmoid", 3),
    "controlled-hard-tanh-8": controlled("hard-tanh", 8),
    "images-relu-8": spec_of("relu", 8, "images"),
    "images-tanh-8": spec_of("tanh", 8, "images"),
    "images-relu-12": spec_of("relu", 12, "images"),
    "images-relu-2-16": spec_of("relu", {"weights": 2, "activations": 16}, "images"),
    "images-gelu-float32": spec_of("gelu", "float32", "images"),
    "images-controlled-relu-8": controlled("relu", 8, "images"),
    "images-controlled-tanh-8": controlled("tanh", 8, "images", prefit_epochs=1),
    "images-controlled-elu-4": controlled("elu", 4, "images"),
    "images-controlled-identity-16": controlled("identity", 16, "images"),
    "images-controlled-leaky-relu-8": controlled("leaky-relu", 8, "images", ranges={"output": "ema"}),
    "images-hourglass-relu-8": spec_of("relu", 8, "images", network="hourglass"),
    "images-hourglass-controlled-gelu-8": controlled("gelu", 8, "images", network="hourglass"),
    "images-pool-relu-8": spec_of("relu", 8, "images", network=[{"pool": 3}, 4]),
    "images-pool-elu-float32": spec_of("elu", "float32", "images", network=[{"pool": 2}, {"pool": 2}, 4]),
    "floats-relu-8": spec_of("relu", 8, "floats"),
    "floats-tanh-8": spec_of("tanh", 8, "floats"),
    "floats-controlled-leaky-relu-8": controlled("leaky-relu", 8, "floats"),
    "floats-elu-float32": spec_of("elu", "float32", "floats"),
    "floats-pool-relu-4": spec_of("relu", 4, "floats", network=[{"pool": 2}, 6, 4]),
    "wide-relu-8": spec_of("relu", 8, "wide"),
    "wide-pool-relu-8": spec_of("relu", 8, "wide", network=[{"pool": 2}, {"conv": 2}, 4]),
    "wide-relu-16": spec_of("relu", 16, "wide"),
    "dark-relu-8": spec_of("relu", 8, "dark", network="hourglass"),
    "dark-tanh-8": spec_of("tanh", 8, "dark", network=[19, 4]),
    "dark-gelu-float32": spec_of("gelu", "float32", "dark", network=[19, 4]),
    "wide-sigmoid-float32": spec_of("sigmoid", "float32", "wide"),
}
QUANTIZED = [kind for kind, spec in KINDS.items() if isinstance(spec.bits, Bits)]


@cache
def dataset_of(kind):
    name = KINDS[kind].dataset
    if name == "synthetic":
        return load_dataset("synthetic")
    images = small_images((9, 8), np.float32 if name == "floats" else np.uint8, count=200)
    if name == "dark":
        images = replace(images, inputs=np.where(images.inputs > 128, images.inputs, 0).astype(np.uint8))
        assert is_sparse_for(images.inputs.reshape(200, -1), network_of(KINDS[kind], (9, 8), 3))
    if name == "wide":
        images = replace(images, inputs=images.inputs.astype(np.uint16) * 257, scale=1 / 65535)
    return replace(images, name=name)


@cache
def trained(kind):
    """Three repetitions of a few snapshots each."""
    return train(KINDS[kind], [0, 3, 7], dataset_of(kind))[0]


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param


def by(engine, trajectory):
    """A trajectory that an engine is to replay, whichever has trained it."""
    return replace(trajectory, spec=trajectory.spec.model_copy(update={"engine": engine}))


class Outputs(NamedTuple):
    """Of each layer T, its codes and activations at all snapshots, (snapshots, outputs, N)."""

    t: list[np.ndarray]
    codes: list[np.ndarray | None]
    activations: list[np.ndarray]


def everything(trajectory, dataset) -> Outputs:
    groups = [each.layers for each in replay(trajectory, dataset)]
    of_layers = [
        [(layer.t, layer.codes, layer.activations) for layer in layers]
        for layers in zip(*groups, strict=True)
    ]
    joined = [
        [None if each[0] is None else np.concatenate(each) for each in zip(*groups, strict=True)]
        for groups in of_layers
    ]
    return Outputs(*map(list, zip(*joined, strict=True)))


@cache
def found(kind, engine) -> Outputs:
    return everything(by(engine, trained(kind)), dataset_of(kind))


def same(one: Outputs, other: Outputs) -> None:
    """Hold codes and activations of a replay against those of another, bit for bit."""
    for ours, theirs in zip(one.t + one.activations, other.t + other.activations, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def snapshots(trajectory):
    return [
        each.reshape(trajectory.finite.size, *each.shape[2:])
        for each in (trajectory.parameters, trajectory.ranges)
    ]


def by_plain_loops(trajectory, dataset):
    return [
        replayed(*snapshot, trajectory.spec, dataset) for snapshot in zip(*snapshots(trajectory), strict=True)
    ]


def hold_against(plain, layers: Outputs) -> None:
    """Hold all codes and activations against those of plain loops."""
    assert {len(layer) for layer in layers.t} == {len(plain)}
    for place, (codes, activations) in enumerate(plain):
        for layer, t in enumerate(layers.t):
            if layers.codes[layer] is None:  # float32 networks, and pools of inputs
                expected = activations[layer].astype(np.float32).view(np.uint32)
            else:  # distances to the largest logit are negative, and T is unsigned
                expected = codes[layer].astype(np.int64).astype(t.dtype)
            np.testing.assert_array_equal(t[place].T, expected)
            np.testing.assert_allclose(
                layers.activations[layer][place].T, activations[layer], rtol=2e-7, atol=0
            )


@pytest.mark.parametrize("kind", KINDS)
def test_codes_and_activations_are_those_of_plain_loops(kind):
    plain = by_plain_loops(trained(kind), dataset_of(kind))
    assert len(plain) >= 12
    for engine in ENGINES:
        hold_against(plain, found(kind, engine))


@pytest.mark.parametrize(("spec", "dtype"), CASES, ids=name_of)
def test_codes_of_every_training_are_those_of_plain_loops(spec, dtype):
    dataset = dataset_of_spec(spec, dtype)
    trajectory = train(spec, [3], dataset)[0]
    plain = by_plain_loops(trajectory, dataset)
    for engine in ENGINES:
        hold_against(plain, everything(by(engine, trajectory), dataset))


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_agree(kind):
    same(*(found(kind, engine) for engine in ENGINES))


class RationalGrid:
    def __init__(self, ends, bits):
        low, high = min(Fraction(float(ends[0])), 0), max(Fraction(float(ends[1])), 0)
        self.top = 2**bits - 1
        self.scale = (high - low) / self.top
        self.zero = min(max(floor(-low / self.scale + Fraction(1, 2)), 0), self.top)

    def steps(self, values):
        return np.vectorize(self.step, otypes=[object])(values)

    def step(self, x):
        return min(max(floor(x / self.scale + self.zero + Fraction(1, 2)), 0), self.top) - self.zero


fractions = np.vectorize(lambda x: Fraction(float(x)), otypes=[object])


def softmax(row):
    return [Fraction(1 / sum(exp(other - logit) for other in row)) for logit in row]


def rational_codes(parameters, ranges, spec, dataset, some):
    """The codes of each layer of a ReLU network, by rational numbers from the input to the logits."""
    steps, scale = input_steps(dataset, spec)
    values, codes = fractions(steps[some]) * Fraction(scale), []
    values = values[:, None] if values.ndim == 3 else values
    layers, chosen = plan(spec, dataset), policies(spec)
    for place, tensors in enumerate(split(layers, torch.from_numpy(parameters))):
        layer, is_output = layers[place], place == len(layers) - 1
        if tensors is None:
            values = pooled(values, layer.size)
        else:
            kernel, bias = (fractions(each.numpy()) for each in tensors)
            weights = RationalGrid((kernel.min(), kernel.max()), spec.bits.weights)
            totals = sums(layer, weights.steps(kernel) * weights.scale, values)
            totals = totals + (bias if layer.kind == "dense" else bias[:, None, None])
            policy = chosen["output" if is_output else "activations"]
            on = RationalGrid(
                policy if isinstance(policy, tuple) else ranges[place, 1], spec.bits.activations
            )
            if not is_output:
                totals = np.maximum(totals, Fraction(0))
            elif reads_softmax(spec):
                totals = np.array([softmax(row) for row in totals])
            values = on.steps(totals) * on.scale
        steps = (values / on.scale).reshape(len(values), -1)
        reads_logits = is_output and not reads_softmax(spec)
        codes.append(steps - steps.max(axis=1, keepdims=True) if reads_logits else steps + on.zero)
    return codes


RATIONAL = ["relu-8", "relu-2", "relu-16", "controlled-relu-8"]
RATIONAL += ["images-relu-8", "images-relu-12", "images-controlled-relu-8", "floats-relu-8", "wide-relu-16"]


@cache
def by_rational_arithmetic(kind):
    """Some inputs, and their codes at some snapshots."""
    some = np.arange(0, len(dataset_of(kind).inputs), 61)
    parameters, ranges = snapshots(trained(kind))
    return some, {
        place: rational_codes(parameters[place], ranges[place], KINDS[kind], dataset_of(kind), some)
        for place in (0, 5, 11)
    }


@pytest.mark.parametrize("kind", RATIONAL)
def test_codes_of_quantized_weights_are_those_of_rational_arithmetic(kind, engine):
    some, expected = by_rational_arithmetic(kind)
    for place, codes in expected.items():
        for layer, t in enumerate(found(kind, engine).t):
            np.testing.assert_array_equal(t[place][:, some].T, codes[layer].astype(np.int64).astype(t.dtype))


@pytest.mark.parametrize("more", [0, 905])
@pytest.mark.parametrize("kind", KINDS)
def test_codes_depend_neither_on_the_place_of_an_input_nor_on_their_number(kind, more, engine):
    dataset = dataset_of(kind)
    count = len(dataset.inputs)
    generator = np.random.default_rng(more)
    order = np.concatenate([generator.permutation(count), generator.integers(0, count, more)])
    shuffled = replace(
        dataset,
        inputs=dataset.inputs[order],
        labels=dataset.labels[order],
        train_mask=dataset.train_mask[order],
    )
    expected = found(kind, engine)
    in_order = Outputs(*([None if each is None else each[:, :, order] for each in its] for its in expected))
    trajectory = replace(by(engine, trained(kind)), dataset=shuffled.description)
    same(everything(trajectory, shuffled), in_order)


@pytest.mark.parametrize("kind", KINDS)
def test_codes_depend_on_no_other_snapshot(kind, engine):
    trajectory = by(engine, trained(kind))
    times = len(trajectory.epochs)
    for repetition, time in [(0, 0), (1, 2), (2, 3)]:
        alone = replace(
            trajectory,
            repetitions=trajectory.repetitions[[repetition]],
            parts=trajectory.parts[[time]],
            epochs=trajectory.epochs[[time]],
            parameters=trajectory.parameters[[repetition]][:, [time]],
            ranges=trajectory.ranges[[repetition]][:, [time]],
        )
        here = slice(repetition * times + time, repetition * times + time + 1)
        of_one = Outputs(
            *([None if each is None else each[here] for each in its] for its in found(kind, engine))
        )
        same(everything(alone, dataset_of(kind)), of_one)


AT_ONCE = {
    "kernels": [("infoplane.kernels.replay.VALUES_TOGETHER", held) for held in (1, 16 * 378 * 2, 10**9)],
    "torch": [
        ("infoplane.networks.forward.MOST_VALUES", held) for held in (1, 378 * 64 * 4, 378 * 128 * 3, 10**9)
    ],
}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].dataset != "synthetic"])
def test_codes_depend_on_no_size_of_blocks(kind, engine, monkeypatch):
    """However many inputs and however many snapshots are replayed at a time."""
    for setting, held in AT_ONCE[engine] + [("infoplane.information.replay.AT_ONCE", 1)]:
        with monkeypatch.context() as patch:
            patch.setattr(setting, held)
            same(everything(by(engine, trained(kind)), dataset_of(kind)), found(kind, engine))


@pytest.mark.parametrize("kind", QUANTIZED)
def test_codes_of_the_output(kind, engine):
    """Those of logits are their distance to the largest, those of the softmax lie on its grid."""
    t, codes, activations = (each[-1] for each in found(kind, engine))
    top = 2 ** KINDS[kind].bits.activations - 1
    assert codes.max() <= top
    if KINDS[kind].protocol == "controlled":
        np.testing.assert_array_equal(t, codes)
        if "output" not in KINDS[kind].ranges.model_fields_set:
            np.testing.assert_allclose(activations, codes / top, rtol=1e-12)
            np.testing.assert_allclose(codes.sum(axis=1, dtype=int), top, atol=codes.shape[1] / 2)
        return
    assert (t.astype(int) == (codes - codes.max(axis=1, keepdims=True).astype(int)) % 256**t.itemsize).all()
    np.testing.assert_allclose(activations.sum(axis=1), 1, rtol=1e-6)
    for each, outputs in zip(t, activations, strict=True):
        parts = len(np.unique(each, axis=1).T)
        assert len(np.unique(np.concatenate([each, outputs]), axis=1).T) == parts
        assert len(np.unique(outputs, axis=1).T) <= parts  # the softmax itself is rounded


@pytest.mark.parametrize("kind", QUANTIZED)
def test_equal_codes_have_equal_codes_in_the_next_layer(kind, engine):
    layers, inputs = found(kind, engine).t, dataset_of(kind).inputs
    rows = inputs.reshape(len(inputs), -1)
    of_inputs = parts_of(rows.view(np.int32) if rows.dtype == np.float32 else rows)
    for place in range(len(layers[0])):
        parts = [parts_of(layer[place].T) for layer in layers]
        for layer, next_layer in pairwise([of_inputs, *parts]):
            assert refines(layer, next_layer)


@pytest.mark.parametrize("kind", [kind for kind in QUANTIZED if KINDS[kind].bits.activations <= 8])
def test_rebinned_hidden_layers_have_the_parts_of_their_codes(kind, engine):
    layers = found(kind, engine)
    hidden = [each for each in zip(*layers, strict=True) if each[1] is not None]  # but for pools of inputs
    for t, _, values in hidden[:-1]:
        ends = (extreme(axis=(1, 2), keepdims=True) for extreme in (values.min, values.max))
        again = rebinned(values, *ends, KINDS[kind].bits.activations)
        for codes, bins in zip(t, again, strict=True):
            ours, theirs = parts_of(codes.T), parts_of(bins.T)
            assert refines(ours, theirs) and refines(theirs, ours)


def test_pools_take_the_maxima_of_codes(engine):
    layers = found("images-controlled-elu-4", engine)
    for values in (layers.t, layers.activations):
        for conv, pool, shape in [(0, 1, (2, 7, 6)), (2, 3, (3, 2, 2))]:
            for place in range(len(values[0])):
                images = values[conv][place].T.reshape(-1, *shape)
                expected = pooled(images, 2)
                np.testing.assert_array_equal(values[pool][place].T, expected.reshape(len(images), -1))
    assert (layers.activations[0] < 0).any()


@pytest.mark.parametrize("held", [1, 10**6, 10**9])
@pytest.mark.parametrize("kind", ["relu-8", "images-relu-8"])
def test_every_snapshot_is_handed_out_once_and_in_order(kind, held, engine, monkeypatch):
    monkeypatch.setattr("infoplane.information.replay.AT_ONCE", held)
    places = []
    for repetition, times, layers in replay(by(engine, trained(kind)), dataset_of(kind)):
        places += [(repetition, time) for time in times.tolist()]
        assert {layer.shape[0] for layer in layers} == {len(times)}
    assert places == list(np.ndindex(3, 4))


@pytest.mark.parametrize("kind", ["relu-8", "images-controlled-tanh-8", "floats-elu-float32"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_snapshots_that_are_not_finite_are_left_out(kind, value, engine):
    trajectory = by(engine, trained(kind))
    parameters, ranges = trajectory.parameters.copy(), trajectory.ranges.copy()
    parameters[0, 1, -1] = parameters[2, :, 0] = ranges[1, 3, -1, 1, 0] = value
    broken = replace(trajectory, parameters=parameters, ranges=ranges)
    times = len(trajectory.epochs)
    places = [each.repetition * times + each.times for each in replay(broken, dataset_of(kind))]
    left = [place for place in range(2 * times) if place not in (1, times + 3)]
    assert np.concatenate(places).tolist() == left
    of_left = Outputs(
        *([None if each is None else each[left] for each in its] for its in found(kind, engine))
    )
    same(everything(broken, dataset_of(kind)), of_left)


@pytest.mark.parametrize("activation", ["tanh", "relu", "identity", "leaky-relu", "hard-tanh", "elu", "gelu"])
def test_negative_zero_has_the_code_of_zero(activation, engine):
    spec = KINDS["tanh-float32"].model_copy(update={"activation": activation, "epochs": 1})
    dataset = dataset_of("tanh-float32")
    trajectory = by(engine, train(spec, [0], dataset)[0])
    parameters = np.full_like(trajectory.parameters, -0.0)
    if activation in ("tanh", "relu"):  # the others do not take what is below 0 to 0
        parameters[:, :, :120] = np.linspace(-0.0, -1.0, 120)
    trajectory = replace(trajectory, parameters=parameters)
    for codes in everything(trajectory, dataset).t[1:5]:
        assert not codes.any()


def test_float32_networks_see_floats_and_quantized_ones_a_grid(engine):
    """Two inputs that lie between the same levels are told apart by the one and not by the other."""
    generator = np.random.default_rng(0)
    inputs = np.repeat(generator.integers(-100, 156, (100, 3)), 2, axis=0) / np.float32(64)
    inputs[1::2] += np.float32(1e-3)
    inputs[:2] = [[-100 / 64], [155 / 64]]
    dataset = Dataset("mine", inputs, np.arange(200) % 2, np.arange(200) < 150)
    for bits, told_apart in [(8, False), ("float32", True)]:
        spec = spec_of("relu", bits, "mine", network=[16], engine=engine)
        with nullcontext() if told_apart else pytest.warns(InputsMerged, match="101 of 200 distinct inputs"):
            trajectory, _ = train(spec, [0], dataset)
        t = everything(trajectory, dataset).t[0]
        assert (t[:, :, 2::2] != t[:, :, 3::2]).any() == told_apart


OTHERS = {
    "other labels": lambda data: replace(data, labels=(data.labels + 1) % data.classes),
    "another split": lambda data: replace(data, train_mask=~data.train_mask),
    "another scale": lambda data: replace(data, scale=data.scale * 2),
    "scaled by feature": lambda data: replace(data, scale=1.0, scaling="feature"),
    "one input less": lambda data: replace(
        data, inputs=data.inputs[1:], labels=data.labels[1:], train_mask=data.train_mask[1:]
    ),
    "other images": lambda data: small_images((3, 9, 8), count=200),
}
READERS = {
    "estimate": lambda *given: estimate("exact", *given),
    "global bins": lambda *given: estimate(EstimatorSpec(kind="uniform", bins=9, range="global"), *given),
    "levels": levels_in_use,
    "reliability": reliability,
    "merging": merging,
    "replay": lambda *given: next(replay(*given)),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("reader", READERS)
def test_a_data_set_other_than_that_of_the_training_is_refused(reader, other):
    trajectory = trained("images-relu-8")
    with pytest.raises(UserError, match="trained on the data set") as error:
        READERS[reader](trajectory, OTHERS[other](dataset_of("images-relu-8")))
    assert str(error.value).endswith("give the one it was trained on") and "\n" not in str(error.value)


def test_a_data_set_of_another_name_is_the_same(capsys):
    renamed = replace(dataset_of("images-relu-8"), name="other", channels="first")
    assert len(estimate("exact", trained("images-relu-8"), renamed))


@pytest.mark.parametrize(
    "change",
    [
        lambda its: {"parameters": its.parameters[:, :, :-1]},
        lambda its: {"parameters": its.parameters[:, :-1]},
        lambda its: {"parameters": its.parameters.astype(float)},
        lambda its: {"ranges": its.ranges[:, :, :-1]},
        lambda its: {"ranges": its.ranges[..., :1]},
        lambda its: {"repetitions": np.arange(99)},
    ],
)
def test_arrays_that_are_not_those_of_the_network_are_refused(change, engine):
    """Kernels would read beyond their ends."""
    trajectory = by(engine, trained("images-relu-8"))
    with pytest.raises(UserError, match=r"^the trajectory's (parameters|ranges) are .* of the shape"):
        replay(replace(trajectory, **change(trajectory)), dataset_of("images-relu-8"))


def test_a_replay_by_kernels_does_not_wait_for_torch():
    code = """
import sys
from infoplane import EstimatorSpec, TrainingSpec, estimate, load_dataset, train
import infoplane.cli, infoplane.information.levels, infoplane.information.merging
import infoplane.information.reliability
spec = TrainingSpec(dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8, epochs=1,
                    record_every=1)
estimate(EstimatorSpec(kind="exact"), train(spec, [0])[0], load_dataset("synthetic"))
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
