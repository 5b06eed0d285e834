"""The output layer: the softmax, and the cross-entropy of what a network reads out of it, with its
derivative.
"""

from typing import Any

import numpy as np

from infoplane.kernels.compilation import compiled, inlined
from infoplane.kernels.functions import exp, log
from infoplane.kernels.panels import PANEL
from infoplane.kernels.vectors import larger, load, select, splat, splat_like, store, total

__all__ = ["cross_entropy_of_logits", "cross_entropy_of_softmax", "hits", "softmax"]


@compiled
def softmax(
    logits: np.ndarray,
    of_logits: int,
    scale: float,
    classes: int,
    panels: int,
    shares: np.ndarray,
    of_shares: int,
) -> None:
    """pⱼ = exp(xⱼ − max x)/Σₖ exp(xₖ − max x) of x = logits·scale, summed in the order of the classes."""
    factor = splat(scale)
    for panel in range(panels):
        for lane in range(0, PANEL, len(factor)):
            x = of_logits + panel * classes * PANEL + lane
            p = of_shares + panel * classes * PANEL + lane
            highest = load(logits, x) * factor
            for label in range(1, classes):
                highest = larger(load(logits, x + label * PANEL) * factor, highest)
            summed = splat_like(factor, 0.0)
            for label in range(classes):
                power = exp(load(logits, x + label * PANEL) * factor - highest)
                store(shares, p + label * PANEL, power)
                summed = summed + power
            for label in range(classes):
                store(shares, p + label * PANEL, load(shares, p + label * PANEL) / summed)


@compiled
def cross_entropy_of_logits(
    logits: np.ndarray,
    of_logits: int,
    scale: float,
    labels: np.ndarray,
    weights: np.ndarray,
    classes: int,
    panels: int,
    count: int,
    deltas: np.ndarray,
    of_deltas: int,
) -> float:
    """Σ over the inputs of −log p_y (nats) and its derivatives by x for the mean over `count` inputs, (pⱼ −
    [j = y])/count.

    Args:
        logits, scale: x = logits·scale, of which p is the softmax.
        labels, weights: of each lane.
    """
    factor = splat(scale)
    nothing, one = splat_like(factor, 0.0), splat_like(factor, 1.0)
    lost, share = nothing, one / splat_like(factor, count)
    for panel in range(panels):
        for lane in range(0, PANEL, len(factor)):
            label = load(labels, panel * PANEL + lane)
            weight = load(weights, panel * PANEL + lane)
            x = of_logits + panel * classes * PANEL + lane
            target = of_deltas + panel * classes * PANEL + lane
            highest = load(logits, x)
            for other in range(1, classes):
                highest = larger(load(logits, x + other * PANEL), highest)
            of_label, summed = nothing, nothing
            for other in range(classes):
                above = (load(logits, x + other * PANEL) - highest) * factor
                power = exp(above)
                summed = summed + power
                of_label = select(equal(label, other), above, of_label)
                store(deltas, target + other * PANEL, power)
            for other in range(classes):
                p = load(deltas, target + other * PANEL) / summed
                own = select(equal(label, other), one, nothing)
                store(deltas, target + other * PANEL, (p - own) * (weight * share))
            lost = lost + (log(summed) - of_label) * weight
    return total(lost)


@inlined
def equal(vector: Any, number: int) -> Any:
    same = splat_like(vector, number)
    return (vector >= same) & (vector <= same)


@compiled
def cross_entropy_of_softmax(
    steps: np.ndarray,
    of_steps: int,
    scale: float,
    shares: np.ndarray,
    of_shares: int,
    passes: np.ndarray,
    of_passes: int,
    labels: np.ndarray,
    weights: np.ndarray,
    classes: int,
    panels: int,
    count: int,
    deltas: np.ndarray,
    of_deltas: int,
) -> float:
    """Σ over the inputs of −log p̃_y (nats), and its derivatives by the logits for the mean over `count`
    inputs.

    p̃ⱼ = max(p̂ⱼ, s/2), renormalised, of the quantized softmax p̂; the maximum passes gradients straight
    through, the quantizer where it says so.

    Args:
        steps, scale: p̂ = steps·scale.
        shares: p, the softmax before it is quantized.
        passes: where the quantizer passes gradients.
        labels, weights: of each lane.
    """
    factor = splat(scale)
    nothing, one, least = splat_like(factor, 0.0), splat_like(factor, 1.0), factor * splat_like(factor, 0.5)
    lost = nothing
    share = one / splat_like(lost, count)
    for panel in range(panels):
        for lane in range(0, PANEL, len(lost)):
            label = load(labels, panel * PANEL + lane)
            weight = load(weights, panel * PANEL + lane)
            x = panel * classes * PANEL + lane
            summed, of_label = nothing, one
            for other in range(classes):
                raised = larger(least, load(steps, of_steps + x + other * PANEL) * factor)  # NaN stays NaN
                summed = summed + raised
                of_label = select(equal(label, other), raised, of_label)
            lost = lost + (log(summed) - log(of_label)) * weight
            mean = nothing
            for other in range(classes):
                slope = one / summed - select(equal(label, other), one / of_label, nothing)
                slope = slope * load(passes, of_passes + x + other * PANEL)
                mean = mean + slope * load(shares, of_shares + x + other * PANEL)
                store(deltas, of_deltas + x + other * PANEL, slope)
            for other in range(classes):
                there = of_deltas + x + other * PANEL
                p = load(shares, of_shares + x + other * PANEL)
                store(deltas, there, p * (load(deltas, there) - mean) * (weight * share))
    return total(lost)


@compiled
def hits(
    values: np.ndarray, of_values: int, labels: np.ndarray, weights: np.ndarray, classes: int, panels: int
) -> float:
    """The summed weights of the inputs whose first largest value is that of their label."""
    right = splat_like(load(values, of_values), 0.0)
    for panel in range(panels):
        for lane in range(0, PANEL, len(right)):
            x = of_values + panel * classes * PANEL + lane
            label = load(labels, panel * PANEL + lane)
            highest = load(values, x)
            found = splat_like(right, 0.0)
            for other in range(1, classes):
                here = load(values, x + other * PANEL)
                found = select(here > highest, splat_like(right, other), found)
                highest = select(here > highest, here, highest)
            own = (found >= label) & (found <= label)
            right = right + select(own, load(weights, panel * PANEL + lane), splat_like(right, 0.0))
    return total(right)
