"""Replay: the recorded parameters, run over the whole data set in exact arithmetic, define T."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numba
import numpy as np
import torch
from torch import Tensor

from infoplane.compilation import compiled
from infoplane.datasets import Dataset
from infoplane.networks import ACTIVATIONS, Levels, forward, network_of, scheme_of
from infoplane.quantization import Quantized, values_of
from infoplane.trajectory import Trajectory

__all__ = ["Layers", "replay"]

# Small enough for the processor's cache, large enough to hide the overhead of a call.
SNAPSHOTS = 8
# Vector code treats the last few inputs apart unless their number is a multiple of this.
LANES = 64
# Of the ordered sums, at a time: what they read and write stays in the innermost cache.
COLUMNS = 512


class ExactArithmetic:
    """Sums that depend on nothing but their terms: not on the place in a batch, on threads, or on BLAS."""

    def product(self, kernel: Tensor, inputs: Tensor, whole: bool) -> Tensor:
        if whole:  # every partial sum is a whole number below 2⁵³, so any order is exact
            return kernel.transpose(1, 2) @ inputs
        sums: Tensor = ordered_product(kernel, inputs)
        return sums

    def rounded(self, values: Tensor, whole: bool) -> Tensor:
        return values if whole else single(values)

    def activation(self, name: str, values: Tensor) -> Tensor:
        return numpy_tanh(values) if name == "tanh" else ACTIVATIONS[name](values)


def single(values: Tensor) -> Tensor:
    """Round float64 to float32, and −0 to +0."""
    return values.float().double() + 0.0


@torch.library.custom_op("infoplane::ordered_product", mutates_args=())
def ordered_product(kernel: Tensor, inputs: Tensor) -> Tensor:
    """Σᵢ kernel[m, i, o]·inputs[m, i, n] in the order of i; products of float32 numbers are exact."""
    total = torch.empty(len(kernel), kernel.shape[2], inputs.shape[2], dtype=torch.float64)
    sum_in_order(kernel.contiguous().numpy(), inputs.contiguous().numpy(), total.numpy())
    return total


@ordered_product.register_fake
def _(kernel: Tensor, inputs: Tensor) -> Tensor:
    return kernel.new_empty(len(kernel), kernel.shape[2], inputs.shape[2])


@numba.njit(cache=True)
def sum_in_order(kernel: np.ndarray, inputs: np.ndarray, total: np.ndarray) -> None:
    members, fan_in, width = kernel.shape
    count = inputs.shape[2]
    for start in range(0, count, COLUMNS):
        stop = min(start + COLUMNS, count)
        for member in range(members):
            for neuron in range(width):
                sums = total[member, neuron, start:stop]
                sums[:] = 0.0
                for index in range(fan_in):
                    weight = kernel[member, index, neuron]
                    terms = inputs[member, index, start:stop]
                    for column in range(stop - start):
                        sums[column] += weight * terms[column]


@torch.library.custom_op("infoplane::tanh", mutates_args=())
def numpy_tanh(values: Tensor) -> Tensor:
    """NumPy's tanh takes a third of the time of PyTorch's in float64."""
    return torch.from_numpy(np.tanh(values.numpy()))


@numpy_tanh.register_fake
def _(values: Tensor) -> Tensor:
    return torch.empty_like(values)


@dataclass(frozen=True)
class Layers:
    """What the layers of some snapshots put out, on the way from the forward pass to an estimator."""

    outputs: list[Tensor | Quantized]

    @property
    def codes(self) -> list[Tensor]:
        """T of each layer, (snapshots, width, N) int64, exactly.

        Quantized layers: their codes q, and for the logits q_j − max_j q_j, since the softmax is invariant
        under a common shift and under nothing else. Others: the bit patterns of their float32 outputs.
        """
        *hidden, logits = self.outputs
        if not isinstance(logits, Quantized):
            return [values.float().view(torch.int32).long() for values in self.activations]
        codes = [layer.codes.long() for layer in hidden if isinstance(layer, Quantized)]
        return [*codes, (logits.steps - logits.steps.amax(1, keepdim=True)).long()]

    @property
    def activations(self) -> list[Tensor]:
        """The value of each layer, (snapshots, width, N) float64; the last one's is the softmax."""
        *hidden, logits = map(values_of, self.outputs)
        return [*hidden, single(torch.softmax(logits, 1))]


Observe = Callable[[Layers, Tensor], list[Tensor]]


def replay(
    trajectory: Trajectory, dataset: Dataset, observe: Observe | None = None, beside: np.ndarray | None = None
) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Replay a trajectory over a data set, a few snapshots at a time.

    Sums over whole numbers (quantized weights and inputs) are exact; the others are taken in float64 in a
    fixed order and rounded once to float32; activation functions are taken in float64. What comes out for
    an input does not depend on its place in the data.

    Args:
        observe: what to make of the layers, compiled together with the forward pass; by default their codes
            and their activations, one list after the other.
        beside: (R·T, …) what `observe` is given of each snapshot besides its layers.

    Yields:
        The place of the first of some consecutive snapshots (repetition, epoch; epoch fastest), and what was
        observed, each (snapshots, …, N).
    """
    torch.set_num_threads(1)
    spec, (count, features) = trajectory.spec, dataset.inputs.shape
    network, scheme = network_of(spec, features, dataset.classes), scheme_of(spec)
    levels = Levels.of(spec.bits, torch.float64)
    padding = dataset.inputs[:1].repeat(-count % LANES, 0)
    inputs = torch.from_numpy(np.ascontiguousarray(np.concatenate([dataset.inputs, padding]).T))
    observe = observe or (lambda layers, _: [*layers.codes, *layers.activations])

    def observed(parameters: Tensor, ranges: Tensor, inputs: Tensor, beside: Tensor) -> list[Tensor]:
        everywhere = inputs.double().expand(len(parameters), -1, -1)
        outputs, _ = forward(
            network,
            scheme,
            levels,
            parameters.double(),
            ranges.double(),
            everywhere,
            ExactArithmetic(),
            training=False,
        )
        return observe(Layers(outputs), beside)

    function = compiled(observed, spec.compile)
    snapshots = trajectory.finite.size
    parameters = trajectory.parameters.reshape(snapshots, -1)
    ranges = trajectory.ranges.reshape(snapshots, -1, 2)
    beside = np.empty((snapshots, 0)) if beside is None else beside
    for first in range(0, snapshots, SNAPSHOTS):
        places = np.arange(first, first + SNAPSHOTS).clip(max=snapshots - 1)
        taken = min(SNAPSHOTS, snapshots - first)
        with torch.no_grad():
            layers = function(
                *(torch.from_numpy(array[places]) for array in (parameters, ranges)),
                inputs,
                torch.from_numpy(beside[places]),
            )
        yield first, [layer[:taken, ..., :count].numpy() for layer in layers]
