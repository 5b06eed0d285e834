"""Verdicts on the claims, from all runs, from good fits alone, without marked cells, and by other margins.

`statistics/claims.csv` has one row for each claim, protocol and reading:

=========================  ==================================================================================
column                     meaning
=========================  ==================================================================================
statement                  the claim
verdict                    supported, refuted, mixed, too few runs (no cell has five), no data
verdict_good_fits          without bad fits
verdict_not_near_log2_n    without the cells that are marked near log₂ N
fragile, flips             whether another margin gives another verdict, and which
shows, lacks, mixed,       number of the cells with this status that count
too_few
ceiling                    number of the cells that have nothing left to fit, and do not count
near_log2_n                number of the cells that count and are marked near log₂ N
decisive                   names of the cells that the verdict hangs on; if it is mixed, of those that stand
                           in the way of support
k, n, lower, upper, mean   of the first of these, as in the table of cells
p                          of the first of these, corrected where one cell decides
note                       C1: the way of laying bins without which there is no support
=========================  ==================================================================================

`statistics/cells.csv` has one row for each cell of each claim: claim, protocol, reading, experiment,
estimator, against (an experiment/estimator), layer (0 for all hidden layers together), the columns that
`infoplane.statistics.cells` names, and

=========================  ==================================================================================
left_out                   why the cell does not count, or empty: `ceiling`; `beyond the bins` (C1: bins on a
                           range that activations leave); `premise` (C5: the binned value itself) and `premise
                           not shown` (C5: bins do not show compression of the layer)
corrected_p_shows,         corrected by Holm's procedure over the cells of a claim, protocol and reading that
corrected_p_lacks          count
status_good_fits           the status without bad fits
=========================  ==================================================================================

`statistics/margins.csv` has one row for each claim, protocol, reading and margin: compression_margin and
fitting_margin (unit: bit, or share of peak and of headroom), verdict, and the numbers of cells.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from infoplane.statistics.cells import DESCRIBED, Cell, decide, describe
from infoplane.statistics.claims import CLAIMS, Claim, Observations
from infoplane.statistics.margins import DEFAULT, MARGINS, Margin
from infoplane.statistics.rules import Verdict, corrected, verdict_of

__all__ = ["CELLS", "KEY", "Case", "Judgement", "cases", "judge", "name_of"]

KEY = ["claim", "protocol", "reading"]
CELLS = [*KEY, "experiment", "estimator", "against", "layer", "phase", "left_out", *DESCRIBED]
CELLS += ["corrected_p_shows", "corrected_p_lacks", "status_good_fits"]
COUNTS = ["shows", "lacks", "mixed", "too_few", "ceiling"]
FIRST = ["k", "n", "lower", "upper", "p", "mean"]
VERDICTS = ["claim", "statement", "protocol", "reading", "verdict", "verdict_good_fits"]
VERDICTS += [
    "verdict_not_near_log2_n",
    "fragile",
    "flips",
    *COUNTS,
    "near_log2_n",
    "decisive",
    *FIRST,
    "note",
]
BY_MARGINS = [*KEY, "margin", "compression_margin", "fitting_margin", "unit", "verdict", *COUNTS]


class Judgement(NamedTuple):
    """Tables of verdicts, of the cells that they rest on, and of verdicts by other margins."""

    claims: pd.DataFrame
    cells: pd.DataFrame
    margins: pd.DataFrame


@dataclass(frozen=True)
class Case:
    """A claim under one protocol and in one reading, and the cells that it rests on."""

    claim: Claim
    protocol: str
    reading: str
    cells: Sequence[Cell]

    @property
    def key(self) -> dict[str, str]:
        return {"claim": self.claim.name, "protocol": self.protocol, "reading": self.reading}

    def decided(self, margin: Margin = DEFAULT, good_fits: bool = False) -> pd.DataFrame:
        """What is decided of each cell, and why it is left out."""
        table = decide(self.cells, margin, good_fits)
        return table.assign(left_out=self.claim.left_out(table))

    @cached_property
    def described(self) -> pd.DataFrame:
        """The rows of `cells.csv`."""
        table = describe(self.cells)
        table["left_out"] = self.claim.left_out(table)
        counting = that_count(table)
        return table.assign(
            claim=self.claim.name,
            corrected_p_shows=corrected(counting, "shows"),
            corrected_p_lacks=corrected(counting, "lacks"),
            status_good_fits=self.decided(good_fits=True)["status"],
        )[CELLS]

    @cached_property
    def by_margins(self) -> list[dict[str, Any]]:
        """The rows of `margins.csv`."""
        return [
            {
                **self.key,
                "margin": margin.name,
                "compression_margin": margin.compression,
                "fitting_margin": margin.fitting,
                "unit": margin.unit,
                "verdict": self.verdict(cells).word,
                **counts(cells),
            }
            for margin in MARGINS
            for cells in [self.decided(margin)]
        ]

    def verdict(self, cells: pd.DataFrame) -> Verdict:
        """The verdict from cells, as `decided` or `described` give them."""
        return verdict_of(that_count(cells), self.claim.supported, self.claim.refuted)


def cases(study: Observations, claims: Iterable[Claim] = CLAIMS.values()) -> Iterator[Case]:
    """Every claim under every protocol and in every reading, also where there is no cell."""
    for claim in claims:
        cells = list(claim.cells(study))
        for protocol, readings in claim.readings.items():
            for reading in readings:
                own = [cell for cell in cells if (cell.protocol, cell.reading) == (protocol, reading)]
                yield Case(claim, protocol, reading, own)


def judge(study: Observations, claims: Iterable[Claim] = CLAIMS.values()) -> Judgement:
    """Decide all claims."""
    every = list(cases(study, claims))
    found = [each for each in every if each.cells]
    cells = [each.described for each in found]
    margins = [row for each in found for row in each.by_margins]
    return Judgement(
        pd.DataFrame([judged(each, study) for each in every], columns=VERDICTS),
        pd.concat(cells, ignore_index=True) if cells else pd.DataFrame(columns=CELLS),
        pd.DataFrame(margins, columns=BY_MARGINS),
    )


def judged(case: Case, study: Observations) -> dict[str, Any]:
    """A row of `claims.csv`."""
    row: dict[str, Any] = {**case.key, "statement": case.claim.words[0]}
    if not case.cells:
        words = dict.fromkeys(("verdict", "verdict_good_fits", "verdict_not_near_log2_n"), "no data")
        texts = dict.fromkeys(("flips", "decisive", "note"), "")
        return row | words | texts | dict.fromkeys([*COUNTS, "near_log2_n"], 0) | {"fragile": False}
    cells = case.described
    near = cells["near_log2_n"]
    word, decisive = case.verdict(cells)
    others = {row["margin"]: row["verdict"] for row in case.by_margins if row["verdict"] != word}
    row |= {
        "verdict": word,
        "verdict_good_fits": case.verdict(case.decided(good_fits=True)).word,
        "verdict_not_near_log2_n": case.verdict(cells[~near]).word,
        "fragile": bool(others),
        "flips": "; ".join(f"{margin}: {other}" for margin, other in others.items()),
        **counts(cells),
        "near_log2_n": int(near[that_count(cells).index].sum()),
        "decisive": "; ".join(name_of(cell) for _, cell in decisive.iterrows()),
        "note": case.claim.note(study, decisive) if word == "supported" else "",
    }
    return row | (dict(decisive.iloc[0][FIRST]) if len(decisive) else {})


def that_count(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that count."""
    return cells[cells["left_out"] == ""]


def counts(cells: pd.DataFrame) -> dict[str, int]:
    """How many cells that count have each status, and how many are at the ceiling."""
    number = that_count(cells)["status"].value_counts()
    counts = {name: int(number.get(name.replace("_", " "), 0)) for name in COUNTS}
    return counts | {"ceiling": int((cells["left_out"] == "ceiling").sum())}


def name_of(cell: pd.Series) -> str:
    """Experiment, estimator and layer of a cell, and what it is compared with.

    >>> name_of(pd.Series({"experiment": "tanh", "estimator": "exact", "layer": 5, "against": "relu/exact"}))
    'tanh/exact T5 against relu/exact'
    """
    layer = f" T{cell['layer']}" if cell["layer"] else ""
    against = f" against {cell['against']}" if cell["against"] else ""
    return f"{cell['experiment']}/{cell['estimator']}{layer}{against}"
