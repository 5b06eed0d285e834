"""Information of arrays of one's own: codes, or activations that are binned first."""

from typing import Literal

import numpy as np

from infoplane.entropy import Information
from infoplane.information.binning import adaptive_bins, uniform_bins
from infoplane.kernels.counting import information_of_words

__all__ = ["binned_information", "exact_information"]

BinRange = Literal["global", "layer", "neuron"] | tuple[float, float]


def exact_information(codes: np.ndarray, labels: np.ndarray) -> Information:
    """I(X;T) and I(T;Y) of T = the tuple of a row's codes, over N equally likely inputs.

        H(T) = log₂ N − (1/N) Σ_c n_c log₂ n_c,   I(X;T) = H(T),   I(T;Y) = H(T) + H(Y) − H(T,Y)

    with n_c the number of inputs of code c (Lorenzen, Igel & Nielsen 2022, https://arxiv.org/abs/2106.12912).
    Rows are compared whole; a hash only finds candidates. The values depend on the counts alone: no order of
    samples or neurons and no relabelling of codes changes a bit of them.

    Args:
        codes: (…, N, width) integers.
        labels: (N,) classes, integers ≥ 0.

    >>> codes = np.array([[0, 1], [0, 1], [2, 3], [2, 4]])
    >>> [float(value) for value in exact_information(codes, np.array([0, 0, 1, 1]))]
    [1.5, 1.5, 1.0, 3.0]
    """
    leading = codes.shape[:-2]
    words = np.moveaxis(codes.reshape(-1, *codes.shape[-2:]), 1, 2).astype(np.int64)
    return Information(*(values.reshape(leading) for values in information_of_words(words, labels)))


def binned_information(
    activations: np.ndarray,
    labels: np.ndarray,
    bins: int = 30,
    range: BinRange = "global",
    method: Literal["uniform", "adaptive"] = "uniform",
) -> Information:
    """The same quantities after the activations were sorted into bins.

    Args:
        activations: (…, N, width) floats of one layer; the leading dimensions are snapshots.
        labels: (N,) classes, integers ≥ 0.
        bins: the number of bins of each neuron.
        range: of the uniform bins: `global`, that of all that is given; `layer`, that of each snapshot;
            `neuron`, that of each neuron of each snapshot; or a pair (low, high), values outside of which
            go to the end bins.
        method: `uniform` bins have equal width, `adaptive` ones equal mass over the layer of a snapshot.

    >>> activations = np.array([[-0.9], [-0.8], [0.8], [0.9]])
    >>> float(binned_information(activations, np.array([0, 0, 1, 1]), bins=2).i_ty)
    1.0
    """
    layers = np.moveaxis(activations.reshape(-1, *activations.shape[-2:]), 1, 2).astype(np.float64)
    if method == "adaptive":
        codes = np.stack([adaptive_bins(layer, bins) for layer in layers])
    else:
        codes = uniform_bins(layers, *ends_of(layers, range), bins)
    return exact_information(np.moveaxis(codes, 1, 2).reshape(activations.shape), labels)


def ends_of(layers: np.ndarray, range: BinRange) -> tuple[np.ndarray, np.ndarray]:
    """The ends of a range of activations (S, width, N), each (S, 1 or width, 1)."""
    shape = (*layers.shape[:2], 1) if range == "neuron" else (len(layers), 1, 1)
    if not isinstance(range, str):
        return np.full(shape, range[0], dtype=float), np.full(shape, range[1], dtype=float)
    axes = {"global": (0, 1, 2), "layer": (1, 2), "neuron": (2,)}[range]
    low, high = (extreme(axis=axes, keepdims=True) for extreme in (layers.min, layers.max))
    return np.broadcast_to(low, shape), np.broadcast_to(high, shape)
