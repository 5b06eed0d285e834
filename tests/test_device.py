"""The code for a GPU: run by the processor, bit for bit what its own gives; and on a GPU, if there is one."""

import json
import sys
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
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
from infoplane.information.replay import replay
from infoplane.networks import replay as in_torch
from infoplane.networks import steps, training
from infoplane.networks.forward import model_on
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
    """T and the activations of each layer, each (snapshots, outputs, N)."""
    groups = [each.layers for each in replay(trajectory, dataset, device)]
    return [
        np.concatenate([getattr(layer, name) for layer in layers])
        for name in ("t", "activations")
        for layers in zip(*groups, strict=True)
    ]


class Pretended(str):
    """The processor, taken for a GPU."""

    type = "cuda"


@pytest.fixture
def pretend(monkeypatch):
    """From its call on, all goes the way of a GPU, on the processor."""

    def change():
        for module in (sys.modules["infoplane.training"], in_torch):
            monkeypatch.setattr(module, "device_of", lambda name: Pretended("cpu"))

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
        monkeypatch.setattr(training, "MOST_VALUES_ON_GPU", held)
        assert training.members_on_gpu(model, 10**6) == members


@given(st.lists(st.integers(0, 200), min_size=1), st.integers(1, 60))
def test_every_repetition_is_trained_once_and_in_its_place(repetitions, width):
    ensembles = training.ensembles_of(repetitions, width)
    assert sorted(row for each in ensembles for row in each.rows) == [*range(len(repetitions))]
    for members, places, rows in ensembles:
        assert len(members) == width and {*members} <= {*repetitions}
        assert places == [repetitions[row] % width for row in rows]
        assert [members[place] for place in places] == [repetitions[row] for row in rows]
    chunk = range(repetitions[0], repetitions[0] + width)
    assert len(training.ensembles_of(chunk, width)) == 1


@every_kind
def test_replay_by_the_code_for_a_gpu(pretend, monkeypatch, kind):
    """Few snapshots and inputs at a time, or all of them."""
    expected = replayed(kind)
    pretend()
    for held in (1, 10**9):
        monkeypatch.setattr("infoplane.networks.forward.MOST_VALUES_ON_GPU", held)
        for ours, theirs in zip(outputs_of(trained(kind)[0], images(kind), "cuda"), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@every_kind
def test_information_by_the_code_for_a_gpu(pretend, kind):
    expected = estimated(kind)
    pretend()
    for ours, theirs in zip(tables_of(kind, "cuda"), expected, strict=True):
        assert ours.equals(theirs)


@pytest.mark.parametrize("kind", ["relu-8", "tanh-float32"])
def test_a_gpu_replays_what_kernels_have_trained(pretend, kind):
    spec = KINDS[kind].model_copy(update={"engine": "kernels"})
    trajectory, _ = train(spec, REPETITIONS, images(kind))
    expected = estimate(ESTIMATORS[0], trajectory, images(kind))
    pretend()
    assert estimate(ESTIMATORS[0], trajectory, images(kind), "cuda").equals(expected)


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
    for module in ("infoplane.training", "infoplane.information.estimate"):
        monkeypatch.setattr(sys.modules[module], "refuse_other_devices", lambda name: None)
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
    capsys.readouterr()
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
    capsys.readouterr()
    assert main(["information", *given, "--device", "cuda"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["information", *given]) == 0
    assert read_table(tmp_path / "b.parquet", "information")[1]["device"] == "cpu"


def test_a_file_of_information_is_computed_where_it_is_asked_for(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(in_torch, "device_of", lambda name: asked.append(name) or torch.device("cpu"))
    estimates = sys.modules["infoplane.information.estimate"]
    monkeypatch.setattr(estimates, "name_of", lambda name: f"model of {name}")
    save_dataset(tmp_path / "images.npz", images("relu-8"))
    save_trajectory(tmp_path / "a.safetensors", trained("relu-8")[0])
    estimator = EstimatorSpec(kind="uniform", bins=30, range="global")
    run([estimator], tmp_path / "images.npz", tmp_path / "a.safetensors", [tmp_path / "b.parquet"], "cuda")
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
@pytest.mark.parametrize("batch_size", [32, 131])
@every_kind
def test_a_gpu_trains_the_same_bytes_again_and_in_other_company(kind, batch_size):
    """Also where the numbers of most members begin between the words that a GPU reads."""
    spec = KINDS[kind].model_copy(update={"batch_size": batch_size})
    first, again, alone = (
        train(spec, others, images(kind), "cuda")[0] for others in ([3, 2, 1, 0], [3, 2, 1, 0], [52, 2])
    )
    for name in ("parameters", "ranges"):
        ours, theirs, its = (getattr(each, name) for each in (first, again, alone))
        assert ours.tobytes() == theirs.tobytes()
        assert ours[1].tobytes() == its[1].tobytes()


@gpu
@every_kind
def test_replay_on_a_gpu_is_that_of_the_processor(monkeypatch, kind):
    """Few snapshots and inputs at a time, or all of them.

    A GPU rounds tanh and exp in float64 otherwise. It takes a value next to the middle of two float32 numbers
    for that to be seen, one of some 10⁸ values.
    """
    for held in (1, 10**9):
        monkeypatch.setattr("infoplane.networks.forward.HELD_ON_GPU", held)
        for ours, theirs in zip(
            outputs_of(trained(kind)[0], images(kind), "cuda"), replayed(kind), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


@gpu
@every_kind
def test_information_on_a_gpu_is_that_of_the_processor(kind):
    for ours, theirs in zip(tables_of(kind, "cuda"), estimated(kind), strict=True):
        assert ours.equals(theirs)
