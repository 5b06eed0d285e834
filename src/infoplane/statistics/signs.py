"""Sign of compression: how often an estimator says of a run and layer what the exact value says.

Both look at the same run, layer and epochs, and say whether it compresses. `statistics/DATASET/signs.csv` is
over the experiments and estimators that figures of kind `signs` show:

=======================  ====================================================================================
column                   meaning
=======================  ====================================================================================
experiment               empty where experiments are taken together
activation, bits         of the experiment; taken together: `all`, and `quantized`, `float32` or `all`
estimator, against       the estimator, and the one of kind `exact` that looks at as many epochs
layer                    from 1; 0 for all layers together
k, n                     of n runs and layers, they agree on k
prevalence               k / n
lower, upper             its interval of Clopper and Pearson at 95 %. Where layers are taken together, the
                         number of runs stands for n: the layers of a run are not independent, and count as
                         one
both, neither            number of runs and layers that compress by both, and by neither
estimate_only            number of those that compress by the estimate and not by the exact value
exact_only               number of those that compress by the exact value and not by the estimate
=======================  ====================================================================================
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta

from infoplane.config import Bits
from infoplane.statistics.observations import Observation
from infoplane.statistics.prevalence import LEVEL, Interval, interval

__all__ = ["COLUMNS", "TOGETHER", "exact_partner", "signs"]

COLUMNS = ["experiment", "activation", "bits", "estimator", "against", "layer", "k", "n", "prevalence"]
COLUMNS += ["lower", "upper", "both", "neither", "estimate_only", "exact_only"]
# What experiments are taken together by, and what is written of their bits
TOGETHER = ("quantized", "float32", "all")


def signs(study: Sequence[Observation]) -> pd.DataFrame:
    """Agreement of each estimator with the exact value: by layer, by experiment, and over all experiments.

    Returns:
        The columns of the table above.
    """
    rows: list[dict[str, Any]] = []
    together = defaultdict[tuple[str, str, str], list[pd.DataFrame]](list)
    for one in study:
        exact = exact_partner(one, study)
        if one.seen_by.kind == "exact" or exact is None:
            continue
        runs = both_judge(one, exact)
        names = {"experiment": one.experiment, "activation": one.activation, "bits": bits_of(one)}
        names |= {"estimator": one.estimator, "against": exact.estimator}
        for layer, own in runs.groupby("layer"):
            k, n = int(own["agree"].sum()), len(own)
            rows.append({**names, "layer": int(str(layer)), **counts(own), **interval(k, n)._asdict()})
        rows.append({**names, "layer": 0, **counts(runs), **interval_of_runs(runs)._asdict()})
        for bits in ("quantized" if one.quantized else "float32", "all"):
            together[one.estimator, exact.estimator, bits].append(runs)
    for (estimator, against, bits), tables in together.items():
        names = {
            "experiment": "",
            "activation": "all",
            "bits": bits,
            "estimator": estimator,
            "against": against,
        }
        runs = pd.concat(tables)
        rows.append({**names, "layer": 0, **counts(runs), **interval_of_runs(runs)._asdict()})
    return pd.DataFrame(rows, columns=COLUMNS)


def exact_partner(one: Observation, study: Iterable[Observation]) -> Observation | None:
    """The exact value of the same runs at the same epochs; None if the study has none."""
    for other in study:
        exact = other.seen_by.kind == "exact" and other.seen_by.layers is None
        if exact and other.experiment == one.experiment and other.seen_by.epochs == one.seen_by.epochs:
            return other
    return None


def bits_of(one: Observation) -> str:
    """Bits of the activations, or `float32`."""
    if not one.quantized:
        return "float32"
    bits = one.training.bits
    return str(bits.activations if isinstance(bits, Bits) else bits)


def both_judge(one: Observation, exact: Observation) -> pd.DataFrame:
    """Experiment, repetition, layer, whether it compresses by each, and whether they agree.

    Of the runs and layers of which both have a measure.
    """
    keys = ["repetition", "layer"]
    judged = one.phases[[*keys, "compresses"]].merge(
        exact.phases[[*keys, "compresses"]], on=keys, suffixes=("", "_exact")
    )
    judged = judged.dropna().astype({"compresses": bool, "compresses_exact": bool})
    return judged.assign(experiment=one.experiment, agree=judged["compresses"] == judged["compresses_exact"])


def counts(runs: pd.DataFrame) -> dict[str, Any]:
    estimate, exact = runs["compresses"], runs["compresses_exact"]
    k, n = int(runs["agree"].sum()), len(runs)
    return {
        "k": k,
        "n": n,
        "prevalence": k / n if n else np.nan,
        "both": int((estimate & exact).sum()),
        "neither": int((~estimate & ~exact).sum()),
        "estimate_only": int((estimate & ~exact).sum()),
        "exact_only": int((~estimate & exact).sum()),
    }


def interval_of_runs(runs: pd.DataFrame) -> Interval:
    """Interval of Clopper and Pearson at 95 % of the share of agreement, as of so many runs.

    All layers of a run count as one, so that it holds however much they depend on each other (Korn & Graubard
    1998, Survey Methodology 24, 193, with the largest design effect that there can be).

    >>> runs = pd.DataFrame({"experiment": "a", "repetition": [0, 0, 1, 1], "agree": True})
    >>> lower, upper = interval_of_runs(runs)
    >>> round(lower, 4), upper
    (0.1581, 1.0)
    """
    count = runs.groupby(["experiment", "repetition"]).ngroups
    if not count:
        return Interval()
    k = float(runs["agree"].mean()) * count
    lower = float(beta.ppf(LEVEL / 2, k, count - k + 1)) if k > 0 else 0.0
    upper = float(beta.ppf(1 - LEVEL / 2, k + 1, count - k)) if k < count else 1.0
    return Interval(lower, upper)
