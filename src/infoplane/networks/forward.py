"""Forward pass in PyTorch: the readable definition of the networks, which autograd differentiates.

An ensemble has several members: networks of one spec, each with its own parameters. In every tensor, the
first dimension is the member and the last one is the input.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from infoplane.activations import ACTIVATIONS
from infoplane.config import RangeSpec, TrainingSpec
from infoplane.datasets import Dataset
from infoplane.networks.inputs import network_inputs
from infoplane.networks.layers import Dense, Network, network_of
from infoplane.networks.quantization import (
    Grid,
    Quantized,
    factor_of,
    grid,
    on_same_grid,
    quantize,
    straight_through,
    values_of,
)
from infoplane.networks.schemes import Scheme, highest_codes, scheme_of
from infoplane.ranges import Extremes, range_of

__all__ = [
    "ANY_ORDER",
    "MOST_VALUES_ON_GPU",
    "Arithmetic",
    "Model",
    "forward",
    "log_likelihood",
    "matrix_product",
    "model_on",
    "pass_sizes",
    "weights_of",
]

# A layer's values in one call: 32 MiB of float64, and 256 MiB on a GPU
MOST_VALUES, MOST_VALUES_ON_GPU = 2**22, 2**25


@dataclass(frozen=True)
class Model:
    """A network and its quantization.

    Attributes:
        spec: the training.
        network: its layers.
        scheme: the ranges of its quantizers.
        scale: factor of inputs that are whole numbers; None where they are not.
    """

    spec: TrainingSpec
    network: Network
    scheme: Scheme
    scale: float | None


def model_on(spec: TrainingSpec, dataset: Dataset) -> tuple[Model, np.ndarray]:
    """The network of a spec on a data set, and its inputs, (N, features).

    Raises:
        UserError: a convolution or a pool finds no images.
    """
    scheme = scheme_of(spec)
    values, scale = network_inputs(dataset, scheme.quantized)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    return Model(spec, network, scheme, scale), values


class Arithmetic(NamedTuple):
    """How sums of numbers that are not whole are taken.

    Attributes:
        product: of a kernel (members, fan_in, width) and columns (members, fan_in, …), the sums
            Σᵢ kernel[m, i, o]·columns[m, i, n], (members, width, …).
        rounded: what is kept of the sums, and of the activation function's values.
    """

    product: Callable[[Tensor, Tensor], Tensor]
    rounded: Callable[[Tensor], Tensor]


def matrix_product(kernel: Tensor, columns: Tensor) -> Tensor:
    """`Arithmetic.product` in the fastest order of the terms."""
    return kernel.transpose(1, 2) @ columns


ANY_ORDER = Arithmetic(matrix_product, lambda values: values)


def forward(
    model: Model,
    parameters: Tensor,
    ranges: Tensor,
    inputs: Tensor,
    averaging: Mapping[str, float] | None = None,
    arithmetic: Arithmetic = ANY_ORDER,
) -> tuple[list[Tensor | Quantized], Tensor]:
    """Run every member on its inputs, in the type of its parameters.

    Args:
        parameters: (members, P).
        ranges: the moving ranges of each layer's kernel and output, their low and high ends,
            (members, layers, 2, 2).
        inputs: (members, features, N), or (1, features, N) if all members share them.
        averaging: in training, the weight of this batch's extremes in each moving policy; moving ranges move
            before they are used. If None, they stay.

    Returns:
        Each layer's output, (members, outputs, N), the last one being the logits or the softmax, as the
        scheme reads it; and the moving ranges afterwards.
    """
    previous = as_steps(model, inputs.to(parameters.dtype).expand(len(parameters), -1, -1))
    outputs, moved = [], []
    for layer, moving in zip(model.network.layers, ranges.unbind(1), strict=True):
        if isinstance(layer, Dense):
            previous, moving = layer_output(model, layer, parameters, previous, moving, averaging, arithmetic)
        else:
            previous = on_same_grid(previous, layer.output)
        outputs.append(previous)
        moved.append(moving)
    return outputs, torch.stack(moved, 1)


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
    averaging: Mapping[str, float] | None,
    arithmetic: Arithmetic,
) -> tuple[Tensor | Quantized, Tensor]:
    """Output of a layer with weights, (members, outputs, N), and its moving ranges afterwards."""
    is_output = layer is model.network.layers[-1]
    of_kernel, of_output = (Extremes(*ends.unbind(1)) for ends in moving.unbind(1))
    kernel_range, output_range = model.scheme.of_layer(is_output)
    kernel_top, output_top = highest_codes(model.spec)
    kernel, bias = weights_of(layer, parameters)
    steps, of_kernel = quantize_over(kernel_range, kernel, kernel_top, of_kernel, averaging)
    if isinstance(steps, Quantized) and isinstance(inputs, Quantized):
        arithmetic = ANY_ORDER  # sums of whole numbers are exact
    output = arithmetic.rounded(weighted_sum(layer, steps, bias, inputs, arithmetic.product))
    if not is_output:
        output = arithmetic.rounded(ACTIVATIONS[model.network.activation](output))
    elif model.scheme.reads == "softmax":
        output = arithmetic.rounded(torch.softmax(output, 1))
    result, of_output = quantize_over(output_range, output, output_top, of_output, averaging)
    return result, torch.stack([torch.stack(of_kernel, 1), torch.stack(of_output, 1)], 1)


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

    A quantized factor enters as its whole steps, and the sum is scaled once.
    """
    total = product(factor_of(kernel), layer.columns(factor_of(inputs)))
    scales = [factor.grid.scale for factor in (kernel, inputs) if isinstance(factor, Quantized)]
    if scales:
        total = total * torch.stack(scales).prod(0)[:, None, None]
    return (total + bias[:, :, None]).reshape(len(total), layer.outputs, -1)


def quantize_over(
    chosen: RangeSpec | None,
    tensor: Tensor,
    top: int,
    moving: Extremes,
    averaging: Mapping[str, float] | None,
) -> tuple[Tensor | Quantized, Extremes]:
    """A tensor (members, …), quantized over the range chosen for it, and its moving range afterwards.

    Args:
        chosen: a policy, fixed ends, or None where the tensor is not quantized.
        top: 2ᵇ − 1, the highest code.
        moving: the moving range before.
        averaging: as for `forward`.
    """
    if chosen is None:
        return tensor, moving
    bounds, moving = range_of(chosen, tensor, moving, averaging)
    return quantize(tensor, grid(bounds, top)), moving


def log_likelihood(scheme: Scheme, output: Tensor | Quantized) -> Tensor:
    """Logarithm (nats) of the probability of every class, (members, classes, N).

    Where the softmax itself is quantized, p̃ⱼ = max(p̂ⱼ, s/2), renormalised. The maximum passes gradients
    straight through: otherwise an input whose code is 0 would never be learnt.
    """
    values = values_of(output)
    if scheme.reads == "logits":
        return torch.log_softmax(values, 1)
    assert isinstance(output, Quantized)
    least = torch.maximum(values, output.grid.scale[:, None, None] / 2)
    raised = straight_through(values, least, torch.ones_like(values, dtype=torch.bool))
    return torch.log(raised / raised.sum(1, keepdim=True))


def pass_sizes(model: Model, members: int, inputs: int, device: torch.device) -> tuple[int, int]:
    """Numbers of members and of inputs in one call of `forward`, where many inputs are run.

    A layer has at most `MOST_VALUES` values in a call, and so have the outputs of all layers for all inputs,
    unless one member has more. All inputs are in one call where a range is that of all of them.
    """
    most = MOST_VALUES if device.type == "cpu" else MOST_VALUES_ON_GPU
    network, in_one = model.network, model.scheme.needs_all_inputs
    outputs = inputs * sum(layer.outputs for layer in network.layers)
    least = network.widest * (inputs if in_one else 1)
    together = min(members, max(1, most // max(outputs, least)))
    return together, inputs if in_one else min(inputs, max(1, most // (network.widest * together)))
