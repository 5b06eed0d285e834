"""`infoplane check` refuses all that a job would refuse, in one line that names the key."""

import os
import sys

import numpy as np
import pytest
import yaml
from answers import in_process, is_one_line_that_names

from infoplane.config.kinds import FIGURES
from infoplane.recording import Recorder

CONFIG = {
    "defaults": {
        "dataset": "synthetic",
        "network": [4, 2],
        "activation": "relu",
        "bits": 8,
        "epochs": 3,
        "record_every": 1,
        "repetitions": 2,
        "chunk": 2,
    },
    "experiments": {"relu": {}},
    "estimators": {"exact": {"kind": "exact"}},
}
SHOWN = {"category": "A", "experiments": ["relu"]}
WITH_LAYERS = [name for name, kind in FIGURES.items() if "layers" in kind.takes]
# Figures that lack what they need are refused for that
ESTIMATORS = {"errors": "binned"}


def check(tmp_path, **keys):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(CONFIG | {"results": str(tmp_path / "made")} | keys))
    return in_process("check", str(tmp_path / "study.yaml"))


def refused(tmp_path, *words, **keys):
    answer = check(tmp_path, **keys)
    assert answer.status == 1, answer
    assert is_one_line_that_names(answer.errors, str(tmp_path / "study.yaml"))
    assert all(word in answer.errors for word in words), answer.errors
    return answer.errors


def figure(kind, estimator="exact", **keys):
    its = {"estimators": [estimator]} if "estimators" in FIGURES[kind].takes else {}
    return {"shown": {"kind": kind, **SHOWN, **its, **keys}}


@pytest.mark.parametrize("layers", [[4], [1, 9]])
def test_estimators_name_layers_that_networks_have(tmp_path, layers):
    """The networks of all their experiments."""
    deeper = {"relu": {}, "deeper": {"network": [9] * 8}}
    estimators = {"some": {"kind": "exact", "layers": layers}}
    line = refused(
        tmp_path, f"no layer {layers[-1]} in a network of 3", estimators=estimators, experiments=deeper
    )
    assert "estimators.some.layers" in line and "take relu out of its experiments" in line
    for its in ({"layers": [3]}, {"layers": "output"}, {"layers": layers, "experiments": ["deeper"]}):
        assert check(tmp_path, estimators={"some": {"kind": "exact", **its}}, experiments=deeper).status == 0


@pytest.mark.parametrize("kind", WITH_LAYERS)
def test_figures_show_layers_that_networks_have(tmp_path, kind):
    estimators = CONFIG["estimators"] | {"binned": {"kind": "uniform", "bins": 4, "range": "layer"}}
    its = ESTIMATORS.get(kind, "exact")
    words = ("figures.shown.layers: there is no layer 9 in relu, whose networks have 3",)
    refused(tmp_path, *words, estimators=estimators, figures=figure(kind, its, layers=[1, 9]))
    assert check(tmp_path, estimators=estimators, figures=figure(kind, its, layers=[1, 3])).status == 0


@pytest.mark.parametrize("kind", [kind for kind in WITH_LAYERS if "estimators" in FIGURES[kind].takes])
def test_figures_show_layers_that_estimators_look_at(tmp_path, kind):
    estimators = CONFIG["estimators"] | {
        "some": {"kind": "uniform", "bins": 4, "range": "layer", "layers": [1, 3]}
    }
    words = ("figures.shown.layers: some does not look at layer 2; name some of 1, 3",)
    refused(tmp_path, *words, estimators=estimators, figures=figure(kind, "some", layers=[2, 3]))
    assert check(tmp_path, estimators=estimators, figures=figure(kind, "some", layers=[3])).status == 0


@pytest.mark.parametrize(
    ("kind", "layers", "shown", "unseen"),
    [
        *[(kind, [1, 2], "output", 3) for kind in ("readings", "tradeoff", "forest", "settings")],
        *[(kind, [1, 3], "last hidden layer", 2) for kind in ("forest", "settings")],
    ],
)
def test_figures_of_the_last_layers_take_estimators_that_look_at_them(tmp_path, kind, layers, shown, unseen):
    estimators = {"some": {"kind": "exact", "layers": layers}, "last": {"kind": "exact", "layers": [2, 3]}}
    words = (f"figures.shown: shows the {shown}, and some does not look at layer {unseen}",)
    keys = {"estimators": estimators, "experiments": {"relu": {}, "other": {"seed": 1}}}
    refused(tmp_path, *words, **keys, figures=figure(kind, "some", experiments="all"))
    assert check(tmp_path, **keys, figures=figure(kind, "last", experiments="all")).status == 0


def test_figures_show_layers_that_were_recorded(tmp_path):
    from torch import nn, rand

    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    recorder = Recorder(model, rand(20, 3), [0, 1] * 10)
    recorder.record(0, train_accuracy=0.5, test_accuracy=0.5)
    recorder.save(tmp_path / "run.parquet")
    experiments = {"mine": {"recorded": {"files": str(tmp_path / "run.parquet")}}}
    shown = figure("plane", layers=[3])
    shown["shown"]["experiments"] = ["mine"]
    words = ("figures.shown.layers: there is no layer 3 in mine, whose networks have 2",)
    refused(tmp_path, *words, experiments=experiments, figures=shown)


def broken_link(path):
    path.symlink_to(path.with_name("nowhere"))


NO_FOLDERS = {
    "file": lambda path: path.write_text("mine"),
    "link to a file": lambda path: path.symlink_to(__file__),
    "broken link": broken_link,
}


@pytest.mark.parametrize("inside", ["", "deep/inside"])
@pytest.mark.parametrize("what", NO_FOLDERS)
def test_results_that_cannot_be_a_folder(tmp_path, what, inside):
    NO_FOLDERS[what](tmp_path / "taken")
    refused(tmp_path, "results: ", "cannot be a folder", results=str(tmp_path / "taken" / inside))


def test_results_that_cannot_be_written(tmp_path, monkeypatch):
    """By another user, or on a file system that is read only; permissions do not bind root."""
    locked = tmp_path / "locked"
    locked.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: not os.path.samefile(path, locked))
    refused(tmp_path, "results: ", f"cannot be written to; unlock {locked}", results=str(locked / "made"))
    assert check(tmp_path).status == 0
    assert not (locked / "made").exists() and not (tmp_path / "made").exists()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a folder of Linux")
def test_results_where_the_system_takes_no_files(tmp_path):
    """Where permissions do not tell it: root may write to all folders."""
    for folder in ("/proc/nope", "/proc/nope/deeper"):
        line = refused(tmp_path, f"results: {folder} cannot be ", results=folder)
        assert "/proc" in line and "name another" in line
    before = {*tmp_path.iterdir()}
    assert check(tmp_path).status == 0
    assert {*tmp_path.iterdir()} == before


def test_a_share_that_public_images_do_not_have_is_found_without_them(tmp_path):
    for fraction, status in ((0.9, 1), (0.5, 0)):
        its = {"relu": {"dataset": "mnist", "train_fraction": fraction}}
        assert check(tmp_path, experiments=its).status == status
    refused(
        tmp_path,
        "experiments.relu: train_fraction: 0.99",
        experiments={"relu": its["relu"] | {"train_fraction": 0.99}},
    )


def test_a_film_takes_the_program_that_writes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    answer = check(tmp_path, figures=figure("film", mp4=True))
    assert answer.status == 1 and "mp4 needs ffmpeg" in answer.errors
    assert check(tmp_path, figures=figure("film")).status == 0


def test_an_explorer_shows_a_subset_beside_accuracies(tmp_path):
    """Accuracies are of all inputs: the runs are the same."""
    from infoplane.figures.tables import refuse_other_runs

    runs = {"spec": {"training": {}}, "repetitions": [0]}
    whole = runs | {"dataset": {"name": "mine", "digest": "1", "inputs": 100}}
    subset = runs | {"dataset": {"name": "mine", "digest": "1", "inputs": 20, "h_y": 1.0}}
    refuse_other_runs(tmp_path, whole, subset)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (1000 + np.random.default_rng(0).random((100, 3)), "they lie so far from 0"),
        (np.linspace(0, 1, 3000).reshape(1000, 3), "of 1000 distinct inputs remain on the grid of 8 bits"),
        (np.eye(100, 3) * [1, 1, 1e6], "2 features that vary take one value there"),
    ],
    ids=["an offset", "too fine", "a feature of another size"],
)
def test_what_a_training_would_warn_of_is_one_line_and_no_error(tmp_path, inputs, words):
    """Once, however many experiments train on the data."""
    np.savez(tmp_path / "mine.npz", inputs=inputs, labels=np.arange(len(inputs)) % 2)
    datasets = {"mine": {"kind": "npz", "path": str(tmp_path / "mine.npz")}}
    experiments = {"relu": {"dataset": "mine"}, "other": {"dataset": "mine", "seed": 1}}
    answer = check(tmp_path, datasets=datasets, experiments=experiments)
    assert answer.status == 0 and answer.output.endswith("0 figures; 1 warning\n"), answer
    (line,) = answer.errors.splitlines()
    assert line.startswith(f"warning: {tmp_path / 'study.yaml'}: data set mine: ") and words in line


def test_what_is_right_is_counted_in_words(tmp_path):
    one = {"accuracy": SHOWN | {"kind": "accuracy"}}
    told = check(tmp_path, figures=one).output
    assert told.endswith(": 1 experiment, 1 estimator, 1 figure; nothing wrong\n")
    sweep = {"relu": {"sweep": {"seed": [1, 2, 3]}}}
    told = check(tmp_path, experiments=sweep).output
    assert told.endswith(": 4 experiments, 1 estimator, 0 figures; nothing wrong\n")
