"""Phases of observations, written where a study writes them."""

from pathlib import Path

from infoplane.artifacts import describe, write_table
from infoplane.statistics.observations import Observation


def write_phases(
    folder: Path, one: Observation, digest: str = "0" * 64, **estimator: object
) -> tuple[tuple[str, str], Path]:
    """Experiment and estimator, and the file; `estimator` overrides keys of its spec."""
    path = folder / "statistics" / one.experiment / one.estimator / "phases.parquet"
    spec = {
        "training": one.training.differences(),
        "estimator": one.seen_by.differences() | estimator,
    }
    dataset = {"name": one.training.dataset, "inputs": 4096, "h_y": 1.0, "digest": digest}
    repetitions = sorted(map(int, one.phases["repetition"].unique()))
    known = describe("phases", spec, repetitions=repetitions, dataset=dataset)
    write_table(path, one.phases, known)
    return (one.experiment, one.estimator), path
