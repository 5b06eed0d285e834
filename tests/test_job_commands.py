"""The commands of jobs, and what is refused before there are any."""

import json
import shlex
import sys

import pytest
import yaml

from infoplane.cli import parser
from infoplane.config.study import resolve
from infoplane.errors import UserError
from infoplane.jobs import Commands, planned_study, python_command
from infoplane.layout import Layout, path_of
from infoplane.provenance import Provenance

CONFIG = {
    "results": "my results",
    "defaults": {
        "dataset": "synthetic",
        "network": "shwartz-ziv",
        "activation": "relu",
        "bits": 8,
        "epochs": 4,
        "record_every": 1,
        "repetitions": 5,
        "chunk": 2,
    },
    "experiments": {"mine": {}},
    "estimators": {"exact": {"kind": "exact"}},
    "figures": {
        "plane": {
            "kind": "plane",
            "category": "A",
            "experiments": ["mine"],
            "estimators": ["exact"],
            "note": "it's",
        }
    },
}


@pytest.fixture
def commands() -> Commands:
    return Commands(Provenance(resolve(CONFIG, "test.yaml")), "python -P")


def words_of(line: str) -> list[str]:
    """The arguments of infoplane in a command line, as a shell reads it."""
    words = shlex.split(line)
    assert words[:4] == ["python", "-P", "-m", "infoplane.cli"]
    return words[4:]


def test_a_command_has_options_spec_inputs_and_outputs(commands):
    names = {"experiment": "mine", "chunk": "0-1"}
    inputs = {"dataset": ["my results/d.npz"], "other": []}
    outputs = {"trajectory": "t", "history": "h"}
    line = commands.line("training", "history", names, inputs, outputs, {"repetitions": "{chunk}"})
    given = parser().parse_args(words_of(line))
    assert (given.repetitions, str(given.dataset)) == (range(2), "my results/d.npz")
    assert (str(given.trajectory), str(given.history)) == ("t", "h")
    assert json.loads(given.spec) == commands.provenance.spec("history", names)


def test_files_without_names_of_their_own_are_behind_one_option(commands):
    line = commands.line("verdicts", "verdicts", {}, {"claims": ["c"]}, ["a.html", "b.md"], {})
    given = parser().parse_args(words_of(line))
    assert [*map(str, given.output)] == ["a.html", "b.md"]


def test_a_job_that_depends_on_files_alone_has_no_spec(commands):
    names = {"experiment": "mine", "estimator": "exact"}
    line = commands.line(
        "statistics information", "aggregates", names, {"information": ["i", "k"]}, ["a"], {}
    )
    assert words_of(line) == ["statistics", "information", "--information", "i", "k", "--output", "a"]


def test_tables_stand_behind_what_they_are_of(commands):
    tables = ["my results/statistics/mine/exact/phases.parquet", "my results/statistics/claims.csv"]
    names = {"dataset": "synthetic", "table": "phases"}
    line = commands.line(
        "statistics join-{table}", "joined", names, {"tables": tables}, ["o"], {}, named=True
    )
    assert words_of(line)[1:] == [
        "join-phases", "--tables", f"mine/exact={tables[0]}", tables[1], "--output", "o"
    ]  # fmt: skip


SEVERAL = CONFIG | {
    "experiments": {"mine": {}, "slow": {"engine": "torch"}, "alone": {}},
    "estimators": {
        "rebinned": {"kind": "rebinned", "experiments": ["mine", "slow"]},
        "exact": {"kind": "exact"},
        "kde": {"kind": "kde", "noise": 0.1, "experiments": ["mine"]},
        "mass": {"kind": "adaptive", "bins": 4, "experiments": ["mine"]},
        "bins": {"kind": "uniform", "bins": 4, "range": "layer", "experiments": ["mine", "slow"]},
    },
}


def measuring(experiment, estimator):
    """What the job of the information of a chunk by an estimator is given."""
    study = resolve(SEVERAL, "test.yaml")
    names = {"experiment": experiment, "estimator": estimator, "chunk": "0-1"}
    inputs = Layout(study).made_from("information", names)
    output = f"my results/{path_of('information', **names)}"
    line = Commands(Provenance(study), "python -P").line(
        "information", "information", names, inputs, [output], {"device": "cpu"}
    )
    return inputs.get("after"), parser().parse_args(words_of(line))


def test_the_job_of_the_exact_information_measures_what_others_that_count_need(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    after, given = measuring("mine", "exact")
    assert (after, given.ready) == (None, None)
    assert [json.loads(spec)["kind"] for spec in given.spec] == ["exact", "uniform", "rebinned"]
    assert [*map(str, given.output)] == [
        "my results/information/mine/exact/0-1.parquet",
        "my results/information/mine/bins/.0-1.parquet.ready",
        "my results/information/mine/rebinned/.0-1.parquet.ready",
    ]


@pytest.mark.parametrize("estimator", ["bins", "rebinned"])
def test_the_jobs_of_others_run_later_and_look_for_their_tables(estimator):
    after, given = measuring("mine", estimator)
    assert after == ["information/mine/exact/0-1.parquet"]
    assert str(given.ready) == f"my results/information/mine/{estimator}/.0-1.parquet.ready"
    assert len(given.spec) == len(given.output) == 1


@pytest.mark.parametrize(
    "names", [("mine", "kde"), ("mine", "mass"), ("slow", "exact"), ("slow", "bins"), ("alone", "exact")]
)
def test_other_jobs_measure_by_themselves(names):
    """What takes longer than a replay, what PyTorch replays, and what has one estimator."""
    after, given = measuring(*names)
    assert (after, given.ready) == (None, None) and len(given.spec) == len(given.output) == 1


@pytest.mark.parametrize("current", [True, False])
def test_what_others_have_is_not_measured_again(tmp_path, monkeypatch, current):
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "my results/information/mine/bins/0-1.parquet"
    there.parent.mkdir(parents=True)
    there.touch()
    monkeypatch.setattr(Provenance, "is_current", lambda self, kind, path, names: current)
    _, given = measuring("mine", "exact")
    assert (str(there.with_name(".0-1.parquet.ready")).removeprefix(f"{tmp_path}/")
            in map(str, given.output)) != current  # fmt: skip


def test_a_shell_reads_every_letter_of_a_spec(commands):
    line = commands.line("figures", "figure", {"figure": "plane"}, {}, ["plane.pdf"], {})
    assert json.loads(parser().parse_args(words_of(line)).spec)["note"] == "it's"


def test_python_is_that_of_snakemake_or_of_an_environment():
    assert shlex.split(python_command("", in_conda=False))[-2:] == [sys.executable, "-P"]
    assert "PYTHONPATH" not in python_command("", in_conda=False)
    assert python_command("/clone/src", in_conda=True).endswith(" python -P")


def test_a_study_is_planned_from_keys_and_files(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(CONFIG))
    assert planned_study(CONFIG, [str(file)], "").results == "my results"
    assert planned_study(CONFIG, [], "").experiments.keys() == {"mine"}


@pytest.mark.parametrize(
    ("change", "text", "modules", "said"),
    [
        ({"estimators": {}}, "a: 1", "", "mine.yaml: estimators: {} is refused"),
        ({}, "a: 1\na: 2", "", "mine.yaml"),
        ({"datasets": {"synthetic": {"kind": "npz", "path": "no"}}}, "a: 1", "", "synthetic.path: no is"),
        ({}, "a: 1", "/a{b}", "/a{b}: a folder of modules"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_one_line(tmp_path, monkeypatch, change, text, modules, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UserError) as refused:
        planned_study(CONFIG | change, ["mine.yaml"], modules)
    assert said in str(refused.value) and "\n" not in str(refused.value)
