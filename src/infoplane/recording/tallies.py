"""Tallies: what is gathered of a layer while a model runs over its inputs, and the information in it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from infoplane.entropy import Information
from infoplane.errors import UserError
from infoplane.information.arrays import count, words_of
from infoplane.information.estimators import Discrete, Estimator, Exact, OfActivations, counted_inputs
from infoplane.information.layers import Layer
from infoplane.kernels.counting import pack
from infoplane.recording.rows import RowNumbers

__all__ = ["Collected", "Ends", "LayerExtremes", "LayerTally", "Streamed", "streams"]

Ends = tuple[float, float]


class LayerTally(ABC):
    """What is gathered of one layer, in as many passes over the inputs as it takes.

    Attributes:
        layer: its name.
        is_complete: whether no further pass is needed.
        information: by the names of estimators, each of one snapshot, once it is complete.
    """

    def __init__(self, layer: str) -> None:
        self.layer = layer
        self.is_complete = False
        self.information = dict[str, Information]()

    @property
    @abstractmethod
    def bytes_needed(self) -> int:
        """Memory that the next pass takes."""

    def needs(self, start: int, stop: int) -> bool:
        """Whether the next pass must see these inputs."""
        return True

    @abstractmethod
    def look(self, start: int, rows: Tensor) -> None:
        """Take what the layer outputs for the inputs from `start` on, (inputs, width)."""

    @abstractmethod
    def end_pass(self) -> None:
        """Draw the conclusion of a pass over all inputs."""


class LayerExtremes(LayerTally):
    """The lowest and the highest activation of a layer."""

    bytes_needed = 0

    def __init__(self, layer: str) -> None:
        super().__init__(layer)
        self.low, self.high = np.inf, -np.inf

    def look(self, start: int, rows: Tensor) -> None:
        low, high = torch.aminmax(rows)
        self.low, self.high = min(self.low, float(low)), max(self.high, float(high))

    def end_pass(self) -> None:
        refuse_infinity(self.layer, self.low, self.high)
        self.is_complete = True


class Collected(LayerTally):
    """A layer that is stored whole: the estimators see all of it at once, as those of a replay do.

    Args:
        layer: its name.
        width, dtype: what it outputs for an input.
        labels: (N,) classes.
        estimators: by their names.
        ends: the range `global`.
    """

    def __init__(
        self,
        layer: str,
        width: int,
        dtype: torch.dtype,
        labels: np.ndarray,
        estimators: Mapping[str, Estimator],
        ends: Ends,
    ) -> None:
        super().__init__(layer)
        self.shape, self.dtype = (len(labels), width), dtype
        self.labels, self.estimators, self.ends = labels, estimators, ends
        self.values = np.empty(0)

    @property
    def bytes_needed(self) -> int:
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def look(self, start: int, rows: Tensor) -> None:
        if start == 0:
            self.values = torch.empty(self.shape, dtype=self.dtype).numpy()
        self.values[start : start + len(rows)] = rows.numpy()

    def end_pass(self) -> None:
        self.information = {name: self.estimated(each) for name, each in self.estimators.items()}
        self.values = np.empty(0)  # which makes room for the layers of the next pass
        self.is_complete = True

    def estimated(self, estimator: Estimator) -> Information:
        """The information of the layer by one estimator."""
        values = self.values.T[None]
        if isinstance(estimator, Exact):
            return count(words_of(values), self.labels)
        values = as_floats(values)
        if not isinstance(estimator.spec.range, tuple):
            refuse_infinity(self.layer, values.min(), values.max())
        nothing = np.zeros(1)
        layer = Layer(32, None, nothing, nothing, values + values.dtype.type(0), False)
        if isinstance(estimator, Discrete):
            return count(estimator.words(layer, self.ends), self.labels)
        inputs = len(self.labels)
        everything = counted_inputs(np.arange(inputs), inputs, int(self.labels.max()) + 1)
        return estimator.information(layer, self.ends, self.labels, everything)


class Streamed(LayerTally):
    """A layer that is too large to be stored, as one estimator sees it: its distinct codes are numbered.

    A range that the layer itself decides takes a pass of its own.

    Args:
        layer: its name.
        labels: (N,) classes.
        name, estimator: one that `streams`.
        ends: the range `global`.
        memory: bytes of rows that may be stored at a time.
    """

    def __init__(
        self, layer: str, labels: np.ndarray, name: str, estimator: Estimator, ends: Ends, memory: int
    ) -> None:
        super().__init__(layer)
        self.labels, self.name, self.estimator = labels, name, estimator
        self.numbers = RowNumbers(layer, len(labels), memory)
        chosen = None if isinstance(estimator, Exact) else estimator.spec.range or "layer"
        self.by_neuron, self.is_ranging = chosen == "neuron", chosen in ("layer", "neuron")
        low, high = (np.inf, -np.inf) if self.is_ranging else chosen if isinstance(chosen, tuple) else ends
        self.low, self.high = np.full((1, 1, 1), low), np.full((1, 1, 1), high)

    @property
    def bytes_needed(self) -> int:
        return self.numbers.bytes_due

    def needs(self, start: int, stop: int) -> bool:
        return self.is_ranging or bool(self.numbers.due[start:stop].any())

    def look(self, start: int, rows: Tensor) -> None:
        if self.is_ranging:
            self.widen(as_floats(rows.numpy()))
        else:
            self.numbers.look(start, self.codes(rows.numpy()))

    def widen(self, rows: np.ndarray) -> None:
        """Let the range contain the rows."""
        low, high = (extreme(axis=0 if self.by_neuron else None) for extreme in (rows.min, rows.max))
        self.low = np.minimum(self.low, np.reshape(low, (1, -1, 1)).astype(np.float64))
        self.high = np.maximum(self.high, np.reshape(high, (1, -1, 1)).astype(np.float64))

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """The codes of rows, (inputs, words)."""
        if not isinstance(self.estimator, OfActivations):
            return rows
        values = np.ascontiguousarray(as_floats(rows.T))[None]
        codes = self.estimator.codes(values, self.low, self.high)
        return np.ascontiguousarray(pack(codes, self.estimator.field)[0].T)

    def end_pass(self) -> None:
        if self.is_ranging:
            refuse_infinity(self.layer, self.low.min(), self.high.max())
            self.is_ranging = False
        else:
            self.numbers.end_pass()
            self.is_complete = not self.numbers.open.any()
        if self.is_complete:
            self.information = {self.name: count(self.numbers.values[None, None], self.labels)}


def streams(estimator: Estimator) -> bool:
    """Whether an estimator finds the code of an input from its own row and a range alone."""
    return isinstance(estimator, Exact | OfActivations)


def as_floats(values: np.ndarray) -> np.ndarray:
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def refuse_infinity(layer: str, low: float, high: float) -> None:
    if not np.isfinite([low, high]).all():
        raise UserError(
            f"layer {layer}: outputs infinity, over which no bins can be defined; use exact, or a range of "
            "two numbers"
        )
