"""Progress of long work: done, rate and time left; a bar on a terminal, now and then a line in a log."""

import sys
from typing import Never

from tqdm import tqdm

__all__ = ["progress_bar"]

LINE = "{desc}: {n_fmt}/{total_fmt}{unit} ({percentage:.0f} %), {rate_fmt}, {remaining} left"
SECONDS_BETWEEN_LINES = 15


def progress_bar(total: int, description: str, unit: str) -> "tqdm[Never]":
    """A bar on standard error; a log gets whole lines instead, one every 15 seconds."""
    unit = f" {unit}"
    if sys.stderr.isatty():
        return tqdm(total=total, desc=description, unit=unit)
    return tqdm(
        total=total,
        desc=description,
        unit=unit,
        bar_format=LINE + "\n",
        mininterval=SECONDS_BETWEEN_LINES,
        maxinterval=SECONDS_BETWEEN_LINES,
    )
