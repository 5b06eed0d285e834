"""The quantizer against exact rational arithmetic, and its straight-through gradient."""

from fractions import Fraction
from math import floor

import pytest
import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from infoplane.networks.quantization import (
    factor_of,
    grid,
    on_same_grid,
    quantize,
    straight_through,
    values_of,
)
from infoplane.ranges import Extremes, extremes

HALF = Fraction(1, 2)
BITS = st.integers(2, 16)
ENDS = st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-3)
VALUES = st.lists(st.floats(-2e3, 2e3), min_size=1, max_size=20)


def grid_of(low, high, bits, dtype=torch.float64):
    ends = Extremes(*(torch.tensor([end], dtype=dtype) for end in (low, high)))
    return grid(ends, 2**bits - 1)


def quantized(values, low, high, bits):
    return quantize(torch.tensor([values], dtype=torch.float64), grid_of(low, high, bits))


class RationalQuantizer:
    """s, z and the codes of the specification in rational numbers."""

    def __init__(self, low, high, bits):
        low, high = min(Fraction(low), Fraction(0)), max(Fraction(high), Fraction(0))
        self.top = 2**bits - 1
        self.scale = (high - low) / self.top
        self.zero = min(max(floor(-low / self.scale + HALF), 0), self.top)
        self.zero_is_clear = abs(-low / self.scale - floor(-low / self.scale) - HALF) > 1e-9

    def position(self, x):
        return Fraction(x) / self.scale + self.zero

    def code(self, x):
        return min(max(floor(self.position(x) + HALF), 0), self.top)

    @property
    def lowest(self):
        return -self.zero * self.scale

    @property
    def highest(self):
        return (self.top - self.zero) * self.scale


@given(VALUES, ENDS, ENDS, BITS)
@example([0.0, -1.0, 1.0], -1.0, 1.0, 8)
def test_codes_are_those_of_rational_arithmetic(values, one, other, bits):
    low, high = sorted((one, other))
    assume((low, high) != (0, 0))
    exact = RationalQuantizer(low, high, bits)
    assume(exact.zero_is_clear or low == -high)
    result = quantized(values, low, high, bits)
    assert result.grid.zero.item() == exact.zero
    assert result.grid.scale.item() == pytest.approx(float(exact.scale), rel=1e-15)
    for x, code, value in zip(values, result.codes[0].tolist(), result.values[0].tolist(), strict=True):
        tie = abs(exact.position(x) - floor(exact.position(x)) - HALF) < 1e-9
        assert code == exact.code(x) or (tie and abs(code - exact.code(x)) == 1)
        assert 0 <= code <= exact.top
        assert value == pytest.approx(float((code - exact.zero) * exact.scale), rel=1e-14, abs=0)
        if exact.lowest <= x <= exact.highest:
            assert abs(value - x) <= float(exact.scale / 2) * (1 + 1e-9)


@given(VALUES, ENDS, ENDS, BITS)
def test_zero_is_on_the_grid_and_quantizing_twice_changes_nothing(values, one, other, bits):
    low, high = sorted((one, other))
    once = quantized([*values, 0.0], low, high, bits)
    again = quantize(once.values, once.grid)
    assert once.values[0, -1].item() == 0.0
    assert torch.equal(again.codes, once.codes)
    assert torch.equal(again.values, once.values)


@pytest.mark.parametrize("bits", [2, 3, 8, 16])
def test_ties_round_up(bits):
    top = 2**bits - 1
    low = -(top // 2)  # a scale of 1
    ties = [low + step - 0.5 for step in range(1, 4)]
    assert quantized(ties, float(low), float(low + top), bits).codes[0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize("end", [1.0, 6.0, 0.7])
def test_symmetric_range_has_one_level_more_below_zero(end, bits, dtype):
    assert grid_of(-end, end, bits, dtype).zero.item() == 2 ** (bits - 1)


@pytest.mark.parametrize(
    ("bits", "lowest", "highest"), [(2, -1.3333, 0.6667), (4, -1.0667, 0.9333), (8, -1.0039, 0.9961)]
)
def test_levels_of_a_symmetric_range(bits, lowest, highest):
    ends = quantized([-9.0, 9.0], -1.0, 1.0, bits).values[0].tolist()
    assert ends == pytest.approx([lowest, highest], abs=5e-5)


def test_range_is_widened_to_contain_zero():
    for low, high, zero in [(2.0, 5.0, 0), (-5.0, -2.0, 255)]:
        on = grid_of(low, high, 8)
        assert on.zero.item() == zero
        assert on.scale.item() == pytest.approx(5 / 255)


def test_collapsed_range_has_one_code_and_passes_gradients():
    x = torch.tensor([[-1.0, 0.0, 2.0]], requires_grad=True)
    result = quantize(x, grid_of(0.0, 0.0, 8, torch.float32))
    result.values.sum().backward()
    assert result.grid.zero.item() == 0
    assert result.codes.tolist() == [[0, 0, 0]]
    assert result.values.tolist() == [[0, 0, 0]]
    assert x.grad.tolist() == [[1, 1, 1]]


@pytest.mark.parametrize("bits", [2, 8, 16])
@pytest.mark.parametrize("end", [1e-36, 1e-40, 7e-43, 1e-45])
def test_vanishing_range_is_no_division_by_zero(bits, end):
    """The moving range of a dead layer decays to the smallest numbers of float32."""
    result = quantize(torch.zeros(1, 3), grid_of(-end, end, bits, torch.float32))
    assert result.values.tolist() == [[0, 0, 0]]
    assert (result.codes >= 0).all() and (result.codes < 2**bits).all()


def test_gradient_is_one_inside_the_shifted_range_and_zero_outside():
    exact = RationalQuantizer(-1.0, 1.0, 2)
    inside = [float(exact.lowest) + 1e-6, -0.7, 0.0, 0.3, float(exact.highest) - 1e-6]
    outside = [float(exact.lowest) - 1e-6, -7.0, float(exact.highest) + 1e-6, 1.0, 7.0]
    x = torch.tensor([inside + outside], dtype=torch.float64, requires_grad=True)
    weights = torch.arange(1.0, 11.0, dtype=torch.float64)
    (quantize(x, grid_of(-1.0, 1.0, 2)).values * weights).sum().backward()
    torch.testing.assert_close(x.grad[0], weights * torch.tensor([1.0] * 5 + [0.0] * 5))


def test_gradient_is_one_at_the_ends_of_the_range_themselves():
    low, high = -3.0, 4.0  # a scale of 1
    ends = torch.tensor([[low, high, low - 1e-6, high + 1e-6]], dtype=torch.float64, requires_grad=True)
    quantize(ends, grid_of(low, high, 3)).values.sum().backward()
    assert ends.grad.tolist() == [[1, 1, 0, 0]]


def test_range_is_a_constant_to_the_gradient():
    x = torch.tensor([[-1.0, 0.25, 3.0]], dtype=torch.float64, requires_grad=True)
    result = quantize(x, grid(extremes(x), 15))
    result.values[0, 1].backward()
    torch.testing.assert_close(x.grad, torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64))


def test_nan_stays_with_its_member():
    x = torch.linspace(-2, 3, 40, dtype=torch.float64).reshape(4, 2, 5)
    poisoned = x.clone()
    poisoned[1, 0, 3] = torch.nan
    clean, other = (quantize(each, grid(extremes(each), 255)).values for each in (x, poisoned))
    assert other[1].isnan().any()
    for member in (0, 2, 3):
        assert torch.equal(clean[member], other[member])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_grid_has_the_type_of_its_range(dtype):
    x = torch.linspace(-2, 3, 10, dtype=dtype)[None]
    result = quantize(x, grid(extremes(x), 255))
    assert {each.dtype for each in (*result.grid, result.steps, result.values)} == {dtype}


@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize(("end", "value"), [(-1.0, -1.0), (-1.0, 1.0), (0.0, 0.5), (0.0, 1.0)])
def test_values_that_functions_saturate_at_are_rounded_half_up(end, value, bits):
    """−1 lies between two levels of [−1, 1], and ½ between two levels of [0, 1], at every bit width."""
    exact = RationalQuantizer(end, 1.0, bits)
    assert quantized([value], end, 1.0, bits).codes.item() == exact.code(value)


def test_straight_through_is_the_replacement_with_the_gradient_of_what_it_replaces():
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    passes = torch.tensor([True, False, True])
    result = straight_through(x * 2, torch.tensor([7.0, 8.0, 9.0]), passes)
    assert result.tolist() == [7.0, 8.0, 9.0]
    (result * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 200.0]


def test_values_of_a_tensor_that_is_not_quantized_are_its_own():
    x = torch.tensor([[0.4, -0.2]])
    assert values_of(x) is x
    result = quantize(x, grid_of(-1.0, 1.0, 2, torch.float32))
    torch.testing.assert_close(values_of(result), torch.tensor([[2 / 3, 0.0]]))


def test_what_is_rearranged_stays_on_its_grid():
    x = torch.tensor([[0.4, -0.2, 7.0]])
    result = quantize(x, grid_of(-1.0, 1.0, 2, torch.float32))
    turned = on_same_grid(result, lambda each: each.flip(1))
    assert turned.grid is result.grid
    assert turned.values.tolist() == result.values.flip(1).tolist()
    assert on_same_grid(x, lambda each: each.flip(1)).tolist() == x.flip(1).tolist()


def test_a_quantized_tensor_is_a_multiple_of_its_steps_and_another_of_itself():
    x = torch.tensor([[0.4, -0.2, 7.0]])
    result = quantize(x, grid_of(-1.0, 1.0, 2, torch.float32))
    assert factor_of(result).tolist() == [[1, 0, 1]]
    assert factor_of(x) is x
