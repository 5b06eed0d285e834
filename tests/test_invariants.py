"""Facts that must hold at every recorded epoch, on short runs of every kind."""

import subprocess
import sys
from pathlib import Path

import invariants
import numpy as np
import pytest
from invariants import check_snapshot, check_trajectory, sample_of
from reference import small_images

from infoplane import TrainingSpec, load_dataset, train
from infoplane.datasets import save_dataset
from infoplane.trajectory import save_trajectory

LAYERS = [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5]


def spec_of(activation, bits, **others):
    settings = {"dataset": "synthetic", "network": "shwartz-ziv", "epochs": 31, "record_every": 5}
    settings |= {"learning_rate": 2e-3, "batch_size": 1024}
    return TrainingSpec(**settings | {"activation": activation, "bits": bits} | others)


def on_images(activation, bits, **others):
    settings = {"dataset": "small-images", "network": LAYERS, "batch_size": 32, "prefit_epochs": 5}
    settings |= {"epochs": 11}
    return spec_of(activation, bits, **settings | others)


def name_of(spec):
    bits = spec.bits if spec.bits == "float32" else spec.bits.activations
    layers = spec.network if isinstance(spec.network, str) else "layers"
    return f"{spec.protocol}-{spec.activation}-{bits}-{layers}"


ON_PATTERNS = [spec_of(activation, bits) for activation in ("tanh", "relu") for bits in (8, 4, "float32")]
ON_PATTERNS += [spec_of("tanh", 8, protocol="controlled"), spec_of("relu", 4, protocol="controlled")]


@pytest.mark.parametrize("spec", ON_PATTERNS, ids=name_of)
def test_facts_hold_at_every_recorded_epoch(spec):
    dataset = load_dataset("synthetic")
    trajectory, history = train(spec, [0, 1, 2], dataset)
    assert history["loss"].notna().all()
    assert check_trajectory(trajectory, dataset) == 3 * 8


@pytest.mark.parametrize(
    "spec",
    [
        on_images("relu", 8),
        on_images("tanh", 4),
        on_images("relu", 8, network="hourglass"),
        on_images("elu", 16, protocol="controlled"),
        on_images("sigmoid", 4, protocol="controlled"),
        on_images("relu", 8, protocol="controlled", network="hourglass"),
        on_images("gelu", "float32"),
    ],
    ids=name_of,
)
def test_facts_hold_on_images(spec):
    dtype = np.uint8 if spec.activation == "relu" else np.float32
    dataset = small_images((9, 8), dtype, count=200)
    trajectory, history = train(spec, [0, 1], dataset)
    assert history["loss"].notna().all()
    assert check_trajectory(trajectory, dataset) == 2 * (2 + 4)


def test_failed_snapshots_are_left_out():
    dataset = small_images()
    trajectory, _ = train(on_images("relu", 8, learning_rate=1e38), [0, 1], dataset)
    checked = check_trajectory(trajectory, dataset)
    assert checked == trajectory.finite.sum() < trajectory.finite.size


def test_a_layer_that_tells_more_than_the_one_before_is_caught():
    codes = [np.array([[0], [0], [1], [1]]), np.array([[0], [1], [1], [1]])]
    with pytest.raises(AssertionError, match="layer 1 does not determine the next"):
        check_snapshot(codes, np.array([0, 1, 0, 1]), 2)


def test_every_so_manieth_epoch_of_many_inputs(monkeypatch):
    dataset = small_images()
    trajectory, _ = train(on_images("relu", 8), [4, 1], dataset)
    assert sample_of(trajectory, 60).epochs.tolist() == trajectory.epochs.tolist() == [-1, 0, -1, 0, 5, 10]
    monkeypatch.setattr(invariants, "LOOKED_AT", 200)
    sample = sample_of(trajectory, 60)
    assert sample.repetitions.tolist() == [4]
    assert sample.epochs.tolist() == [-1, -1, 5]
    assert sample.parts.tolist() == ["prefit", "main", "main"]
    np.testing.assert_array_equal(sample.parameters, trajectory.parameters[:1, ::2])


def test_command(tmp_path):
    dataset = small_images()
    save_dataset(tmp_path / "images.npz", dataset)
    for number, protocol in enumerate(["published", "controlled"]):
        trajectory, _ = train(on_images("relu", 8, protocol=protocol), [0], dataset)
        save_trajectory(tmp_path / f"{number}.safetensors", trajectory)
    paths = [tmp_path / name for name in ("images.npz", "0.safetensors", "1.safetensors")]
    command = [sys.executable, Path(__file__).parent / "invariants.py", *paths]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "".join(f"{path} 6 snapshots hold\n" for path in paths[1:])
