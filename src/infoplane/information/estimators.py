"""Estimators: the ways in which a layer's outputs are made discrete, a class for each kind.

A kind says how its codes are found, how many a neuron can have, over which range, and whether it is a
binning. The number of codes decides how they are packed: no two codes can share a field.
"""

from abc import ABC, abstractmethod

import numpy as np

from infoplane.config import Bits, EstimatorSpec, TrainingSpec
from infoplane.information.binning import adaptive_bins, quantized, rebinned, uniform_bins
from infoplane.information.layers import Layer
from infoplane.kernels.counting import pack, pack_translated

__all__ = ["Estimator", "estimator_of"]

Ends = tuple[float, float]


class Estimator(ABC):
    """A way in which T is made discrete before it is counted.

    Args:
        spec: the estimator.
        bits: the activation bits of the network, 32 for a float32 network.
    """

    def __init__(self, spec: EstimatorSpec, bits: int) -> None:
        self.spec, self.bits = spec, bits

    @abstractmethod
    def words(self, layer: Layer, ends: Ends) -> np.ndarray:
        """The codes of a layer, packed into words without loss: (S, words, N) uint64.

        Args:
            ends: the extremes of the repetition's activations, which the range `global` is.
        """


class Exact(Estimator):
    """T itself: as many codes as there are bits in what a neuron puts out."""

    def words(self, layer: Layer, ends: Ends) -> np.ndarray:
        return pack(layer.t, 8 * layer.t.itemsize)


class OfActivations(Estimator):
    """A function of each activation and of the range of its layer.

    A quantized layer has few activations: the function is tabled for its codes.
    """

    @property
    @abstractmethod
    def number(self) -> int:
        """How many codes a neuron can have: 0 … `number` − 1."""

    @abstractmethod
    def codes(self, activations: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The codes of activations (S, …, …) over ranges (S, 1 or outputs, 1)."""

    def words(self, layer: Layer, ends: Ends) -> np.ndarray:
        low, high = self.ends(layer, ends)
        field = (self.number - 1).bit_length()
        if layer.values is not None:
            return pack(self.codes(layer.values, low, high), field)
        assert layer.codes is not None
        values = np.repeat(layer.table[:, None], low.shape[1], axis=1)
        return pack_translated(layer.codes, self.codes(values, low, high), field)

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

    @property
    def number(self) -> int:
        return (1 << self.bits) + 1

    def codes(self, activations: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return rebinned(activations, low, high, self.bits)


class Quantized(OfActivations):
    """Codes of a uniform quantizer of the network's bits over a fixed range."""

    @property
    def number(self) -> int:
        return 1 << self.bits

    def codes(self, activations: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return quantized(activations, low, high, self.bits)


class Adaptive(Estimator):
    """Bins of equal mass over the layer."""

    def words(self, layer: Layer, ends: Ends) -> np.ndarray:
        assert self.spec.bins is not None
        codes = [adaptive_bins(own, self.spec.bins) for own in layer.activations]
        return pack(np.stack(codes), (self.spec.bins - 1).bit_length())


KINDS: dict[str, type[Estimator]] = {
    "exact": Exact,
    "rebinned": Rebinned,
    "uniform": Uniform,
    "adaptive": Adaptive,
    "quantized": Quantized,
}


def estimator_of(spec: EstimatorSpec, training: TrainingSpec) -> Estimator:
    """The estimator of a spec for the networks of a training spec."""
    bits = training.bits.activations if isinstance(training.bits, Bits) else 32
    return KINDS[spec.kind](spec, bits)
