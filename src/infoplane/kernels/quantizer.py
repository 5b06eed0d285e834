"""Ranges and the uniform affine quantizer: kernels of what `infoplane.networks` defines in PyTorch.

    s = (hi − lo)/(2ᵇ − 1),  z = clamp(round(−lo/s), 0, 2ᵇ − 1),  q(x) = clamp(round(x/s + z), 0, 2ᵇ − 1)

over a range that is widened to contain 0, round half up (Jacob et al. 2018,
https://arxiv.org/abs/1712.05877). Each operation is rounded by itself, in the order of
`infoplane.networks.quantization`: both compute the same codes from the same numbers.
"""

from typing import Any

import numpy as np

from infoplane.compilation import inlined
from infoplane.config import RangeSpec
from infoplane.kernels.panels import extremes
from infoplane.kernels.vectors import floor, full_like, larger, load, select, smaller, splat, store
from infoplane.ranges import POLICIES

__all__ = [
    "MOVING_POLICIES",
    "QUANTIZER",
    "UNQUANTIZED",
    "average_records",
    "grid",
    "move_averages",
    "quantize",
    "quantize_over_range",
    "quantizer_record",
    "range_of",
]

UNQUANTIZED, FIXED, BATCH, MOVING = range(4)
MOVING_POLICIES = [name for name, policy in POLICIES.items() if policy.decay is not None]
# Where the range of a tensor comes from: `source` is one of the four above, `policy` the number of a moving
# policy, `low` and `high` are the ends of a fixed range; `top` is 2ᵇ − 1, the highest code.
QUANTIZER = np.dtype(
    [("source", np.int64), ("policy", np.int64), *((name, np.float64) for name in ("low", "high", "top"))]
)
# The moving policies; see `infoplane.ranges.RangePolicy`.
AVERAGE = np.dtype([("decay", np.float64), ("is_debiased", np.bool_)])


def quantizer_record(chosen: RangeSpec | None, top: int) -> np.ndarray:
    """The record of a quantizer over the range chosen for it, of type `QUANTIZER`.

    Args:
        chosen: a policy, fixed ends, or None where the tensor is not quantized.
        top: 2ᵇ − 1, the highest code.
    """
    source, policy, ends = UNQUANTIZED, 0, (0.0, 0.0)
    if isinstance(chosen, tuple):
        source, ends = FIXED, chosen
    elif chosen in MOVING_POLICIES:
        source, policy = MOVING, MOVING_POLICIES.index(chosen)
    elif chosen is not None:
        source = BATCH
    return np.array((source, policy, *ends, top), dtype=QUANTIZER)


def average_records() -> np.ndarray:
    """Records of the moving policies, of type `AVERAGE`."""
    policies = [POLICIES[name] for name in MOVING_POLICIES]
    return np.array([(policy.decay, policy.is_debiased) for policy in policies], dtype=AVERAGE)


@inlined
def move_averages(averages: np.ndarray, powers: np.ndarray, averaging: np.ndarray) -> None:
    """Begin a step t: write the weight of its batch in each moving policy, 1 − d or (1 − d)/(1 − dᵗ).

    Args:
        powers: d^(t−1) of each policy, which become dᵗ.
        averaging: receives the weights.
    """
    for number in range(len(averages)):
        average = averages[number]
        powers[number] *= average.decay
        weight = 1 - average.decay
        averaging[number] = weight / (1 - powers[number]) if average.is_debiased else weight


@inlined
def range_of(
    quantizer: Any, values: np.ndarray, offset: int, count: int, moving: np.ndarray, averaging: np.ndarray
) -> tuple[float, float]:
    """The range over which `count` values are quantized; a moving one moves first: r ← (1 − w)·r + w·x.

    Args:
        moving: the ends of the moving range, (2,).
        averaging: the weight w of the values' extremes x in each moving policy; 0 where its ranges stay.
    """
    if quantizer.source == FIXED:
        return full_like(moving[0], quantizer.low), full_like(moving[0], quantizer.high)
    if quantizer.source == BATCH:
        return extremes(values, offset, count)
    weight = averaging[quantizer.policy]
    if weight > 0:
        low, high = extremes(values, offset, count)
        rest = full_like(weight, 1.0) - weight
        moving[0] = rest * moving[0] + weight * low
        moving[1] = rest * moving[1] + weight * high
    return moving[0], moving[1]


@inlined
def grid(low: float, high: float, top: float) -> tuple[float, float, float]:
    """Scale s, zero point z and highest code of the grid {(q − z)·s : q = 0 … top} over a range.

    A collapsed range has the one code 0.

    Args:
        top: 2ᵇ − 1.
    """
    zero, half, one = full_like(top, 0.0), full_like(top, 0.5), full_like(top, 1.0)
    low, high = min(low, zero), max(high, zero)
    span = high - low
    scale = span / top
    if scale == zero:
        return one, zero, zero
    return scale, min(np.floor(-low / span * top + half), top), top


@inlined
def quantize(
    values: np.ndarray,
    offset: int,
    count: int,
    scale: float,
    zero: float,
    top: float,
    steps: np.ndarray,
    steps_offset: int,
    passes: np.ndarray,
    passes_offset: int,
) -> None:
    """Write the steps q − z of `count` values, and where gradients pass, 1 or 0: in whole vectors.

    Gradients pass where the values lie on the grid, and everywhere where it has collapsed.

    Args:
        passes: empty where nothing is to be differentiated.
    """
    of_scale, of_zero, of_top = splat(scale), splat(zero), splat(top)
    zeros, ones, half = full_like(of_scale, 0.0), full_like(of_scale, 1.0), full_like(of_scale, 0.5)
    outside = full_like(of_scale, 1.0 if top == 0 else 0.0)
    for step in range(0, count, len(of_scale)):
        position = load(values, offset + step) / of_scale + of_zero
        code = smaller(of_top, larger(zeros, floor(position + half)))  # NaN stays NaN
        store(steps, steps_offset + step, code - of_zero)
        if len(passes) > 0:
            within = (position >= zeros) & (position <= of_top)
            store(passes, passes_offset + step, select(within, ones, outside))


@inlined
def quantize_over_range(
    quantizer: Any,
    values: np.ndarray,
    offset: int,
    count: int,
    moving: np.ndarray,
    averaging: np.ndarray,
    steps: np.ndarray,
    steps_offset: int,
    passes: np.ndarray,
    passes_offset: int,
) -> tuple[float, float]:
    """`quantize` over the range of a quantizer, a moving one being moved first; scale and zero point."""
    low, high = range_of(quantizer, values, offset, count, moving, averaging)
    scale, zero, top = grid(low, high, full_like(low, quantizer.top))
    quantize(values, offset, count, scale, zero, top, steps, steps_offset, passes, passes_offset)
    return scale, zero
