"""Tables that several estimators get from one replay, and those that a job has left for another."""

import json
import sys

import pandas as pd
import pytest

from infoplane import TrainingSpec, code, load_dataset, train
from infoplane.artifacts import read_table
from infoplane.cli import main
from infoplane.datasets import save_dataset
from infoplane.trajectory import save_trajectory

SPEC = TrainingSpec(dataset="synthetic", network=[4, 2], activation="relu", bits=8, epochs=6, record_every=2)
ESTIMATORS = {
    "exact": {"kind": "exact"},
    "test": {"kind": "exact", "subset": "test", "epochs": 2},
    "rebinned": {"kind": "rebinned"},
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_dataset(tmp_path / "synthetic.npz", load_dataset("synthetic"))
    for first in (0, 2):
        save_trajectory(tmp_path / f"{first}.safetensors", train(SPEC, [first, first + 1])[0])
    return tmp_path


def measure(names, outputs, *options, trajectory="0.safetensors"):
    specs = [json.dumps(ESTIMATORS[name]) for name in names]
    given = ["--dataset", "synthetic.npz", "--trajectory", trajectory, *options]
    return main(["information", "--spec", *specs, *given, "--output", *outputs])


def bytes_of(folder, *names):
    return [(folder / name).read_bytes() for name in names]


def test_tables_of_one_replay_are_those_of_several(here):
    assert measure(ESTIMATORS, ["a", "b", "c"]) == 0
    for name, together in zip(ESTIMATORS, "abc", strict=True):
        assert measure([name], ["alone"]) == 0
        assert bytes_of(here, "alone") == bytes_of(here, together), name


def test_a_table_that_is_ready_is_taken_without_a_replay(here, monkeypatch, capsys):
    assert measure(["exact", "rebinned"], ["exact", ".ready"]) == 0
    [left] = bytes_of(here, ".ready")
    monkeypatch.setattr(sys.modules["infoplane.information.estimate"], "load_trained", None)
    assert measure(["rebinned"], ["rebinned"], "--ready", ".ready") == 0
    assert bytes_of(here, "rebinned") == [left] and not (here / ".ready").exists()
    assert "already measured by another job" in capsys.readouterr().out


def damaged(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-50])


@pytest.mark.parametrize("change", [None, damaged, cut_off, lambda path: path.unlink()])
@pytest.mark.parametrize(
    ("name", "trajectory"),
    [("test", "0.safetensors"), ("rebinned", "2.safetensors"), ("rebinned", "0.safetensors")],
)
def test_another_table_is_left_and_the_right_one_measured(here, name, trajectory, change):
    assert measure([name], ["left"], trajectory=trajectory) == 0
    if change:
        change(here / "left")
    elif (name, trajectory) == ("rebinned", "0.safetensors"):
        return  # it would be the right one
    assert measure(["rebinned"], ["found"], "--ready", "left") == 0
    assert measure(["rebinned"], ["expected"]) == 0
    found, expected = (read_table(here / name, "information")[0] for name in ("found", "expected"))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_what_other_kernels_left_is_not_taken(here, monkeypatch, capsys):
    assert measure(["rebinned"], ["left"]) == 0
    monkeypatch.setattr(code, "VERSION", code.VERSION + 1)
    assert measure(["rebinned"], ["found"], "--ready", "left") == 0
    assert "already measured by another job" not in capsys.readouterr().out
    assert not (here / "left").exists()


@pytest.mark.parametrize(
    ("outputs", "options", "line"),
    [
        (["a"], [], "--output: 1 for 2 estimators; give a path for each --spec"),
        (["a", "a"], [], "--output: the same path twice; give each --spec its own"),
        (["a", "b"], ["--ready", "c"], "--ready: c is for one estimator, and these are 2; leave it out"),
    ],
)
def test_every_estimator_has_a_path(here, capsys, outputs, options, line):
    assert measure(["exact", "test"], outputs, *options) == 1
    assert capsys.readouterr().err.splitlines() == [f"infoplane: {line}"]
