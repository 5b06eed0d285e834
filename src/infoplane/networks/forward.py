"""The forward pass in PyTorch: the readable definition of the networks, which autograd differentiates.

Several members of an ensemble, networks of one spec with parameters of their own, are run side by side: the
first dimension of every tensor is the member, the last one the input.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from infoplane.config import Bits, RangeSpec, TrainingSpec
from infoplane.datasets import Dataset
from infoplane.networks.inputs import network_inputs
from infoplane.networks.layers import Conv, Dense, Network, Pool, network_of
from infoplane.networks.quantization import (
    Extremes,
    Grid,
    Quantized,
    extremes,
    factor_of,
    grid,
    moving_average,
    on_same_grid,
    quantize,
    straight_through,
    values_of,
)
from infoplane.networks.schemes import Averaging, Scheme, scheme_of

__all__ = [
    "ACTIVATIONS",
    "PLAIN",
    "Arithmetic",
    "Model",
    "forward",
    "log_likelihood",
    "matrix_product",
    "model_on",
    "pass_sizes",
    "weights_of",
]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky-relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "sigmoid": torch.sigmoid,
    "hard-tanh": functional.hardtanh,
    "identity": lambda values: values,
}
# So many numbers at a time are held of one layer: 32 MiB of float64, and 256 MiB on a GPU.
HELD, HELD_ON_GPU = 2**22, 2**25


@dataclass(frozen=True)
class Model:
    """A network, how it is quantized, and the scale of inputs that are whole numbers."""

    spec: TrainingSpec
    network: Network
    scheme: Scheme
    scale: float | None

    @property
    def tops(self) -> tuple[int, int]:
        """The highest codes, 2ᵇ − 1, of weights and of activations; 0 where nothing is quantized."""
        bits = self.spec.bits
        return (2**bits.weights - 1, 2**bits.activations - 1) if isinstance(bits, Bits) else (0, 0)


def model_on(spec: TrainingSpec, dataset: Dataset) -> tuple[Model, np.ndarray]:
    """The network of a spec on a data set, and the inputs that it is shown, (N, features).

    Raises:
        UserError: there are no images for a convolution or a pool.
    """
    scheme = scheme_of(spec)
    values, scale = network_inputs(dataset, scheme.quantized)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    return Model(spec, network, scheme, scale), values


class Arithmetic(NamedTuple):
    """How a layer that is not all whole numbers takes its sums, and what it keeps of its values.

    `product` of kernel (members, fan_in, width) and columns (members, fan_in, …) is Σᵢ kernel[m, i, o]·
    columns[m, i, n], (members, width, …).
    """

    product: Callable[[Tensor, Tensor], Tensor]
    rounded: Callable[[Tensor], Tensor]


def matrix_product(kernel: Tensor, columns: Tensor) -> Tensor:
    """The sums of `Arithmetic.product`, in the order that is fastest."""
    return kernel.transpose(1, 2) @ columns


PLAIN = Arithmetic(matrix_product, lambda values: values)


def forward(
    model: Model,
    parameters: Tensor,
    ranges: Tensor,
    inputs: Tensor,
    averaging: Averaging | None = None,
    arithmetic: Arithmetic = PLAIN,
) -> tuple[list[Tensor | Quantized], Tensor]:
    """Run every member on its own inputs, in the type of its parameters.

    Args:
        parameters: (members, P).
        ranges: (members, layers, 2, 2), the moving ranges' low and high ends for a layer's kernel and output.
        inputs: (members, features, N), or (1, features, N) if all members share them.
        averaging: how much of this batch's extremes the moving ranges take up before they are used; where it
            is not given, they stay as they are.

    Returns:
        Each layer's output, (members, outputs, N), the last one being the logits or the softmax, as the
        scheme reads it; and the ranges after it.
    """
    previous = as_steps(model, inputs.to(parameters.dtype).expand(len(parameters), -1, -1))
    outputs, updated = [], []
    for layer, moving in zip(model.network.layers, ranges.unbind(1), strict=True):
        if isinstance(layer, Pool):
            previous = on_same_grid(previous, partial(pool, layer))
        else:
            previous, moving = layer_output(model, layer, parameters, previous, moving, averaging, arithmetic)
        outputs.append(previous)
        updated.append(moving)
    return outputs, torch.stack(updated, 1)


def as_steps(model: Model, inputs: Tensor) -> Tensor | Quantized:
    """Inputs that are whole numbers as steps of a grid."""
    if model.scale is None:
        return inputs
    ones = inputs.new_ones(len(inputs))
    return Quantized(inputs, Grid(ones * model.scale, 0 * ones, ones))


def layer_output(
    model: Model,
    layer: Dense,
    parameters: Tensor,
    inputs: Tensor | Quantized,
    moving: Tensor,
    averaging: Averaging | None,
    arithmetic: Arithmetic,
) -> tuple[Tensor | Quantized, Tensor]:
    """The output of a layer with weights, (members, outputs, N), and its moving ranges after it."""
    scheme, is_output = model.scheme, layer is model.network.layers[-1]
    of_kernel, of_output = moving.unbind(1)
    of_weights, of_activations = model.tops
    kernel, bias = weights_of(layer, parameters)
    policy = scheme.output_weights if is_output else scheme.hidden_weights
    steps, of_kernel = quantize_over(policy, kernel, of_weights, of_kernel, averaging)
    if isinstance(steps, Quantized) and isinstance(inputs, Quantized):
        arithmetic = PLAIN  # whole numbers have exact sums
    output = arithmetic.rounded(weighted_sum(layer, steps, bias, inputs, arithmetic.product))
    if not is_output:
        output = arithmetic.rounded(ACTIVATIONS[model.network.activation](output))
    elif scheme.reads == "softmax":
        output = arithmetic.rounded(torch.softmax(output, 1))
    policy = scheme.output if is_output else scheme.activations
    result, of_output = quantize_over(policy, output, of_activations, of_output, averaging)
    return result, torch.stack([of_kernel, of_output], 1)


def weights_of(layer: Dense, parameters: Tensor) -> tuple[Tensor, Tensor]:
    """A layer's kernel (members, fan_in, width) and bias (members, width), from parameters (members, P)."""
    kernel = parameters[:, layer.start : layer.bias].reshape(-1, layer.fan_in, layer.width)
    return kernel, parameters[:, layer.bias : layer.stop]


def weighted_sum(
    layer: Dense,
    kernel: Tensor | Quantized,
    bias: Tensor,
    inputs: Tensor | Quantized,
    product: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """The layer's sum for every input, (members, outputs, N).

    A quantized factor enters as its whole steps and the sum is scaled once.
    """
    total = product(factor_of(kernel), columns_of(layer, factor_of(inputs)))
    scales = [factor.grid.scale for factor in (kernel, inputs) if isinstance(factor, Quantized)]
    if scales:
        total = total * torch.stack(scales).prod(0)[:, None, None]
    return (total + bias[:, :, None]).reshape(len(total), layer.outputs, -1)


def columns_of(layer: Dense, inputs: Tensor) -> Tensor:
    """What a layer's kernel is applied to: inputs (members, features, N), or every square of them.

    Returns:
        (members, fan_in, N); of a convolution (members, fan_in, rows·columns·N), the squares row by row.
    """
    if not isinstance(layer, Conv):
        return inputs
    images = inputs.reshape(len(inputs), *layer.shape, -1)
    squares: Tensor = images.unfold(2, layer.kernel, 1).unfold(3, layer.kernel, 1)
    return squares.movedim((5, 6), (2, 3)).flatten(4).flatten(1, 3)


def pool(layer: Pool, inputs: Tensor) -> Tensor:
    """The maxima of squares of inputs (members, features, N); of equal ones the first gets the gradient."""
    images = inputs.reshape(len(inputs), *layer.shape, -1)
    squares: Tensor = images.unfold(2, layer.size, layer.size).unfold(3, layer.size, layer.size)
    return squares.flatten(5).max(5).values.flatten(1, 3)


def quantize_over(
    policy: RangeSpec | None, tensor: Tensor, top: int, moving: Tensor, averaging: Averaging | None
) -> tuple[Tensor | Quantized, Tensor]:
    """A tensor (members, …), quantized over the range that a policy names; and its moving range after it.

    Args:
        top: 2ᵇ − 1, the highest code.
        moving: (members, 2), the low and high end of the moving range.
        averaging: as for `forward`.
    """
    if policy is None:
        return tensor, moving
    if policy == "batch":
        return quantize(tensor, grid(extremes(tensor), top)), moving
    if isinstance(policy, tuple):
        ends = Extremes(*(tensor.new_full(moving.shape[:1], end) for end in policy))
        return quantize(tensor, grid(ends, top)), moving
    bounds = Extremes(*moving.unbind(1))
    if averaging is not None:
        weight = averaging.ema if policy == "ema" else averaging.debiased
        bounds = moving_average(bounds, extremes(tensor), weight)
    return quantize(tensor, grid(bounds, top)), torch.stack(bounds, 1)


def log_likelihood(scheme: Scheme, output: Tensor | Quantized) -> Tensor:
    """The logarithm (nats) of the probability of every class, (members, classes, N).

    Where the softmax itself is quantized, p̃ⱼ = max(p̂ⱼ, s/2), renormalised; the maximum passes gradients
    straight through, or else an input whose code is 0 would never be learnt.
    """
    values = values_of(output)
    if scheme.reads == "logits":
        return torch.log_softmax(values, 1)
    assert isinstance(output, Quantized)
    least = torch.maximum(values, output.grid.scale[:, None, None] / 2)
    raised = straight_through(values, least, torch.ones_like(values, dtype=torch.bool))
    return torch.log(raised / raised.sum(1, keepdim=True))


def pass_sizes(model: Model, members: int, inputs: int, device: torch.device) -> tuple[int, int]:
    """How many of the members, and of the inputs, are run at a time over many inputs.

    No layer holds more than `HELD` numbers, nor do the outputs of all layers for all inputs, unless one
    member does by itself. The inputs are not cut where a range is that of all of them.
    """
    held = HELD if device.type == "cpu" else HELD_ON_GPU
    network, whole = model.network, model.scheme.needs_all_inputs
    outputs = inputs * sum(layer.outputs for layer in network.layers)
    least = network.widest * (inputs if whole else 1)
    together = min(members, max(1, held // max(outputs, least)))
    return together, inputs if whole else min(inputs, max(1, held // (network.widest * together)))
