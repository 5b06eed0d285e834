"""What the commands have in common: the machine, the table, the error of one line."""

import os
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from llvmlite.binding import get_host_cpu_name

from infoplane import UserError

__all__ = ["duration", "machine", "output_path", "positive", "run", "table"]

LIBRARIES = ("infoplane", "torch", "numpy", "numba")


def processor() -> str:
    """The name of the processor, and what the compiler takes it for."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name} ({get_host_cpu_name()}), {os.cpu_count()} cores"


def machine() -> str:
    """What the numbers were measured on, and when."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {processor()},\n"
        f"load {os.getloadavg()[0]:.1f} at the end; {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {versions}."
    )


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> duration(0.0000672), duration(0.35), duration(1234)
    ('67.2 µs', '350 ms', '1230 s')
    """
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        scaled = seconds * factor
        if abs(scaled) >= 1 or unit == "µs":
            break
    return f"{float(f'{scaled:.3g}'):g} {unit}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns.

    >>> print(table(["layer", "time"], [["1", "3 s"]]))
    | layer | time |
    |-------|------|
    | 1     | 3 s  |
    """
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [header, *rows]
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def positive(text: str) -> int:
    """A whole number above 0.

    >>> positive("5")
    5
    """
    if not text.isdecimal() or int(text) == 0:
        raise UserError(f"{text!r} is no number of rounds; give a whole number above 0")
    return int(text)


def output_path(text: str) -> Path:
    """A file in a folder that is there."""
    path = Path(text)
    if not path.absolute().parent.is_dir():
        raise UserError(f"--output: {path.parent} is no folder; make it")
    return path


def run(main: Callable[[], None]) -> int:
    """Run a command; what the user can mend is one line on standard error."""
    try:
        main()
    except UserError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{Path(sys.argv[0]).name}: interrupted", file=sys.stderr)
        return 130
    return 0
