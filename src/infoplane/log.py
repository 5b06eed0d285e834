"""Logs of jobs: the command, the versions, start and end; and whether a job still runs."""

import fcntl
import os
import platform
import shlex
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["command_line", "failures", "has_finished", "is_running", "last_line", "logged", "warnings_in"]

FINISHED = "finished"
WARNING = "warning: "


@contextmanager
def logged(arguments: Sequence[str]) -> Iterator[None]:
    """Write a header and a footer to the log of a job: its command, the versions, its start and its end.

    Standard output is a log if it and standard error are one file; elsewhere, as on a terminal, nothing is
    written. The file is locked while the job runs, so that `is_running` tells it from one that was killed.

    Args:
        arguments: those of the command line.
    """
    if not is_log():
        yield
        return
    from infoplane.artifacts import versions  # seconds of imports that `--help` can do without

    lock()
    start = time.monotonic()
    print(command_line(arguments))
    print(", ".join(f"{name} {number}" for name, number in versions().items()))
    print(f"started {now()} on {platform.node()}", flush=True)
    end = "failed"
    try:
        yield
        end = FINISHED
    finally:
        print(f"{end} {now()} after {time.monotonic() - start:.1f} s", flush=True)


def warnings_in(path: Path) -> list[str]:
    """The lines of a log that are warnings of the job, if there is such a log."""
    with suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if line.startswith(WARNING)]
    return []


def lock() -> None:
    """Lock the log, if its file system has locks and no earlier job that still runs has locked it."""
    for _ in range(3):  # `is_running` has it for a moment
        with suppress(OSError):
            fcntl.flock(sys.stdout, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.01)


def is_log() -> bool:
    """Whether standard output and standard error are the same file."""
    with suppress(OSError, ValueError):  # neither has a descriptor where tests capture them
        output, errors = (os.fstat(stream.fileno()) for stream in (sys.stdout, sys.stderr))
        return os.path.samestat(output, errors) and stat.S_ISREG(output.st_mode)
    return False


def command_line(arguments: Sequence[str]) -> str:
    """A command of infoplane as it is typed, with each option on a line of its own.

    >>> print(command_line(["information", "--spec", '{"kind":"exact"}', "--output", "exact.parquet"]))
    infoplane information \\
        --spec '{"kind":"exact"}' \\
        --output exact.parquet
    """
    lines = [["infoplane"]]
    for argument in arguments:
        if argument.startswith("--"):
            lines.append([])
        lines[-1].append(shlex.quote(argument))
    return " \\\n    ".join(" ".join(line) for line in lines)


def now() -> str:
    return datetime.now(UTC).isoformat(" ", "seconds")


def is_running(log: Path) -> bool:
    """Whether the job that writes a log is still running, on this or on another machine."""
    try:
        with open(log, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def last_line(log: Path) -> str:
    """The last line of a log that is not blank; empty if there is none."""
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def has_finished(log: Path) -> bool:
    """Whether the job that wrote a log has finished."""
    return last_line(log).startswith(FINISHED)


def failures(logs: Path, since: float) -> Iterator[str]:
    """Path and last line of the log of each job that has failed since a time.

    Args:
        since: seconds since the epoch of Unix.
        logs: a folder of logs, in folders of any depth.
    """
    for log in sorted(logs.glob("**/*.log")):
        if log.stat().st_mtime >= since and not is_running(log) and not has_finished(log):
            yield f"{log}: {last_line(log)}"
