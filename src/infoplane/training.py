"""Training of many repetitions as one ensemble, each a function of the spec and its own number alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Never

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from infoplane.artifacts import describe, refuse_mismatch, write_table
from infoplane.compilation import compiled
from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset, load_dataset
from infoplane.networks import (
    ACTIVATIONS,
    Levels,
    Network,
    Scheme,
    forward,
    initialise,
    network_of,
    scheme_of,
)
from infoplane.progress import progress_bar
from infoplane.quantization import MOVING_START, Range, values_of
from infoplane.trajectory import PART, Trajectory, save_trajectory

__all__ = ["recorded_epochs", "run", "train"]

# One compiled width serves every chunk: a member's numbers don't depend on who else is trained.
MEMBERS = 10
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
FUSED_PRODUCT = 1024


class FastArithmetic:
    """Sums in the type of the tensors, in the order that is fastest."""

    def product(self, kernel: Tensor, inputs: Tensor, whole: bool) -> Tensor:
        # Compiled into one loop nest, small layers are spared the overhead of a matrix product each.
        if torch.compiler.is_compiling() and kernel[0].numel() <= FUSED_PRODUCT:
            return (kernel[:, :, :, None] * inputs[:, :, None, :]).sum(1)
        return kernel.transpose(1, 2) @ inputs

    def rounded(self, values: Tensor, whole: bool) -> Tensor:
        return values

    def activation(self, name: str, values: Tensor) -> Tensor:
        return ACTIVATIONS[name](values)


class State(NamedTuple):
    """An ensemble in training; each tensor's first dimension is the member.

    `tally` is the epoch's running sum of (cross-entropy, correct answers).
    """

    parameters: Tensor
    first_moment: Tensor
    second_moment: Tensor
    ranges: Tensor
    tally: Tensor


class Batch(NamedTuple):
    """inputs (members, features, B), labels (members, B), and the weight of each place, (B,), 0 or 1."""

    inputs: Tensor
    labels: Tensor
    weights: Tensor


class Ensemble:
    """The step and the test of an ensemble of one network; bits and rates are data of both, not constants."""

    def __init__(self, network: Network, scheme: Scheme, levels: Levels) -> None:
        self.network, self.scheme, self.levels = network, scheme, levels

    def logits(
        self, parameters: Tensor, ranges: Tensor, inputs: Tensor, training: bool
    ) -> tuple[Tensor, Tensor]:
        outputs, ranges = forward(
            self.network,
            self.scheme,
            self.levels,
            parameters,
            ranges,
            inputs.to(parameters.dtype),
            FastArithmetic(),
            training,
        )
        return values_of(outputs[-1]), ranges

    def loss(self, parameters: Tensor, ranges: Tensor, batch: Batch) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The sum over members of their mean cross-entropies (nats); the new ranges; the batch's tally."""
        logits, ranges = self.logits(parameters, ranges, batch.inputs, training=True)
        classes = torch.arange(logits.shape[1])[None, :, None]
        of_label = (classes == batch.labels[:, None, :]).to(logits.dtype)
        cross_entropy = -(torch.log_softmax(logits, 1) * of_label).sum(1)
        total = (cross_entropy * batch.weights).sum(1)
        correct = ((logits.argmax(1) == batch.labels) * batch.weights).sum(1)
        return (total / batch.weights.sum()).sum(), (ranges, torch.stack([total.detach(), correct], 1))

    def step(self, state: State, batch: Batch, rate: Tensor) -> State:
        """One step of Adam in Keras' form: θ −= rate·m/(√v + ε), the bias corrections being in the rate."""
        gradient, (ranges, tally) = torch.func.grad(self.loss, has_aux=True)(
            state.parameters, state.ranges, batch
        )
        first = BETA_1 * state.first_moment + (1 - BETA_1) * gradient
        second = BETA_2 * state.second_moment + (1 - BETA_2) * gradient * gradient
        parameters = state.parameters - rate * first / (second.sqrt() + EPSILON)
        return State(parameters, first, second, ranges, state.tally + tally)

    def correct(self, parameters: Tensor, ranges: Tensor, inputs: Tensor, labels: Tensor) -> Tensor:
        """Whether each of the inputs (features, N) is put in its class, (members, N)."""
        everyone = inputs[None].expand(len(parameters), -1, -1)
        logits, _ = self.logits(parameters, ranges, everyone, training=False)
        return logits.argmax(1) == labels


def corrected_rate(spec: TrainingSpec, step: int) -> Tensor:
    """α·√(1 − β₂ᵗ)/(1 − β₁ᵗ) at step t = 1, 2, …"""
    return torch.tensor(
        spec.learning_rate * np.sqrt(1 - BETA_2**step) / (1 - BETA_1**step), dtype=torch.float32
    )


def recorded_epochs(spec: TrainingSpec) -> np.ndarray:
    """−1, the state before the first step, then every epoch that is a multiple of the interval.

    >>> recorded_epochs(TrainingSpec(dataset="synthetic", network="shwartz-ziv", activation="relu",
    ...                              bits=8, epochs=12, record_every=5))
    array([-1,  0,  5, 10], dtype=int32)
    """
    return np.arange(-spec.record_every, spec.epochs, spec.record_every, dtype=np.int32).clip(-1)


def random_streams(spec: TrainingSpec, repetition: int) -> tuple[np.random.Generator, np.random.Generator]:
    """The generators of a repetition's initialisation and of its shuffling."""
    initialisation, shuffling = np.random.SeedSequence([spec.seed, repetition]).spawn(2)
    return np.random.default_rng(initialisation), np.random.default_rng(shuffling)


def batch_places(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Places in a shuffled epoch, (batches, size), and their weights.

    The last batch is filled up with its own first place at weight 0, which changes neither its loss nor its
    extremes.
    """
    places = np.arange(-(-count // size) * size).reshape(-1, size)
    real = places < count
    return np.where(real, places, places[-1, 0]), real.astype(np.float32)


def shuffled_batches(
    dataset: Dataset, spec: TrainingSpec, shufflers: Sequence[np.random.Generator]
) -> Iterator[list[Batch]]:
    """The batches of one epoch after another, each member's in its own order."""
    inputs = torch.from_numpy(np.ascontiguousarray(dataset.inputs[dataset.train_mask].T))
    labels = torch.from_numpy(dataset.labels[dataset.train_mask])
    places, weights = batch_places(len(labels), spec.batch_size)
    weight_rows = torch.from_numpy(weights).unbind()
    while True:
        orders = np.stack([shuffler.permutation(len(labels)) for shuffler in shufflers])
        batches = torch.from_numpy(orders[:, places]).transpose(0, 1).contiguous()
        features = inputs[:, batches].permute(1, 2, 0, 3)
        yield [Batch(*batch) for batch in zip(features, labels[batches], weight_rows, strict=True)]


def initial_state(network: Network, spec: TrainingSpec, generators: Sequence[np.random.Generator]) -> State:
    members = len(generators)
    parameters = np.stack([initialise(network, spec.initialisation, generator) for generator in generators])
    ranges = torch.tensor(MOVING_START).repeat(members, len(network.layers), 1)
    moments = torch.zeros(parameters.shape)
    return State(torch.from_numpy(parameters), moments, moments, ranges, torch.zeros(members, 2))


def train_members(
    spec: TrainingSpec, dataset: Dataset, repetitions: Sequence[int], progress: "tqdm[Never]"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train up to `MEMBERS` repetitions; missing ones are made up for by copies of the last.

    Returns:
        parameters (members, T, P), ranges (members, T, layers, 2) and history (members, epochs, 3), whose
        last dimension is loss (nats), train accuracy, test accuracy.
    """
    network = network_of(spec, dataset.inputs.shape[1], dataset.classes)
    ensemble = Ensemble(network, scheme_of(spec), Levels.of(spec.bits, torch.float32))
    step, correct = compiled(ensemble.step, spec.compile), compiled(ensemble.correct, spec.compile)

    members = [*repetitions, *[repetitions[-1]] * (MEMBERS - len(repetitions))]
    initialisers, shufflers = zip(*(random_streams(spec, repetition) for repetition in members), strict=True)
    state = initial_state(network, spec, initialisers)
    epoch_batches = shuffled_batches(dataset, spec, shufflers)

    # Where ranges are the batch's, those of a test are the whole data set's.
    seen = ~dataset.train_mask | (ensemble.scheme.activations is Range.BATCH)
    seen_inputs = torch.from_numpy(np.ascontiguousarray(dataset.inputs[seen].T))
    seen_labels = torch.from_numpy(dataset.labels[seen])
    tested = torch.from_numpy(~dataset.train_mask[seen])

    recorded = [(state.parameters, state.ranges)]
    history = np.empty((MEMBERS, spec.epochs, 3))
    steps = 0
    for epoch in range(spec.epochs):
        state = state._replace(tally=torch.zeros(MEMBERS, 2))
        for batch in next(epoch_batches):
            steps += 1
            state = step(state, batch, corrected_rate(spec, steps))
        history[:, epoch, :2] = state.tally / dataset.train_mask.sum()
        hits = correct(state.parameters, state.ranges, seen_inputs, seen_labels)
        history[:, epoch, 2] = hits[:, tested].double().mean(1)
        if epoch % spec.record_every == 0:
            recorded.append((state.parameters, state.ranges))
        progress.update(len(repetitions))
    parameters, ranges = (torch.stack(tensors, 1).numpy() for tensors in zip(*recorded, strict=True))
    asked = slice(len(repetitions))
    return parameters[asked], ranges[asked], history[asked]


def train(
    spec: TrainingSpec, repetitions: Sequence[int], dataset: Dataset | None = None
) -> tuple[Trajectory, pd.DataFrame]:
    """Train some repetitions of a spec.

    A repetition's numbers depend on the spec and on its own number, not on which others it is trained with.

    Args:
        repetitions: their numbers; each seeds its own initialisation and shuffling.
        dataset: the data; by default that which the spec names.

    Returns:
        The trajectory, and the history: repetition, part, epoch, loss (nats), train_accuracy (over the
        epoch's minibatches) and test_accuracy (at the epoch's end).
    """
    torch.set_num_threads(1)
    dataset = dataset or load_dataset(spec.dataset)
    groups = [repetitions[start : start + MEMBERS] for start in range(0, len(repetitions), MEMBERS)]
    with progress_bar(len(repetitions) * spec.epochs, "training", "epochs") as progress, torch.no_grad():
        trained = [train_members(spec, dataset, group, progress) for group in groups]
    parameters, ranges, history = (np.concatenate(parts) for parts in zip(*trained, strict=True))
    trajectory = Trajectory(
        spec,
        dataset.description,
        np.array(repetitions, dtype=np.int32),
        recorded_epochs(spec),
        parameters,
        ranges,
    )
    return trajectory, history_table(repetitions, history)


def history_table(repetitions: Sequence[int], history: np.ndarray) -> pd.DataFrame:
    epochs = history.shape[1]
    columns = history.reshape(-1, 3).T
    return pd.DataFrame(
        {
            "repetition": np.repeat(np.array(repetitions, dtype=np.int32), epochs),
            "part": PART,
            "epoch": np.tile(np.arange(epochs, dtype=np.int32), len(repetitions)),
            "loss": columns[0],
            "train_accuracy": columns[1],
            "test_accuracy": columns[2],
        }
    )


def run(
    spec: TrainingSpec, dataset_path: Path, repetitions: range, trajectory_path: Path, history_path: Path
) -> None:
    """Train some repetitions from a data set file into a trajectory and a history file."""
    dataset = load_dataset(dataset_path)
    refuse_mismatch(dataset_path, "data set", dataset.name, spec.dataset)
    trajectory, history = train(spec, repetitions, dataset)
    description = describe(
        "history",
        {"training": spec.model_dump(mode="json")},
        repetitions=list(repetitions),
        dataset=dataset.description,
    )
    save_trajectory(trajectory_path, trajectory)
    write_table(history_path, history, description)
