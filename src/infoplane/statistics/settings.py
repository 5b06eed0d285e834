"""Whether compression goes with accuracy over seeds and over settings: rank correlations by strata.

A setting is an experiment: all runs of it differ in their seeds alone. `statistics/DATASET/settings.csv` is
over the experiments that figures of kind `settings` show, those of one activation function together:

=====================  ======================================================================================
column                 meaning
=====================  ======================================================================================
experiment             a setting; empty where all settings are meant
estimator, activation  what counts the information, and the activation function
layer                  `last hidden` or `output`
against                `test_accuracy`, or `gap`: the training accuracy less the test accuracy
scope                  `runs`: over the runs of one setting. `seeds`: the mean of these correlations over all
                       settings, each weighted by its runs. `settings`: over the means of the settings
settings, runs         number of settings and of runs
rho, lower, upper      Spearman's correlation with its bootstrap interval at 95 %: numbers of runs are drawn
                       anew, the same ones in every setting, or settings among all of them
compression, mean      mean compression (bits) and mean accuracy or gap of one setting
=====================  ======================================================================================
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from infoplane.config import TrainingSpec
from infoplane.statistics.prevalence import FEWEST, LEVEL, RESAMPLES, SEED
from infoplane.statistics.tradeoff import AGAINST, Correlation, correlate, rank_correlation

__all__ = ["COLUMNS", "Setting", "correlate_strata", "layers_of", "over_settings", "setting_correlations"]

COLUMNS = ["experiment", "estimator", "activation", "layer", "against", "scope", "settings"]
COLUMNS += [*Correlation._fields, "compression", "mean"]

Stratum = tuple[np.ndarray, np.ndarray]


class Setting(NamedTuple):
    """One experiment seen by one estimator.

    Attributes:
        experiment, estimator: names.
        training: the training spec.
        runs: compression and last accuracies, as from `infoplane.statistics.tradeoff.tradeoff`.
    """

    experiment: str
    estimator: str
    training: TrainingSpec
    runs: pd.DataFrame


def layers_of(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The runs in the last hidden layer and in the output layer.

    >>> runs = pd.DataFrame({"layer": [1, 2, 3], "compression": [0.0, 1.0, 2.0]})
    >>> {name: its["compression"].tolist() for name, its in layers_of(runs).items()}
    {'last hidden': [1.0], 'output': [2.0]}
    """
    layers = sorted(runs["layer"].unique())
    names = dict(zip(("output", "last hidden"), reversed(layers), strict=False))
    return {name: runs[runs["layer"] == names[name]] for name in ("last hidden", "output") if name in names}


def setting_correlations(settings: Sequence[Setting]) -> pd.DataFrame:
    """Correlations within each setting, within all settings of an activation function, and over settings.

    Returns:
        The columns of the table above.
    """
    groups: dict[tuple[str, str, str], list[tuple[Setting, pd.DataFrame]]] = {}
    for one in settings:
        for layer, runs in layers_of(one.runs).items():
            groups.setdefault((one.estimator, one.training.activation, layer), []).append((one, runs))
    rows = [
        {"estimator": estimator, "activation": activation, "layer": layer, "against": against, **row}
        for (estimator, activation, layer), own in groups.items()
        for against in AGAINST
        for row in correlation_rows(own, against)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def correlation_rows(
    own: Sequence[tuple[Setting, pd.DataFrame]], against: str
) -> Iterator[Mapping[str, Any]]:
    for one, runs in own:
        correlation = correlate(runs["compression"], runs[against])._asdict()
        means = {"compression": runs["compression"].mean(), "mean": runs[against].mean()}
        yield {"experiment": one.experiment, "scope": "runs", "settings": 1, **correlation, **means}
    strata = [(runs["compression"].to_numpy(), runs[against].to_numpy()) for _, runs in own]
    all_runs = {"settings": len(own), "experiment": ""}
    yield {**all_runs, "scope": "seeds", **correlate_strata(strata)._asdict()}
    over = over_settings(strata)._replace(runs=sum(len(x) for x, _ in strata))
    yield {**all_runs, "scope": "settings", **over._asdict()}


def over_settings(strata: Sequence[Stratum]) -> Correlation:
    """Correlation of the means of strata: `runs` is the number of strata."""
    means = pd.DataFrame([(x.mean(), y.mean()) for x, y in strata], columns=["x", "y"])
    return correlate(means["x"], means["y"])


def correlate_strata(strata: Sequence[Stratum]) -> Correlation:
    """Mean of Spearman's correlations within strata, each weighted by its number of pairs.

        ρ = Σₛ nₛρₛ / Σₛ nₛ

    So what differs between strata has no effect, as in the tests of van Elteren for two samples (1960,
    Bulletin de l'Institut International de Statistique 37, 351). Strata in which x or y does not vary have no
    correlation and are left out. The interval is the percentile interval of resamples of the pairs, by a
    seeded generator; there is none with fewer than five pairs in all. Pairs of equal place are drawn together
    in all strata of equal length: they are runs with one seed, which settings that differ little treat
    nearly alike.

    >>> x = np.array([1.0, 2.0, 3.0])
    >>> correlate_strata([(x, x), (x + 9, -x), (x, x - 9)]).rho
    0.3333333333333333
    """
    pairs = sum(len(x) for x, _ in strata)
    varying = [(x, y) for x, y in strata if len(x) > 1 and np.ptp(x) and np.ptp(y)]
    if not varying:
        return Correlation(pairs)
    weights = np.array([len(x) for x, _ in varying], dtype=float)
    rho = float(np.average([rank_correlation(x, y) for x, y in varying], weights=weights))
    if pairs < FEWEST:
        return Correlation(pairs, rho)
    longest = max(len(x) for x, _ in varying)
    places = np.random.default_rng(SEED).random((RESAMPLES, longest))
    resampled = np.array([resample(x, y, places[:, : len(x)]) for x, y in varying])
    defined = np.isfinite(resampled)
    summed = (weights[:, None] * np.where(defined, resampled, 0)).sum(0)
    total = (weights[:, None] * defined).sum(0)
    means = summed[total > 0] / total[total > 0]
    return Correlation(pairs, rho, *map(float, np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])))


def resample(x: np.ndarray, y: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Correlations of resamples of the pairs of one stratum; NaN where one of the two does not vary.

    Args:
        x, y: the pairs, (runs,).
        places: where in the stratum each pair is drawn, from 0 to 1, (resamples, runs).
    """
    drawn = (places * len(x)).astype(int)
    return rank_correlation(x[drawn], y[drawn])
