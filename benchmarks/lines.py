"""What is measured, by the library and by the baseline: the lines of the table."""

from collections.abc import Callable
from itertools import cycle, pairwise
from pathlib import Path
from typing import NamedTuple

import baseline
import numpy as np
import torch
from library import (
    AT_HAND,
    BOTTLENECK,
    CONV,
    RELU,
    Parts,
    dataset_of,
    information_work,
    network_state,
    steps_per_epoch,
    train_quietly,
    training_work,
)
from measurement import Work
from torch import nn

from infoplane import Dataset, TrainingSpec, Trajectory, exact_information, load_trajectory
from infoplane.trajectory import save_trajectory

__all__ = ["LINES", "Line", "Options"]

STEP = "step, repetition"
SNAPSHOT = "snapshot, 6 layers"


class Options(NamedTuple):
    """What the lines are measured on.

    Attributes:
        quick: less work in each round.
        mnist: the file of the images, if not where the workflow puts it.
        folder: where trajectories are kept meanwhile.
    """

    quick: bool
    mnist: Path | None
    folder: Path

    def dataset(self, spec: TrainingSpec) -> Dataset:
        return dataset_of(spec.dataset, self.mnist)

    def amount(self, full: int, quick: int) -> int:
        return quick if self.quick else full


class Line(NamedTuple):
    """A line of the table: what the library does, and what does the same in the baseline.

    Attributes:
        unit: what the times are for.
        target: what the project has set itself.
    """

    about: str
    unit: str
    target: str
    ours: Callable[[Options], Work]
    baseline: Callable[[Options], Work]


def layers_of(spec: TrainingSpec) -> nn.Sequential:
    """The baseline's network."""
    if spec is CONV:
        first, second = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)
        dense = nn.Flatten(), nn.Linear(50, 16), nn.Linear(16, 10)
        return baseline.quantized_network(first, nn.MaxPool2d(2), second, nn.MaxPool2d(2), *dense)
    widths = (12, 10, 7, 5, 4, 3, 2) if spec is RELU else (784, 16, 8, 4, 2, 10)
    return baseline.quantized_network(*(nn.Linear(*pair) for pair in pairwise(widths)))


def shown(spec: TrainingSpec, dataset: Dataset) -> torch.Tensor:
    """The inputs as the baseline takes them."""
    inputs = torch.from_numpy(dataset.inputs).float() * dataset.scale
    return inputs[:, None] if spec is CONV else inputs.flatten(1)


def eager_training(spec: TrainingSpec, dataset: Dataset) -> baseline.EagerTraining:
    labels, train_mask = torch.from_numpy(dataset.labels), torch.from_numpy(dataset.train_mask)
    return baseline.EagerTraining(layers_of(spec), shown(spec, dataset), labels, train_mask, spec.batch_size)


def step_ours(spec: TrainingSpec, steps: int) -> Callable[[Options], Work]:
    return lambda options: Parts(spec, options.dataset(spec)).step_work(options.amount(steps, steps // 5))


def step_baseline(spec: TrainingSpec, steps: int) -> Callable[[Options], Work]:
    def prepare(options: Options) -> Work:
        training = eager_training(spec, options.dataset(spec))
        batches = [
            (training.inputs[places], training.labels[places])
            for places in torch.split(torch.randperm(len(training.inputs)), spec.batch_size)[:AT_HAND]
        ]
        count = options.amount(steps, steps // 5)

        def run() -> None:
            for _, batch in zip(range(count), cycle(batches), strict=False):
                training.step(*batch)

        return Work(run, count)

    return prepare


def training_ours(spec: TrainingSpec, repetitions: int, epochs: int) -> Callable[[Options], Work]:
    def prepare(options: Options) -> Work:
        dataset = options.dataset(spec)
        return training_work(spec, dataset, repetitions, options.amount(epochs, -(-epochs // 5)))

    return prepare


def training_baseline(spec: TrainingSpec, epochs: int) -> Callable[[Options], Work]:
    def prepare(options: Options) -> Work:
        dataset = options.dataset(spec)
        training = eager_training(spec, dataset)
        count = options.amount(epochs, -(-epochs // 5))
        return Work(lambda: training.train(count, spec.record_every), count * steps_per_epoch(spec, dataset))

    return prepare


def first_layer_codes(options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Codes (4096, 10) of a first layer whose weights are random, and the labels."""
    dataset = options.dataset(RELU)
    torch.manual_seed(0)
    network = layers_of(RELU)
    return baseline.layer_codes(network, shown(RELU, dataset))[0], dataset.labels


def layer_ours(options: Options) -> Work:
    codes, labels = first_layer_codes(options)
    count = options.amount(2000, 200)
    return Work(lambda: [exact_information(codes, labels) for _ in range(count)], count)


def layer_baseline(options: Options) -> Work:
    codes, labels = first_layer_codes(options)
    count = options.amount(50, 10)
    return Work(lambda: [baseline.information(codes, labels) for _ in range(count)], count)


def recorded(spec: TrainingSpec, options: Options) -> Trajectory:
    """The trajectory that the information is measured of; trained only once."""
    path = options.folder / f"{spec.network}.safetensors"
    if not path.exists():
        repetitions, epochs = (1, options.amount(8000, 800)) if spec is RELU else (5, options.amount(41, 17))
        save_trajectory(path, train_quietly(spec, options.dataset(spec), repetitions, epochs))
    return load_trajectory(path)


def information_ours(spec: TrainingSpec) -> Callable[[Options], Work]:
    return lambda options: information_work(recorded(spec, options), options.dataset(spec))


def information_baseline(spec: TrainingSpec, count: int) -> Callable[[Options], Work]:
    """So many snapshots of the first repetition, spread evenly."""

    def prepare(options: Options) -> Work:
        trajectory, dataset = recorded(spec, options), options.dataset(spec)
        times = np.linspace(0, len(trajectory.epochs) - 1, options.amount(count, -(-count // 5))).astype(int)
        inputs = shown(spec, dataset)

        def run() -> None:
            for time in times:
                network = layers_of(spec)
                baseline.load(network, network_state(trajectory, dataset, time))
                for codes in baseline.layer_codes(network, inputs):
                    baseline.information(codes, dataset.labels)

        return Work(run, len(times))

    return prepare


LINES = {
    "step": Line(
        "shwartz-ziv: training step, its batch at hand",
        STEP,
        "≥ 35 ×, ≤ 55 µs",
        step_ours(RELU, 2000),
        step_baseline(RELU, 500),
    ),
    "training": Line(
        "shwartz-ziv: training, all in",
        STEP,
        "≥ 35 ×, ≤ 55 µs",
        training_ours(RELU, 50, 50),
        training_baseline(RELU, 40),
    ),
    "layer": Line(
        "H(T), I(T;Y) of 4,096 × 10 codes", "layer", "≥ 50 ×", layer_ours, layer_baseline
    ),
    "information": Line(
        "shwartz-ziv: replay and exact information",
        SNAPSHOT,
        "≤ 437 µs (1,601 in 0.7 s)",
        information_ours(RELU),
        information_baseline(RELU, 50),
    ),
    "mnist-step": Line(
        "bottleneck-2: training step, its batch at hand",
        STEP,
        "≤ 350 µs",
        step_ours(BOTTLENECK, 500),
        step_baseline(BOTTLENECK, 300),
    ),
    "mnist-training": Line(
        "bottleneck-2: training, all in",
        STEP,
        "≤ 350 µs",
        training_ours(BOTTLENECK, 5, 5),
        training_baseline(BOTTLENECK, 2),
    ),
    "mnist-information": Line(
        "bottleneck-2: replay and exact information",
        "snapshot, 5 layers",
        "≤ 60 ms",
        information_ours(BOTTLENECK),
        information_baseline(BOTTLENECK, 2),
    ),
    "conv-training": Line(
        "conv: training, all in",
        STEP,
        "",
        training_ours(CONV, 1, 2),
        training_baseline(CONV, 1),
    ),
}  # fmt: skip
