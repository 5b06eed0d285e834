"""Forward and backward pass of a network over one batch.

The definition is that of `infoplane.networks` in PyTorch; the tests compare both. All arrays are of one type:
float32 in training, float64 in a replay.
"""

import numpy as np

from infoplane.compilation import inlined
from infoplane.kernels.activations import activate, multiply_slopes
from infoplane.kernels.inputs import Inputs, gather_inputs
from infoplane.kernels.layers import (
    backward_selection,
    backward_sums,
    bias_gradient,
    forward_selection,
    forward_sums,
    kernel_gradient,
    scale_and_shift,
)
from infoplane.kernels.output import cross_entropy, softmax
from infoplane.kernels.panels import PANEL, copy, fill, lanes_for, multiply, panels_for, round_to_single
from infoplane.kernels.plan import KERNEL, OUTPUT, Memory, Plan
from infoplane.kernels.quantizer import UNQUANTIZED, quantize_over_range
from infoplane.kernels.sparse import kernel_from_rows, rows_from_kernel, sparse_gradient, sparse_sums
from infoplane.kernels.vectors import full_like

__all__ = ["backward", "forward", "quantize_kernels", "run_layer"]


@inlined
def quantize_kernels(
    plan: Plan,
    parameters: np.ndarray,
    ranges: np.ndarray,
    averaging: np.ndarray,
    inputs: Inputs,
    memory: Memory,
) -> None:
    """Quantize the kernels of all layers, in the order in which they lie: vectors reach over an end.

    Args:
        parameters: (P,), and as much as a vector holds.
        ranges: the moving ranges of the layers' kernels and outputs, (L, 2, 2), which move.
        averaging: the weight of this batch in each moving policy; 0 where its ranges stay.
    """
    for number in range(len(plan.layers)):
        layer, quantizer = plan.layers[number], plan.quantizers[number, KERNEL]
        start, count = layer.start, layer.fan_in * layer.width
        if count == 0:
            continue
        if quantizer.source == UNQUANTIZED:
            copy(parameters, start, count, memory.kernels, start)
            if len(memory.passes) > 0:
                fill(memory.passes, start, count, 1.0)
        else:
            memory.kernel_scales[number], _ = quantize_over_range(
                quantizer, parameters, start, count, ranges[number, KERNEL], averaging,
                memory.kernels, start, memory.passes, start,
            )  # fmt: skip
    if inputs.is_sparse:
        rows_from_kernel(plan.layers[0], memory.kernels, memory.rows)
        if len(memory.single_rows) > 0:
            rows_from_kernel(plan.layers[0], memory.kernels, memory.single_rows)


@inlined
def sum_layer(
    plan: Plan,
    number: int,
    parameters: np.ndarray,
    inputs: Inputs,
    indices: np.ndarray,
    memory: Memory,
    x: np.ndarray,
    x_offset: int,
    sums: np.ndarray,
) -> bool:
    """Weighted sums of a layer, scaled, plus its bias; whether they are rounded to float32.

    Args:
        indices: the inputs of the batch, of which a first layer reads those that are sparse.
        x: what the layer reads, in panels.
    """
    layer, panels = plan.layers[number], panels_for(len(indices))
    is_whole = plan.quantizers[number, KERNEL].source != UNQUANTIZED and (
        inputs.is_whole if number == 0 else plan.is_quantized
    )
    if number == 0 and inputs.is_sparse:
        # Float32 is exact up to 2²⁴, and so is each of the four parts of a sum, of up to n/4 + 3 terms
        largest = (inputs.densest // 4 + 3) * 255 * plan.quantizers[number, KERNEL].top
        if plan.in_order and is_whole and largest <= 2**24:
            single_rows, single_parts = memory.single_rows, memory.single_parts
            sparse_sums(layer, inputs.sparse, indices, single_rows, single_parts, False, sums)
        else:
            sparse_sums(layer, inputs.sparse, indices, memory.rows, memory.parts, plan.in_order, sums)
    else:
        forward_sums(layer, memory.kernels, x, x_offset, panels, sums, memory.taps)
    scale_and_shift(layer, sums, memory.kernel_scales[number] * memory.scales[number], parameters, panels)
    is_rounded = plan.in_order and not is_whole
    if is_rounded:
        round_to_single(sums, 0, layer.outputs * panels * PANEL)
    return is_rounded


@inlined
def activate_layer(
    plan: Plan,
    number: int,
    sums: np.ndarray,
    count: int,
    is_rounded: bool,
    outputs: np.ndarray,
    outputs_offset: int,
) -> None:
    """Activation function of a layer's sums; of the last layer, the sums themselves or their softmax."""
    if number < len(plan.layers) - 1:
        activate(plan.activation, sums, 0, count, outputs, outputs_offset)
    elif plan.reads_softmax:
        width = plan.layers[number].width
        softmax(sums, full_like(sums[0], 1.0), width, count // (width * PANEL), outputs)
    else:
        copy(sums, 0, count, outputs, outputs_offset)
    if is_rounded:
        round_to_single(outputs, outputs_offset, count)


@inlined
def run_layer(
    plan: Plan,
    number: int,
    parameters: np.ndarray,
    ranges: np.ndarray,
    averaging: np.ndarray,
    inputs: Inputs,
    indices: np.ndarray,
    memory: Memory,
    x: np.ndarray,
    y: np.ndarray,
) -> None:
    """What a layer hands on of panels x, into panels y, where nothing is to be differentiated.

    Args:
        parameters, ranges, averaging: as for `quantize_kernels`, which comes before.
        indices: as for `sum_layer`.
    """
    layer, quantizer = plan.layers[number], plan.quantizers[number, OUTPUT]
    panels = panels_for(len(indices))
    if layer.fan_in == 0:
        forward_selection(layer, x, 0, panels, y, 0)
        memory.scales[number + 1], memory.zeros[number + 1] = memory.scales[number], memory.zeros[number]
        return
    count = layer.outputs * panels * PANEL
    is_rounded = sum_layer(plan, number, parameters, inputs, indices, memory, x, 0, y)
    activate_layer(plan, number, y, count, is_rounded, y, 0)
    if quantizer.source != UNQUANTIZED:
        memory.scales[number + 1], memory.zeros[number + 1] = quantize_over_range(
            quantizer, y, 0, count, ranges[number, OUTPUT], averaging, y, 0, memory.passes[:0], 0
        )


@inlined
def forward(
    plan: Plan,
    parameters: np.ndarray,
    ranges: np.ndarray,
    averaging: np.ndarray,
    inputs: Inputs,
    indices: np.ndarray,
    memory: Memory,
) -> None:
    """Run the network on a batch of training: values, their slopes, and moved ranges.

    Args:
        parameters, ranges, averaging: as for `quantize_kernels`.
        indices: the inputs of the batch.
    """
    lanes, values, slopes = lanes_for(len(indices)), memory.values, memory.slopes
    quantize_kernels(plan, parameters, ranges, averaging, inputs, memory)
    memory.scales[0] = inputs.scale
    if not inputs.is_sparse:
        gather_inputs(inputs, plan.features, indices, memory.starts, values)
    for number in range(len(plan.layers)):
        layer, quantizer = plan.layers[number], plan.quantizers[number, OUTPUT]
        x_offset, y_offset = layer.input_offset * lanes, layer.output_offset * lanes
        count = layer.outputs * lanes
        if layer.fan_in == 0:
            forward_selection(layer, values, x_offset, lanes // PANEL, values, y_offset)
            fill(slopes, y_offset, count, 1.0)
            memory.scales[number + 1], memory.zeros[number + 1] = memory.scales[number], memory.zeros[number]
            continue
        sum_layer(plan, number, parameters, inputs, indices, memory, values, x_offset, memory.sums)
        is_quantized = quantizer.source != UNQUANTIZED
        outputs, outputs_offset = (memory.outputs, 0) if is_quantized else (values, y_offset)
        activate_layer(plan, number, memory.sums, count, False, outputs, outputs_offset)
        if is_quantized:
            memory.scales[number + 1], memory.zeros[number + 1] = quantize_over_range(
                quantizer, outputs, 0, count, ranges[number, OUTPUT], averaging,
                values, y_offset, slopes, y_offset,
            )  # fmt: skip
        else:
            fill(slopes, y_offset, count, 1.0)
        if number < len(plan.layers) - 1:
            multiply_slopes(plan.activation, memory.sums, 0, outputs, outputs_offset, count, slopes, y_offset)


@inlined
def backward(plan: Plan, inputs: Inputs, indices: np.ndarray, memory: Memory) -> float:
    """Sum of the cross-entropies (nats) of the batch of `forward`, and the gradient of their mean.

    The labels are in the memory.
    """
    lanes, panels, last = lanes_for(len(indices)), panels_for(len(indices)), len(plan.layers) - 1
    classes, output = plan.layers[last].width, plan.layers[last].output_offset * lanes
    deltas, back = memory.deltas, memory.back
    loss = cross_entropy(
        plan.reads_softmax, memory.values, output, memory.scales[last + 1], memory.outputs, memory.slopes,
        memory.labels, memory.weights, classes, panels, len(indices), deltas,
    )  # fmt: skip
    if not plan.reads_softmax:
        multiply(deltas, 0, classes * lanes, full_like(deltas[0], 1.0), memory.slopes, output)
    for number in range(last, -1, -1):
        layer = plan.layers[number]
        x_offset = layer.input_offset * lanes
        if layer.fan_in > 0:
            differentiate_parameters(plan, number, inputs, indices, memory, deltas, panels)
        if number == 0:
            break
        if layer.fan_in > 0:
            backward_sums(layer, memory.kernels, deltas, panels, back)
            scale = memory.kernel_scales[number]
        else:
            backward_selection(layer, memory.values, x_offset, deltas, panels, back)
            scale = full_like(deltas[0], 1.0)
        multiply(back, 0, plan.layers[number - 1].outputs * lanes, scale, memory.slopes, x_offset)
        deltas, back = back, deltas
    return loss


@inlined
def differentiate_parameters(
    plan: Plan,
    number: int,
    inputs: Inputs,
    indices: np.ndarray,
    memory: Memory,
    deltas: np.ndarray,
    panels: int,
) -> None:
    """Gradient of a layer's kernel and bias, from the derivatives of the loss by its sums."""
    layer, gradient = plan.layers[number], memory.gradient
    if number == 0 and inputs.is_sparse:
        sparse_gradient(layer, inputs.sparse, indices, deltas, memory.parts, memory.rows)
        kernel_from_rows(layer, memory.rows, gradient)
    else:
        x_offset = layer.input_offset * panels * PANEL
        kernel_gradient(layer, memory.values, x_offset, deltas, panels, gradient, memory.partial)
    for weight in range(layer.start, layer.start + layer.fan_in * layer.width):
        gradient[weight] *= memory.scales[number] * memory.passes[weight]
    bias_gradient(layer, deltas, panels, gradient)
