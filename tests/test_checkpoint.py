"""Checkpoints: whatever cuts a training off, and whenever, it goes on and comes to the same bytes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from images import images_of_few_pixels
from reference import small_images
from safetensors.numpy import save_file
from trainings import ON_IMAGES, spec_of

import infoplane.checkpoint
import infoplane.code
import infoplane.training
from infoplane import UserError, load_trajectory, train
from infoplane.artifacts import read_table
from infoplane.checkpoint import Checkpoint
from infoplane.datasets.file import save_dataset
from infoplane.kernels.training import Trainer
from infoplane.trajectory import save_trajectory

ARRAYS = {
    "numbers": np.arange(6.0).reshape(2, 3),
    "nothing": np.empty((0, 3, 2), dtype=np.float32),
    "counts": np.array([1, 2], dtype=np.int64),
    "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / ".0-4.checkpoint"


def assert_same(found: dict[str, np.ndarray] | None, expected: dict[str, np.ndarray]) -> None:
    assert found is not None and found.keys() == expected.keys()
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)


def test_what_was_saved_last_is_loaded(path):
    checkpoint = Checkpoint(path, {"training": 1})
    checkpoint.save(ARRAYS | {"counts": np.zeros(9)})
    checkpoint.save(ARRAYS)
    assert_same(Checkpoint(path, {"training": 1}).load(), ARRAYS)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_belongs_to_another_training_is_not_loaded(path):
    Checkpoint(path, {"training": 1, "repetitions": [0, 1]}).save(ARRAYS)
    for other in (
        {"training": 1, "repetitions": [0, 1, 2]},
        {"training": 2, "repetitions": [0, 1]},
        {},
        None,
    ):
        assert Checkpoint(path, other).load() is None
    assert Checkpoint(path, {"repetitions": [0, 1], "training": 1}).load() is not None


def test_nothing_is_loaded_where_there_is_nothing_to_read(path):
    assert Checkpoint(path, {}).load() is None
    path.mkdir()
    assert Checkpoint(path, {}).load() is None
    assert Checkpoint(path.parent / "missing" / "folder", {}).load() is None


def saved(path: Path) -> bytes:
    Checkpoint(path, {}).save(ARRAYS)
    return path.read_bytes()


@given(st.data())
def test_damaged_files_are_not_loaded(tmp_path_factory, data):
    """Wherever they are cut off, and whatever byte has changed."""
    path = tmp_path_factory.mktemp("damaged") / "checkpoint"
    whole = saved(path)
    place = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:place])
    assert Checkpoint(path, {}).load() is None
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    found = Checkpoint(path, {}).load()
    if found is not None:  # where one kind of space before the arrays has become another one
        assert_same(found, ARRAYS)


def test_other_files_are_not_loaded(path):
    path.write_bytes(b"")
    assert Checkpoint(path, {}).load() is None
    path.write_text("not a checkpoint" * 100)
    assert Checkpoint(path, {}).load() is None


def test_a_checkpoint_is_due_some_time_after_the_last_one(path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    checkpoint = Checkpoint(path, {})
    assert not checkpoint.is_due
    now += infoplane.checkpoint.SECONDS_BETWEEN + 1
    assert checkpoint.is_due
    checkpoint.save(ARRAYS)
    assert not checkpoint.is_due


def test_a_checkpoint_that_cannot_be_written_stops_nothing(tmp_path, capsys):
    (tmp_path / "a file").touch()
    checkpoint = Checkpoint(tmp_path / "a file" / "checkpoint", {})
    checkpoint.save(ARRAYS)
    assert capsys.readouterr().err.startswith("no checkpoint is kept: ")
    assert checkpoint.load() is None
    checkpoint.remove()


def test_removed_is_what_there_is(path):
    checkpoint = Checkpoint(path, {})
    checkpoint.remove()
    checkpoint.save(ARRAYS)
    checkpoint.remove()
    assert not path.exists()


class CutOff(Exception):
    """What ends a training before its end."""


@pytest.fixture
def always_due(monkeypatch):
    monkeypatch.setattr(Checkpoint, "is_due", True)


REPETITIONS = [3, 1, 5]
SETTINGS = ON_IMAGES | {"learning_rate": 1e-2, "prefit_epochs": 2, "epochs": 5, "record_every": 2}
KINDS = {
    "conv": (spec_of("relu", 8, **SETTINGS), small_images((9, 8))),
    "sparse": (
        spec_of("elu", 8, protocol="controlled", **SETTINGS | {"network": [17, 5]}),
        images_of_few_pixels(),
    ),
    "shuffled labels": (
        spec_of("tanh", "float32", labels="shuffled", **SETTINGS | {"network": [5], "prefit_epochs": 0}),
        small_images((5, 7)),
    ),
    "descent": (
        spec_of(
            *("relu", 8),
            **SETTINGS | {"network": [5], "prefit_epochs": 0, "optimizer": "sgd", "weight_decay": 0.1},
        ),
        small_images((5, 7)),
    ),
}
# A repetition has a state before each part, and one after each epoch.
STATES = {"conv": 2 + 7, "sparse": 2 + 7, "shuffled labels": 1 + 5, "descent": 1 + 5}


def cut_off(monkeypatch, states: int) -> None:
    """Have a training end after so many states of all repetitions, when the checkpoint is saved."""
    save, left = Checkpoint.save, states

    def save_or_stop(checkpoint: Checkpoint, arrays: dict[str, np.ndarray]) -> None:
        nonlocal left
        save(checkpoint, arrays)
        left -= 1
        if not left:
            raise CutOff

    monkeypatch.setattr(Checkpoint, "save", save_or_stop)


def assert_same_training(found: tuple, expected: tuple) -> None:
    (trajectory, history), (other, other_history) = found, expected
    for name in ("repetitions", "parts", "epochs", "parameters", "ranges"):
        assert getattr(trajectory, name).tobytes() == getattr(other, name).tobytes()
    assert history.equals(other_history)


@pytest.mark.parametrize(
    ("kind", "states"), [(kind, n) for kind in KINDS for n in range(1, 3 * STATES[kind] + 1)]
)
def test_a_training_that_was_cut_off_comes_to_the_same_bytes(path, monkeypatch, always_due, kind, states):
    """After any epoch of any part of any repetition; and it does nothing twice."""
    spec, dataset = KINDS[kind]
    whole = train(spec, REPETITIONS, dataset)
    with monkeypatch.context() as patched:
        cut_off(patched, states)
        with pytest.raises(CutOff):
            train(spec, REPETITIONS, dataset, checkpoint=path)
    assert path.exists()
    epochs, train_epoch = [], Trainer.train_epoch
    monkeypatch.setattr(Trainer, "train_epoch", lambda *given: epochs.append(1) or train_epoch(*given))
    assert_same_training(train(spec, REPETITIONS, dataset, checkpoint=path), whole)
    assert not path.exists()
    of_all = spec.prefit_epochs + spec.epochs
    finished, own = divmod(states, STATES[kind])
    parts = 2 if spec.prefit_epochs else 1
    begun = 0 if own == 0 else 1 if own <= 1 + spec.prefit_epochs or parts == 1 else 2
    assert len(epochs) == (len(REPETITIONS) - finished) * of_all - (own - begun)


def test_a_training_may_be_cut_off_again_and_again(path, monkeypatch, always_due):
    spec, dataset = KINDS["conv"]
    whole = train(spec, REPETITIONS, dataset)
    for states in (1, 1, 5, 3, 7, 2):
        with monkeypatch.context() as patched, pytest.raises(CutOff):
            cut_off(patched, states)
            train(spec, REPETITIONS, dataset, checkpoint=path)
    assert_same_training(train(spec, REPETITIONS, dataset, checkpoint=path), whole)


def test_the_checkpoint_of_another_training_changes_nothing(path, monkeypatch, always_due):
    """Of another seed, other repetitions, other data, other kernels or another version of the engine."""
    spec, dataset = KINDS["conv"]
    with monkeypatch.context() as patched, pytest.raises(CutOff):
        cut_off(patched, 12)
        train(spec, REPETITIONS, dataset, checkpoint=path)
    kept, images = path.read_bytes(), small_images((9, 8), count=61)
    others = [
        (spec.model_copy(update={"seed": 1}), REPETITIONS, dataset),
        (spec, [3, 1, 4], dataset),
        (spec, [1, 3, 5], dataset),
        (spec, REPETITIONS, images),
    ]
    for other in others:
        path.write_bytes(kept)
        assert_same_training(train(*other, checkpoint=path), train(*other))
    epochs, train_epoch = [], Trainer.train_epoch
    monkeypatch.setattr(Trainer, "train_epoch", lambda *given: epochs.append(1) or train_epoch(*given))
    whole = train(spec, REPETITIONS, dataset)
    for name, other in [("sources_digest", lambda: "other kernels"), ("VERSION", infoplane.code.VERSION + 1)]:
        path.write_bytes(kept)
        epochs.clear()
        with monkeypatch.context() as patched:
            patched.setattr(infoplane.training, name, other)
            assert_same_training(train(spec, REPETITIONS, dataset, checkpoint=path), whole)
        assert len(epochs) == 3 * 7


@pytest.mark.parametrize("written", ["save_trajectory", "write_table"])
def test_a_job_keeps_its_checkpoint_until_both_files_are_written(tmp_path, monkeypatch, always_due, written):
    """So a job that could not write them trains nothing once more."""
    spec, dataset = KINDS["conv"]
    save_dataset(tmp_path / "data.npz", dataset)
    files = tmp_path / "0-1.safetensors", tmp_path / "0-1.parquet"
    given = spec, tmp_path / "data.npz", range(2), *files

    def fail(*_: object) -> None:
        raise UserError("the disk is full")

    with monkeypatch.context() as patched, pytest.raises(UserError, match="the disk is full"):
        patched.setattr(infoplane.training, written, fail)
        infoplane.training.run(*given)
    assert (tmp_path / ".0-1.checkpoint").exists()
    epochs, train_epoch = [], Trainer.train_epoch
    monkeypatch.setattr(Trainer, "train_epoch", lambda *own: epochs.append(1) or train_epoch(*own))
    infoplane.training.run(*given)
    assert not epochs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-1.parquet", "0-1.safetensors", "data.npz"]
    assert_same_training(
        (load_trajectory(files[0]), read_table(files[1], "history")[0]), train(spec, 2, dataset)
    )


@pytest.mark.parametrize("engine", ["kernels", "torch"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: save_trajectory(path, train(KINDS["conv"][0], 1, KINDS["conv"][1])[0]), "a trajectory"),
        (
            lambda path: save_file({"a": np.zeros(2)}, path),
            "a safetensors file that infoplane has not written",
        ),
        (lambda path: path.write_text("notes of a year"), "a text file"),
        (lambda path: path.write_bytes(b""), "an empty file"),
        (lambda path: path.write_bytes(saved(path)[:70]), "a file of another kind, or cut off"),
        (lambda path: path.mkdir(), "a folder"),
    ],
    ids=["trajectory", "safetensors", "text", "empty", "cut off", "folder"],
)
def test_a_file_of_another_kind_is_refused_and_kept(path, monkeypatch, engine, make, words):
    spec, dataset = KINDS["conv"]
    make(path)
    kept = path.read_bytes() if path.is_file() else b""
    monkeypatch.setattr(infoplane.training, "train_records", None)  # nothing is trained
    with pytest.raises(UserError, match=f"^checkpoint: {path} is {words}, expected a .*; name a new file$"):
        train(spec.model_copy(update={"engine": engine}), 1, dataset, checkpoint=path)
    assert path.is_dir() or path.read_bytes() == kept


def test_a_training_in_torch_leaves_checkpoints_alone(path):
    kept = saved(path)
    spec = spec_of("relu", 8, engine="torch", epochs=1)
    train(spec, 1, checkpoint=path, progress=False)
    assert path.read_bytes() == kept


# Trains with a checkpoint after every epoch, and says when it has done one.
TRAIN = """
import sys
from pathlib import Path
import infoplane.checkpoint
from infoplane import TrainingSpec, load_dataset, train
from infoplane.artifacts import array_digest
from infoplane.checkpoint import Checkpoint
infoplane.checkpoint.SECONDS_BETWEEN = -1
save = Checkpoint.save
def save_and_say(checkpoint, arrays):
    save(checkpoint, arrays)
    print("saved", flush=True)
Checkpoint.save = save_and_say
spec = TrainingSpec.model_validate_json(sys.argv[1])
trajectory, history = train(spec, [0, 1], load_dataset("synthetic"), checkpoint=Path(sys.argv[2]))
print(array_digest(trajectory.parameters, trajectory.ranges, history.select_dtypes("number").to_numpy()))
"""


def test_a_training_that_was_killed_comes_to_the_same_bytes(path):
    """By a signal that leaves no time to do anything, thrice and at any moment."""
    spec = spec_of("relu", 8, epochs=100, prefit_epochs=5)
    command = [sys.executable, "-c", TRAIN, spec.model_dump_json(), str(path)]
    whole = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    for wait_for in (1, 13, 107):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(wait_for):
            assert process.stdout.readline() == "saved\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert path.exists()
        process.stdout.close()
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert done[-1] == whole
    assert len(done) < 2 * (2 + 105) + 1
    assert not path.exists()
