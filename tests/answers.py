"""What the command line answers to whatever it is given."""

import io
import subprocess
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

from hypothesis import HealthCheck, settings

from infoplane.cli import main

MANY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Outcome(NamedTuple):
    status: int
    output: str
    errors: str


def in_process(*arguments: str) -> Outcome:
    """What the command line answers; a warning is one too many."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors), warnings.catch_warnings():
        warnings.simplefilter("error")
        status = main(arguments)
    return Outcome(status, output.getvalue(), errors.getvalue())


def by_a_process(*arguments: str) -> Outcome:
    ended = subprocess.run(
        [sys.executable, "-m", "infoplane.cli", *arguments], capture_output=True, text=True
    )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def is_one_line_that_names(text: str, place: str) -> bool:
    line = text.removesuffix("\n")
    remedy = ";" in line or " is not " in line
    return line.startswith("infoplane: ") and place in line and line.isprintable() and remedy
