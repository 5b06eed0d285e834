"""A log says what was run and how it ended, and is held as long as its job runs."""

import os
import re
import signal
import subprocess
import sys

import pytest

from infoplane import log
from infoplane.progress import progress_bar


def run(tmp_path, code, *arguments, **options):
    """Start a Python process that logs to a file what it does."""
    path = tmp_path / "job.log"
    with open(path, "w") as file:
        command = [sys.executable, "-c", code, *arguments]
        return path, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, **options)


STAGE = "import sys; from infoplane.cli import main; sys.exit(main())"


def test_log_tells_what_was_run_and_how_it_ended(tmp_path):
    output = tmp_path / "a name.npz"
    path, job = run(tmp_path, STAGE, "datasets", "--spec", '{"name": "synthetic"}', "--output", str(output))
    assert job.wait() == 0
    *command, versions, start, end = path.read_text().splitlines()
    assert command == [
        "infoplane datasets \\",
        """    --spec '{"name": "synthetic"}' \\""",
        f"    --output '{output}'",
    ]
    assert re.fullmatch(r"python 3\.\d+.*, infoplane \S+, matplotlib .*, torch \S+", versions)
    time = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\+00:00"
    assert re.fullmatch(rf"started {time} on .+", start)
    assert re.fullmatch(rf"finished {time} after \d+\.\d s", end)
    assert log.has_finished(path)


def test_log_of_a_failure_ends_in_the_message(tmp_path):
    files = ["--dataset", "d", "--history", "none", "--output", "o"]
    path, job = run(tmp_path, STAGE, "statistics", "accuracy", *files)
    assert job.wait() == 1
    *_, end, message = path.read_text().splitlines()
    assert re.fullmatch(r"failed .* after \d+\.\d s", end)
    assert message == log.last_line(path) == "infoplane: none: missing; run the workflow again"
    assert not log.has_finished(path)


WAIT = """
import sys
from infoplane.log import logged
with logged(["training"]):
    sys.stdin.read()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None])
def test_log_is_held_while_its_job_runs(tmp_path, end):
    path, job = run(tmp_path, WAIT, stdin=subprocess.PIPE)
    while "started" not in path.read_text():
        assert job.poll() is None
    assert log.is_running(path)
    assert not log.has_finished(path)
    if end is None:
        job.communicate()
    else:
        job.send_signal(end)
        job.wait()
    assert not log.is_running(path)
    assert log.has_finished(path) == (end is None)


def test_no_log_is_not_held(tmp_path):
    assert not log.is_running(tmp_path / "none.log")


def test_nothing_is_added_to_what_is_no_log(tmp_path):
    errors = tmp_path / "errors"
    with open(errors, "w") as file:
        command = [
            sys.executable,
            "-c",
            STAGE,
            "statistics",
            "accuracy",
            "--dataset",
            "d",
            "--history",
            "none",
            "--output",
            "o",
        ]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=file)
    assert errors.read_text() == "infoplane: none: missing; run the workflow again\n"


def test_progress_is_whole_lines(capsys):
    with progress_bar(3, "training", "epochs") as progress:
        progress.update(3)
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("training: 0/3 epochs (0 %)")
    assert last.startswith("training: 3/3 epochs (100 %)")


def test_failures_are_those_of_this_run(tmp_path):
    for name, words in (
        ("a/old", "failed\nold"),
        ("a/b/new", "failed\ninfoplane: no disk\n"),
        ("c", "finished"),
    ):
        path = tmp_path / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words)
    os.utime(tmp_path / "a" / "old.log", (0, 0))
    assert list(log.failures(tmp_path, since=1)) == [f"{tmp_path}/a/b/new.log: infoplane: no disk"]
    assert not list(log.failures(tmp_path / "none", since=0))
