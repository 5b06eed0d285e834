"""Recorded experiments in a config: what is applied to them, and what `check` refuses."""

import shutil
from pathlib import Path

import pytest
import yaml
from answers import in_process
from recorded_runs import BINS, LABELS, recorder_of, save_runs

from infoplane.cli import main
from infoplane.config import EXACT, load_config, resolve
from infoplane.config.recorded import repeated_runs
from infoplane.errors import UserError
from infoplane.layout import Layout
from infoplane.provenance import refuse_missing_data

EXACTLY = {"exact": {"kind": "exact"}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    save_runs(folder, "tanh", range(2))
    save_runs(folder, "exact", range(2), estimators="exact", metrics=["loss"])
    save_runs(folder, "inputs", range(2), labels=1 - LABELS)
    save_runs(folder, "wide", range(1), widths=(6, 5, 5, 3, 2))
    save_runs(folder, "tested", range(2), metrics=["test_accuracy"])
    percent = recorder_of()
    percent.record(0)
    percent.metrics[0] = {"test_accuracy": 93.0}  # as earlier versions took it
    percent.save(folder / "percent-0.parquet")
    (folder / "text-0.parquet").write_text("This is no table.")
    return folder


def config_of(runs, files="tanh-*.parquet", **sections):
    recorded = {"files": str(runs / files)}
    return {"experiments": {"own": {"recorded": recorded}}, "estimators": EXACTLY, **sections}


def checked(config):
    study = resolve(config, "own.yaml")
    refuse_missing_data(study, "own.yaml")
    return study


def test_runs_are_numbered_in_the_order_of_their_names(runs):
    study = checked(config_of(runs))
    own = study.recorded["own"]
    assert [path.name for path in own.paths] == ["tanh-0.parquet", "tanh-1.parquet"]
    assert (own.chunks, own.spec.layers, own.accuracies) == (
        ["0-1"],
        ("1", "3", "softmax"),
        ("train_accuracy", "test_accuracy"),
    )


def test_files_may_be_a_list_of_patterns(runs):
    config = config_of(runs)
    config["experiments"]["own"]["recorded"]["files"] = [str(runs / f"tanh-{each}*") for each in (1, 0, "*")]
    assert checked(config).recorded["own"].repetitions == 2


def test_an_estimator_of_all_is_applied_to_what_was_recorded_with_it(runs):
    estimators = {"counted": {"kind": "exact"}, "bins": BINS}
    config = config_of(runs, estimators=estimators)
    config["experiments"]["less"] = {"recorded": {"files": str(runs / "exact-*"), "dataset": "b"}}
    assert checked(config).pairs == [("less", "counted"), ("own", "bins"), ("own", "counted")]


def test_the_label_of_a_recorded_experiment_is_its_name_or_what_is_given(runs):
    study = checked(config_of(runs, figures={"curves": figure("curves")}))
    assert study.figures["curves"].labels == {}
    config = config_of(runs, figures={"curves": figure("curves")})
    config["experiments"]["own"]["label"] = "mine"
    assert checked(config).figures["curves"].labels == {"own": "mine"}


def figure(kind, **keys):
    return {"kind": kind, "category": "own", "experiments": ["own"], "estimators": ["exact"], **keys}


def without_estimators(kind):
    return {key: value for key, value in figure(kind).items() if key != "estimators"}


def test_no_claim_rests_on_recorded_runs(runs):
    layout = Layout(checked(config_of(runs)))
    assert layout.claimed() == []
    assert not [path for path in layout.targets() if "claims" in path or "verdicts" in path]
    assert "statistics/recorded/phases.csv" in layout.targets()


def test_accuracies_that_were_not_recorded_enter_no_table(runs):
    layout = Layout(checked(config_of(runs, "exact-*")))
    assert "statistics/recorded/fits.csv" not in layout.targets()


@pytest.mark.parametrize(
    ("files", "sections", "complaint"),
    [
        ("none-*", {}, "experiments.own.recorded: .*none-.*: matches no file; correct the path"),
        ("text-0*", {}, "experiments.own.recorded: .*text-0.parquet: is a text file, expected a recording"),
        (
            "[ei]*.parquet",
            {},
            "experiments.own.recorded: .*exact-0.parquet and .*inputs-0.parquet: differ in their",
        ),
        (
            "tanh-*",
            {
                "estimators": {
                    "bins": {"kind": "uniform", "bins": 9, "range": "layer", "experiments": ["own"]}
                }
            },
            'estimators.bins: own was recorded without it; .*tanh-0.parquet has exact {"kind":"exact"}, ',
        ),
        (
            "tanh-*",
            {"estimators": {"other": {"kind": "adaptive", "bins": 9}}},
            "experiments.own.recorded: no estimator of the config was recorded; add one that",
        ),
        (
            "tanh-*",
            {"estimators": EXACTLY | {"other": {"kind": "adaptive", "bins": 9}}},
            "estimators.other: it applies to no experiment; remove it",
        ),
        (
            "exact-*",
            {"figures": {"a": without_estimators("accuracy")}},
            "figures.a: own was recorded without accuracies; give recorder.record",
        ),
        ("exact-*", {"figures": {"a": figure("tradeoff")}}, "figures.a: own was recorded without accuracies"),
        *(
            (
                "tested-*",
                {"figures": {"a": figure(kind)}},
                r"figures.a: own was recorded without train_accuracy; give recorder.record\(epoch, "
                r"train_accuracy=…\), or name",
            )
            for kind in ("explorer", "tradeoff")
        ),
        (
            "percent-*",
            {},
            "experiments.own.recorded: .*percent-0.parquet: test_accuracy: 93 is not a share between 0 and 1",
        ),
        *(
            (
                "tanh-*",
                {"figures": {"a": without_estimators(kind)}},
                f"figures.a: kind {kind} takes trajectories, and own was recorded without",
            )
            for kind in ("reliability", "resolution", "levels", "merging", "scatter")
        ),
        *(
            (
                "tanh-*",
                {"figures": {"a": figure(kind)}},
                f"figures.a: kind {kind} compares the keys of trainings, and own was recorded without",
            )
            for kind in ("forest", "settings")
        ),
        (
            "tanh-*",
            {"figures": {"a": {"kind": "margins", "category": "own"}}},
            "figures.a: shows verdicts, and claims rest on no experiment; remove it",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(runs, files, sections, complaint):
    with pytest.raises(UserError, match=rf"^own\.yaml: {complaint}") as error:
        checked(config_of(runs, files, **sections))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        ({"activation": "relu"}, "experiments.own.activation: unknown key; use one of recorded, label"),
        ({"recorded": {"file": "a"}}, "experiments.own.recorded.file: unknown key; did you mean 'files'"),
        ({"recorded": {"files": []}}, "experiments.own.recorded.files: .* is refused; it must be not empty"),
        (
            {"recorded": {"files": "a", "dataset": "mnist"}},
            "experiments.own.recorded.dataset: mnist is a data",
        ),
        ({"sweep": {"bits": [4, 8]}}, "experiments.own-bits-4.bits: unknown key; use one of recorded, label"),
    ],
)
def test_keys_that_a_recorded_experiment_does_not_take_are_refused(own, complaint):
    config = {"experiments": {"own": {"recorded": {"files": "a"}} | own}, "estimators": EXACTLY}
    with pytest.raises(UserError, match=complaint):
        resolve(config, "own.yaml")


def test_experiments_of_one_name_of_inputs_have_the_same_inputs(runs):
    config = config_of(runs)
    config["experiments"]["other"] = {"recorded": {"files": str(runs / "inputs-*")}}
    with pytest.raises(UserError, match=r"are of other inputs or labels; give one of them another"):
        checked(config)
    config["experiments"]["other"]["recorded"]["dataset"] = "inverted"
    assert checked(config).inputs == ["recorded", "inverted"]


def test_defaults_of_trainings_do_not_concern_recorded_runs(runs):
    assert (
        checked(config_of(runs, defaults={"bits": 8, "activation": "tanh"})).recorded["own"].repetitions == 2
    )


def test_the_command_checks_recordings(runs, tmp_path, capsys):
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(config_of(runs)))
    assert main(["check", str(path)]) == 0
    path.write_text(yaml.safe_dump(config_of(runs, "wide-*", estimators={"bins": {**BINS, "bins": 9}})))
    assert main(["check", str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"infoplane: {path}: ")


def test_a_study_whose_recordings_are_gone_can_still_be_read(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(config_of(Path("/nowhere"), figures={"plane": figure("plane")})))
    study = load_config(path)
    assert study.estimators["exact"].spec == EXACT
    assert Layout(study).drawn_from("plane") == {"aggregates": ["statistics/own/exact/aggregates.parquet"]}


def test_runs_of_equal_content_are_named_once_for_two_experiments(runs, tmp_path):
    """Whatever their files are called, in two experiments or in one."""
    for number in range(2):
        shutil.copy(runs / f"tanh-{number}.parquet", tmp_path / f"copy-{number}.parquet")
    config = config_of(runs)
    assert repeated_runs(resolve(config, "own.yaml").recorded) == []
    for other, files in (("tanh", runs / "tanh-*"), ("copy", tmp_path / "copy-*")):
        experiments = config["experiments"] | {other: {"recorded": {"files": str(files)}}}
        (line,) = repeated_runs(resolve(config | {"experiments": experiments}, "own.yaml").recorded)
        assert line.startswith(f"experiments.{other}: ") and f"{runs / 'tanh-0.parquet'} of own" in line
    config["experiments"]["own"]["recorded"]["files"] = [str(runs / "tanh-*"), str(tmp_path / "copy-1*")]
    (line,) = repeated_runs(resolve(config, "own.yaml").recorded)
    assert "copy-1.parquet" in line and "tanh-1.parquet" in line and "experiments.own: " in line


def test_check_warns_of_repeated_runs(runs, tmp_path):
    config = config_of(runs, results=str(tmp_path / "results"))
    config["experiments"]["again"] = config["experiments"]["own"]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    answer = in_process("check", str(tmp_path / "own.yaml"))
    assert answer.status == 0 and answer.output.endswith("; 1 warning\n"), answer
    (line,) = answer.errors.splitlines()
    assert line.startswith(f"warning: {tmp_path / 'own.yaml'}: experiments.again: ")
