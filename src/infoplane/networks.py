"""Networks as ensembles: one forward pass, for training and for replay, quantized or not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from scipy.special import ndtr, ndtri
from torch import Tensor

from infoplane.arithmetic import SMALL_KERNEL, Arithmetic
from infoplane.config import Bits, ConvSpec, DenseSpec, LayerSpec, PoolSpec, RangeSpec, TrainingSpec
from infoplane.errors import UserError
from infoplane.quantization import (
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

__all__ = [
    "Conv",
    "Dense",
    "Intake",
    "Layer",
    "Levels",
    "Network",
    "Pool",
    "Scheme",
    "Weights",
    "forward",
    "initialise",
    "log_likelihood",
    "network_of",
    "scheme_of",
]

NETWORKS: dict[str, tuple[LayerSpec, ...]] = {
    "shwartz-ziv": tuple(DenseSpec(dense=width) for width in (10, 7, 5, 4, 3)),
    "bottleneck-2": tuple(DenseSpec(dense=width) for width in (16, 8, 4, 2)),
    "bottleneck-4": tuple(DenseSpec(dense=width) for width in (16, 12, 8, 4)),
    "hourglass": tuple(DenseSpec(dense=width) for width in (16, 8, 4, 2, 4, 8)),
    "4x10": tuple(DenseSpec(dense=width) for width in (10, 10, 10, 10)),
    "conv": (
        ConvSpec(conv=2, kernel=3),
        PoolSpec(pool=2),
        ConvSpec(conv=2, kernel=3),
        PoolSpec(pool=2),
        DenseSpec(dense=16),
    ),
}


class Weights(NamedTuple):
    """A layer's kernel (members, fan_in, width) and bias (members, width)."""

    kernel: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Dense:
    """A dense layer and the place of its kernel and bias among a member's parameters."""

    fan_in: int
    width: int
    start: int

    @property
    def outputs(self) -> int:
        """The number of values that the layer puts out for one input."""
        return self.width

    @property
    def fan_out(self) -> int:
        return self.width

    @property
    def stop(self) -> int:
        return self.start + (self.fan_in + 1) * self.width

    def weights(self, parameters: Tensor) -> "Weights":
        """Views of parameters (members, P)."""
        end = self.stop - self.width
        kernel = parameters[:, self.start : end]
        return Weights(kernel.view(-1, self.fan_in, self.width), parameters[:, end : self.stop])

    def sums(self, kernel: Tensor, inputs: Tensor, arithmetic: Arithmetic, whole: bool) -> Tensor:
        """Inputs (members, features, N) times the kernel, (members, width, places·N)."""
        return arithmetic.product(kernel, inputs, whole)

    def arranged(self, sums: Tensor) -> Tensor:
        """(members, width, places·N) as (members, outputs, N)."""
        return sums.reshape(len(sums), self.outputs, -1)


@dataclass(frozen=True)
class Conv(Dense):
    """A convolution without padding at stride 1: dense on each square of images (channels, rows, columns)."""

    shape: tuple[int, int, int]
    kernel: int

    @property
    def image(self) -> tuple[int, int, int]:
        """Shape of what it puts out."""
        _, rows, columns = self.shape
        return self.width, rows - self.kernel + 1, columns - self.kernel + 1

    @property
    def outputs(self) -> int:
        return math.prod(self.image)

    @property
    def fan_out(self) -> int:
        return self.width * self.kernel**2

    def sums(self, kernel: Tensor, inputs: Tensor, arithmetic: Arithmetic, whole: bool) -> Tensor:
        images = inputs.reshape(len(inputs), *self.shape, inputs.shape[2])
        squares = kernel.reshape(len(kernel), self.shape[0], self.kernel, self.kernel, self.width)
        return arithmetic.correlation(squares, images, whole).flatten(2)


@dataclass(frozen=True)
class Pool:
    """The maximum over squares of images (channels, rows, columns); what fills no square is left out."""

    shape: tuple[int, int, int]
    size: int

    @property
    def image(self) -> tuple[int, int, int]:
        """Shape of what it puts out."""
        channels, rows, columns = self.shape
        return channels, rows // self.size, columns // self.size

    @property
    def outputs(self) -> int:
        return math.prod(self.image)

    def pooled(self, inputs: Tensor) -> Tensor:
        """Images (members, channels·rows·columns, N); of equal maxima the first one gets the gradient."""
        members, _, count = inputs.shape
        channels, rows, columns = self.image
        images = inputs.reshape(members, *self.shape, count)
        highest = None
        for down in range(self.size):
            for right in range(self.size):
                corner = images[:, :, down :: self.size, right :: self.size][:, :, :rows, :columns]
                highest = corner if highest is None else torch.where(corner > highest, corner, highest)
        assert highest is not None
        return highest.reshape(members, channels * rows * columns, count)


Layer = Dense | Conv | Pool


@dataclass(frozen=True)
class Network:
    """Layers, the last of which holds the logits of the softmax output, and the activation of the others.

    >>> layers = (DenseSpec(dense=10), DenseSpec(dense=7))
    >>> Network.of((12,), layers, 2, "relu").size
    223
    """

    layers: tuple[Layer, ...]
    activation: str

    @classmethod
    def of(
        cls, shape: tuple[int, ...], layers: Sequence[LayerSpec], classes: int, activation: str
    ) -> "Network":
        """Layers one after the other on inputs of a shape: features, or images with or without channels."""
        image = (1, *shape) if len(shape) == 2 else shape
        start = 0
        placed: list[Layer] = []
        for spec in [*layers, DenseSpec(dense=classes)]:
            match spec:
                case DenseSpec(dense=width):
                    layer: Layer = Dense(math.prod(image), width, start)
                    image = (width,)
                case ConvSpec(conv=filters, kernel=kernel):
                    channels, rows, columns = images_for(spec, image, kernel)
                    layer = Conv(channels * kernel**2, filters, start, (channels, rows, columns), kernel)
                    image = layer.image
                case PoolSpec(pool=size):
                    layer = Pool(images_for(spec, image, size), size)
                    image = layer.image
            start = start if isinstance(layer, Pool) else layer.stop
            placed.append(layer)
        return cls(tuple(placed), activation)

    @property
    def weighted(self) -> list[Dense]:
        """The layers with weights."""
        return [layer for layer in self.layers if isinstance(layer, Dense)]

    @property
    def reads_rows(self) -> bool:
        """Whether inputs go into a large matrix product, which reads them the one way or the other."""
        first = self.layers[0]
        return type(first) is Dense and first.fan_in * first.width > SMALL_KERNEL

    @property
    def widest(self) -> int:
        """The largest number of values that a layer holds of one input."""
        columns = [layer.fan_in * layer.outputs // layer.width for layer in self.weighted]
        return max(*columns, *(layer.outputs for layer in self.layers))

    def weights(self, parameters: Tensor) -> list[Weights]:
        """The weights of the layers that have some, as views of parameters (members, P)."""
        return [layer.weights(parameters) for layer in self.weighted]

    @property
    def size(self) -> int:
        """The number P of parameters of one member."""
        return self.weighted[-1].stop


def images_for(spec: LayerSpec, shape: tuple[int, ...], size: int) -> tuple[int, int, int]:
    """`shape` as (channels, rows, columns), if there is a square of `size` in it."""
    if len(shape) != 3 or min(shape[1:]) < size:
        raise UserError(
            f"network: {spec!r} needs images of at least {size} × {size}, not inputs of shape {shape}; "
            "use dense layers, or a data set of images (N, rows, columns) or (N, channels, rows, columns)"
        )
    return shape[0], shape[1], shape[2]


class Scheme(NamedTuple):
    """Which tensors are quantized, over which range, and whether the output is its logits or its softmax."""

    hidden_weights: RangeSpec | None
    output_weights: RangeSpec | None
    activations: RangeSpec | None
    output: RangeSpec | None
    reads: Literal["logits", "softmax"]

    @property
    def quantized(self) -> bool:
        return self.output is not None


PUBLISHED = {
    "tanh": Scheme(None, "batch", "batch", "ema", "logits"),
    "relu": Scheme("batch", "batch", "ema", "ema", "logits"),
}
BOUNDED: dict[str, RangeSpec] = {"tanh": (-1.0, 1.0), "hard-tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
UNQUANTIZED = Scheme(None, None, None, None, "logits")


class Levels(NamedTuple):
    """2ᵇ − 1 of the weights and of the activations, as tensors without dimension."""

    weights: Tensor
    activations: Tensor

    @classmethod
    def of(cls, bits: Bits | str, dtype: torch.dtype, device: torch.device | None = None) -> "Levels":
        widths = (bits.weights, bits.activations) if isinstance(bits, Bits) else (1, 1)
        return cls(*(torch.tensor(2**width - 1, dtype=dtype, device=device) for width in widths))


class Intake(NamedTuple):
    """How much of a batch's extremes the moving ranges take up in a step, tensors without dimension."""

    ema: Tensor
    debiased: Tensor


def network_of(spec: TrainingSpec, shape: tuple[int, ...], classes: int) -> Network:
    """The network of a training spec on inputs of a shape.

    Raises:
        UserError: there are no images for a convolution or a pool.
    """
    layers = NETWORKS[spec.network] if isinstance(spec.network, str) else spec.network
    return Network.of(shape, layers, classes, spec.activation)


def scheme_of(spec: TrainingSpec) -> Scheme:
    """The quantization of a training spec: that of its protocol, where the spec gives no range of its own."""
    if not isinstance(spec.bits, Bits):
        return UNQUANTIZED
    if spec.protocol == "published":
        scheme = PUBLISHED[spec.activation]
    else:
        activations = BOUNDED.get(spec.activation, "ema-debiased")
        scheme = Scheme("batch", "batch", activations, (0.0, 1.0), "softmax")
    return scheme._replace(**spec.ranges.model_dump(exclude_none=True))


def initialise(network: Network, spec: TrainingSpec, generator: np.random.Generator) -> np.ndarray:
    """Draw one member's parameters, (P,) float32; biases are 0.

    `glorot`: uniform on ±√(6/(fan in + fan out)). `truncated-normal`: standard deviation 1/√width, or
    1/√filters, before it is cut at ±2 standard deviations. Where the spec names neither, it is the second,
    but for the published `shwartz-ziv`.
    """
    published = spec.protocol == "published" and spec.network == "shwartz-ziv"
    initialisation = spec.initialisation or ("glorot" if published else "truncated-normal")
    parameters = np.zeros(network.size, dtype=np.float32)
    for layer in network.weighted:
        uniform = generator.random(layer.fan_in * layer.width)
        if initialisation == "glorot":
            kernel = np.sqrt(6 / (layer.fan_in + layer.fan_out)) * (2 * uniform - 1)
        else:
            kernel = ndtri(ndtr(-2) + (ndtr(2) - ndtr(-2)) * uniform) / np.sqrt(layer.width)
        parameters[layer.start : layer.start + kernel.size] = kernel
    return parameters


def weighted_sum(
    layer: Dense,
    kernel: Tensor | Quantized,
    bias: Tensor,
    inputs: Tensor | Quantized,
    arithmetic: Arithmetic,
) -> tuple[Tensor, bool]:
    """The layer's sum, (members, width, places·N), and whether it was taken over whole numbers.

    A quantized factor enters as its whole steps and the sum is scaled once.
    """
    quantized = [factor for factor in (kernel, inputs) if isinstance(factor, Quantized)]
    whole = len(quantized) == 2
    total = layer.sums(factor_of(kernel), factor_of(inputs), arithmetic, whole)
    if quantized:
        scale = torch.stack([factor.grid.scale for factor in quantized]).prod(0)
        total = total * scale[:, None, None]
    return arithmetic.rounded(total + bias[:, :, None], whole), whole


def ranged(
    tensor: Tensor, policy: RangeSpec | None, levels: Tensor, moving: Tensor, intake: Intake | None
) -> tuple[Tensor | Quantized, Tensor]:
    """A tensor, (members, …), quantized over the range that the policy names; and its moving range after it.

    Args:
        moving: (members, 2), the low and high end of the moving range.
        intake: what a moving range takes up before it is used; None leaves it as it is.
    """
    if policy is None:
        return tensor, moving
    if policy == "batch":
        return quantize(tensor, grid(extremes(tensor), levels)), moving
    if isinstance(policy, tuple):
        ends = Extremes(*(tensor.new_full(moving.shape[:1], end) for end in policy))
        return quantize(tensor, grid(ends, levels)), moving
    bounds = Extremes(*moving.unbind(1))
    if intake is not None:
        weight = intake.ema if policy == "ema" else intake.debiased
        bounds = moving_average(bounds, extremes(tensor), weight)
        moving = torch.stack(bounds, 1)
    return quantize(tensor, grid(bounds, levels)), moving


def forward(
    network: Network,
    scheme: Scheme,
    levels: Levels,
    weights: Sequence[Weights],
    ranges: Tensor,
    inputs: Tensor,
    scale: Tensor | None,
    arithmetic: Arithmetic,
    intake: Intake | None = None,
) -> tuple[list[Tensor | Quantized], Tensor]:
    """Run every member of an ensemble on its own inputs.

    Args:
        weights: those of every layer that has some.
        ranges: (members, layers, 2, 2), the moving ranges' low and high ends for a layer's kernel and output.
        inputs: (members, features, N), or (1, features, N) if all members share them.
        scale: if there is one, the inputs are whole numbers that stand for their products with it.
        intake: how much of this batch's extremes the moving ranges take up before they are used.

    Returns:
        Each layer's output, (members, outputs, N), the last one being the logits or the softmax, as the
        scheme reads it; and the ranges after it.
    """
    previous: Tensor | Quantized = inputs
    if scale is not None:
        members = ranges.new_ones(len(ranges))
        previous = Quantized(inputs, Grid(members * scale, 0 * members, members))
    outputs: list[Tensor | Quantized] = []
    updated = []
    following = iter(weights)
    for layer, moving in zip(network.layers, ranges.unbind(1), strict=True):
        if isinstance(layer, Pool):
            previous = on_same_grid(previous, layer.pooled)
        else:
            is_output = layer is network.layers[-1]
            kernel, bias = next(following)
            of_kernel, of_output = moving.unbind(1)
            policy = scheme.output_weights if is_output else scheme.hidden_weights
            on_grid, of_kernel = ranged(kernel, policy, levels.weights, of_kernel, intake)
            output, whole = weighted_sum(layer, on_grid, bias, previous, arithmetic)
            if not is_output:
                output = arithmetic.rounded(arithmetic.activation(network.activation, output), whole)
            elif scheme.reads == "softmax":
                output = arithmetic.rounded(torch.softmax(output, 1), whole)
            policy = scheme.output if is_output else scheme.activations
            previous, of_output = ranged(output, policy, levels.activations, of_output, intake)
            previous = on_same_grid(previous, layer.arranged)
            moving = torch.stack([of_kernel, of_output], 1)
        updated.append(moving)
        outputs.append(previous)
    return outputs, torch.stack(updated, 1)


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
