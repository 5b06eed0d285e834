"""Activation functions and their derivatives against PyTorch in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import MARGIN, room, within_margins, written

from infoplane.activations import ACTIVATIONS
from infoplane.kernels.activations import KERNELS, NUMBERS, activate, multiply_slopes

FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
with_activations = pytest.mark.parametrize("name", ACTIVATIONS)
# f as many times eps of f itself: `infoplane.kernels.functions` names the roundings of exp, tanh and erf.
OF_VALUE = {"identity": 0, "relu": 0, "hard-tanh": 0, "leaky-relu": 1, "tanh": 2, "elu": 2, "sigmoid": 2}


def values_and_slopes(name, x):
    """f(x), and f'(x)·s of slopes s."""
    y, slopes = room(len(x), x.dtype), np.linspace(-2, 2, len(x), dtype=x.dtype)
    activate(NUMBERS[name], within_margins(x), MARGIN, len(x), y, MARGIN)
    products = within_margins(slopes)
    multiply_slopes(NUMBERS[name], x, 0, y, MARGIN, len(x), products, MARGIN)
    return written(y), slopes, written(products)


def in_torch(name, x):
    """f(x) and f'(x) in float64."""
    x = torch.from_numpy(x.astype(np.float64)).requires_grad_()
    y = ACTIVATIONS[name](x)
    y.sum().backward()
    return y.detach().numpy(), x.grad.numpy()


def assert_right(name, x):
    """Within the roundings of the function, and of PyTorch's where it is float64, too.

    GELU, x·(1 + erf(x/√2))/2: argument, erf, sum and product are wrong by less than 2·eps·|x| in all. The
    derivatives are sums of numbers up to 1.13, of which each has no more than 8 roundings behind it.
    """
    limits = np.finfo(x.dtype)
    eps = limits.eps * (2 if x.dtype == np.float64 else 1)
    y, slopes, products = values_and_slopes(name, x)
    expected, derivatives = in_torch(name, x)
    bound = 2 * np.abs(x.astype(float)) if name == "gelu" else OF_VALUE[name] * np.abs(expected)
    # What is next to the smallest normal number may be 0.
    assert (np.abs(y - expected) <= eps * bound + 4 * float(limits.tiny)).all()
    bound = (8 if name in ("tanh", "elu", "sigmoid", "gelu") else 1) * eps * np.abs(slopes)
    assert (np.abs(products - derivatives * slopes) <= bound + 4 * float(limits.tiny)).all()


@with_floats
@with_activations
@given(st.data())
@settings(max_examples=25)
def test_values_and_slopes_at_any_argument(name, dtype, data):
    width = 8 * np.dtype(dtype).itemsize
    numbers = st.floats(-1e18, 1e18, width=width) if width == 64 else st.floats(-(2.0**60), 2.0**60, width=32)
    near = st.floats(-20, 20, width=width)
    x = data.draw(st.lists(numbers | near, min_size=32, max_size=32))
    assert_right(name, np.array(x, dtype=dtype))


@with_floats
@with_activations
def test_values_and_slopes_where_functions_bend(name, dtype):
    x = np.concatenate(
        [np.linspace(-12, 12, 4799), np.geomspace(1e-30, 1e3, 2400), -np.geomspace(1e-30, 1e3, 2400)]
    )
    bends = np.array([-1, -0.0, 0.0, 1], dtype=dtype)
    x = np.concatenate(
        [x.astype(dtype), bends, np.nextafter(bends, dtype(2)), np.nextafter(bends, dtype(-2))]
    )
    assert_right(name, x[: len(x) // 16 * 16])


@with_floats
@with_activations
def test_what_is_no_number_stays_none(name, dtype):
    y, _, _ = values_and_slopes(name, np.array([np.nan, 0.5] * 16, dtype=dtype))
    np.testing.assert_array_equal(np.isnan(y), [True, False] * 16)


def test_each_activation_of_the_networks_has_its_kernels():
    assert KERNELS.keys() == ACTIVATIONS.keys() == NUMBERS.keys()
    assert sorted(NUMBERS.values()) == [*range(len(NUMBERS))]
