"""Ways of making real-valued activations discrete: the codes of the binned estimators."""

from typing import Literal

import torch
from torch import Tensor

__all__ = ["BinRange", "adaptive_bins", "range_ends", "rebinned", "uniform_bins"]

BinRange = Literal["global", "layer", "neuron"] | tuple[float, float]


def range_ends(activations: Tensor, chosen: BinRange) -> tuple[Tensor, Tensor]:
    """The ends of a range of activations (snapshots, width, N), as tensors that broadcast against them.

    `global`: of all that is given; `layer`: of each snapshot; `neuron`: of each neuron of each snapshot;
    a pair: itself.
    """
    if not isinstance(chosen, str):
        low, high = activations.new_tensor(chosen)
        return low, high
    dimensions = {"global": (0, 1, 2), "layer": (1, 2), "neuron": (2,)}[chosen]
    return activations.amin(dimensions, keepdim=True), activations.amax(dimensions, keepdim=True)


def uniform_bins(activations: Tensor, low: Tensor, high: Tensor, bins: int | Tensor) -> Tensor:
    """Number the bins of equal width over [low, high]: 0 … bins − 1, the last one closed on the right.

    Values outside go to the end bins; on a range that is one point, everything goes to bin 0.

    >>> values = torch.tensor([-2.0, -1.0, 0.0, 0.99, 1.0, 7.0])
    >>> uniform_bins(values, torch.tensor(-1.0), torch.tensor(1.0), 4).tolist()
    [0, 0, 2, 3, 3, 3]
    """
    span = torch.where(low == high, 1.0, high - low)
    position = torch.floor((activations - low) * bins / span).clamp(min=0.0)
    return torch.minimum(position, torch.as_tensor(bins - 1, dtype=position.dtype)).long()


def adaptive_bins(activations: Tensor, bins: int) -> Tensor:
    """Number bins of equal mass, whose edges are the quantiles k/bins of one layer; equal edges merge.

    Args:
        activations: (snapshots, width, N); the quantiles are taken over the width and the inputs together.

    >>> adaptive_bins(torch.tensor([[[0.0, 1.0, 2.0, 9.0]]]), 2).tolist()
    [[[0, 0, 1, 1]]]
    """
    layers = activations.flatten(1)
    masses = torch.arange(1, bins, dtype=layers.dtype) / bins
    places = masses * (layers.shape[1] - 1)
    below, ordered = places.long(), layers.sort(dim=1).values  # torch.quantile refuses large layers
    edges = ordered[:, below].lerp(ordered[:, places.ceil().long()], places - below)
    # Between equal edges lies no value: a number is skipped, and no two codes are told apart by that.
    return torch.searchsorted(edges, layers, right=True).view(activations.shape)


def rebinned(activations: Tensor, levels: float | Tensor) -> Tensor:
    """Round each snapshot's layer to `levels` + 1 values over its range: round((v − min)·levels/(max − min)).

    Half to even; a constant layer is one code. This is what the published code evaluates in every layer,
    with levels = 2ᵇ.

    Args:
        activations: (snapshots, width, N).

    >>> rebinned(torch.tensor([[[-1.0, 0.0, 1.0]]]), 4).tolist()
    [[[0, 2, 4]]]
    """
    low, high = range_ends(activations, "layer")
    span = torch.where(low == high, 1.0, high - low)
    return torch.round((activations - low) * levels / span).long()
