"""Small networks on small images, trained once."""

from functools import cache

import numpy as np
import pandas as pd
from reference import replayed, small_images

from infoplane import TrainingSpec, Trajectory, train

KEYS = ["repetition", "part", "epoch", "layer"]
DATASET = small_images((9, 8), count=200)
PLAIN = {
    "dataset": "small-images",
    "network": [{"conv": 2, "kernel": 3}, {"pool": 2}, 4],
    "epochs": 7,
    "record_every": 3,
    "learning_rate": 2e-2,
    "batch_size": 64,
}
NETWORKS = {
    "relu": {"activation": "relu", "bits": 8},
    "tanh": {"activation": "tanh", "bits": {"weights": 8, "activations": 3}, "prefit_epochs": 2},
    "controlled": {"activation": "relu", "bits": 4, "protocol": "controlled"},
    "labels": {"activation": "relu", "bits": 8, "labels": "shuffled"},
    "float32": {"activation": "tanh", "bits": "float32"},
}
QUANTIZED = [name for name in NETWORKS if name != "float32"]


@cache
def trained(name: str) -> Trajectory:
    return train(TrainingSpec(**PLAIN | NETWORKS[name]), [0, 3], DATASET)[0]


def last_codes(trajectory: Trajectory) -> list[np.ndarray]:
    """The codes of each layer at the last snapshot of the last repetition, (N, outputs)."""
    return replayed(trajectory.parameters[-1, -1], trajectory.ranges[-1, -1], trajectory.spec, DATASET).codes


def of_last_snapshot(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["repetition"] == 3) & (table["part"] == "main") & (table["epoch"] == 6)]
