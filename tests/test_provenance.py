"""Whether a file is what a study asks for, as it says itself."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from infoplane import code
from infoplane.artifacts import describe, write_table
from infoplane.cli import main
from infoplane.config.study import load_config
from infoplane.datasets import synthetic
from infoplane.provenance import Provenance, described_spec, made_from, maker
from infoplane.statistics.chunks import read_chunks

TRAINING = {
    "dataset": "synthetic",
    "network": "shwartz-ziv",
    "activation": "relu",
    "bits": 8,
    "epochs": 3,
    "record_every": 1,
}
CONFIG = {
    "results": "there",
    "defaults": TRAINING | {"repetitions": 5, "chunk": 2},
    "experiments": {"one": {}, "slow": {"engine": "torch"}},
    "estimators": {"exact": {"kind": "exact"}, "rebinned": {"kind": "rebinned"}},
}
DATA = synthetic().description
ONE = {"experiment": "one", "chunk": "0-1"}
SEEN = ONE | {"estimator": "exact"}
PATH = Path("table.parquet")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def study_of(**changes):
    Path("mine.yaml").write_text(yaml.safe_dump(CONFIG | changes))
    return load_config(Path("mine.yaml"))


def write(kind, names=SEEN, repetitions=(0, 1), data=DATA, study=None, **changes):
    """Write a table that says what one of the study would say, but for some changes."""
    study = study or study_of()
    estimator = study.estimators[names["estimator"]].spec if kind == "information" else None
    spec = made_from(study.experiments[names["experiment"]].spec, estimator)
    told = describe(kind, spec, repetitions=[*repetitions], dataset=data) | changes
    write_table(PATH, pd.DataFrame({"loss": [0.5]}), told)


def is_current(kind, names=SEEN, study=None):
    if kind == "history":
        names = {name: text for name, text in names.items() if name != "estimator"}
    return Provenance(study or study_of()).is_current(kind, PATH, names)


@pytest.mark.parametrize("kind", ["history", "information"])
def test_a_table_is_of_one_spec_of_some_repetitions_and_of_data(kind):
    write(kind)
    assert is_current(kind)
    assert not is_current(kind, SEEN | {"chunk": "2-3"})
    for key, value in {"bits": 4, "epochs": 4, "seed": 1, "dataset": "mnist"}.items():
        assert not is_current(kind, study=study_of(defaults=CONFIG["defaults"] | {key: value})), key
    write(kind, data=DATA | {"digest": "another"})
    assert not is_current(kind)


def test_information_is_of_one_estimator():
    write("information")
    assert not is_current("information", SEEN | {"estimator": "rebinned"})


@pytest.mark.parametrize("kind", ["history", "information"])
def test_what_kernels_made_is_current_while_their_version_is(kind, monkeypatch):
    write(kind)
    monkeypatch.setattr(code, "ROOT", Path("nowhere"))
    assert is_current(kind), "no module is looked at"
    monkeypatch.setattr(code, "VERSION", 2)
    assert not is_current(kind)
    write(kind)
    assert is_current(kind)


def test_results_from_before_the_version_was_said_are_of_the_first(monkeypatch):
    study = study_of()
    whole = {"training": study.experiments["one"].spec.model_dump(mode="json")}
    told = describe("history", whole, repetitions=[0, 1], dataset=DATA)
    del told["engine"]
    write_table(PATH, pd.DataFrame({"loss": [0.5]}), told)
    assert is_current("history")
    assert maker(told) == {"engine": 1} and described_spec(told) == made_from(study.experiments["one"].spec)
    del told["spec"]["training"]["engine"]  # from before there were kernels
    write_table(PATH, pd.DataFrame({"loss": [0.5]}), told)
    assert maker(told) == {} and not is_current("history")
    monkeypatch.setattr(code, "VERSION", 2)
    assert not is_current("history")


def test_chunks_from_before_and_after_are_of_one_experiment():
    """A spec was written with all of its keys, and is now by what differs from the defaults."""
    study = study_of()
    spec = study.experiments["one"].spec
    specs = spec.model_dump(mode="json"), spec.differences()
    paths = [Path("0-1.parquet"), Path("2-3.parquet")]
    for path, its, first in zip(paths, specs, (0, 2), strict=True):
        told = describe("history", {"training": its}, repetitions=[first, first + 1], dataset=DATA)
        write_table(path, pd.DataFrame({"repetition": [first], "loss": [0.5]}), told)
    whole = read_chunks(paths, "history")[1]
    assert whole["spec"] == made_from(spec) and whole["repetitions"] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("kind", "names", "module"),
    [
        ("history", {"experiment": "slow", "chunk": "0-1"}, "networks/forward.py"),
        ("levels", ONE, "information/levels.py"),
        ("levels", ONE, "kernels/layers.py"),
        ("accuracy", {"experiment": "one"}, "statistics/aggregates.py"),
    ],
)
def test_all_else_is_current_while_its_modules_are(kind, names, module, monkeypatch):
    repetitions = range(2 if "chunk" in names else 5)
    shutil.copytree(code.ROOT, "source", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code.code_digest, "__defaults__", ((), Path("source").resolve()))
    write(kind, names, repetitions)
    assert is_current(kind, names)
    for plumbing in ("cli.py", "status.py", "config/study.py"):
        Path("source", plumbing).write_text("another")
    os.utime(Path("source", module))
    assert is_current(kind, names)
    with open(Path("source", module), "a") as file:
        file.write("# an edit")
    os.utime(Path("source", module), (0, 0))
    assert not is_current(kind, names)


@pytest.mark.parametrize("content", [b"", b"no artifact", None])
def test_what_cannot_be_read_is_not_current(content):
    if content is not None:
        PATH.write_bytes(content)
    assert not is_current("history")


class TestOwnData:
    """One's own data file is known by its content."""

    def study(self, **own):
        data = {"mine": {"kind": "npz", "path": "a.npz", **own}}
        return study_of(datasets=data, defaults=CONFIG["defaults"] | {"dataset": "mine"})

    def save(self, name="a", shift=0):
        np.savez(f"{name}.npz", inputs=np.arange(24).reshape(12, 2) + shift, labels=np.arange(12) % 3)

    def is_current(self, **own):
        path = Path("there/datasets/mine.npz")
        return Provenance(self.study(**own)).is_current("dataset", path, {"dataset": "mine"})

    @pytest.fixture(autouse=True)
    def made(self):
        self.save()
        spec = self.study().datasets["mine"].model_dump_json()
        assert main(["datasets", "--spec", spec, "--output", "there/datasets/mine.npz"]) == 0

    def test_another_time_changes_nothing_and_another_content_does(self):
        os.utime("a.npz")
        assert self.is_current()
        self.save(shift=1)
        os.utime("a.npz", (0, 0))
        assert not self.is_current()
        self.save()
        assert self.is_current()

    def test_a_job_depends_on_the_bytes_of_the_file_and_not_on_its_time(self):
        def content():
            return Provenance(self.study()).content("dataset", {"dataset": "mine"})

        before = content()
        os.utime("a.npz", (0, 0))
        assert content() == before
        self.save(shift=1)
        os.utime("a.npz", (0, 0))
        assert content() != before

    def test_another_file_scale_or_fraction_is_seen(self):
        self.save("b", shift=1)
        for changed in ({"path": "b.npz"}, {"scale": 2.0}, {"fraction": 0.5}):
            assert not self.is_current(**changed), changed

    def test_another_file_of_the_same_arrays_is_the_same_data(self):
        shutil.copy("a.npz", "b.npz")
        assert self.is_current(path="b.npz")

    def test_a_training_on_other_data_is_outdated(self):
        study = self.study()
        write("history", data=Provenance(study).data_of("mine"), study=study)
        assert is_current("history", study=study)
        self.save(shift=1)
        assert not is_current("history", study=study)

    @pytest.mark.parametrize(("key", "what"), [("path", "file"), ("folder", "folder")])
    def test_a_file_that_is_not_there_is_one_line(self, capsys, key, what):
        own = {"kind": "npz", "path": "gone.npz"} if key == "path" else {"kind": "mnist", "folder": "gone"}
        study_of(datasets={"mine": own}, defaults=CONFIG["defaults"] | {"dataset": "mine"})
        assert main(["check", "mine.yaml"]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert (
            line.startswith(f"infoplane: mine.yaml: datasets.mine.{key}: gone")
            and f" is not a {what} in {Path.cwd()}, from which paths count; " in line
        )

    def test_a_path_from_the_root_is_told_alone(self, capsys, tmp_path):
        own = {"kind": "npz", "path": str(tmp_path / "gone.npz")}
        study_of(datasets={"mine": own}, defaults=CONFIG["defaults"] | {"dataset": "mine"})
        assert main(["check", "mine.yaml"]) == 1
        assert "gone.npz is not a file; correct the path" in capsys.readouterr().err

    def test_status_says_of_data_that_are_gone_what_check_says(self, capsys):
        own = {"kind": "npz", "path": "gone.npz"}
        study_of(datasets={"mine": own}, defaults=CONFIG["defaults"] | {"dataset": "mine"})
        lines = []
        for command in ("status", "check"):
            assert main([command, "mine.yaml"]) == 1
            lines.append(capsys.readouterr().err)
        assert lines[0] == lines[1] and "datasets.mine.path: gone.npz is not a file in" in lines[0]


def test_recordings_are_looked_for_in_the_present_folder(capsys, tmp_path):
    study_of(experiments={"own": {"recorded": {"files": "runs/*.parquet"}}}, defaults={})
    assert main(["check", "mine.yaml"]) == 1
    words = f"runs/*.parquet: matches no file in {tmp_path}, from which paths count; correct the path"
    assert f"experiments.own.recorded: {words}" in capsys.readouterr().err


def test_public_data_are_known_by_their_content(tmp_path):
    study = study_of()
    path = Path("there/datasets/synthetic.npz")
    assert main(["datasets", "--spec", '{"name": "synthetic"}', "--output", str(path)]) == 0
    assert Provenance(study).is_current("dataset", path, {"dataset": "synthetic"})
    images = study_of(defaults=CONFIG["defaults"] | {"dataset": "mnist"})
    assert not Provenance(images).is_current("dataset", path, {"dataset": "mnist"})
    assert Provenance(images).data_of("mnist") is None, "nothing is downloaded"


def test_made_data_are_current_whatever_module_made_them(monkeypatch):
    """Where the modules have changed, the data are made again in memory and compared."""
    path = Path("there/datasets/synthetic.npz")
    assert main(["datasets", "--spec", '{"name": "synthetic"}', "--output", str(path)]) == 0
    monkeypatch.setattr(code, "code_digest", lambda *_: "another")
    assert Provenance(study_of()).is_current("dataset", path, {"dataset": "synthetic"})
