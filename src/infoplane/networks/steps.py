"""One step of training in PyTorch: gradients by autograd, the optimizer, and the moving ranges."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from infoplane.networks.forward import Model, forward, log_likelihood
from infoplane.networks.optimizers import decays_of, momentum_of
from infoplane.networks.quantization import values_of

__all__ = ["Batch", "Derivatives", "EnsembleState", "differentiate", "take_step"]


class Batch(NamedTuple):
    """Inputs (members, features, B) and labels (members, B)."""

    inputs: Tensor
    labels: Tensor


class EnsembleState(NamedTuple):
    """State of an ensemble in training.

    Attributes:
        parameters: (members, P).
        first_moment: Adam's moving average of the gradient, or the sum m of gradient descent, (members, P).
        second_moment: Adam's moving average of the squared gradient, (members, P).
        ranges: the moving ranges, (members, layers, 2, 2).
        tally: sums of cross-entropy (nats) and of correct answers in the epoch so far, (members, 2).
    """

    parameters: Tensor
    first_moment: Tensor
    second_moment: Tensor
    ranges: Tensor
    tally: Tensor


class Derivatives(NamedTuple):
    """Loss of a batch, and what follows from it.

    Attributes:
        loss: mean cross-entropy (nats), (members,).
        gradient: of each member's loss, (members, P).
        ranges: the moving ranges after the batch, (members, layers, 2, 2).
        correct: number of inputs that are classified correctly, (members,).
    """

    loss: Tensor
    gradient: Tensor
    ranges: Tensor
    correct: Tensor


def differentiate(
    model: Model, parameters: Tensor, ranges: Tensor, batch: Batch, averaging: Mapping[str, float]
) -> Derivatives:
    """Loss of a batch, and its gradient by parameters (members, P), to which ranges are constants.

    Args:
        ranges: the moving ranges before the batch, (members, layers, 2, 2).
        averaging: the weight of the batch in each moving policy.
    """
    parameters = parameters.detach().requires_grad_()
    with torch.enable_grad():
        outputs, ranges = forward(model, parameters, ranges, batch.inputs, averaging)
        likelihood = log_likelihood(model.scheme, outputs[-1])
        loss = -likelihood.gather(1, batch.labels[:, None]).squeeze(1).mean(1)
        (gradient,) = torch.autograd.grad(loss.sum(), parameters)
    correct = (values_of(outputs[-1]).argmax(1) == batch.labels).sum(1)
    return Derivatives(loss.detach(), gradient, ranges.detach(), correct)


def take_step(
    model: Model, state: EnsembleState, batch: Batch, rate: float, averaging: Mapping[str, float]
) -> EnsembleState:
    """One step of the spec's optimizer: θ ← θ − s, or θ ← θ − (s + αλθ) of weights that decay.

    Adam in Keras' form, with the bias corrections in the rate: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
    s = rate·m/(√v + ε) (Kingma & Ba 2015, https://arxiv.org/abs/1412.6980). Gradient descent: m ← μm + g,
    s = rate·m (Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html). Weight decay is
    decoupled (Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101).

    Args:
        rate: as from `step_rate`.
    """
    spec, first, second = model.spec, state.first_moment, state.second_moment
    loss, gradient, ranges, correct = differentiate(model, state.parameters, state.ranges, batch, averaging)
    if spec.optimizer == "adam":
        first = spec.beta_1 * first + (1 - spec.beta_1) * gradient
        second = spec.beta_2 * second + (1 - spec.beta_2) * gradient * gradient
        step = rate * first / (second.sqrt() + spec.epsilon)
    else:
        first = momentum_of(spec) * first + gradient
        step = rate * first
    if spec.weight_decay:
        step = step + torch.from_numpy(decays_of(spec, model.network)).to(step) * state.parameters
    tally = state.tally + torch.stack([loss * batch.labels.shape[1], correct], 1)
    return EnsembleState(state.parameters - step, first, second, ranges, tally)
