"""The layers of a network: how many values each reads and puts out, and where its parameters lie."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from infoplane.config import ConvSpec, DenseSpec, LayerSpec, PoolSpec, TrainingSpec
from infoplane.errors import UserError

__all__ = ["NETWORKS", "Conv", "Dense", "Layer", "Network", "Pool", "network_of"]

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
    """A dense layer, and the place of its parameters in a network's: kernel (fan_in, width), then bias."""

    fan_in: int
    width: int
    start: int

    @property
    def outputs(self) -> int:
        """The number of values that the layer puts out for one input."""
        return self.width

    @property
    def fan_out(self) -> int:
        """The number of outputs that one input value takes part in."""
        return self.width

    @property
    def bias(self) -> int:
        """The place of the first bias, behind the kernel."""
        return self.start + self.fan_in * self.width

    @property
    def stop(self) -> int:
        """The place behind the last bias."""
        return self.bias + self.width


@dataclass(frozen=True)
class Conv(Dense):
    """A convolution without padding at stride 1: a dense layer on each square of images.

    Attributes:
        shape: that of the images, (channels, rows, columns).
        kernel: the side of a square, whose values (channels, rows, columns) in that order are the fan-in.
    """

    shape: tuple[int, int, int]
    kernel: int

    @property
    def image(self) -> tuple[int, int, int]:
        """The shape of what it puts out, (filters, rows, columns)."""
        _, rows, columns = self.shape
        return self.width, rows - self.kernel + 1, columns - self.kernel + 1

    @property
    def outputs(self) -> int:
        return math.prod(self.image)

    @property
    def fan_out(self) -> int:
        return self.width * self.kernel**2


@dataclass(frozen=True)
class Pool:
    """The maximum over squares of images (channels, rows, columns); what fills no square is left out."""

    shape: tuple[int, int, int]
    size: int

    @property
    def image(self) -> tuple[int, int, int]:
        """The shape of what it puts out."""
        channels, rows, columns = self.shape
        return channels, rows // self.size, columns // self.size

    @property
    def outputs(self) -> int:
        return math.prod(self.image)


Layer = Dense | Conv | Pool


@dataclass(frozen=True)
class Network:
    """Layers, the last of which holds the logits of the softmax output, and the activation of the others.

    >>> layers = (DenseSpec(dense=10), DenseSpec(dense=7))
    >>> Network.of((12,), layers, 2, "relu").size
    223
    """

    layers: tuple[Layer, ...]
    activation: str

    @classmethod
    def of(
        cls, shape: tuple[int, ...], layers: Sequence[LayerSpec], classes: int, activation: str
    ) -> "Network":
        """Layers one after the other on inputs of a shape: features, or images with or without channels."""
        image = (1, *shape) if len(shape) == 2 else shape
        start = 0
        placed: list[Layer] = []
        for spec in [*layers, DenseSpec(dense=classes)]:
            match spec:
                case DenseSpec(dense=width):
                    layer: Layer = Dense(math.prod(image), width, start)
                    image = (width,)
                case ConvSpec(conv=filters, kernel=kernel):
                    channels, rows, columns = images_for(spec, image, kernel)
                    layer = Conv(channels * kernel**2, filters, start, (channels, rows, columns), kernel)
                    image = layer.image
                case PoolSpec(pool=size):
                    layer = Pool(images_for(spec, image, size), size)
                    image = layer.image
            start = start if isinstance(layer, Pool) else layer.stop
            placed.append(layer)
        return cls(tuple(placed), activation)

    @property
    def weighted(self) -> list[Dense]:
        """The layers with weights."""
        return [layer for layer in self.layers if isinstance(layer, Dense)]

    @property
    def widest(self) -> int:
        """The largest number of values that a layer holds of one input, a convolution's squares included."""
        columns = [layer.fan_in * layer.outputs // layer.width for layer in self.weighted]
        return max(*columns, *(layer.outputs for layer in self.layers))

    @property
    def size(self) -> int:
        """The number P of parameters."""
        return self.weighted[-1].stop


def network_of(spec: TrainingSpec, shape: tuple[int, ...], classes: int) -> Network:
    """The network of a training spec on inputs of a shape.

    Raises:
        UserError: there are no images for a convolution or a pool.
    """
    layers = NETWORKS[spec.network] if isinstance(spec.network, str) else spec.network
    return Network.of(shape, layers, classes, spec.activation)


def images_for(spec: LayerSpec, shape: tuple[int, ...], size: int) -> tuple[int, int, int]:
    """`shape` as (channels, rows, columns), if there is a square of `size` in it."""
    if len(shape) != 3 or min(shape[1:]) < size:
        raise UserError(
            f"network: {spec!r} needs images of at least {size} × {size}, not inputs of shape {shape}; "
            "use dense layers, or a data set of images (N, rows, columns) or (N, channels, rows, columns)"
        )
    return shape[0], shape[1], shape[2]
