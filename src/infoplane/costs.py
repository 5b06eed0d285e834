"""Costs of a study: time, memory and disk of its jobs, by stage and experiment, as Snakemake has them."""

from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from infoplane.errors import UserError

__all__ = ["bytes_in", "costs_of", "with_totals"]

CORES = (1, 2, 8, 16)


class FinishedJob(NamedTuple):
    """One job that has finished: wall and CPU time (s), largest resident memory (MiB)."""

    stage: str
    experiment: str
    wall: float
    cpu: float
    memory: float


def costs_of(results: Path) -> pd.DataFrame:
    """Costs of the finished jobs of a study, a row for each stage and experiment.

    Args:
        results: the folder that a study wrote.

    Returns:
        Columns stage, experiment (empty for jobs of the whole study), jobs, wall_hours and cpu_hours (sums
        over jobs, hours), longest_hours (CPU time of the longest job, hours), memory_gib (of the largest job,
        GiB), disk_gib (of the results, GiB). A job that was interrupted counts from its last checkpoint.

    Raises:
        UserError: no job has finished.
    """
    jobs = pd.DataFrame(finished_jobs(results / "benchmarks"), columns=FinishedJob._fields)
    if jobs.empty:
        raise UserError(f"{results}: contains no benchmarks of finished jobs; run a study first")
    grouped = jobs.groupby(["stage", "experiment"], sort=True)
    costs = pd.DataFrame(
        {
            "jobs": grouped.size(),
            "wall_hours": grouped["wall"].sum() / 3600,
            "cpu_hours": grouped["cpu"].sum() / 3600,
            "longest_hours": grouped["cpu"].max().fillna(0) / 3600,
            "memory_gib": grouped["memory"].max() / 1024,
        }
    ).reset_index()
    folders = {
        (stage, experiment): bytes_in(results / stage / experiment)
        for stage, experiment in zip(costs["stage"], costs["experiment"], strict=True)
    }
    for stage, experiment in folders:
        if experiment and (stage, "") in folders:
            folders[stage, ""] -= folders[stage, experiment]
    costs["disk_gib"] = [size / 2**30 for size in folders.values()]
    return costs


def with_totals(costs: pd.DataFrame) -> pd.DataFrame:
    """Costs with a row for each stage over all experiments, and one for the study, each named `all`.

    Further columns hours_on_1, hours_on_2, hours_on_8 and hours_on_16 hold the shortest wall time (hours) on
    so many cores: CPU hours / cores, but not less than the longest job.
    """
    stages = summed(costs.assign(experiment="all"))
    table = pd.concat([costs, stages, summed(stages.assign(stage="all"))], ignore_index=True)
    return table.assign(
        **{f"hours_on_{n}": np.maximum(table["cpu_hours"] / n, table["longest_hours"]) for n in CORES}
    )


def summed(costs: pd.DataFrame) -> pd.DataFrame:
    """Costs of the same stage and experiment in one row: sums, the longest job and the largest memory."""
    how = {name: "sum" for name in ("jobs", "wall_hours", "cpu_hours", "disk_gib")} | {
        name: "max" for name in ("longest_hours", "memory_gib")
    }
    return costs.groupby(["stage", "experiment"], as_index=False).agg(how)


def finished_jobs(benchmarks: Path) -> Iterator[FinishedJob]:
    for path in sorted(benchmarks.rglob("*.tsv")):
        stage, *folders = path.relative_to(benchmarks).with_suffix("").parts
        experiment = folders[0] if len(folders) > 1 else ""
        for wall, cpu, memory in measured(path):
            yield FinishedJob(stage, experiment, wall, cpu, memory)


def measured(benchmark: Path) -> np.ndarray:
    """Wall time, CPU time and memory of a job; nothing of one that is at work, or was stopped meanwhile."""
    with suppress(OSError, KeyError, ValueError):  # the errors of pandas are ValueErrors
        text = benchmark.read_text(encoding="utf-8")
        if text.endswith("\n"):
            table = pd.read_csv(StringIO(text), sep="\t", na_values="-")
            return table[["s", "cpu_time", "max_rss"]].astype(float).dropna(subset="s").to_numpy()
    return np.empty((0, 3))


def bytes_in(folder: Path) -> int:
    """Bytes of the files in a folder, which jobs may be at work in."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
