"""Trajectories come back as they were written, or are refused in one line."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from infoplane import TrainingSpec, Trajectory, UserError, load_trajectory
from infoplane.trajectory import save_trajectory

SPEC = TrainingSpec(
    dataset="synthetic",
    network="shwartz-ziv",
    activation="relu",
    bits={"weights": 8, "activations": 4},
    epochs=10,
    record_every=5,
)


@pytest.fixture
def trajectory():
    generator = np.random.default_rng(0)
    return Trajectory(
        SPEC,
        {"name": "synthetic", "inputs": 4096, "digest": "abc"},
        np.array([3, 4], dtype=np.int32),
        np.array(["main", "main", "main"]),
        np.array([-1, 0, 5], dtype=np.int32),
        generator.normal(size=(2, 3, 294)).astype(np.float32),
        generator.normal(size=(2, 3, 6, 2, 2)).astype(np.float32),
    )


@pytest.fixture
def path(tmp_path, trajectory):
    path = tmp_path / "folder" / "0-1.safetensors"
    save_trajectory(path, trajectory)
    return path


def refusal(path):
    with pytest.raises(UserError) as error:
        load_trajectory(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_round_trip(path, trajectory):
    read = load_trajectory(path)
    assert (read.spec, read.dataset) == (SPEC, trajectory.dataset)
    for name in ("repetitions", "parts", "epochs", "parameters", "ranges"):
        assert getattr(read, name).dtype == getattr(trajectory, name).dtype
        np.testing.assert_array_equal(getattr(read, name), getattr(trajectory, name))
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_equal_trajectories_are_equal_files(path, trajectory, tmp_path):
    again = tmp_path / "again.safetensors"
    save_trajectory(again, load_trajectory(path))
    assert again.read_bytes() == path.read_bytes()


def test_nan_and_negative_zero_survive(path, trajectory):
    trajectory.parameters[1, 2, :3] = [np.nan, -0.0, np.inf]
    save_trajectory(path, trajectory)
    assert load_trajectory(path).parameters.tobytes() == trajectory.parameters.tobytes()


@pytest.mark.parametrize("kept", [0, 7, 100, 2000, -1])
def test_truncated_files_are_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    assert "truncated or damaged" in refusal(path)


def test_foreign_and_missing_files_are_refused(path, tmp_path):
    foreign = tmp_path / "foreign.safetensors"
    save_file({"parameters": np.zeros(3)}, foreign)
    text = tmp_path / "text.safetensors"
    text.write_text("not a trajectory")
    for each in (foreign, text, tmp_path / "missing.safetensors", tmp_path):
        refusal(each)


def test_other_kinds_and_changed_specs_are_refused(path):
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for old, new in [('"kind":"trajectory"', '"kind":"history"'), ('"epochs":10', '"epochs":11')]:
        changed = {key: value.replace(old, new) for key, value in metadata.items()}
        assert changed != metadata
        save_file(arrays, path, metadata=changed)
        refusal(path)


def test_finite_marks_every_snapshot_that_holds_nan_or_infinity(trajectory):
    assert trajectory.finite.all()
    trajectory.parameters[0, 1, 17] = np.nan
    trajectory.ranges[1, 2, 3, 1, 0] = np.inf
    np.testing.assert_array_equal(trajectory.finite, [[True, False, True], [True, True, False]])


def test_zeroed_replaces_the_marked_snapshots_alone(trajectory):
    marked = np.array([[True, False, False], [False, False, True]])
    zeroed = trajectory.zeroed(marked)
    for name in ("parameters", "ranges"):
        before, after = getattr(trajectory, name), getattr(zeroed, name)
        assert after.dtype == np.float32
        assert not after[marked].any()
        np.testing.assert_array_equal(after[~marked], before[~marked])
    assert replace(zeroed, spec=SPEC).epochs is trajectory.epochs
