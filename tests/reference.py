"""A second, slow reading of the specification: one repetition at a time, with autograd and plain loops."""

from itertools import pairwise
from math import tanh

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from infoplane import TrainingSpec
from infoplane.config import Bits

BitWidths = tuple[int, int] | None  # of weights and of activations; None is float32
WIDTHS = (12, 10, 7, 5, 4, 3, 2)
DECAY = 0.999


def bits_of(spec: TrainingSpec) -> BitWidths:
    return (spec.bits.weights, spec.bits.activations) if isinstance(spec.bits, Bits) else None


class FakeQuantize(torch.autograd.Function):
    """x̂ on the grid of [low, high] widened to contain 0 and shifted; gradient 1 inside of it, 0 outside."""

    @staticmethod
    def forward(ctx, x, low, high, bits):
        low, high = min(float(low), 0.0), max(float(high), 0.0)
        if low == high:
            ctx.save_for_backward(torch.ones_like(x))
            return torch.zeros_like(x)
        top = 2**bits - 1
        scale = (x.new_tensor(high) - x.new_tensor(low)) / top
        zero = torch.floor(-low / scale + 0.5).clamp(0, top)
        lowest, highest = -zero * scale, (top - zero) * scale
        ctx.save_for_backward(((x >= lowest) & (x <= highest)).to(x.dtype))
        return (torch.floor((x - lowest) / scale + 0.5).clamp(0, top) - zero) * scale

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0], None, None, None


def over_its_own_range(x: Tensor, bits: int) -> Tensor:
    return FakeQuantize.apply(x, x.detach().min(), x.detach().max(), bits)


def split(parameters: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Kernel (fan in, width) and bias (width) of each layer of a flat row of parameters."""
    layers, start = [], 0
    for fan_in, width in pairwise(WIDTHS):
        kernel = parameters[start : start + fan_in * width].reshape(fan_in, width)
        start += fan_in * width
        layers.append((kernel, parameters[start : start + width]))
        start += width
    assert start == len(parameters)
    return layers


class PublishedNetwork:
    """The network of 10-7-5-4-3-2 neurons under the protocol `published`.

    `outputs` keeps what each layer put out last, (N, width); the last layer's are logits.
    """

    def __init__(self, activation: str, bits: BitWidths, parameters: Tensor) -> None:
        self.activation, self.bits = activation, bits
        self.outputs: list[Tensor] = []
        self.layers = [
            (kernel.clone().requires_grad_(), bias.clone().requires_grad_())
            for kernel, bias in split(parameters)
        ]
        self.ranges = [[-6.0, 6.0] for _ in self.layers]

    def parameters(self) -> list[Tensor]:
        return [tensor for layer in self.layers for tensor in layer]

    def moving(self, place: int, x: Tensor, training: bool) -> Tensor:
        if training:
            low, high = self.ranges[place]
            low = DECAY * low + (1 - DECAY) * float(x.detach().min())
            high = DECAY * high + (1 - DECAY) * float(x.detach().max())
            self.ranges[place] = [float(x.new_tensor(low)), float(x.new_tensor(high))]
        return FakeQuantize.apply(x, *self.ranges[place], self.bits[1])

    def logits(self, x: Tensor, training: bool) -> Tensor:
        """Inputs (N, 12); the logits as they enter the softmax, (N, 2)."""
        self.outputs = []
        for place, (kernel, bias) in enumerate(self.layers):
            is_output = place == len(self.layers) - 1
            if self.bits and (is_output or self.activation == "relu"):
                kernel = over_its_own_range(kernel, self.bits[0])
            x = x @ kernel + bias
            if not is_output:
                # a sum of whole steps that is 0 comes out as 0 up to rounding here
                nothing = 10 * torch.finfo(x.dtype).eps
                x = torch.tanh(x) if self.activation == "tanh" else functional.threshold(x, nothing, 0.0)
            if self.bits and (is_output or self.activation == "relu"):
                x = self.moving(place, x, training)
            elif self.bits:
                x = over_its_own_range(x, self.bits[1])
            self.outputs.append(x)
        return x


class KerasAdam:
    """θ −= α·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε)."""

    def __init__(self, parameters: list[Tensor], rate: float) -> None:
        self.parameters, self.rate, self.steps = parameters, rate, 0
        self.moments = [(torch.zeros_like(each), torch.zeros_like(each)) for each in parameters]

    @torch.no_grad()
    def step(self) -> None:
        self.steps += 1
        rate = self.rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        for parameter, (first, second) in zip(self.parameters, self.moments, strict=True):
            first.mul_(0.9).add_(0.1 * parameter.grad)
            second.mul_(0.999).add_(0.001 * parameter.grad**2)
            parameter -= rate * first / (second.sqrt() + 1e-7)


def train_reference(
    network: PublishedNetwork,
    inputs: Tensor,
    labels: Tensor,
    train: Tensor,
    orders: list,
    size: int,
    rate: float,
) -> list[tuple[np.ndarray, np.ndarray, tuple[float, float, float]]]:
    """Train on the training inputs in the order of each epoch.

    Returns:
        After each epoch: parameters (P,), ranges (layers, 2), and (loss, train accuracy, test accuracy).
    """
    adam = KerasAdam(network.parameters(), rate)
    everything = []
    x, y = inputs[train], labels[train]
    for order in orders:
        losses, hits = 0.0, 0
        for start in range(0, len(x), size):
            batch = torch.as_tensor(order[start : start + size])
            for parameter in network.parameters():
                parameter.grad = None
            logits = network.logits(x[batch], training=True)
            loss = functional.cross_entropy(logits, y[batch])
            loss.backward()
            adam.step()
            losses += float(loss.detach()) * len(batch)
            hits += int((logits.argmax(1) == y[batch]).sum())
        with torch.no_grad():
            right = network.logits(inputs, training=False).argmax(1) == labels
        measures = (losses / len(x), hits / len(x), float(right[~train].double().mean()))
        flat = torch.cat([each.detach().flatten() for each in network.parameters()])
        everything.append((flat.numpy().copy(), np.array(network.ranges), measures))
    return everything


def grid_of(low: float, high: float, bits: int) -> tuple[float, float, float]:
    """Scale, zero and 2ᵇ − 1 of a range."""
    low, high = min(low, 0.0), max(high, 0.0)
    top = 2.0**bits - 1
    if low == high:
        return 1.0, 0.0, 0.0
    return (high - low) / top, min(max(np.floor(-low / (high - low) * top + 0.5), 0.0), top), top


def codes_of(x: np.ndarray, scale: float, zero: float, top: float) -> np.ndarray:
    lowest = -zero * scale
    return np.clip(np.floor((x - lowest) / scale + 0.5), 0.0, top)


def single(x: np.ndarray) -> np.ndarray:
    """Rounded once to float32; −0 counts as +0."""
    return x.astype(np.float32).astype(np.float64) + 0.0


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return single(powers / powers.sum(axis=1, keepdims=True))


def replayed(
    parameters: np.ndarray, ranges: np.ndarray, activation: str, bits: BitWidths, inputs: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The codes and the activations of each layer of one snapshot, (N, width), in a fixed order."""
    codes, activations = [], []
    steps, scale = inputs.astype(np.float64), 1.0
    layers = split(torch.from_numpy(parameters))
    for place, (kernel, bias) in enumerate(layers):
        kernel, bias = kernel.numpy().astype(np.float64), bias.numpy().astype(np.float64)
        is_output = place == len(layers) - 1
        if bits and (is_output or activation == "relu"):
            weight_scale, weight_zero, top = grid_of(kernel.min(), kernel.max(), bits[0])
            weight_steps = codes_of(kernel, weight_scale, weight_zero, top) - weight_zero
            whole = steps.astype(np.int64) @ weight_steps.astype(np.int64)
            x = whole * (weight_scale * scale) + bias
        else:
            x = np.zeros((len(inputs), len(bias)))
            for source in range(len(kernel)):
                x = x + steps[:, source, None] * kernel[source]
            x = single(x * scale + bias)
        if not is_output:
            x = single(np.vectorize(tanh)(x)) if activation == "tanh" else np.maximum(x, 0.0)
        if bits is None:
            steps = softmax(x) if is_output else x
            codes.append(steps.astype(np.float32).view(np.int32))
            activations.append(steps)
            continue
        ends = ranges[place].astype(float) if is_output or activation == "relu" else (x.min(), x.max())
        scale, zero, top = grid_of(*ends, bits[1])
        steps = codes_of(x, scale, zero, top) - zero
        codes.append(steps - steps.max(axis=1, keepdims=True) if is_output else steps + zero)
        activations.append(softmax(steps * scale) if is_output else steps * scale)
    return codes, activations
