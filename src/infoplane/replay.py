"""Replay: the recorded parameters, run over the whole data set in exact arithmetic, define T."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numba
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from infoplane.arithmetic import ACTIVATIONS, SMALL_KERNEL, correlate, correlate_as_product, matrix_product
from infoplane.compilation import compiled
from infoplane.config import Bits, TrainingSpec
from infoplane.datasets import Dataset
from infoplane.devices import device_of
from infoplane.inputs import network_inputs
from infoplane.networks import Levels, Network, forward, network_of, scheme_of
from infoplane.quantization import Quantized, factor_of, on_same_grid, values_of
from infoplane.trajectory import Trajectory

__all__ = ["Layers", "replay"]

# Small enough for the processor's cache, large enough to hide the overhead of a call.
SNAPSHOTS = 8
# Vector code treats the last few inputs apart unless their number is a multiple of this.
LANES = 64
# So many numbers at a time are held of one layer.
HELD = 2**22
# A GPU hides the launches of its kernels by more of both; 2²⁵ numbers take 256 MiB.
SNAPSHOTS_ON_GPU, HELD_ON_GPU = 256, 2**25
# So many numbers at a time are kept of all layers and inputs.
KEPT = 2**26
# Of the ordered sums, at a time: what they read and write stays in the innermost cache.
COLUMNS = 512


class ExactArithmetic:
    """Sums that depend on nothing but their terms: not on the place in a batch, on threads, or on BLAS.

    Args:
        terms: so many products of whole numbers have no sum beyond 2²⁴, up to which float32 is exact.
        bytewise: whether kernels span no more than a byte, and the processor multiplies bytes exactly.
    """

    def __init__(self, terms: int, bytewise: bool) -> None:
        self.terms, self.bytewise = terms, bytewise

    def product(self, kernel: Tensor, columns: Tensor, whole: bool) -> Tensor:
        if not whole:
            sums: Tensor = ordered_product(kernel, columns.double())
            return sums
        if self.bytewise and columns.dtype == torch.uint8 and kernel[0].numel() > SMALL_KERNEL:
            return product_of_bytes(kernel, columns)
        # Every partial sum is a whole number that its type holds, below 2²⁴ or 2⁵³, so any order is exact.
        if not self.terms:
            return matrix_product(kernel, columns.double())
        factors = (torch.split(factor.float(), self.terms, 1) for factor in (kernel, columns))
        first, *others = [matrix_product(*part).double() for part in zip(*factors, strict=True)]
        return sum(others, first)

    def correlation(self, kernel: Tensor, images: Tensor, whole: bool) -> Tensor:
        terms = kernel[0, ..., 0].numel()
        if whole and terms <= self.terms and kernel[0].numel() <= SMALL_KERNEL:
            return correlate(kernel.float(), images.float()).double()
        return correlate_as_product(kernel, images, partial(self.product, whole=whole))

    def rounded(self, values: Tensor, whole: bool) -> Tensor:
        return values if whole else single(values)

    def activation(self, name: str, values: Tensor) -> Tensor:
        return numpy_tanh(values) if name == "tanh" else ACTIVATIONS[name](values)


def product_of_bytes(kernel: Tensor, columns: Tensor) -> Tensor:
    """Σᵢ kernel[m, i, o]·columns[0, i, n] of a kernel of whole numbers and columns of bytes, exactly.

    Both are shifted into −128 … 127, x = x′ + 128 and w = w′ + c, so that

        Σ w·x = Σ w′·x′ + 128·Σ w′ + c·Σ x

    where one more neuron, whose weights are all 1, sums up x′.

    Args:
        kernel: (members, fan_in, width), the weights of a member spanning no more than 255.
        columns: (1, fan_in, N) uint8.
    """
    members, fan_in, width = kernel.shape
    shift = kernel.amin((1, 2), keepdim=True) + 128
    shifted = (kernel - shift).transpose(1, 2)
    neurons = functional.pad(shifted.reshape(-1, fan_in), (0, 0, 0, 1), value=1.0).to(torch.int8)
    sums = torch._int_mm(neurons, (columns[0] ^ 128).view(torch.int8)).double()
    of_columns = sums[-1] + 128 * fan_in
    products = sums[:-1].view(members, width, -1) + 128 * shifted.sum(2, keepdim=True)
    return products + shift * of_columns


def single(values: Tensor) -> Tensor:
    """Round float64 to float32, and −0 to +0."""
    return values.float().double() + 0.0


@torch.library.custom_op("infoplane::ordered_product", mutates_args=())
def ordered_product(kernel: Tensor, columns: Tensor) -> Tensor:
    """Σᵢ kernel[m, i, o]·columns[m, i, n] in the order of i; products of float32 numbers are exact."""
    total = torch.empty(len(kernel), kernel.shape[2], columns.shape[2], dtype=torch.float64)
    sum_in_order(kernel.contiguous().numpy(), columns.contiguous().numpy(), total.numpy())
    return total


@ordered_product.register_fake
def _(kernel: Tensor, columns: Tensor) -> Tensor:
    return kernel.new_empty(len(kernel), kernel.shape[2], columns.shape[2])


@ordered_product.register_kernel("cuda")
def product_by_terms(kernel: Tensor, columns: Tensor) -> Tensor:
    """The same sums, all of them at once, by one term after the other."""
    total = kernel.new_zeros(len(kernel), kernel.shape[2], columns.shape[2])
    for weights, terms in zip(kernel.unbind(1), columns.unbind(1), strict=True):
        total.addcmul_(weights[:, :, None], terms[:, None, :])
    return total


@numba.njit(cache=True)
def sum_in_order(kernel: np.ndarray, columns: np.ndarray, total: np.ndarray) -> None:
    members, fan_in, width = kernel.shape
    sharers, _, count = columns.shape
    for start in range(0, count, COLUMNS):
        stop = min(start + COLUMNS, count)
        for member in range(members):
            for neuron in range(width):
                sums = total[member, neuron, start:stop]
                sums[:] = 0.0
                for index in range(fan_in):
                    weight = kernel[member, index, neuron]
                    terms = columns[member % sharers, index, start:stop]
                    for column in range(stop - start):
                        sums[column] += weight * terms[column]


@torch.library.custom_op("infoplane::tanh", mutates_args=())
def numpy_tanh(values: Tensor) -> Tensor:
    """NumPy's tanh takes a third of the time of PyTorch's in float64."""
    return torch.from_numpy(np.tanh(values.numpy()))


@numpy_tanh.register_fake
def _(values: Tensor) -> Tensor:
    return torch.empty_like(values)


@numpy_tanh.register_kernel("cuda")
def _(values: Tensor) -> Tensor:
    return torch.tanh(values)


@dataclass(frozen=True)
class Layers:
    """What the layers of some snapshots put out for every input.

    Attributes:
        outputs: of each layer, (snapshots, outputs, N): whole steps of a grid where it is quantized, else
            float32. The last is the softmax, or the quantized logits.
        reads: whether the output of a quantized network is its `logits` or its `softmax`.
    """

    outputs: list[Tensor | Quantized]
    reads: str

    @property
    def codes(self) -> list[Tensor]:
        """T of each layer, (snapshots, outputs, N) int64, exactly.

        Quantized layers: their codes q; where the logits are quantized, q_j − max_j q_j, since the softmax is
        invariant under a common shift and under nothing else. Others: the bit patterns of their float32
        outputs.
        """
        codes = [
            layer.codes.long() if isinstance(layer, Quantized) else layer.view(torch.int32).long()
            for layer in self.outputs
        ]
        if isinstance(self.outputs[-1], Quantized) and self.reads == "logits":
            codes[-1] = codes[-1] - codes[-1].amax(1, keepdim=True)
        return codes

    @property
    def activations(self) -> list[Tensor]:
        """The value of each layer, (snapshots, outputs, N) float64; the last one's is the softmax."""
        *hidden, output = [values_of(layer).double() for layer in self.outputs]
        if isinstance(self.outputs[-1], Quantized) and self.reads == "logits":
            output = single(torch.softmax(output, 1))
        return [*hidden, output]


def replay(trajectory: Trajectory, dataset: Dataset, device: str = "cpu") -> Iterator[tuple[slice, Layers]]:
    """Replay a trajectory over a data set, a few snapshots at a time.

    Sums over whole numbers (quantized weights and inputs) are exact; the others are taken in float64 in a
    fixed order and rounded once to float32; activation functions are taken in float64. What comes out for
    an input does not depend on its place in the data.

    Args:
        device: `cpu`, `cuda`, or `auto` for the second where there is a GPU.

    Yields:
        The places of some consecutive snapshots (repetition, epoch; epoch fastest), and what their layers
        put out. All are equally many, for which the last may repeat some of those before.
    """
    torch.set_num_threads(1)
    spec, count, place = trajectory.spec, len(dataset.inputs), device_of(device)
    on_cpu = place.type == "cpu"
    scheme = scheme_of(spec)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    levels = Levels.of(spec.bits, torch.float64, place)
    values, unit = network_inputs(dataset, scheme.quantized)
    scale = None if unit is None else torch.tensor(unit, dtype=torch.float64, device=place)

    def outputs(parameters: Tensor, ranges: Tensor, inputs: Tensor) -> list[Tensor | Quantized]:
        layers, _ = forward(
            network,
            scheme,
            levels,
            network.weights(parameters.double()),
            ranges.double(),
            inputs[None],
            scale,
            arithmetic,
        )
        if not scheme.quantized:
            layers[-1] = torch.softmax(values_of(layers[-1]), 1)
        return [compact(layer, steps) for layer in layers]

    steps = torch.int16 if isinstance(spec.bits, Bits) and spec.bits.activations < 16 else torch.int32
    # A GPU may cut float32 to fewer bits, and what is compiled for it rounds a product and a sum at once. So
    # all is float64 there, one operation after the other, each rounded as on the processor.
    arithmetic = ExactArithmetic(exact_terms(spec, values) if on_cpu else 0, on_cpu and bytewise(spec))
    function = compiled(outputs, spec.compile and on_cpu)
    flat = trajectory.finite.size
    parameters = trajectory.parameters.reshape(flat, *trajectory.parameters.shape[2:])
    ranges = trajectory.ranges.reshape(flat, *trajectory.ranges.shape[2:])
    whole = "batch" in (scheme.activations, scheme.output)
    snapshots, block = portions(network, flat, count, whole, on_cpu)
    padding = values[:1].repeat(-count % block, 0)
    inputs = torch.from_numpy(np.ascontiguousarray(np.concatenate([values, padding]).T)).to(place)
    for first in [*range(0, flat - snapshots, snapshots), flat - snapshots]:
        places = slice(first, first + snapshots)
        state = [torch.from_numpy(each[places]).to(place) for each in (parameters, ranges)]
        with torch.no_grad():
            blocks = [function(*state, part) for part in torch.split(inputs, block, 1)]
        yield places, Layers([joined(parts, count) for parts in zip(*blocks, strict=True)], scheme.reads)


def exact_terms(spec: TrainingSpec, values: np.ndarray) -> int:
    """How many products of quantized weights and inputs have no sum beyond 2²⁴, whatever they are."""
    if not isinstance(spec.bits, Bits):
        return 0
    of_inputs = max(2**spec.bits.activations - 1, int(np.abs(values.astype(np.int64)).max()))
    return int(2**24 // (of_inputs * (2**spec.bits.weights - 1)))


def bytewise(spec: TrainingSpec) -> bool:
    """Whether weights are bytes, and the processor adds up products of bytes without rounding or overflow."""
    supported = torch.cpu.get_capabilities()
    exact = supported.get("avx512_vnni") or supported.get("avx_vnni")
    return isinstance(spec.bits, Bits) and spec.bits.weights <= 8 and bool(exact)


def compact(layer: Tensor | Quantized, steps: torch.dtype) -> Tensor | Quantized:
    """The same without the bits that it does not need, steps being integers of a type."""
    return layer._replace(steps=layer.steps.to(steps)) if isinstance(layer, Quantized) else layer.float()


def joined(parts: Sequence[Tensor | Quantized], count: int) -> Tensor | Quantized:
    """One layer's outputs for the first so many inputs, from those for blocks of inputs."""
    blocks = [factor_of(part) for part in parts]
    values = blocks[0] if len(blocks) == 1 else torch.cat(blocks, 2)
    return on_same_grid(parts[0], lambda _: values[:, :, :count])


def portions(network: Network, snapshots: int, count: int, whole: bool, on_cpu: bool) -> tuple[int, int]:
    """How many of the snapshots, and of the inputs, are replayed at a time.

    Args:
        whole: whether ranges are those of the whole data set, so that it must not be cut.
    """
    at_once, held = (SNAPSHOTS, HELD) if on_cpu else (SNAPSHOTS_ON_GPU, HELD_ON_GPU)
    everything = -(-count // LANES) * LANES
    least = everything if whole else LANES
    outputs = sum(layer.outputs for layer in network.layers) * everything
    together = min(snapshots, at_once, max(1, min(held // (network.widest * least), KEPT // outputs)))
    block = held // (network.widest * together) // LANES * LANES
    return together, min(everything, max(least, block))
