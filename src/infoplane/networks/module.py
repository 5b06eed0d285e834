"""A snapshot of a network as a PyTorch module: the replay, layer by layer, on inputs of anybody's choice."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from infoplane.config import RangeSpec, TrainingSpec
from infoplane.datasets import Dataset
from infoplane.errors import WrongValue
from infoplane.networks.forward import Model, layer_output, model_on, weights_of
from infoplane.networks.inputs import Inputs, reading_of
from infoplane.networks.layers import Dense, Selection
from infoplane.networks.quantization import Grid, Quantized, values_of
from infoplane.networks.replay import IN_ORDER, LANES, single
from infoplane.ranges import Extremes, needs_all_inputs, range_of

__all__ = ["module_of"]


class Reading(nn.Module):
    """Inputs (N, …) of a data set as the network reads them, (N, features or channels, rows, columns).

    Attributes:
        most: the largest number of the type of inputs that are read as whole numbers; None of others.
    """

    def __init__(
        self, read: Callable[[np.ndarray], Inputs], shape: tuple[int, ...], most: int | None
    ) -> None:
        super().__init__()
        self.read, self.shape, self.most = read, shape, most

    def forward(self, inputs: Tensor) -> Tensor:
        given = inputs.detach().cpu().numpy()
        if self.most is not None:
            refuse_other_numbers(given, self.most)
        values, scale = self.read(given)
        read = torch.from_numpy(values.astype(np.float64)) * (1.0 if scale is None else scale)
        return read.reshape(-1, *self.shape).to(inputs.device)


def refuse_other_numbers(inputs: np.ndarray, most: int) -> None:
    """Refuse inputs that are no whole numbers from 0 to the largest: they would be cut to such.

    Raises:
        WrongValue: there are others.
    """
    whole = (inputs >= 0) & (inputs <= most) & (inputs == np.rint(inputs))
    if not whole.all():
        raise WrongValue(
            f"inputs: {inputs[~whole][0]:g} is no such number as the data set has; give whole numbers "
            f"of 0 … {most}, such as pixels, not scaled"
        )


class Weighted(nn.Module):
    """A dense layer or convolution: its values (N, …), on their grid where the layer is quantized.

    Attributes:
        kernel: (fan_in, width) float64, before it is quantized.
        bias: (width,) float64.
    """

    moving: Tensor

    def __init__(
        self, model: Model, layer: Dense, parameters: Tensor, moving: Tensor, scale: float | None
    ) -> None:
        super().__init__()
        self.model, self.layer, self.scale = model, layer, scale
        kernel, bias = weights_of(layer, parameters)
        self.kernel = nn.Parameter(kernel[0].clone(), requires_grad=False)
        self.bias = nn.Parameter(bias[0].clone(), requires_grad=False)
        self.register_buffer("moving", moving.clone())

    def extra_repr(self) -> str:
        layer, network = self.layer, self.model.network
        function = "softmax" if layer is network.layers[-1] else network.activation
        return f"{type(layer).__name__.lower()} {layer.fan_in} → {layer.width}, {function}"

    def outputs(self, inputs: Tensor, model: Model) -> Tensor | Quantized:
        """What the replay has of the layer, (1, outputs, at least N)."""
        parameters = self.kernel.new_zeros(1, model.network.size)
        parameters[0, self.layer.start : self.layer.stop] = torch.cat([self.kernel.flatten(), self.bias])
        columns = inputs.to(self.kernel.dtype).flatten(1).T[None]
        # the vector code of PyTorch rounds the last few inputs otherwise
        columns = torch.cat([columns, columns[:, :, :1].expand(-1, -1, -len(inputs) % LANES)], 2)
        given: Tensor | Quantized = columns
        if self.scale is not None:
            one = columns.new_ones(1)
            given = Quantized(torch.round(columns / self.scale), Grid(one * self.scale, 0 * one, one))
        return layer_output(model, self.layer, parameters, given, self.moving, None, IN_ORDER)[0]

    def forward(self, inputs: Tensor) -> Tensor:
        found = self.finish(self.outputs(inputs, self.model))
        return found[0, :, : len(inputs)].T.reshape(-1, *self.layer.image)

    def finish(self, outputs: Tensor | Quantized) -> Tensor:
        return values_of(outputs)


class Output(Weighted):
    """The last layer: its softmax, (N, classes).

    Of quantized logits the largest is subtracted before they are scaled. So equal outputs are equal tuples of
    differences of codes.
    """

    def finish(self, outputs: Tensor | Quantized) -> Tensor:
        if self.model.scheme.reads == "softmax":
            return values_of(outputs)
        if isinstance(outputs, Quantized):
            steps = outputs.steps - outputs.steps.amax(1, keepdim=True)
            return torch.softmax(outputs._replace(steps=steps).values, 1)
        return single(torch.softmax(outputs, 1))


class Selected(nn.Module):
    """A layer without weights on images (N, channels, rows, columns), such as a pool."""

    def __init__(self, layer: Selection) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer.output(inputs.flatten(1).T[None])[0].T.reshape(-1, *self.layer.image)


@torch.no_grad()
def module_of(
    spec: TrainingSpec, dataset: Dataset, parameters: np.ndarray, ranges: np.ndarray
) -> nn.Sequential:
    """The module of a snapshot: `inputs`, which reads inputs (N, …) of the data set, and its layers in order.

    All is float64, in the arithmetic of the replay. Ranges that the replay takes from all inputs of the data
    set are fixed as that.

    Args:
        parameters: (P,) float32.
        ranges: (L, 2, 2) float32, the moving ranges.
    """
    model, _ = model_on(spec, dataset)
    shape = dataset.inputs.shape[1:]
    image = (1, *shape) if len(shape) == 2 else shape
    is_whole = dataset.inputs.dtype.kind == "u" and dataset.scaling != "feature"
    most = int(np.iinfo(dataset.inputs.dtype).max) if is_whole else None
    reading = Reading(reading_of(dataset, model.scheme.quantized), image, most)
    modules: OrderedDict[str, nn.Module] = OrderedDict(inputs=reading)
    state, moving = (torch.from_numpy(each.astype(np.float64))[None] for each in (parameters, ranges))
    scale = model.scale
    some = dataset.inputs if model.scheme.needs_all_inputs else dataset.inputs[:1]
    passed = reading(torch.from_numpy(some))
    for number, layer in enumerate(model.network.layers, 1):
        if isinstance(layer, Selection):
            module: nn.Module = Selected(layer)
        else:
            kind = Output if layer is model.network.layers[-1] else Weighted
            module = kind(model, layer, state, moving[:, number - 1], scale)
            module.model = with_fixed_range(module, passed)
            outputs = module.outputs(passed, module.model)
            scale = outputs.grid.scale.item() if isinstance(outputs, Quantized) else None
        modules[f"layer_{number}"] = module
        passed = module(passed)
    return nn.Sequential(modules)


def with_fixed_range(module: Weighted, inputs: Tensor) -> Model:
    """The model of a layer, the range of whose output is that of these inputs if it is that of a batch."""
    model = module.model
    is_output = module.layer is model.network.layers[-1]
    _, chosen = model.scheme.of_layer(is_output)
    if chosen is None or not needs_all_inputs(chosen):
        return model
    outputs = values_of(module.outputs(inputs, with_range(model, is_output, None)))
    bounds, _ = range_of(chosen, outputs, Extremes(*module.moving[:, 1].unbind(1)), None)
    return with_range(model, is_output, (bounds.low.item(), bounds.high.item()))


def with_range(model: Model, is_output: bool, chosen: RangeSpec | None) -> Model:
    """A model with another range of the output of its last layer, or of those of its hidden layers."""
    scheme = model.scheme
    scheme = scheme._replace(output=chosen) if is_output else scheme._replace(activations=chosen)
    return replace(model, scheme=scheme)
