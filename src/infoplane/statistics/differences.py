"""Differences: experiments whose specs differ in one key, compared by the runs of equal number.

Runs of equal number have equal seeds, unless the key is `seed`, so that they differ by what the key says and
by nothing else that could be kept equal. `statistics/DATASET/differences.csv` has one row for each such pair
of experiments, estimator, layer and phase:

=====================  ======================================================================================
column                 meaning
=====================  ======================================================================================
experiment, against    the two experiments
estimator, layer       the same for both
key                    the key in which their specs differ
value, against_value   of this key
reading,               what T is: codes, float32, bins, logits, rebinned, softmax, …
against_reading
phase                  fitting or compression
more, less, within     number of pairs of runs whose effect in `experiment` is larger than in `against` by
                       more than the margin, smaller by more than the margin, or neither
k, n, prevalence, …    the larger of more and less, as in `infoplane.statistics.cells`; the status is `shows`
                       if most pairs differ in the same direction, `lacks` if most do not differ
mean, median, …        of the differences (bits)
=====================  ======================================================================================
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from infoplane.digests import canonical
from infoplane.statistics.cells import DESCRIBED, Cell, describe, difference_cell
from infoplane.statistics.margins import DEFAULT
from infoplane.statistics.observations import Observation

__all__ = ["DIFFERENCES", "differences"]

NAMES = ["experiment", "estimator", "against", "key", "value", "against_value"]
NAMES += ["layer", "reading", "against_reading", "phase"]
DIFFERENCES = [*NAMES, "more", "less", "within", *DESCRIBED]
LIMITS = {"fitting": DEFAULT.fitting, "compression": DEFAULT.compression}


def differences(study: Sequence[Observation]) -> pd.DataFrame:
    """Compare all pairs of experiments that differ in one key, seen by the same estimator."""
    rows, cells = [], list[Cell]()
    for one, other in combinations(study, 2):
        if one.estimator == other.estimator and (changed := differing(one, other)):
            for names, cell in compared(one, other, changed):
                rows.append(names | directions(cell))
                cells.append(cell)
    if not cells:
        return pd.DataFrame(columns=DIFFERENCES)
    described = describe(cells)[DESCRIBED]
    return pd.concat([pd.DataFrame(rows), described], axis=1)[DIFFERENCES]


def differing(one: Observation, other: Observation) -> Mapping[str, Any]:
    """The one key in which two specs differ, and both values; empty if they differ in several.

    Recorded runs are compared with each other, not with trainings, and their files always differ.
    """
    own, others = (each.training.model_dump(mode="json", exclude={"files"}) for each in (one, other))
    if own.keys() != others.keys():
        return {}
    keys = [key for key in own if own[key] != others[key]]
    if len(keys) != 1 or one.layers != other.layers:
        return {}
    (key,) = keys
    return {"key": key, "value": text_of(own[key]), "against_value": text_of(others[key])}


def text_of(value: Any) -> str:
    """A value of a spec in a table.

    >>> text_of("relu"), text_of({"activations": "ema", "output": None})
    ('relu', 'activations: ema')
    >>> text_of({"output": None}), text_of(None)
    ('default', 'default')
    >>> text_of({"weights": 8, "activations": 8}), text_of([10, {"pool": 2}])
    ('weights: 8, activations: 8', '[10,{"pool":2}]')
    """
    if isinstance(value, dict):
        given = [f"{name}: {text_of(its)}" for name, its in value.items() if its is not None]
        return ", ".join(given) or "default"
    if value is None:
        return "default"
    return value if isinstance(value, str) else canonical(value)


def compared(
    one: Observation, other: Observation, changed: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], Cell]]:
    """What is compared of two experiments: both phases of all layers."""
    for layer in one.layers:
        for phase in LIMITS:
            cell = difference_cell(one, other, "", layer, phase)
            names = {"experiment": one.experiment, "estimator": one.estimator, "against": other.experiment}
            readings = {
                "reading": one.reading_of(layer),
                "against_reading": other.reading_of(layer),
            }
            yield {**names, **changed, "layer": layer, **readings, "phase": phase}, cell


def directions(cell: Cell) -> dict[str, int]:
    """How many pairs differ in which direction."""
    limit = LIMITS["compression" if cell.phase == "difference" else "fitting"]
    effect = cell.runs["effect"]
    more, less = int((effect > limit).sum()), int((effect < -limit).sum())
    return {"more": more, "less": less, "within": len(effect) - more - less}
