"""Training of many repetitions as one ensemble, each a function of the spec and its own number alone."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Never

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from infoplane.arithmetic import ACTIVATIONS, SMALL_KERNEL, Correlate, correlate_as_product, matrix_product
from infoplane.artifacts import describe, refuse_mismatch, write_table
from infoplane.compilation import compiled
from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset, load_dataset
from infoplane.devices import CPU, device_of, name_of
from infoplane.inputs import Streams, network_inputs, network_labels
from infoplane.networks import (
    Intake,
    Levels,
    Network,
    Scheme,
    Weights,
    forward,
    initialise,
    log_likelihood,
    network_of,
    scheme_of,
)
from infoplane.progress import progress_bar
from infoplane.quantization import MOVING_DECAY, MOVING_START, Quantized, values_of
from infoplane.trajectory import Trajectory, recorded_epochs, save_trajectory, training_parts

__all__ = ["run", "train"]

# One compiled width serves every chunk: a member's numbers don't depend on who else is trained.
MEMBERS, MEMBERS_ON_GPU = 10, 50
# So many numbers at a time are held of one layer: a few times what fits into the processor's cache.
HELD = 2**20
# Vector code treats inputs apart by their place unless their number is a multiple of this.
LANES = 32


class FastArithmetic:
    """Sums in the type of the tensors, in the order that is fastest."""

    def product(self, kernel: Tensor, columns: Tensor, whole: bool) -> Tensor:
        # Compiled into one loop nest, small layers are spared the overhead of a matrix product each.
        if torch.compiler.is_compiling() and kernel[0].numel() <= SMALL_KERNEL:
            return (kernel[:, :, :, None] * columns[:, :, None, :]).sum(1)
        return matrix_product(kernel, columns)

    def correlation(self, kernel: Tensor, images: Tensor, whole: bool) -> Tensor:
        if kernel[0].numel() <= SMALL_KERNEL:
            result: Tensor = Correlate.apply(kernel, images)  # type: ignore[no-untyped-call]
            return result
        return correlate_as_product(kernel, images, matrix_product)

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


class Pace(NamedTuple):
    """How far a step goes, tensors without dimension: Adam's rate, and what moving ranges take up."""

    rate: Tensor
    intake: Intake


class Ensemble:
    """The step and the test of an ensemble of one network; bits, ranges and rates are data of both."""

    def __init__(
        self, spec: TrainingSpec, network: Network, scale: float | None, device: torch.device = CPU
    ) -> None:
        self.spec, self.network, self.scheme, self.device = spec, network, scheme_of(spec), device
        self.levels = Levels.of(spec.bits, torch.float32, device)
        self.scale = None if scale is None else torch.tensor(scale, device=device)

    def output(
        self, weights: Sequence[Weights], ranges: Tensor, inputs: Tensor, intake: Intake | None = None
    ) -> tuple[Tensor | Quantized, Tensor]:
        """The last layer's output, and the ranges after it."""
        outputs, ranges = forward(
            self.network,
            self.scheme,
            self.levels,
            weights,
            ranges,
            inputs.to(ranges.dtype),
            self.scale,
            FastArithmetic(),
            intake,
        )
        return outputs[-1], ranges

    def loss(
        self, weights: Sequence[Weights], ranges: Tensor, batch: Batch, intake: Intake
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The sum over members of their mean cross-entropies (nats); the new ranges; the batch's tally."""
        output, ranges = self.output(weights, ranges, batch.inputs, intake)
        likelihood = log_likelihood(self.scheme, output)
        classes = torch.arange(likelihood.shape[1], device=likelihood.device)[None, :, None]
        of_label = (classes == batch.labels[:, None, :]).to(likelihood.dtype)
        cross_entropy = -(likelihood * of_label).sum(1)
        total = (cross_entropy * batch.weights).sum(1)
        correct = ((values_of(output).argmax(1) == batch.labels) * batch.weights).sum(1)
        return (total / batch.weights.sum()).sum(), (ranges, torch.stack([total.detach(), correct], 1))

    def step(self, state: State, batch: Batch, pace: Pace) -> State:
        """One step of Adam in Keras' form: θ −= rate·m/(√v + ε), the bias corrections being in the rate."""
        weights = self.network.weights(state.parameters)
        gradients, (ranges, tally) = torch.func.grad(self.loss, has_aux=True)(
            weights, state.ranges, batch, pace.intake
        )
        gradient = torch.cat([each.flatten(1) for layer in gradients for each in layer], 1)
        spec = self.spec
        first = spec.beta_1 * state.first_moment + (1 - spec.beta_1) * gradient
        second = spec.beta_2 * state.second_moment + (1 - spec.beta_2) * gradient * gradient
        parameters = state.parameters - pace.rate * first / (second.sqrt() + spec.epsilon)
        return State(parameters, first, second, ranges, state.tally + tally)

    def correct(self, parameters: Tensor, ranges: Tensor, inputs: Tensor, labels: Tensor) -> Tensor:
        """Whether each of the inputs (features, N) is put in its class, labels (members, N); (members, N)."""
        output, _ = self.output(self.network.weights(parameters), ranges, inputs[None])
        return values_of(output).argmax(1) == labels

    def pace(self, step: int) -> Pace:
        """Adam's rate α·√(1 − β₂ᵗ)/(1 − β₁ᵗ) and the weights of the moving averages at step t = 1, 2, …"""
        spec = self.spec
        rate = spec.learning_rate * np.sqrt(1 - spec.beta_2**step) / (1 - spec.beta_1**step)
        ema = 1 - MOVING_DECAY
        numbers = torch.tensor([rate, ema, ema / (1 - MOVING_DECAY**step)], dtype=torch.float32)
        rate, *weights = numbers.to(self.device, non_blocking=True).unbind()
        return Pace(rate, Intake(*weights))

    def initial_state(self, generators: Sequence[np.random.Generator], inputs: Tensor) -> State:
        """The state before the first step.

        Debiased ranges start as those over the training inputs, (features, N).
        """
        drawn = np.stack([initialise(self.network, self.spec, generator) for generator in generators])
        parameters, members = torch.from_numpy(drawn).to(self.device), len(generators)
        start = torch.tensor(MOVING_START, device=self.device)
        ranges = start.repeat(members, len(self.network.layers), 2, 1)
        if "ema-debiased" in self.scheme:
            whole = Intake(*torch.tensor([0.0, 1.0], device=self.device).unbind())
            one_by_one = zip(torch.split(parameters, 1), torch.split(ranges, 1), strict=True)
            ranges = torch.cat(
                [
                    self.output(self.network.weights(member), its, inputs[None], whole)[1]
                    for member, its in one_by_one
                ]
            )
        first, second = parameters.new_zeros(2, *parameters.shape)  # one for both would be compiled apart
        return State(parameters, first, second, ranges, parameters.new_zeros(members, 2))


class Records(NamedTuple):
    """What is kept of the training of some members.

    Attributes:
        parameters: (members, T, P).
        ranges: (members, T, layers, 2, 2).
        history: (members, epochs of all parts, 3): loss (nats), train accuracy, test accuracy.
    """

    parameters: np.ndarray
    ranges: np.ndarray
    history: np.ndarray


def batch_places(count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Places in a shuffled epoch, (batches, size or a few more), and their weights.

    A batch is filled up with its own first place at weight 0, which changes neither its loss nor its
    extremes.
    """
    places = np.arange(-(-count // size) * size).reshape(-1, size)
    places = np.pad(places, ((0, 0), (0, -size % LANES)), constant_values=count)
    real = places < count
    return np.where(real, places, places[:, :1]), real.astype(np.float32)


def shuffled_batches(
    inputs: np.ndarray | Tensor,
    labels: Tensor,
    size: int,
    shufflers: Sequence[np.random.Generator],
    by_rows: bool = False,
) -> Iterator[Batch]:
    """The batches of one epoch, each member's in its own order.

    Args:
        inputs: (N, features); an array on the processor, where NumPy gathers faster than PyTorch.
        labels: (members, N), on the device of the batches.
        by_rows: whether an input's features may lie side by side in memory, instead of a feature's inputs.
    """
    count, features = inputs.shape
    orders = np.stack([shuffler.permutation(count) for shuffler in shufflers])
    places, weights = batch_places(count, size)
    together = max(1, HELD // (len(orders) * size * features))
    for first in range(0, len(places), together):
        some = slice(first, first + together)
        chosen = np.moveaxis(orders[:, places[some]], 1, 0)
        # The layout of the batches follows that of the places, which must be no other in the last part.
        there = torch.from_numpy(chosen).to(labels.device).contiguous()
        shown = inputs[there] if isinstance(inputs, Tensor) else torch.from_numpy(inputs.take(chosen, axis=0))
        shown = shown.transpose(2, 3)
        if not by_rows:
            shown = shown.contiguous()
        answers = labels.expand(len(chosen), -1, -1).gather(2, there)
        for batch in zip(shown, answers, torch.from_numpy(weights[some]).to(labels.device), strict=True):
            yield Batch(*batch)


def train_members(
    spec: TrainingSpec,
    dataset: Dataset,
    repetitions: Sequence[int],
    records: Records,
    progress: "tqdm[Never]",
    device: torch.device,
) -> None:
    """Train the members of one ensemble into its records, made up to its width by copies of the last."""
    scheme = scheme_of(spec)
    values, scale = network_inputs(dataset, scheme.quantized)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    ensemble = Ensemble(spec, network, scale, device)
    step, correct = (compiled(each, spec.compile, device) for each in (ensemble.step, ensemble.correct))

    width = ensemble_width(spec, network, device)
    members = [*repetitions, *[repetitions[-1]] * (width - len(repetitions))]
    streams = [Streams.of(spec, repetition) for repetition in members]
    inputs = values[dataset.train_mask]
    moved = torch.from_numpy(inputs).to(device)
    answers = np.stack([network_labels(spec, dataset, repetition) for repetition in members])
    main_labels = torch.from_numpy(answers[:, dataset.train_mask]).to(device)
    state = ensemble.initial_state([each.initialisation for each in streams], moved.T)
    tested = Tested(dataset.train_mask, values, answers, scheme, network, device)
    shown = inputs if device.type == "cpu" else moved

    asked = slice(len(repetitions))
    history = torch.empty(records.history.shape, dtype=torch.float64, device=device)
    steps = epochs = snapshots = 0

    def record() -> None:
        nonlocal snapshots
        records.parameters[:, snapshots] = state.parameters[asked].cpu()
        records.ranges[:, snapshots] = state.ranges[asked].cpu()
        snapshots += 1

    for part, length in training_parts(spec):
        labels = main_labels
        if part == "prefit":
            orders = np.stack([each.prefit.permutation(labels.shape[1]) for each in streams])
            labels = labels.gather(1, torch.from_numpy(orders).to(device))
        record()
        for epoch in range(length):
            state = state._replace(tally=torch.zeros_like(state.tally))
            shufflers = [each.shuffling for each in streams]
            for batch in shuffled_batches(shown, labels, spec.batch_size, shufflers, network.reads_rows):
                steps += 1
                state = step(state, batch, ensemble.pace(steps))
            history[:, epochs, :2] = state.tally[asked] / len(inputs)
            hits = torch.cat(
                [correct(state.parameters, state.ranges, *block) for block in tested.blocks], dim=1
            )
            history[:, epochs, 2] = hits[asked, tested.counted].double().mean(1)
            epochs += 1
            if epoch % spec.record_every == 0:
                record()
            progress.update(len(repetitions))
    records.history[:] = history.cpu()


def ensemble_width(spec: TrainingSpec, network: Network, device: torch.device = CPU) -> int:
    """How many members are trained at once: fewer where one of them fills the cache."""
    most = MEMBERS if device.type == "cpu" else MEMBERS_ON_GPU
    return min(most, max(1, HELD // (spec.batch_size * network.widest)))


class Tested:
    """The inputs of a test in blocks of one size, and which of their answers count.

    Where a range is that of the batch, a test is given the whole data set, in one block.
    """

    def __init__(
        self,
        train_mask: np.ndarray,
        values: np.ndarray,
        labels: np.ndarray,
        scheme: Scheme,
        network: Network,
        device: torch.device = CPU,
    ) -> None:
        together = "batch" in (scheme.activations, scheme.output)
        places = np.flatnonzero(~train_mask | together)
        number = 1 if together else -(-len(places) * network.widest // HELD)
        size = -(-len(places) // (number * LANES)) * LANES
        padded = places[np.arange(number * size).clip(max=len(places) - 1)]
        counted = np.arange(number * size)[: len(places)][~train_mask[places]]
        self.counted = torch.from_numpy(counted).to(device)
        self.blocks = [
            (
                torch.from_numpy(np.ascontiguousarray(values[block].T)).to(device),
                torch.from_numpy(labels[:, block]).to(device),
            )
            for block in padded.reshape(number, size)
        ]


def train(
    spec: TrainingSpec, repetitions: Sequence[int], dataset: Dataset | None = None, device: str = "cpu"
) -> tuple[Trajectory, pd.DataFrame]:
    """Train some repetitions of a spec.

    A repetition's numbers depend on the spec and on its own number, not on which others it is trained with.

    Args:
        repetitions: their numbers; each seeds its own initialisation and shuffling.
        dataset: the data; by default that which the spec names.
        device: `cpu`, `cuda`, or `auto` for the second where there is a GPU.

    Returns:
        The trajectory, and the history: repetition, part, epoch, loss (nats), train_accuracy (over the
        epoch's minibatches) and test_accuracy (at the epoch's end).

    Raises:
        UserError: the network does not fit the data, or there is no GPU.
    """
    place = device_of(device)
    torch.set_num_threads(1)
    dataset = dataset or load_dataset(spec.dataset)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    parts, epochs = recorded_epochs(spec)
    lengths = dict(training_parts(spec))
    shape = len(repetitions), len(epochs)
    records = Records(
        np.empty((*shape, network.size), dtype=np.float32),
        np.empty((*shape, len(network.layers), 2, 2), dtype=np.float32),
        np.empty((len(repetitions), sum(lengths.values()), 3)),
    )
    width = ensemble_width(spec, network, place)
    total = len(repetitions) * sum(lengths.values())
    with progress_bar(total, "training", "epochs") as progress, torch.no_grad():
        for first in range(0, len(repetitions), width):
            group = slice(first, first + width)
            own = Records(*(kept[group] for kept in records))
            train_members(spec, dataset, repetitions[group], own, progress, place)
    trajectory = Trajectory(
        spec,
        dataset.description,
        np.array(repetitions, dtype=np.int32),
        parts,
        epochs,
        records.parameters,
        records.ranges,
    )
    return trajectory, history_table(repetitions, lengths, records.history)


def history_table(repetitions: Sequence[int], lengths: dict[str, int], history: np.ndarray) -> pd.DataFrame:
    columns = history.reshape(-1, 3).T
    epochs = np.concatenate([np.arange(length, dtype=np.int32) for length in lengths.values()])
    return pd.DataFrame(
        {
            "repetition": np.repeat(np.array(repetitions, dtype=np.int32), len(epochs)),
            "part": np.tile(np.repeat(list(lengths), list(lengths.values())), len(repetitions)),
            "epoch": np.tile(epochs, len(repetitions)),
            "loss": columns[0],
            "train_accuracy": columns[1],
            "test_accuracy": columns[2],
        }
    )


def run(
    spec: TrainingSpec,
    dataset_path: Path,
    repetitions: range,
    trajectory_path: Path,
    history_path: Path,
    device: str = "cpu",
) -> None:
    """Train some repetitions from a data set file into a trajectory and a history file."""
    dataset = load_dataset(dataset_path)
    refuse_mismatch(dataset_path, "data set", dataset.name, spec.dataset)
    trajectory, history = train(spec, repetitions, dataset, device)
    description = describe(
        "history",
        {"training": spec.model_dump(mode="json")},
        repetitions=list(repetitions),
        dataset=dataset.description,
        device=name_of(device_of(device)),
    )
    save_trajectory(trajectory_path, trajectory)
    write_table(history_path, history, description)
