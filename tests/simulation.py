"""Artifacts of runs that never took place, with phases that are known because they were put in."""

from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import describe, write_table
from infoplane.datasets import Dataset, save_dataset
from infoplane.datasets.synthetic import synthetic

INPUTS, H_Y, LAYERS = 4096, 0.9991604024, 6
TRAINING = {
    "dataset": "synthetic",
    "network": "shwartz-ziv",
    "activation": "relu",
    "bits": 8,
    "epochs": 8000,
    "record_every": 5,
    "prefit_epochs": 0,
}
# What is on disk in place of MNIST: ten classes, of which the largest has 11 of 100 inputs
TEN_CLASSES = Dataset(
    "mnist",
    np.arange(100, dtype=np.uint8)[:, None],
    np.r_[np.arange(90) % 9, np.full(9, 9), 0],
    np.arange(100) < 80,
)
ON_DISK = {"synthetic": synthetic(), "mnist": TEN_CLASSES}
DATASETS = {
    name: ON_DISK[name].description | {"inputs": inputs, "h_y": h_y}
    for name, inputs, h_y in (("synthetic", INPUTS, H_Y), ("mnist", 70_000, 3.3196976))
}
DATASET = DATASETS["synthetic"]


def passes(epochs: int, every: int, prefit: int, first: int = -1) -> pd.MultiIndex:
    """Part and epoch of all that is recorded: `first`, then every epoch that is a multiple of `every`."""
    ends = {"prefit": prefit, "main": epochs}
    recorded = [
        (part, epoch) for part, end in ends.items() if end for epoch in [first, *range(0, end, every)]
    ]
    return pd.MultiIndex.from_tuples(dict.fromkeys(recorded), names=["part", "epoch"])


def information(
    repetitions: range,
    epochs: int,
    every: int,
    noise: float = 0.1,
    prefit: int = 0,
    dataset: str = "synthetic",
    layers: int = LAYERS,
) -> pd.DataFrame:
    """Curves that fit until about epoch 500 and compress from then on, the more the deeper the layer.

    Each repetition has curves of its own, whatever range it comes in. The first two layers tell all inputs
    apart. A prefit part goes a third of the way of the fitting, and the main part goes on from there.
    """
    h_x, h_y = np.log2(DATASETS[dataset]["inputs"]), DATASETS[dataset]["h_y"]
    time = passes(epochs, every, prefit)
    passed, main = time.get_level_values("epoch") + 1, time.get_level_values("part") == "main"
    depth = np.interp(np.linspace(0, 5, layers), range(6), [0, 0, 0.15, 0.4, 0.7, 1])[:, None]
    prefitted = 0.3 if prefit else 0
    fitted = np.where(
        main, 1 - (1 - prefitted) * np.exp(-passed / 250), prefitted * (1 - np.exp(-passed / 100))
    )
    compressed = np.where(main, 1 - np.exp(-((passed / 4000) ** 1.5)), 0)
    frames = []
    for repetition in repetitions:
        random = np.random.default_rng(repetition)
        own = 1 + 0.3 * random.standard_normal((layers, 1))
        walk = noise * np.cumsum(random.standard_normal((layers, len(time))), 1) / np.sqrt(len(time))
        wiggle = noise / 5 * random.standard_normal((layers, len(time)))
        i_xt = h_x * (1 - depth * own * (9 - 6 * fitted**0.5 + 3 * compressed - walk - wiggle) / 12)
        i_ty = h_y * (1 - depth * (1 - 0.05 * random.random()) * (1 - fitted) - 0.05 * depth * abs(walk))
        i_xt = np.clip(i_xt, 0, h_x)
        i_ty = np.clip(i_ty, 0, np.minimum(h_y, i_xt))
        cells = pd.MultiIndex.from_tuples(
            [(layer, *each) for layer in range(1, layers + 1) for each in time], names=["layer", *time.names]
        )
        frame = pd.DataFrame({"h_t": i_xt.ravel(), "i_xt": i_xt.ravel(), "i_ty": i_ty.ravel()}, cells)
        frames.append(
            frame.reset_index().assign(repetition=repetition, distinct=2 ** frame["h_t"].to_numpy())
        )
    frame = pd.concat(frames, ignore_index=True)
    return frame.astype({"repetition": "int32", "epoch": "int32", "layer": "int8", "distinct": "int32"})[
        ["repetition", "part", "epoch", "layer", "h_t", "i_xt", "i_ty", "distinct"]
    ]


def history(repetitions: range, epochs: int, prefit: int = 0, chance: float = 0.5) -> pd.DataFrame:
    """Loss and accuracies of repetitions that all fit well, given at least 1000 epochs.

    In a prefit part they learn a few of the shuffled labels by heart and none of the true ones.
    """
    time = passes(epochs, 1, prefit, first=0)
    epoch, main = time.get_level_values("epoch"), time.get_level_values("part") == "main"
    frames = []
    for repetition in repetitions:
        random = np.random.default_rng(repetition)
        learnt = 1 - np.exp(-epoch / (300 + 50 * random.random()))
        train = chance + np.where(main, 0.98 - chance, 0.1) * learnt
        frame = pd.DataFrame({"loss": 1.2 - train, "train_accuracy": train}, time).reset_index()
        true = np.where(main, train, chance)
        frame["test_accuracy"] = true - 0.02 * random.random() + 0.005 * random.standard_normal(len(time))
        frames.append(frame.assign(repetition=repetition))
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
    return write(path, frame, "information", spec, layers=int(frame["layer"].max()))


def write_history(path: Path, frame: pd.DataFrame, **training: object) -> Path:
    return write(path, frame, "history", {"training": TRAINING | training})


def write(path: Path, frame: pd.DataFrame, kind: str, spec: dict, **content: object) -> Path:
    repetitions = [int(name) for name in frame["repetition"].unique()]
    dataset = DATASETS[spec["training"]["dataset"]]
    write_table(path, frame, describe(kind, spec, repetitions=repetitions, dataset=dataset, **content))
    return path


def write_dataset(folder: Path, name: str = "synthetic") -> Path:
    """The data set that the tables of a simulated training say they rest on."""
    path = folder / f"{name}.npz"
    save_dataset(path, ON_DISK[name])
    return path
