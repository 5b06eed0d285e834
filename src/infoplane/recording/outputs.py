"""What layers put out, as one row of numbers for each input."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from infoplane.errors import UserError
from infoplane.recording.inputs import Batch

__all__ = ["as_numbers", "numbers_by_input", "refuse_nan_outputs", "tensors_in"]


def tensors_in(output: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of an output, each behind its keys: `[0]`, `[1][hidden]`; a tensor alone behind none.

    Of a `QuantTensor` of Brevitas that is its value.

    >>> [path for path, _ in tensors_in((torch.ones(2), {"hidden": torch.ones(2), "loss": None}))]
    ['[0]', '[1][hidden]']
    """
    if isinstance(output, Tensor):
        yield path, output
    elif type(output).__module__.startswith("brevitas.") and hasattr(output, "value"):
        yield path, output.value
    elif isinstance(output, Mapping):
        for key, value in output.items():
            yield from tensors_in(value, f"{path}[{key}]")
    elif isinstance(output, tuple | list):
        for key, value in enumerate(output):
            yield from tensors_in(value, f"{path}[{key}]")


def numbers_by_input(output: Any, layer: str, item: str, batch: Batch) -> Tensor:
    """The numbers that a layer outputs for each input of a batch, (inputs, width), in main memory.

    Floats of 16 bits and fewer become float32, which has a number for each of them; integers become int64.

    Args:
        output: a tensor, or tensors in tuples, lists and mappings, which are put side by side.
        layer: its name.
        item: keys of the tensors that are meant, as in `tensors_in`; "" for all.
        batch: what it was computed from.

    Raises:
        UserError: there is no tensor, one has not one row for each input of the batch, or their types differ.
    """
    found = dict(tensors_in(output))
    if not found:
        raise UserError(
            f"layer {layer}: outputs {type(output).__name__}, which is not a tensor; name another layer"
        )
    chosen = {path: tensor for path, tensor in found.items() if path.startswith(item)}
    if not chosen:
        items = ", ".join(filter(None, found))
        advice = f"use one of {items}" if items else "it outputs one tensor, which needs none"
        raise UserError(f"layer {layer}: has no such item; {advice}")
    parts = {}
    for path, tensor in chosen.items():
        if tensor.dim() == 0 or len(tensor) != batch.size:
            advice = f"name one of {', '.join(found)} behind it" if len(found) > 1 else "name another layer"
            raise UserError(
                f"layer {layer}: outputs {path and path + ' of '}the shape {(*tensor.shape,)} for "
                f"{batch.size} inputs, expected ({batch.size}, …); {advice}"
            )
        parts[path] = as_numbers(tensor[: batch.count]).reshape(batch.count, -1).cpu()
    if len(kinds := {part.dtype for part in parts.values()}) > 1:
        raise UserError(
            f"layer {layer}: outputs {' and '.join(sorted(map(str, kinds)))}; name one of "
            f"{', '.join(found)} behind it"
        )
    rows = next(iter(parts.values())) if len(parts) == 1 else torch.cat([*parts.values()], 1)
    if not rows.shape[1]:
        raise UserError(f"layer {layer}: outputs no numbers; name another layer")
    return rows


def refuse_nan_outputs(rows: Tensor, layer: str, batch: Batch) -> None:
    """Refuse rows of which one holds a NaN."""
    if torch.isnan(torch.aminmax(rows).max):
        wrong = int(rows.isnan().any(1).sum())
        raise UserError(
            f"layer {layer}: outputs NaN for {wrong} of the {batch.count} inputs from {batch.start} on, "
            "which has no information; lower the learning rate, or end the recording before"
        )


def as_numbers(tensor: Tensor) -> Tensor:
    """A tensor as float32, float64 or int64, none of its numbers merged."""
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    if not tensor.is_floating_point():
        return tensor.to(torch.int64)
    return tensor if tensor.dtype == torch.float64 else tensor.to(torch.float32)
