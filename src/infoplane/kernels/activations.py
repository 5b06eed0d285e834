"""The activation functions and their derivatives, on vectors."""

from collections.abc import Callable
from typing import Any

import numpy as np

from infoplane.kernels.compilation import compiled, inlined
from infoplane.kernels.functions import erf, exp, expm1, sigmoid, tanh
from infoplane.kernels.panels import copy
from infoplane.kernels.vectors import load, select, splat_like, store

__all__ = ["IDENTITY", "NUMBERS", "activate", "multiply_slopes"]

NAMES = ("identity", "relu", "tanh", "leaky-relu", "elu", "gelu", "sigmoid", "hard-tanh")
NUMBERS = {name: number for number, name in enumerate(NAMES)}
IDENTITY, RELU, TANH, LEAKY_RELU, ELU, GELU, SIGMOID, HARD_TANH = range(len(NAMES))
LEAK = 0.01
ROOT_HALF = 0.7071067811865476  # √½
ROOT_OF_TWO_PI = 0.3989422804014327  # 1/√(2π)


@inlined
def relu(x: Any) -> Any:
    """max(x, 0)."""
    return select(x < splat_like(x, 0.0), splat_like(x, 0.0), x)


@inlined
def slope_of_relu(x: Any, y: Any) -> Any:
    return select(y > splat_like(x, 0.0), splat_like(x, 1.0), splat_like(x, 0.0))


@inlined
def slope_of_tanh(x: Any, y: Any) -> Any:
    return splat_like(x, 1.0) - y * y


@inlined
def leaky_relu(x: Any) -> Any:
    """x where x > 0, else x/100."""
    return select(x > splat_like(x, 0.0), x, splat_like(x, LEAK) * x)


@inlined
def slope_of_leaky_relu(x: Any, y: Any) -> Any:
    return select(x > splat_like(x, 0.0), splat_like(x, 1.0), splat_like(x, LEAK))


@inlined
def elu(x: Any) -> Any:
    """x where x > 0, else eˣ − 1."""
    return select(x > splat_like(x, 0.0), x, expm1(x))


@inlined
def slope_of_elu(x: Any, y: Any) -> Any:
    return select(x > splat_like(x, 0.0), splat_like(x, 1.0), y + splat_like(x, 1.0))


@inlined
def normal_distribution(x: Any) -> Any:
    """Φ(x) = (1 + erf(x/√2))/2."""
    return splat_like(x, 0.5) * (splat_like(x, 1.0) + erf(x * splat_like(x, ROOT_HALF)))


@inlined
def gelu(x: Any) -> Any:
    """x·Φ(x), Φ the distribution function of the standard normal distribution."""
    return x * normal_distribution(x)


@inlined
def slope_of_gelu(x: Any, y: Any) -> Any:
    """Φ(x) + x·φ(x)."""
    density = splat_like(x, ROOT_OF_TWO_PI) * exp(splat_like(x, -0.5) * x * x)
    return normal_distribution(x) + x * density


@inlined
def slope_of_sigmoid(x: Any, y: Any) -> Any:
    return y * (splat_like(x, 1.0) - y)


@inlined
def hard_tanh(x: Any) -> Any:
    """x, cut off at −1 and 1."""
    one = splat_like(x, 1.0)
    least = splat_like(x, -1.0)
    return select(x > one, one, select(x < least, least, x))


@inlined
def slope_of_hard_tanh(x: Any, y: Any) -> Any:
    one, nothing = splat_like(x, 1.0), splat_like(x, 0.0)
    return select((y > splat_like(x, -1.0)) & (y < one), one, nothing)


@inlined
def each(
    function: Callable[[Any], Any],
    sums: np.ndarray,
    start: int,
    count: int,
    outputs: np.ndarray,
    of_outputs: int,
) -> None:
    lanes = len(load(sums, start))
    for place in range(0, count, lanes):
        store(outputs, of_outputs + place, function(load(sums, start + place)))


@inlined
def multiply_each(
    slope: Callable[[Any, Any], Any],
    sums: np.ndarray,
    outputs: np.ndarray,
    start: int,
    count: int,
    slopes: np.ndarray,
    of_slopes: int,
) -> None:
    lanes = len(load(sums, start))
    for place in range(0, count, lanes):
        own = slope(load(sums, start + place), load(outputs, start + place))
        store(slopes, of_slopes + place, own * load(slopes, of_slopes + place))


@compiled
def activate(
    activation: int, sums: np.ndarray, start: int, count: int, outputs: np.ndarray, of_outputs: int
) -> None:
    """Write the activation function of `count` sums, in whole vectors."""
    if activation == RELU:
        each(relu, sums, start, count, outputs, of_outputs)
    elif activation == TANH:
        each(tanh, sums, start, count, outputs, of_outputs)
    elif activation == LEAKY_RELU:
        each(leaky_relu, sums, start, count, outputs, of_outputs)
    elif activation == ELU:
        each(elu, sums, start, count, outputs, of_outputs)
    elif activation == GELU:
        each(gelu, sums, start, count, outputs, of_outputs)
    elif activation == SIGMOID:
        each(sigmoid, sums, start, count, outputs, of_outputs)
    elif activation == HARD_TANH:
        each(hard_tanh, sums, start, count, outputs, of_outputs)
    else:
        copy(sums, start, count, outputs, of_outputs)


@compiled
def multiply_slopes(
    activation: int,
    sums: np.ndarray,
    outputs: np.ndarray,
    start: int,
    count: int,
    slopes: np.ndarray,
    of_slopes: int,
) -> None:
    """Multiply `count` slopes by the derivative of the activation function, given x and y = f(x)."""
    if activation == RELU:
        multiply_each(slope_of_relu, sums, outputs, start, count, slopes, of_slopes)
    elif activation == TANH:
        multiply_each(slope_of_tanh, sums, outputs, start, count, slopes, of_slopes)
    elif activation == LEAKY_RELU:
        multiply_each(slope_of_leaky_relu, sums, outputs, start, count, slopes, of_slopes)
    elif activation == ELU:
        multiply_each(slope_of_elu, sums, outputs, start, count, slopes, of_slopes)
    elif activation == GELU:
        multiply_each(slope_of_gelu, sums, outputs, start, count, slopes, of_slopes)
    elif activation == SIGMOID:
        multiply_each(slope_of_sigmoid, sums, outputs, start, count, slopes, of_slopes)
    elif activation == HARD_TANH:
        multiply_each(slope_of_hard_tanh, sums, outputs, start, count, slopes, of_slopes)
