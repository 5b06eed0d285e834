"""Jobs of a small study in the process of Snakemake, which saves each the start of a Python."""

import os
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from snakemake.benchmark import benchmarked
from snakemake.utils import format as filled

from infoplane.cli import execute

__all__ = ["run_here"]

ONE_AT_A_TIME = Lock()


def run_here(template: str, bench_record: Any = None, **_: Any) -> None:
    """Run the command of a rule in this process, as Snakemake's `shell` would run it in another one.

    Args:
        template: a command of infoplane whose output goes to a log, with names that Snakemake fills in.
        bench_record: where time and memory of the job are written down, if they are.

    Raises:
        CalledProcessError: the command ends with a status other than 0.
    """
    line = filled(template, stepout=2)
    arguments, log = command_of(line)
    with ONE_AT_A_TIME, output_to(log):
        try:
            with benchmarked(os.getpid(), bench_record):
                status = execute(arguments)
        except Exception:
            traceback.print_exc()
            status = 1
    if status:
        raise subprocess.CalledProcessError(status, line)


def command_of(line: str) -> tuple[list[str], Path]:
    """The arguments of infoplane in a command line, and the file that its output goes to.

    >>> command_of("A=1 python -P -m infoplane.cli pages --table 'a b.csv' --output b.html > 'a b.log' 2>&1")
    (['pages', '--table', 'a b.csv', '--output', 'b.html'], PosixPath('a b.log'))
    """
    words = shlex.split(line)
    *command, _, log, _ = words[words.index("infoplane.cli") + 1 :]
    return command, Path(log)


@contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Have all output of this process in a file meanwhile, that of other languages too."""
    streams = (sys.stdout, sys.stderr)
    descriptors = [os.dup(number) for number in (1, 2)]
    with open(path, "w") as file:
        flush(*streams)
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        flush(*streams)
        for number, descriptor in zip((1, 2), descriptors, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)


def flush(*streams: Any) -> None:
    for stream in streams:
        stream.flush()
