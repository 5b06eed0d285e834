"""Observations: one experiment seen by one estimator, and what its specs tell of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from infoplane.artifacts import MOVE_AWAY, known_spec, read_table, refuse_mismatch
from infoplane.config import EXACT, Bits, EstimatorSpec, RecordedSpec, TrainingSpec, spec_of_runs
from infoplane.errors import UserError
from infoplane.refusals import short_text
from infoplane.statistics.phases import COLUMNS

__all__ = ["OUTPUT_READINGS", "Observation", "fault_in", "observe"]

REBINNED = EstimatorSpec(kind="rebinned")
# Bits of floats
FLOAT = 32
# Columns of phases that tell rows apart, and those that hold truths
NAMES = ("repetition", "layer")
TRUTHS = ("compresses", "fits", "near_log2_n", "injective", "failed", "bad_fit")
# Where a quantized network's output is made discrete, by protocol and estimator
OUTPUT_READINGS: dict[tuple[str, EstimatorSpec], str] = {
    ("published", EXACT): "logits",
    ("published", REBINNED): "rebinned",
    ("published", EstimatorSpec(kind="quantized", range=(0, 1))): "softmax",
    ("controlled", REBINNED): "rebinned",
    ("controlled", EXACT): "softmax",
}


@dataclass(frozen=True)
class Observation:
    """One experiment seen by one estimator: names, specs, and the phases of its runs."""

    experiment: str
    estimator: str
    training: TrainingSpec | RecordedSpec
    seen_by: EstimatorSpec
    phases: pd.DataFrame

    @property
    def name(self) -> str:
        return f"{self.experiment}/{self.estimator}"

    @property
    def quantized(self) -> bool:
        bits = self.training.bits
        return isinstance(bits, Bits) or (isinstance(bits, int) and bits < FLOAT)

    @property
    def protocol(self) -> str:
        """The protocol of a training; `recorded` of runs of which it is not known."""
        return self.training.protocol if isinstance(self.training, TrainingSpec) else "recorded"

    @property
    def activation(self) -> str:
        """The activation function of a training; nothing of runs of which it is not known."""
        return self.training.activation if isinstance(self.training, TrainingSpec) else ""

    @property
    def names(self) -> dict[int, str]:
        """Names of the layers of recorded runs."""
        its = self.training
        return dict(enumerate(its.layers, 1)) if isinstance(its, RecordedSpec) else {}

    @property
    def layers(self) -> list[int]:
        return sorted(int(layer) for layer in self.phases["layer"].unique())

    @property
    def exact_reading(self) -> str | None:
        """What T is where it is exact, at every epoch: codes, or bit patterns of a float32 network."""
        if self.seen_by != EXACT:
            return None
        return "codes" if self.quantized else "float32"

    @property
    def output_reading(self) -> str | None:
        """What T is at the output, if that is a reading of claim C3."""
        if not self.quantized:
            return self.exact_reading
        seen_by = self.seen_by
        if seen_by.layers == "output":
            seen_by = seen_by.model_copy(update={"layers": None})
        return OUTPUT_READINGS.get((self.protocol, seen_by))

    def reading_of(self, layer: int) -> str:
        """What T is in a layer."""
        output = self.output_reading if layer == self.layers[-1] else None
        kind = "bins" if self.seen_by.is_binning else self.seen_by.kind
        return output or self.exact_reading or kind

    def trained_like(self, other: "Observation", but: str) -> bool:
        """Whether the training specs are equal in everything but one key."""
        own, others = (each.training.model_dump(exclude={but}) for each in (self, other))
        return own == others

    def rows(self, layer: int, measure: str) -> pd.DataFrame:
        """The phases of a layer in the runs of which there is a measure."""
        return self.phases[(self.phases["layer"] == layer) & self.phases[measure].notna()]


def observe(phases: Mapping[tuple[str, str], Path], subsets: bool = False) -> list[Observation]:
    """Read the phases of every (experiment, estimator), in the order of their names.

    Args:
        phases: their paths.
        subsets: whether estimators on a subset of the inputs are read, too. Nothing that is compared hangs on
            them.

    Raises:
        UserError: two files disagree on the spec of an experiment or on the content of a data set, or another
            version has written one of them, or one holds no phases.
    """
    study, specs, digests = [], dict[str, Any](), dict[str, str]()
    for (experiment, estimator), path in sorted(phases.items()):
        frame, known = read_table(path, "phases")
        if missing := [name for name in COLUMNS if name not in frame]:
            raise UserError(
                f"{path}: has no column {missing[0]}, as an earlier version wrote it; run the workflow again"
            )
        if fault := fault_in(frame) if len(frame) else "has no rows":
            raise UserError(f"{path}: {fault}; {MOVE_AWAY}")
        with known_spec(path, known):
            dataset = known["dataset"]["name"], known["dataset"]["digest"]
            training = spec_of_runs(known["spec"])
            seen_by = EstimatorSpec.model_validate(known["spec"]["estimator"])
        refuse_mismatch(path, "the data set", dataset[1], digests.setdefault(*dataset))
        spec = specs.setdefault(experiment, training.differences())
        refuse_mismatch(path, "the training spec", training.differences(), spec)
        if subsets or seen_by.subset == "all":
            study.append(Observation(experiment, estimator, training, seen_by, frame))
    return study


def fault_in(phases: pd.DataFrame, columns: Collection[str] = COLUMNS) -> str:
    """Why a table holds no phases, by some of its columns; nothing if it does.

    >>> fault_in(pd.DataFrame({"layer": [1, 2], "peak": ["high", "7"]}), ["layer", "peak"])
    "holds 'high' in the column peak, expected numbers"
    >>> fault_in(pd.DataFrame({"layer": [1, float("nan")]}), ["layer"])
    'lacks numbers in the column layer'
    """
    for name in columns:
        if (number := [*phases].count(name)) != 1:
            return f"has several columns {name}" if number else f"has no column {name}"
        column = phases[name]
        is_truth = pd.api.types.is_bool_dtype(column)
        if is_truth != (name in TRUTHS) or not pd.api.types.is_numeric_dtype(column):
            expected = "True and False" if name in TRUTHS else "numbers"
            first = next(iter(column.dropna().tolist()), None)
            return f"holds {short_text(first)} in the column {name}, expected {expected}"
        if name in NAMES and not np.isfinite(column.to_numpy(float, na_value=np.nan)).all():
            return f"lacks numbers in the column {name}"
    return ""
