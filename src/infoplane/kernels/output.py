"""Output layer: softmax, cross-entropy with its derivatives, and correct answers."""

from typing import Any

import numpy as np

from infoplane.compilation import inlined
from infoplane.kernels.functions import exp, log
from infoplane.kernels.panels import PANEL
from infoplane.kernels.vectors import full_like, larger, load, select, splat, store, total

__all__ = ["correct_answers", "cross_entropy", "softmax"]


@inlined
def softmax(logits: np.ndarray, scale: float, classes: int, panels: int, shares: np.ndarray) -> None:
    """pⱼ = exp(xⱼ − max x)/Σₖ exp(xₖ − max x) of x = logits·scale, summed in the order of the classes."""
    factor = splat(scale)
    for panel in range(panels):
        for lane in range(0, PANEL, len(factor)):
            x = panel * classes * PANEL + lane
            highest = load(logits, x) * factor
            for label in range(1, classes):
                highest = larger(load(logits, x + label * PANEL) * factor, highest)
            summed = full_like(factor, 0.0)
            for label in range(classes):
                power = exp(load(logits, x + label * PANEL) * factor - highest)
                store(shares, x + label * PANEL, power)
                summed = summed + power
            for label in range(classes):
                store(shares, x + label * PANEL, load(shares, x + label * PANEL) / summed)


@inlined
def cross_entropy(
    reads_softmax: bool,
    steps: np.ndarray,
    steps_offset: int,
    scale: float,
    shares: np.ndarray,
    passes: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    classes: int,
    panels: int,
    count: int,
    deltas: np.ndarray,
) -> float:
    """Sum of the cross-entropies −log p_y (nats), and the derivatives of their mean by the logits.

    Args:
        reads_softmax: whether steps·scale is the quantized softmax, or else the logits.
        shares: the softmax before it is quantized; not read of logits.
        passes: where the quantizer of the softmax passes gradients, at the offset of the steps; not read of
            logits.
        labels, weights: label of each lane, and 1, or 0 where it fills up a panel.
        count: number of inputs.
    """
    factor = splat(scale)
    lost, share = full_like(factor, 0.0), full_like(factor, 1.0) / full_like(factor, count)
    for panel in range(panels):
        for lane in range(0, PANEL, len(factor)):
            label = load(labels, panel * PANEL + lane)
            weight = load(weights, panel * PANEL + lane)
            x = panel * classes * PANEL + lane
            if reads_softmax:
                loss = differentiate_by_softmax(
                    steps, steps_offset + x, factor, shares, passes, label, classes, deltas, x
                )
            else:
                loss = differentiate_by_logits(steps, steps_offset + x, factor, label, classes, deltas, x)
            lost = lost + loss * weight
            for other in range(classes):
                there = x + other * PANEL
                store(deltas, there, load(deltas, there) * (weight * share))
    return total(lost)


@inlined
def differentiate_by_logits(
    logits: np.ndarray, offset: int, scale: Any, label: Any, classes: int, deltas: np.ndarray, x: int
) -> Any:
    """−log p_y of a vector of inputs, p = softmax(logits·scale); its derivatives pⱼ − [j = y] into deltas."""
    zeros, ones = full_like(scale, 0.0), full_like(scale, 1.0)
    highest = load(logits, offset)
    for other in range(1, classes):
        highest = larger(load(logits, offset + other * PANEL), highest)
    of_label, summed = zeros, zeros
    for other in range(classes):
        above = (load(logits, offset + other * PANEL) - highest) * scale
        power = exp(above)
        summed = summed + power
        of_label = select(equal(label, other), above, of_label)
        store(deltas, x + other * PANEL, power)
    for other in range(classes):
        p = load(deltas, x + other * PANEL) / summed
        store(deltas, x + other * PANEL, p - select(equal(label, other), ones, zeros))
    return log(summed) - of_label


@inlined
def differentiate_by_softmax(
    steps: np.ndarray,
    offset: int,
    scale: Any,
    shares: np.ndarray,
    passes: np.ndarray,
    label: Any,
    classes: int,
    deltas: np.ndarray,
    x: int,
) -> Any:
    """−log p̃_y of a vector of inputs, and its derivatives by the logits into deltas.

    p̃ⱼ = max(p̂ⱼ, s/2), renormalised, of the quantized softmax p̂ = steps·s. The maximum passes gradients
    straight through, the quantizer where `passes` says so.
    """
    zeros, ones, least = full_like(scale, 0.0), full_like(scale, 1.0), scale * full_like(scale, 0.5)
    summed, of_label, mean = zeros, ones, zeros
    for other in range(classes):
        raised = larger(least, load(steps, offset + other * PANEL) * scale)  # NaN stays NaN
        summed = summed + raised
        of_label = select(equal(label, other), raised, of_label)
    for other in range(classes):
        slope = ones / summed - select(equal(label, other), ones / of_label, zeros)
        slope = slope * load(passes, offset + other * PANEL)
        mean = mean + slope * load(shares, x + other * PANEL)
        store(deltas, x + other * PANEL, slope)
    for other in range(classes):
        there = x + other * PANEL
        store(deltas, there, load(shares, there) * (load(deltas, there) - mean))
    return log(summed) - log(of_label)


@inlined
def equal(vector: Any, number: int) -> Any:
    same = full_like(vector, number)
    return (vector >= same) & (vector <= same)


@inlined
def correct_answers(
    values: np.ndarray, offset: int, labels: np.ndarray, weights: np.ndarray, classes: int, panels: int
) -> float:
    """Summed weights of the inputs whose first largest value is that of their label."""
    correct = full_like(load(values, offset), 0.0)
    for panel in range(panels):
        for lane in range(0, PANEL, len(correct)):
            x = offset + panel * classes * PANEL + lane
            highest, answer = load(values, x), full_like(correct, 0.0)
            for other in range(1, classes):
                here = load(values, x + other * PANEL)
                answer = select(here > highest, full_like(correct, other), answer)
                highest = select(here > highest, here, highest)
            label, weight = load(labels, panel * PANEL + lane), load(weights, panel * PANEL + lane)
            agrees = (answer >= label) & (answer <= label)
            correct = correct + select(agrees, weight, full_like(correct, 0.0))
    return total(correct)
