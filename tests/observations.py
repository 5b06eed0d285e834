"""Observations of experiments of which it is known how many runs fit and compress."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from infoplane.config import EstimatorSpec, TrainingSpec
from infoplane.statistics.observations import Observation

TRAINING = {"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8}
TRAINING |= {"epochs": 8000, "record_every": 5}
BY = {
    "exact": {"kind": "exact"},
    "rebinned": {"kind": "rebinned"},
    "first": {"kind": "uniform", "bins": 30, "range": (-1.0, 1.0)},
    "wide": {"kind": "uniform", "bins": 30, "range": "global"},
    "fine": {"kind": "uniform", "bins": 256, "range": "global"},
    "layer": {"kind": "uniform", "bins": 30, "range": "layer"},
    "adaptive": {"kind": "adaptive", "bins": 30},
}
RUNS = 20
# So many of the runs: most, none, and half of them
SHOWS, LACKS, MIXED = 20, 0, 10
COUNT = {"shows": SHOWS, "lacks": LACKS, "mixed": MIXED}
FLOAT32 = {"bits": "float32"}
TANH = {"activation": "tanh"}
CONTROLLED = {"protocol": "controlled"}
# Bits: of runs that do it, and where I(X;T) and I(T;Y) could go
EFFECT, PEAK, HEADROOM = 1.0, 8.0, 0.9


def phases_of(
    compression: Sequence[int],
    fitting: Sequence[int] | None = None,
    headroom: Sequence[float] | None = None,
    near: Sequence[int] = (),
    runs: int = RUNS,
) -> pd.DataFrame:
    """Phases of runs, of which the first so many compress and fit by one bit, and the others not at all.

    Args:
        compression, fitting: number of these runs, for each layer.
        headroom: of every run (bits), for each layer.
        near: the layers that are near log₂ N.
        runs: how many there are.
    """
    layers = len(compression)
    index = pd.MultiIndex.from_product([range(runs), range(1, layers + 1)], names=["repetition", "layer"])
    table = pd.DataFrame(index=index).reset_index().astype({"layer": "int8"})
    counts = {"compression": compression, "fitting": fitting or compression}
    for phase, count in counts.items():
        does = np.arange(runs)[:, None] < np.array(count)
        table[phase] = EFFECT * does.ravel()
        table[f"{phase}_peak_epoch"] = pd.array([500] * len(table), dtype="Int32")
        table[f"{phase}_onset"] = pd.Series(np.where(does.ravel(), 700, np.nan), dtype="Int32")
    table["peak"] = PEAK
    table["relative_compression"] = table["compression"] / PEAK
    table["conditional_compression"] = table["compression"]
    table["compresses"] = table["compression"] > 0.1
    table["turning_points"] = table["compresses"].astype("Int32")
    table["headroom"] = np.tile(headroom or [HEADROOM] * layers, runs)
    table["fitted_share"] = table["fitting"] / HEADROOM
    table["fits"] = table["fitting"] > 0.01
    table["fitted_at_onset"] = np.where(table["fits"] & table["compresses"], 0.9, np.nan)
    table["near_log2_n"] = table["layer"].isin(near)
    table["injective"] = False
    return table.assign(blocks=380, failed=False, bad_fit=pd.array([False] * len(table), dtype="boolean"))


def seen(
    experiment: str,
    by: str = "exact",
    compression: Sequence[int] = (LACKS, SHOWS),
    fitting: Sequence[int] | None = None,
    headroom: Sequence[float] | None = None,
    near: Sequence[int] = (),
    runs: int = RUNS,
    **training: object,
) -> Observation:
    estimator = EstimatorSpec.model_validate(BY[by])
    spec = TrainingSpec.model_validate(TRAINING | training)
    return Observation(experiment, by, spec, estimator, phases_of(compression, fitting, headroom, near, runs))
