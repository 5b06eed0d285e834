"""One step of training in PyTorch: gradients by autograd, Adam, and the moving ranges."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from infoplane.config import TrainingSpec
from infoplane.networks.forward import Model, forward, log_likelihood
from infoplane.networks.quantization import values_of
from infoplane.networks.schemes import Averaging

__all__ = ["Batch", "Derivatives", "State", "adam_rate", "differentiate", "take_step"]


class Batch(NamedTuple):
    """Inputs (members, features, B) and labels (members, B)."""

    inputs: Tensor
    labels: Tensor


class State(NamedTuple):
    """Members in training.

    Attributes:
        parameters: (members, P).
        first_moment: of Adam, (members, P).
        second_moment: of Adam, (members, P).
        ranges: (members, layers, 2, 2), the moving ranges.
        tally: (members, 2), the epoch's sums of cross-entropy (nats) and of correct answers so far.
    """

    parameters: Tensor
    first_moment: Tensor
    second_moment: Tensor
    ranges: Tensor
    tally: Tensor


class Derivatives(NamedTuple):
    """What a batch says of members.

    Attributes:
        loss: (members,), the mean cross-entropy (nats).
        gradient: (members, P), that of each member's loss.
        ranges: (members, layers, 2, 2), the moving ranges after the batch.
        correct: (members,), the number of inputs that are put in their class.
    """

    loss: Tensor
    gradient: Tensor
    ranges: Tensor
    correct: Tensor


def differentiate(
    model: Model, parameters: Tensor, ranges: Tensor, batch: Batch, averaging: Averaging
) -> Derivatives:
    """Run parameters (members, P) with moving ranges (members, layers, 2, 2) on a batch, and differentiate.

    A range is a constant to the gradient.
    """
    parameters = parameters.detach().requires_grad_()
    with torch.enable_grad():
        outputs, ranges = forward(model, parameters, ranges, batch.inputs, averaging)
        likelihood = log_likelihood(model.scheme, outputs[-1])
        loss = -likelihood.gather(1, batch.labels[:, None]).squeeze(1).mean(1)
        (gradient,) = torch.autograd.grad(loss.sum(), parameters)
    correct = (values_of(outputs[-1]).argmax(1) == batch.labels).sum(1)
    return Derivatives(loss.detach(), gradient, ranges.detach(), correct)


def take_step(model: Model, state: State, batch: Batch, rate: float, averaging: Averaging) -> State:
    """One step of Adam in Keras' form: θ −= rate·m/(√v + ε), the bias corrections being in the rate."""
    spec = model.spec
    loss, gradient, ranges, correct = differentiate(model, state.parameters, state.ranges, batch, averaging)
    first = spec.beta_1 * state.first_moment + (1 - spec.beta_1) * gradient
    second = spec.beta_2 * state.second_moment + (1 - spec.beta_2) * gradient * gradient
    parameters = state.parameters - rate * first / (second.sqrt() + spec.epsilon)
    tally = state.tally + torch.stack([loss * batch.labels.shape[1], correct], 1)
    return State(parameters, first, second, ranges, tally)


def adam_rate(spec: TrainingSpec, step: int) -> float:
    """Adam's rate at step t = 1, 2, …, corrected for the start of its moments: α·√(1 − β₂ᵗ)/(1 − β₁ᵗ)."""
    return float(spec.learning_rate * np.sqrt(1 - spec.beta_2**step) / (1 - spec.beta_1**step))
