"""All that the benchmarks know of the inside of the library: a change there is one edit here."""

import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from io import StringIO
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from measurement import Work
from torch import Tensor

from infoplane import (
    Dataset,
    EstimatorSpec,
    TrainingSpec,
    Trajectory,
    UserError,
    estimate,
    load_dataset,
    train,
)
from infoplane.compilation import compiled, compiles
from infoplane.config import Bits, DenseSpec
from infoplane.devices import CPU
from infoplane.information import observer
from infoplane.inputs import Streams, network_inputs, network_labels
from infoplane.kernels.counting import information_of_words
from infoplane.networks import network_of, scheme_of
from infoplane.replay import replay
from infoplane.snapshots import at_times
from infoplane.study import load_study
from infoplane.training import Batch, Ensemble, Tested, ensemble_width, shuffled_batches

__all__ = [
    "AT_HAND",
    "BOTTLENECK",
    "CONV",
    "RELU",
    "ROOT",
    "START",
    "Parts",
    "compiles",
    "dataset_of",
    "evenly",
    "experiment_of",
    "information_work",
    "measure_information",
    "members_of",
    "network_state",
    "of_width",
    "parts_of_information",
    "random_features",
    "steps_per_epoch",
    "train_quietly",
    "training_work",
]

ROOT = Path(__file__).parents[1]
IMAGES = ("mnist", "fashion-mnist")
# So few batches stay in the cache, as one that has just been gathered does.
AT_HAND = 4
# The first recorded epochs are the start of the information stage, and no part of its work.
START = 8
EXACT = EstimatorSpec(kind="exact")

EIGHT = Bits(weights=8, activations=8)
RELU = TrainingSpec(
    dataset="synthetic", network="shwartz-ziv", activation="relu", bits=EIGHT, epochs=8000, record_every=5
)
BOTTLENECK = RELU.model_copy(
    update={"dataset": "mnist", "network": "bottleneck-2", "epochs": 3000, "record_every": 2}
)
CONV = BOTTLENECK.model_copy(update={"network": "conv"})


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
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (70_000, 28, 28), dtype=np.uint8)
    labels = generator.integers(0, 10, 70_000)
    return Dataset("random images", images, labels, np.arange(70_000) < 60_000, 1 / 255)


def experiment_of(config: Path, name: str) -> TrainingSpec:
    """The training spec of an experiment of a config file."""
    experiments = load_study(config).experiments
    if name not in experiments:
        raise UserError(f"--experiment: {config} has no {name!r}; use one of {', '.join(experiments)}")
    return experiments[name].spec


def random_features(count: int) -> Dataset:
    """Inputs of 12 random features, of class 1 where their sum is above its expectation."""
    inputs = np.random.default_rng(0).integers(0, 256, (count, 12), dtype=np.uint8)
    labels = (inputs.sum(1) > 6 * 255).astype(np.int64)
    return Dataset("random features", inputs, labels, np.arange(count) < 0.8 * count, 1 / 255)


def of_width(spec: TrainingSpec, width: int) -> TrainingSpec:
    """The same with five hidden layers of one width."""
    return spec.model_copy(update={"network": (DenseSpec(dense=width),) * 5})


def members_of(spec: TrainingSpec, dataset: Dataset) -> int:
    """How many repetitions are trained at once."""
    return ensemble_width(spec, network_of(spec, dataset.inputs.shape[1:], dataset.classes))


def quietly(call: Callable[[], object]) -> None:
    """Call without the progress bars of the library."""
    with redirect_stderr(StringIO()):
        call()


def steps_per_epoch(spec: TrainingSpec, dataset: Dataset) -> int:
    return -(-int(dataset.train_mask.sum()) // spec.batch_size)


def with_epochs(spec: TrainingSpec, epochs: int) -> TrainingSpec:
    return spec.model_copy(update={"epochs": epochs, "prefit_epochs": 0})


def train_quietly(spec: TrainingSpec, dataset: Dataset, repetitions: int, epochs: int) -> Trajectory:
    """The trajectory of some repetitions over some epochs."""
    with redirect_stderr(StringIO()):
        return train(with_epochs(spec, epochs), range(repetitions), dataset)[0]


def training_work(spec: TrainingSpec, dataset: Dataset, repetitions: int, epochs: int) -> Work:
    """Training all in, by the difference of two lengths; the unit is a step of a repetition."""
    return Work(
        lambda: train_quietly(spec, dataset, repetitions, 1 + epochs),
        repetitions * epochs * steps_per_epoch(spec, dataset),
        lambda: train_quietly(spec, dataset, repetitions, 1),
    )


def measure_information(trajectory: Trajectory, dataset: Dataset) -> None:
    """Replay a trajectory and count."""
    quietly(lambda: estimate(EXACT, trajectory, dataset))


def information_work(trajectory: Trajectory, dataset: Dataset) -> Work:
    """Replay and exact information, by the difference of two lengths; the unit is a snapshot."""
    first = at_times(trajectory, np.arange(len(trajectory.epochs)) < START)
    return Work(
        lambda: measure_information(trajectory, dataset),
        trajectory.finite.size - first.finite.size,
        lambda: measure_information(first, dataset),
    )


def parts_of_information(trajectory: Trajectory, dataset: Dataset) -> dict[str, float]:
    """CPU seconds of the parts of an exact estimate, for one snapshot; the first few are its start."""
    spec = trajectory.spec
    words_of = compiled(observer(EXACT, spec, CPU), spec.compile)
    labels = network_labels(spec, dataset, int(trajectory.repetitions[0]))
    moments: list[tuple[int, list[float]]] = []
    clock = time.process_time
    for places, layers in replay(trajectory, dataset):
        replayed = clock()
        words = words_of(layers, torch.empty(0))
        packed = clock()
        for each in words:
            information_of_words(each.numpy(), labels)
        moments.append((places.stop - places.start, [replayed, packed, clock()]))
    (_, [*_, start]), *rest = moments
    snapshots = sum(count for count, _ in rest)
    spent = np.diff([start, *(moment for _, its in rest for moment in its)]).reshape(-1, 3).sum(0)
    return dict(zip(("replay", "codes, packed into words", "counting"), spent / snapshots, strict=True))


def evenly(trajectory: Trajectory, snapshots: int) -> Trajectory:
    """About so many snapshots of a trajectory, spread evenly over its recorded epochs."""
    times = np.arange(len(trajectory.epochs))
    each = max(2, snapshots // len(trajectory.repetitions))
    return at_times(trajectory, np.isin(times, np.linspace(0, times[-1], each).astype(int)))


def network_state(
    trajectory: Trajectory, dataset: Dataset, recorded: int
) -> list[tuple[Tensor, Tensor, tuple[float, float]]]:
    """Kernel (fan_in, width), bias and range of the output of each dense layer of the first repetition."""
    network = network_of(trajectory.spec, dataset.inputs.shape[1:], dataset.classes)
    weights = network.weights(torch.from_numpy(trajectory.parameters[0, recorded][None]))
    ranges = trajectory.ranges[0, recorded, :, 1].tolist()
    return [
        (layer.kernel[0], layer.bias[0], (low, high))
        for layer, (low, high) in zip(weights, ranges, strict=True)
    ]


class Parts:
    """The training of one ensemble, taken apart: its batches, its step, its forward pass and its test."""

    def __init__(self, spec: TrainingSpec, dataset: Dataset) -> None:
        scheme = scheme_of(spec)
        values, scale = network_inputs(dataset, scheme.quantized)
        network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
        self.members = members_of(spec, dataset)
        self.spec, self.network = spec, network
        self.ensemble = Ensemble(spec, network, scale)
        self.compiled_step = compiled(self.ensemble.step, spec.compile)
        self.compiled_loss = compiled(self.ensemble.loss, spec.compile)
        self.compiled_correct = compiled(self.ensemble.correct, spec.compile)
        streams = [Streams.of(spec, repetition) for repetition in range(self.members)]
        self.shufflers = [each.shuffling for each in streams]
        self.inputs = values[dataset.train_mask]
        labels = np.tile(dataset.labels, (self.members, 1))
        self.labels = torch.from_numpy(labels[:, dataset.train_mask])
        self.tested = Tested(dataset.train_mask, values, labels, scheme, network)
        with torch.no_grad():
            self.state = self.ensemble.initial_state(
                [each.initialisation for each in streams], torch.from_numpy(self.inputs.T)
            )
        self.steps = 0

    def batches(self) -> Iterator[Batch]:
        """Those of one epoch."""
        size, by_rows = self.spec.batch_size, self.network.reads_rows
        return shuffled_batches(self.inputs, self.labels, size, self.shufflers, by_rows)

    @torch.no_grad()
    def step(self, batch: Batch) -> None:
        self.steps += 1
        self.state = self.compiled_step(self.state, batch, self.ensemble.pace(self.steps))

    @torch.no_grad()
    def forward(self, batch: Batch) -> None:
        weights = self.network.weights(self.state.parameters)
        self.compiled_loss(weights, self.state.ranges, batch, self.ensemble.pace(1).intake)

    def gather(self) -> None:
        for _ in self.batches():
            pass

    def step_work(self, steps: int) -> Work:
        """So many steps on batches that are at hand; the unit is a step of a repetition."""
        return self.work(self.step, steps)

    def forward_work(self, steps: int) -> Work:
        """The same without gradients and Adam."""
        return self.work(self.forward, steps)

    def work(self, function: Callable[[Batch], None], steps: int) -> Work:
        batches = list(islice(self.batches(), AT_HAND))

        def run() -> None:
            for _, batch in zip(range(steps), cycle(batches), strict=False):
                function(batch)

        return Work(run, steps * self.members)

    @torch.no_grad()
    def test(self) -> None:
        for block in self.tested.blocks:
            self.compiled_correct(self.state.parameters, self.state.ranges, *block)

    def record(self) -> tuple[np.ndarray, np.ndarray]:
        return self.state.parameters.numpy().copy(), self.state.ranges.numpy().copy()
