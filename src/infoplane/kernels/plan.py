"""Plan of a network: its layers, quantizers and memory, as kernels read them."""

from typing import NamedTuple

import numpy as np

from infoplane.config import TrainingSpec
from infoplane.kernels.activations import NUMBERS
from infoplane.kernels.inputs import Precision
from infoplane.kernels.layers import layer_records
from infoplane.kernels.panels import lanes_for
from infoplane.kernels.quantizer import average_records, quantizer_record
from infoplane.kernels.sparse import row_length
from infoplane.kernels.vectors import SIDE
from infoplane.networks.layers import Network
from infoplane.networks.schemes import highest_codes, scheme_of

__all__ = ["KERNEL", "OUTPUT", "Memory", "Plan", "memory_for", "plan_of"]

KERNEL, OUTPUT = range(2)


class Plan(NamedTuple):
    """A network of L layers and its quantization.

    Attributes:
        features: number of features of an input.
        activation: number of the hidden layers' activation function, in `activations.NUMBERS`.
        reads_softmax: whether the output is the softmax, or else its logits.
        is_quantized: whether layers hand on steps of a grid, or else values.
        in_order: whether sums of numbers that are not whole are taken in the order of their terms, and
            rounded to float32, and so are the values of the activation function: in a replay.
        layers: (L,) of type `layers.LAYER`.
        quantizers: of each layer's kernel and output, (L, 2) of type `quantizer.QUANTIZER`.
        averages: the moving policies, of type `quantizer.AVERAGE`.
    """

    features: int
    activation: int
    reads_softmax: bool
    is_quantized: bool
    in_order: bool
    layers: np.ndarray
    quantizers: np.ndarray
    averages: np.ndarray


def plan_of(spec: TrainingSpec, network: Network, features: int, in_order: bool) -> Plan:
    """The plan of a network on inputs of some features."""
    scheme, tops = scheme_of(spec), highest_codes(spec)
    ranges = [scheme.of_layer(layer is network.layers[-1]) for layer in network.layers]
    return Plan(
        features,
        NUMBERS[spec.activation],
        scheme.reads == "softmax",
        scheme.quantized,
        in_order,
        layer_records(network.layers, features),
        np.array([[quantizer_record(*each) for each in zip(pair, tops, strict=True)] for pair in ranges]),
        average_records(),
    )


class Memory(NamedTuple):
    """Memory of the kernels for one batch, flat arrays of one type: float32 in training, float64 in a replay.

    Arrays that only training needs, or only sparse inputs, are empty elsewhere.

    Attributes:
        kernels: steps of quantized kernels, or weights, at the offsets of the parameters.
        passes: where their quantizers pass gradients.
        kernel_scales: scales of the kernels, 1 where they are not quantized, (L,).
        scales, zeros: scales and zero points of the inputs and of the layers' outputs; 1 and 0 where they are
            not quantized, (L + 1,).
        values: what the layers hand on in training, at `LAYER.output_offset` times the lanes of the batch.
        slopes: its derivatives by the layers' sums.
        sums, outputs: of one layer in training, before and after its activation function.
        deltas, back: derivatives of the loss by the sums of a layer, and of the one before.
        gradient: of the parameters.
        here, there: what a layer reads and what it hands on, where nothing is to be differentiated.
        labels, weights: labels of the lanes, and 1, or 0 where a lane fills up a panel.
        rows, parts: a kernel or gradient by rows, and four rows, for sparse inputs.
        single_rows, single_parts: the same in float32, for a replay.
        partial: a vector for each weight, for gradients of convolutions.
        starts: 16 integers, for gathering.
        taps: an integer for each value of a square, for convolutions.
    """

    kernels: np.ndarray
    passes: np.ndarray
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
    here: np.ndarray
    there: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    parts: np.ndarray
    partial: np.ndarray
    single_rows: np.ndarray
    single_parts: np.ndarray
    starts: np.ndarray
    taps: np.ndarray


def memory_for(
    plan: Plan, network: Network, is_sparse: bool, dtype: Precision, tested: int, trained: int = 0
) -> Memory:
    """Memory for a network whose inputs are sparse or dense.

    Args:
        tested: largest number of inputs that are run together, where nothing is to be differentiated.
        trained: largest number of inputs of a training step.
    """
    parameters = network.size + SIDE  # the last one may be read as the first of a vector of any type
    outputs = plan.layers["outputs"]
    widest = max(0 if is_sparse else plan.features, int(outputs.max()))
    batch = lanes_for(trained)
    everything = int(plan.layers["output_offset"][-1] + outputs[-1]) * batch
    row, lanes = row_length(int(plan.layers["width"][0])), lanes_for(max(tested, trained))
    has_convolutions = bool(plan.layers["size"].any())
    sizes = {
        "kernels": parameters,
        "passes": parameters if trained else 0,
        "kernel_scales": len(outputs),
        "scales": len(outputs) + 1,
        "zeros": len(outputs) + 1,
        **dict.fromkeys(["values", "slopes"], everything),
        **dict.fromkeys(["sums", "outputs", "deltas", "back"], widest * batch),
        "gradient": parameters if trained else 0,
        **dict.fromkeys(["labels", "weights"], lanes),
        "rows": plan.features * row if is_sparse else 0,
        "parts": 4 * row,
        "partial": parameters * SIDE if trained and has_convolutions else 0,
    }
    arrays = {name: np.zeros(size, dtype=dtype) for name, size in sizes.items()}
    arrays["kernel_scales"][:] = arrays["scales"][:] = 1
    # One array: NumPy asks for large pages from 4 MiB on
    here, there = np.zeros((2, widest * lanes_for(tested)), dtype=dtype)
    return Memory(
        **arrays,
        here=here,
        there=there,
        single_rows=np.zeros(0 if trained else sizes["rows"], dtype=np.float32),
        single_parts=np.zeros(4 * row, dtype=np.float32),
        starts=np.zeros(SIDE, dtype=np.int64),
        taps=np.zeros(int(plan.layers["fan_in"].max()) if has_convolutions else 0, dtype=np.int64),
    )
