"""Chunks of a simulated experiment, on disk, and what the statistics make of them."""

from itertools import pairwise
from pathlib import Path

import pandas as pd
import simulation

from infoplane.artifacts import read_table
from infoplane.statistics.tables import summarise_information

EPOCHS, EVERY, REPETITIONS = 1200, 50, 6
INFORMATION = simulation.information(range(REPETITIONS), EPOCHS, EVERY)
HISTORY = simulation.history(range(REPETITIONS), EPOCHS)


def chunks(folder: Path, cuts=(), information=INFORMATION, history=HISTORY) -> tuple[list[Path], list[Path]]:
    """Both tables of the same repetitions, written in chunks that end before each of the cuts."""
    bounds = [0, *cuts, REPETITIONS]
    ranges = [range(*pair) for pair in pairwise(bounds)]
    return tuple(
        [
            write(folder / name / f"{chunk[0]}-{chunk[-1]}.parquet", frame[frame["repetition"].isin(chunk)])
            for chunk in ranges
        ]
        for name, frame, write in (
            ("information", information, simulation.write_information),
            ("history", history, simulation.write_history),
        )
    )


def summarise(folder: Path, *paths) -> tuple[pd.DataFrame, dict, pd.DataFrame, dict]:
    outputs = folder / "aggregates.parquet", folder / "phases.parquet"
    summarise_information(*paths, *outputs)
    return *read_table(outputs[0], "aggregates"), *read_table(outputs[1], "phases")
