"""Tallies: in how many runs a phase is seen, and the exact tests of whether most runs have it or lack it.

A tally takes the table of the runs of a cell: columns repetition, effect (bits) and whole (bits), which is
what a relative margin is a share of.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd

from infoplane.statistics.margins import Margin
from infoplane.statistics.prevalence import p_of_most, p_of_unequal

__all__ = ["FITTED_BEFORE", "ONE_TURN", "TALLIES", "Tally"]

# Compression follows fitting if, at its onset, more than this share of the fitting is done
FITTED_BEFORE = 0.5
# A curve that turns once rises and falls, or falls and rises
ONE_TURN = 1


class Tally(NamedTuple):
    """How many runs do it.

    Attributes:
        k, n: of n runs, k do it.
        p_shows: exact p-value of "most runs do not".
        p_lacks: exact p-value of "most runs do".
    """

    k: int
    n: int
    p_shows: float
    p_lacks: float


def of_runs(does: pd.Series) -> Tally:
    """Tally of whether each run does it."""
    k, n = int(does.sum()), len(does)
    return Tally(k, n, p_of_most(k, n), p_of_most(n - k, n))


def fitting(runs: pd.DataFrame, margin: Margin) -> Tally:
    return of_runs(runs["effect"] > margin.limit(margin.fitting, runs["whole"]))


def compression(runs: pd.DataFrame, margin: Margin) -> Tally:
    return of_runs(compresses(runs, margin))


def network(runs: pd.DataFrame, margin: Margin) -> Tally:
    """Runs of which some layer compresses; each has a row for every layer."""
    return of_runs(compresses(runs, margin).groupby(runs["repetition"]).any())


def difference(runs: pd.DataFrame, limit: pd.Series) -> Tally:
    """Pairs of runs whose effects differ by more than a limit, in the direction that most of these have.

    There are two directions in which most pairs could differ, so that p_shows is doubled. Pairs that differ
    by no more than the limit speak for p_lacks.
    """
    more, less = int((runs["effect"] > limit).sum()), int((runs["effect"] < -limit).sum())
    k, n = max(more, less), len(runs)
    return Tally(k, n, min(1.0, 2 * p_of_most(k, n)), p_of_most(n - more - less, n))


def compression_difference(runs: pd.DataFrame, margin: Margin) -> Tally:
    return difference(runs, margin.limit(margin.compression, runs["whole"]))


def fitting_difference(runs: pd.DataFrame, margin: Margin) -> Tally:
    return difference(runs, margin.limit(margin.fitting, runs["whole"]))


def disagreement(runs: pd.DataFrame, margin: Margin) -> Tally:
    """Runs that one estimator says compress, of those that two estimators judge differently.

    That one shows compression and the other lacks it is an intersection–union test (Berger 1982,
    https://doi.org/10.1080/00401706.1982.10487790): its p-value is the largest of p_shows of the one, p_lacks
    of the other, and that of McNemar's test. That they agree is that both show it or both lack it; since
    either would do, the p-value of this is doubled.
    """
    against = runs[["effect_against", "whole_against"]].set_axis(["effect", "whole"], axis=1)
    first, second = compresses(runs, margin), compresses(against, margin)
    alone, others = int((first & ~second).sum()), int((second & ~first).sum())
    one, other = of_runs(first), of_runs(second)
    differ = min(max(one.p_shows, other.p_lacks), max(one.p_lacks, other.p_shows))
    agree = min(max(one.p_shows, other.p_shows), max(one.p_lacks, other.p_lacks))
    return Tally(alone, alone + others, max(differ, p_of_unequal(alone, others)), min(1.0, 2 * agree))


def order(runs: pd.DataFrame, margin: Margin) -> Tally:
    return of_runs(runs["effect"] > FITTED_BEFORE)


def zigzag(runs: pd.DataFrame, margin: Margin) -> Tally:
    return of_runs(runs["effect"] > ONE_TURN)


def compresses(runs: pd.DataFrame, margin: Margin) -> pd.Series:
    return runs["effect"] > margin.limit(margin.compression, runs["whole"])


TALLIES: Mapping[str, Callable[[pd.DataFrame, Margin], Tally]] = {
    "fitting": fitting,
    "fitting_with_headroom": fitting,
    "compression": compression,
    "conditional": compression,
    "network": network,
    "difference": compression_difference,
    "fitting difference": fitting_difference,
    "disagreement": disagreement,
    "order": order,
    "zigzag": zigzag,
}
