"""Inputs that a model is run on, batch by batch in a fixed order, and the classes of all of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

from infoplane.artifacts import array_digest
from infoplane.conversion import as_array, without_tensors
from infoplane.errors import UserError
from infoplane.information.arrays import number_labels

__all__ = ["Batch", "Inputs", "dense", "output_of"]

SHUFFLING = RandomSampler, SubsetRandomSampler, WeightedRandomSampler


@dataclass(frozen=True)
class Batch:
    """Some inputs in a row.

    Attributes:
        start: the place of the first of them.
        count: their number.
        size: the number of inputs that the model is given. It is the same for every batch, the last one being
            filled up: in a batch of another size, PyTorch may round the same sums in another way.
        values: what the model is given, a tensor or a mapping of tensors.
    """

    start: int
    count: int
    size: int
    values: Any


class Inputs:
    """N inputs and their classes, the same ones in the same order in every pass over them.

    A digest of each batch is kept from the first pass on, with its labels if they are in the pairs.

    Args:
        inputs: an array or a tensor (N, …), a mapping of them to the names of the model's arguments, or a
            `Dataset` or `DataLoader` of PyTorch, of inputs or of pairs (inputs, labels).
        labels: (N,) or (N, 1) classes, whole numbers or text; None if they are in the pairs.
        batch_size: inputs of a batch; a `DataLoader` has its own.

    Attributes:
        labels: (N,) int64, the classes numbered in their order.

    Raises:
        UserError: a `DataLoader` shuffles, has `drop_last` or yields something else than inputs or pairs, or
            there are no labels, or too many, or too few.
    """

    def __init__(self, inputs: Any, labels: Any, batch_size: int) -> None:
        refuse_batches(inputs)
        self.source = inputs
        self.has_labels = labels is not None
        self.digests = list[str]()
        if isinstance(inputs, Dataset):
            self.source = DataLoader(inputs, batch_size)
        elif not isinstance(inputs, DataLoader):
            self.source = Slices(inputs, batch_size)
        if isinstance(self.source, DataLoader):
            refuse_shuffling(self.source)
            refuse_dropping(self.source)
        self.labels = number_labels(labels if self.has_labels else self.labels_of_pairs())
        if isinstance(self.source, Slices):
            self.refuse_number(len(self.source))

    def __len__(self) -> int:
        return len(self.labels)

    def refuse_number(self, inputs: int) -> None:
        if inputs != len(self):
            raise UserError(f"labels: there are {len(self):,} for {inputs:,} inputs; give one for each input")

    def labels_of_pairs(self) -> np.ndarray:
        """The labels of a loader's pairs, in the order of a first pass."""
        if isinstance(self.source, Slices):
            raise UserError("labels: are missing; give them, or a DataLoader of pairs (inputs, labels)")
        found = [np.asarray(without_tensors(label_of(given))) for given in self.given()]
        if not found:
            raise UserError("inputs: there are none; give at least one")
        return np.concatenate(found)

    def given(self) -> Iterator[Any]:
        """What the source gives in one pass: inputs, or pairs (inputs, labels).

        Raises:
            UserError: a batch or its labels differ from those of the first pass.
        """
        for place, given in enumerate(self.source):
            digest = digest_of(values_of(given) if self.has_labels else given)
            if place == len(self.digests):
                self.digests.append(digest)
            elif digest != self.digests[place]:
                raise UserError(
                    f"inputs: batch {place} differs from that of the first pass; give the same inputs and "
                    "labels in a fixed order every time: shuffle=False, no random sampler, no augmentation"
                )
            yield given

    def batches(self, model: nn.Module) -> Iterator[Batch]:
        """All inputs, on the device of a model and in the type of its parameters.

        Raises:
            UserError: there are more of them than labels, or fewer.
        """
        start = size = 0
        for given in self.given():
            values = values_of(given)
            count = length_of(values)
            size = size or count
            if start + count <= len(self):
                yield Batch(start, count, size, for_model(model, filled_up(values, size)))
            start += count
        self.refuse_number(start)

    def first(self, model: nn.Module, count: int) -> Batch:
        """A batch of no more than the first few inputs."""
        for given in self.given():
            few = each_tensor(itemgetter(slice(count)), values_of(given))
            found = length_of(few)
            return Batch(0, found, found, for_model(model, few))
        raise UserError("inputs: there are none; give at least one")


class Slices:
    """Batches of an array (N, …), or of a mapping of arrays."""

    def __init__(self, arrays: Any, batch_size: int) -> None:
        self.tensors = (
            {name: as_tensor(array) for name, array in arrays.items()}
            if isinstance(arrays, Mapping)
            else as_tensor(arrays)
        )
        self.batch_size = batch_size

    def __len__(self) -> int:
        return length_of(self.tensors)

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield each_tensor(itemgetter(batch), self.tensors)


def output_of(model: nn.Module, values: Any) -> Any:
    """What a model returns for the values of a batch."""
    return model(**values) if isinstance(values, Mapping) else model(values)


def as_tensor(array: Any) -> Tensor:
    if isinstance(array, Tensor):
        return array.detach()
    values = as_array(array, "inputs")
    if values.dtype.kind not in "biuf":
        raise UserError(f"inputs: are {values.dtype}, not numbers; give an array or a tensor (N, …)")
    return torch.from_numpy(np.asarray(values, order="C"))


def each_tensor(change: Callable[[Tensor], Tensor], values: Any) -> Any:
    """Change a tensor, or every tensor of a mapping; what else is in the mapping stays."""
    if not isinstance(values, Mapping):
        return change(values)
    return {name: change(value) if isinstance(value, Tensor) else value for name, value in values.items()}


def length_of(values: Any) -> int:
    """The number of inputs in a tensor, or in the tensors of a mapping.

    Raises:
        UserError: there is no tensor, or their numbers differ.
    """
    tensors = [*values.values()] if isinstance(values, Mapping) else [values]
    lengths = {len(each) if each.dim() else None for each in tensors if isinstance(each, Tensor)}
    if len(lengths) != 1 or None in lengths:
        raise UserError(
            "inputs: are not tensors (N, …) of one length; give an array, a tensor, a mapping of them, "
            "or a DataLoader of tensors or of pairs (inputs, labels)"
        )
    (length,) = lengths
    assert length is not None
    return length


def filled_up(values: Any, size: int) -> Any:
    """Tensors of so many inputs, the first one being repeated behind the last."""

    def fill(tensor: Tensor) -> Tensor:
        missing = max(0, size - len(tensor))
        return torch.cat([tensor, tensor[:1].expand(missing, *tensor.shape[1:])]) if missing else tensor

    return each_tensor(fill, values)


def for_model(model: nn.Module, values: Any) -> Any:
    """Copies of tensors on the device of a model's parameters, those of floats in their type.

    A model may change them in place.
    """
    parameters = [*model.parameters(), *model.buffers()]
    device = parameters[0].device if parameters else None
    kinds = [each.dtype for each in parameters if each.is_floating_point()]

    def move(tensor: Tensor) -> Tensor:
        return tensor.to(
            device or tensor.device,
            kinds[0] if kinds and tensor.is_floating_point() else tensor.dtype,
            copy=True,
        )

    return each_tensor(move, values)


def refuse_shuffling(loader: DataLoader[Any]) -> None:
    if any(isinstance(sampler, SHUFFLING) for sampler in samplers_of(loader)):
        raise UserError("inputs: the DataLoader shuffles; give one with shuffle=False")


def refuse_dropping(loader: DataLoader[Any]) -> None:
    """Refuse a loader that leaves out a last batch with fewer inputs, even where there is none."""
    if any(getattr(part, "drop_last", False) for part in (loader, *samplers_of(loader))):
        raise UserError(
            "inputs: the DataLoader or its sampler has drop_last=True, which leaves out inputs; give one "
            "with drop_last=False"
        )


def samplers_of(loader: DataLoader[Any]) -> tuple[Any, ...]:
    """What a loader takes its batches and its inputs from."""
    return loader.sampler, loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None)


def refuse_batches(inputs: Any) -> None:
    """Refuse a list of batches, and what can be run over only once."""
    is_list = isinstance(inputs, list | tuple)
    parts = inputs[0] if is_list and inputs and isinstance(inputs[0], list | tuple | Mapping) else ()
    arrays = parts.values() if isinstance(parts, Mapping) else parts
    if isinstance(inputs, Iterator):
        found = f"is a {type(inputs).__name__}, which can be run over once"
    elif any(getattr(each, "ndim", 0) > 0 for each in arrays):
        found = f"is a {type(inputs).__name__} of batches or pairs"
    else:
        return
    raise UserError(
        f"inputs: {found}; give an array or a tensor (N, …) and its labels, or a DataLoader of pairs "
        "(inputs, labels)"
    )


def values_of(given: Any) -> Any:
    """The inputs in what a loader yields: inputs, alone or in a list, or a pair (inputs, labels)."""
    if not isinstance(given, tuple | list):
        return given
    if len(given) not in (1, 2):
        raise UserError(
            f"inputs: the loader yields {len(given)} items, expected inputs or pairs (inputs, labels); "
            "select them, as by collate_fn"
        )
    return given[0]


def label_of(given: Any) -> Any:
    """The labels in what a loader yields, a pair (inputs, labels)."""
    values_of(given)
    if isinstance(given, tuple | list) and len(given) == 2:
        return given[1]
    what = f"a mapping of {', '.join(map(str, given))}" if isinstance(given, Mapping) else "inputs alone"
    raise UserError(
        f"labels: are missing, the loader yields {what}; give labels=, or a DataLoader of pairs "
        "(inputs, labels)"
    )


def digest_of(values: Any) -> str:
    """A digest of the bytes of all tensors, arrays, numbers and texts in tuples, lists and mappings."""
    arrays = (np.asarray(without_tensors(dense(leaf))) for leaf in leaves(values))
    return array_digest(*(array for array in arrays if array.dtype.kind != "O"))


def leaves(values: Any) -> Iterator[Any]:
    """What tuples, lists and mappings hold, one after the other."""
    if isinstance(values, Mapping | tuple | list):
        for each in values.values() if isinstance(values, Mapping) else values:
            yield from leaves(each)
    else:
        yield values


def dense(value: Any) -> Any:
    """A sparse tensor with its zeros; all else as it is."""
    return value.to_dense() if isinstance(value, Tensor) and value.layout != torch.strided else value
