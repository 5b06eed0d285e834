"""Inputs that a model is run on, batch by batch in a fixed order, and the classes of all of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

from infoplane.conversion import as_array
from infoplane.errors import UserError
from infoplane.information.arrays import number_labels

__all__ = ["Batch", "Inputs", "output_of"]

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
    """N inputs and their classes.

    Args:
        inputs: an array or a tensor (N, …), a mapping of them to the names of the model's arguments, or a
            `Dataset` or `DataLoader` of PyTorch, of inputs or of pairs (inputs, labels).
        labels: (N,) or (N, 1) classes, whole numbers or text; None if they are in the pairs.
        batch_size: inputs of a batch; a `DataLoader` has its own.

    Attributes:
        labels: (N,) int64, the classes numbered in their order.

    Raises:
        UserError: a `DataLoader` shuffles, or there are no labels, or too many, or too few.
    """

    def __init__(self, inputs: Any, labels: Any, batch_size: int) -> None:
        self.source = inputs
        if isinstance(inputs, Dataset):
            self.source = DataLoader(inputs, batch_size)
        elif not isinstance(inputs, DataLoader):
            self.source = Slices(inputs, batch_size)
        if isinstance(self.source, DataLoader):
            refuse_shuffling(self.source)
        self.labels = number_labels(labels_in(self.source) if labels is None else labels)
        if isinstance(self.source, Slices):
            self.refuse_number(len(self.source))

    def __len__(self) -> int:
        return len(self.labels)

    def refuse_number(self, inputs: int) -> None:
        if inputs != len(self):
            raise UserError(f"labels: there are {len(self):,} for {inputs:,} inputs; give one for each input")

    def batches(self, model: nn.Module) -> Iterator[Batch]:
        """All inputs, on the device of a model and in the type of its parameters.

        Raises:
            UserError: there are more of them than labels, or fewer.
        """
        start = size = 0
        for given in self.source:
            values = given[0] if isinstance(given, tuple | list) else given
            count = length_of(values)
            size = size or count
            if start + count <= len(self):
                yield Batch(start, count, size, for_model(model, filled_up(values, size)))
            start += count
        self.refuse_number(start)

    def first(self, model: nn.Module, count: int) -> Batch:
        """A batch of no more than the first few inputs."""
        for given in self.source:
            values = given[0] if isinstance(given, tuple | list) else given
            few = each_tensor(itemgetter(slice(count)), values)
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
    """Tensors on the device of a model's parameters, those of floats in their type."""
    parameters = [*model.parameters(), *model.buffers()]
    device = parameters[0].device if parameters else None
    kinds = [each.dtype for each in parameters if each.is_floating_point()]

    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device, kinds[0] if kinds and tensor.is_floating_point() else None)

    return each_tensor(move, values)


def refuse_shuffling(loader: DataLoader[Any]) -> None:
    samplers = loader.sampler, getattr(loader.batch_sampler, "sampler", None)
    if any(isinstance(sampler, SHUFFLING) for sampler in samplers):
        raise UserError("inputs: the DataLoader shuffles; give one with shuffle=False")


def labels_in(source: Any) -> Any:
    """The labels of a loader's pairs."""
    found = []
    for given in source if isinstance(source, DataLoader) else ():
        if not isinstance(given, tuple | list) or len(given) != 2:
            break
        found.append(np.asarray(given[1]))
    if not found:
        raise UserError("labels: are missing; give them, or a DataLoader of pairs (inputs, labels)")
    return np.concatenate(found)
