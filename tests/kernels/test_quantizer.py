"""The quantizer in loops against its definition in NumPy and against that in PyTorch, bit for bit."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from layouts import MARGIN, room, within_margins, written

from infoplane import ranges
from infoplane.kernels.quantizer import (
    MOVING_POLICIES,
    average_records,
    grid,
    move_averages,
    quantize,
    quantize_over_range,
    quantizer_record,
    range_of,
)
from infoplane.networks import quantization as in_torch

FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
BITS = st.integers(2, 16)


def ends_of_any_size(dtype):
    """Ends of ranges, of all sizes that there are; float64 ones also as far apart as float32 reaches."""
    return st.floats(width=8 * np.dtype(dtype).itemsize, allow_nan=False, allow_infinity=False)


@np.errstate(over="ignore")
def grid_in_numpy(low, high, bits, dtype):
    """s = (hi − lo)/(2ᵇ − 1), z = ⌊−lo/s + ½⌋, of a range that is widened to contain 0."""
    low, high, top = min(low, dtype(0)), max(high, dtype(0)), dtype(2**bits - 1)
    scale = (high - low) / top
    if scale == 0:
        return dtype(1), dtype(0), dtype(0)
    return scale, min(np.floor(-low / (high - low) * top + dtype(0.5)), top), top


@np.errstate(over="ignore")
def quantize_in_numpy(x, scale, zero, top):
    """Steps q − z, and where gradients pass."""
    position = x / scale + zero
    codes = np.clip(np.floor(position + x.dtype.type(0.5)), 0, top)
    return codes - zero, ((position >= 0) & (position <= top)) | (top == 0)


def grid_in_torch(low, high, bits, dtype):
    ends = ranges.Extremes(*(torch.from_numpy(np.array([end], dtype=dtype)) for end in (low, high)))
    return in_torch.grid(ends, 2**bits - 1)


def values_near(scale, zero, top, seed):
    """A vector of every kind of value: steps, ties between steps, ends, and any others; the first are 0."""
    generator, dtype = np.random.default_rng(seed), type(scale)
    codes = generator.integers(-2, int(top) + 3, 64)
    codes[:6] = 0, 0, -1, top, top + 1, zero
    with np.errstate(over="ignore", invalid="ignore"):
        steps = ((codes - zero) * scale).astype(dtype)
        ties = ((codes + 0.5 - zero) * scale).astype(dtype)
        others = (generator.normal(size=64) * top * scale).astype(dtype)
    values = np.concatenate([np.array([0.0, -0.0], dtype=dtype), steps, ties, others])
    return np.nan_to_num(values[: len(values) // 16 * 16], nan=0.0)


def quantized(values, scale, zero, top, trains=True):
    steps, passes = room(len(values), values.dtype), room(len(values), values.dtype)
    quantize(
        within_margins(values),
        MARGIN,
        len(values),
        scale,
        zero,
        top,
        steps,
        MARGIN,
        passes if trains else passes[:0],
        MARGIN,
    )
    return written(steps), written(passes)


def assert_quantizers_agree(low, high, bits, seed, dtype):
    low, high = dtype(low), dtype(high)
    on = scale, zero, top = grid(low, high, dtype(2**bits - 1))
    assert on == grid_in_numpy(low, high, bits, dtype)
    of_torch = grid_in_torch(low, high, bits, dtype)
    assert on == tuple(each.item() for each in of_torch)
    values = values_near(dtype(scale), zero, top, seed)
    steps, passes = quantized(values, dtype(scale), dtype(zero), dtype(top))
    expected, where = quantize_in_numpy(values, *map(dtype, on))
    np.testing.assert_array_equal(steps, expected)
    np.testing.assert_array_equal(passes, where)
    x = torch.from_numpy(values[None]).requires_grad_()
    result = in_torch.quantize(x, of_torch)
    np.testing.assert_array_equal(steps, result.steps[0].detach())
    if np.isfinite(scale):
        result.steps.sum().backward()
        np.testing.assert_array_equal(passes, x.grad[0] != 0)


@with_floats
@given(st.data(), BITS, st.integers(0, 2**32))
def test_codes_and_gradients_over_any_range_are_those_of_the_definition(dtype, data, bits, seed):
    low, high = sorted(data.draw(st.tuples(ends_of_any_size(dtype), ends_of_any_size(dtype))))
    assert_quantizers_agree(low, high, bits, seed, dtype)


@with_floats
@given(st.floats(-10, 10), st.floats(-10, 10), BITS, st.integers(0, 2**32))
@example(-1.0, 1.0, 8, 0)
def test_codes_and_gradients_over_usual_ranges(dtype, one, other, bits, seed):
    assert_quantizers_agree(*sorted((one, other)), bits, seed, dtype)


@with_floats
@pytest.mark.parametrize("bits", [2, 8, 16])
@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 0), (-0.0, 0.0), (2, 5), (-5, -2), (0, 3), (-3, 0), (-1, 1), (-1e-45, 1e-45), (-3e38, 3e38)],
    ids=str,
)
def test_codes_and_gradients_over_special_ranges(low, high, bits, dtype):
    for seed in range(5):
        assert_quantizers_agree(low, high, bits, seed, dtype)


@with_floats
def test_a_range_of_one_point_has_one_code_and_passes_all_gradients(dtype):
    nothing = dtype(0)
    assert grid(nothing, nothing, dtype(255)) == (1, 0, 0)
    values = np.linspace(-9, 9, 32, dtype=dtype)
    steps, passes = quantized(values, dtype(1), nothing, nothing)
    assert not steps.any() and not np.signbit(steps).any()
    assert (passes == 1).all()


@with_floats
def test_0_is_on_the_grid(dtype):
    for low, high in [(-0.3, 0.7), (-6, 6), (0, 1), (-1, 0), (2, 5)]:
        on = map(dtype, grid(dtype(low), dtype(high), dtype(255)))
        steps, _ = quantized(np.array([0.0, -0.0] * 8, dtype=dtype), *on)
        assert not steps.any() and not np.signbit(steps).any()


@with_floats
def test_what_is_no_number_stays_none(dtype):
    """So that a repetition that has failed shows it."""
    values = np.array([np.nan, 1.0] * 16, dtype=dtype)
    for top in (0, 255):
        steps, passes = quantized(values, dtype(0.01), dtype(0), dtype(top))
        np.testing.assert_array_equal(np.isnan(steps), np.isnan(values))
        np.testing.assert_array_equal(passes[::2], 1.0 if top == 0 else 0.0)


@with_floats
def test_outside_of_training_nobody_asks_where_gradients_pass(dtype):
    values = np.linspace(-1, 1, 32, dtype=dtype)
    on = dtype(0.01), dtype(100), dtype(255)
    steps, passes = quantized(values, *on, trains=False)
    np.testing.assert_array_equal(steps, quantized(values, *on)[0])
    assert (passes == passes[0]).all()


def taken_range(values, chosen, moving, averaging, dtype):
    """The range of some values between others, as it was chosen, and the moving one after it."""
    moving, averaging = np.array(moving, dtype=dtype), np.array(averaging, dtype=dtype)
    around = np.concatenate([[-99], values, [99]]).astype(dtype)
    found = range_of(quantizer_record(chosen, 255)[()], around, 1, len(values), moving, averaging)
    return found, tuple(moving)


@with_floats
@pytest.mark.parametrize("count", [1, 5, 16, 33])
def test_range_of_each_policy(count, dtype):
    values = np.random.default_rng(count).normal(size=count).astype(dtype)
    extremes, start = (values.min(), values.max()), (dtype(-6), dtype(6))
    averaging = [dtype(each) for each in (0.001, 0.3)[: len(MOVING_POLICIES)]]
    assert taken_range(values, (-0.25, 0.5), start, averaging, dtype) == ((-0.25, 0.5), start)
    assert taken_range(values, "batch", start, averaging, dtype) == (extremes, start)
    for policy, weight in zip(MOVING_POLICIES, averaging, strict=True):
        moved = tuple((1 - weight) * old + weight * new for old, new in zip(start, extremes, strict=True))
        assert taken_range(values, policy, start, averaging, dtype) == (moved, moved)
        assert taken_range(values, policy, start, [0, 0], dtype) == (start, start)


@with_floats
def test_moving_ranges_are_those_of_the_definition_in_pytorch(dtype):
    """Of a hundred batches, in float64; and so are the weights of the batches."""
    batches = np.random.default_rng(0).normal(size=(100, 33)).astype(dtype)
    for policy in MOVING_POLICIES:
        powers, averaging = np.ones(len(MOVING_POLICIES)), np.empty(len(MOVING_POLICIES), dtype=dtype)
        quantizer, moving = quantizer_record(policy, 255)[()], np.array([-6, 6], dtype=dtype)
        expected = ranges.Extremes(*(torch.tensor([end], dtype=torch.float64) for end in (-6.0, 6.0)))
        for step, batch in enumerate(batches, start=1):
            move_averages(average_records(), powers, averaging)
            weights = ranges.averaging_at(step)
            in_order = [weights[name] for name in MOVING_POLICIES]
            np.testing.assert_allclose(averaging, in_order, rtol=max(100 * 2.0**-52, np.finfo(dtype).eps))
            range_of(quantizer, batch, 0, 33, moving, averaging)
            observed = ranges.extremes(torch.from_numpy(batch[None]).double())
            expected = ranges.moving_average(expected, observed, weights[policy])
        # In each step weight, rest, two products and a sum are rounded, of numbers up to 6.
        bound = 100 * 5 * 6 * np.finfo(dtype).eps / 2
        np.testing.assert_allclose(moving, torch.cat(expected), rtol=0, atol=bound)


@with_floats
@given(st.integers(0, 2**32), BITS)
@settings(max_examples=20)
def test_a_tensor_is_quantized_over_its_range(dtype, seed, bits):
    values = np.random.default_rng(seed).normal(size=48).astype(dtype)
    steps, passes = room(48, dtype), room(48, dtype)
    moving, averaging = np.array([-6, 6], dtype=dtype), np.zeros(len(MOVING_POLICIES), dtype=dtype)
    quantizer = quantizer_record("batch", 2**bits - 1)[()]
    scale, zero = quantize_over_range(
        quantizer, within_margins(values), MARGIN, 48, moving, averaging, steps, MARGIN, passes, MARGIN
    )
    on = grid_in_numpy(values.min(), values.max(), bits, dtype)
    assert (scale, zero) == on[:2]
    expected, where = quantize_in_numpy(values, *on)
    np.testing.assert_array_equal(written(steps), expected)
    np.testing.assert_array_equal(written(passes), where)
