"""Activation functions and their derivatives on vectors, a row for each of `infoplane.activations`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from infoplane.compilation import inlined
from infoplane.kernels.functions import erf, exp, expm1, sigmoid, tanh
from infoplane.kernels.vectors import full_like, load, select, store

__all__ = ["KERNELS", "NUMBERS", "activate", "multiply_slopes"]

LEAK = 0.01
ROOT_HALF = 0.7071067811865476  # √½
ROOT_OF_TWO_PI = 0.3989422804014327  # 1/√(2π)


@inlined
def identity(x: Any) -> Any:
    return x


@inlined
def slope_of_identity(x: Any, y: Any) -> Any:
    return full_like(x, 1.0)


@inlined
def relu(x: Any) -> Any:
    """max(x, 0); NaN stays NaN."""
    return select(x < full_like(x, 0.0), full_like(x, 0.0), x)


@inlined
def slope_of_relu(x: Any, y: Any) -> Any:
    return select(y > full_like(x, 0.0), full_like(x, 1.0), full_like(x, 0.0))


@inlined
def slope_of_tanh(x: Any, y: Any) -> Any:
    return full_like(x, 1.0) - y * y


@inlined
def leaky_relu(x: Any) -> Any:
    """x where x > 0, else x/100."""
    return select(x > full_like(x, 0.0), x, full_like(x, LEAK) * x)


@inlined
def slope_of_leaky_relu(x: Any, y: Any) -> Any:
    return select(x > full_like(x, 0.0), full_like(x, 1.0), full_like(x, LEAK))


@inlined
def elu(x: Any) -> Any:
    """x where x > 0, else eˣ − 1."""
    return select(x > full_like(x, 0.0), x, expm1(x))


@inlined
def slope_of_elu(x: Any, y: Any) -> Any:
    return select(x > full_like(x, 0.0), full_like(x, 1.0), y + full_like(x, 1.0))


@inlined
def normal_distribution(x: Any) -> Any:
    """Φ(x) = (1 + erf(x/√2))/2."""
    return full_like(x, 0.5) * (full_like(x, 1.0) + erf(x * full_like(x, ROOT_HALF)))


@inlined
def gelu(x: Any) -> Any:
    """x·Φ(x), with Φ the distribution function of the standard normal distribution."""
    return x * normal_distribution(x)


@inlined
def slope_of_gelu(x: Any, y: Any) -> Any:
    """Φ(x) + x·φ(x)."""
    density = full_like(x, ROOT_OF_TWO_PI) * exp(full_like(x, -0.5) * x * x)
    return normal_distribution(x) + x * density


@inlined
def slope_of_sigmoid(x: Any, y: Any) -> Any:
    return y * (full_like(x, 1.0) - y)


@inlined
def hard_tanh(x: Any) -> Any:
    """x, cut off at −1 and 1."""
    one, minus_one = full_like(x, 1.0), full_like(x, -1.0)
    return select(x > one, one, select(x < minus_one, minus_one, x))


@inlined
def slope_of_hard_tanh(x: Any, y: Any) -> Any:
    one, zeros = full_like(x, 1.0), full_like(x, 0.0)
    return select((y > full_like(x, -1.0)) & (y < one), one, zeros)


class Kernels(NamedTuple):
    """An activation function of a vector, and its derivative.

    Attributes:
        function: y = f(x).
        slope: f′(x), from x and y.
    """

    function: Callable[[Any], Any]
    slope: Callable[[Any, Any], Any]


KERNELS = {
    "identity": Kernels(identity, slope_of_identity),
    "relu": Kernels(relu, slope_of_relu),
    "tanh": Kernels(tanh, slope_of_tanh),
    "leaky-relu": Kernels(leaky_relu, slope_of_leaky_relu),
    "elu": Kernels(elu, slope_of_elu),
    "gelu": Kernels(gelu, slope_of_gelu),
    "sigmoid": Kernels(sigmoid, slope_of_sigmoid),
    "hard-tanh": Kernels(hard_tanh, slope_of_hard_tanh),
}
NUMBERS = {name: number for number, name in enumerate(KERNELS)}


def choice(loop: Callable[..., None], functions: list[Callable[..., Any]]) -> Any:
    """Kernel that runs a loop with one of several functions: of a number and a tuple of arguments,
    `loop(functions[number], arguments)`.
    """

    @intrinsic
    def run(typing: Any, number: Any, arguments: Any) -> Any:
        kind = types.Dispatcher(loop)
        signatures = [
            kind.get_call_type(typing, (types.Dispatcher(function), arguments), {}) for function in functions
        ]

        def emit(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
            end = builder.append_basic_block("end")
            switch = builder.switch(args[0], end)
            for case, signature in enumerate(signatures):
                block = builder.append_basic_block(f"case.{case}")
                switch.add_case(ir.Constant(args[0].type, case), block)
                builder.position_at_end(block)
                context.get_function(kind, signature)(builder, (context.get_dummy_value(), args[1]))
                builder.branch(end)
            builder.position_at_end(end)
            return context.get_dummy_value()

        return types.void(number, arguments), emit

    return run


@inlined
def apply(function: Callable[[Any], Any], arguments: Any) -> None:
    sums, sums_offset, count, outputs, outputs_offset = arguments
    for step in range(0, count, len(load(sums, sums_offset))):
        store(outputs, outputs_offset + step, function(load(sums, sums_offset + step)))


@inlined
def multiply(slope: Callable[[Any, Any], Any], arguments: Any) -> None:
    sums, sums_offset, outputs, outputs_offset, count, slopes, slopes_offset = arguments
    for step in range(0, count, len(load(sums, sums_offset))):
        own = slope(load(sums, sums_offset + step), load(outputs, outputs_offset + step))
        store(slopes, slopes_offset + step, own * load(slopes, slopes_offset + step))


apply_chosen = choice(apply, [each.function for each in KERNELS.values()])
multiply_chosen = choice(multiply, [each.slope for each in KERNELS.values()])


@inlined
def activate(
    number: int,
    sums: np.ndarray,
    sums_offset: int,
    count: int,
    outputs: np.ndarray,
    outputs_offset: int,
) -> None:
    """Write an activation function, by its number, of `count` sums: in whole vectors."""
    apply_chosen(number, (sums, sums_offset, count, outputs, outputs_offset))


@inlined
def multiply_slopes(
    number: int,
    sums: np.ndarray,
    sums_offset: int,
    outputs: np.ndarray,
    outputs_offset: int,
    count: int,
    slopes: np.ndarray,
    slopes_offset: int,
) -> None:
    """Multiply `count` slopes by the derivative of an activation function, given x and y = f(x)."""
    multiply_chosen(number, (sums, sums_offset, outputs, outputs_offset, count, slopes, slopes_offset))
