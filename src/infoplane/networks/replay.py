"""Replay in PyTorch, in float64: the reference of `infoplane.kernels.replay`, and the replay on a GPU."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset
from infoplane.devices import device_of
from infoplane.networks.forward import Arithmetic, forward, model_on, pass_sizes
from infoplane.networks.quantization import Quantized, factor_of, on_same_grid, values_of

__all__ = ["Replayer", "ordered_product"]

# If the number of inputs is no multiple of this, PyTorch computes the last ones without vectors, and rounds
# their activation functions differently
LANES = 64


def single(values: Tensor) -> Tensor:
    """Round float64 to float32, and −0 to +0."""
    return values.float().double() + 0.0


def ordered_product(kernel: Tensor, columns: Tensor) -> Tensor:
    """Σᵢ kernel[m, i, o]·columns[m, i, n] in the order of i; products of float32 numbers are exact.

    Args:
        kernel: (members, fan_in, width) float64.
        columns: (members, fan_in, N) float64.
    """
    total = kernel.new_zeros(len(kernel), kernel.shape[2], columns.shape[2])
    for weights, terms in zip(kernel.unbind(1), columns.unbind(1), strict=True):
        total.addcmul_(weights[:, :, None], terms[:, None, :])
    return total


IN_ORDER = Arithmetic(ordered_product, single)


class Replayer:
    """What the replays of a spec share: network and data, on a device."""

    def __init__(self, spec: TrainingSpec, dataset: Dataset, device: str) -> None:
        torch.set_num_threads(1)
        self.device = device_of(device)
        self.model, values = model_on(spec, dataset)
        self.count = len(values)
        padded = np.concatenate([values, values[:1].repeat(-len(values) % LANES, 0)])
        self.inputs = torch.from_numpy(padded.T).to(self.device)
        bits = spec.activation_bits
        self.dtype = torch.uint8 if bits <= 8 else torch.uint16 if bits <= 16 else torch.float32

    @torch.no_grad()
    def replay(
        self, parameters: np.ndarray, ranges: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Replay snapshots, parameters (S, P) and ranges (S, L, 2, 2).

        Returns:
            Outputs of all layers, one after the other, (S, outputs, N): codes, or float32 values; scales and
            zero points of the layers' grids, (S, L); and the softmax of quantized logits, rounded to float32,
            (S, classes, N), or nothing.
        """
        together, block = pass_sizes(self.model, len(parameters), self.inputs.shape[1], self.device)
        parts = []
        for first in range(0, len(parameters), together):
            some = slice(first, first + together)
            state, moving = (
                torch.from_numpy(each[some]).to(self.device, torch.float64) for each in (parameters, ranges)
            )
            parts.append(self.outputs(state, moving, max(LANES, block // LANES * LANES)))
        outputs, scales, zeros, shares = (np.concatenate(each) for each in zip(*parts, strict=True))
        return outputs, scales, zeros, shares

    def outputs(self, parameters: Tensor, ranges: Tensor, block: int) -> list[np.ndarray]:
        """What `replay` returns for some snapshots, of which `block` inputs are run together."""
        blocks = [
            forward(self.model, parameters, ranges, own[None], arithmetic=IN_ORDER)[0]
            for own in torch.split(self.inputs, block, 1)
        ]
        layers = [joined(parts, self.count) for parts in zip(*blocks, strict=True)]
        last = values_of(layers[-1])
        nothing = last.new_zeros(len(last), 0, self.count)
        if not self.model.scheme.quantized:
            layers[-1], shares = torch.softmax(last, 1), nothing
        else:
            reads_logits = self.model.scheme.reads == "logits"
            shares = single(torch.softmax(last, 1)) if reads_logits else nothing
        codes = [layer.codes if isinstance(layer, Quantized) else single(layer) for layer in layers]
        grids = [
            torch.stack([layer.grid.scale, layer.grid.zero])
            if isinstance(layer, Quantized)
            else torch.stack([last.new_ones(len(last)), last.new_zeros(len(last))])
            for layer in layers
        ]
        scales, zeros = torch.stack(grids, 2)
        small = torch.cat([each.to(self.dtype) for each in codes], 1)
        return [each.cpu().numpy() for each in (small, scales, zeros, shares.float())]


def joined(parts: Sequence[Tensor | Quantized], count: int) -> Tensor | Quantized:
    """One layer's outputs for the first `count` inputs, from its outputs for blocks of inputs."""
    values = torch.cat([factor_of(part) for part in parts], 2)
    return on_same_grid(parts[0], lambda _: values[:, :, :count])
