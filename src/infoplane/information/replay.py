"""Replay: the recorded parameters, run over the whole data set in exact arithmetic, define T."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from infoplane.datasets import Dataset
from infoplane.information.layers import Layer
from infoplane.networks.inputs import Inputs, network_inputs
from infoplane.networks.layers import Network, Selection
from infoplane.networks.schemes import Scheme, scheme_of
from infoplane.trajectory import Trajectory, network_on

__all__ = ["Replayed", "replay", "selections_of_inputs"]

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
    out for an input does not depend on its position in the data. Snapshots with NaN or infinity are left out.

    Args:
        device: `cpu`, or `cuda`, where PyTorch replays whatever was trained.

    Raises:
        UserError: the trajectory was trained on another data set, its arrays are not those of its network, or
            there is no GPU.
    """
    network, split = network_on(trajectory, dataset)
    return replay_by(engine_for(trajectory, split, device), network, trajectory, split)


def replay_by(
    engine: Engine, network: Network, trajectory: Trajectory, dataset: Dataset
) -> Iterator[Replayed]:
    scheme = scheme_of(trajectory.spec)
    bits = trajectory.spec.activation_bits
    selected = selected_inputs(network, network_inputs(dataset, scheme.quantized))
    outputs = sum(layer.outputs for layer in network.layers)
    together = max(1, AT_ONCE // (outputs * len(dataset.labels)))
    for repetition, finite in enumerate(trajectory.finite):
        for first in range(0, finite.sum(), together):
            times = np.flatnonzero(finite)[first : first + together]
            found = engine.replay(
                trajectory.parameters[repetition, times], trajectory.ranges[repetition, times]
            )
            layers = layers_of(network, scheme, bits, *found)
            layers[: len(selected)] = [of_inputs(values, len(times)) for values in selected]
            yield Replayed(repetition, times, layers)


def layers_of(
    network: Network,
    scheme: Scheme,
    bits: int,
    outputs: np.ndarray,
    scales: np.ndarray,
    zeros: np.ndarray,
    shares: np.ndarray,
) -> list[Layer]:
    """The layers of a network from what an engine returns."""
    layers, start = [], 0
    for number, layer in enumerate(network.layers):
        own = outputs[:, start : start + layer.outputs]
        start += layer.outputs
        is_logits = scheme.quantized and scheme.reads == "logits" and layer is network.layers[-1]
        codes, values = (own, shares if is_logits else None) if scheme.quantized else (None, own)
        layers.append(Layer(bits, codes, scales[:, number], zeros[:, number], values, is_logits))
    return layers


def of_inputs(values: np.ndarray, snapshots: int) -> Layer:
    """A layer that puts out the same values, (outputs, N), at every snapshot."""
    nothing = np.zeros(snapshots)
    return Layer(32, None, nothing, nothing, np.repeat(values[None], snapshots, axis=0), False)


def selected_inputs(network: Network, inputs: Inputs) -> list[np.ndarray]:
    """What each of the `selections_of_inputs` puts out, (outputs, N) float32: no parameters change it."""
    found = list[np.ndarray]()
    for layer in selections_of_inputs(network):
        from torch import from_numpy  # which most networks can do without

        values = found[-1] if found else (inputs.values.T * (inputs.scale or 1)).astype(np.float32)
        found.append(layer.output(from_numpy(values)[None])[0].numpy() + np.float32(0))  # −0 counts as +0
    return found


def selections_of_inputs(network: Network) -> list[Selection]:
    """The layers before the first weights. They put out inputs, which may have more levels than a layer."""
    first = network.layers.index(network.weighted[0])
    return [layer for layer in network.layers[:first] if isinstance(layer, Selection)]


def engine_for(trajectory: Trajectory, dataset: Dataset, device: str) -> Engine:
    if device != "cpu" or trajectory.spec.engine == "torch":
        from infoplane.networks.replay import Replayer as InTorch

        return InTorch(trajectory.spec, dataset, device)
    from infoplane.kernels.replay import Replayer

    return Replayer(trajectory.spec, dataset)
