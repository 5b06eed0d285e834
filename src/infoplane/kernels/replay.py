"""Replay: outputs of every layer for every input, from recorded parameters, in exact arithmetic.

All is float64. Sums of whole numbers are exact then. Other sums are taken in the order of their terms, and
they and the values of the activation function are rounded to float32.
"""

from typing import NamedTuple

import numpy as np

from infoplane.compilation import compiled, inlined
from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset
from infoplane.kernels.inputs import Inputs, in_panels, inputs_of, unpack_inputs
from infoplane.kernels.network import quantize_kernels, run_layer
from infoplane.kernels.output import softmax
from infoplane.kernels.panels import PANEL, lanes_for, panels_for, round_to_single
from infoplane.kernels.plan import Memory, Plan, memory_for, plan_of
from infoplane.kernels.quantizer import MOVING_POLICIES
from infoplane.kernels.vectors import load, splat, store_as
from infoplane.networks.inputs import network_inputs
from infoplane.networks.layers import network_of
from infoplane.networks.schemes import scheme_of

__all__ = ["Replayer"]

# Values of the widest layer that are computed together, so that two layers stay in the cache
VALUES_TOGETHER = 2**14


class Outputs(NamedTuple):
    """Outputs of S snapshots in one of three types, (S, outputs of all layers, N) flat; the others are empty.

    Attributes:
        codes_8, codes_16: codes q of a quantized network, uint8 or uint16.
        values: float32 values of one that is not quantized, those of the last layer being the softmax.
    """

    codes_8: np.ndarray
    codes_16: np.ndarray
    values: np.ndarray


@inlined
def put(
    panels: np.ndarray,
    zero: float,
    features: int,
    first: int,
    count: int,
    target: np.ndarray,
    row: int,
    length: int,
) -> None:
    """Copy the values of `count` inputs, plus `zero`, from panels to rows of a flat array.

    Args:
        target: rows of `length` inputs.
        row: the row of the first feature.
        first: the column of the first input.
    """
    shift = splat(zero)
    for start in range(0, count, PANEL):
        lanes = min(PANEL, count - start)
        for feature in range(features):
            source = start * features + feature * PANEL
            there = (row + feature) * length + first + start
            lane = 0
            while lane + len(shift) <= lanes:
                store_as(target, there + lane, load(panels, source + lane) + shift)
                lane += len(shift)
            while lane < lanes:
                target[there + lane] = panels[source + lane] + zero
                lane += 1


@inlined
def put_outputs(
    panels: np.ndarray,
    zero: float,
    features: int,
    first: int,
    count: int,
    outputs: Outputs,
    row: int,
    length: int,
) -> None:
    """`put` into outputs of any type."""
    if len(outputs.codes_8) > 0:
        put(panels, zero, features, first, count, outputs.codes_8, row, length)
    elif len(outputs.codes_16) > 0:
        put(panels, zero, features, first, count, outputs.codes_16, row, length)
    else:
        put(panels, zero, features, first, count, outputs.values, row, length)


@compiled
def replay_snapshots(
    plan: Plan,
    parameters: np.ndarray,
    ranges: np.ndarray,
    own_parameters: np.ndarray,
    own_ranges: np.ndarray,
    averaging: np.ndarray,
    inputs: Inputs,
    indices: np.ndarray,
    together: int,
    memory: Memory,
    outputs: Outputs,
    scales: np.ndarray,
    zeros: np.ndarray,
    shares: np.ndarray,
) -> None:
    """Replay snapshots over all inputs.

    Args:
        parameters, ranges: (S, P) and (S, L, 2, 2) float32.
        own_parameters, own_ranges: scratch memory, one snapshot in float64.
        averaging: 0 for each moving policy: ranges stay.
        inputs: sparse, or in panels.
        indices: 0 … N − 1.
        together: number of inputs that are run together.
        outputs: receives the outputs of all layers.
        scales, zeros: receive the grids of the layers, (S, L).
        shares: receives the softmax of quantized logits, rounded to float32, (S, classes, N) flat; empty
            where no logits are quantized.
    """
    last = len(plan.layers) - 1
    classes, total = plan.layers[last].outputs, len(indices)
    rows = plan.layers[last].output_offset + classes - plan.features
    for snapshot in range(len(parameters)):
        for weight in range(parameters.shape[1]):
            own_parameters[weight] = parameters[snapshot, weight]
        for number in range(last + 1):
            for tensor in range(2):
                for end in range(2):
                    own_ranges[number, tensor, end] = ranges[snapshot, number, tensor, end]
        quantize_kernels(plan, own_parameters, own_ranges, averaging, inputs, memory)
        memory.scales[0] = inputs.scale
        for first in range(0, total, together):
            some = indices[first : first + together]
            count, here, there = len(some), memory.here, memory.there
            if not inputs.is_sparse:
                unpack_inputs(inputs, plan.features, first, count, here)
            for number in range(last + 1):
                run_layer(
                    plan, number, own_parameters, own_ranges, averaging, inputs, some, memory, here, there
                )
                here, there = there, here
                layer, zero = plan.layers[number], memory.zeros[number + 1]
                row = snapshot * rows + layer.output_offset - plan.features
                if number < last or plan.is_quantized:
                    put_outputs(here, zero, layer.outputs, first, count, outputs, row, total)
            if not plan.is_quantized or len(shares) > 0:
                softmax(here, memory.scales[last + 1], classes, panels_for(count), there)
                round_to_single(there, 0, classes * lanes_for(count))
                if plan.is_quantized:
                    put(there, 0.0, classes, first, count, shares, snapshot * classes, total)
                else:
                    put(
                        there,
                        0.0,
                        classes,
                        first,
                        count,
                        outputs.values,
                        snapshot * rows + rows - classes,
                        total,
                    )
        for number in range(last + 1):
            scales[snapshot, number] = memory.scales[number + 1]
            zeros[snapshot, number] = memory.zeros[number + 1]


class Replayer:
    """What the replays of a spec share: network, data, and memory for some inputs."""

    def __init__(self, spec: TrainingSpec, dataset: Dataset) -> None:
        scheme = scheme_of(spec)
        values, scale = network_inputs(dataset, scheme.quantized)
        count, features = values.shape
        network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
        self.plan = plan_of(spec, network, features, in_order=True)
        self.inputs = inputs_of(values, scale, network, np.float64, in_panels)
        self.indices = np.arange(count)
        widest = max(0 if self.inputs.is_sparse else features, int(self.plan.layers["outputs"].max()))
        block = count if scheme.needs_all_inputs else max(1, VALUES_TOGETHER // (widest * PANEL)) * PANEL
        self.together = min(block, lanes_for(count))
        self.memory = memory_for(self.plan, network, self.inputs.is_sparse, np.float64, self.together)
        self.own_parameters = np.zeros(len(self.memory.kernels))
        self.own_ranges = np.zeros((len(self.plan.layers), 2, 2))
        self.no_averaging = np.zeros(len(MOVING_POLICIES))
        bits = spec.activation_bits
        self.dtype = np.dtype(np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.float32)
        self.reads_logits = scheme.quantized and scheme.reads == "logits"

    def replay(
        self, parameters: np.ndarray, ranges: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Replay snapshots, parameters (S, P) and ranges (S, L, 2, 2).

        Returns:
            Outputs of all layers, one after the other, (S, outputs, N): codes, or float32 values; scales and
            zero points of the layers' grids, (S, L); and the softmax of quantized logits, rounded to float32,
            (S, classes, N), or nothing.
        """
        snapshots, layers, count = len(parameters), len(self.plan.layers), len(self.indices)
        outputs = np.empty((snapshots, int(self.plan.layers["outputs"].sum()), count), dtype=self.dtype)
        scales, zeros = np.empty((2, snapshots, layers))
        number = snapshots if self.reads_logits else 0
        shares = np.empty((number, int(self.plan.layers["outputs"][-1]), count), dtype=np.float32)
        types = np.uint8, np.uint16, np.float32
        in_types = [outputs.ravel() if self.dtype == own else np.empty(0, dtype=own) for own in types]
        replay_snapshots(
            self.plan, parameters, ranges, self.own_parameters, self.own_ranges, self.no_averaging,
            self.inputs, self.indices, self.together, self.memory, Outputs(*in_types), scales, zeros,
            shares.ravel(),
        )  # fmt: skip
        return outputs, scales, zeros, shares
