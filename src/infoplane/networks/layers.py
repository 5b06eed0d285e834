"""Layers: their shapes, the offsets of their parameters, and their definition in PyTorch.

A layer with weights is a `Dense`: it puts out weighted sums of its `columns`. A layer without weights is a
`Selection`: it puts out some of its inputs. The definitions need no PyTorch: they call methods of its
tensors.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infoplane.config.training import ConvSpec, DenseSpec, LayerSpec, PoolSpec, TrainingSpec
from infoplane.digests import canonical
from infoplane.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["NETWORKS", "Conv", "Dense", "Layer", "Network", "Pool", "Selection", "network_of"]

Shape = tuple[int, ...]
NETWORKS: dict[str, tuple[LayerSpec, ...]] = {
    "shwartz-ziv": tuple(DenseSpec(dense=width) for width in (10, 7, 5, 4, 3)),
    "bottleneck-2": tuple(DenseSpec(dense=width) for width in (16, 8, 4, 2)),
    "bottleneck-4": tuple(DenseSpec(dense=width) for width in (16, 12, 8, 4)),
    "hourglass": tuple(DenseSpec(dense=width) for width in (16, 8, 4, 2, 4, 8)),
    "4x10": tuple(DenseSpec(dense=width) for width in (10, 10, 10, 10)),
    "conv": (
        ConvSpec(conv=2, kernel=3),
        PoolSpec(pool=2),
        ConvSpec(conv=2, kernel=3),
        PoolSpec(pool=2),
        DenseSpec(dense=16),
    ),
}


@dataclass(frozen=True)
class Dense:
    """A dense layer, and the offsets of its parameters in a network's: kernel (fan_in, width), then bias.

    Attributes:
        fan_in: number of values that one output is a weighted sum of.
        width: number of neurons, or of filters.
        start: offset of the first weight.
    """

    fan_in: int
    width: int
    start: int

    @property
    def image(self) -> Shape:
        """Shape of the output for one input."""
        return (self.width,)

    @property
    def outputs(self) -> int:
        """Number of values that the layer puts out for one input."""
        return math.prod(self.image)

    @property
    def fan_out(self) -> int:
        """Number of outputs that one input value contributes to."""
        return self.width

    @property
    def bias(self) -> int:
        """Offset of the first bias, after the kernel."""
        return self.start + self.fan_in * self.width

    @property
    def stop(self) -> int:
        """Offset after the last bias."""
        return self.bias + self.width

    def columns(self, inputs: "Tensor") -> "Tensor":
        """What the kernel is multiplied by, (members, fan_in, …), of inputs (members, features, N)."""
        return inputs


@dataclass(frozen=True)
class Conv(Dense):
    """A convolution without padding at stride 1: a dense layer on each square of images.

    Attributes:
        shape: shape of the images, (channels, rows, columns).
        size: side of a square; its values, by channel, row and column, are the fan-in.
    """

    shape: tuple[int, int, int]
    size: int

    @property
    def image(self) -> tuple[int, int, int]:
        """Shape of the output for one input, (filters, rows, columns)."""
        _, rows, columns = self.shape
        return self.width, rows - self.size + 1, columns - self.size + 1

    @property
    def fan_out(self) -> int:
        return self.width * self.size**2

    def columns(self, inputs: "Tensor") -> "Tensor":
        """All squares of the images, row by row: (members, fan_in, rows·columns·N)."""
        images = inputs.reshape(len(inputs), *self.shape, -1)
        squares: Tensor = images.unfold(2, self.size, 1).unfold(3, self.size, 1)
        return squares.movedim((5, 6), (2, 3)).flatten(4).flatten(1, 3)


@dataclass(frozen=True)
class Selection(ABC):
    """A layer on images without weights. Each output is one of its inputs, so it stays on their grid.

    Attributes:
        shape: shape of the images, (channels, rows, columns).
        size: side of the squares of which an output is taken.
    """

    shape: tuple[int, int, int]
    size: int

    @property
    @abstractmethod
    def image(self) -> tuple[int, int, int]:
        """Shape of the output for one input, (channels, rows, columns)."""

    @property
    def outputs(self) -> int:
        """Number of values that the layer puts out for one input."""
        return math.prod(self.image)

    @abstractmethod
    def output(self, inputs: "Tensor") -> "Tensor":
        """The output, (members, outputs, N), of inputs (members, features, N)."""


class Pool(Selection):
    """The maximum over squares of images; rows and columns that fill no square are left out.

    Of equal maxima, the first one, row by row, gets the gradient.
    """

    @property
    def image(self) -> tuple[int, int, int]:
        channels, rows, columns = self.shape
        return channels, rows // self.size, columns // self.size

    def output(self, inputs: "Tensor") -> "Tensor":
        images = inputs.reshape(len(inputs), *self.shape, -1)
        squares: Tensor = images.unfold(2, self.size, self.size).unfold(3, self.size, self.size)
        return squares.flatten(5).max(5).values.flatten(1, 3)


Layer = Dense | Selection


@dataclass(frozen=True)
class Network:
    """Layers, the last of which has the logits of the softmax output, and the activation of the others.

    >>> layers = (DenseSpec(dense=10), DenseSpec(dense=7))
    >>> Network.of((12,), layers, 2, "relu").size
    223
    """

    layers: tuple[Layer, ...]
    activation: str

    @classmethod
    def of(cls, shape: Shape, layers: Sequence[LayerSpec], classes: int, activation: str) -> "Network":
        """Layers one after the other on inputs of a shape: features, or images with or without channels."""
        image = (1, *shape) if len(shape) == 2 else shape
        start = 0
        placed: list[Layer] = []
        for spec in [*layers, DenseSpec(dense=classes)]:
            match spec:
                case DenseSpec(dense=width):
                    layer: Layer = Dense(math.prod(image), width, start)
                case ConvSpec(conv=filters, kernel=size):
                    squares = images_for(spec, image, size)
                    layer = Conv(squares[0] * size**2, filters, start, squares, size)
                case PoolSpec(pool=size):
                    layer = Pool(images_for(spec, image, size), size)
            image = layer.image
            start = layer.stop if isinstance(layer, Dense) else start
            placed.append(layer)
        return cls(tuple(placed), activation)

    @property
    def weighted(self) -> list[Dense]:
        """The layers with weights."""
        return [layer for layer in self.layers if isinstance(layer, Dense)]

    @property
    def widest(self) -> int:
        """Largest number of values of a layer for one input, where a convolution holds all its squares."""
        columns = [layer.fan_in * layer.outputs // layer.width for layer in self.weighted]
        return max(*columns, *(layer.outputs for layer in self.layers))

    @property
    def layer_of_two(self) -> int | None:
        """Number, from 1, of the last hidden layer of two neurons; None if there is none."""
        numbers = (number for number, layer in enumerate(self.layers[:-1], 1) if layer.outputs == 2)
        return max(numbers, default=None)

    @property
    def size(self) -> int:
        """Number P of parameters."""
        return self.weighted[-1].stop


def network_of(spec: TrainingSpec, shape: tuple[int, ...], classes: int) -> Network:
    """The network of a training spec on inputs of a shape.

    Raises:
        UserError: there are no images for a convolution or a pool.
    """
    layers = NETWORKS[spec.network] if isinstance(spec.network, str) else spec.network
    return Network.of(shape, layers, classes, spec.activation)


def images_for(spec: LayerSpec, shape: Shape, size: int) -> tuple[int, int, int]:
    """`shape` as (channels, rows, columns), if it has room for a square.

    Raises:
        UserError: it has not.
    """
    if len(shape) != 3 or min(shape[1:]) < size:
        layer = canonical(spec.model_dump(mode="json"))
        raise UserError(
            f"network: {layer} needs images of at least {size} × {size}, not inputs of shape {shape}; "
            "use dense layers, or a data set of images (N, rows, columns) or (N, channels, rows, columns)"
        )
    return shape[0], shape[1], shape[2]
