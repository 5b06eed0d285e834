"""What runs again after a change, and that nothing stale is taken for current."""

import os
import shutil
import signal
import time

import pytest
from conftest import ROOT
from reruns import CHANGES, CLAIMS, FITS, INFORMATION, PHASES, TANH, TRAINING, of, table

from infoplane.artifacts import read_table
from infoplane.config.study import load_config
from infoplane.log import has_finished
from infoplane.status import summary

OF_THE_CONFIG = [change for change in CHANGES if not change.module]


def apply(change, workflow):
    workflow.edit(change.config)
    if change.module:
        module = workflow.folder / "src" / "infoplane" / change.module
        before = module.read_text()
        module.write_text(change.edit(before))
        assert module.read_text() != before


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.said)
def test_a_change_runs_what_depends_on_it_and_nothing_else(finished, change):
    apply(change, finished)
    assert finished.announced() == change.announced


def test_the_page_on_reruns_has_the_table():
    """Made by `python tests/workflow/reruns.py`."""
    assert table() in (ROOT / "docs" / "reruns.md").read_text()


def test_a_touched_module_runs_nothing(finished):
    (finished.folder / "src" / "infoplane" / "training.py").touch()
    assert not finished.announced()


def test_a_module_that_is_replaced_by_an_older_one_is_seen(finished):
    module = finished.folder / "src" / "infoplane" / "networks" / "forward.py"
    module.write_text(module.read_text() + "# an earlier state\n")
    os.utime(module, (0, 0))
    assert finished.announced() == TANH | {"index"}


def test_touched_results_of_kernels_run_nothing(finished):
    """Copied results may have any times: that of the inputs may be the latest."""
    results = finished.folder / "results"
    for path in [*results.glob("training/relu/*"), *results.glob("datasets/*.npz")]:
        path.touch()
    assert not finished.announced() & {*of("relu", TRAINING), *of("relu", INFORMATION)}


@pytest.mark.parametrize("change", OF_THE_CONFIG, ids=lambda change: change.said)
def test_without_records_the_results_tell_what_they_were_made_from(finished, change):
    """Figures and joined tables do not tell, and are made again."""
    shutil.rmtree(finished.folder / ".snakemake")
    apply(change, finished)
    figures = {f"figures {name}" for name in finished.read()["figures"]}
    assert finished.announced() == change.jobs | FITS | PHASES | CLAIMS | figures | {"index"}


def test_without_records_a_result_in_the_place_of_another_is_made_again(finished):
    shutil.rmtree(finished.folder / ".snakemake")
    information = finished.folder / "results" / "information"
    shutil.copy2(
        information / "tanh" / "exact" / "0-1.parquet", information / "relu" / "exact" / "0-1.parquet"
    )
    assert "information relu exact 0-1" in finished.announced()


def test_a_finished_study_has_all_of_its_chunks_and_no_time_left(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    *rows, _, total = summary(load_config(finished.config))
    assert len(rows) == 1 + 5
    assert all(row.split()[2] == row.split()[3] and row.endswith(" 0 s") for row in rows[1:])
    assert total.startswith("7 of 7 chunks present; results takes ") and total.endswith("time left 0 s")


def test_fewer_repetitions_are_forgotten(finished):
    finished.edit(lambda config: config["experiments"]["relu"].update(repetitions=2))
    aggregates = "results/statistics/relu/exact/aggregates.parquet"
    run = finished.snakemake("--", aggregates)
    assert run.returncode == 0, run.stdout + run.stderr
    means, known = read_table(finished.folder / aggregates, "aggregates")
    assert known["repetitions"] == [0, 1]
    assert set(means["count"]) == {2}
    phases, _ = read_table(finished.folder / aggregates.replace("aggregates", "phases"), "phases")
    assert set(phases["repetition"]) == {0, 1}


@pytest.mark.slow
def test_a_killed_run_is_taken_up_where_it_was(fresh):
    """Killed with all its jobs while it trains; no chunk that was finished by then is made again."""
    results = fresh.folder / "results"
    run = fresh.start("--cores", "1", start_new_session=True)

    def trainings() -> list[bool]:
        return [has_finished(log) for log in results.glob("logs/training/*/*.log")]

    while len(set(trainings())) < 2:  # until one has finished and one has not
        assert run.poll() is None
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    logs = [log for log in results.glob("logs/*/**/*-*.log") if has_finished(log)]
    chunks = [log.relative_to(results / "logs").with_suffix("") for log in logs]
    files = [path for chunk in chunks for path in results.glob(f"{chunk}.*")]
    made = {path: path.stat().st_mtime_ns for path in files}
    assert len(made) > len(chunks) > 0

    locked = fresh.snakemake()
    assert locked.returncode == 1 and "--unlock" in locked.stdout + locked.stderr
    assert fresh.snakemake("--unlock").returncode == 0
    left = fresh.announced("--rerun-incomplete")
    done = {" ".join(chunk.parts) for chunk in chunks}
    assert left & (TRAINING | INFORMATION) == (TRAINING | INFORMATION) - done
    assert "datasets synthetic" not in left
    again = fresh.snakemake("--rerun-incomplete")
    assert again.returncode == 0, again.stdout + again.stderr
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert not fresh.announced()
