"""What a run knows of itself follows from the messages of Snakemake and from earlier measurements."""

import re
from io import StringIO
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from infoplane.layout import FILES
from infoplane.running.display import Bars, LineDisplay, display_of, line_of, time_left_in_words
from infoplane.running.progress import STAGES, RunProgress, TimeLeft
from infoplane.running.study import snakefile, target_names

REPLAYED = ["reliability", "resolution", "levels", "merging", "activations"]
PLAN = {
    "event": "run_info",
    "stats": {"training": 3, "statistics_join": 2, "verdicts": 1, "all": 1, "total": 7},
}


def started(number: int, rule: str = "training", log: str = "no.log", **wildcards: str) -> dict:
    return {"event": "job_info", "jobid": number, "rule_name": rule, "log": [log], "wildcards": wildcards}


def finished(number: int) -> dict:
    return {"event": "job_finished", "job_id": number}


def progress_of(*events: dict, cores: int = 1) -> RunProgress:
    """RunProgress by a clock that goes on by 1 s each time it is read."""
    progress = RunProgress(cores, clock=map(float, count()).__next__)
    for event in events:
        progress.take(event)
    return progress


def test_stages_are_the_folders_of_results_in_their_order():
    assert STAGES[0] == "datasets" and STAGES.index("training") < STAGES.index("figures")
    assert set(STAGES) == {path.split("/")[0] for path in FILES.values()}


def test_targets_are_no_jobs():
    progress = progress_of(PLAN)
    assert progress.totals == {"training": 3, "statistics": 3}
    assert progress.stages == ["training", "statistics"]


def test_every_job_is_counted_where_it_was_planned():
    """Whatever rule it is of: of each rule that writes a log, as many jobs finish as were planned."""
    rules = (snakefile().parent / "rules").glob("*.smk")
    named = re.findall(r"^use rule \w+ as (\w+) with:", "".join(each.read_text() for each in rules), re.M)
    assert {"training", "information", "pages", "verdicts", "index"} <= {*named}
    made = ["recorded_history", "recorded_information", *REPLAYED, "statistics_claims", *named]
    plan = {"event": "run_info", "stats": dict.fromkeys([*made, *target_names()], 1)}
    progress = RunProgress(1, targets=target_names())
    for event in (plan, *(started(n, rule) for n, rule in enumerate(made)), *map(finished, range(len(made)))):
        progress.take(event)
    assert progress.done == progress.totals and progress.totals.total() == len(made)
    assert line_of(progress).startswith(f"{len(made)} of {len(made)} jobs (100%)")


def test_a_job_runs_until_it_has_finished_or_failed():
    progress = progress_of(PLAN, started(4, experiment="mine", chunk="0-3"), started(5))
    assert [job.name for job in progress.running.values()] == ["training mine 0-3", "training"]
    progress.take(finished(4))
    progress.take({"event": "job_error", "jobid": 5})
    assert not progress.running and progress.done == {"training": 1}
    assert [job.name for job in progress.failed] == ["training"]


def test_messages_of_other_jobs_and_kinds_change_nothing():
    progress = progress_of(
        PLAN, finished(9), {"event": "job_error", "jobid": 9}, {"event": "", "text": "hello"}
    )
    assert not (progress.done or progress.failed or progress.running)


def test_time_left_is_that_of_finished_jobs_of_the_stage():
    progress = progress_of(PLAN, started(1), finished(1))  # 1 s
    assert progress.left("training") == TimeLeft(2.0, True)
    assert progress.left("statistics") == TimeLeft(0.0, False)
    assert progress.left() == TimeLeft(2.0, False)
    progress.measured["statistics"] = [2.0, 4.0]
    assert progress.left() == TimeLeft(2 * 1.0 + 3 * 3.0, True)


@given(st.integers(1, 64), st.lists(st.floats(0.01, 1e5), min_size=1, max_size=5), st.integers(0, 50))
def test_cores_share_the_time(cores, measured, waiting):
    progress = progress_of({"event": "run_info", "stats": {"training": waiting}}, cores=cores)
    progress.measured["training"] = measured
    seconds, is_all = progress.left()
    assert is_all and seconds * cores <= waiting * max(measured) * (1 + 1e-12)
    assert seconds * cores >= waiting * min(measured) * (1 - 1e-12)


def test_a_job_that_only_moves_a_table_takes_no_time(tmp_path):
    """Ten replays of which two have finished, and a table for each that is moved."""
    chunks = [f"{number}-{number}" for number in range(10)]
    files = {kind: f"information/mine/{kind}" for kind in ("exact", "rebinned")}
    moving = {f"{files['rebinned']}/{chunk}" for chunk in chunks}
    progress = RunProgress(1, clock=map(float, count(step=30)).__next__, untimed=moving, moving=moving)
    progress.take({"event": "run_info", "stats": {"information": 20}})
    done = [("exact", "0-0"), ("rebinned", "0-0"), ("exact", "1-1")]
    for number, (kind, chunk) in enumerate(done):
        progress.take(started(number, "information", f"results/logs/{files[kind]}/{chunk}.log"))
        progress.take(finished(number))
        expected = 30.0 * (10 - len([name for name, _ in done[: number + 1] if name == "exact"]))
        assert progress.left("information") == TimeLeft(expected, True)
    later = RunProgress(1, untimed=moving)
    for kind in files:
        benchmark = tmp_path / "benchmarks" / files[kind] / "0-0.tsv"
        benchmark.parent.mkdir(parents=True)
        benchmark.write_text(f"s\th:m:s\n{30 if kind == 'exact' else 0.2}\t0:00:30\n")
    later.read_benchmarks(tmp_path)
    later.take({"event": "run_info", "stats": {"information": 3}})
    assert later.left() == TimeLeft(90.0, True), "a new estimator needs a replay for each chunk"


def test_benchmarks_of_earlier_runs_are_read(tmp_path):
    for path, took in (("training/mine/0-3.tsv", 2.5), ("training/mine/4-7.tsv", 3.5), ("figures/a.tsv", 1)):
        benchmark = tmp_path / "benchmarks" / path
        benchmark.parent.mkdir(parents=True, exist_ok=True)
        benchmark.write_text(f"s\th:m:s\n{took}\t0:00:02\n")
    (tmp_path / "benchmarks" / "empty.tsv").touch()
    progress = progress_of(PLAN)
    progress.read_benchmarks(tmp_path)
    assert progress.measured["training"] in ([2.5, 3.5], [3.5, 2.5]) and progress.measured["figures"] == [1]
    assert progress.left("training") == TimeLeft(9.0, True)


def test_a_line_says_it_all(capsys):
    progress = progress_of(PLAN, started(1), finished(1))
    assert line_of(progress) == "1 of 6 jobs (17%), more than 2 s left: training 1/3, statistics 0/3"
    lines = LineDisplay(progress)
    lines.update()  # it is not due
    assert not capsys.readouterr().err
    lines.close()
    assert capsys.readouterr().err == f"{line_of(progress)}\n"


def test_the_last_words_of_a_job_are_those_of_its_log(tmp_path):
    log = Path(tmp_path, "a.log")
    (job,) = progress_of(PLAN, started(1, log=str(log))).running.values()
    assert job.last_words == ""
    log.write_text("started\ntraining: 3/10 epochs, loss 0.5\n\n")
    assert job.last_words == "3/10 epochs, loss 0.5"


def test_an_unknown_time_is_no_time():
    assert time_left_in_words(TimeLeft(0, False)) == "time left unknown"
    assert time_left_in_words(TimeLeft(0, True)) == "0 s left"


def test_bars_show_stages_and_what_runs(tmp_path):
    log = Path(tmp_path, "a.log")
    log.write_text("training: 3/10 epochs, loss 0.5\n")
    progress = progress_of(PLAN, started(1), finished(1), started(2, log=str(log), experiment="mine"))
    screen = StringIO()
    console = Console(file=screen, width=100, color_system=None)
    bars = Bars(progress, console)
    bars.close()
    console.print(bars.drawn())
    *table, job = screen.getvalue().splitlines()
    columns = [
        line.replace("━", " ").replace("╸", " ").replace("╺", " ").split(maxsplit=3) for line in table[-3:]
    ]
    assert [row[:3] for row in columns] == [
        ["training", "1/3", "33%"],
        ["statistics", "0/3", "0%"],
        ["all", "1/6", "17%"],
    ]
    assert job == "training mine: 3/10 epochs, loss 0.5"


@pytest.mark.parametrize("name", ["FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"])
def test_bars_are_for_terminals(capsys, monkeypatch, name):
    """A notebook asks for colours, and is none."""
    monkeypatch.setenv(name, "1")
    assert isinstance(display_of(RunProgress(1)), LineDisplay)


def test_a_warning_in_logs_is_said_once(tmp_path):
    texts = ["warning: one\n", "started\nwarning: one\nwarning: two\n", "no warning: here\n"]
    events = []
    for number, text in enumerate(texts):
        log = tmp_path / f"{number}.log"
        log.write_text(text)
        events += [started(number, log=str(log)), finished(number)]
    assert progress_of(PLAN, *events).warnings == ["warning: one", "warning: two"]
