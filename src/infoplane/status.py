"""Status of a study: its chunks that are present, running, failed or missing, and the time left."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Literal

from infoplane.config.study import Study
from infoplane.costs import bytes_in
from infoplane.layout import Layout, benchmark_of, log_of, path_of, repetitions_of
from infoplane.log import has_finished, is_running, last_line
from infoplane.provenance import Provenance

__all__ = ["Chunk", "expected_chunks", "state", "summary", "watch"]

STARTING = 60  # seconds that a job may take to begin its log
SECONDS_BETWEEN_SUMMARIES = 5
CLEAR = "\x1b[H\x1b[2J"  # a terminal

State = Literal["present", "outdated", "running", "failed", "missing"]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some repetitions of an experiment, trained or seen by an estimator.

    Attributes:
        experiment: its name.
        estimator: its name; None if this is the training.
        repetitions: first and last, as in 0-19.
        files: the paths of its files below the folder of results, by their kind.
    """

    experiment: str
    estimator: str | None
    repetitions: str
    files: dict[str, str]

    @property
    def names(self) -> dict[str, str]:
        names = {"experiment": self.experiment, "chunk": self.repetitions}
        return names | ({"estimator": self.estimator} if self.estimator else {})

    @property
    def path(self) -> str:
        """The path of the first of its files, after which log and benchmark are named."""
        return next(iter(self.files.values()))

    def __len__(self) -> int:
        return len(repetitions_of(self.repetitions))


def expected_chunks(study: Study) -> Iterator[Chunk]:
    """All chunks of a study, experiment by experiment: first trained, then as each estimator sees them."""
    layout = Layout(study)
    for name, experiment in study.experiments.items():
        for estimator in [None, *(pair[1] for pair in study.pairs if pair[0] == name)]:
            for repetitions in experiment.chunks:
                chunk = Chunk(name, estimator, repetitions, {})
                for kind in layout.kinds_made("information" if estimator else "history", chunk.names):
                    chunk.files[kind] = path_of(kind, **chunk.names)
                yield chunk


def state(chunk: Chunk, provenance: Provenance) -> State:
    """State of a chunk.

    A chunk is running while its job has locked its log. Otherwise it is present if its files exist and are
    current, outdated if they exist and are not, failed if its log is of a job that has not finished, and
    missing if there is none.
    """
    results = Path(provenance.study.results)
    log = results / log_of(chunk.path)
    if is_running(log) or is_starting(log):
        return "running"
    files = {kind: results / path for kind, path in chunk.files.items()}
    if all(path.exists() for path in files.values()):
        current = all(provenance.is_current(kind, path, chunk.names) for kind, path in files.items())
        return "present" if current else "outdated"
    return "failed" if log.exists() and not has_finished(log) else "missing"


def is_starting(log: Path) -> bool:
    with suppress(FileNotFoundError):
        about = log.stat()
        return not about.st_size and time.time() - about.st_mtime < STARTING
    return False


def summary(study: Study) -> Iterator[str]:
    """Lines on the status of a study: a table of chunks, totals, and the last line of each log that matters.

    Those are the logs of jobs that run or have failed.
    """
    results = Path(study.results)
    provenance = Provenance(study)
    states = {chunk: state(chunk, provenance) for chunk in expected_chunks(study)}
    counted: tuple[State, ...] = ("present", "outdated", "running", "failed")
    rows = [["experiment", "", "expected", *counted, "disk", "time left"]]
    left: list[float | None] = []
    for folder, group in groupby(states, lambda chunk: Path(chunk.path).parent):
        chunks = [*group]
        numbers = [str(sum(states[chunk] == each for chunk in chunks)) for each in counted]
        left.append(seconds_left(chunks, states, results))
        name = chunks[0].experiment
        stage = chunks[0].estimator or ("recorded" if name in study.recorded else "training")
        disk = size(bytes_in(results / folder))
        rows.append([name, stage, str(len(chunks)), *numbers, disk, duration(left[-1])])
    yield from aligned(rows)

    known = [each for each in left if each is not None]
    unknown = f", and {left.count(None)} unknown" if None in left else ""
    present = sum(each == "present" for each in states.values())
    yield ""
    yield (
        f"{present} of {len(states)} chunks present; {results} takes {size(bytes_in(results))}; "
        f"time left {duration(sum(known))}{unknown}"
    )
    for wanted in ("running", "failed"):
        for log in (results / log_of(chunk.path) for chunk in states if states[chunk] == wanted):
            yield f"{wanted}: {log}: {last_line(log)}"


def watch(study: Study) -> None:
    """Print the summary every few seconds, on a terminal over the last one, until Ctrl-C."""
    with suppress(KeyboardInterrupt):
        while True:
            text = "\n".join(summary(study))
            print(f"{CLEAR * sys.stdout.isatty()}{text}\n{datetime.now():%H:%M:%S}", flush=True)
            time.sleep(SECONDS_BETWEEN_SUMMARIES)


def seconds_left(chunks: list[Chunk], states: dict[Chunk, State], results: Path) -> float | None:
    """Time (s) for the missing repetitions of some chunks, at the mean time of those that are present.

    None if no time of a present chunk is known.
    """
    missing = sum(len(chunk) for chunk in chunks if states[chunk] != "present")
    if not missing:
        return 0
    times = {chunk: seconds(results / benchmark_of(chunk.path)) for chunk in chunks}
    of_one = [
        time / len(chunk) for chunk, time in times.items() if time is not None and states[chunk] == "present"
    ]
    return missing * sum(of_one) / len(of_one) if of_one else None


def seconds(benchmark: Path) -> float | None:
    """Wall time (s) of a job from its benchmark file; None if there is none."""
    with suppress(OSError, ValueError, IndexError):
        return float(benchmark.read_text().splitlines()[1].split("\t")[0])
    return None


def size(number: int) -> str:
    """A number of bytes with a decimal unit.

    >>> size(999), size(1_480_000_000)
    ('999 B', '1.5 GB')
    """
    value, units = float(number), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}" if units[0] != "B" and value < 10 else f"{value:.0f} {units[0]}"


def duration(seconds: float | None) -> str:
    """A time in seconds, or in hours and minutes.

    >>> duration(0), duration(42.3), duration(12_000), duration(None)
    ('0 s', '42 s', '3 h 20 min', 'unknown')
    """
    if seconds is None:
        return "unknown"
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def aligned(rows: Iterable[list[str]]) -> Iterator[str]:
    """Rows of a table, the first two columns of names flush left, those of numbers flush right."""
    columns = [*zip(*rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        names = [text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True)]
        numbers = [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]
        yield "  ".join([*names, *numbers])
