"""Prevalence: the share π of runs that do something, its interval, and whether most runs do it."""

from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy.stats import binomtest, bootstrap

__all__ = [
    "FEWEST",
    "LEVEL",
    "RESAMPLES",
    "SEED",
    "STATUSES",
    "Interval",
    "Status",
    "holm",
    "interval",
    "mean_interval",
    "p_of_most",
    "p_of_unequal",
    "status_of",
]

Status = Literal["shows", "lacks", "mixed", "too few", "ceiling"]
STATUSES: tuple[Status, ...] = get_args(Status)
LEVEL = 0.05
# 2⁻⁴ > 0.05: fewer runs decide nothing even if they all agree
FEWEST = 5
RESAMPLES = 1999
SEED = 0


class Interval(NamedTuple):
    """Ends of an interval at 95 %; NaN where there is none."""

    lower: float = np.nan
    upper: float = np.nan


@cache
def interval(k: int, n: int) -> Interval:
    """Interval of Clopper and Pearson of the prevalence, of which k of n runs tell.

    (Clopper & Pearson 1934, https://doi.org/10.1093/biomet/26.4.404)

    >>> lower, upper = interval(0, 20)
    >>> round(lower, 4), round(upper, 4)
    (0.0, 0.1684)
    """
    if not n:
        return Interval()
    ends = binomtest(k, n).proportion_ci(1 - LEVEL, method="exact")
    return Interval(float(ends.low), float(ends.high))


@cache
def p_of_most(k: int, n: int) -> float:
    """Exact p-value of π ≤ ½, which is rejected where most runs do it: P(X ≥ k), X ~ B(n, ½).

    >>> p_of_most(5, 5), p_of_most(0, 0)
    (0.03125, 1.0)
    """
    return float(binomtest(k, n, 0.5, alternative="greater").pvalue) if n else 1.0


@cache
def p_of_unequal(first: int, second: int) -> float:
    """Exact p-value of McNemar's test: of so many runs one thing is true alone, and of so many the other.

    (McNemar 1947, https://doi.org/10.1007/BF02295996)

    >>> p_of_unequal(6, 0), p_of_unequal(3, 3)
    (0.03125, 1.0)
    """
    return float(binomtest(first, first + second, 0.5).pvalue) if first + second else 1.0


def status_of(runs: int, p_shows: float, p_lacks: float) -> Status:
    """What is decided by the exact tests of so many runs.

    >>> status_of(50, 0.001, 1), status_of(50, 1, 0.001), status_of(50, 0.2, 0.9), status_of(4, 0.001, 1)
    ('shows', 'lacks', 'mixed', 'too few')
    """
    if runs < FEWEST:
        return "too few"
    if p_shows < LEVEL:
        return "shows"
    return "lacks" if p_lacks < LEVEL else "mixed"


def mean_interval(values: Sequence[float] | np.ndarray) -> Interval:
    """Percentile interval of the mean at 95 %, from 1999 resamples of the runs by a seeded generator.

    (Efron & Tibshirani 1993, An Introduction to the Bootstrap, § 13.3,
    https://doi.org/10.1201/9780429246593.) There is none with fewer than five runs.

    >>> mean_interval([1.0] * 5), mean_interval([1.0] * 4)
    (Interval(lower=1.0, upper=1.0), Interval(lower=nan, upper=nan))
    """
    if len(values) < FEWEST:
        return Interval()
    ends = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=1 - LEVEL,
        method="percentile",
        rng=SEED,
    ).confidence_interval
    return Interval(float(ends.low), float(ends.high))


def holm(p: pd.Series) -> pd.Series:
    """Holm's corrected p-values of a family of tests; NaN is no test and does not count.

    (Holm 1979, https://www.jstor.org/stable/4615733)

    >>> holm(pd.Series([0.01, 0.04, 0.03, np.nan])).tolist()
    [0.03, 0.06, 0.06, nan]
    """
    ascending = p.dropna().sort_values()
    corrected = (ascending * np.arange(len(ascending), 0, -1)).cummax().clip(upper=1)
    return corrected.reindex(p.index)
