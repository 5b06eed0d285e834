"""Progress of long work: a bar on a terminal, a line every 15 seconds in a log."""

import sys
from typing import Never, TextIO

from tqdm import tqdm

__all__ = ["progress_bar", "say_measures"]

LINE = "{desc}: {n_fmt}/{total_fmt}{unit} ({percentage:.0f} %), {rate_noinv_fmt}, {remaining} left{postfix}"
SECONDS_BETWEEN_LINES = 15


class Lines:
    """Stream that writes each state of a progress bar as a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        if line := text.strip():
            print(line, file=self.stream)

    def flush(self) -> None:
        self.stream.flush()


def progress_bar(total: int, description: str, unit: str, visible: bool = True) -> "tqdm[Never]":
    """Progress bar on standard error, unless it is not visible: what is done, the rate, and the time left."""
    unit = f" {unit}"
    if not visible:
        return tqdm(total=total, disable=True)
    if sys.stderr.isatty():
        return tqdm(total=total, desc=description, unit=unit)
    return tqdm(
        total=total,
        desc=description,
        unit=unit,
        file=Lines(sys.stderr),
        bar_format=LINE,
        mininterval=SECONDS_BETWEEN_LINES,
        maxinterval=SECONDS_BETWEEN_LINES,
    )


def say_measures(bar: "tqdm[Never]", loss: float, train_accuracy: float, test_accuracy: float) -> None:
    """Have the next state of a bar say how far a network has learned: its loss (nats) and accuracies."""
    bar.set_postfix_str(
        f"loss {loss:.3g}, accuracy {train_accuracy:.3f} (test {test_accuracy:.3f})", refresh=False
    )
