"""Training in PyTorch: on a processor one repetition after the other, on a GPU many of them side by side."""

from collections.abc import Iterator, Sequence
from typing import Never

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
from infoplane.networks.quantization import values_of
from infoplane.networks.ranges import AT_START, MOVING_START, averaging_at
from infoplane.networks.steps import Batch, State, adam_rate, take_step
from infoplane.trajectory import Records, training_parts

__all__ = ["initial_state", "train_repetitions"]

MEMBERS_ON_GPU = 50


@torch.no_grad()
def train_repetitions(
    spec: TrainingSpec,
    dataset: Dataset,
    repetitions: Sequence[int],
    records: Records,
    progress: "tqdm[Never]",
    checkpoint: Checkpoint | None,
    device: torch.device,
) -> None:
    """Train some repetitions into their records; no checkpoint is kept.

    A GPU trains ensembles of one width, the last one made up by copies: so a repetition's numbers do not
    depend on who else is trained.
    """
    torch.set_num_threads(1)
    model, values = model_on(spec, dataset)
    width = 1 if device.type == "cpu" else members_on_gpu(model)
    for first in range(0, len(repetitions), width):
        group = slice(first, first + width)
        members = [*repetitions[group]]
        members += members[-1:] * (width - len(members))
        own = Records(*(each[group] for each in records))
        train_members(model, values, dataset, members, own, progress, device)


def members_on_gpu(model: Model) -> int:
    """How many members are trained side by side: fewer where a batch of a layer takes much memory."""
    of_one = model.spec.batch_size * model.network.widest
    return max(1, min(MEMBERS_ON_GPU, MOST_VALUES_ON_GPU // of_one))


def train_members(
    model: Model,
    values: np.ndarray,
    dataset: Dataset,
    members: Sequence[int],
    records: Records,
    progress: "tqdm[Never]",
    device: torch.device,
) -> None:
    """Train repetitions side by side into the records of the first of them."""
    spec, train_mask, recorded = model.spec, dataset.train_mask, len(records.history)
    streams = [Streams(spec.seed, member) for member in members]
    answers = np.stack([network_labels(spec, dataset, member) for member in members])
    inputs = torch.from_numpy(values[train_mask]).to(device)
    main_labels = torch.from_numpy(answers[:, train_mask]).to(device)
    state = initial_state(model, streams, inputs)
    history = torch.empty(records.history.shape, dtype=torch.float64, device=device)
    evaluation = Evaluation(model, values, answers, train_mask, device)
    steps = epochs = snapshots = 0

    def record() -> None:
        nonlocal snapshots
        records.parameters[:, snapshots] = state.parameters[:recorded].cpu()
        records.ranges[:, snapshots] = state.ranges[:recorded].cpu()
        snapshots += 1

    for part, length in training_parts(spec):
        labels = prefit_labels(main_labels, streams) if part == "prefit" else main_labels
        record()
        for epoch in range(length):
            state = state._replace(tally=torch.zeros_like(state.tally))
            orders = np.stack([each.order(part, epoch, len(inputs)) for each in streams])
            for batch in batches_of(inputs, labels, orders, spec.batch_size):
                steps += 1
                state = take_step(model, state, batch, adam_rate(spec, steps), averaging_at(steps))
            history[:, epochs, :2] = state.tally[:recorded] / len(inputs)
            history[:, epochs, 2] = evaluation.accuracy(state)[:recorded]
            epochs += 1
            if epoch % spec.record_every == 0:
                record()
            progress.update(recorded)
    records.history[:] = history.cpu()


def initial_state(model: Model, streams: Sequence[Streams], inputs: Tensor) -> State:
    """The state before the first step.

    Debiased ranges start as those over the training inputs, (N, features).
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
    return State(parameters, moment, moment, ranges, tally)


def prefit_labels(labels: Tensor, streams: Sequence[Streams]) -> Tensor:
    """The training labels (members, N), those of every member shuffled in its own way."""
    orders = np.stack([each.prefit_order(labels.shape[1]) for each in streams])
    return labels.gather(1, torch.from_numpy(orders).to(labels.device))


def batches_of(inputs: Tensor, labels: Tensor, orders: np.ndarray, size: int) -> Iterator[Batch]:
    """The batches of one epoch, each member's in its own order; the last one may be smaller.

    Args:
        inputs: (N, features).
        labels: (members, N).
        orders: (members, N), a permutation of the inputs for each member.
        size: of a batch.
    """
    for places in torch.split(torch.from_numpy(orders).to(labels.device), size, 1):
        yield Batch(inputs[places].transpose(1, 2), labels.gather(1, places))


class Evaluation:
    """The test after an epoch: on the test inputs, or on all where a range is that of the whole data set."""

    def __init__(
        self,
        model: Model,
        values: np.ndarray,
        labels: np.ndarray,
        train_mask: np.ndarray,
        device: torch.device,
    ) -> None:
        self.model = model
        places = np.flatnonzero(~train_mask | model.scheme.needs_all_inputs)
        self.inputs = torch.from_numpy(values[places].T).to(device)
        self.labels = torch.from_numpy(labels[:, places]).to(device)
        self.counted = torch.from_numpy(np.flatnonzero(~train_mask[places])).to(device)

    def accuracy(self, state: State) -> Tensor:
        """The share of the test inputs that each member puts in its class, (members,) float64."""
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
        """The most likely class of each input, (members, N); of several the first."""
        outputs, _ = forward(self.model, parameters, ranges, inputs[None])
        return values_of(outputs[-1]).argmax(1)
