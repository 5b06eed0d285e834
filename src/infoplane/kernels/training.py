"""Training of one repetition: an epoch of steps, and a test, in one call each."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Never

import numpy as np
from tqdm import tqdm

from infoplane.checkpoint import Checkpoint
from infoplane.compilation import compiled, inlined
from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset
from infoplane.kernels.inputs import Inputs, Precision, gather_inputs, inputs_of, one_by_one
from infoplane.kernels.network import backward, forward, quantize_kernels, run_layer
from infoplane.kernels.output import correct_answers
from infoplane.kernels.panels import gather_labels, lanes_for, panels_for
from infoplane.kernels.plan import Memory, Plan, memory_for, plan_of
from infoplane.kernels.quantizer import MOVING_POLICIES, move_averages
from infoplane.kernels.vectors import SIDE, full_like, load, square_root, store
from infoplane.networks.initialisation import initialise
from infoplane.networks.inputs import network_inputs, network_labels
from infoplane.networks.layers import Network, network_of
from infoplane.networks.optimizers import batch_size_of, decays_of, momentum_of
from infoplane.networks.schemes import scheme_of
from infoplane.progress import say_measures
from infoplane.random import Streams
from infoplane.ranges import AT_START, MOVING_START
from infoplane.records import Records, training_parts

__all__ = ["RepetitionState", "Trainer", "train_repetitions"]

# Inputs of a test that are run together, so that their values stay in the cache
TESTED_TOGETHER = 512


class Optimizer(NamedTuple):
    """What a step is made by: see `infoplane.networks.steps.take_step`.

    Attributes:
        is_adam: Adam in Keras' form, or else gradient descent with momentum.
        decays: share αλ of each parameter that a step takes, as long as the parameters; empty where λ is 0.
    """

    is_adam: bool
    learning_rate: float
    momentum: float
    beta_1: float
    beta_2: float
    epsilon: float
    decays: np.ndarray


class RepetitionState(NamedTuple):
    """State of a repetition in training.

    Attributes:
        parameters, first_moment, second_moment: θ, m and v of the optimizer, (P,) and as much as a vector
            holds; gradient descent has no v, which stays 0.
        ranges: the moving ranges of the layers' kernels and outputs, (L, 2, 2).
        powers: β₁ᵗ and β₂ᵗ after t steps, and dᵗ of each moving policy, float64.
    """

    parameters: np.ndarray
    first_moment: np.ndarray
    second_moment: np.ndarray
    ranges: np.ndarray
    powers: np.ndarray


class Progress(NamedTuple):
    """Progress of a repetition's training.

    Attributes:
        points: numbers of beginnings of parts, and ends of epochs, that have been passed.
        epochs: number of epochs trained.
        snapshots: number of snapshots recorded.
        state: the state at this point.
    """

    points: int
    epochs: int
    snapshots: int
    state: RepetitionState


@inlined
def take_step(optimizer: Optimizer, state: RepetitionState, gradient: np.ndarray) -> None:
    """One step of the optimizer: m, v, and the parameters."""
    if optimizer.is_adam:
        step_of_adam(optimizer, state, gradient)
    else:
        step_of_descent(optimizer, state, gradient)


@inlined
def step_of_adam(adam: Optimizer, state: RepetitionState, gradient: np.ndarray) -> None:
    """m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², and θ less α·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε)."""
    like = load(gradient, 0)
    rate = full_like(like, adam.learning_rate * np.sqrt(1 - state.powers[1]) / (1 - state.powers[0]))
    beta_1, rest_1 = full_like(like, adam.beta_1), full_like(like, 1 - adam.beta_1)
    beta_2, rest_2 = full_like(like, adam.beta_2), full_like(like, 1 - adam.beta_2)
    epsilon = full_like(like, adam.epsilon)
    for offset in range(0, len(gradient) - len(like) + 1, len(like)):
        g = load(gradient, offset)
        first = beta_1 * load(state.first_moment, offset) + rest_1 * g
        second = beta_2 * load(state.second_moment, offset) + rest_2 * g * g
        store(state.first_moment, offset, first)
        store(state.second_moment, offset, second)
        step = rate * first / (square_root(second) + epsilon)
        move(adam.decays, state.parameters, offset, step)


@inlined
def step_of_descent(descent: Optimizer, state: RepetitionState, gradient: np.ndarray) -> None:
    """m ← μm + g, and θ less α·m."""
    like = load(gradient, 0)
    rate, momentum = full_like(like, descent.learning_rate), full_like(like, descent.momentum)
    for offset in range(0, len(gradient) - len(like) + 1, len(like)):
        first = momentum * load(state.first_moment, offset) + load(gradient, offset)
        store(state.first_moment, offset, first)
        move(descent.decays, state.parameters, offset, rate * first)


@inlined
def move(decays: np.ndarray, parameters: np.ndarray, offset: int, step: Any) -> None:
    """Take a step s of a vector of parameters: θ − s, or θ − (s + αλθ) where weights decay.

    What decays is added to the step: beside θ, it would often be less than half a unit of the last place.
    """
    own = load(parameters, offset)
    if len(decays) > 0:
        step = step + load(decays, offset) * own
    store(parameters, offset, own - step)


@compiled
def train_epoch(
    plan: Plan,
    optimizer: Optimizer,
    state: RepetitionState,
    inputs: Inputs,
    labels: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    averaging: np.ndarray,
    memory: Memory,
) -> tuple[float, float]:
    """Train on inputs in batches; the last one may be smaller.

    Args:
        inputs, labels: of the whole data set, (N, …) and (N,).
        order: the indices of the training inputs.
        averaging: scratch memory, a weight for each moving policy.

    Returns:
        Mean cross-entropy (nats) and share of correct answers over the epoch's batches.
    """
    lost, correct, last = 0.0, 0.0, len(plan.layers) - 1
    for first in range(0, len(order), batch_size):
        indices = order[first : first + batch_size]
        gather_labels(labels, indices, memory.labels, memory.weights)
        state.powers[0] *= optimizer.beta_1
        state.powers[1] *= optimizer.beta_2
        move_averages(plan.averages, state.powers[2:], averaging)
        forward(plan, state.parameters, state.ranges, averaging, inputs, indices, memory)
        panels, layer = panels_for(len(indices)), plan.layers[last]
        output = layer.output_offset * lanes_for(len(indices))
        correct += correct_answers(memory.values, output, memory.labels, memory.weights, layer.width, panels)
        lost += backward(plan, inputs, indices, memory)
        take_step(optimizer, state, memory.gradient)
    return lost / len(order), correct / len(order)


@compiled
def test(
    plan: Plan,
    state: RepetitionState,
    averaging: np.ndarray,
    inputs: Inputs,
    labels: np.ndarray,
    indices: np.ndarray,
    counts: np.ndarray,
    together: int,
    memory: Memory,
) -> float:
    """Share of correct answers among those of some inputs that count.

    Args:
        averaging: the weight of the inputs in each moving policy, or 0 where ranges stay.
        inputs, labels: of the whole data set, (N, …) and (N,).
        indices: the inputs that are run.
        counts: for each of them, 1 if it counts, or else 0.
        together: number of inputs that are run together.
    """
    correct, counted, last = 0.0, 0.0, len(plan.layers) - 1
    quantize_kernels(plan, state.parameters, state.ranges, averaging, inputs, memory)
    memory.scales[0] = inputs.scale
    for first in range(0, len(indices), together):
        some = indices[first : first + together]
        here, there = memory.here, memory.there
        if not inputs.is_sparse:
            gather_inputs(inputs, plan.features, some, memory.starts, here)
        for number in range(len(plan.layers)):
            run_layer(
                plan, number, state.parameters, state.ranges, averaging, inputs, some, memory, here, there
            )
            here, there = there, here
        gather_labels(labels, some, memory.labels, memory.weights)
        for lane in range(len(some)):
            memory.weights[lane] *= counts[first + lane]
            counted += counts[first + lane]
        panels, classes = panels_for(len(some)), plan.layers[last].width
        correct += correct_answers(here, 0, memory.labels, memory.weights, classes, panels)
    return correct / counted


def optimizer_of(spec: TrainingSpec, network: Network, dtype: Precision) -> Optimizer:
    """The optimizer of a spec, for parameters that as much as a vector may follow."""
    decays = np.zeros(network.size + SIDE if spec.weight_decay else 0, dtype=dtype)
    decays[: network.size] = decays_of(spec, network)[: len(decays)]
    return Optimizer(
        spec.optimizer == "adam",
        spec.learning_rate,
        momentum_of(spec),
        spec.beta_1,
        spec.beta_2,
        spec.epsilon,
        decays,
    )


class Trainer:
    """What the repetitions of a spec share: network, data, and memory for a batch.

    Args:
        dtype: float32; the tests also train in float64.
    """

    def __init__(self, spec: TrainingSpec, dataset: Dataset, dtype: Precision = np.float32) -> None:
        self.spec, self.dataset, self.dtype, self.scheme = spec, dataset, dtype, scheme_of(spec)
        values, scale = network_inputs(dataset, self.scheme.quantized)
        self.network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
        self.plan = plan_of(spec, self.network, values.shape[1], in_order=False)
        self.inputs = inputs_of(values, scale, self.network, dtype, one_by_one)
        self.optimizer = optimizer_of(spec, self.network, dtype)
        self.trained = np.flatnonzero(dataset.train_mask)
        self.batch = batch_size_of(spec, len(self.trained))
        in_one = self.scheme.needs_all_inputs
        self.tested = np.flatnonzero(~dataset.train_mask | in_one)
        self.counts = (~dataset.train_mask[self.tested]).astype(dtype)
        self.together = len(self.tested) if in_one else min(TESTED_TOGETHER, len(self.tested))
        self.memory = self.memory_for(self.together)
        self.averaging, self.no_averaging = np.zeros((2, len(MOVING_POLICIES)), dtype=dtype)

    def memory_for(self, tested: int) -> Memory:
        """Memory for a batch of training, and for a number of inputs that are run together in a test."""
        return memory_for(self.plan, self.network, self.inputs.is_sparse, self.dtype, tested, self.batch)

    def start(self, repetition: int) -> RepetitionState:
        """The state before the first step; debiased ranges start from extremes over all training inputs."""
        parameters, first, second = np.zeros((3, len(self.memory.kernels)), dtype=self.dtype)
        uniforms = Streams(self.spec.seed, repetition).uniforms(self.network.size)
        parameters[: self.network.size] = initialise(self.network, self.spec, uniforms)
        ranges = np.empty((len(self.network.layers), 2, 2), dtype=self.dtype)
        ranges[:] = MOVING_START
        state = RepetitionState(parameters, first, second, ranges, np.ones(2 + len(MOVING_POLICIES)))
        if self.scheme.starts_from_inputs:
            averaging = np.array([AT_START[name] for name in MOVING_POLICIES], dtype=self.dtype)
            counts, count = np.ones(len(self.trained), dtype=self.dtype), len(self.trained)
            test(
                self.plan, state, averaging, self.inputs, self.dataset.labels, self.trained, counts, count,
                self.memory_for(count),
            )  # fmt: skip
        return state

    def train_epoch(
        self, state: RepetitionState, labels: np.ndarray, order: np.ndarray
    ) -> tuple[float, float]:
        """One pass over the training inputs in an order: mean cross-entropy (nats) and accuracy."""
        loss, accuracy = train_epoch(
            self.plan, self.optimizer, state, self.inputs, labels, self.trained[order], self.batch,
            self.averaging, self.memory,
        )  # fmt: skip
        return loss, accuracy

    def test_accuracy(self, state: RepetitionState, labels: np.ndarray) -> float:
        """The share of test inputs that are classified correctly."""
        accuracy: float = test(
            self.plan, state, self.no_averaging, self.inputs, labels, self.tested, self.counts,
            self.together, self.memory,
        )  # fmt: skip
        return accuracy

    def train(
        self,
        repetition: int,
        records: Records,
        bar: "tqdm[Never]",
        report: Callable[[Progress], None] = lambda progress: None,
        resumed: Progress | None = None,
    ) -> None:
        """Train a repetition into its records.

        Args:
            report: called at every point of the training.
            resumed: the point from which the training goes on, whose records are filled.
        """
        streams = Streams(self.spec.seed, repetition)
        truth = network_labels(self.spec, self.dataset, repetition)
        labels = {"main": truth, "prefit": truth.copy()}
        labels["prefit"][self.trained] = truth[self.trained][streams.prefit_order(len(self.trained))]
        points = [(part, epoch) for part, length in training_parts(self.spec) for epoch in range(-1, length)]
        passed, epochs, snapshots, state = resumed or Progress(0, 0, 0, self.start(repetition))
        for part, epoch in points[passed:]:
            if epoch >= 0:
                order = streams.order(part, epoch, len(self.trained))
                measures = self.train_epoch(state, labels[part], order)
                records.history[epochs] = *measures, self.test_accuracy(state, truth)
                say_measures(bar, *records.history[epochs])
                epochs += 1
                bar.update()
            if epoch < 0 or epoch % self.spec.record_every == 0:
                records.parameters[snapshots] = state.parameters[: self.network.size]
                records.ranges[snapshots] = state.ranges
                snapshots += 1
            passed += 1
            report(Progress(passed, epochs, snapshots, state))


def train_repetitions(
    spec: TrainingSpec,
    dataset: Dataset,
    repetitions: Sequence[int],
    records: Records,
    bar: "tqdm[Never]",
    checkpoint: Checkpoint | None = None,
) -> None:
    """Train repetitions of a spec into their records, one after the other.

    Args:
        checkpoint: file that the progress is written to every two minutes, and read from at the start.
    """
    trainer = Trainer(spec, dataset)
    found = checkpoint.load() if checkpoint else None
    first, resumed = resume(found, records) if found else (0, None)
    bar.update(int(first) * records.history.shape[1] + (resumed.epochs if resumed else 0))
    for number in range(first, len(repetitions)):
        own = Records(*(each[number] for each in records))

        def save(progress: Progress, number: int = number) -> None:
            if checkpoint and checkpoint.is_due:
                checkpoint.save(checkpointed(records, number, progress))

        trainer.train(repetitions[number], own, bar, save, resumed)
        resumed = None


def checkpointed(records: Records, number: int, progress: Progress) -> dict[str, np.ndarray]:
    """Content of a checkpoint: records of the repetitions before that of a number, and its own progress."""
    finished = {f"finished.{name}": array[:number] for name, array in records._asdict().items()}
    own = {
        "own.parameters": records.parameters[number, : progress.snapshots],
        "own.ranges": records.ranges[number, : progress.snapshots],
        "own.history": records.history[number, : progress.epochs],
    }
    state = {f"state.{name}": array for name, array in progress.state._asdict().items()}
    counts = np.array([number, progress.points, progress.epochs, progress.snapshots])
    return finished | own | state | {"progress": counts}


def resume(found: dict[str, np.ndarray], records: Records) -> tuple[int, Progress]:
    """Fill the records from a checkpoint; the number of the repetition to go on with, and its progress."""
    number, points, epochs, snapshots = found["progress"].tolist()
    for name, array in records._asdict().items():
        array[:number] = found[f"finished.{name}"]
        own = found[f"own.{name}"]
        array[number, : len(own)] = own
    state = RepetitionState(**{name: found[f"state.{name}"].copy() for name in RepetitionState._fields})
    return number, Progress(points, epochs, snapshots, state)
