"""What a data set is, how it is split, and how it is cut short."""

import math
from dataclasses import dataclass, replace

import numpy as np

from infoplane.artifacts import array_digest
from infoplane.errors import UserError
from infoplane.kernels.random import Streams

__all__ = ["Dataset", "first_part", "stratified_split"]

SPLIT_SEED = 0
TRAIN_FRACTION = 0.8


@dataclass(frozen=True)
class Dataset:
    """Inputs, their classes, and which of them are trained on.

    Attributes:
        name: what the config calls it.
        inputs: (N, …) unsigned integers, or float32.
        labels: (N,) classes 0 … C−1, int64.
        train_mask: (N,) boolean.
        scale: what `inputs` are multiplied by to be what the network sees.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    train_mask: np.ndarray
    scale: float = 1.0

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1

    @property
    def description(self) -> dict[str, str | int]:
        """What an artifact made from this data says of it."""
        return {
            "name": self.name,
            "inputs": len(self.inputs),
            "digest": array_digest(self.inputs, self.labels, self.train_mask, np.array(self.scale, float)),
        }


def stratified_split(
    labels: np.ndarray, fraction: float = TRAIN_FRACTION, seed: int = SPLIT_SEED
) -> np.ndarray:
    """Mark ⌊fraction·N⌋ of the inputs for training, each class in its proportion (largest remainders).

    Args:
        labels: (N,) classes.

    Returns:
        (N,) boolean train mask.
    """
    classes, counts = np.unique(labels, return_counts=True)
    shares = counts * fraction
    taken = np.floor(shares).astype(int)
    missing = math.floor(len(labels) * fraction) - taken.sum()
    taken[np.argsort(taken - shares, kind="stable")[:missing]] += 1
    order = Streams(seed, 0).split_order(len(labels))
    mask = np.zeros(len(labels), dtype=bool)
    for label, count in zip(classes, taken, strict=True):
        mask[order[labels[order] == label][:count]] = True
    return mask


def first_part(dataset: Dataset, fraction: float) -> Dataset:
    """The first ⌊fraction·n⌋ of the n training inputs and of the n test inputs, at least one of each.

    Raises:
        UserError: no input of some class is left.

    >>> labels, mask = np.array([0, 1, 0, 1, 1, 0]), np.array([1, 1, 1, 1, 0, 0], dtype=bool)
    >>> first_part(Dataset("mine", np.arange(6)[:, None], labels, mask), 0.5).inputs.ravel()
    array([0, 1, 4])
    """
    kept = np.zeros(len(dataset.labels), dtype=bool)
    for part in (dataset.train_mask, ~dataset.train_mask):
        places = np.flatnonzero(part)
        kept[places[: max(1, math.floor(fraction * len(places)))]] = True
    if lost := set(range(dataset.classes)) - set(dataset.labels[kept].tolist()):
        raise UserError(
            f"datasets.{dataset.name}.fraction: {fraction} leaves no input of class {min(lost)}; raise it"
        )
    return replace(
        dataset,
        inputs=dataset.inputs[kept],
        labels=dataset.labels[kept],
        train_mask=dataset.train_mask[kept],
    )
