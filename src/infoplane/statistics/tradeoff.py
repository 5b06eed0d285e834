"""Whether networks that compress more classify or generalise better: rank correlations over runs."""

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import DegenerateDataWarning, bootstrap, rankdata

from infoplane.statistics.prevalence import FEWEST, LEVEL, RESAMPLES, SEED

__all__ = ["AGAINST", "Correlation", "correlate", "correlations", "tradeoff"]

AGAINST = ["test_accuracy", "gap"]


class Correlation(NamedTuple):
    """Spearman's rank correlation over runs.

    Attributes:
        runs: their number.
        rho: the correlation; NaN where one of the two does not vary.
        lower, upper: its bootstrap percentile interval at 95 %; NaN with fewer than five runs.
    """

    runs: int
    rho: float = np.nan
    lower: float = np.nan
    upper: float = np.nan


def tradeoff(phases: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """How much every layer of every run compresses, and how the run ended.

    Args:
        phases: columns repetition, layer, compression, bad_fit, as from `phases`.
        history: columns repetition, part, epoch, train_accuracy, test_accuracy.

    Returns:
        Columns repetition, layer, compression (bits), test_accuracy, gap, bad_fit. Accuracies are those of
        the last epoch for which both are known, and the gap is the training accuracy, a mean over the
        minibatches of that epoch, less the test accuracy. Runs that failed or are too short to be measured
        are left out.
    """
    known = history[history["part"] == "main"].dropna(subset=["train_accuracy", "test_accuracy"])
    last = known.sort_values("epoch").groupby("repetition").last()
    endings = last.assign(gap=last["train_accuracy"] - last["test_accuracy"])[AGAINST]
    runs = phases.join(endings, on="repetition").dropna(subset=["compression", *AGAINST])
    names = [name for name in ("repetition", "layer", "layer_name") if name in runs]
    return runs[[*names, "compression", *AGAINST, "bad_fit"]].reset_index(drop=True)


def correlations(runs: pd.DataFrame) -> pd.DataFrame:
    """Correlate the compression of every layer with how the runs ended, bad fits among them.

    Args:
        runs: as from `tradeoff`.

    Returns:
        Columns layer, against (test_accuracy or gap), runs, rho, lower, upper.
    """
    rows = [
        {"layer": layer, "against": against, **correlate(its["compression"], its[against])._asdict()}
        for layer, its in runs.groupby("layer")
        for against in AGAINST
    ]
    return pd.DataFrame(rows, columns=["layer", "against", *Correlation._fields])


def correlate(x: pd.Series, y: pd.Series) -> Correlation:
    """Spearman's correlation of the ranks of x and y, and how far it is known.

    The interval is the percentile interval of the correlation in resamples of the runs (Efron & Tibshirani
    1993, An Introduction to the Bootstrap, § 13.3, https://doi.org/10.1201/9780429246593), drawn by a seeded
    generator. Resamples in which x or y does not vary have no correlation and are left out.

    >>> correlate(pd.Series([1.0, 2.0, 3.0, 4.0]), pd.Series([0.1, 0.3, 0.2, 0.4]))
    Correlation(runs=4, rho=0.8, lower=nan, upper=nan)
    """
    pairs = x.to_numpy(), y.to_numpy()
    if len(x) < 2 or not np.ptp(pairs, axis=1).all():
        return Correlation(len(x))
    rho = float(rank_correlation(*pairs))
    if len(x) < FEWEST:
        return Correlation(len(x), rho)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)
        resampled = bootstrap(
            pairs, rank_correlation, paired=True, n_resamples=RESAMPLES, method="percentile", rng=SEED
        ).bootstrap_distribution
    return Correlation(len(x), rho, *map(float, np.nanquantile(resampled, [LEVEL / 2, 1 - LEVEL / 2])))


def rank_correlation(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    """Pearson's correlation of the ranks along an axis; equal values share their mean rank."""
    first, second = (rankdata(values, axis=axis) for values in (x, y))
    first, second = (ranks - ranks.mean(axis, keepdims=True) for ranks in (first, second))
    spread = (first**2).sum(axis) * (second**2).sum(axis)
    with np.errstate(invalid="ignore"):
        correlation: np.ndarray = (first * second).sum(axis) / np.sqrt(spread)
    return correlation
