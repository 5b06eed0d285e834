"""What a network is shown of a data set: whole numbers and their scale, where that can be, and labels."""

from typing import NamedTuple

import numpy as np
import torch

from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset
from infoplane.quantization import Extremes, grid, quantize

__all__ = ["Inputs", "Streams", "network_inputs", "network_labels"]

TOP = 255


class Inputs(NamedTuple):
    """The inputs of a network.

    Attributes:
        values: (N, features) numbers.
        scale: if there is one, the values are whole, and what they stand for is their product with it.
    """

    values: np.ndarray
    scale: float | None


def network_inputs(dataset: Dataset, quantized: bool) -> Inputs:
    """The inputs of a network on a data set.

    Whole numbers stay as they are. Other inputs are put on a grid of 8 bits over the range of the training
    inputs if the network is quantized; if not, they are left as they are.
    """
    values = dataset.inputs.reshape(len(dataset.inputs), -1)
    if values.dtype.kind == "u":
        return Inputs(values if values.dtype == np.uint8 else values.astype(np.int32), dataset.scale)
    scaled = values * np.float32(dataset.scale)
    if not quantized:
        return Inputs(scaled, None)
    seen = torch.from_numpy(scaled[dataset.train_mask]).double()
    on = grid(Extremes(seen.min()[None], seen.max()[None]), torch.tensor(TOP, dtype=torch.float64))
    steps = quantize(torch.from_numpy(scaled).double()[None], on).steps[0]
    return Inputs(steps.short().numpy(), float(on.scale))


class Streams(NamedTuple):
    """A repetition's own sources of randomness."""

    initialisation: np.random.Generator
    shuffling: np.random.Generator
    prefit: np.random.Generator
    labels: np.random.Generator

    @classmethod
    def of(cls, spec: TrainingSpec, repetition: int) -> "Streams":
        return cls(*map(np.random.default_rng, np.random.SeedSequence([spec.seed, repetition]).spawn(4)))


def network_labels(spec: TrainingSpec, dataset: Dataset, repetition: int) -> np.ndarray:
    """The labels that a repetition is trained on and measured against, (N,).

    Shuffled labels are one permutation of all labels, of training and test inputs together.
    """
    if spec.labels == "given":
        return dataset.labels
    return Streams.of(spec, repetition).labels.permutation(dataset.labels)
