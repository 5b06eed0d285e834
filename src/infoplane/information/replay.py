"""Replay: the recorded parameters, run over the whole data set in exact arithmetic, define T."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from infoplane.config import Bits
from infoplane.datasets import Dataset
from infoplane.information.layers import Layer
from infoplane.networks import network_of, scheme_of
from infoplane.trajectory import Trajectory

__all__ = ["Replayed", "replay"]

# So many outputs are replayed in one call, but at least one snapshot: calls cost little beside that, and
# memory less.
AT_ONCE = 2**21


class Engine(Protocol):
    """Either engine: `infoplane.kernels.replay` or `infoplane.networks.replay`."""

    def replay(
        self, parameters: np.ndarray, ranges: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Replay S snapshots, parameters (S, P) and ranges (S, L, 2, 2).

        Returns:
            The codes of all layers' outputs one after the other, or their values, (S, outputs of all layers,
            N); the scales and zeros of the layers' grids, (S, L); and the softmax of quantized logits, (S,
            classes, N).
        """
        ...


class Replayed(NamedTuple):
    """Some snapshots of a repetition: where they are in a trajectory, and what their layers put out."""

    repetition: int
    times: np.ndarray
    layers: list[Layer]


def replay(trajectory: Trajectory, dataset: Dataset, device: str = "cpu") -> Iterator[Replayed]:
    """Replay a trajectory over a data set, a few snapshots at a time.

    Sums over whole numbers (quantized weights and inputs) are exact; the others are taken in float64 in the
    order of their terms and rounded once to float32; activation functions are taken in float64. What comes
    out for an input does not depend on its place in the data. Snapshots with NaN or infinity are left out.

    Args:
        device: `cpu`, or `cuda`, where PyTorch replays whatever was trained.
    """
    engine = engine_for(trajectory, dataset, device)
    network = network_of(trajectory.spec, dataset.inputs.shape[1:], dataset.classes)
    scheme = scheme_of(trajectory.spec)
    bits = trajectory.spec.bits.activations if isinstance(trajectory.spec.bits, Bits) else 32
    sizes = [layer.outputs for layer in network.layers]
    stops = np.cumsum(sizes)
    together = max(1, AT_ONCE // (sum(sizes) * len(dataset.labels)))
    for repetition, finite in enumerate(trajectory.finite):
        for first in range(0, finite.sum(), together):
            times = np.flatnonzero(finite)[first : first + together]
            outputs, scales, zeros, shares = engine.replay(
                trajectory.parameters[repetition, times], trajectory.ranges[repetition, times]
            )
            layers = []
            for number, (size, stop) in enumerate(zip(sizes, stops, strict=True)):
                own, is_logits = outputs[:, stop - size : stop], len(shares) > 0 and number == len(sizes) - 1
                codes, values = (own, shares if is_logits else None) if scheme.quantized else (None, own)
                layers.append(Layer(bits, codes, scales[:, number], zeros[:, number], values, is_logits))
            yield Replayed(repetition, times, layers)


def engine_for(trajectory: Trajectory, dataset: Dataset, device: str) -> Engine:
    if device != "cpu" or trajectory.spec.engine == "torch":
        from infoplane.networks.replay import Replayer as InTorch

        return InTorch(trajectory.spec, dataset, device)
    from infoplane.kernels.replay import Replayer

    return Replayer(trajectory.spec, dataset)
