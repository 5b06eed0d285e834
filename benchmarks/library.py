"""What the benchmarks run of the library: specs, data, training and information."""

from collections.abc import Sequence
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from measurement import Work

from infoplane import (
    Dataset,
    EstimatorSpec,
    TrainingSpec,
    Trajectory,
    estimate,
    load_dataset,
    train,
)
from infoplane.config import Bits, DenseSpec
from infoplane.information.estimate import estimate_together
from infoplane.information.snapshots import at_times
from infoplane.networks.layers import network_of
from infoplane.networks.optimizers import batch_size_of

__all__ = [
    "BINNED",
    "BOTTLENECK",
    "CONV",
    "EXACT",
    "FLOAT32",
    "REBINNED",
    "RELU",
    "ROOT",
    "SOFTMAX",
    "START",
    "TANH",
    "dataset_of",
    "estimate_quietly",
    "information_work",
    "network_state",
    "of_width",
    "random_features",
    "shared_work",
    "steps_per_epoch",
    "train_quietly",
    "training_work",
    "use_all_kernels",
]

ROOT = Path(__file__).parents[1]
IMAGES = ("mnist", "fashion-mnist")
# The first two snapshots are the start of the information stage, and no part of its work.
START = 2

EIGHT = Bits(weights=8, activations=8)
RELU = TrainingSpec(
    dataset="synthetic", network="shwartz-ziv", activation="relu", bits=EIGHT, epochs=8000, record_every=5
)
TANH = RELU.model_copy(update={"activation": "tanh"})
FLOAT32 = TANH.model_copy(update={"bits": "float32"})
BOTTLENECK = RELU.model_copy(
    update={"dataset": "mnist", "network": "bottleneck-2", "epochs": 3000, "record_every": 2}
)
CONV = BOTTLENECK.model_copy(update={"network": "conv"})
EXACT, REBINNED = EstimatorSpec(kind="exact"), EstimatorSpec(kind="rebinned")
SOFTMAX = EstimatorSpec(kind="quantized", range=(0, 1), layers="output")
BINNED = EstimatorSpec(kind="uniform", bins=30, range="global")


@cache
def dataset_of(name: str, path: Path | None = None) -> Dataset:
    """A data set by its name, from `path` or from where the workflow puts it.

    Images that are not there are replaced by random ones of the same shape, named `random images`.
    """
    if name == "synthetic":
        return load_dataset(name)
    made = ROOT / "results" / "datasets" / f"{name}.npz"
    if path is None and name in IMAGES and not made.exists():
        return random_images()
    return load_dataset(path or made)


def random_images() -> Dataset:
    """70,000 images, of whose pixels one in five is not 0, as in MNIST."""
    generator = np.random.default_rng(0)
    images = generator.integers(1, 256, (70_000, 28, 28), dtype=np.uint8)
    images[generator.random(images.shape, dtype=np.float32) > 0.2] = 0
    labels = generator.integers(0, 10, 70_000)
    return Dataset("random images", images, labels, np.arange(70_000) < 60_000, 1 / 255)


def random_features(count: int) -> Dataset:
    """Inputs of 12 random features, of class 1 where their sum is above its expectation."""
    inputs = np.random.default_rng(0).integers(0, 256, (count, 12), dtype=np.uint8)
    labels = (inputs.sum(1) > 6 * 255).astype(np.int64)
    return Dataset("random features", inputs, labels, np.arange(count) < 0.8 * count, 1 / 255)


def of_width(spec: TrainingSpec, width: int) -> TrainingSpec:
    """The same with five hidden layers of one width."""
    return spec.model_copy(update={"network": (DenseSpec(dense=width),) * 5})


def steps_per_epoch(spec: TrainingSpec, dataset: Dataset) -> int:
    trained = int(dataset.train_mask.sum())
    return -(-trained // batch_size_of(spec, trained))


def train_quietly(
    spec: TrainingSpec, dataset: Dataset, repetitions: int, epochs: int, device: str = "cpu"
) -> Trajectory:
    """The trajectory of some repetitions over some epochs, without a progress bar."""
    with redirect_stderr(StringIO()):
        named = spec.model_copy(update={"epochs": epochs, "dataset": dataset.name})
        return train(named, repetitions, dataset, device)[0]


def estimate_quietly(
    estimator: EstimatorSpec, trajectory: Trajectory, dataset: Dataset, device: str = "cpu"
) -> pd.DataFrame:
    """Replay a trajectory and count, without a progress bar."""
    with redirect_stderr(StringIO()):
        return estimate(estimator, trajectory, dataset, device)


def training_work(
    spec: TrainingSpec, dataset: Dataset, repetitions: int, epochs: int, device: str = "cpu"
) -> Work:
    """Training all in, by the difference of two lengths; the unit is a step of a repetition."""
    return Work(
        lambda: train_quietly(spec, dataset, repetitions, 1 + epochs, device),
        repetitions * epochs * steps_per_epoch(spec, dataset),
        lambda: train_quietly(spec, dataset, repetitions, 1, device),
    )


def information_work(
    trajectory: Trajectory, dataset: Dataset, estimator: EstimatorSpec = EXACT, device: str = "cpu"
) -> Work:
    """Replay and information, by the difference of two lengths; the unit is a snapshot."""
    first = at_times(trajectory, np.arange(len(trajectory.epochs)) < START)
    return Work(
        lambda: estimate_quietly(estimator, trajectory, dataset, device),
        trajectory.finite.size - first.finite.size,
        lambda: estimate_quietly(estimator, first, dataset, device),
    )


def shared_work(
    trajectory: Trajectory, dataset: Dataset, estimators: Sequence[EstimatorSpec], together: bool
) -> Work:
    """Information by several estimators, in one replay or each in its own; the unit is a snapshot."""
    groups = [estimators] if together else [[each] for each in estimators]
    first = at_times(trajectory, np.arange(len(trajectory.epochs)) < START)

    def measure(some: Trajectory) -> None:
        for group in groups:
            estimate_together(group, some, dataset, progress=False)

    return Work(
        lambda: measure(trajectory), trajectory.finite.size - first.finite.size, lambda: measure(first)
    )


def use_all_kernels() -> None:
    """Train a quantized network and a float32 one for an epoch, and measure their information."""
    dataset = dataset_of("synthetic")
    for spec, estimators in ((RELU, (EXACT,)), (FLOAT32, (EXACT, BINNED))):
        trajectory = train_quietly(spec, dataset, 1, 1)
        for estimator in estimators:
            estimate_quietly(estimator, trajectory, dataset)


def network_state(
    trajectory: Trajectory, dataset: Dataset, recorded: int
) -> list[tuple[np.ndarray, np.ndarray, tuple[float, float]]]:
    """Kernel (fan_in, width), bias and range of the output of each dense layer of the first repetition."""
    layers = network_of(trajectory.spec, dataset.inputs.shape[1:], dataset.classes).weighted
    parameters = trajectory.parameters[0, recorded]
    ranges = trajectory.ranges[0, recorded, :, 1].tolist()
    return [
        (
            parameters[layer.start : layer.bias].reshape(layer.fan_in, layer.width),
            parameters[layer.bias : layer.stop],
            (low, high),
        )
        for layer, (low, high) in zip(layers, ranges, strict=True)
    ]
