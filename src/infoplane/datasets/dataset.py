"""Data sets: inputs, labels and their split into training and test inputs."""

import math
from dataclasses import dataclass, replace
from hashlib import sha256
from numbers import Real
from typing import Literal

import numpy as np

from infoplane.artifacts import array_digest
from infoplane.conversion import as_array
from infoplane.errors import UserError
from infoplane.html import html_table
from infoplane.random import Streams
from infoplane.refusals import refuse_other_names, refuse_other_types

__all__ = ["FEW", "Dataset", "count_rows", "first_part", "stratified_split", "with_train_fraction"]

SPLIT_SEED = 0
TRAIN_FRACTION = 0.8
# Share of the distinct inputs that are told apart at least
FEW = 0.99


@dataclass(frozen=True, repr=False)
class Dataset:
    """Inputs, their classes, and which of them are trained on.

    Arrays, tensors, lists and tables are accepted. Inputs that are whole numbers of 0 … 65535, or booleans,
    are stored as uint8 or uint16, others as float32.

    Attributes:
        name: its name in the config.
        inputs: (N, …) uint8, uint16 or float32.
        labels: (N,) classes 0 … C−1, int64.
        train_mask: (N,) boolean; unless given, 80 % of the inputs are trained on, stratified by label.
        scale: factor by which `inputs` are multiplied before the network reads them.
        scaling: the range of the training inputs that the grid of 8 bits spans on which a quantized network
            reads inputs that are not whole numbers: that of `all` features together, or of each `feature`,
            in which case every network reads (x − low)/(high − low).
        channels: `first` if images are (N, channels, rows, columns) although their shape suggests (N, rows,
            columns, channels).

    Raises:
        UserError: an array cannot be used.

    >>> Dataset("mine", [[0.5], [1.5], [2.5], [3.5], [4.5]], [0, 1, 0, 1, 1])
    Dataset('mine': 5 inputs (1,) float32, 2 classes, 4 for training)
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    train_mask: np.ndarray = None  # type: ignore[assignment]  # an array as soon as it is made
    scale: float = 1.0
    scaling: Literal["all", "feature"] = "all"
    channels: Literal["first"] | None = None

    def __post_init__(self) -> None:
        refuse_other_types("name", self.name, str, "the name of the data set, text")
        refuse_other_types("scale", self.scale, Real, "a number")
        inputs = as_inputs(as_array(self.inputs, "inputs"))
        labels = as_labels(as_array(self.labels, "labels"), len(inputs))
        given = self.train_mask
        mask = stratified_split(labels) if given is None else as_array(given, "train_mask")
        arrays = {"inputs": inputs, "labels": labels, "train_mask": as_train_mask(mask, labels)}
        for name, array in arrays.items():
            object.__setattr__(self, name, array)
        if self.channels is not None:
            refuse_other_names("channels", self.channels, ("first",))
        else:
            refuse_channels_last(inputs.shape)
        refuse_scale(self)

    def __repr__(self) -> str:
        inputs = f"{len(self.inputs)} inputs {self.inputs.shape[1:]} {self.inputs.dtype}"
        return (
            f"Dataset({self.name!r}: {inputs}, {self.classes} classes, {self.train_mask.sum()} for training)"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: sizes, and the digest that artifacts know it by."""
        rows = {
            "inputs": f"{len(self.inputs)} of shape {self.inputs.shape[1:]}, {self.inputs.dtype}",
            "classes": self.classes,
            "for training": int(self.train_mask.sum()),
            "scale": f"{self.scale:g}",
            "digest": self.description["digest"],
        }
        return html_table(f"Dataset {self.name}", rows)

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1

    @property
    def description(self) -> dict[str, str | int]:
        """Name, number of inputs and digest, for the descriptions of artifacts that are made from it."""
        arrays = [self.inputs, self.labels, self.train_mask, np.array(self.scale, float)]
        if self.scaling != "all":
            arrays.append(np.array(self.scaling))
        return {"name": self.name, "inputs": len(self.inputs), "digest": array_digest(*arrays)}


def as_inputs(inputs: np.ndarray) -> np.ndarray:
    """Inputs as uint8, uint16 or float32, in C order."""
    if inputs.dtype.kind not in "buif":
        raise UserError(f"inputs are {inputs.dtype}, not real numbers; convert them")
    if inputs.ndim < 2:
        raise UserError(
            f"inputs have the shape {inputs.shape}, expected (N, …); give one feature the shape (N, 1)"
        )
    if not inputs.size:
        raise UserError(f"inputs are empty, their shape is {inputs.shape}; give at least two inputs")
    if inputs.dtype.kind != "f" and inputs.min() >= 0 and inputs.max() <= 65535:
        return inputs.astype(np.uint8 if inputs.max() <= 255 else np.uint16, order="C", copy=False)
    if odd := int((~np.isfinite(inputs)).sum()):
        raise UserError(f"inputs hold NaN or infinity, {odd} of {inputs.size}; remove or replace them")
    with np.errstate(over="ignore"):
        floats = inputs.astype(np.float32, order="C", copy=False)
    if not np.isfinite(floats).all():
        raise UserError("inputs exceed the range of float32, 3.4e38; rescale them")
    refuse_merged(inputs, floats)
    return floats


def refuse_merged(inputs: np.ndarray, floats: np.ndarray) -> None:
    """Raise a `UserError` if rounding to float32 makes more than 1 % of the distinct inputs equal."""
    if (floats == inputs).all():
        return
    given, left = count_rows(inputs.reshape(len(inputs), -1)), count_rows(floats.reshape(len(floats), -1))
    if left < FEW * given:
        raise UserError(
            f"inputs: float32 leaves {left} of {given} distinct ones; subtract what they have in common, as "
            "in inputs - inputs.min(axis=0)"
        )


def count_rows(values: np.ndarray) -> int:
    """The number of distinct rows; −0 is +0."""
    if values.dtype.kind == "f":
        values = values + values.dtype.type(0)
    return len({sha256(row.tobytes()).digest() for row in values})


def as_labels(labels: np.ndarray, expected: int) -> np.ndarray:
    """Labels as int64, if there are as many as expected, and they are the classes 0 … C−1."""
    if labels.shape != (expected,):
        raise UserError(
            f"labels have the shape {labels.shape}, expected ({expected},), one for each input; reshape them"
        )
    if labels.dtype.kind not in "bui":
        raise UserError(f"labels are {labels.dtype}, not integers; number the classes 0 … C−1")
    classes = np.unique(labels)
    if not np.array_equal(classes, np.arange(len(classes))):
        raise UserError(
            f"labels take {len(classes)} values from {classes[0]} to {classes[-1]}, expected all of "
            "0 … C−1; renumber the classes without gaps"
        )
    if len(classes) < 2:
        raise UserError("labels are all 0; give at least two classes")
    return labels.astype(np.int64, copy=False)


def as_train_mask(mask: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A train mask, if it leaves test inputs, and two classes to train on."""
    if mask.dtype != np.bool_ or mask.shape != labels.shape:
        raise UserError(
            f"train_mask is {mask.dtype} of the shape {mask.shape}, expected bool of {labels.shape}; "
            "give True for each input that is trained on"
        )
    if mask.all() or not mask.any():
        raise UserError(
            f"train_mask is {mask[0]} everywhere; give True for the training inputs, False for the "
            "test inputs, or leave it out to have the inputs split"
        )
    trained = labels[mask]
    if (trained == trained[0]).all():
        raise UserError(f"labels of all training inputs are {trained[0]}; train on two classes at least")
    return mask


def refuse_channels_last(shape: tuple[int, ...]) -> None:
    """Refuse images that look like (N, rows, columns, channels): longer axes before one of 1, 3 or 4."""
    if len(shape) == 4 and shape[3] in (1, 3, 4) and min(shape[1:3]) > shape[3]:
        raise UserError(
            f"inputs have the shape {shape}, which looks like (N, rows, columns, channels), expected "
            "(N, channels, rows, columns); give np.moveaxis(inputs, -1, 1), or set channels: first if the "
            "channels are the second axis"
        )


def refuse_scale(dataset: Dataset) -> None:
    """Refuse a scale by which inputs leave the range of float32, or that has no effect."""
    with np.errstate(over="ignore"):
        factor = np.float32(dataset.scale)
        highest = factor * np.float32(np.abs(dataset.inputs).max())
    if not factor >= np.finfo(np.float32).tiny or not np.isfinite(highest):
        raise UserError(
            f"datasets.{dataset.name}.scale: {dataset.scale} takes the inputs out of the range of float32, "
            "1.2e-38 … 3.4e38; use another"
        )
    refuse_other_names(f"datasets.{dataset.name}.scaling", dataset.scaling, ("all", "feature"))
    if dataset.scaling == "feature" and dataset.scale != 1:
        raise UserError(
            f"datasets.{dataset.name}.scale: has no effect where scaling is feature; remove one of them"
        )


def stratified_split(
    labels: np.ndarray, fraction: float = TRAIN_FRACTION, seed: int = SPLIT_SEED
) -> np.ndarray:
    """Mark ⌊fraction·N⌋ of the inputs for training, each class in its proportion (largest remainders).

    Args:
        labels: (N,) classes.

    Returns:
        (N,) boolean train mask.
    """
    return first_of_classes(labels, fraction, Streams(seed, 0).split_order(len(labels)))


def first_of_classes(labels: np.ndarray, fraction: float, order: np.ndarray) -> np.ndarray:
    """Mark the first ⌊fraction·N⌋ of N inputs in an order, each class in its proportion (largest remainders).

    Args:
        labels: (N,) classes.
        order: (n,) numbers of the inputs that may be marked.

    Returns:
        (N,) boolean mask; of a class that has too few inputs in the order, all of them.
    """
    classes, counts = np.unique(labels, return_counts=True)
    mask = np.zeros(len(labels), dtype=bool)
    for label, count in zip(classes, taken_of_classes(counts, fraction), strict=True):
        mask[order[labels[order] == label][:count]] = True
    return mask


def taken_of_classes(counts: np.ndarray, fraction: float) -> np.ndarray:
    """How many inputs of each class a share of all inputs takes (largest remainders).

    >>> taken_of_classes(np.array([5, 6]), 0.5)
    array([2, 3])
    """
    shares = counts * fraction
    taken: np.ndarray = np.floor(shares).astype(int)
    missing = math.floor(int(counts.sum()) * fraction) - taken.sum()
    taken[np.argsort(taken - shares, kind="stable")[:missing]] += 1
    return taken


def refuse_unfit_fraction(name: str, fraction: float, counts: np.ndarray, own: np.ndarray) -> None:
    """Refuse a share of all inputs that a data set cannot train on.

    Args:
        name: of the data set.
        counts: of all inputs, by class.
        own: of its training inputs, by class.
    """
    taken = taken_of_classes(counts, fraction)
    marked = np.minimum(taken, own)
    if marked.sum() < math.floor(int(counts.sum()) * fraction):
        first = int(np.argmax(taken > own))
        raise UserError(
            f"train_fraction: {fraction} of each class of data set {name} is more than its {own.sum()} "
            f"training inputs of {counts.sum()}: {taken[first]} of class {first}, which has {own[first]}; "
            "use less, or leave it out to train on these"
        )
    if not marked.all():
        raise UserError(
            f"train_fraction: {fraction} of data set {name} leaves no input of class "
            f"{int(np.argmin(marked))} to train on; use more"
        )


def with_train_fraction(dataset: Dataset, fraction: float | None) -> Dataset:
    """A data set of which a share of all inputs is trained on, each class in its proportion.

    They are the first of the data set's own training inputs, in the order of the split: a smaller share is
    part of a larger one, up to rounding, and a test input of the data set is never trained on. All that is
    not trained on is tested on.

    Args:
        fraction: the share; None leaves the data set's own.

    Raises:
        UserError: the data set has too few training inputs, or no input of some class is trained on.

    >>> from infoplane import load_dataset
    >>> with_train_fraction(load_dataset("synthetic"), 0.2)
    Dataset('synthetic': 4096 inputs (12,) uint8, 2 classes, 819 for training)
    """
    if fraction is None:
        return dataset
    labels, own = dataset.labels, dataset.train_mask
    counts = (np.bincount(its, minlength=dataset.classes) for its in (labels, labels[own]))
    refuse_unfit_fraction(dataset.name, fraction, *counts)
    order = Streams(SPLIT_SEED, 0).split_order(len(labels))
    return replace(dataset, train_mask=first_of_classes(labels, fraction, order[own[order]]))


def first_part(dataset: Dataset, fraction: float) -> Dataset:
    """The first ⌊fraction·n⌋ of the n training inputs and of the n test inputs, at least one of each.

    Raises:
        UserError: no input of some class is left, or one class to train on.

    >>> labels, mask = np.array([0, 1, 0, 1, 1, 0]), np.array([1, 1, 1, 1, 0, 0], dtype=bool)
    >>> first_part(Dataset("mine", np.arange(6)[:, None], labels, mask), 0.5).inputs.ravel()
    array([0, 1, 4], dtype=uint8)
    """
    chosen = np.zeros(len(dataset.labels), dtype=bool)
    for part in (dataset.train_mask, ~dataset.train_mask):
        indices = np.flatnonzero(part)
        chosen[indices[: max(1, math.floor(fraction * len(indices)))]] = True
    if lost := set(range(dataset.classes)) - set(dataset.labels[chosen].tolist()):
        raise UserError(
            f"datasets.{dataset.name}.fraction: {fraction} leaves no input of class {min(lost)}; raise it"
        )
    if len(set(dataset.labels[chosen & dataset.train_mask].tolist())) == 1:
        raise UserError(
            f"datasets.{dataset.name}.fraction: {fraction} leaves one class to train on; raise it"
        )
    return replace(
        dataset,
        inputs=dataset.inputs[chosen],
        labels=dataset.labels[chosen],
        train_mask=dataset.train_mask[chosen],
    )
