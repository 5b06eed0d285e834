"""Is an effect there or absent: the effects of single runs, tested against zero and against a margin."""

from functools import cache
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

__all__ = ["LEVEL", "STATUSES", "Inference", "Status", "holm", "infer", "statuses"]

Status = Literal["shows", "lacks", "open", "saturated"]
STATUSES: tuple[Status, ...] = get_args(Status)
LEVEL = 0.05
# With fewer runs Wilcoxon's test cannot reach the level: 2⁻⁴ > 0.05
FEWEST = 5
RESAMPLES = 9999
SEED = 0
# A spread between runs of this share of the margin decides nothing; with it no resample is without spread
GRAIN = 0.1


class Inference(NamedTuple):
    """What runs tell of their mean effect.

    Attributes:
        runs: their number n.
        effect: their mean, in the unit of the effects.
        lower, upper: the bootstrap-t interval of the mean at 95 %.
        p: of Wilcoxon's signed-rank test.
        tost_p: of the two one-sided tests against ±margin.
        fraction: the share of the runs whose effect exceeds the margin.
    """

    runs: int
    effect: float = np.nan
    lower: float = np.nan
    upper: float = np.nan
    p: float = np.nan
    tost_p: float = np.nan
    fraction: float = np.nan


def infer(effects: np.ndarray, margin: float, two_sided: bool = False) -> Inference:
    """Test the mean of effects against zero and against a margin.

    Interval and TOST rest on the bootstrap distribution of Student's t. With m and s the mean and standard
    deviation (over n − 1) of the effects, m* and s* those of a resample, and d a tenth of the margin,

        t* = (m* − m) / √((s*² + d²)/n),   interval m − t*₀.₉₇₅ √((s² + d²)/n) … m − t*₀.₀₂₅ √((s² + d²)/n)

    (Efron & Tibshirani 1993, An Introduction to the Bootstrap, § 12.5, https://doi.org/10.1201/9780429246593;
    d as in Tusher, Tibshirani & Chu 2001, https://doi.org/10.1073/pnas.091062498). The two one-sided tests
    (Schuirmann 1987, https://doi.org/10.1007/BF01068419) set the t of a mean of ±margin against the same t*,
    and the larger p counts: it is at most 0.025 where the interval lies within ±margin.

    Wilcoxon's test leaves zeros out; where all effects are zero, its p is 1. Resamples are seeded, so that
    equal effects give equal bytes. Fewer than five runs have no interval and no test: NaN.

    Args:
        effects: (n,), one of each run.
        margin: what is too small to matter, in the unit of the effects.
        two_sided: whether Wilcoxon's alternative is "not zero" instead of "above zero".

    >>> infer(np.zeros(20), 0.1)
    Inference(runs=20, effect=0.0, lower=0.0, upper=0.0, p=1.0, tost_p=0.0001, fraction=0.0)
    """
    runs = len(effects)
    if not runs:
        return Inference(runs)
    effect, fraction = float(effects.mean()), float((effects > margin).mean())
    if runs < FEWEST:
        return Inference(runs, effect, fraction=fraction)
    error = standard_error(effects.var(ddof=1), margin, runs)
    centred = effects - effect
    means, squares = (draws(runs, RESAMPLES) @ np.stack([centred, centred**2], 1)).T / runs
    t = means / standard_error((squares - means**2) * runs / (runs - 1), margin, runs)
    high, low = np.quantile(t, [1 - LEVEL / 2, LEVEL / 2], method="weibull")
    beyond = max((t <= (effect - margin) / error).sum(), (t >= (effect + margin) / error).sum())
    alternative = "two-sided" if two_sided else "greater"
    return Inference(
        runs=runs,
        effect=effect,
        lower=float(effect - high * error),
        upper=float(effect - low * error),
        p=float(wilcoxon(effects, alternative=alternative).pvalue) if effects.any() else 1.0,
        tost_p=float((1 + beyond) / (1 + RESAMPLES)),
        fraction=fraction,
    )


def standard_error(variance: np.ndarray, margin: float, runs: int) -> np.ndarray:
    """That of the mean of runs, whose spread is never less than the grain of the margin."""
    error: np.ndarray = np.sqrt((variance + (GRAIN * margin) ** 2) / runs)
    return error


@cache
def draws(runs: int, resamples: int) -> np.ndarray:
    """How often each resample holds each run, (resamples, runs)."""
    random = np.random.default_rng(SEED)
    return random.multinomial(runs, np.full(runs, 1 / runs), size=resamples).astype(float)


def holm(p: pd.Series) -> pd.Series:
    """Holm's corrected p-values of a family of tests; NaN is no test and does not count.

    (Holm 1979, https://www.jstor.org/stable/4615733)

    >>> holm(pd.Series([0.01, 0.04, 0.03, np.nan])).tolist()
    [0.03, 0.06, 0.06, nan]
    """
    ascending = p.dropna().sort_values()
    corrected = (ascending * np.arange(len(ascending), 0, -1)).cummax().clip(upper=1)
    return corrected.reindex(p.index)


def statuses(cells: pd.DataFrame) -> np.ndarray:
    """The status of each cell: it shows its effect, lacks it, leaves it open, or is saturated.

    A cell shows its effect if the corrected test is significant and the interval lies beyond the margin. It
    lacks it if the corrected TOST is significant and the interval lies within ±margin.

    Args:
        cells: columns saturated, two_sided, margin, lower, upper, corrected_p, corrected_tost_p.
    """
    lower, upper, margin = cells["lower"], cells["upper"], cells["margin"]
    beyond = (lower > margin) | (cells["two_sided"] & (upper < -margin))
    within = (lower > -margin) & (upper < margin)
    conditions = {
        "saturated": cells["saturated"],
        "shows": (cells["corrected_p"] < LEVEL) & beyond,
        "lacks": (cells["corrected_tost_p"] < LEVEL) & within,
    }
    return np.select(list(conditions.values()), list(conditions), "open")
