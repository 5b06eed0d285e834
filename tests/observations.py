"""Observations of experiments whose effects are known."""

import numpy as np
import pandas as pd

from infoplane.config import EstimatorSpec, TrainingSpec
from infoplane.statistics.cells import Observation

TRAINING = {"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8}
TRAINING |= {"epochs": 8000, "record_every": 5}
BY = {
    "exact": {"kind": "exact"},
    "rebinned": {"kind": "rebinned"},
    "first": {"kind": "uniform", "bins": 30, "range": (-1.0, 1.0)},
    "wide": {"kind": "uniform", "bins": 30, "range": "global"},
    "fine": {"kind": "uniform", "bins": 256, "range": "global"},
    "adaptive": {"kind": "adaptive", "bins": 30},
}
RUNS = 20
# Mean effects, in margins: clearly there, clearly not, and neither
SHOWS, LACKS, OPEN = 10.0, 0.0, 1.0
EFFECT = {"shows": SHOWS, "lacks": LACKS, "open": OPEN}
FLOAT32 = {"bits": "float32"}
TANH = {"activation": "tanh"}


def phases_of(compression, fitting=None, saturated=()) -> pd.DataFrame:
    """Phases of runs whose mean effects (margins) are given for each layer."""
    layers = len(compression)
    random = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(RUNS), range(1, layers + 1)], names=["repetition", "layer"])
    table = pd.DataFrame(index=index).reset_index().astype({"layer": "int8"})
    for phase, margin, means in (
        ("fitting", 0.01, fitting or compression),
        ("compression", 0.1, compression),
    ):
        noise = random.standard_normal((RUNS, layers))
        table[phase] = margin * np.add(means, 0.2 * (noise - noise.mean(0))).ravel()
        table[f"{phase}_peak_epoch"] = pd.array([500] * len(table), dtype="Int32")
        table[f"{phase}_onset"] = pd.Series(np.where(table[phase] > margin, 700, np.nan), dtype="Int32")
    table["saturated"] = table["layer"].isin(saturated)
    return table.assign(failed=False, bad_fit=pd.array([False] * len(table), dtype="boolean"))


def seen(
    experiment, by="exact", compression=(LACKS, SHOWS), fitting=None, saturated=(), **training
) -> Observation:
    estimator = EstimatorSpec.model_validate(BY[by])
    spec = TrainingSpec.model_validate(TRAINING | training)
    return Observation(experiment, by, spec, estimator, phases_of(compression, fitting, saturated))
