"""Recorded runs as the history and the information of an experiment, and what is told of them."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from answers import in_process, is_one_line_that_names
from recorded_runs import BINS, LABELS, recorder_of, run_of, save_runs

from infoplane import EstimatorSpec, UserError, load_table
from infoplane.artifacts import read_table
from infoplane.recorded import write_history, write_information
from infoplane.statistics.tables import summarise_accuracy, summarise_information
from infoplane.verify import verify
from infoplane.verify.trainings import check_history

EXACT = EstimatorSpec(kind="exact")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return save_runs(tmp_path_factory.mktemp("runs"))


def taken_over(paths, folder, estimator=EXACT):
    """The tables of an experiment: history, information, aggregates, phases."""
    tables = [folder / f"{name}.parquet" for name in ("history", "information", "aggregates", "phases")]
    write_history(paths, "mine", tables[0])
    write_information(estimator, paths, "mine", tables[1])
    summarise_information([tables[1]], [tables[0]], *tables[2:])
    return [load_table(path) for path in tables]


@pytest.mark.parametrize(("spec", "name"), [(EXACT, "exact"), (EstimatorSpec(**BINS), "uniform-8-layer")])
def test_information_is_what_the_recorder_has_counted(tmp_path, runs, spec, name):
    information = taken_over(runs, tmp_path, spec)[1]
    for seed in range(2):
        recorded = run_of(seed).table(name)
        own = information[information["repetition"] == seed].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, recorded.assign(repetition=np.int32(seed)))
    assert information.attrs["repetitions"] == [0, 1]
    assert information.attrs["dataset"]["name"] == "mine"


def test_the_name_of_an_estimator_in_the_file_does_not_matter(tmp_path, runs):
    renamed = save_runs(tmp_path, estimators={"mine": BINS, "other": "exact"})
    one, other = (taken_over(paths, tmp_path)[1] for paths in (runs, renamed))
    pd.testing.assert_frame_equal(one, other)


def test_history_begins_after_the_first_pass_and_has_the_metrics_of_a_study(tmp_path):
    paths = save_runs(tmp_path, metrics=("other", "test_accuracy", "loss"))
    history = taken_over(paths, tmp_path)[0]
    assert [*history] == ["repetition", "part", "epoch", "loss", "test_accuracy"]
    assert history["epoch"].tolist() == [*range(12)] * 2
    assert history.drop(columns="part").notna().all(axis=None)


def test_metrics_that_are_not_in_all_files_are_left_out(tmp_path):
    paths = save_runs(tmp_path, seeds=[0]) + save_runs(tmp_path, seeds=[1], metrics=["loss"])
    assert [*taken_over(paths, tmp_path)[0]] == ["repetition", "part", "epoch", "loss"]


def test_a_metric_that_is_given_now_and_then_fails_no_run(tmp_path):
    recorder = recorder_of()
    for epoch in range(-1, 12):
        recorder.record(epoch, loss=1.0, **({"test_accuracy": 0.5} if epoch % 5 == 0 else {}))
    recorder.save(tmp_path / "run.parquet")
    phases = taken_over([tmp_path / "run.parquet"], tmp_path)[3]
    assert not phases["failed"].any()
    summarise_accuracy([tmp_path / "history.parquet"], None, tmp_path / "accuracy.parquet")
    accuracy, known = read_table(tmp_path / "accuracy.parquet", "accuracy")
    means = accuracy[(accuracy["quantity"] == "test_accuracy") & (accuracy["runs"] == "all")]
    assert (means["epoch"].tolist(), means["mean"].tolist()) == ([0, 5, 10], [0.5] * 3)
    assert known["chance"] == np.bincount(LABELS).max() / len(LABELS)


def test_aggregates_and_phases_name_the_layers(tmp_path, runs):
    *_, aggregates, phases = taken_over(runs, tmp_path)
    names = {1: "1", 2: "3", 3: "softmax"}
    for table in (aggregates, phases):
        assert dict(zip(table["layer"], table["layer_name"], strict=True)) == names
    assert phases["compression"].notna().all() and phases["fitting"].notna().all()


def test_fitting_is_undefined_without_the_state_before_the_first_step(tmp_path, runs):
    with_start = taken_over(runs, tmp_path)[3]
    without = taken_over(save_runs(tmp_path, epochs=range(12)), tmp_path)[3]
    assert without["compression"].notna().all()
    for name in ("fitting", "headroom", "fits", "fitted_share", "fitting_onset", "fitted_at_onset"):
        assert without[name].isna().all()
        assert without[name].dtype == with_start[name].dtype


def test_epochs_that_are_not_evenly_spaced_make_no_blocks(tmp_path):
    """Three epochs are no block of four; looked at one by one, two of them lie before the last."""
    evenly = taken_over(save_runs(tmp_path, epochs=[-1, 0, 4]), tmp_path)[3]
    apart = taken_over(save_runs(tmp_path, "apart", epochs=[-1, 0, 1, 10]), tmp_path)[3]
    assert (evenly["blocks"] == 0).all() and (apart["blocks"] == 3).all()
    assert evenly["compression"].isna().all() and apart["compression"].notna().all()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"widths": (6, 4, 2)}, "differ in their layers, 1, 3, softmax and 1, softmax"),
        ({"epochs": range(-1, 9)}, "differ in their recorded epochs, 13 and 10"),
        ({"epochs": [*range(-1, 11), 12]}, "differ in their recorded epochs, 11 and 12"),
        ({"labels": 1 - LABELS}, "differ in their labels"),
        ({"bits": 4}, "differ in their bits, 32 and 4"),
        ({"estimators": "exact"}, "differ in their estimators"),
        ({"every": 4}, "differ in their recorded epochs, 13 and 4"),
    ],
)
def test_runs_of_different_experiments_are_refused_by_the_names_of_both(tmp_path, runs, options, what):
    (other,) = save_runs(tmp_path, seeds=[7], **options)
    with pytest.raises(UserError, match=what) as error:
        write_history([*runs, other], "mine", tmp_path / "history.parquet")
    assert str(error.value).startswith(f"{runs[0]} and {other}: ")
    assert "\n" not in str(error.value)


def test_another_estimator_is_refused(tmp_path, runs):
    with pytest.raises(UserError, match="was recorded without"):
        write_information(EstimatorSpec(kind="adaptive", bins=4), runs, "mine", tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["train_accuracy", "test_accuracy"])
@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        (93.0, "divide by 100"),
        (1.01, "divide by 100"),
        (-0.5, "give correct answers divided by all"),
        (math.inf, "give correct answers divided by all"),
        (torch.tensor(512), "give correct answers divided by all"),
    ],
)
def test_an_accuracy_is_a_share(name, value, remedy):
    recorder = recorder_of()
    with pytest.raises(UserError) as error:
        recorder.record(0, **{name: value})
    line = f"metric {name}: {float(value):g} is not a share between 0 and 1; {remedy}"
    assert str(error.value) == line and recorder.history().empty
    for epoch, share in enumerate((0, 1.0, math.nan)):
        recorder.record(epoch, **{name: share, "other": 93})


def test_verify_refuses_accuracies_of_recorded_runs_that_are_no_shares(tmp_path):
    """Those of an earlier version, whose recorder took them."""
    recorder = recorder_of()
    recorder.record(0, loss=-1.0)
    recorder.metrics[0] |= {"test_accuracy": 93.0}
    recorder.save(tmp_path / "run.parquet")
    history = tmp_path / "training" / "mine" / "0-0.parquet"
    write_history([tmp_path / "run.parquet"], "mine", history)
    with pytest.raises(
        UserError, match=r"0 ≤ test_accuracy ≤ 1 in 1 rows.*; record accuracies between 0 and 1"
    ):
        check_history(history)


def test_verify_says_that_recorded_runs_follow_from_recordings(tmp_path, runs):
    write_history(runs, "mine", tmp_path / "training" / "mine" / "0-1.parquet")
    table = tmp_path / "information" / "mine" / "exact" / "0-1.parquet"
    write_information(EXACT, runs, "mine", table)
    problems, counts = verify(tmp_path)
    assert not problems
    assert any("follow from their trajectories or recordings" in line for line in counts)


def test_no_claim_of_recorded_runs_is_traced(tmp_path, runs):
    write_history(runs, "mine", tmp_path / "training" / "mine" / "0-1.parquet")
    answer = in_process("trace", str(tmp_path), "C3")
    words = f"{tmp_path}: holds recorded runs alone, and no claim rests on them; trace a study that trains"
    assert is_one_line_that_names(answer.errors, words)


def test_a_damaged_recording_is_refused(tmp_path, runs):
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(runs[0].read_bytes()[:-100])
    with pytest.raises(UserError, match=r"damaged\.parquet"):
        write_history([damaged], "mine", tmp_path / "history.parquet")
