"""What is measured, by the library and in plain PyTorch and NumPy: the lines of the table."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import baseline
import numpy as np
import torch
from library import (
    BINNED,
    BOTTLENECK,
    CONV,
    EXACT,
    FLOAT32,
    REBINNED,
    RELU,
    SOFTMAX,
    TANH,
    dataset_of,
    information_work,
    network_state,
    shared_work,
    steps_per_epoch,
    train_quietly,
    training_work,
)
from measurement import Work
from torch import nn

from infoplane import Dataset, EstimatorSpec, TrainingSpec, Trajectory
from infoplane.networks.optimizers import batch_size_of

__all__ = ["LINES", "Line", "Options"]

STEP = "step, repetition"
SNAPSHOT = "snapshot, all layers"
# The epochs after which snapshots are measured, and as many with --quick.
TRAINED = {RELU: (8000, 100), FLOAT32: (8000, 100), BOTTLENECK: (161, 17), CONV: (21, 9)}


class Options(NamedTuple):
    """What the lines are measured on.

    Attributes:
        quick: less work in each round.
        mnist: the file of the images, if not where the workflow puts it.
    """

    quick: bool
    mnist: Path | None

    def dataset(self, spec: TrainingSpec) -> Dataset:
        return dataset_of(spec.dataset, self.mnist)

    def amount(self, full: int, quick: int) -> int:
        return quick if self.quick else full


Prepare = Callable[[Options], Work]


class Line(NamedTuple):
    """A line of the table: what the library does, and what does the same without it.

    Attributes:
        unit: what the times are for.
        seconds, ratio: the targets; no ratio where there is no plain side.
        once: whether it is timed in a single round, without having been run before.
    """

    about: str
    unit: str
    seconds: float
    ratio: float | None
    library: Prepare
    plain: Prepare | None = None
    once: bool = False


def layers_of(spec: TrainingSpec) -> nn.Sequential:
    """The network in plain PyTorch."""
    if spec is CONV:
        first, second = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)
        dense = nn.Flatten(), nn.Linear(50, 16), nn.Linear(16, 10)
        return baseline.quantized_network(first, nn.MaxPool2d(2), second, nn.MaxPool2d(2), *dense)
    widths = (784, 16, 8, 4, 2, 10) if spec is BOTTLENECK else (12, 10, 7, 5, 4, 3, 2)
    layers = [nn.Linear(*pair) for pair in pairwise(widths)]
    if spec is FLOAT32:
        return nn.Sequential(*(each for layer in layers[:-1] for each in (layer, nn.Tanh())), layers[-1])
    return baseline.quantized_network(*layers)


def inputs_of(spec: TrainingSpec, dataset: Dataset) -> torch.Tensor:
    """The inputs as plain PyTorch takes them."""
    inputs = torch.from_numpy(dataset.inputs).float() * dataset.scale
    return inputs[:, None] if spec is CONV else inputs.flatten(1)


def load_state(network: nn.Sequential, trajectory: Trajectory, dataset: Dataset, recorded: int) -> None:
    """Give the plain network the parameters and ranges of the first repetition at a recorded epoch."""
    state = network_state(trajectory, dataset, recorded)
    layers = [(torch.from_numpy(kernel), torch.from_numpy(bias), ends) for kernel, bias, ends in state]
    baseline.load(network, layers)


def plain_trainer(spec: TrainingSpec, dataset: Dataset) -> baseline.EagerTraining:
    labels, train_mask = torch.from_numpy(dataset.labels), torch.from_numpy(dataset.train_mask)
    batch_size = batch_size_of(spec, int(dataset.train_mask.sum()))
    return baseline.EagerTraining(layers_of(spec), inputs_of(spec, dataset), labels, train_mask, batch_size)


def training(spec: TrainingSpec, epochs: int) -> Prepare:
    def prepare(options: Options) -> Work:
        return training_work(spec, options.dataset(spec), 1, options.amount(epochs, -(-epochs // 10)))

    return prepare


def plain_training(spec: TrainingSpec, epochs: int) -> Prepare:
    def prepare(options: Options) -> Work:
        dataset = options.dataset(spec)
        trainer = plain_trainer(spec, dataset)
        count = options.amount(epochs, -(-epochs // 10))
        return Work(lambda: trainer.train(count, spec.record_every), count * steps_per_epoch(spec, dataset))

    return prepare


@cache
def trajectory_of(spec: TrainingSpec, options: Options) -> Trajectory:
    """The trajectory of one repetition whose information is measured."""
    return train_quietly(spec, options.dataset(spec), 1, options.amount(*TRAINED[spec]))


def information(spec: TrainingSpec, estimator: EstimatorSpec = EXACT) -> Prepare:
    def prepare(options: Options) -> Work:
        return information_work(trajectory_of(spec, options), options.dataset(spec), estimator)

    return prepare


def shared(spec: TrainingSpec, together: bool) -> Prepare:
    """Exact, re-binned and softmax information, in one replay or each in its own."""

    def prepare(options: Options) -> Work:
        estimators = [EXACT, REBINNED, SOFTMAX]
        return shared_work(trajectory_of(spec, options), options.dataset(spec), estimators, together)

    return prepare


def plain_information(spec: TrainingSpec, count: int) -> Prepare:
    """Exact information of so many snapshots, spread evenly over the trajectory."""

    def prepare(options: Options) -> Work:
        trajectory, dataset = trajectory_of(spec, options), options.dataset(spec)
        times = np.linspace(0, len(trajectory.epochs) - 1, options.amount(count, -(-count // 10))).astype(int)
        inputs = inputs_of(spec, dataset)

        def run() -> None:
            for time in times:
                network = layers_of(spec)
                load_state(network, trajectory, dataset, time)
                for codes in baseline.layer_codes(network, inputs):
                    baseline.information(codes, dataset.labels)

        return Work(run, len(times))

    return prepare


def first_use(options: Options) -> Work:
    """A process that finds no kernel compiled."""
    command = [sys.executable, "-c", "import library; library.use_all_kernels()"]

    def run() -> None:
        with TemporaryDirectory() as folder:
            environment = os.environ | {"NUMBA_CACHE_DIR": folder}
            subprocess.run(command, cwd=Path(__file__).parent, env=environment, check=True)

    return Work(run, 1)


LINES = {
    "training": Line(
        "`shwartz-ziv`, ReLU, 8 bits: training",
        STEP, 20e-6, 150, training(RELU, 500), plain_training(RELU, 30),
    ),
    "training-tanh": Line(
        "the same, tanh: training", STEP, 35e-6, None, training(TANH, 500)
    ),
    "training-float32": Line(
        "the same, tanh, float32: training",
        STEP, 25e-6, None, training(FLOAT32, 500), plain_training(FLOAT32, 30),
    ),
    "information": Line(
        "`shwartz-ziv`, ReLU, 8 bits: exact information",
        SNAPSHOT, 0.2e-3, 200, information(RELU), plain_information(RELU, 40),
    ),
    "information-binned": Line(
        "the same, tanh, float32: by 30 `global` bins", SNAPSHOT, 0.4e-3, None, information(FLOAT32, BINNED)
    ),
    "mnist-training": Line(
        "`bottleneck-2`, ReLU, 8 bits: training",
        STEP, 0.16e-3, 30, training(BOTTLENECK, 50), plain_training(BOTTLENECK, 2),
    ),
    "mnist-information": Line(
        "the same, 70,000 images: exact information",
        SNAPSHOT, 18e-3, 55, information(BOTTLENECK), plain_information(BOTTLENECK, 2),
    ),
    "mnist-shared": Line(
        "the same: exact, re-binned and softmax in one replay, beside a replay each",
        SNAPSHOT, 40e-3, 1.5, shared(BOTTLENECK, True), shared(BOTTLENECK, False),
    ),
    "conv-training": Line(
        "`conv`, ReLU, 8 bits: training", STEP, 1e-3, 15, training(CONV, 10), plain_training(CONV, 1)
    ),
    "conv-information": Line(
        "the same, 70,000 images: exact information", SNAPSHOT, 0.2, None, information(CONV)
    ),
    "conv-rebinned": Line(
        "the same, re-binned", SNAPSHOT, 0.4, None, information(CONV, REBINNED)
    ),
    "conv-shared": Line(
        "the same: exact, re-binned and softmax in one replay, beside a replay each",
        SNAPSHOT, 0.3, 1.5, shared(CONV, True), shared(CONV, False),
    ),
    "first-use": Line(
        "first use: all kernels compiled", "machine", 30, None, first_use, once=True
    ),
}  # fmt: skip
