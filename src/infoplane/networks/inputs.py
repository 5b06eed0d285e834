"""What a network is shown of a data set: whole numbers and their scale, where that can be, and labels."""

import math
from typing import NamedTuple

import numpy as np

from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset
from infoplane.kernels.random import Streams

__all__ = ["Inputs", "network_inputs", "network_labels"]

TOP = 255.0


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
    return on_grid(scaled.astype(np.float64), scaled[dataset.train_mask].astype(np.float64))


def on_grid(values: np.ndarray, seen: np.ndarray) -> Inputs:
    """Values as steps of the grid of 8 bits over the range of those that are trained on, in float64.

    The grid is that of `infoplane.networks.quantization`: its range is widened to contain 0.
    """
    low, high = min(float(seen.min()), 0.0), max(float(seen.max()), 0.0)
    scale = (high - low) / TOP
    if scale == 0:
        return Inputs(np.zeros(values.shape, dtype=np.int16), 1.0)
    zero = min(math.floor(-low / (high - low) * TOP + 0.5), TOP)
    steps = np.clip(np.floor(values / scale + zero + 0.5), 0.0, TOP) - zero
    return Inputs(steps.astype(np.int16), scale)


def network_labels(spec: TrainingSpec, dataset: Dataset, repetition: int) -> np.ndarray:
    """The labels that a repetition is trained on and measured against, (N,).

    Shuffled labels are one permutation of all labels, of training and test inputs together.
    """
    if spec.labels == "given":
        return dataset.labels
    order = Streams(spec.seed, repetition).label_order(len(dataset.labels))
    return np.take(dataset.labels, order)
