"""A second, slow reading of the specification: one repetition at a time, with autograd and plain loops."""

from math import erf, expm1, tanh
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from infoplane import Dataset, TrainingSpec
from infoplane.config import Bits, ConvSpec, DenseSpec

torch.set_num_threads(1)

DECAY = 0.999
START = (-6.0, 6.0)
NETWORKS = {
    "shwartz-ziv": [("dense", 10), ("dense", 7), ("dense", 5), ("dense", 4), ("dense", 3)],
    "bottleneck-2": [("dense", 16), ("dense", 8), ("dense", 4), ("dense", 2)],
    "bottleneck-4": [("dense", 16), ("dense", 12), ("dense", 8), ("dense", 4)],
    "hourglass": [("dense", width) for width in (16, 8, 4, 2, 4, 8)],
    "4x10": [("dense", 10)] * 4,
    "conv": [("conv", 2, 3), ("pool", 2), ("conv", 2, 3), ("pool", 2), ("dense", 16)],
}
TORCH_ACTIVATIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky-relu": lambda x: functional.leaky_relu(x, 0.01),
    "elu": functional.elu,
    "gelu": functional.gelu,
    "sigmoid": torch.sigmoid,
    "hard-tanh": functional.hardtanh,
    "identity": lambda x: x,
}
ACTIVATIONS = {
    "tanh": np.vectorize(tanh),
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky-relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": np.vectorize(lambda x: x if x > 0 else expm1(x)),
    "gelu": np.vectorize(lambda x: x * 0.5 * (1 + erf(x / 2**0.5))),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard-tanh": lambda x: np.clip(x, -1.0, 1.0),
    "identity": lambda x: x,
}


class Layer(NamedTuple):
    """A dense layer, a convolution with squares of a size, or a pool of squares of a size."""

    kind: Literal["dense", "conv", "pool"]
    fan_in: int = 0
    width: int = 0
    size: int = 0


def plan(spec: TrainingSpec, dataset: Dataset) -> list[Layer]:
    """The layers of a network, the softmax output last."""
    if isinstance(spec.network, str):
        layers = NETWORKS[spec.network]
    else:
        layers = [
            ("dense", layer.dense)
            if isinstance(layer, DenseSpec)
            else ("conv", layer.conv, layer.kernel)
            if isinstance(layer, ConvSpec)
            else ("pool", layer.pool)
            for layer in spec.network
        ]
    shape = dataset.inputs.shape[1:]
    shape = (1, *shape) if len(shape) == 2 else shape
    planned = []
    for kind, *numbers in [*layers, ("dense", len(np.unique(dataset.labels)))]:
        if kind == "dense":
            planned.append(Layer("dense", int(np.prod(shape)), numbers[0]))
            shape = (numbers[0],)
        elif kind == "conv":
            filters, size = numbers
            planned.append(Layer("conv", shape[0] * size * size, filters, size))
            shape = (filters, shape[1] - (size - 1), shape[2] - (size - 1))
        else:
            (size,) = numbers
            planned.append(Layer("pool", size=size))
            shape = (shape[0], shape[1] // size, shape[2] // size)
    return planned


def split(layers: list[Layer], parameters: Tensor) -> list[tuple[Tensor, Tensor] | None]:
    """Kernel (fan in, width) and bias (width) of each layer of a flat row of parameters; None for a pool."""
    tensors, start = [], 0
    for layer in layers:
        if layer.kind == "pool":
            tensors.append(None)
            continue
        end = start + layer.fan_in * layer.width
        kernel = parameters[start:end].reshape(layer.fan_in, layer.width)
        start = end + layer.width
        tensors.append((kernel, parameters[end:start]))
    assert start == len(parameters)
    return tensors


def policies(spec: TrainingSpec) -> dict:
    """The range of hidden kernels, output kernel, activations and output; None: not quantized."""
    roles = "hidden_weights", "output_weights", "activations", "output"
    if spec.bits == "float32":
        return dict.fromkeys(roles)
    if spec.protocol == "published":
        chosen = {"tanh": (None, "batch", "batch", "ema"), "relu": ("batch", "batch", "ema", "ema")}
        ranges = chosen[spec.activation]
    else:
        fixed = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "hard-tanh": (-1.0, 1.0)}
        ranges = ("batch", "batch", fixed.get(spec.activation, "ema-debiased"), (0.0, 1.0))
    own = [getattr(spec.ranges, role) for role in roles]
    return {
        role: its if given is None else given for role, its, given in zip(roles, ranges, own, strict=True)
    }


def reads_softmax(spec: TrainingSpec) -> bool:
    return spec.protocol == "controlled" and spec.bits != "float32"


class AffineGrid(NamedTuple):
    """The grid of a number of bits over [low, high], which is widened to contain 0 and shifted."""

    scale: Tensor
    place: Tensor  # of 0 on the grid, before it is rounded
    top: int

    @classmethod
    def over(cls, low: float, high: float, bits: int, like: Tensor) -> "AffineGrid | None":
        """The grid in the type of a tensor; none over a range that is one point."""
        low, high = min(float(low), 0.0), max(float(high), 0.0)
        top = 2**bits - 1
        if low == high:
            return None
        span = like.new_tensor(high) - like.new_tensor(low)
        # a symmetric range is a tie: half of it is exact
        return cls(span / top, -low / span * top, top)

    @property
    def zero(self) -> Tensor:
        return torch.floor(self.place + 0.5).clamp(0, self.top)

    @property
    def ends(self) -> tuple[Tensor, Tensor]:
        return -self.zero * self.scale, (self.top - self.zero) * self.scale


class FakeQuantize(torch.autograd.Function):
    """x̂ on a grid; gradient 1 inside of it, 0 outside."""

    @staticmethod
    def forward(ctx, x, grid):
        if grid is None:
            ctx.save_for_backward(torch.ones_like(x))
            return torch.zeros_like(x)
        scale, zero, top = grid.scale, grid.zero, grid.top
        lowest, highest = grid.ends
        ctx.save_for_backward(((x >= lowest) & (x <= highest)).to(x.dtype))
        return (torch.floor(x / scale + zero + 0.5).clamp(0, top) - zero) * scale

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0], None


class Range:
    """The range of one tensor; a moving one in its closed form, from all that it has seen."""

    def __init__(self, policy) -> None:
        self.policy, self.start, self.ends, self.seen = policy, START, START, []

    def of(self, x: Tensor, mode: Literal["start", "train", "test"]) -> tuple[float, float]:
        observed = float(x.detach().min()), float(x.detach().max())
        if self.policy == "batch":
            return observed
        if isinstance(self.policy, tuple):
            return self.policy
        if mode == "start" and self.policy == "ema-debiased":
            self.ends = observed
        if mode == "train":
            self.seen.append(observed)
            count = len(self.seen)
            powers = DECAY ** np.arange(count - 1, -1, -1.0)
            sums = (1 - DECAY) * (powers[:, None] * self.seen).sum(0)
            if self.policy == "ema":
                self.ends = tuple(DECAY**count * np.array(self.start) + sums)
            else:
                self.ends = tuple(sums / (1 - DECAY**count))
        return self.ends


class ReferenceNetwork:
    """One repetition's network; `outputs` keeps what each layer put out last, (N, …), logits or softmax.

    Where a value lies on the very end of its grid, as the largest of weights does that are all positive,
    rounding says whether its gradient passes; where a layer's range is symmetric, it says where its grid
    begins. `closest` is the least distance of a value but 0 to an end of its grid, or of 0 to the middle
    between two steps, in training and in units of a step.
    """

    def __init__(self, spec: TrainingSpec, dataset: Dataset, parameters: Tensor) -> None:
        self.spec, self.plan, self.closest = spec, plan(spec, dataset), np.inf
        self.outputs: list[Tensor] = []
        self.layers = [
            tensors and tuple(each.clone().requires_grad_() for each in tensors)
            for tensors in split(self.plan, parameters)
        ]
        chosen = policies(spec)
        hidden = [Range(chosen["hidden_weights"]) for _ in self.plan[:-1]]
        self.of_kernel = [*hidden, Range(chosen["output_weights"])]
        hidden = [Range(chosen["activations"]) for _ in self.plan[:-1]]
        self.of_output = [*hidden, Range(chosen["output"])]

    def parameters(self) -> list[Tensor]:
        return [tensor for layer in self.layers if layer for tensor in layer]

    @property
    def ranges(self) -> np.ndarray:
        """The ends of the moving ranges of kernels and outputs, (layers, 2, 2)."""
        both = zip(self.of_kernel, self.of_output, strict=True)
        return np.array([(kernel.ends, output.ends) for kernel, output in both])

    def quantized(self, x: Tensor, over: Range, mode: str, bits: str) -> Tensor:
        if over.policy is None:
            return x
        grid = AffineGrid.over(*over.of(x, mode), getattr(self.spec.bits, bits), x)
        if grid is not None and mode == "train":
            distances = [(x.detach() - end).abs() / grid.scale for end in grid.ends]
            nonzero = torch.stack(distances).where(x.detach() != 0, np.inf)
            to_tie = np.inf if isinstance(over.policy, tuple) else abs(grid.place % 1 - 0.5)
            self.closest = min(self.closest, float(nonzero.min()), float(to_tie))
        return FakeQuantize.apply(x, grid)

    def output(self, x: Tensor, mode: Literal["start", "train", "test"]) -> Tensor:
        """Inputs (N, …); the logits or the softmax, as the network quantizes it, (N, classes)."""
        self.outputs = []
        x = x[:, None] if x.dim() == 3 else x
        for place, layer in enumerate(self.plan):
            if layer.kind == "pool":
                x = functional.max_pool2d(x, layer.size)
                self.outputs.append(x)
                continue
            kernel, bias = self.layers[place]
            kernel = self.quantized(kernel, self.of_kernel[place], mode, "weights")
            if layer.kind == "conv":
                squares = kernel.T.reshape(layer.width, -1, layer.size, layer.size)
                x = functional.conv2d(x, squares, bias)
            else:
                x = x.flatten(1) @ kernel + bias
            # a sum of whole steps that is 0 comes out as 0 up to rounding here
            x = x - torch.where(x.detach().abs() < 10 * torch.finfo(x.dtype).eps, x.detach(), 0.0)
            if place < len(self.plan) - 1:
                x = TORCH_ACTIVATIONS[self.spec.activation](x)
            elif reads_softmax(self.spec):
                x = torch.softmax(x, 1)
            x = self.quantized(x, self.of_output[place], mode, "activations")
            self.outputs.append(x)
        return x

    def loss(self, output: Tensor, labels: Tensor) -> Tensor:
        """The mean cross-entropy (nats)."""
        if not reads_softmax(self.spec):
            return functional.cross_entropy(output, labels)
        low, high = self.of_output[-1].of(output, "test")
        least = (max(high, 0.0) - min(low, 0.0)) / (2**self.spec.bits.activations - 1) / 2
        raised = output + (output.clamp(min=least) - output).detach()
        chosen = raised[torch.arange(len(labels)), labels]
        return -torch.log(chosen / raised.sum(1)).mean()


class KerasAdam:
    """θ −= α·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε)."""

    def __init__(self, parameters: list[Tensor], spec: TrainingSpec) -> None:
        self.parameters, self.spec, self.steps = parameters, spec, 0
        self.moments = [(torch.zeros_like(each), torch.zeros_like(each)) for each in parameters]

    @torch.no_grad()
    def step(self) -> None:
        self.steps += 1
        decay, other = self.spec.beta_1, self.spec.beta_2
        rate = self.spec.learning_rate * np.sqrt(1 - other**self.steps) / (1 - decay**self.steps)
        for parameter, (first, second) in zip(self.parameters, self.moments, strict=True):
            first.mul_(decay).add_((1 - decay) * parameter.grad)
            second.mul_(other).add_((1 - other) * parameter.grad**2)
            parameter -= rate * first / (second.sqrt() + self.spec.epsilon)


class Decoupled:
    """An optimizer before whose steps weights are multiplied by 1 − αλ, as torch.optim.AdamW does."""

    def __init__(self, parameters: list[Tensor], spec: TrainingSpec) -> None:
        self.kernels = [each for each in parameters if each.ndim == 2]
        self.factor = 1 - spec.learning_rate * spec.weight_decay
        momentum = 0.9 if spec.momentum is None else spec.momentum
        self.optimizer = (
            KerasAdam(parameters, spec)
            if spec.optimizer == "adam"
            else torch.optim.SGD(parameters, spec.learning_rate, momentum)
        )

    @torch.no_grad()
    def step(self) -> None:
        for kernel in self.kernels:
            kernel *= self.factor
        self.optimizer.step()


def shown(dataset: Dataset, spec: TrainingSpec, dtype: torch.dtype) -> Tensor:
    """What the network sees, (N, …)."""
    steps, scale = input_steps(dataset, spec)
    return torch.tensor(steps, dtype=dtype) * scale


class Record(NamedTuple):
    """The state after an epoch, and loss, train accuracy and test accuracy of that epoch."""

    parameters: np.ndarray
    ranges: np.ndarray
    measures: tuple[float, float, float]


def train_reference(
    network: ReferenceNetwork,
    dataset: Dataset,
    orders: list[np.ndarray],
    labels: list[np.ndarray],
    earlier: np.ndarray | None = None,
) -> list[Record]:
    """Train on the training inputs, in the order and with the training labels of each epoch.

    Args:
        earlier: (layers, 2, 2), what debiased ranges have seen before, where they are not to start anew.

    Returns:
        The record of the start, whose measures are 0, and of each epoch.
    """
    spec = network.spec
    inputs = shown(dataset, spec, network.parameters()[0].dtype)
    train, truth = torch.tensor(dataset.train_mask), torch.tensor(dataset.labels)
    x = inputs[train]

    def record(*measures: float) -> Record:
        flat = torch.cat([each.detach().flatten() for each in network.parameters()])
        return Record(flat.numpy().copy(), network.ranges, measures)

    with torch.no_grad():
        network.output(x, "start")
    if earlier is not None:
        for place in range(len(network.plan)):
            for number, its in enumerate((network.of_kernel[place], network.of_output[place])):
                its.ends = tuple(earlier[place, number])
                its.seen = [its.ends] if its.policy == "ema-debiased" else []
    optimizer = Decoupled(network.parameters(), spec)
    records = [record(0.0, 0.0, 0.0)]
    for order, answers in zip(orders, labels, strict=True):
        losses, hits = 0.0, 0
        size = len(x) if spec.batch_size == "whole" else spec.batch_size
        for start in range(0, len(x), size):
            batch = order[start : start + size]
            y = torch.as_tensor(answers[batch])
            for parameter in network.parameters():
                parameter.grad = None
            output = network.output(x[torch.as_tensor(batch)], "train")
            loss = network.loss(output, y)
            loss.backward()
            optimizer.step()
            losses += float(loss.detach()) * len(batch)
            hits += int((output.argmax(1) == y).sum())
        with torch.no_grad():
            right = network.output(inputs, "test").argmax(1) == truth
        records.append(record(losses / len(x), hits / len(x), float(right[~train].double().mean())))
    return records


def grid_of(low: float, high: float, bits: int) -> tuple[float, float, float]:
    """Scale, zero and 2ᵇ − 1 of a range."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    top = 2.0**bits - 1
    if low == high:
        return 1.0, 0.0, 0.0
    return (high - low) / top, min(max(np.floor(-low / (high - low) * top + 0.5), 0.0), top), top


def codes_of(x: np.ndarray, scale: float, zero: float, top: float) -> np.ndarray:
    return np.clip(np.floor(x / scale + zero + 0.5), 0.0, top)


def input_steps(dataset: Dataset, spec: TrainingSpec) -> tuple[np.ndarray, float]:
    """The inputs as whole numbers and their scale, or as they are and 1."""
    if dataset.scaling == "feature":
        trained = dataset.inputs[dataset.train_mask].astype(np.float64)
        span = trained.max(0) - trained.min(0)
        shares = (dataset.inputs - trained.min(0)) / np.where(span == 0, np.inf, span)
        if spec.bits == "float32":
            return shares.astype(np.float32).astype(np.float64), 1.0
        return np.clip(np.floor(shares * 255 + 0.5), 0, 255), 1 / 255
    if dataset.inputs.dtype.kind == "u":
        return dataset.inputs.astype(np.float64), dataset.scale
    values = (dataset.inputs * np.float32(dataset.scale)).astype(np.float64)
    if spec.bits == "float32":
        return values, 1.0
    low, high = values[dataset.train_mask].min(), values[dataset.train_mask].max()
    step, place = (high - low) / 255, -low / (high - low) * 255
    levels = np.clip(np.floor((values - low) / step + 0.5), 0, 255)
    if 0 <= place <= 255 and place == int(place):
        return levels - place, step
    unit = 2.0 ** (np.floor(np.log2(max(abs(low), abs(high)))) - 23)
    return np.round((low + levels * step) / unit), unit


def single(x: np.ndarray) -> np.ndarray:
    """Rounded once to float32; −0 counts as +0."""
    return x.astype(np.float32).astype(np.float64) + 0.0


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sums(layer: Layer, kernel: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Σᵢ kernel[i, o]·x[i] in the order of i, for each input: (N, width), or (N, width, rows, columns)."""
    if layer.kind == "dense":
        x = x.reshape(len(x), -1, 1, 1)
        places = [(source, 0, 0) for source in range(layer.fan_in)]
        size = 1
    else:
        size = layer.size
        places = [(c, i, j) for c in range(x.shape[1]) for i in range(size) for j in range(size)]
    rows, columns = x.shape[2] - size + 1, x.shape[3] - size + 1
    totals = np.zeros((len(x), layer.width, rows, columns), dtype=x.dtype)
    for neuron in range(layer.width):
        for row in range(rows):
            for column in range(columns):
                for source, (c, i, j) in enumerate(places):
                    totals[:, neuron, row, column] += kernel[source, neuron] * x[:, c, row + i, column + j]
    return totals.reshape(totals.shape[:2]) if layer.kind == "dense" else totals


def pooled(x: np.ndarray, size: int) -> np.ndarray:
    count, channels, rows, columns = x.shape
    maxima = np.empty((count, channels, rows // size, columns // size), dtype=x.dtype)
    for row, column in np.ndindex(maxima.shape[2:]):
        square = x[:, :, row * size : (row + 1) * size, column * size : (column + 1) * size]
        maxima[:, :, row, column] = square.max(axis=(2, 3))
    return maxima


class Replayed(NamedTuple):
    """The codes and the activations of each layer of one snapshot, (N, outputs)."""

    codes: list[np.ndarray]
    activations: list[np.ndarray]


def replayed(parameters: np.ndarray, ranges: np.ndarray, spec: TrainingSpec, dataset: Dataset) -> Replayed:
    """Replay one snapshot, of parameters (P,) and ranges (layers, 2, 2), in a fixed order."""
    layers, chosen = plan(spec, dataset), policies(spec)
    quantized = isinstance(spec.bits, Bits)

    def grid_over(policy, tensor: np.ndarray, moving: np.ndarray, bits: int) -> tuple[float, float, float]:
        ends = (tensor.min(), tensor.max()) if policy == "batch" else moving
        return grid_of(*(policy if isinstance(policy, tuple) else ends), bits)

    codes, activations = [], []
    steps, scale = input_steps(dataset, spec)
    steps = steps[:, None] if steps.ndim == 3 else steps
    zero = 0.0
    for place, tensors in enumerate(split(layers, torch.from_numpy(parameters))):
        layer, is_output = layers[place], place == len(layers) - 1
        if tensors is None:
            steps = pooled(steps, layer.size)
        else:
            kernel, bias = (each.numpy().astype(np.float64) for each in tensors)
            bias = bias if layer.kind == "dense" else bias[:, None, None]
            policy = chosen["output_weights" if is_output else "hidden_weights"]
            if policy:
                on = grid_over(policy, kernel, ranges[place, 0], spec.bits.weights)
                whole = (codes_of(kernel, *on) - on[1]).astype(np.int64)
                x = sums(layer, whole, steps.astype(np.int64)) * (on[0] * scale) + bias
            else:
                x = single(sums(layer, kernel, steps) * scale + bias)
            if not is_output:
                x = ACTIVATIONS[spec.activation](x)
            elif reads_softmax(spec):
                x = softmax(x)
            x = x if policy else single(x)
            policy = chosen["output" if is_output else "activations"]
            if policy:
                scale, zero, top = grid_over(policy, x, ranges[place, 1], spec.bits.activations)
                steps = codes_of(x, scale, zero, top) - zero
            else:
                steps, scale = x, 1.0
        rows = steps.reshape(len(steps), -1)
        reads_logits = is_output and not reads_softmax(spec)
        values = single(softmax(rows * scale)) if reads_logits else rows * scale
        activations.append(values)
        if not quantized:
            codes.append(values.astype(np.float32).view(np.int32))
        else:
            codes.append(rows - rows.max(axis=1, keepdims=True) if reads_logits else rows + zero)
    return Replayed(codes, activations)


def small_images(
    shape: tuple[int, ...] = (9, 8), dtype: type = np.uint8, count: int = 60, classes: int = 3
) -> Dataset:
    """Random images with dark margins, each class brighter in rows of its own; three quarters to train on."""
    generator = np.random.default_rng(len(shape) * count)
    labels = np.arange(count) % classes
    pixels = generator.integers(0, 160, (count, *shape)) * (generator.random((count, *shape)) < 0.7)
    pixels[..., 0] = 0
    for label in range(classes):
        pixels[labels == label, ..., label::classes, 2:] += 90
    mask = np.zeros(count, dtype=bool)
    mask[generator.permutation(count)[: 3 * count // 4]] = True
    if dtype is np.uint8:
        return Dataset("small-images", pixels.astype(np.uint8), labels, mask, 1 / 255)
    return Dataset("small-images", (pixels / 255 - 0.3).astype(np.float32), labels, mask, 2.0)
