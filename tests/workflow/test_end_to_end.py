"""A tiny study from data to figures through Snakemake, and what is left where a job fails."""

import pandas as pd
import pytest
import yaml

from infoplane.log import has_finished


def message(log):
    """What a failed job says: one line, after the command, its versions and the times."""
    *before, end, line = log.read_text().splitlines()
    assert before[0].startswith("infoplane ") and end.startswith("failed ")
    assert "Traceback" not in log.read_text()
    return line


def leftovers(folder):
    """Files that were written aside and never renamed."""
    return list(folder.glob("results/**/.*"))


def test_study_runs_to_its_figures(first_run):
    workflow, run = first_run
    assert run.returncode == 0, run.stdout + run.stderr
    results = workflow.folder / "results"
    for name in yaml.safe_load(workflow.config.read_text())["figures"]:
        assert (results / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (results / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    tables = results / "statistics" / "synthetic"
    phases, fits, violations = (
        pd.read_csv(tables / f"{name}.csv") for name in ("phases", "fits", "violations")
    )
    # 3 and 2 repetitions of 6 layers, the latter seen by two estimators
    assert len(phases) == 3 * 6 + 2 * 6 * 2
    assert fits.set_index("experiment")["repetitions"].to_dict() == {"relu": 3, "tanh": 2}
    exact = violations[violations["estimator"] == "exact"]
    # 3 and 2 repetitions of 5 pairs of layers at epochs -1, 0, 5 and 10
    assert exact["compared"].tolist() == [3 * 5 * 4] * 2 + [2 * 5 * 4] * 2
    assert (exact["violations"] == 0).all() and (exact["largest"] == 0).all()
    assert not leftovers(workflow.folder)


def test_jobs_leave_log_and_benchmark(first_run):
    workflow, _ = first_run
    results = workflow.folder / "results"
    for log in (results / "logs").glob("**/*.log"):
        text = log.read_text()
        assert text.startswith("infoplane ") and has_finished(log), log
        assert not set(text) & {"\r", "\b", "\x1b"} and "\n\n" not in text, log
    assert "(100 %)" in (results / "logs" / "training" / "relu" / "0-1.log").read_text()
    assert "max_rss" in (results / "benchmarks" / "training" / "relu" / "0-1.tsv").read_text()


def test_truncated_trajectory_is_made_again(finished):
    trajectory = finished.folder / "results" / "training" / "relu" / "0-1.safetensors"
    whole = trajectory.read_bytes()
    trajectory.write_bytes(whole[:-100])
    output = "results/information/relu/exact/0-1.parquet"
    run = finished.snakemake("--forcerun", "information", "--until", "information", "--", output)
    assert run.returncode == 0, run.stdout + run.stderr
    assert trajectory.read_bytes() == whole
    assert not leftovers(finished.folder)


def test_mismatched_chunk_is_one_line(finished):
    information = finished.folder / "results" / "information"
    (information / "tanh" / "exact" / "0-1.parquet").replace(information / "relu" / "exact" / "0-1.parquet")
    (information / "relu" / "exact" / "0-1.parquet").touch()
    finished.snakemake("--cleanup-metadata", "results/information/relu/exact/0-1.parquet")
    output = "results/statistics/relu/exact/aggregates.parquet"
    run = finished.snakemake("--allowed-rules", "statistics_information", "--", output)
    assert run.returncode == 1
    line = message(finished.folder / "results/logs/statistics/relu/exact/aggregates.log")
    assert line.startswith("infoplane: results/")
    assert not (finished.folder / output).exists()


@pytest.mark.slow
def test_dropped_trajectories_go_and_nothing_is_missed(fresh):
    fresh.edit(lambda config: config.update(trajectories="drop"))
    run = fresh.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    training = fresh.folder / "results" / "training"
    assert not list(training.glob("**/*.safetensors"))
    assert len(list(training.glob("**/*.parquet"))) == 3
    assert not fresh.jobs()


@pytest.mark.slow
def test_a_data_set_that_cannot_be_had_holds_up_no_other(fresh):
    """Everything but what rests on it is finished by `--keep-going`."""

    def add_broken(config):
        config["datasets"] = {"broken": {"kind": "npz", "path": "broken.npz"}}
        config["experiments"]["lost"] = {"dataset": "broken", "activation": "relu", "bits": 8}

    fresh.edit(add_broken)
    (fresh.folder / "broken.npz").write_text("no arrays")
    run = fresh.snakemake("--keep-going")
    assert run.returncode == 1
    results = fresh.folder / "results"
    assert message(results / "logs" / "datasets" / "broken.log").startswith("infoplane: broken.npz")
    made = {path.name for path in (results / "statistics" / "synthetic").glob("*.csv")}
    tables = ["information", "phases", "prevalence", "differences", "fits", "violations"]
    assert made == {f"{table}.csv" for table in tables}
    # the figure of all accuracies is of the lost experiment too
    assert {path.stem for path in (results / "figures").glob("*.pdf")} == {"plane", "curves", "runs"}
    assert not (results / "statistics" / "broken").exists()
