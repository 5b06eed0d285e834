"""The sums and functions that a layer is made of, whose order and precision training and replay choose."""

from collections.abc import Callable
from itertools import product
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "ACTIVATIONS",
    "SMALL_KERNEL",
    "Arithmetic",
    "Correlate",
    "correlate",
    "correlate_as_product",
    "matrix_product",
]

# So many weights at most are taken term by term, for a compiler to make one loop of. With 12 × 10 weights it
# takes as long as a matrix product, with 16 × 16 half as long again, with 32 × 32 three times as long.
SMALL_KERNEL = 128
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky-relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "sigmoid": torch.sigmoid,
    "hard-tanh": functional.hardtanh,
    "identity": lambda values: values,
}


class Arithmetic(Protocol):
    """How sums are taken and rounded: quickly in training, exactly in replay."""

    def product(self, kernel: Tensor, columns: Tensor, whole: bool) -> Tensor:
        """Σᵢ kernel[m, i, o]·columns[m, i, n], (members, width, columns); `whole` if all are whole numbers.

        All members may share one member's columns.
        """
        ...

    def correlation(self, kernel: Tensor, images: Tensor, whole: bool) -> Tensor:
        """The same sums over every square of the images: see `correlate`."""
        ...

    def rounded(self, values: Tensor, whole: bool) -> Tensor:
        """What a layer keeps of its sum and of its activation; `whole` as for the sum."""
        ...

    def activation(self, name: str, values: Tensor) -> Tensor:
        """The activation function of that name."""
        ...


def matrix_product(kernel: Tensor, columns: Tensor) -> Tensor:
    """The sums of `Arithmetic.product` as matrix products: a single one where the columns are shared."""
    if len(columns) == len(kernel):
        return kernel.transpose(1, 2) @ columns
    stacked = kernel.transpose(1, 2).reshape(-1, kernel.shape[1])
    return (stacked @ columns[0]).view(len(kernel), kernel.shape[2], -1)


def squares_of(images: Tensor, size: int) -> list[Tensor]:
    """The values at each place of all squares of images (members, channels, rows, columns, N), row by row."""
    rows, columns = images.shape[2] - size + 1, images.shape[3] - size + 1
    return [
        images[:, :, down : down + rows, right : right + columns]
        for down in range(size)
        for right in range(size)
    ]


def correlate_as_product(
    kernel: Tensor, images: Tensor, product: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """`correlate` by the product of a kernel (members, fan_in, filters) and columns (members, fan_in, …)."""
    squares = torch.stack(squares_of(images, kernel.shape[2]), 2)
    total = product(kernel.flatten(1, 3), squares.flatten(3).flatten(1, 2))
    return total.reshape(len(total), -1, *squares.shape[3:])


def correlate(kernel: Tensor, images: Tensor) -> Tensor:
    """Σ kernel[m, c, i, j, f]·images[m, c, r + i, s + j, n] over c, i and j.

    The result is (members, filters, rows, columns, N). All members may share one member's images. The sum is
    written term by term, so that a compiler makes one loop of it.
    """
    squares = squares_of(images, kernel.shape[2])
    weights = kernel.flatten(2, 3)[..., None, None, None]

    def term(channel: int, place: int) -> Tensor:
        return weights[:, channel, place] * squares[place][:, channel, None]

    first, *others = product(range(kernel.shape[1]), range(len(squares)))
    total = term(*first)
    for each in others:  # no more than one term at a time is held
        total = total + term(*each)
    return total


class Correlate(torch.autograd.Function):
    """`correlate`, whose gradients are correlations too."""

    @staticmethod
    def forward(kernel: Tensor, images: Tensor) -> Tensor:
        return correlate(kernel, images)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        kernel, images = ctx.saved_tensors
        size = kernel.shape[2]
        of_kernel = [
            (gradient * square[:, channel, None]).sum((2, 3, 4))
            for channel in range(kernel.shape[1])
            for square in squares_of(images, size)
        ]
        border = functional.pad(gradient, (0, 0, *[size - 1] * 4))
        of_images = correlate(kernel.flip(2, 3).transpose(1, 4), border)
        return torch.stack(of_kernel, 1).view(kernel.shape), of_images
