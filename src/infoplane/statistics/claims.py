"""The six claims: each in words, the cells it rests on, and the rule that decides it.

The docstring of a claim is what tables and traces print: the claim itself, then its rule. Nothing here knows
an experiment or an estimator by name.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import getdoc
from itertools import product
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd

from infoplane.statistics.cells import OUTPUT_READINGS, Cell, Observation, decide
from infoplane.statistics.inference import STATUSES, Status

__all__ = ["CELLS", "CLAIMS", "Claim", "Verdict", "decide_claims", "judge_claims", "name_of"]

PROTOCOLS = ("published", "controlled")
EXACT = dict.fromkeys(PROTOCOLS, ("codes", "float32"))
NO_DATA = "no data"
# What tables tell of a cell and of a verdict
CELLS = ["claim", "protocol", "reading", "experiment", "estimator", "against", "layer", "phase"]
CELLS += ["runs", "bad_fits", "effect", "lower", "upper", "p", "corrected_p", "tost_p", "corrected_tost_p"]
CELLS += ["fraction", "onset", "status", "status_good_fits"]
VERDICTS = ["claim", "statement", "protocol", "reading", "verdict", "verdict_good_fits", *STATUSES]
VERDICTS += ["decisive", "effect", "lower", "upper", "corrected_p"]

Study = Sequence[Observation]


class Verdict(NamedTuple):
    """A verdict and the cells that it hangs on; if it is inconclusive, those that are open."""

    verdict: Literal["supported", "refuted", "inconclusive"]
    decisive: pd.DataFrame


class Claim(ABC):
    """A claim; under each protocol, every reading of T has a verdict of its own."""

    readings: ClassVar[Mapping[str, Sequence[str]]]

    @property
    def name(self) -> str:
        return type(self).__name__

    @property
    def words(self) -> tuple[str, str]:
        """The claim and its rule."""
        statement, rule = (getdoc(type(self)) or "").split("\n\n")
        return " ".join(statement.split()), " ".join(rule.split())

    @abstractmethod
    def cells(self, study: Study) -> Iterator[Cell]:
        """All that the claim rests on."""

    @abstractmethod
    def verdict(self, cells: pd.DataFrame) -> Verdict:
        """The verdict from cells of one protocol and reading, none of them saturated."""


class C1(Claim):
    """Different ways of binning lead to qualitatively different results, for or against compression.

    Supported if one binning shows compression of a layer and another binning of the same float32 runs lacks
    it, at least once. Refuted if all binnings agree in every layer.
    """

    readings = dict.fromkeys(PROTOCOLS, ("bins",))

    def cells(self, study: Study) -> Iterator[Cell]:
        for one in study:
            if one.seen_by.kind in ("uniform", "adaptive") and not one.quantized:
                yield from one.cells("bins", "compression", one.layers)

    def verdict(self, cells: pd.DataFrame) -> Verdict:
        layer = [cells["experiment"], cells["layer"]]
        decided = cells["status"].mask(cells["status"] == "open")
        compared = cells[decided.groupby(layer).transform("size") > 1]
        differing = cells[decided.notna() & (decided.groupby(layer).transform("nunique") > 1)]
        agreeing = compared if decided[compared.index].notna().all() else compared[:0]
        return settle(compared, supported=clearest_first(differing), refuted=clearest_first(agreeing)[-1:])


class C2(Claim):
    """With exact mutual information, a fitting phase is seen in all layers of all experiments.

    Supported if every layer shows fitting. Refuted if some layer lacks it.
    """

    readings = EXACT

    def cells(self, study: Study) -> Iterator[Cell]:
        for one in study:
            if one.reading:
                yield from one.cells(one.reading, "fitting", one.layers)

    def verdict(self, cells: pd.DataFrame) -> Verdict:
        return settle(cells, supported=every(cells, "shows"), refuted=some(cells, "lacks"))


class C3(Claim):
    """With exact mutual information, a compression phase is seen in the output layer of all experiments.

    Supported if every output layer shows compression. Refuted if some output layer lacks it.
    """

    readings: ClassVar = {
        protocol: (*(reading for (its, *_), reading in OUTPUT_READINGS.items() if its == protocol), "float32")
        for protocol in PROTOCOLS
    }

    def cells(self, study: Study) -> Iterator[Cell]:
        for one in study:
            if one.output_reading:
                yield from one.cells(one.output_reading, "compression", one.layers[-1:])

    def verdict(self, cells: pd.DataFrame) -> Verdict:
        return settle(cells, supported=every(cells, "shows"), refuted=some(cells, "lacks"))


class C4(Claim):
    """With exact mutual information, compression of the hidden layers depends on the activation function.

    Supported if tanh and ReLU networks that are trained alike differ in the compression of some hidden layer.
    Refuted if they are equivalent in every hidden layer.
    """

    readings = EXACT

    def cells(self, study: Study) -> Iterator[Cell]:
        for tanh, relu in product(study, study):
            activations = tanh.training.activation, relu.training.activation
            if activations != ("tanh", "relu") or not tanh.trained_like(relu, but="activation"):
                continue
            if tanh.reading and tanh.reading == relu.reading:
                yield from tanh.differences(relu, tanh.reading, tanh.layers[:-1])

    def verdict(self, cells: pd.DataFrame) -> Verdict:
        return settle(cells, supported=some(cells, "shows"), refuted=every(cells, "lacks"))


class C5(Claim):
    """The first information bottleneck results were not artifacts of binning.

    Looked at are the layers of tanh float32 networks of which 30 bins on [−1, 1] show compression. Supported
    if the exact value of quantized networks that are trained alike shows it in all of them. Refuted if it
    lacks it in all.
    """

    readings = dict.fromkeys(PROTOCOLS, ("codes",))

    def cells(self, study: Study) -> Iterator[Cell]:
        for first in study:
            by = first.seen_by
            binned = (by.kind, by.bins, by.range) == ("uniform", 30, (-1, 1)) and not first.quantized
            if binned and first.training.activation == "tanh":
                alike = [one for one in study if one.trained_like(first, but="bits")]
                exact = [one for one in alike if one.reading == "codes"]
                if exact:
                    yield from first.cells("codes", "compression", first.layers)
                for one in exact:
                    yield from one.cells("codes", "compression", one.layers, against=first.name)

    def verdict(self, cells: pd.DataFrame) -> Verdict:
        names, layers = cells["experiment"] + "/" + cells["estimator"], cells["layer"]
        shown = (cells["against"] == "") & (cells["status"] == "shows")
        shown_in = set(zip(names[shown], layers[shown], strict=True))
        exact = cells.loc[[pair in shown_in for pair in zip(cells["against"], layers, strict=True)]]
        return settle(exact, supported=every(exact, "shows"), refuted=every(exact, "lacks"))


class C6(Claim):
    """Some networks show no compression phase in some of their hidden layers.

    Supported if some hidden layer lacks compression. Refuted if every hidden layer shows it.
    """

    readings = EXACT

    def cells(self, study: Study) -> Iterator[Cell]:
        for one in study:
            if one.reading:
                yield from one.cells(one.reading, "compression", one.layers[:-1])

    def verdict(self, cells: pd.DataFrame) -> Verdict:
        return settle(cells, supported=some(cells, "lacks"), refuted=every(cells, "shows"))


CLAIMS: dict[str, Claim] = {claim.name: claim for claim in (C1(), C2(), C3(), C4(), C5(), C6())}


def some(cells: pd.DataFrame, status: Status) -> pd.DataFrame:
    """The cells that have the status, the clearest first."""
    return clearest_first(cells[cells["status"] == status])


def every(cells: pd.DataFrame, status: Status) -> pd.DataFrame:
    """The least clear cell, if all of them have the status."""
    return clearest_first(cells)[-1:] if (cells["status"] == status).all() else cells[:0]


def settle(cells: pd.DataFrame, supported: pd.DataFrame, refuted: pd.DataFrame) -> Verdict:
    """Supported or refuted if there are cells that do so."""
    if len(supported):
        return Verdict("supported", supported)
    if len(refuted):
        return Verdict("refuted", refuted)
    return Verdict("inconclusive", some(cells, "open"))


def clearest_first(cells: pd.DataFrame) -> pd.DataFrame:
    """By how far (bits) the intervals lie beyond the margin or, where an effect is absent, within ±margin."""
    lower, upper, margin = cells["lower"], cells["upper"], cells["margin"]
    beyond = np.where(cells["two_sided"], np.maximum(lower, -upper), lower) - margin
    within = margin - np.maximum(upper, -lower)
    distance = pd.Series(np.where(cells["status"] == "lacks", within, beyond), cells.index)
    return cells.loc[distance.sort_values(ascending=False, kind="stable").index]


def decide_claims(study: Study, claims: Iterable[Claim] = CLAIMS.values()) -> pd.DataFrame:
    """Decide the cells that claims rest on, from all runs and from the good fits alone.

    Returns:
        What `decide` returns, behind the name of the claim, and status_good_fits.
    """
    tables = []
    for claim in claims:
        if cells := list(claim.cells(study)):
            good_fits = decide(cells, good_fits=True)["status"]
            tables.append(decide(cells).assign(claim=claim.name, status_good_fits=good_fits))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=CELLS)


def judge_claims(cells: pd.DataFrame, claims: Iterable[Claim] = CLAIMS.values()) -> pd.DataFrame:
    """The verdicts on claims.

    Args:
        cells: as from `decide_claims`.

    Returns:
        One row for each claim, protocol and reading: statement; verdict, `no data` where there is no cell,
        and verdict_good_fits; how many cells it rests on, by status; decisive, the names of those that it
        hangs on; of the first of these effect, lower, upper (bits), and corrected_p of the test that decides.
    """
    rows = []
    for claim in claims:
        for protocol, readings in claim.readings.items():
            for reading in readings:
                key = {"claim": claim.name, "protocol": protocol, "reading": reading}
                its = cells[(cells[list(key)] == pd.Series(key)).all(axis=1)]
                rows.append({**key, "statement": claim.words[0], **judged(claim, its)})
    return pd.DataFrame(rows, columns=VERDICTS)


def judged(claim: Claim, cells: pd.DataFrame) -> dict[str, Any]:
    """What a claims table says of cells of one protocol and reading."""
    told: dict[str, Any] = {status: int((cells["status"] == status).sum()) for status in STATUSES}
    if cells.empty:
        return {**told, "verdict": NO_DATA, "verdict_good_fits": NO_DATA, "decisive": ""}
    counted = cells[cells["status"] != "saturated"]
    told["verdict"], decisive = claim.verdict(counted)
    told["verdict_good_fits"] = claim.verdict(counted.assign(status=counted["status_good_fits"])).verdict
    told["decisive"] = "; ".join(name_of(cell) for _, cell in decisive.iterrows())
    for _, first in decisive[:1].iterrows():
        told |= {name: first[name] for name in ("effect", "lower", "upper")}
        told["corrected_p"] = first["corrected_tost_p" if first["status"] == "lacks" else "corrected_p"]
    return told


def name_of(cell: pd.Series) -> str:
    """Experiment, estimator and layer of a cell, and what it is compared with.

    >>> name_of(pd.Series({"experiment": "tanh", "estimator": "exact", "layer": 5, "against": "relu/exact"}))
    'tanh/exact T5 against relu/exact'
    """
    against = f" against {cell['against']}" if cell["against"] else ""
    return f"{cell['experiment']}/{cell['estimator']} T{cell['layer']}{against}"
