"""Training in PyTorch: one repetition after the other on a processor, many side by side on a GPU."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Never

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from infoplane.checkpoint import Checkpoint
from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset
from infoplane.kernels.random import Streams
from infoplane.networks.forward import MOST_VALUES_ON_GPU, Model, forward, model_on, pass_sizes
from infoplane.networks.initialisation import initialise
from infoplane.networks.inputs import network_labels
from infoplane.networks.optimizers import batch_size_of, step_rate
from infoplane.networks.quantization import values_of
from infoplane.networks.ranges import AT_START, MOVING_START, averaging_at
from infoplane.networks.steps import Batch, EnsembleState, take_step
from infoplane.trajectory import Records, training_parts

__all__ = ["initial_state", "train_repetitions"]

MEMBERS_ON_GPU = 50


@torch.no_grad()
def train_repetitions(
    spec: TrainingSpec,
    dataset: Dataset,
    repetitions: Sequence[int],
    records: Records,
    bar: "tqdm[Never]",
    checkpoint: Checkpoint | None,
    device: torch.device,
) -> None:
    """Train repetitions of a spec into their records.

    Args:
        bar: progress in epochs of repetitions.
        checkpoint: not used: this engine writes none.
    """
    torch.set_num_threads(1)
    model, values = model_on(spec, dataset)
    width = 1 if device.type == "cpu" else members_on_gpu(model, int(dataset.train_mask.sum()))
    for ensemble in ensembles_of(repetitions, width):
        train_ensemble(model, values, dataset, ensemble, records, bar, device)


def members_on_gpu(model: Model, trained: int) -> int:
    """Number of members that are trained side by side, within the memory for a batch of a layer."""
    of_one = batch_size_of(model.spec, trained) * model.network.widest
    return max(1, min(MEMBERS_ON_GPU, MOST_VALUES_ON_GPU // of_one))


class Ensemble(NamedTuple):
    """Repetitions that are trained side by side.

    Attributes:
        members: number of the repetition at each position.
        recorded: positions of the repetitions that are recorded; the others are copies.
        rows: their rows of the records.
    """

    members: list[int]
    recorded: list[int]
    rows: list[int]


def ensembles_of(repetitions: Sequence[int], width: int) -> list[Ensemble]:
    """Ensembles of one width, in which the position of a repetition is its number modulo the width.

    A GPU may round a member's sums differently at another position, where its numbers begin elsewhere in
    memory. As the position is a function of the number, a repetition does not depend on which others are
    trained. Copies of the first repetition fill the other positions.

    >>> for ensemble in ensembles_of([4, 5, 7], 3):
    ...     print(*ensemble)
    [4, 4, 5] [1, 2] [0, 1]
    [7, 7, 7] [1] [2]
    """
    ensembles: list[Ensemble] = []
    for row, number in enumerate(repetitions):
        position = number % width
        free = next((each for each in ensembles if position not in each.recorded), None)
        if free is None:
            free = Ensemble([number] * width, [], [])
            ensembles.append(free)
        free.members[position] = number
        free.recorded.append(position)
        free.rows.append(row)
    return ensembles


def train_ensemble(
    model: Model,
    values: np.ndarray,
    dataset: Dataset,
    ensemble: Ensemble,
    records: Records,
    bar: "tqdm[Never]",
    device: torch.device,
) -> None:
    """Train repetitions side by side into their rows of the records."""
    spec, train_mask = model.spec, dataset.train_mask
    members, recorded, rows = ensemble
    streams = [Streams(spec.seed, member) for member in members]
    answers = np.stack([network_labels(spec, dataset, member) for member in members])
    inputs = torch.from_numpy(values[train_mask]).to(device)
    main_labels = torch.from_numpy(answers[:, train_mask]).to(device)
    state = initial_state(model, streams, inputs)
    shape = len(members), *records.history.shape[1:]
    history = torch.empty(shape, dtype=torch.float64, device=device)
    evaluation = Evaluation(model, values, answers, train_mask, device)
    steps = epochs = snapshots = 0

    def record() -> None:
        nonlocal snapshots
        records.parameters[rows, snapshots] = state.parameters.cpu()[recorded]
        records.ranges[rows, snapshots] = state.ranges.cpu()[recorded]
        snapshots += 1

    for part, length in training_parts(spec):
        labels = prefit_labels(main_labels, streams) if part == "prefit" else main_labels
        record()
        for epoch in range(length):
            state = state._replace(tally=torch.zeros_like(state.tally))
            orders = np.stack([each.order(part, epoch, len(inputs)) for each in streams])
            for batch in batches_of(inputs, labels, orders, batch_size_of(spec, len(inputs))):
                steps += 1
                state = take_step(model, state, batch, step_rate(spec, steps), averaging_at(steps))
            history[:, epochs, :2] = state.tally / len(inputs)
            history[:, epochs, 2] = evaluation.accuracy(state)
            epochs += 1
            if epoch % spec.record_every == 0:
                record()
            bar.update(len(rows))
    records.history[rows] = history.cpu()[recorded]


def initial_state(model: Model, streams: Sequence[Streams], inputs: Tensor) -> EnsembleState:
    """The state before the first step; debiased ranges start from the extremes over all training inputs.

    Args:
        streams: random numbers of each member.
        inputs: the training inputs, (N, features).
    """
    network = model.network
    drawn = [initialise(network, model.spec, each.uniforms(network.size)) for each in streams]
    parameters = torch.from_numpy(np.stack(drawn)).to(inputs.device)
    start = torch.tensor(MOVING_START, device=inputs.device)
    ranges = start.repeat(len(streams), len(network.layers), 2, 1)
    if model.scheme.starts_from_inputs:
        one_by_one = zip(torch.split(parameters, 1), torch.split(ranges, 1), strict=True)
        ranges = torch.cat([forward(model, *each, inputs.T[None], AT_START)[1] for each in one_by_one])
    moment = torch.zeros_like(parameters)
    tally = torch.zeros(len(streams), 2, dtype=torch.float64, device=inputs.device)
    return EnsembleState(parameters, moment, moment, ranges, tally)


def prefit_labels(labels: Tensor, streams: Sequence[Streams]) -> Tensor:
    """Training labels (members, N), shuffled for each member by its own random numbers."""
    orders = np.stack([each.prefit_order(labels.shape[1]) for each in streams])
    return labels.gather(1, torch.from_numpy(orders).to(labels.device))


def batches_of(inputs: Tensor, labels: Tensor, orders: np.ndarray, size: int) -> Iterator[Batch]:
    """Batches of one epoch, in which each member has its own order of the inputs; the last may be smaller.

    Args:
        inputs: (N, features).
        labels: (members, N).
        orders: a permutation of the inputs for each member, (members, N).
        size: number of inputs of a batch.
    """
    for indices in torch.split(torch.from_numpy(orders).to(labels.device), size, 1):
        yield Batch(inputs[indices].transpose(1, 2), labels.gather(1, indices))


class Evaluation:
    """Test after an epoch, on the test inputs, or on all where a layer's range is that of all of them."""

    def __init__(
        self,
        model: Model,
        values: np.ndarray,
        labels: np.ndarray,
        train_mask: np.ndarray,
        device: torch.device,
    ) -> None:
        self.model = model
        tested = np.flatnonzero(~train_mask | model.scheme.needs_all_inputs)
        self.inputs = torch.from_numpy(values[tested].T).to(device)
        self.labels = torch.from_numpy(labels[:, tested]).to(device)
        self.counted = torch.from_numpy(np.flatnonzero(~train_mask[tested])).to(device)

    def accuracy(self, state: EnsembleState) -> Tensor:
        """Share of the test inputs that each member classifies correctly, (members,) float64."""
        count, device = len(self.labels[0]), self.labels.device
        members, inputs = pass_sizes(self.model, len(self.labels), count, device)
        blocks = torch.split(self.inputs, inputs, 1)
        groups = zip(torch.split(state.parameters, members), torch.split(state.ranges, members), strict=True)
        classes = [
            torch.cat([self.classes(parameters, ranges, block) for block in blocks], 1)
            for parameters, ranges in groups
        ]
        return (torch.cat(classes) == self.labels)[:, self.counted].double().mean(1)

    def classes(self, parameters: Tensor, ranges: Tensor, inputs: Tensor) -> Tensor:
        """The most likely class of each input, (members, N); the first of several."""
        outputs, _ = forward(self.model, parameters, ranges, inputs[None])
        return values_of(outputs[-1]).argmax(1)
