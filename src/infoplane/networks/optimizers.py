"""Batches and optimizers, as far as both engines share them."""

import numpy as np

from infoplane.config import TrainingSpec
from infoplane.networks.layers import Network

__all__ = ["MOMENTUM", "batch_size_of", "decays_of", "momentum_of", "step_rate"]

MOMENTUM = 0.9


def batch_size_of(spec: TrainingSpec, trained: int) -> int:
    """Number of inputs of a training step, but for the last of an epoch, which may have fewer.

    Args:
        trained: number of inputs that are trained on.
    """
    return trained if spec.batch_size == "whole" else min(spec.batch_size, trained)


def step_rate(spec: TrainingSpec, step: int) -> float:
    """Rate of step t = 1, 2, …: α of gradient descent, the bias-corrected α·√(1 − β₂ᵗ)/(1 − β₁ᵗ) of Adam.

    >>> spec = TrainingSpec(dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8, epochs=1,
    ...                     record_every=1, optimizer="sgd", learning_rate=0.1)
    >>> step_rate(spec, 7)
    0.1
    """
    if spec.optimizer == "sgd":
        return spec.learning_rate
    return float(spec.learning_rate * np.sqrt(1 - spec.beta_2**step) / (1 - spec.beta_1**step))


def momentum_of(spec: TrainingSpec) -> float:
    """Momentum μ of gradient descent."""
    return MOMENTUM if spec.momentum is None else spec.momentum


def decays_of(spec: TrainingSpec, network: Network) -> np.ndarray:
    """Share αλ of each parameter that a step takes by weight decay, (P,) float64: 0 of biases."""
    decays = np.zeros(network.size)
    for layer in network.weighted:
        decays[layer.start : layer.bias] = spec.learning_rate * spec.weight_decay
    return decays
