"""How far two computations of one step of training may be apart, each of which rounds every operation."""

from collections.abc import Mapping
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from layouts import PANEL, from_panels
from torch import Tensor

from infoplane.kernels.plan import KERNEL
from infoplane.kernels.quantizer import UNQUANTIZED
from infoplane.kernels.training import Trainer
from infoplane.networks import forward as in_torch
from infoplane.networks.forward import Model, matrix_product, weighted_sum, weights_of
from infoplane.networks.layers import Dense, Pool
from infoplane.networks.steps import Batch, Derivatives, differentiate

# Activation functions are at most so steep, and their slopes no steeper than 1.
STEEPEST = 1.13
# Activation functions, their slopes and a few products are wrong by so many eps.
A_FEW = 8


def differentiate_with_deltas(
    model: Model, parameters: Tensor, ranges: Tensor, batch: Batch, averaging: Mapping[str, float]
) -> tuple[Derivatives, list[Tensor]]:
    """What PyTorch finds, and the loss differentiated by the sums of layers with weights, (1, outputs, N)."""
    sums = []

    def recorded(*given) -> Tensor:
        sums.append(weighted_sum(*given))
        sums[-1].retain_grad()
        return sums[-1]

    with patch.object(in_torch, "weighted_sum", recorded):
        found = differentiate(model, parameters, ranges, batch, averaging)
    return found, [each.grad.double() for each in sums]


class Bounds(NamedTuple):
    """Of the layers' values before they are quantized (outputs, N), of the loss, of the gradient (P,)."""

    values: list[np.ndarray]
    loss: float
    gradient: np.ndarray


def outputs_of(trainer: Trainer, count: int) -> list[np.ndarray]:
    """What each layer has handed on in a step, (outputs, N): steps, or values where it is not quantized."""
    plan, lanes = trainer.plan, -(-count // PANEL) * PANEL
    return [
        from_panels(trainer.memory.values[start * lanes : (start + size) * lanes], count, size).T
        for start, size in zip(plan.layers["output_offset"], plan.layers["outputs"], strict=True)
    ]


def bounds_of(trainer: Trainer, parameters: np.ndarray, inputs: np.ndarray, deltas: list[Tensor]) -> Bounds:
    """Bounds of the step that a trainer has just taken: an analysis of errors, to first order in eps.

    A sum of n products is wrong by n·eps·Σ|terms| at most, and by what is wrong with its terms; one of whole
    numbers is exact. A quantized layer hands on whole steps, which are the same in both computations, and a
    scale that is rounded.

    Args:
        parameters: (P,), before the step.
        inputs: what the network is given, (features, N).
        deltas: by `differentiate_with_deltas`.
    """
    weights = magnitudes_of_weights(trainer, parameters)
    factors = [inputs, *outputs_of(trainer, inputs.shape[1])]
    scaled = [each.astype(float) * scale for each, scale in zip(factors, trainer.memory.scales, strict=True)]
    given = [torch.from_numpy(each)[None] for each in scaled]
    errors = errors_forward(trainer, weights, given)
    of_loss, of_gradient = errors_backward(trainer, weights, given, errors, deltas)
    eps = float(np.finfo(trainer.dtype).eps)  # half of it is the unit of rounding of either computation
    of_values = [eps * each[0].numpy() for each in errors.of_values]
    return Bounds(of_values, eps * of_loss, eps * of_gradient[0].numpy())


class Errors(NamedTuple):
    """Of what layers are given and the last hands on, of sums, of activation functions; in units of eps."""

    of_given: list[Tensor]
    of_sums: list[Tensor]
    of_values: list[Tensor]


def errors_forward(trainer: Trainer, weights: Tensor, given: list[Tensor]) -> Errors:
    plan, errors = trainer.plan, Errors([given[0].abs()], [], [])
    for number, layer in enumerate(trainer.network.layers):
        if isinstance(layer, Pool):
            for own in errors:
                own.append(layer.output(errors.of_given[number]))
            continue
        sums = sums_of(layer, weights, given[number].abs())
        is_whole = plan.quantizers[number, KERNEL]["source"] != UNQUANTIZED and (
            number > 0 or trainer.inputs.is_whole
        )
        of_terms = A_FEW if is_whole else layer.fan_in + A_FEW
        errors.of_sums.append(sums_of(layer, weights, errors.of_given[number]) + of_terms * sums)
        errors.of_values.append(STEEPEST * errors.of_sums[number] + A_FEW * (1 + sums))
        errors.of_given.append(given[number + 1].abs() if plan.is_quantized else errors.of_values[number])
    return errors


def errors_backward(
    trainer: Trainer, weights: Tensor, given: list[Tensor], errors: Errors, deltas: list[Tensor]
) -> tuple[float, Tensor]:
    """Of the loss, and of the gradient (1, P), in units of eps.

    Derivatives by the logits are p − [j = y], or sums over the classes of p/p̃ ≤ 2; p is as wrong, relatively,
    as two logits.
    """
    layers, count, reads_softmax = trainer.network.layers, given[0].shape[2], trainer.plan.reads_softmax
    classes = trainer.network.weighted[-1].width
    of_p = 2 * (errors.of_sums if reads_softmax else errors.of_given)[-1].max() + classes + A_FEW
    own = torch.full_like(given[-1], of_p * (classes + 4 if reads_softmax else 1) / count)
    gradient, remaining, back = torch.zeros_like(weights), [each.abs() for each in deltas], own
    for number, layer in reversed([*enumerate(layers)]):
        x = given[number]
        if isinstance(layer, Pool):
            own, back = (back_through_pool(layer, x, each) for each in (own, back))
            continue
        if layer is not layers[-1]:
            own = STEEPEST * own + (errors.of_sums[number] + A_FEW) * back
        delta = remaining.pop()
        terms, back = back_through_sums(layer, weights, x.abs(), delta)
        of_deltas, own = back_through_sums(layer, weights, x.abs(), own)
        of_inputs, _ = back_through_sums(layer, weights, errors.of_given[number], delta)
        gradient += count * layer.outputs // layer.width * terms + of_deltas + of_inputs
        own = own + (layer.fan_out + A_FEW) * back
    return float(of_p) + count * (1 + float(given[-1].abs().max())), gradient


def magnitudes_of_weights(trainer: Trainer, parameters: np.ndarray) -> Tensor:
    """The magnitudes of the weights as they are used, (1, P)."""
    used = np.abs(parameters.astype(float))
    for number, layer in enumerate(trainer.network.layers):
        if not isinstance(layer, Pool):
            kernel = slice(layer.start, layer.bias)
            steps, scale = trainer.memory.kernels[kernel], trainer.memory.kernel_scales[number]
            used[kernel] = np.abs(steps.astype(float) * scale)
    return torch.from_numpy(used[None])


def sums_of(layer: Dense, weights: Tensor, x: Tensor) -> Tensor:
    return weighted_sum(layer, *weights_of(layer, weights), x, matrix_product)


def back_through_sums(layer: Dense, weights: Tensor, x: Tensor, deltas: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient of the weights, (1, P), and the derivatives by what the layer is given."""
    weights, x = weights.clone().requires_grad_(), x.clone().requires_grad_()
    of_weights, of_x = torch.autograd.grad(sums_of(layer, weights, x), [weights, x], deltas)
    return of_weights, of_x


def back_through_pool(layer: Pool, x: Tensor, derivatives: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(layer.output(x), x, derivatives)[0]
