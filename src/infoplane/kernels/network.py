"""A network in loops: forward and backward over one batch, in memory that is laid out beforehand.

The definition is that of `infoplane.networks`, in PyTorch; the tests hold the one against the other. All
arrays are of one type: float32 in training, float64 in a replay.
"""

from typing import Any, NamedTuple

import numpy as np

from infoplane.config import Bits, RangeSpec, TrainingSpec
from infoplane.kernels.activations import IDENTITY, NUMBERS, activate, multiply_slopes
from infoplane.kernels.compilation import compiled
from infoplane.kernels.layers import (
    bias_gradient,
    conv_deltas,
    conv_gradient,
    conv_sums,
    dense_gradient,
    dense_sums,
    pool,
    pool_deltas,
    scale_and_shift,
)
from infoplane.kernels.output import cross_entropy_of_logits, cross_entropy_of_softmax, softmax
from infoplane.kernels.panels import PANEL, copy, gather, multiply, round_to_single
from infoplane.kernels.quantizer import BATCH, DEBIASED, EMA, FIXED, UNQUANTIZED, grid, quantize, range_of
from infoplane.kernels.sparse import (
    SparseInputs,
    collect_rows,
    row_length,
    sparse_gradient,
    sparse_inputs,
    sparse_sums,
    spread_rows,
)
from infoplane.kernels.vectors import BYTES, SIDE, splat_like
from infoplane.networks.layers import Conv, Network, Pool
from infoplane.networks.ranges import MOVING_DECAY
from infoplane.networks.schemes import Scheme, scheme_of

__all__ = [
    "Inputs",
    "Plan",
    "Workspace",
    "backward",
    "forward",
    "forward_layer",
    "gather_inputs",
    "inputs_of",
    "plan_of",
    "quantize_kernels",
    "workspace_for",
]

Precision = type[np.float32] | type[np.float64]
DENSE, CONV, POOL = range(3)
KERNEL, OUTPUT = range(2)
POLICIES = {"batch": BATCH, "ema": EMA, "ema-debiased": DEBIASED}
# Beyond this share of numbers that are not 0 a dense layer is faster, and below so many features too.
SPARSE_SHARE, SPARSE_FEATURES = 0.6, 64


class Plan(NamedTuple):
    """A network and its quantization in numbers: arrays have an entry for each of its L layers.

    Attributes:
        features: the number of features of an input.
        activation: that of the hidden layers, by `activations.NUMBERS`.
        reads_softmax: whether the output is the softmax, and not its logits.
        is_quantized: whether layers hand on steps.
        decay: that of moving ranges.
        levels: (2,), 2ᵇ − 1 of the weights and of the activations.
        kind: DENSE, CONV or POOL.
        fan_in, width, start: of the kernel (fan_in, width), which begins at `start` of the parameters, with
        the
            bias behind it.
        channels, rows, columns, size: of the images that a convolution or a pool reads, and of its squares.
        outputs: the number of values that a layer puts out for one input.
        offset: (L + 1,), where the values of the inputs and of the layers begin, per lane of a batch.
        policy: (L, 2), the range of the kernel and of the output, by `quantizer`.
        ends: (L, 2, 2), those of fixed ranges.
    """

    features: int
    activation: int
    reads_softmax: bool
    is_quantized: bool
    decay: float
    levels: np.ndarray
    kind: np.ndarray
    fan_in: np.ndarray
    width: np.ndarray
    start: np.ndarray
    channels: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    size: np.ndarray
    outputs: np.ndarray
    offset: np.ndarray
    policy: np.ndarray
    ends: np.ndarray


def plan_of(spec: TrainingSpec, network: Network, features: int, dtype: Precision) -> Plan:
    """The plan of a network, whose numbers are of a type."""
    scheme = scheme_of(spec)
    bits = (spec.bits.weights, spec.bits.activations) if isinstance(spec.bits, Bits) else (1, 1)
    rows = []
    for layer in network.layers:
        if isinstance(layer, Pool):
            rows.append((POOL, 0, 0, 0, *layer.shape, layer.size, layer.outputs))
        elif isinstance(layer, Conv):
            own = layer.fan_in, layer.width, layer.start, *layer.shape, layer.size, layer.outputs
            rows.append((CONV, *own))
        else:
            rows.append((DENSE, layer.fan_in, layer.width, layer.start, 0, 0, 0, 0, layer.outputs))
    kind, fan_in, width, start, channels, height, breadth, size, outputs = np.array(
        rows, dtype=np.int64
    ).T.copy()
    ranges = [ranges_of(scheme, layer is network.layers[-1]) for layer in network.layers]
    return Plan(
        features,
        NUMBERS[spec.activation],
        scheme.reads == "softmax",
        scheme.quantized,
        MOVING_DECAY,
        np.array([2**width - 1 for width in bits], dtype=dtype),
        kind,
        fan_in,
        width,
        start,
        channels,
        height,
        breadth,
        size,
        outputs,
        np.concatenate([[0], np.cumsum([features, *outputs[:-1]])]),
        np.array([[policy_of(each) for each in pair] for pair in ranges]),
        np.array(
            [[each if isinstance(each, tuple) else (0, 0) for each in pair] for pair in ranges], dtype=dtype
        ),
    )


def ranges_of(scheme: Scheme, is_output: bool) -> tuple[RangeSpec | None, RangeSpec | None]:
    if is_output:
        return scheme.output_weights, scheme.output
    return scheme.hidden_weights, scheme.activations


def policy_of(chosen: RangeSpec | None) -> int:
    if chosen is None:
        return UNQUANTIZED
    return FIXED if isinstance(chosen, tuple) else POLICIES[chosen]


class Inputs(NamedTuple):
    """The inputs of a network in one of three forms; the other two are empty.

    Attributes:
        is_sparse: whether they are in `sparse`.
        is_whole: whether they are whole numbers.
        scale: what they are multiplied by.
        most: the largest number of features of one input that are not 0, of sparse inputs.
        bytes, numbers: dense ones, uint8 or float32: (N, features) flat, and 16 numbers more.
        sparse: those that are mostly 0.
    """

    is_sparse: bool
    is_whole: bool
    scale: float
    most: int
    bytes: np.ndarray
    numbers: np.ndarray
    sparse: SparseInputs


def inputs_of(values: np.ndarray, scale: float | None, network: Network, dtype: Precision) -> Inputs:
    """Inputs (N, features) of a network that computes in a type."""
    factor: Any = dtype(1 if scale is None else scale)
    is_bytes = values.dtype == np.uint8
    is_sparse = is_bytes and is_sparse_for(values, network)
    nothing = np.zeros((0, 1), dtype=np.uint8)
    sparse = sparse_inputs(values if is_sparse else nothing)
    return Inputs(
        is_sparse,
        scale is not None,
        factor,
        int(np.diff(sparse.start).max(initial=0)),
        flat(values if is_bytes and not is_sparse else nothing, np.uint8),
        flat(nothing if is_bytes else values, np.float32),
        sparse,
    )


def is_sparse_for(values: np.ndarray, network: Network) -> bool:
    """Whether inputs are many features, most of them 0, and the first layer is dense."""
    many = not isinstance(network.layers[0], Conv | Pool) and values.shape[1] >= SPARSE_FEATURES
    return bool(many and np.count_nonzero(values) < SPARSE_SHARE * values.size)


def flat(values: np.ndarray, dtype: type) -> np.ndarray:
    """Inputs in a row, behind which a vector may be read; nothing if there are none."""
    if not values.size:
        return np.zeros(0, dtype=dtype)
    return np.concatenate([values.ravel().astype(dtype), np.zeros(SIDE, dtype=dtype)])


@compiled
def gather_inputs(
    plan: Plan, inputs: Inputs, places: np.ndarray, work: "Workspace", panels: np.ndarray
) -> None:
    """Copy dense inputs at some places into panels."""
    if len(inputs.bytes) > 0:
        gather(inputs.bytes, plan.features, places, work.starts, panels)
    else:
        gather(inputs.numbers, plan.features, places, work.starts, panels)


class Workspace(NamedTuple):
    """Room for one batch of a network.

    Attributes:
        kernels, kernel_passes: the steps of quantized kernels, in the places of the parameters, and where
        their
            quantizers pass gradients.
        kernel_scales: (L,), 1 where a kernel is not quantized.
        scales, zeros: (L + 1,), those of the inputs and of the outputs; 1 and 0 where they are not quantized.
        values: what layers hand on: steps, or values where they are not quantized; by `Plan.offset`.
        slopes: the derivatives of what they hand on by their sums.
        sums, outputs: of one layer, before and after its activation function.
        deltas, back: derivatives of the loss by the sums of one layer, and of the one before.
        gradient: of the parameters.
        rows, parts: a kernel or gradient by rows, and four rows, for sparse inputs.
        single_rows, single_parts: the same in float32, for a replay.
        partial: a vector of each weight.
        starts: 16 places.
    """

    kernels: np.ndarray
    kernel_passes: np.ndarray
    kernel_scales: np.ndarray
    scales: np.ndarray
    zeros: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    sums: np.ndarray
    outputs: np.ndarray
    deltas: np.ndarray
    back: np.ndarray
    gradient: np.ndarray
    rows: np.ndarray
    parts: np.ndarray
    single_rows: np.ndarray
    single_parts: np.ndarray
    partial: np.ndarray
    starts: np.ndarray


def padded(size: int, dtype: Precision) -> int:
    """The size of a flat array whose last number may be read as part of a vector."""
    return size + BYTES // np.dtype(dtype).itemsize


def workspace_for(
    plan: Plan, network: Network, count: int, is_sparse: bool, trains: bool, dtype: Precision
) -> Workspace:
    """Room for a batch of `count` inputs; without what only training needs where it does not train."""
    lanes = -(-count // PANEL) * PANEL
    parameters = padded(network.size, dtype)
    widest = max(plan.features if not is_sparse else 0, int(plan.outputs.max())) * lanes
    total = int(plan.offset[-1] + plan.outputs[-1]) * lanes
    row = row_length.py_func(int(plan.width[0]), SIDE)
    sizes = {
        "kernels": parameters,
        "kernel_passes": parameters,
        "kernel_scales": len(plan.kind),
        "scales": len(plan.kind) + 1,
        "zeros": len(plan.kind) + 1,
        "values": total if trains else 0,
        "slopes": total if trains else 0,
        "sums": widest,
        "outputs": widest,
        "deltas": widest if trains else 0,
        "back": widest if trains else 0,
        "gradient": parameters if trains else 0,
        "rows": plan.features * row if is_sparse else 0,
        "parts": 4 * row,
        "partial": parameters * BYTES // np.dtype(dtype).itemsize if trains and CONV in plan.kind else 0,
    }
    arrays = {name: np.zeros(size, dtype=dtype) for name, size in sizes.items()}
    single = np.float32
    return Workspace(
        **arrays,
        single_rows=np.zeros(0 if trains else sizes["rows"], dtype=single),
        single_parts=np.zeros(4 * row, dtype=single),
        starts=np.zeros(SIDE, dtype=np.int64),
    )


@compiled
def quantize_kernels(
    plan: Plan,
    parameters: np.ndarray,
    ranges: np.ndarray,
    intake: np.ndarray,
    inputs: Inputs,
    work: Workspace,
) -> None:
    """Quantize the kernels of all layers, in the order in which they lie: vectors reach over an end."""
    for layer in range(len(plan.kind)):
        if plan.kind[layer] == POOL:
            continue
        start, count = plan.start[layer], plan.fan_in[layer] * plan.width[layer]
        policy = plan.policy[layer, KERNEL]
        if policy == UNQUANTIZED:
            copy(parameters, start, count, work.kernels, start)
            work.kernel_passes[start : start + count] = 1
            work.kernel_scales[layer] = 1
        else:
            low, high = range_of(
                parameters, start, count, policy, plan.ends[layer, KERNEL], ranges[layer, KERNEL], intake
            )
            scale, zero, top = grid(low, high, plan.levels[KERNEL])
            quantize(
                parameters,
                start,
                count,
                scale,
                zero,
                top,
                work.kernels,
                start,
                work.kernel_passes,
                start,
                True,
            )
            work.kernel_scales[layer] = scale
    if inputs.is_sparse:
        length = len(work.parts) // 4
        spread_rows(work.kernels, plan.start[0], plan.fan_in[0], plan.width[0], length, work.rows)
        if len(work.single_rows) > 0:
            spread_rows(work.kernels, plan.start[0], plan.fan_in[0], plan.width[0], length, work.single_rows)


@compiled
def forward_layer(
    plan: Plan,
    layer: int,
    parameters: np.ndarray,
    ranges: np.ndarray,
    intake: np.ndarray,
    inputs: Inputs,
    places: np.ndarray,
    work: Workspace,
    x: np.ndarray,
    of_x: int,
    panels: int,
    sums: np.ndarray,
    outputs: np.ndarray,
    y: np.ndarray,
    of_y: int,
    trains: bool,
    replays: bool,
) -> None:
    """What a layer hands on of some panels x, into y; and in training, its slopes.

    Args:
        replays: whether sums of numbers that are not whole are taken in the order of their terms, and they
        and what
            the activation function makes of them are rounded to float32.
        intake: how much moving ranges take up: see `quantizer.range_of`.
        inputs, places: what a first layer reads that looks at sparse inputs.
        sums, outputs: room for the layer before and after its activation function; all may be y.
    """
    kind, width, start = plan.kind[layer], plan.width[layer], plan.start[layer]
    count = plan.outputs[layer] * panels * PANEL
    channels, rows, columns, size = (
        plan.channels[layer],
        plan.rows[layer],
        plan.columns[layer],
        plan.size[layer],
    )
    if kind == POOL:
        pool(x, of_x, channels, rows, columns, size, panels, y, of_y)
        work.scales[layer + 1], work.zeros[layer + 1] = work.scales[layer], work.zeros[layer]
        if trains:
            work.slopes[of_y : of_y + count] = 1
        return
    is_whole = plan.policy[layer, KERNEL] != UNQUANTIZED and (
        inputs.is_whole if layer == 0 else plan.is_quantized
    )
    in_order = replays and not is_whole
    if kind == CONV:
        conv_sums(work.kernels, start, x, of_x, channels, rows, columns, size, width, panels, sums, 0)
    elif layer == 0 and inputs.is_sparse:
        length = len(work.parts) // 4
        # Float32 is exact up to 2²⁴, and so is each of the four parts of a sum, of up to n/4 + 3 terms
        if replays and is_whole and (inputs.most // 4 + 3) * 255 * plan.levels[KERNEL] <= 2**24:
            single_rows, single_parts = work.single_rows, work.single_parts
            sparse_sums(inputs.sparse, places, single_rows, width, length, single_parts, False, sums, 0)
        else:
            sparse_sums(inputs.sparse, places, work.rows, width, length, work.parts, in_order, sums, 0)
    else:
        dense_sums(work.kernels, start, width, 1, x, of_x, plan.fan_in[layer], width, panels, sums, 0)
    scale = work.kernel_scales[layer] * work.scales[layer]
    bias = start + plan.fan_in[layer] * width
    scale_and_shift(sums, 0, scale, parameters, bias, width, plan.outputs[layer] // width, panels)
    if in_order:
        round_to_single(sums, count)
    is_output = layer == len(plan.kind) - 1
    activation = IDENTITY if is_output else plan.activation
    if is_output and plan.reads_softmax:
        softmax(sums, 0, splat_like(scale, 1), width, panels, outputs, 0)
    else:
        activate(activation, sums, 0, count, outputs, 0)
    if in_order:
        round_to_single(outputs, count)
    policy = plan.policy[layer, OUTPUT]
    if policy == UNQUANTIZED:
        copy(outputs, 0, count, y, of_y)
        work.scales[layer + 1] = 1
        if trains:
            work.slopes[of_y : of_y + count] = 1
    else:
        low, high = range_of(
            outputs, 0, count, policy, plan.ends[layer, OUTPUT], ranges[layer, OUTPUT], intake
        )
        scale, zero, top = grid(low, high, plan.levels[OUTPUT])
        quantize(outputs, 0, count, scale, zero, top, y, of_y, work.slopes, of_y, trains)
        work.scales[layer + 1], work.zeros[layer + 1] = scale, zero
    if trains:
        multiply_slopes(activation, sums, outputs, 0, count, work.slopes, of_y)


@compiled
def forward(
    plan: Plan,
    parameters: np.ndarray,
    ranges: np.ndarray,
    intake: np.ndarray,
    inputs: Inputs,
    places: np.ndarray,
    work: Workspace,
) -> None:
    """Run the network on inputs at some places, for a step of training: values, slopes, moved ranges."""
    lanes = (len(places) + PANEL - 1) // PANEL * PANEL
    quantize_kernels(plan, parameters, ranges, intake, inputs, work)
    work.scales[0] = inputs.scale
    if not inputs.is_sparse:
        gather_inputs(plan, inputs, places, work, work.values)
    for layer in range(len(plan.kind)):
        forward_layer(
            plan,
            layer,
            parameters,
            ranges,
            intake,
            inputs,
            places,
            work,
            work.values,
            plan.offset[layer] * lanes,
            lanes // PANEL,
            work.sums,
            work.outputs,
            work.values,
            plan.offset[layer + 1] * lanes,
            True,
            False,
        )


@compiled
def backward(
    plan: Plan, inputs: Inputs, places: np.ndarray, labels: np.ndarray, weights: np.ndarray, work: Workspace
) -> float:
    """The sum of the cross-entropies (nats) of what `forward` left, and the gradient of their mean."""
    count = len(places)
    panels = (count + PANEL - 1) // PANEL
    lanes = panels * PANEL
    last = len(plan.kind) - 1
    classes = plan.width[last]
    of_output = plan.offset[last + 1] * lanes
    scale = work.scales[last + 1]
    deltas, back = work.deltas, work.back
    if plan.reads_softmax:
        loss = cross_entropy_of_softmax(
            work.values, of_output, scale, work.outputs, 0, work.slopes, of_output, labels, weights,
            classes, panels, count, deltas, 0,
        )  # fmt: skip
    else:
        loss = cross_entropy_of_logits(
            work.values, of_output, scale, labels, weights, classes, panels, count, deltas, 0
        )
        multiply(deltas, 0, classes * lanes, splat_like(scale, 1), work.slopes, of_output)
    for layer in range(last, -1, -1):
        x, of_x = work.values, plan.offset[layer] * lanes
        channels, rows, columns, size = (
            plan.channels[layer],
            plan.rows[layer],
            plan.columns[layer],
            plan.size[layer],
        )
        start, fan_in, width = plan.start[layer], plan.fan_in[layer], plan.width[layer]
        scale = work.kernel_scales[layer]
        if plan.kind[layer] == POOL:
            if layer == 0:
                break
            pool_deltas(x, of_x, deltas, 0, channels, rows, columns, size, panels, back, 0)
            scale = splat_like(scale, 1)
        else:
            if plan.kind[layer] == CONV:
                conv_gradient(
                    x,
                    of_x,
                    deltas,
                    0,
                    channels,
                    rows,
                    columns,
                    size,
                    width,
                    panels,
                    work.gradient,
                    start,
                    work.partial,
                )
            elif layer == 0 and inputs.is_sparse:
                length = len(work.parts) // 4
                sparse_gradient(
                    inputs.sparse, places, deltas, 0, fan_in, width, length, work.parts, work.rows
                )
                collect_rows(work.rows, fan_in, width, length, work.gradient, start)
            else:
                dense_gradient(x, of_x, deltas, 0, fan_in, width, panels, work.gradient, start)
            for place in range(start, start + fan_in * width):
                work.gradient[place] *= work.scales[layer] * work.kernel_passes[place]
            bias_gradient(
                deltas, 0, width, plan.outputs[layer] // width, panels, work.gradient, start + fan_in * width
            )
            if layer == 0:
                break
            if plan.kind[layer] == CONV:
                conv_deltas(
                    work.kernels, start, deltas, 0, channels, rows, columns, size, width, panels, back, 0
                )
            else:
                dense_sums(work.kernels, start, 1, width, deltas, 0, width, fan_in, panels, back, 0)
        values = plan.outputs[layer - 1] * lanes
        multiply(back, 0, values, scale, work.slopes, of_x)
        deltas, back = back, deltas
    return loss
