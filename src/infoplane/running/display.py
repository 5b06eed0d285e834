"""What a run shows: bars on a terminal, a line now and then elsewhere."""

import sys
import time
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from infoplane.running.progress import RunProgress, TimeLeft
from infoplane.status import duration

__all__ = ["Bars", "Display", "LineDisplay", "display_of"]

SECONDS_BETWEEN_LINES = 15
MOST_JOBS_SHOWN = 8


class Display(Protocol):
    """A place where the progress of a run is shown."""

    def update(self) -> None: ...

    def write(self, text: str) -> None: ...

    def close(self) -> None: ...


class Bars:
    """A bar for each stage, and below the last words of what runs."""

    def __init__(self, progress: RunProgress, console: Console) -> None:
        self.progress = progress
        self.live = Live(console=console, get_renderable=self.drawn, refresh_per_second=4, transient=True)
        self.live.start()

    def drawn(self) -> Group:
        progress = self.progress
        if not progress.totals:
            return Group(Text("reading the workflow"))
        table = Table.grid(padding=(0, 2))
        for stage in progress.stages:
            done, total = progress.done[stage], progress.totals[stage]
            table.add_row(
                stage,
                ProgressBar(total, done, width=30),
                Text(f"{done}/{total}", justify="right"),
                Text(f"{done / total:.0%}", justify="right"),
                time_left_in_words(progress.left(stage)),
            )
        done, total = progress.done.total(), progress.totals.total()
        table.add_row(
            "all",
            ProgressBar(total, done, width=30),
            Text(f"{done}/{total}", justify="right"),
            Text(f"{done / total:.0%}", justify="right"),
            time_left_in_words(progress.left()),
        )
        jobs = [*progress.running.values()][:MOST_JOBS_SHOWN]
        return Group(
            table, *(Text(f"{job.name}: {job.last_words}", overflow="ellipsis", no_wrap=True) for job in jobs)
        )

    def update(self) -> None:
        """Nothing: bars are drawn four times a second."""

    def write(self, text: str) -> None:
        self.live.console.print(Text(text))

    def close(self) -> None:
        self.live.stop()


class LineDisplay:
    """A line every 15 seconds, and one in the end."""

    def __init__(self, progress: RunProgress) -> None:
        self.progress = progress
        self.due = time.monotonic() + SECONDS_BETWEEN_LINES

    def update(self) -> None:
        if time.monotonic() >= self.due:
            self.due = time.monotonic() + SECONDS_BETWEEN_LINES
            self.write(line_of(self.progress))

    def write(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.progress.done or self.progress.failed:
            self.write(line_of(self.progress))


def line_of(progress: RunProgress) -> str:
    """How far a run is, in one line."""
    done, total = progress.done.total(), progress.totals.total()
    stages = ", ".join(
        f"{stage} {progress.done[stage]}/{progress.totals[stage]}" for stage in progress.stages
    )
    left = time_left_in_words(progress.left())
    return f"{done} of {total} jobs ({done / max(total, 1):.0%}), {left}: {stages}"


def time_left_in_words(left: TimeLeft) -> str:
    """The time left as one reads it.

    >>> time_left_in_words(TimeLeft(75, True)), time_left_in_words(TimeLeft(75, False))
    ('1 min left', 'more than 1 min left')
    >>> time_left_in_words(TimeLeft(0, False))
    'time left unknown'
    """
    if not left.seconds and not left.is_all:
        return "time left unknown"
    return f"{'' if left.is_all else 'more than '}{duration(left.seconds)} left"


def display_of(progress: RunProgress) -> Display:
    """Bars where standard error is a terminal, lines where it is not, as in a notebook."""
    return Bars(progress, Console(stderr=True)) if sys.stderr.isatty() else LineDisplay(progress)
