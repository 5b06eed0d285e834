"""Cells: one phase in one layer of one experiment, seen by one estimator, decided by how many runs have it.

Tables of cells are `statistics/cells.csv`, `statistics/DATASET/prevalence.csv` and `differences.csv`. They
share:

=======================  ====================================================================================
column                   meaning
=======================  ====================================================================================
phase                    what is counted: runs that fit (`fitting`) or compress (`compression`), or compress
                         I(X;T|Y) (`conditional`), by more than the margin; that fit, of those whose headroom
                         exceeds 0.01 bit (`fitting_with_headroom`); that have done more than half of
                         their fitting at the onset of compression (`order`, of the runs that do both); whose
                         I(X;T) has more than one turning point (`zigzag`); that have a hidden layer which
                         compresses (`network`); that compress more than their counterparts in `against`, or
                         less, whichever are more (`difference`); or that `estimator` says compress and
                         `against` does not, of those that they judge differently (`disagreement`)
k, n                     of n runs, k do it
prevalence, lower, upper k / n with its interval of Clopper and Pearson at 95 %
p_shows, p_lacks         exact p-values of "most runs do not" and of "most runs do"
status                   `shows`: p_shows < 0.05; `lacks`: p_lacks < 0.05; `mixed`: neither; `too few`: fewer
                         than five runs; `ceiling`, of fitting: the mean headroom is at most 0.01 bit
mean, median             of the effect over the runs (bits; `order`: share; `zigzag`: number)
mean_lower, mean_upper   bootstrap percentile interval of the mean at 95 %
bad_fits                 number of bad fits among the runs; empty where undefined
near_log2_n              whether H(T) exceeds 0.8 log₂ N at its peak in most runs, the inputs being a sample
injective                whether the layer tells all inputs apart at every epoch of every run
=======================  ====================================================================================
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from infoplane.statistics.margins import DEFAULT, Margin
from infoplane.statistics.observations import Observation
from infoplane.statistics.phases import FITTING_MARGIN
from infoplane.statistics.prevalence import Status, interval, mean_interval, status_of
from infoplane.statistics.tallies import TALLIES

__all__ = [
    "DESCRIBED",
    "Cell",
    "decide",
    "describe",
    "difference_cell",
    "disagreement_cell",
    "layer_cell",
    "network_cell",
]

# The columns of phases.parquet that hold an effect, and what a relative margin of it is a share of
MEASURES = {
    "fitting": ("fitting", "headroom"),
    "fitting_with_headroom": ("fitting", "headroom"),
    "compression": ("compression", "peak"),
    "conditional": ("conditional_compression", "peak"),
    "order": ("fitted_at_onset", ""),
    "zigzag": ("turning_points", ""),
}
DESCRIBED = ["k", "n", "prevalence", "lower", "upper", "p_shows", "p_lacks", "status"]
DESCRIBED += ["mean", "median", "mean_lower", "mean_upper", "bad_fits", "near_log2_n", "injective"]


@dataclass(frozen=True)
class Cell:
    """A comparison unit of the claims: the runs of an experiment, seen by an estimator in a layer.

    Attributes:
        protocol, reading: verdicts are separate for each.
        experiment, estimator: names.
        against: the experiment/estimator that this one is compared with, if it is.
        layer: from 1; 0 for all hidden layers together.
        phase: as in the table above.
        runs: repetition, effect, whole, bad_fit, as `TALLIES` ask for.
        near_log2_n, injective: as in the table above.
        left_out: why no verdict depends on it, whatever its status; empty if one does.
    """

    protocol: str
    reading: str
    experiment: str
    estimator: str
    against: str
    layer: int
    phase: str
    runs: pd.DataFrame
    near_log2_n: bool = False
    injective: bool = False
    left_out: str = ""

    @property
    def names(self) -> dict[str, Any]:
        """What the cell is called in tables."""
        names = ("protocol", "reading", "experiment", "estimator", "against", "layer", "phase", "left_out")
        return {name: getattr(self, name) for name in names}

    @property
    def effects(self) -> pd.Series:
        """Effect of each run, by one estimator less that by the other if there are two.

        Of all hidden layers together it is that of the one that compresses most.
        """
        others = self.runs.get("effect_against", 0.0)
        return (self.runs["effect"] - others).groupby(self.runs["repetition"]).max()

    def selected(self, good_fits: bool) -> pd.DataFrame:
        """All runs, or those that are no bad fits."""
        return self.runs[self.runs["bad_fit"].ne(True).fillna(True)] if good_fits else self.runs


def layer_cell(one: Observation, reading: str, phase: str, layer: int, against: str = "") -> Cell:
    """One phase in one layer."""
    rows = one.rows(layer, MEASURES[phase][0])
    if phase == "fitting_with_headroom":
        rows = rows[rows["headroom"] > FITTING_MARGIN]
    return Cell(
        protocol=one.protocol,
        reading=reading,
        experiment=one.experiment,
        estimator=one.estimator,
        against=against,
        layer=layer,
        phase=phase,
        runs=runs_of(rows, phase),
        near_log2_n=bool(rows["near_log2_n"].mean() > 0.5),
        injective=bool(len(rows) and rows["injective"].all()),
    )


def runs_of(rows: pd.DataFrame, phase: str) -> pd.DataFrame:
    """Repetition, layer, effect, whole, peak_epoch, onset and bad_fit, as far as the phase has them."""
    effect, whole = MEASURES[phase]
    names = {"repetition": "repetition", "layer": "layer", effect: "effect", whole: "whole"}
    names |= {f"{phase}_peak_epoch": "peak_epoch", f"{phase}_onset": "onset", "bad_fit": "bad_fit"}
    runs = rows.rename(columns=names).reindex(columns=[*names.values()]).reset_index(drop=True)
    return runs.astype({"effect": "float64", "whole": "float64"})


def network_cell(one: Observation, reading: str) -> Cell:
    """Whether any hidden layer compresses; the runs have a row for each of them."""
    hidden = [layer_cell(one, reading, "compression", layer) for layer in one.layers[:-1]]
    return replace(
        hidden[0],
        layer=0,
        phase="network",
        runs=pd.concat([cell.runs for cell in hidden], ignore_index=True),
        near_log2_n=all(cell.near_log2_n for cell in hidden),
        injective=all(cell.injective for cell in hidden),
    )


def difference_cell(
    one: Observation, other: Observation, reading: str, layer: int, phase: str = "compression"
) -> Cell:
    """The effect in one experiment less that in another, over repetitions of equal number.

    A relative margin is a share of the larger of both wholes. A pair is a bad fit if one of its runs is.
    """
    cell, runs = paired(one, other, reading, layer, phase)
    runs["effect"] -= runs["effect_against"]
    runs["whole"] = runs[["whole", "whole_against"]].max(axis=1)
    return replace(
        cell,
        phase="difference" if phase == "compression" else f"{phase} difference",
        runs=runs[["repetition", "layer", "effect", "whole", "bad_fit"]],
    )


def disagreement_cell(one: Observation, other: Observation, reading: str, layer: int) -> Cell:
    """What two estimators say of the compression of the same runs."""
    cell, runs = paired(one, other, reading, layer, "compression")
    measured = ["effect", "whole", "effect_against", "whole_against"]
    return replace(cell, phase="disagreement", runs=runs[["repetition", "layer", *measured, "bad_fit"]])


def paired(
    one: Observation, other: Observation, reading: str, layer: int, phase: str
) -> tuple[Cell, pd.DataFrame]:
    """One cell, marked if one of two is, and the runs of both side by side."""
    cell, against = (layer_cell(each, reading, phase, layer) for each in (one, other))
    runs = cell.runs.merge(against.runs.drop(columns="layer"), on="repetition", suffixes=("", "_against"))
    runs["bad_fit"] |= runs["bad_fit_against"]
    marked = cell.near_log2_n or against.near_log2_n
    injective = cell.injective and against.injective
    return replace(cell, against=other.name, near_log2_n=marked, injective=injective), runs


def decide(cells: Iterable[Cell], margin: Margin = DEFAULT, good_fits: bool = False) -> pd.DataFrame:
    """Count the runs of each cell and test whether most do it.

    Returns:
        One row for each cell: its names, and k, n, prevalence, lower, upper, p_shows, p_lacks, status as in
        the table above.
    """
    return pd.DataFrame([decided(cell, margin, good_fits) for cell in cells])


def decided(cell: Cell, margin: Margin, good_fits: bool) -> dict[str, Any]:
    runs = cell.selected(good_fits)
    tally = TALLIES[cell.phase](runs, margin)
    status: Status = status_of(runs["repetition"].nunique(), tally.p_shows, tally.p_lacks)
    if cell.phase == "fitting" and at_ceiling(runs, margin):
        status = "ceiling"
    return {
        **cell.names,
        "near_log2_n": cell.near_log2_n,
        **tally._asdict(),
        "prevalence": tally.k / tally.n if tally.n else float("nan"),
        **interval(tally.k, tally.n)._asdict(),
        "status": status,
    }


def at_ceiling(runs: pd.DataFrame, margin: Margin) -> bool:
    """Whether there is nothing left to fit: the mean headroom is at most the margin of fitting in bits.

    Where that margin is a share of the headroom, it is at most 0.01 bit.
    """
    return bool(runs["whole"].mean() <= (FITTING_MARGIN if margin.relative else margin.fitting))


def describe(cells: Sequence[Cell]) -> pd.DataFrame:
    """What `decide` returns by the default margin, and how large the effects are.

    Returns:
        One row for each cell: its names, and the columns of the table above.
    """
    effects = [cell.effects for cell in cells]
    intervals = [mean_interval(each.to_numpy()) for each in effects]
    bad = [cell.runs.drop_duplicates("repetition")["bad_fit"] for cell in cells]
    return decide(cells).assign(
        mean=[each.mean() for each in effects],
        median=[each.median() for each in effects],
        mean_lower=[each.lower for each in intervals],
        mean_upper=[each.upper for each in intervals],
        bad_fits=pd.array([int(each.sum()) if each.notna().any() else pd.NA for each in bad], dtype="Int64"),
        injective=[cell.injective for cell in cells],
    )
