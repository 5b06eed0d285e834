"""Networks as ensembles: one forward pass, for training and for replay, quantized or not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple, Protocol

import numpy as np
import torch
from scipy.special import ndtr, ndtri
from torch import Tensor

from infoplane.config import Bits, TrainingSpec
from infoplane.quantization import Extremes, Grid, Quantized, Range, extremes, grid, moving_average, quantize

__all__ = [
    "ACTIVATIONS",
    "Arithmetic",
    "Dense",
    "Levels",
    "Network",
    "Scheme",
    "forward",
    "initialise",
    "network_of",
    "scheme_of",
]

HIDDEN_WIDTHS = {"shwartz-ziv": (10, 7, 5, 4, 3)}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}


@dataclass(frozen=True)
class Dense:
    """A dense layer and the place of its kernel and bias among a member's parameters."""

    fan_in: int
    width: int
    start: int

    @property
    def stop(self) -> int:
        return self.start + (self.fan_in + 1) * self.width

    def kernel_and_bias(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Views of parameters (members, P): kernel (members, fan_in, width) and bias (members, width)."""
        end = self.stop - self.width
        kernel = parameters[:, self.start : end]
        return kernel.view(-1, self.fan_in, self.width), parameters[:, end : self.stop]


@dataclass(frozen=True)
class Network:
    """Layers, the last of which holds the logits of the softmax output, and the activation of the others."""

    layers: tuple[Dense, ...]
    activation: str

    @classmethod
    def dense(cls, widths: Sequence[int], activation: str) -> "Network":
        """Dense layers between consecutive widths, the first of which is the number of input features.

        >>> Network.dense((12, 10, 7, 5, 4, 3, 2), "relu").size
        294
        """
        shapes = list(pairwise(widths))
        starts = accumulate(((fan_in + 1) * width for fan_in, width in shapes), initial=0)
        return cls(
            tuple(Dense(*shape, start) for shape, start in zip(shapes, starts, strict=False)), activation
        )

    @property
    def size(self) -> int:
        """The number P of parameters of one member."""
        return self.layers[-1].stop


class Scheme(NamedTuple):
    """Which tensors are quantized, and where the ranges of the activations and of the logits come from."""

    hidden_weights: bool
    output_weights: bool
    activations: Range | None
    logits: Range | None

    def weights_quantized(self, layer_is_output: bool) -> bool:
        return self.output_weights if layer_is_output else self.hidden_weights

    def output_range(self, layer_is_output: bool) -> Range | None:
        return self.logits if layer_is_output else self.activations


PUBLISHED = {
    "tanh": Scheme(hidden_weights=False, output_weights=True, activations=Range.BATCH, logits=Range.EMA),
    "relu": Scheme(hidden_weights=True, output_weights=True, activations=Range.EMA, logits=Range.EMA),
}
UNQUANTIZED = Scheme(hidden_weights=False, output_weights=False, activations=None, logits=None)


class Levels(NamedTuple):
    """2ᵇ − 1 of the weights and of the activations, as tensors without dimension."""

    weights: Tensor
    activations: Tensor

    @classmethod
    def of(cls, bits: Bits | str, dtype: torch.dtype) -> "Levels":
        widths = (bits.weights, bits.activations) if isinstance(bits, Bits) else (1, 1)
        return cls(*(torch.tensor(2**width - 1, dtype=dtype) for width in widths))


def network_of(spec: TrainingSpec, inputs: int, classes: int) -> Network:
    """The network of a training spec on data with so many input features and classes."""
    return Network.dense((inputs, *HIDDEN_WIDTHS[spec.network], classes), spec.activation)


def scheme_of(spec: TrainingSpec) -> Scheme:
    """The quantization of a training spec."""
    return PUBLISHED[spec.activation] if isinstance(spec.bits, Bits) else UNQUANTIZED


def initialise(network: Network, initialisation: str, generator: np.random.Generator) -> np.ndarray:
    """Draw one member's parameters, (P,) float32; biases are 0.

    `glorot`: uniform on ±√(6/(fan in + width)). `truncated-normal`: standard deviation 1/√width before it
    is cut at ±2 standard deviations.
    """
    parameters = np.zeros(network.size, dtype=np.float32)
    for layer in network.layers:
        uniform = generator.random(layer.fan_in * layer.width)
        if initialisation == "glorot":
            kernel = np.sqrt(6 / (layer.fan_in + layer.width)) * (2 * uniform - 1)
        else:
            kernel = ndtri(ndtr(-2) + (ndtr(2) - ndtr(-2)) * uniform) / np.sqrt(layer.width)
        parameters[layer.start : layer.start + kernel.size] = kernel
    return parameters


class Arithmetic(Protocol):
    """How sums are taken and rounded: quickly in training, exactly in replay."""

    def product(self, kernel: Tensor, inputs: Tensor, whole: bool) -> Tensor:
        """Σᵢ kernel[m, i, o]·inputs[m, i, n], (members, width, N); `whole` if all are whole numbers."""
        ...

    def rounded(self, values: Tensor, whole: bool) -> Tensor:
        """What a layer keeps of its sum and of its activation; `whole` as for the sum."""
        ...

    def activation(self, name: str, values: Tensor) -> Tensor:
        """The activation function of that name."""
        ...


def factor_of(operand: Tensor | Quantized) -> Tensor:
    return operand.steps if isinstance(operand, Quantized) else operand


def dense(
    kernel: Tensor | Quantized, bias: Tensor, inputs: Tensor | Quantized, arithmetic: Arithmetic
) -> tuple[Tensor, bool]:
    """The layer's sum, (members, width, N), and whether it was taken over whole numbers.

    A quantized factor enters as its whole steps and the sum is scaled once.
    """
    quantized = [factor for factor in (kernel, inputs) if isinstance(factor, Quantized)]
    whole = len(quantized) == 2
    total = arithmetic.product(factor_of(kernel), factor_of(inputs), whole)
    if quantized:
        scale = torch.stack([factor.grid.scale for factor in quantized]).prod(0)
        total = total * scale[:, None, None]
    return arithmetic.rounded(total + bias[:, :, None], whole), whole


def forward(
    network: Network,
    scheme: Scheme,
    levels: Levels,
    parameters: Tensor,
    ranges: Tensor,
    inputs: Tensor,
    arithmetic: Arithmetic,
    training: bool,
) -> tuple[list[Tensor | Quantized], Tensor]:
    """Run every member of an ensemble on its own inputs.

    Args:
        parameters: (members, P).
        ranges: (members, layers, 2), the moving ranges' low and high ends.
        inputs: (members, features, N) whole numbers, on a grid of scale 1.
        training: whether moving ranges take up the extremes of this batch before they are used.

    Returns:
        Each layer's output, (members, width, N), the last one being the logits; and the ranges after it.
    """
    members = parameters.new_ones(len(parameters))
    previous: Tensor | Quantized = Quantized(inputs, Grid(members, 0 * members, members))
    outputs: list[Tensor | Quantized] = []
    updated = []
    for layer, moving in zip(network.layers, ranges.unbind(1), strict=True):
        is_output = layer is network.layers[-1]
        kernel, bias = layer.kernel_and_bias(parameters)
        weights: Tensor | Quantized = kernel
        if scheme.weights_quantized(is_output):
            weights = quantize(kernel, grid(extremes(kernel), levels.weights))
        output, whole = dense(weights, bias, previous, arithmetic)
        if not is_output:
            output = arithmetic.rounded(arithmetic.activation(network.activation, output), whole)
        previous = output
        match scheme.output_range(is_output):
            case Range.BATCH:
                previous = quantize(output, grid(extremes(output), levels.activations))
            case Range.EMA:
                bounds = Extremes(*moving.unbind(1))
                if training:
                    bounds = moving_average(bounds, extremes(output))
                    moving = torch.stack(bounds, 1)
                previous = quantize(output, grid(bounds, levels.activations))
        updated.append(moving)
        outputs.append(previous)
    return outputs, torch.stack(updated, 1)
