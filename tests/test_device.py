"""The code for a GPU: run by the processor, bit for bit what its own gives; and on a GPU, if there is one."""

import json
import sys
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import small_images
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from trainings import in_double_precision

from infoplane import EstimatorSpec, TrainingSpec, UserError, estimate, train
from infoplane.artifacts import read_table
from infoplane.cli import main
from infoplane.datasets import save_dataset
from infoplane.devices import device_of
from infoplane.information import run
from infoplane.kernels.counting import information_of_words
from infoplane.networks import steps, training
from infoplane.networks.forward import model_on
from infoplane.replay import replay
from infoplane.sorting import information_by_sorting
from infoplane.trajectory import save_trajectory

LAYERS = [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5]
PLAIN = {"dataset": "small-images", "epochs": 2, "record_every": 1, "batch_size": 32, "engine": "torch"}
PLAIN |= {"learning_rate": 2e-2, "network": LAYERS}


def spec_of(activation, bits, protocol="published", **others):
    return TrainingSpec(**PLAIN | {"activation": activation, "bits": bits, "protocol": protocol} | others)


KINDS = {
    "relu-8": spec_of("relu", 8),
    "tanh-8": spec_of("tanh", 8, network=[40, 8]),
    "relu-float32": spec_of("relu", "float32", prefit_epochs=1),
    "tanh-float32": spec_of("tanh", "float32", network=[40, 8], labels="shuffled"),
    "controlled-elu-4": spec_of("elu", 4, "controlled"),
    "controlled-tanh-8": spec_of("tanh", 8, "controlled", prefit_epochs=1),
}
ESTIMATORS = [
    EstimatorSpec(kind="exact"),
    EstimatorSpec(kind="exact", subset="test"),
    EstimatorSpec(kind="rebinned"),
    EstimatorSpec(kind="uniform", bins=30, range="neuron"),
    EstimatorSpec(kind="adaptive", bins=30),
    EstimatorSpec(kind="uniform", bins=30, range="global"),
    EstimatorSpec(kind="quantized", range=(0.0, 1.0)),
]
REPETITIONS = [0, 3]
every_kind = pytest.mark.parametrize("kind", KINDS)


@cache
def images(kind):
    """Of floats, where the network is not quantized."""
    return small_images((9, 8), np.float32 if "float32" in kind else np.uint8, count=200)


@cache
def trained(kind):
    return train(KINDS[kind], REPETITIONS, images(kind))


@cache
def estimated(kind):
    return tables_of(kind, "cpu")


def tables_of(kind, device, estimators=ESTIMATORS):
    return [
        estimate(each, trained(kind)[0], images(kind), device)
        for each in estimators
        if each.kind != "quantized" or "float32" not in kind
    ]


@cache
def replayed(kind):
    return outputs_of(trained(kind)[0], images(kind), "cpu")


def outputs_of(trajectory, dataset, device):
    """Codes and activations of each layer, each (snapshots, outputs, N)."""
    found = [None] * 2 * trajectory.ranges.shape[2]
    for places, layers in replay(trajectory, dataset, device):
        for number, layer in enumerate([*layers.codes, *layers.activations]):
            if found[number] is None:
                found[number] = torch.empty(trajectory.finite.size, *layer.shape[1:], dtype=layer.dtype)
            found[number][places] = layer.cpu()
    return found


class Pretended(str):
    """The processor, taken for a GPU."""

    type = "cuda"


@pytest.fixture
def pretend(monkeypatch):
    """From its call on, all goes the way of a GPU, on the processor."""

    def change():
        for stage in ("training", "replay", "information"):
            module = sys.modules[f"infoplane.{stage}"]
            monkeypatch.setattr(module, "device_of", lambda name: Pretended("cpu"))
        monkeypatch.setattr(sys.modules["infoplane.information"], "information_of_words", None)

    return change


@every_kind
@pytest.mark.parametrize("width", [10, 2, 1])
def test_training_by_the_code_for_a_gpu(pretend, monkeypatch, kind, width):
    """The order of the inputs, the labels and what is recorded are those of the processor.

    Sums of several members are taken in another order, in float64 so that no value moves to the next level.
    """
    monkeypatch.setattr(training, "initial_state", in_double_precision(training.initial_state))
    expected, expected_history = train(KINDS[kind], REPETITIONS, images(kind))
    pretend()
    monkeypatch.setattr(training, "MEMBERS_ON_GPU", width)
    trajectory, history = train(KINDS[kind], REPETITIONS, images(kind), "cuda")
    np.testing.assert_allclose(trajectory.parameters, expected.parameters, rtol=2**-23, atol=1e-12)
    np.testing.assert_allclose(trajectory.ranges, expected.ranges, rtol=2**-23)
    pd.testing.assert_frame_equal(history, expected_history, rtol=1e-12)


def test_a_gpu_holds_so_many_numbers_of_a_layer(monkeypatch):
    model, _ = model_on(KINDS["relu-8"], images("relu-8"))
    of_one = 32 * 378  # the batch, and the squares of the first convolution
    for held, members in [(1, 1), (of_one, 1), (3 * of_one, 3), (10**9, 50)]:
        monkeypatch.setattr(training, "HELD_ON_GPU", held)
        assert training.members_on_gpu(model) == members


@every_kind
def test_replay_by_the_code_for_a_gpu(pretend, kind):
    expected = replayed(kind)
    pretend()
    for ours, theirs in zip(outputs_of(trained(kind)[0], images(kind), "cuda"), expected, strict=True):
        assert torch.equal(ours, theirs)


@every_kind
def test_information_by_the_code_for_a_gpu(pretend, kind):
    expected = estimated(kind)
    pretend()
    for ours, theirs in zip(tables_of(kind, "cuda"), expected, strict=True):
        assert ours.equals(theirs)


@st.composite
def counted_words(draw):
    """Words (snapshots, words, N) and labels (N,)."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 7)), draw(st.integers(1, 80))
    levels, scale = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 2**31, 2**60]))
    words = generator.integers(-levels, levels, shape) * scale
    return words, generator.integers(0, draw(st.integers(1, 5)), shape[2])


@given(counted_words())
@settings(deadline=None)
def test_sorting_counts_as_the_hash_does(system):
    words, labels = system
    by_sorting = information_by_sorting(torch.from_numpy(words), labels)
    for ours, theirs in zip(by_sorting, information_of_words(words, labels), strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("levels", [2, 4, 400])
def test_sorting_counts_many_inputs_as_the_hash_does(levels):
    generator = np.random.default_rng(levels)
    words, labels = generator.integers(0, levels, (2, 3, 70000)), generator.integers(0, 10, 70000)
    by_sorting = information_by_sorting(torch.from_numpy(words), labels)
    for ours, theirs in zip(by_sorting, information_of_words(words, labels), strict=True):
        assert ours.tobytes() == theirs.tobytes()


class OneDevice(TorchDispatchMode):
    """Refuses operations on tensors of several devices, where tensors have so many dimensions at least."""

    def __init__(self, least_dimension):
        super().__init__()
        self.least_dimension = least_dimension

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        devices = {each.device for each in tensors if each.dim() >= self.least_dimension}
        assert len(devices) <= 1 or "copy" in function.__name__, f"{function} on {devices}"
        return function(*args, **(kwargs or {}))


def zeros_of_meta(tensor):
    return torch.zeros(tensor.shape, dtype=tensor.dtype) if tensor.is_meta else tensor


@pytest.mark.parametrize("kind", ["relu-8", "tanh-float32", "controlled-elu-4", "controlled-tanh-8"])
def test_nothing_is_left_on_the_processor(monkeypatch, kind):
    """On PyTorch's device without data, no operation has tensors of two devices."""
    taken = []

    def strictly(*given):
        with OneDevice(0):
            taken.append(steps.take_step(*given))
        return taken[-1]

    trained(kind)
    monkeypatch.setattr(Tensor, "cpu", zeros_of_meta)
    monkeypatch.setattr(training, "take_step", strictly)
    monkeypatch.setattr(training, "MEMBERS_ON_GPU", 2)
    with OneDevice(1):
        train(KINDS[kind].model_copy(update={"epochs": 1}), REPETITIONS, images(kind), "meta")
        tables_of(kind, "meta", ESTIMATORS[-3:])
    assert taken and all(each.is_meta for each in taken[-1])


@pytest.mark.parametrize("there", [False, True])
def test_a_device_is_not_left_to_the_machine(monkeypatch, there, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert device_of("cpu").type == "cpu"
    with pytest.raises(UserError, match=r"^device: auto would .*; write cpu or cuda$"):
        device_of("auto")
    with pytest.raises(UserError, match="auto"):
        estimate(EstimatorSpec(kind="exact"), trained("relu-8")[0], images("relu-8"), "auto")
    assert main(["information", "--device", "auto"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == ("infoplane: device: auto would make results depend on the machine; write cpu or cuda")


def test_a_gpu_that_is_missing_is_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="finds no GPU"):
        train(KINDS["relu-8"], [0], images("relu-8"), "cuda")
    save_dataset(tmp_path / "images.npz", images("relu-8"))
    spec = json.dumps(PLAIN | {"activation": "relu", "bits": 8})
    files = ["--trajectory", str(tmp_path / "a.safetensors"), "--history", str(tmp_path / "a.parquet")]
    given = ["--spec", spec, "--dataset", str(tmp_path / "images.npz"), "--repetitions", "0-0", *files]
    assert main(["training", *given, "--device", "cuda"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "infoplane: device cuda: PyTorch finds no GPU; use cpu, or install its driver and a PyTorch with CUDA"
    ]
    assert main(["training", *given, "--device", "cpu"]) == 0
    assert read_table(tmp_path / "a.parquet", "history")[1]["device"] == "cpu"
    given = ["--spec", '{"kind": "exact"}', "--dataset", str(tmp_path / "images.npz"), *files[:2]]
    given += ["--output", str(tmp_path / "b.parquet")]
    assert main(["information", *given, "--device", "cuda"]) == 1
    assert main(["information", *given]) == 0
    assert read_table(tmp_path / "b.parquet", "information")[1]["device"] == "cpu"


def test_a_file_of_information_is_computed_where_it_is_asked_for(monkeypatch, tmp_path):
    asked = []
    for stage in ("replay", "information"):
        module = sys.modules[f"infoplane.{stage}"]
        monkeypatch.setattr(module, "device_of", lambda name: asked.append(name) or torch.device("cpu"))
    monkeypatch.setattr(sys.modules["infoplane.information"], "name_of", lambda name: f"model of {name}")
    save_dataset(tmp_path / "images.npz", images("relu-8"))
    save_trajectory(tmp_path / "a.safetensors", trained("relu-8")[0])
    estimator = EstimatorSpec(kind="uniform", bins=30, range="global")
    run(estimator, tmp_path / "images.npz", tmp_path / "a.safetensors", tmp_path / "b.parquet", "cuda")
    assert set(asked) == {"cuda"}
    assert read_table(tmp_path / "b.parquet", "information")[1]["device"] == "model of cuda"


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@gpu
@every_kind
def test_training_on_a_gpu_is_that_of_the_processor_but_for_rounding(kind):
    """Over 20 epochs; rounding moves a value to the next level here and there."""
    spec = KINDS[kind].model_copy(update={"epochs": 20, "learning_rate": 1e-3})
    expected, expected_history = train(spec, REPETITIONS, images(kind))
    trajectory, history = train(spec, REPETITIONS, images(kind), "cuda")
    errors = np.abs(trajectory.parameters - expected.parameters)
    assert np.median(errors) < 1e-4 and errors.max() < 1e-2
    np.testing.assert_allclose(trajectory.ranges, expected.ranges, rtol=0, atol=1e-2)
    np.testing.assert_allclose(history["loss"], expected_history["loss"], rtol=0, atol=1e-2)


@gpu
def test_company_changes_nothing_on_a_gpu():
    spec = KINDS["relu-8"]
    together, alone = (train(spec, others, images("relu-8"), "cuda")[0] for others in ([0, 1, 2, 3], [2]))
    assert together.parameters[2].tobytes() == alone.parameters[0].tobytes()
    assert together.ranges[2].tobytes() == alone.ranges[0].tobytes()


@gpu
@every_kind
def test_replay_on_a_gpu_is_that_of_the_processor(kind):
    """But where tanh and exp are rounded otherwise; ReLU has none before the softmax."""
    found = outputs_of(trained(kind)[0], images(kind), "cuda")
    for number, (ours, theirs) in enumerate(zip(found, replayed(kind), strict=True)):
        if kind.startswith("relu") and number % (len(found) // 2) < len(found) // 2 - 1:
            assert torch.equal(ours, theirs)
        assert (ours != theirs).double().mean() < 1e-2


@gpu
@pytest.mark.parametrize("kind", ["relu-8", "relu-float32"])
def test_information_on_a_gpu_is_that_of_the_processor(kind):
    for ours, theirs in zip(tables_of(kind, "cuda"), estimated(kind), strict=True):
        hidden = ours["layer"] < ours["layer"].max()
        assert ours[hidden].equals(theirs[hidden])
        np.testing.assert_allclose(ours["h_t"], theirs["h_t"], rtol=0, atol=0.05)
