"""Cells: one phase in one layer of one experiment, seen by one estimator and decided from all its runs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import pandas as pd

from infoplane.config import Bits, EstimatorSpec, TrainingSpec
from infoplane.statistics.inference import holm, infer, statuses
from infoplane.statistics.phases import COMPRESSION_MARGIN, FITTING_MARGIN

__all__ = ["MARGINS", "OUTPUT_READINGS", "Cell", "Observation", "Phase", "decide"]

Phase = Literal["fitting", "compression", "difference"]
MARGINS = {"fitting": FITTING_MARGIN, "compression": COMPRESSION_MARGIN, "difference": COMPRESSION_MARGIN}
RUNS = ["repetition", "effect", "peak_epoch", "onset", "bad_fit"]
# Where a quantized network's output is made discrete, by protocol, kind and range of the estimator
OUTPUT_READINGS: dict[Any, str] = {
    ("published", "exact", None): "logits",
    ("published", "rebinned", None): "rebinned",
    ("published", "quantized", (0, 1)): "softmax",
    ("controlled", "rebinned", None): "rebinned",
    ("controlled", "exact", None): "softmax",
}


@dataclass(frozen=True)
class Cell:
    """One phase in one layer.

    Attributes:
        protocol, reading: what verdicts are kept apart by.
        experiment, estimator: their names.
        against: the experiment/estimator that this one is compared with, if it is.
        layer: from 1.
        phase: fitting, compression, or the difference between the compressions of two experiments.
        saturated: whether the layer can show no phase.
        runs: repetition, effect (bits), peak_epoch, onset, bad_fit of those that did not fail.
    """

    protocol: str
    reading: str
    experiment: str
    estimator: str
    against: str
    layer: int
    phase: Phase
    saturated: bool
    runs: pd.DataFrame


@dataclass(frozen=True)
class Observation:
    """One experiment seen by one estimator: names, specs, and the phases of its runs."""

    experiment: str
    estimator: str
    training: TrainingSpec
    seen_by: EstimatorSpec
    phases: pd.DataFrame

    @property
    def name(self) -> str:
        return f"{self.experiment}/{self.estimator}"

    @property
    def quantized(self) -> bool:
        return isinstance(self.training.bits, Bits)

    @property
    def layers(self) -> list[int]:
        return sorted(int(layer) for layer in self.phases["layer"].unique())

    @property
    def reading(self) -> str | None:
        """What T is where it is exact: codes of a quantized network, or bit patterns of a float32 one."""
        if self.seen_by.kind != "exact":
            return None
        return "codes" if self.quantized else "float32"

    @property
    def output_reading(self) -> str | None:
        """What T is at the output, if that is a reading of claim C3."""
        if not self.quantized:
            return self.reading
        return OUTPUT_READINGS.get((self.training.protocol, self.seen_by.kind, self.seen_by.range))

    def trained_like(self, other: "Observation", but: str) -> bool:
        """Whether the training specs are equal in everything but one key."""
        own, others = (each.training.model_dump(exclude={but}) for each in (self, other))
        return own == others

    def cells(self, reading: str, phase: Phase, layers: Sequence[int], against: str = "") -> Iterator[Cell]:
        protocol = self.training.protocol
        for layer in layers:
            rows = self.phases[self.phases["layer"] == layer]
            yield Cell(
                protocol,
                reading,
                self.experiment,
                self.estimator,
                against,
                layer,
                phase,
                bool(rows["saturated"].all()),
                runs_of(rows, phase),
            )

    def differences(self, other: "Observation", reading: str, layers: Sequence[int]) -> Iterator[Cell]:
        """The compression of this less that of the other, repetition by repetition."""
        pairs = (each.cells(reading, "compression", layers) for each in (self, other))
        for own, others in zip(*pairs, strict=True):
            runs = own.runs.merge(others.runs, on="repetition", suffixes=("", "_others"))
            runs["effect"] -= runs["effect_others"]
            runs["bad_fit"] |= runs["bad_fit_others"]
            yield replace(
                own,
                against=other.name,
                phase="difference",
                saturated=own.saturated or others.saturated,
                runs=runs[["repetition", "effect", "bad_fit"]].reindex(columns=RUNS),
            )


def runs_of(rows: pd.DataFrame, phase: Phase) -> pd.DataFrame:
    """One phase of the runs that did not fail, if another half of the runs chose their peaks."""
    names = {phase: "effect", f"{phase}_peak_epoch": "peak_epoch", f"{phase}_onset": "onset"}
    return rows[~rows["failed"] & rows[phase].notna()].rename(columns=names)[RUNS]


def decide(cells: Iterable[Cell], good_fits: bool = False) -> pd.DataFrame:
    """Test the cells of one claim, and correct by Holm's procedure within each protocol.

    Tests and TOSTs are families of their own. A saturated cell belongs to none.

    Args:
        cells: at least one.
        good_fits: whether bad fits are left out.

    Returns:
        One row for each cell: all of it but its runs; margin (bits), two_sided; bad_fits, the number of them
        among the runs, NA where undefined; runs, effect, lower, upper (bits), p, tost_p, fraction as from
        `infer`; onset, the median epoch over the runs that have one; corrected_p, corrected_tost_p, status.
    """
    table = pd.DataFrame([tested(cell, good_fits) for cell in cells])
    table = table.astype({"bad_fits": "Int64", "onset": "Float64"})
    for name in ("p", "tost_p"):
        counted = table[name].mask(table["saturated"])
        table[f"corrected_{name}"] = counted.groupby(table["protocol"]).transform(holm)
    return table.assign(status=statuses(table))


def tested(cell: Cell, good_fits: bool) -> dict[str, Any]:
    """What the runs of a cell tell, uncorrected."""
    bad = cell.runs["bad_fit"]
    runs = cell.runs[bad.ne(True).fillna(True)] if good_fits else cell.runs
    margin, two_sided = MARGINS[cell.phase], cell.phase == "difference"
    return {
        **{field.name: getattr(cell, field.name) for field in fields(cell) if field.name != "runs"},
        "margin": margin,
        "two_sided": two_sided,
        "bad_fits": bad.sum() if bad.notna().any() else pd.NA,
        **infer(runs["effect"].to_numpy(float), margin, two_sided)._asdict(),
        "onset": runs["onset"].astype("Float64").median(),
    }
