"""Replay: what every layer puts out for every input, from recorded parameters, in exact arithmetic.

All is float64. Sums of whole numbers are exact then; the others are taken in the order of their terms, and
they and what the activation function makes of them are rounded to float32.
"""

import numpy as np

from infoplane.config import Bits, TrainingSpec
from infoplane.datasets import Dataset
from infoplane.kernels.compilation import compiled
from infoplane.kernels.network import (
    Inputs,
    Plan,
    Workspace,
    forward_layer,
    inputs_of,
    plan_of,
    quantize_kernels,
    workspace_for,
)
from infoplane.kernels.output import softmax
from infoplane.kernels.panels import PANEL, round_to_single
from infoplane.kernels.quantizer import STILL
from infoplane.kernels.vectors import load, load_as, splat, store, store_as
from infoplane.networks.inputs import network_inputs
from infoplane.networks.layers import network_of
from infoplane.networks.schemes import scheme_of

__all__ = ["Replayer"]

# So many numbers of the widest layer are computed at a time: what layers read and write stays in the cache.
AT_ONCE = 2**14


@compiled
def put(
    values: np.ndarray,
    zero: float,
    features: int,
    first: int,
    count: int,
    target: np.ndarray,
    row: int,
    length: int,
) -> None:
    """Copy the values of `count` inputs, plus `zero`, from panels to the columns from `first` on of some
    rows.

    Args:
        target: flat, rows of `length` inputs, of which the first to be written is `row`.
    """
    shift = splat(zero)
    for start in range(0, count, PANEL):
        lanes = min(PANEL, count - start)
        for feature in range(features):
            source = start * features + feature * PANEL
            there = (row + feature) * length + first + start
            lane = 0
            while lane + len(shift) <= lanes:
                store_as(target, there + lane, load(values, source + lane) + shift)
                lane += len(shift)
            while lane < lanes:
                target[there + lane] = values[source + lane] + zero
                lane += 1


@compiled
def convert(compact: np.ndarray, start: int, count: int, values: np.ndarray) -> None:
    """Copy `count` numbers of a flat array to the beginning of one of another type, in whole vectors."""
    like = load(values, 0)
    for place in range(0, count, len(like)):
        store(values, place, load_as(compact, start + place, like))


@compiled
def replay_snapshots(
    plan: Plan,
    parameters: np.ndarray,
    ranges: np.ndarray,
    inputs: Inputs,
    panels_of_inputs: np.ndarray,
    places: np.ndarray,
    block: int,
    still: np.ndarray,
    work: Workspace,
    here: np.ndarray,
    there: np.ndarray,
    own_parameters: np.ndarray,
    own_ranges: np.ndarray,
    outputs: np.ndarray,
    scales: np.ndarray,
    zeros: np.ndarray,
    shares: np.ndarray,
) -> None:
    """Replay snapshots over the inputs at some places, `block` of them at a time.

    Args:
        parameters, ranges: (S, P) and (S, L, 2, 2) float32.
        panels_of_inputs: dense inputs, flat and of any type.
        here, there, own_parameters, own_ranges: room for two layers of a block, and for one snapshot.
        outputs: receives the codes q of all layers, one after the other, or their float32 values where the
        network
            is not quantized, the last one's being the softmax: (S, outputs of all layers, N) flat.
        scales, zeros: receive the grids of the layers, (S, L).
        shares: receives the softmax of quantized logits, rounded to float32, (S, classes, N) flat,
            unless it is empty.
    """
    last = len(plan.kind) - 1
    rows = plan.offset[last + 1] - plan.features + plan.outputs[last]
    for snapshot in range(len(parameters)):
        for place in range(parameters.shape[1]):
            own_parameters[place] = parameters[snapshot, place]
        for layer in range(last + 1):
            for tensor in range(2):
                for end in range(2):
                    own_ranges[layer, tensor, end] = ranges[snapshot, layer, tensor, end]
        top = snapshot * rows
        quantize_kernels(plan, own_parameters, own_ranges, still, inputs, work)
        for first in range(0, len(places), block):
            some = places[first : first + block]
            panels = (len(some) + PANEL - 1) // PANEL
            work.scales[0] = inputs.scale
            if not inputs.is_sparse:
                convert(panels_of_inputs, first * plan.features, panels * PANEL * plan.features, here)
            x, y = here, there
            row = 0
            for layer in range(last + 1):
                forward_layer(
                    plan, layer, own_parameters, own_ranges, still, inputs, some, work,
                    x, 0, panels, y, y, y, 0, False, True,
                )  # fmt: skip
                scales[snapshot, layer], zeros[snapshot, layer] = (
                    work.scales[layer + 1],
                    work.zeros[layer + 1],
                )
                features = plan.outputs[layer]
                if layer < last or plan.is_quantized:
                    zero = work.zeros[layer + 1]
                    put(y, zero, features, first, len(some), outputs, top + row, len(places))
                row += features
                x, y = y, x
            if not plan.is_quantized or len(shares):
                softmax(x, 0, work.scales[last + 1], features, panels, y, 0)
                round_to_single(y, features * panels * PANEL)
                if plan.is_quantized:
                    put(y, 0.0, features, first, len(some), shares, snapshot * features, len(places))
                else:
                    put(y, 0.0, features, first, len(some), outputs, top + row - features, len(places))


def panels_of_inputs(values: np.ndarray) -> np.ndarray:
    """Inputs (N, features) in panels, flat; the first of them fills up the last panel."""
    filled = np.concatenate([values, values[:1].repeat(-len(values) % PANEL, 0)])
    return filled.reshape(-1, PANEL, values.shape[1]).transpose(0, 2, 1).ravel()


class Replayer:
    """What the replays of a spec share: the network, the data, and room for a block of inputs."""

    def __init__(self, spec: TrainingSpec, dataset: Dataset) -> None:
        scheme = scheme_of(spec)
        values, scale = network_inputs(dataset, scheme.quantized)
        self.network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
        self.plan = plan_of(spec, self.network, values.shape[1], np.float64)
        self.inputs = inputs_of(values, scale, self.network, np.float64)
        self.panels = panels_of_inputs(values[:0] if self.inputs.is_sparse else values)
        self.places = np.arange(len(values))
        widest = max(0 if self.inputs.is_sparse else values.shape[1], int(self.plan.outputs.max()))
        block = len(values) if scheme.needs_all_inputs else max(1, AT_ONCE // (widest * PANEL)) * PANEL
        self.block = min(block, -(-len(values) // PANEL) * PANEL)
        self.work = workspace_for(
            self.plan, self.network, self.block, self.inputs.is_sparse, False, np.float64
        )
        self.here, self.there = np.zeros((2, widest * (-(-self.block // PANEL) * PANEL)))
        self.own_parameters = np.zeros(len(self.work.kernels))
        self.own_ranges = np.zeros((len(self.plan.kind), 2, 2))
        self.still = np.full(2, STILL)
        bits = spec.bits.activations if isinstance(spec.bits, Bits) else 32
        self.dtype = np.dtype(np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.float32)
        self.reads_logits = scheme.quantized and scheme.reads == "logits"

    def replay(
        self, parameters: np.ndarray, ranges: np.ndarray, with_shares: bool = True
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Replay snapshots, parameters (S, P) and ranges (S, L, 2, 2): what `replay_snapshots` receives."""
        snapshots, layers = len(parameters), len(self.plan.kind)
        outputs = np.empty((snapshots, int(self.plan.outputs.sum()), len(self.places)), dtype=self.dtype)
        scales, zeros = np.empty((2, snapshots, layers))
        number = snapshots if with_shares and self.reads_logits else 0
        shares = np.empty((number, int(self.plan.outputs[-1]), len(self.places)), dtype=np.float32)
        replay_snapshots(
            self.plan,
            parameters,
            ranges,
            self.inputs,
            self.panels,
            self.places,
            self.block,
            self.still,
            self.work,
            self.here,
            self.there,
            self.own_parameters,
            self.own_ranges,
            outputs.ravel(),
            scales,
            zeros,
            shares.ravel(),
        )
        return outputs, scales, zeros, shares
