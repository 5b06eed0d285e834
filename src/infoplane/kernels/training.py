"""The training of one repetition: whole epochs of steps of Adam, and tests, in one call each."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Never

import numpy as np
from tqdm import tqdm

from infoplane.checkpoint import Checkpoint
from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset
from infoplane.kernels.compilation import compiled
from infoplane.kernels.network import (
    Inputs,
    Plan,
    Precision,
    Workspace,
    backward,
    forward,
    forward_layer,
    gather_inputs,
    inputs_of,
    plan_of,
    quantize_kernels,
    workspace_for,
)
from infoplane.kernels.output import hits
from infoplane.kernels.panels import PANEL, gather_labels
from infoplane.kernels.quantizer import STILL
from infoplane.kernels.random import Streams
from infoplane.kernels.vectors import load, splat_like, square_root, store
from infoplane.networks.initialisation import initialise
from infoplane.networks.inputs import network_inputs, network_labels
from infoplane.networks.layers import network_of
from infoplane.networks.ranges import MOVING_START
from infoplane.networks.schemes import scheme_of
from infoplane.trajectory import Records, training_parts

__all__ = ["Trainer", "train_repetitions"]

TESTED_AT_ONCE = 512


class Adam(NamedTuple):
    """The numbers of Adam in the form of Keras: θ −= α·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε)."""

    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float


class State(NamedTuple):
    """A repetition in training.

    Attributes:
        parameters, first, second: θ, m and v, (P,) and as much as a vector holds.
        ranges: (L, 2, 2), the moving ranges of kernels and outputs.
        powers: (3,) float64, β₁ᵗ, β₂ᵗ and dᵗ after t steps, d being the decay of moving ranges.
    """

    parameters: np.ndarray
    first: np.ndarray
    second: np.ndarray
    ranges: np.ndarray
    powers: np.ndarray


class Done(NamedTuple):
    """How far the training of a repetition has come: states passed, epochs trained, snapshots taken; and its
    state.
    """

    states: int
    epochs: int
    snapshots: int
    state: State


@compiled
def step_of_adam(adam: Adam, state: State, gradient: np.ndarray) -> None:
    """m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², and the parameters."""
    like = load(gradient, 0)
    rate = splat_like(like, adam.learning_rate * np.sqrt(1 - state.powers[1]) / (1 - state.powers[0]))
    beta_1, rest_1 = splat_like(like, adam.beta_1), splat_like(like, 1 - adam.beta_1)
    beta_2, rest_2 = splat_like(like, adam.beta_2), splat_like(like, 1 - adam.beta_2)
    epsilon = splat_like(like, adam.epsilon)
    for place in range(0, len(gradient) - len(like) + 1, len(like)):
        g = load(gradient, place)
        first = beta_1 * load(state.first, place) + rest_1 * g
        second = beta_2 * load(state.second, place) + rest_2 * g * g
        store(state.first, place, first)
        store(state.second, place, second)
        step = rate * first / (square_root(second) + epsilon)
        store(state.parameters, place, load(state.parameters, place) - step)


@compiled
def train_epoch(
    plan: Plan,
    adam: Adam,
    state: State,
    inputs: Inputs,
    labels: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    classes: np.ndarray,
    weights: np.ndarray,
    intake: np.ndarray,
    work: Workspace,
) -> tuple[float, float]:
    """Train on the inputs in an order, in batches; the last one may be smaller.

    Args:
        inputs, labels: of the whole data set, (N, …) and (N,).
        order: the places of the training inputs in it.
        classes, weights: room for a batch's labels and weights.
        intake: (2,), room for how much moving ranges take up.

    Returns:
        Mean cross-entropy (nats) and share of correct answers over the epoch's minibatches.
    """
    lost, right = 0.0, 0.0
    for first in range(0, len(order), batch_size):
        places = order[first : first + batch_size]
        gather_labels(labels, places, classes, weights)
        state.powers[0] *= adam.beta_1
        state.powers[1] *= adam.beta_2
        state.powers[2] *= plan.decay
        intake[0] = 1 - plan.decay
        intake[1] = (1 - plan.decay) / (1 - state.powers[2])
        forward(plan, state.parameters, state.ranges, intake, inputs, places, work)
        last = len(plan.kind)
        panels = (len(places) + PANEL - 1) // PANEL
        right += hits(
            work.values, plan.offset[last] * panels * PANEL, classes, weights, plan.width[last - 1], panels
        )
        lost += backward(plan, inputs, places, classes, weights, work)
        step_of_adam(adam, state, work.gradient)
    return lost / len(order), right / len(order)


@compiled
def run_through(
    plan: Plan,
    state: State,
    inputs: Inputs,
    places: np.ndarray,
    intake: np.ndarray,
    work: Workspace,
    here: np.ndarray,
    there: np.ndarray,
) -> bool:
    """Run the network on the inputs at some places, keeping no more than two layers.

    Args:
        intake: how much moving ranges take up, or `STILL`.
        here, there: room for a layer each.

    Returns:
        Whether the output is in `here`, and not in `there`.
    """
    panels = (len(places) + PANEL - 1) // PANEL
    work.scales[0] = inputs.scale
    if not inputs.is_sparse:
        gather_inputs(plan, inputs, places, work, here)
    is_here = True
    for layer in range(len(plan.kind)):
        x, y = (here, there) if is_here else (there, here)
        forward_layer(
            plan, layer, state.parameters, state.ranges, intake, inputs, places, work,
            x, 0, panels, y, y, y, 0, False, False,
        )  # fmt: skip
        is_here = not is_here
    return is_here


@compiled
def accuracy(
    plan: Plan,
    state: State,
    inputs: Inputs,
    labels: np.ndarray,
    places: np.ndarray,
    counts: np.ndarray,
    block: int,
    classes: np.ndarray,
    weights: np.ndarray,
    still: np.ndarray,
    work: Workspace,
    here: np.ndarray,
    there: np.ndarray,
) -> float:
    """The share of correct answers among those inputs at some places that count, `block` at a time."""
    right, counted = 0.0, 0.0
    quantize_kernels(plan, state.parameters, state.ranges, still, inputs, work)
    for first in range(0, len(places), block):
        some = places[first : first + block]
        is_here = run_through(plan, state, inputs, some, still, work, here, there)
        gather_labels(labels, some, classes, weights)
        for lane in range(len(some)):
            weights[lane] *= counts[first + lane]
            counted += counts[first + lane]
        panels = (len(some) + PANEL - 1) // PANEL
        right += hits(here if is_here else there, 0, classes, weights, plan.width[-1], panels)
    return right / counted


class Trainer:
    """All that the repetitions of a spec share: the network, the data, and room for a batch.

    Args:
        dtype: float32; the tests also train in float64.
    """

    def __init__(self, spec: TrainingSpec, dataset: Dataset, dtype: Precision = np.float32) -> None:
        self.spec, self.dataset, self.dtype, self.scheme = spec, dataset, dtype, scheme_of(spec)
        values, scale = network_inputs(dataset, self.scheme.quantized)
        self.network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
        self.plan = plan_of(spec, self.network, values.shape[1], dtype)
        self.inputs = inputs_of(values, scale, self.network, dtype)
        self.adam = Adam(spec.learning_rate, spec.beta_1, spec.beta_2, spec.epsilon)
        self.trained = np.flatnonzero(dataset.train_mask)
        self.batch = min(spec.batch_size, len(self.trained))
        self.work = workspace_for(self.plan, self.network, self.batch, self.inputs.is_sparse, True, dtype)
        whole = self.scheme.needs_all_inputs
        self.tested = np.flatnonzero(~dataset.train_mask | whole)
        self.counts = (~dataset.train_mask[self.tested]).astype(dtype)
        self.block = len(self.tested) if whole else min(TESTED_AT_ONCE, len(self.tested))
        self.here, self.there = self.room_for(self.block)
        lanes = -(-max(self.batch, self.block) // PANEL) * PANEL
        self.classes, self.weights = np.zeros((2, lanes), dtype=dtype)
        self.intake, self.still = np.zeros(2, dtype=dtype), np.full(2, STILL, dtype=dtype)

    def room_for(self, count: int) -> np.ndarray:
        """Room for two layers of so many inputs."""
        dense = 0 if self.inputs.is_sparse else self.plan.features
        widest = max(dense, int(self.plan.outputs.max()))
        return np.zeros((2, widest * (-(-count // PANEL) * PANEL)), dtype=self.dtype)

    def start(self, repetition: int) -> State:
        """The state before the first step. Debiased ranges start as those over the training inputs."""
        parameters, first, second = np.zeros((3, len(self.work.gradient)), dtype=self.dtype)
        uniforms = Streams(self.spec.seed, repetition).uniforms(self.network.size)
        parameters[: self.network.size] = initialise(self.network, self.spec, uniforms)
        ranges = np.empty((len(self.network.layers), 2, 2), dtype=self.dtype)
        ranges[:] = MOVING_START
        state = State(parameters, first, second, ranges, np.ones(3))
        if "ema-debiased" in self.scheme:
            all_of_it = np.array([0, 1], dtype=self.dtype)
            quantize_kernels(self.plan, parameters, ranges, all_of_it, self.inputs, self.work)
            room = self.room_for(len(self.trained))
            run_through(self.plan, state, self.inputs, self.trained, all_of_it, self.work, *room)
        return state

    def train_epoch(self, state: State, labels: np.ndarray, order: np.ndarray) -> tuple[float, float]:
        """One pass over the training inputs in an order: mean cross-entropy (nats) and accuracy."""
        lost, right = train_epoch(
            self.plan,
            self.adam,
            state,
            self.inputs,
            labels,
            self.trained[order],
            self.batch,
            self.classes,
            self.weights,
            self.intake,
            self.work,
        )
        return lost, right

    def accuracy(self, state: State, labels: np.ndarray) -> float:
        """The share of test inputs that are put in their classes."""
        share: float = accuracy(
            self.plan,
            state,
            self.inputs,
            labels,
            self.tested,
            self.counts,
            self.block,
            self.classes,
            self.weights,
            self.still,
            self.work,
            self.here,
            self.there,
        )
        return share

    def train(
        self,
        repetition: int,
        records: Records,
        progress: "tqdm[Never]",
        keep: Callable[[Done], None] = lambda done: None,
        done: Done | None = None,
    ) -> None:
        """Train a repetition into its own records.

        Args:
            keep: is told after every epoch what has been done.
            done: what is there already.
        """
        streams = Streams(self.spec.seed, repetition)
        truth = network_labels(self.spec, self.dataset, repetition)
        labels = {"main": truth, "prefit": truth.copy()}
        labels["prefit"][self.trained] = truth[self.trained][streams.prefit_order(len(self.trained))]
        done = done or Done(0, 0, 0, self.start(repetition))
        parts = [(part, epoch) for part, length in training_parts(self.spec) for epoch in range(-1, length)]
        for part, epoch in parts[done.states :]:
            if epoch >= 0:
                order = streams.order(part, epoch, len(self.trained))
                loss, right = self.train_epoch(done.state, labels[part], order)
                records.history[done.epochs] = loss, right, self.accuracy(done.state, truth)
                done = done._replace(epochs=done.epochs + 1)
                progress.update()
            if epoch < 0 or epoch % self.spec.record_every == 0:
                records.parameters[done.snapshots] = done.state.parameters[: self.network.size]
                records.ranges[done.snapshots] = done.state.ranges
                done = done._replace(snapshots=done.snapshots + 1)
            done = done._replace(states=done.states + 1)
            keep(done)


def train_repetitions(
    spec: TrainingSpec,
    dataset: Dataset,
    repetitions: Sequence[int],
    records: Records,
    progress: "tqdm[Never]",
    checkpoint: Checkpoint | None = None,
) -> None:
    """Train repetitions of a spec into their records, one after the other.

    Args:
        checkpoint: where to write what has been done now and then, and to go on from.
    """
    trainer = Trainer(spec, dataset)
    found = checkpoint.load() if checkpoint else None
    first, done = resume(found, records) if found else (0, None)
    progress.update(int(first) * records.history.shape[1] + (done.epochs if done else 0))
    for place in range(first, len(repetitions)):
        own = Records(*(each[place] for each in records))

        def keep(done: Done, place: int = place) -> None:
            if checkpoint and checkpoint.is_due:
                checkpoint.save(kept(records, place, done))

        trainer.train(repetitions[place], own, progress, keep, done)
        done = None


def kept(records: Records, place: int, done: Done) -> dict[str, np.ndarray]:
    """What a checkpoint holds: the records of the repetitions before one, and what has been done of it."""
    finished = {f"finished.{name}": array[:place] for name, array in records._asdict().items()}
    own = {
        "own.parameters": records.parameters[place, : done.snapshots],
        "own.ranges": records.ranges[place, : done.snapshots],
        "own.history": records.history[place, : done.epochs],
    }
    counts = np.array([place, done.states, done.epochs, done.snapshots])
    return (
        finished
        | own
        | {f"state.{name}": array for name, array in done.state._asdict().items()}
        | {"done": counts}
    )


def resume(found: dict[str, np.ndarray], records: Records) -> tuple[int, Done]:
    """Fill the records from a checkpoint: the repetition to go on with, and what has been done of it."""
    place, states, epochs, snapshots = found["done"].tolist()
    for name, array in records._asdict().items():
        array[:place] = found[f"finished.{name}"]
        own = found[f"own.{name}"]
        array[place, : len(own)] = own
    state = State(**{name: found[f"state.{name}"].copy() for name in State._fields})
    return place, Done(states, epochs, snapshots, state)
