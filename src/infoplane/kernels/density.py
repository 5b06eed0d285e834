"""Distances between all pairs of activations, as they enter bounds of the entropy of a Gaussian mixture."""

import numpy as np

from infoplane.compilation import compiled
from infoplane.kernels.functions import exp, log
from infoplane.kernels.vectors import fma, full_like, load, splat, store, total

__all__ = ["LANES", "mixture_entropies"]

# Points come in multiples of this: a vector of float64
LANES = 8


@compiled
def mixture_entropies(
    points: np.ndarray, counts: np.ndarray, totals: np.ndarray, row: np.ndarray, entropies: np.ndarray
) -> None:
    """−Σ_i p_i ln Σ_j p_j exp(−‖x_i − x_j‖²) of each of some distributions p over the same points, in nats.

    Sums are taken in one order, so that the result has the same bytes on every machine.

    Args:
        points: (width, K) float64, K a multiple of `LANES`.
        counts: n of each distribution, (distributions, K) float64; p = n/N. Points of padding have none.
        totals: N of each distribution, (distributions,) float64, above 0.
        row: scratch memory, K numbers, float64.
        entropies: receives the results, (distributions,).
    """
    number = counts.shape[1]
    for which in range(len(counts)):
        entropies[which] = 0.0
    for index in range(number):
        is_counted = False
        for which in range(len(counts)):
            is_counted = is_counted or counts[which, index] > 0.0
        if is_counted:
            weigh_by_distance(points, index, row)
            for which in range(len(counts)):
                own = counts[which, index]
                if own > 0.0:
                    share = splat(weighted_sum(counts, which, row) / totals[which])
                    entropies[which] -= own / totals[which] * (total(log(share)) / LANES)


@compiled
def weigh_by_distance(points: np.ndarray, index: int, row: np.ndarray) -> None:
    """exp(−‖x_i − x_j‖²) of a point i and all points j, into `row` (K,)."""
    width, number = points.shape
    for start in range(0, number, LANES):
        squares = full_like(load(row, start), 0.0)
        for feature in range(width):
            difference = load(points, feature * number + start) - splat(points[feature, index])
            squares = fma(difference, difference, squares)
        store(row, start, exp(full_like(squares, 0.0) - squares))


@compiled
def weighted_sum(counts: np.ndarray, which: int, row: np.ndarray) -> float:
    """Σ_j n_j k_j of one distribution: lane by lane in the order of j, then over the lanes."""
    first = which * len(row)
    summed = full_like(load(row, 0), 0.0)
    for start in range(0, len(row), LANES):
        summed = fma(load(counts, first + start), load(row, start), summed)
    return total(summed)
