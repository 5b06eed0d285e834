"""Recorded runs as the history and the information of an experiment of a study."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from infoplane.artifacts import describe, read_table, write_table
from infoplane.config import EstimatorSpec, RecordedSpec
from infoplane.config.recorded import (
    estimators_in,
    metrics_in,
    recorded_dataset,
    recorded_spec,
    refuse_different,
)
from infoplane.errors import UserError

__all__ = ["history_of", "information_of", "read_runs", "write_history", "write_information"]


class Runs(NamedTuple):
    """The recordings of one experiment.

    Attributes:
        paths: their files, one for each run.
        tables: what each has recorded, by all estimators.
        descriptions: what each says of itself.
    """

    paths: Sequence[Path]
    tables: Sequence[pd.DataFrame]
    descriptions: Sequence[dict[str, Any]]

    @property
    def spec(self) -> RecordedSpec:
        return recorded_spec(self.paths, self.descriptions)

    def describe(self, kind: str, dataset: str, spec: dict[str, Any]) -> dict[str, Any]:
        """The description of a table of these runs.

        Args:
            kind: what the table holds.
            dataset: the name of the recorded inputs.
            spec: what is known of it beside the runs.
        """
        return describe(
            kind,
            {"recorded": self.spec.differences(), **spec},
            repetitions=[*range(len(self.paths))],
            dataset=recorded_dataset(dataset, self.descriptions[0]),
            layers=len(self.spec.layers),
            files=[str(path) for path in self.paths],
        )


def read_runs(paths: Sequence[Path]) -> Runs:
    """Read the recordings of one experiment.

    Raises:
        UserError: a file is missing, damaged or no recording, or two are not of one experiment.
    """
    tables, descriptions = zip(*(read_table(path, "recorded") for path in paths), strict=True)
    refuse_different(paths, descriptions)
    return Runs(paths, tables, descriptions)


def information_of(runs: Runs, estimator: EstimatorSpec) -> pd.DataFrame:
    """Information of all layers, epochs and runs by one estimator, with the columns of a recording.

    Raises:
        UserError: the runs were recorded without the estimator.
    """
    known = estimators_in(runs.descriptions[0])
    names = [name for name, spec in known.items() if spec == estimator.differences()]
    if not names:
        raise UserError(f"{runs.paths[0]}: was recorded without {estimator.differences()}; it has {known}")
    return pd.concat(
        [
            table[table["estimator"] == names[0]].drop(columns="estimator").assign(repetition=number)
            for number, table in enumerate(runs.tables)
        ],
        ignore_index=True,
    ).astype({"repetition": "int32"})


def history_of(runs: Runs) -> pd.DataFrame:
    """Loss and accuracies after each pass, as far as all runs have them: repetition, part, epoch, metrics.

    What was not given at an epoch is NaN. Epoch −1, before the first pass, has no metrics in a study.
    """
    names = ["epoch", *metrics_in(runs.descriptions)]
    histories = [
        pd.DataFrame({name: each["history"][name] for name in names}, dtype=float)
        .query("epoch >= 0")
        .assign(repetition=number, part="main")
        for number, each in enumerate(runs.descriptions)
    ]
    table = pd.concat(histories, ignore_index=True).astype({"repetition": "int32", "epoch": "int32"})
    return table[["repetition", "part", *names]]


def write_history(paths: Sequence[Path], dataset: str, output: Path) -> None:
    """Write the history of recorded runs in the form of that of trainings.

    Args:
        paths: the files of the runs, in their order.
        dataset: the name of the recorded inputs.
        output: the table to write.
    """
    runs = read_runs(paths)
    write_table(output, history_of(runs), runs.describe("history", dataset, {}))


def write_information(estimator: EstimatorSpec, paths: Sequence[Path], dataset: str, output: Path) -> None:
    """Write the information of recorded runs in the form of that of trainings."""
    runs = read_runs(paths)
    description = runs.describe("information", dataset, {"estimator": estimator.differences()})
    write_table(output, information_of(runs, estimator), description)
