"""What a network reads of a data set: whole numbers and their scale, where that can be, and labels."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset
from infoplane.datasets.dataset import count_rows
from infoplane.random import Streams

__all__ = ["Distinct", "Inputs", "distinct_inputs", "network_inputs", "network_labels", "reading_of"]

TOP = 255.0
# Float32 holds all whole numbers up to 2²⁴; its smallest normal number is 2⁻¹²⁶
SIGNIFICANT, SMALLEST = 24, -126


class Inputs(NamedTuple):
    """The inputs of a network.

    Attributes:
        values: (N, features) numbers.
        scale: if there is one, the values are whole, and what they stand for is their product with it.
    """

    values: np.ndarray
    scale: float | None


class Distinct(NamedTuple):
    """How many inputs a network can tell apart.

    Attributes:
        read: the number of distinct inputs, as the network reads them.
        given: the number of those of the data set.
        merged: the features that vary in the data set, and take one value as the network reads them.
    """

    read: int
    given: int
    merged: np.ndarray


def network_inputs(dataset: Dataset, quantized: bool) -> Inputs:
    """The inputs of a network on a data set: see `reading_of`."""
    return reading_of(dataset, quantized)(dataset.inputs)


def reading_of(dataset: Dataset, quantized: bool) -> Callable[[np.ndarray], Inputs]:
    """How a network on a data set reads inputs, (N, …) of the type of the data set's.

    Whole numbers stay as they are. Other inputs are put on a grid of 8 bits over the range of the training
    inputs if the network is quantized; if not, they are left as they are. With `scaling: feature`, inputs of
    either kind become (x − low)/(high − low), over the range of each feature; on a grid of 8 bits if the
    network is quantized.
    """
    if dataset.scaling == "feature":
        return of_features(trained_on(dataset).astype(np.float64), quantized)
    if dataset.inputs.dtype.kind == "u":
        return lambda inputs: Inputs(whole(rows_of(inputs)), dataset.scale)
    scale = np.float32(dataset.scale)
    if not quantized:
        return lambda inputs: Inputs(rows_of(inputs) * scale, None)
    put = on_grid((trained_on(dataset) * scale).astype(np.float64))
    return lambda inputs: put((rows_of(inputs) * scale).astype(np.float64))


def trained_on(dataset: Dataset) -> np.ndarray:
    """The inputs that are trained on, (N, features)."""
    return rows_of(dataset.inputs[dataset.train_mask])


def rows_of(inputs: np.ndarray) -> np.ndarray:
    return inputs.reshape(len(inputs), -1)


def whole(values: np.ndarray) -> np.ndarray:
    return values if values.dtype == np.uint8 else values.astype(np.int32)


def of_features(seen: np.ndarray, quantized: bool) -> Callable[[np.ndarray], Inputs]:
    """Inputs as (x − low)/(high − low) of the range of each feature of those seen in training, (N, features).

    Where a feature takes one value in training, it is 0. On the grid, what lies outside of the range goes to
    its ends.
    """
    low, high = seen.min(0), seen.max(0)
    span = np.where(low == high, np.inf, high - low)

    def read(inputs: np.ndarray) -> Inputs:
        shares = (rows_of(inputs).astype(np.float64) - low) / span
        if not quantized:
            return Inputs(shares.astype(np.float32), None)
        return Inputs(np.floor(shares * TOP + 0.5).clip(0, TOP).astype(np.uint8), 1 / TOP)

    return read


def on_grid(seen: np.ndarray) -> Callable[[np.ndarray], Inputs]:
    """Inputs on the grid low + q·s, q = 0 … 255, that spans the range of those seen in training.

        s = (high − low)/255,  q = clamp(⌊(x − low)/s + ½⌋, 0, 255)

    Unlike that of weights and activations, this grid need not contain 0: 1,000 inputs around 1,000 would be
    one. Where 0 is on it, inputs are whole multiples of s. Elsewhere they are rounded to multiples of a power
    of two that leaves 24 bits to the largest of them, which is how precise float32 is there. So sums over
    inputs and whole weights are exact.

    Args:
        seen: (N, features) float64.
    """
    low, high = float(seen.min()), float(seen.max())
    if low == high:
        return lambda values: Inputs(np.zeros(values.shape, dtype=np.int16), 1.0)
    step, zero = (high - low) / TOP, -low / (high - low) * TOP
    unit = math.ldexp(1.0, max(math.frexp(max(abs(low), abs(high)))[1] - SIGNIFICANT, SMALLEST))

    def read(values: np.ndarray) -> Inputs:
        codes = np.floor((values - low) / step + 0.5).clip(0, TOP)
        if zero in range(256):
            return Inputs((codes - zero).astype(np.int16), step)
        return Inputs(np.rint((low + codes * step) / unit).astype(np.int32), unit)

    return read


def distinct_inputs(dataset: Dataset, quantized: bool) -> Distinct:
    """How many of the inputs of a data set a network can tell apart."""
    given, read = rows_of(dataset.inputs), network_inputs(dataset, quantized).values
    merged = np.flatnonzero((read == read[:1]).all(0) & (given != given[:1]).any(0))
    return Distinct(count_rows(read), count_rows(given), merged)


def network_labels(spec: TrainingSpec, dataset: Dataset, repetition: int) -> np.ndarray:
    """The labels that a repetition is trained on and measured against, (N,).

    Shuffled labels are one permutation of all labels, of training and test inputs together.
    """
    if spec.labels == "given":
        return dataset.labels
    order = Streams(spec.seed, repetition).label_order(len(dataset.labels))
    return np.take(dataset.labels, order)
