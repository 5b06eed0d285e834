"""Uniform affine quantization in PyTorch, with zero on the grid and straight-through gradients."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from infoplane.ranges import Extremes

__all__ = [
    "Grid",
    "Quantized",
    "factor_of",
    "grid",
    "on_same_grid",
    "quantize",
    "straight_through",
    "values_of",
]


class Grid(NamedTuple):
    """Grid {(q − zero)·scale : q = 0 … top} of each member.

    Attributes:
        scale: distance of two values, (members,).
        zero: zero point, the code of the value 0, (members,).
        top: the highest code, (members,).
    """

    scale: Tensor
    zero: Tensor
    top: Tensor


class Quantized(NamedTuple):
    """A quantized tensor.

    Attributes:
        steps: codes minus zero point, q − z, whole numbers (members, …).
        grid: the grid of each member.
    """

    steps: Tensor
    grid: Grid

    @property
    def codes(self) -> Tensor:
        """Codes q = 0 … top."""
        return self.steps + per_member(self.grid.zero, self.steps)

    @property
    def values(self) -> Tensor:
        """Dequantized values x̂ = (q − z)·s."""
        return self.steps * per_member(self.grid.scale, self.steps)


def values_of(tensor: Tensor | Quantized) -> Tensor:
    """Values of a tensor that may be quantized."""
    return tensor.values if isinstance(tensor, Quantized) else tensor


def factor_of(tensor: Tensor | Quantized) -> Tensor:
    """Steps of a quantized tensor, or values of one that is not: factors of sums that are scaled later."""
    return tensor.steps if isinstance(tensor, Quantized) else tensor


def on_same_grid(tensor: Tensor | Quantized, change: Callable[[Tensor], Tensor]) -> Tensor | Quantized:
    """A tensor whose values were rearranged or selected; it stays on its grid, if it has one."""
    return tensor._replace(steps=change(tensor.steps)) if isinstance(tensor, Quantized) else change(tensor)


def per_member(values: Tensor, like: Tensor) -> Tensor:
    """View of values (members,) that broadcasts with a tensor (members, …)."""
    return values.view(-1, *[1] * (like.dim() - 1))


def grid(bounds: Extremes, top: int) -> Grid:
    r"""The grid of b bits over a range that is widened to contain 0 and shifted to have 0 exactly on it.

        s = (hi − lo)/(2ᵇ − 1),  z = clamp(round(−lo/s), 0, 2ᵇ − 1)

    (Jacob et al. 2018, https://arxiv.org/abs/1712.05877). A collapsed range, lo = hi = 0, has the one code 0.

    Args:
        bounds: the range of each member.
        top: 2ᵇ − 1, the highest code.
    """
    low, high = bounds.low.clamp(max=0.0), bounds.high.clamp(min=0.0)
    span = high - low
    highest = torch.full_like(span, top)  # a GPU divides by a number as by its reciprocal, and rounds twice
    scale = span / highest
    collapsed = scale == 0.0  # also where a range has decayed to below the smallest scale
    # −lo/s with a single rounding: a symmetric range is a tie, and rounds up.
    zero = round_half_up(-low / span.masked_fill(collapsed, 1.0) * highest)
    highest = highest.masked_fill(collapsed, 0.0)
    return Grid(scale.masked_fill(collapsed, 1.0), torch.minimum(zero, highest), highest)


def round_half_up(x: Tensor) -> Tensor:
    return torch.floor(x + 0.5)


def quantize(x: Tensor, on: Grid) -> Quantized:
    """Quantize x, (members, …), with the straight-through gradient.

    q = clamp(round(x/s + z), 0, top), round half up. The gradient with respect to x is 1 where
    −z·s ≤ x ≤ (top − z)·s, and everywhere on a collapsed range; else 0.
    """
    scale, zero, top = (per_member(values, x) for values in on)
    scaled = x / scale
    position = scaled.detach() + zero
    steps = torch.minimum(round_half_up(position).clamp(min=0.0), top) - zero
    passes = ((position >= 0.0) & (position <= top)) | (top == 0.0)
    return Quantized(straight_through(scaled, steps, passes), on)


class StraightThrough(torch.autograd.Function):
    """The replacement of a tensor, whose gradient is passed to the tensor itself, where it passes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, replacement: Tensor, passes: Tensor) -> Tensor:
        ctx.save_for_backward(passes)
        return replacement.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (passes,) = ctx.saved_tensors
        return gradient * passes, None, None


def straight_through(x: Tensor, replacement: Tensor, passes: Tensor) -> Tensor:
    """A replacement of x, with the gradient of x where `passes` is true, and 0 elsewhere."""
    result: Tensor = StraightThrough.apply(x, replacement, passes)  # type: ignore[no-untyped-call]
    return result
