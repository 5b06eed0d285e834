"""Artifacts of runs that never took place, with phases that are known because they were put in."""

from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import describe, write_table

INPUTS, H_Y, LAYERS = 4096, 0.9991604024, 6
TRAINING = {"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8, "epochs": 8000}
DATASET = {"name": "synthetic", "inputs": INPUTS, "h_y": H_Y, "digest": "0" * 64}


def information(repetitions: range, epochs: int, every: int, noise: float = 0.1) -> pd.DataFrame:
    """Curves that fit until about epoch 500 and compress from then on, the more the deeper the layer.

    Each repetition has curves of its own, whatever range it comes in. The first two layers are saturated.
    """
    epoch = np.r_[-1, np.arange(0, epochs, every)]
    depth = np.array([0, 0, 0.15, 0.4, 0.7, 1])[:, None]
    fitted, compressed = 1 - np.exp(-(epoch + 1) / 250), 1 - np.exp(-(((epoch + 1) / 4000) ** 1.5))
    frames = []
    for repetition in repetitions:
        random = np.random.default_rng(repetition)
        own = 1 + 0.3 * random.standard_normal((LAYERS, 1))
        walk = noise * np.cumsum(random.standard_normal((LAYERS, len(epoch))), 1) / np.sqrt(len(epoch))
        wiggle = noise / 5 * random.standard_normal((LAYERS, len(epoch)))
        i_xt = 12 - depth * own * (9 - 6 * fitted**0.5 + 3 * compressed - walk - wiggle)
        i_ty = H_Y * (1 - depth * (1 - 0.05 * random.random()) * (1 - fitted) - 0.05 * depth * abs(walk))
        i_xt = np.clip(i_xt, 0, 12)
        i_ty = np.clip(i_ty, 0, np.minimum(H_Y, i_xt))
        cells = pd.MultiIndex.from_product([range(1, LAYERS + 1), epoch], names=["layer", "epoch"])
        frame = pd.DataFrame({"h_t": i_xt.ravel(), "i_xt": i_xt.ravel(), "i_ty": i_ty.ravel()}, cells)
        frames.append(
            frame.reset_index().assign(repetition=repetition, distinct=2 ** frame["h_t"].to_numpy())
        )
    frame = pd.concat(frames, ignore_index=True).assign(part="main")
    return frame.astype({"repetition": "int32", "epoch": "int32", "layer": "int8", "distinct": "int32"})[
        ["repetition", "part", "epoch", "layer", "h_t", "i_xt", "i_ty", "distinct"]
    ]


def history(repetitions: range, epochs: int) -> pd.DataFrame:
    """Loss and accuracies of repetitions that all fit well, given at least 1000 epochs."""
    epoch = np.arange(epochs)
    frames = []
    for repetition in repetitions:
        random = np.random.default_rng(repetition)
        train = 0.5 + 0.48 * (1 - np.exp(-epoch / (300 + 50 * random.random())))
        frame = pd.DataFrame({"epoch": epoch, "loss": 1.2 - train, "train_accuracy": train})
        frame["test_accuracy"] = train - 0.02 * random.random() + 0.005 * random.standard_normal(epochs)
        frames.append(frame.assign(repetition=repetition, part="main"))
    return pd.concat(frames, ignore_index=True).astype({"repetition": "int32", "epoch": "int32"})


def fail(frame: pd.DataFrame, repetition: int, epoch: int) -> pd.DataFrame:
    """The same table, with NaN in a repetition from an epoch on."""
    values = frame.columns.difference(["repetition", "part", "epoch", "layer", "distinct"])
    frame = frame.copy()
    frame.loc[(frame["repetition"] == repetition) & (frame["epoch"] >= epoch), values] = np.nan
    return frame


def fit_badly(frame: pd.DataFrame, repetition: int) -> pd.DataFrame:
    """The same history, with a repetition that learns nothing."""
    accuracies = ["train_accuracy", "test_accuracy"]
    return frame.assign(
        **{name: frame[name].mask(frame["repetition"] == repetition, 0.52) for name in accuracies}
    )


def write_information(path: Path, frame: pd.DataFrame, estimator: str = "exact", **training: object) -> Path:
    spec = {"training": TRAINING | training, "estimator": {"kind": estimator}}
    return write(path, frame, "information", spec, layers=LAYERS)


def write_history(path: Path, frame: pd.DataFrame, **training: object) -> Path:
    return write(path, frame, "history", {"training": TRAINING | training})


def write(path: Path, frame: pd.DataFrame, kind: str, spec: dict, **content: object) -> Path:
    repetitions = [int(name) for name in frame["repetition"].unique()]
    write_table(path, frame, describe(kind, spec, repetitions=repetitions, dataset=DATASET, **content))
    return path
