"""Passes of a model over its inputs, until all that is gathered of its layers is complete."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from torch import nn

from infoplane.errors import UserError
from infoplane.information.estimators import Estimator
from infoplane.recording.calls import Call, observed
from infoplane.recording.inputs import Batch, Inputs, digest_of, output_of
from infoplane.recording.layers import RecordedLayer
from infoplane.recording.outputs import tensors_in
from infoplane.recording.state import preserved
from infoplane.recording.tallies import Collected, Ends, LayerTally, Streamed, streams

__all__ = ["MEMORY", "gather", "refuse_random_layers", "tallies_of"]

# Bytes of activations that are stored at a time, beside those of one layer for one batch.
MEMORY = 2**27


def gather(model: nn.Module, inputs: Inputs, tallies: Mapping[RecordedLayer, Sequence[LayerTally]]) -> None:
    """Run a model over the inputs as often as the tallies of its layers need it.

    Raises:
        UserError: a layer is not called as often as before, or outputs what cannot be recorded.
    """
    with preserved(model):
        while chosen := affordable(tallies):
            for batch in inputs.batches(model):
                run(model, batch, chosen)
            for own in chosen.values():
                for tally in own:
                    tally.end_pass()


def refuse_random_layers(model: nn.Module, inputs: Inputs, layers: Iterable[RecordedLayer]) -> None:
    """Run a model on its first batch twice, and compare what its layers output, bit by bit.

    Raises:
        UserError: a layer that is recorded outputs other values the second time.
    """
    with preserved(model):
        first, second = (digests_of_outputs(model, inputs) for _ in range(2))
    different = [output for output in first | second if first.get(output) != second.get(output)]
    if any(layer.includes(*output) for layer in layers for output in different):
        path, number, item = different[0]
        name = (path or "output") + (f":{number}" if number > 1 else "") + item
        raise UserError(
            f"layer {name}: outputs different values when the same inputs are run again in evaluation mode; "
            "make the model deterministic, without dropout or noise in evaluation mode"
        )


def digests_of_outputs(model: nn.Module, inputs: Inputs) -> dict[tuple[str, int, str], str]:
    """Digests of all tensors that a model's calls output for the first batch, in their order.

    The key is the path of the call, its number, and the keys of the tensor in the output.
    """
    found = dict[tuple[str, int, str], str]()

    def receive(call: Call) -> None:
        for item, tensor in tensors_in(call.output):
            found[call.name, call.number, item] = digest_of(tensor)

    with observed(model, receive):
        output_of(model, next(inputs.batches(model)).values)
    return found


def tallies_of(
    estimators: Mapping[RecordedLayer, Mapping[str, Estimator]], labels: np.ndarray, ends: Ends
) -> dict[RecordedLayer, list[LayerTally]]:
    """What is to be gathered of each layer: the smallest are stored, as many as fit into the memory.

    Of the others only what does not stream is stored, one at a time if need be.

    Args:
        estimators: those of each layer, by their names.
        labels: (N,) classes.
        ends: the range `global`.
    """
    tallies, total = dict[RecordedLayer, list[LayerTally]](), 0
    for layer in sorted(estimators, key=bytes_of_input):
        own, total = estimators[layer], total + len(labels) * bytes_of_input(layer)
        stored = {name: each for name, each in own.items() if total <= MEMORY or not streams(each)}
        streamed = {name: each for name, each in own.items() if name not in stored}
        tallies[layer] = [
            Streamed(layer.name, labels, name, each, ends, MEMORY) for name, each in streamed.items()
        ]
        if stored:
            assert layer.width is not None and layer.dtype is not None
            tallies[layer].append(Collected(layer.name, layer.width, layer.dtype, labels, stored, ends))
    return tallies


def bytes_of_input(layer: RecordedLayer) -> int:
    """Memory of what a layer outputs for one input."""
    assert layer.width is not None and layer.dtype is not None
    return layer.width * layer.dtype.itemsize


def affordable(
    tallies: Mapping[RecordedLayer, Sequence[LayerTally]],
) -> dict[RecordedLayer, list[LayerTally]]:
    """Incomplete tallies whose next pass fits into the memory, the smallest first; one at least."""
    pending = [(layer, each) for layer, own in tallies.items() for each in own if not each.is_complete]
    chosen, total = defaultdict[RecordedLayer, list[LayerTally]](list), 0
    for layer, tally in sorted(pending, key=lambda each: each[1].bytes_needed):
        total += tally.bytes_needed
        if chosen and total > MEMORY:
            break
        chosen[layer].append(tally)
    return chosen


def run(model: nn.Module, batch: Batch, tallies: Mapping[RecordedLayer, Sequence[LayerTally]]) -> None:
    """Run a model on a batch, if a tally needs it, each taking what its layer outputs as soon as it does."""
    stop = batch.start + batch.count
    needing = {
        layer: needed
        for layer, own in tallies.items()
        if (needed := [tally for tally in own if tally.needs(batch.start, stop)])
    }
    if not needing:
        return
    layers = defaultdict[tuple[str, int], list[RecordedLayer]](list)
    for layer in needing:
        layers[layer.path, layer.number].append(layer)
    counts = Counter[str]()

    def receive(call: Call) -> None:
        counts[call.name] += 1
        for layer in layers.get((call.name, call.number), ()):
            rows = layer.finite_rows(call.output, batch)
            for tally in needing[layer]:
                tally.look(batch.start, rows)

    with observed(model, receive):
        output_of(model, batch.values)
    for layer in needing:
        if counts[layer.path] != layer.calls:
            raise UserError(
                f"layer {layer.name}: is called {counts[layer.path]} times for a batch, at first "
                f"{layer.calls}; record a layer that is always called alike"
            )
