"""Rules: what some or every cell has to say for a verdict, and which cells it then hangs on."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from infoplane.statistics.prevalence import LEVEL, holm

__all__ = ["Rule", "Verdict", "corrected", "every", "some", "verdict_of"]

Word = Literal["supported", "refuted", "mixed", "too few runs", "no data"]


class Rule(NamedTuple):
    """What cells have to say.

    Attributes:
        every: whether all of them have to, or one of them.
        status: what they say, shows or lacks.
    """

    every: bool
    status: Literal["shows", "lacks"]

    def p(self, cells: pd.DataFrame) -> pd.Series:
        """P-values of the cells that the rule goes by.

        If one cell is enough, they are corrected by Holm's procedure over all that could have been this cell.
        If all have to agree, each is tested at the full level: an intersection–union test (Berger 1982,
        https://doi.org/10.1080/00401706.1982.10487790).
        """
        return cells[f"p_{self.status}"] if self.every else corrected(cells, self.status)

    def decisive(self, cells: pd.DataFrame) -> pd.DataFrame:
        """The cells that fulfil the rule, with their p: the clearest first, or the least clear of all."""
        says = (cells["status"] == self.status) & (self.p(cells) < LEVEL)
        ordered = cells.assign(p=self.p(cells))[says].sort_values(f"p_{self.status}", kind="stable")
        if self.every:
            return ordered[-1:] if says.all() else ordered[:0]
        return ordered

    def against(self, cells: pd.DataFrame) -> pd.DataFrame:
        """The cells that keep the rule from being fulfilled, with their p: the furthest first.

        If one cell were enough, that is all of them, the nearest first. Of cells with equal p, such as 1, the
        nearest is the one with the largest p of the opposite.
        """
        others = (cells["status"] != self.status) | (not self.every)
        opposite = "lacks" if self.status == "shows" else "shows"
        by = [f"p_{self.status}", f"p_{opposite}"]
        ordered = cells.assign(p=self.p(cells))[others]
        return ordered.sort_values(by, ascending=[not self.every, self.every], kind="stable")


def some(status: Literal["shows", "lacks"]) -> Rule:
    return Rule(every=False, status=status)


def every(status: Literal["shows", "lacks"]) -> Rule:
    return Rule(every=True, status=status)


class Verdict(NamedTuple):
    """A verdict and the cells that it hangs on, with their p; the first one is described."""

    word: Word
    decisive: pd.DataFrame


def corrected(cells: pd.DataFrame, status: Literal["shows", "lacks"]) -> pd.Series:
    """P-values corrected by Holm's procedure; cells of too few runs are no tests."""
    return holm(cells[f"p_{status}"].mask(cells["status"] == "too few"))


def verdict_of(cells: pd.DataFrame, supported: Rule, refuted: Rule) -> Verdict:
    """The verdict from cells of one claim, protocol and reading, all of which count.

    Args:
        cells: columns status, p_shows, p_lacks.
        supported, refuted: the rules of the claim.
    """
    if cells.empty:
        return Verdict("no data", cells.assign(p=np.nan))
    if (cells["status"] == "too few").all():
        return Verdict("too few runs", cells.assign(p=np.nan))
    words: dict[Word, Rule] = {"supported": supported, "refuted": refuted}
    for word, rule in words.items():
        if len(decisive := rule.decisive(cells)):
            return Verdict(word, decisive)
    return Verdict("mixed", supported.against(cells))
