"""Estimators of the information of a layer, a class for each kind.

All but `kde` make T discrete and count. Their class says which codes a neuron can have, and how many. The
field that a code is packed into follows from that number, and a code that does not fit is refused: no two
codes can become one. What tables and figures have to know of a kind stands in `infoplane.config.kinds`.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np

from infoplane.config import EstimatorSpec
from infoplane.entropy import Information
from infoplane.errors import UserError
from infoplane.information.binning import adaptive_bins, quantized, rebinned, uniform_bins
from infoplane.information.density import mixture_information
from infoplane.information.layers import Layer
from infoplane.kernels.counting import (
    Workspace,
    information_of_words,
    number_columns,
    pack,
    pack_translated,
    workspace_for,
)

__all__ = ["FAILED", "CountedInputs", "Discrete", "Estimator", "Exact", "counted_inputs", "estimator_of"]

Ends = tuple[float, float]
# `Information` of a layer at a snapshot that is not finite, or has no range
FAILED = np.nan, np.nan, np.nan, 0


class CountedInputs(NamedTuple):
    """The n inputs, of all N, whose information is estimated.

    Attributes:
        indices: of these inputs among all, (n,); None for all inputs.
        classes: the number of classes of all inputs.
        workspace: `workspace_for` n inputs of these classes.
    """

    indices: np.ndarray | None
    classes: int
    workspace: Workspace

    def select(self, values: np.ndarray) -> np.ndarray:
        """The part of (…, N) that belongs to them, (…, n)."""
        return values if self.indices is None else values[..., self.indices]


def counted_inputs(indices: np.ndarray, inputs: int, classes: int) -> CountedInputs:
    """The inputs at some indices (n,) of all, in this order."""
    everything = len(indices) == inputs
    return CountedInputs(None if everything else indices, classes, workspace_for(len(indices), classes))


class Estimator(ABC):
    """A way to estimate the information of a layer.

    Args:
        spec: the estimator.
        bits: the bits of the network's activations, or 32 of a float32 network.

    Attributes:
        is_of_grid: whether a neuron's codes are those of its layer's grid, and no others.
        exact_up_to: up to how many bits it equals the exact value in hidden layers of quantized networks.
    """

    is_of_grid = False
    exact_up_to = 0

    def __init__(self, spec: EstimatorSpec, bits: int) -> None:
        self.spec, self.bits = spec, bits

    @property
    @abstractmethod
    def number(self) -> int:
        """The number of different codes that a neuron can have."""

    def information(self, layer: Layer, ends: Ends, labels: np.ndarray, inputs: CountedInputs) -> Information:
        """The information of a layer at its S snapshots, each value (S,); NaN and 0 where it is not defined.

        Args:
            layer: what it puts out for all N inputs.
            ends: the lowest and the highest activation of the run, which the range `global` spans.
            labels: (n,) classes of the inputs that are counted.
            inputs: these inputs.
        """
        defined = self.is_defined(layer)
        if defined.all():
            return self.defined_information(layer, ends, labels, inputs)
        result = Information(*(np.full(len(defined), value) for value in FAILED))
        if defined.any():
            found = self.defined_information(layer.at(defined), ends, labels, inputs)
            for values, own in zip(result, found, strict=True):
                values[defined] = own
        return result

    @abstractmethod
    def defined_information(
        self, layer: Layer, ends: Ends, labels: np.ndarray, inputs: CountedInputs
    ) -> Information:
        """As `information`, of a layer at snapshots at which the estimator is defined."""

    def is_defined(self, layer: Layer) -> np.ndarray:
        """Whether the activations of each snapshot have codes, (S,): neither NaN nor, over a range, infinity.

        Parameters may be finite where what they compute is not. Outside of a given range, infinity has the
        code of an end.
        """
        if layer.values is None:
            return np.ones(layer.shape[0], bool)
        low, high = (ends.ravel() for ends in layer.extremes((1, 2)))
        finite: np.ndarray = np.isfinite(low) & np.isfinite(high)
        # NaN is both the lowest and the highest value
        return np.logical_not(np.isnan(low)) if isinstance(self.spec.range, tuple) else finite


class Discrete(Estimator):
    """An estimator that makes T discrete and counts the codes."""

    @abstractmethod
    def words(self, layer: Layer, ends: Ends) -> np.ndarray:
        """The codes of a layer, packed into words without loss: (S, words, N) uint64."""

    @property
    def field(self) -> int:
        """The bits of the field that holds a neuron's code."""
        return (self.number - 1).bit_length()

    def defined_information(
        self, layer: Layer, ends: Ends, labels: np.ndarray, inputs: CountedInputs
    ) -> Information:
        return information_of_words(inputs.select(self.words(layer, ends)), labels, inputs.workspace)


class Exact(Discrete):
    """T itself: the codes of a quantized layer, or the bit patterns of a float32 one."""

    is_of_grid = True

    @property
    def number(self) -> int:
        return 1 << self.bits

    def is_defined(self, layer: Layer) -> np.ndarray:
        return np.ones(layer.shape[0], bool)  # every bit pattern is a code

    def words(self, layer: Layer, ends: Ends = (0, 0)) -> np.ndarray:
        # Differences of logits have as many values as their codes, but not the lowest ones.
        return pack(layer.t, 8 * layer.t.itemsize)


class OfActivations(Discrete):
    """A function of each activation and of a range.

    A quantized layer has few activations: the function is tabled for its codes.
    """

    @abstractmethod
    def codes(self, activations: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The codes 0 … `number` − 1 of activations (S, …, …) over ranges (S, 1 or outputs, 1)."""

    def words(self, layer: Layer, ends: Ends) -> np.ndarray:
        low, high = self.ends(layer, ends)
        if layer.values is not None:
            return pack(self.codes(layer.values, low, high), self.field)
        assert layer.codes is not None
        values = np.repeat(layer.table[:, None], low.shape[1], axis=1)
        return pack_translated(layer.codes, self.codes(values, low, high), self.field)

    def ends(self, layer: Layer, ends: Ends) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the range, each (S, 1 or outputs, 1)."""
        chosen = self.spec.range or "layer"
        if chosen == "layer":
            return layer.extremes((1, 2))
        if chosen == "neuron":
            return layer.extremes((2,))
        low, high = ends if chosen == "global" else chosen
        everywhere = np.ones((layer.shape[0], 1, 1))
        return low * everywhere, high * everywhere


class Uniform(OfActivations):
    """Bins of equal width over a range."""

    @property
    def number(self) -> int:
        assert self.spec.bins is not None
        return self.spec.bins

    def codes(self, activations: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return uniform_bins(activations, low, high, self.number)


class Rebinned(OfActivations):
    """Rounding to 2ᵇ steps over the range of the layer, as the published code does it."""

    exact_up_to = 8

    @property
    def number(self) -> int:
        return (1 << self.bits) + 1

    def codes(self, activations: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return rebinned(activations, low, high, self.bits)


class Quantized(OfActivations):
    """Codes of a uniform quantizer, of the network's bits unless it has its own."""

    @property
    def own_bits(self) -> int:
        """The bits b of the quantizer."""
        return self.spec.bits or self.bits

    @property
    def number(self) -> int:
        return 1 << self.own_bits

    def codes(self, activations: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return quantized(activations, low, high, self.own_bits)


class Adaptive(Discrete):
    """Bins of equal mass over the layer."""

    @property
    def number(self) -> int:
        assert self.spec.bins is not None
        return self.spec.bins

    def words(self, layer: Layer, ends: Ends) -> np.ndarray:
        return pack(np.stack([adaptive_bins(own, self.number) for own in layer.activations]), self.field)


class KernelDensity(Estimator):
    """Bounds of the information of T + Z, with Gaussian noise Z that the network does not have.

    The activations that inputs share are one point, weighted by the number of its inputs.
    """

    is_of_grid = True

    @property
    def number(self) -> int:
        return 1 << self.bits

    def defined_information(
        self, layer: Layer, ends: Ends, labels: np.ndarray, inputs: CountedInputs
    ) -> Information:
        values = layer.values
        outputs = inputs.select(layer.outputs if values is None else values.view(f"u{values.itemsize}"))
        activations = inputs.select(layer.activations)
        found = [
            self.of_snapshot(*each, labels, inputs.classes)
            for each in zip(activations, pack(outputs, 8 * outputs.itemsize), strict=True)
        ]
        i_xt, i_ty, distinct = map(np.array, zip(*found, strict=True))
        return Information(i_xt, i_xt, i_ty, distinct)

    def of_snapshot(
        self, activations: np.ndarray, words: np.ndarray, labels: np.ndarray, classes: int
    ) -> tuple[float, float, int]:
        """I(X;T), I(T;Y) and the number of distinct activations (width, n)."""
        numbers, first = number_columns(words)
        pairs = numbers.astype(np.int64) * classes + labels
        counts = np.bincount(pairs, minlength=len(first) * classes).reshape(-1, classes)
        assert self.spec.noise is not None
        i_xt, i_ty = mixture_information(activations[:, first], counts, self.spec.noise, self.spec.bound)
        return i_xt, i_ty, len(first)


KINDS: dict[str, type[Estimator]] = {
    "exact": Exact,
    "rebinned": Rebinned,
    "uniform": Uniform,
    "adaptive": Adaptive,
    "quantized": Quantized,
    "kde": KernelDensity,
}


def estimator_of(spec: EstimatorSpec, bits: int) -> Estimator:
    """The estimator of a spec, for networks whose activations have so many bits; float32 networks have 32.

    Raises:
        UserError: it takes a key from the network that a float32 one does not have.
    """
    for key in spec.of_network if bits == 32 else ():
        raise UserError(
            f"kind {spec.kind} takes its {key} from a network, and a float32 one has none; give {key}"
        )
    return KINDS[spec.kind](spec, bits)
