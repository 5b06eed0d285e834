"""Trajectories come back as they were written, or are refused in one line."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from infoplane import TrainingSpec, Trajectory, UserError, load_trajectory
from infoplane.config import DenseSpec, PoolSpec
from infoplane.records import recorded_epochs, training_parts
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


def test_a_flipped_bit_is_refused_or_changes_nothing(path, trajectory):
    """Some bytes of the header mean nothing to who reads it, such as a space or what names a version."""
    whole, refused = path.read_bytes(), 0
    for place in range(0, len(whole), 31):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        try:
            read = load_trajectory(path)
        except UserError as error:
            refused += 1
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        else:
            assert (read.spec, read.dataset) == (SPEC, trajectory.dataset)
            for name in ("repetitions", "parameters", "ranges"):
                np.testing.assert_array_equal(getattr(read, name), getattr(trajectory, name))
    assert refused > 0.9 * len(range(0, len(whole), 31))


def test_a_spec_that_no_model_takes_is_one_line(path, trajectory):
    strange = replace(trajectory, spec=SPEC.model_copy(update={"activation": "step"}))
    save_trajectory(path, strange)
    line = refusal(path).removeprefix(str(path))
    assert "from a spec that this version does not know; read it by that version" in line
    assert "delete" not in line


def test_parts_and_epochs_are_those_of_the_spec(tmp_path, trajectory):
    spec = SPEC.model_copy(update={"prefit_epochs": 6, "network": (DenseSpec(dense=4), PoolSpec(pool=2))})
    parts, epochs = recorded_epochs(spec)
    assert parts.tolist() == ["prefit"] * 3 + ["main"] * 3
    assert epochs.tolist() == [-1, 0, 5, -1, 0, 5]
    assert training_parts(spec) == [("prefit", 6), ("main", 10)]
    longer = replace(
        trajectory,
        spec=spec,
        parts=parts,
        epochs=epochs,
        parameters=np.zeros((2, 6, 7), dtype=np.float32),
        ranges=np.zeros((2, 6, 3, 2, 2), dtype=np.float32),
    )
    save_trajectory(tmp_path / "longer.safetensors", longer)
    read = load_trajectory(tmp_path / "longer.safetensors")
    assert read.spec == spec
    assert (read.parts.tolist(), read.epochs.tolist()) == (parts.tolist(), epochs.tolist())


@pytest.mark.parametrize("length", [1, 2, 5, 6, 11])
@pytest.mark.parametrize("interval", [1, 2, 5, 20])
def test_recorded_are_the_start_and_the_multiples_of_the_interval(length, interval):
    for prefit in (0, length):
        spec = SPEC.model_copy(update={"epochs": length, "prefit_epochs": prefit, "record_every": interval})
        parts, epochs = recorded_epochs(spec)
        expected = [-1, *(epoch for epoch in range(length) if epoch % interval == 0)]
        for part in ("prefit", "main"):
            assert epochs[parts == part].tolist() == (expected if part == "main" or prefit else [])


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
    found = "an empty file" if kept == 0 else "of an unknown format, or cut off"
    assert f": is {found}, expected a trajectory; " in refusal(path)


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


def test_a_trajectory_is_represented_in_a_line(trajectory):
    assert repr(trajectory) == (
        "Trajectory('synthetic', shwartz-ziv of 294 parameters, relu, 8/4 bits, published: 2 repetitions, "
        "3 epochs from -1 to 5)"
    )
    own = SPEC.model_copy(update={"network": (DenseSpec(dense=4), PoolSpec(pool=2)), "bits": "float32"})
    assert "2 layers and output of 294 parameters, relu, float32" in repr(replace(trajectory, spec=own))
