"""Bounds of information from the distances of activations, as kernel density estimates give them."""

from math import log, sqrt
from typing import Literal

import numpy as np

from infoplane.kernels.density import LANES, mixture_entropies

__all__ = ["mixture_information"]

# By what a bound widens the Gaussians: KL divergence ‖x − y‖²/2σ², Bhattacharyya distance ‖x − y‖²/8σ²
WIDTHS = {"upper": 2.0, "lower": 8.0}


def mixture_information(
    points: np.ndarray, counts: np.ndarray, noise: float, bound: Literal["upper", "lower"]
) -> tuple[float, float]:
    r"""Bounds of I(X; T + Z) and estimate of I(T + Z; Y), with Z ~ N(0, σ²·1) on every neuron, in bits.

    T + Z is a mixture of Gaussians around the distinct activations x_i, which p_i = n_i/N of the inputs have:

        H(p) = −Σ_i p_i log₂ Σ_j p_j exp(−D_ij),   D_ij = ‖x_i − x_j‖²/2σ² (upper) or ‖x_i − x_j‖²/8σ² (lower)
        I(X; T + Z) ≤ or ≥ H(p),   I(T + Z; Y) ≈ H(p) − Σ_y p(y) H(p(·|y))

    (Kolchinsky & Tracey 2017, https://arxiv.org/abs/1706.02419, from KL divergences and from Bhattacharyya
    distances; used on networks by Saxe et al. 2018, https://openreview.net/forum?id=ry_WPG-A-). The second
    one is a difference of bounds and no bound. As σ² → 0 both become the exact values.

    Args:
        points: (width, K) distinct activations.
        counts: (K, classes) how many inputs of each class have them.
        noise: σ².
        bound: which one.

    >>> far, near = np.array([[0.0, 9.0]]), np.array([[0.0, 1e-6]])
    >>> [[round(bits, 6) for bits in mixture_information(points, np.eye(2), 0.01, "upper")]
    ...  for points in (far, near)]
    [[1.0, 1.0], [0.0, 0.0]]
    """
    number, by_class = len(counts), counts[:, counts.any(0)].T
    room = -(-number // LANES) * LANES
    scaled, weights = np.zeros((len(points), room)), np.zeros((1 + len(by_class), room))
    scaled[:, :number] = points / sqrt(WIDTHS[bound] * noise)
    weights[0, :number], weights[1:, :number] = by_class.sum(0), by_class
    totals = weights.sum(1)
    entropies = np.empty(len(weights))
    mixture_entropies(scaled, weights, totals, np.empty(room), entropies)
    h_t, *of_classes = (entropies / log(2)).tolist()
    shares = (totals[1:] / totals[0]).tolist()
    return h_t, h_t - sum(share * h for share, h in zip(shares, of_classes, strict=True))
