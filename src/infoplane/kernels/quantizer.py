"""The uniform affine quantizer of `infoplane.networks.quantization`, in loops.

    s = (hi − lo)/(2ᵇ − 1),  z = clamp(round(−lo/s), 0, 2ᵇ − 1),  q(x) = clamp(round(x/s + z), 0, 2ᵇ − 1)

over a range that is widened to contain 0, round half up (Jacob et al. 2018,
https://arxiv.org/abs/1712.05877). Each operation is rounded by itself, in the order of that module: both find
the same codes for the same numbers.
"""

import numpy as np

from infoplane.kernels.compilation import compiled, inlined
from infoplane.kernels.panels import extremes
from infoplane.kernels.vectors import floor, larger, load, select, smaller, splat, splat_like, store

__all__ = ["BATCH", "DEBIASED", "EMA", "FIXED", "STILL", "UNQUANTIZED", "grid", "quantize", "range_of"]

UNQUANTIZED, FIXED, BATCH, EMA, DEBIASED = range(5)
# The weight of what moving ranges take up where they don't move
STILL = -1.0


@inlined
def grid(low: float, high: float, levels: float) -> tuple[float, float, float]:
    """Scale, zero and top of the grid {(q − zero)·scale : q = 0 … top} over a range; `levels` is 2ᵇ − 1.

    A collapsed range has the one code 0.
    """
    nothing, half, one = splat_like(levels, 0.0), splat_like(levels, 0.5), splat_like(levels, 1.0)
    low, high = min(low, nothing), max(high, nothing)
    span = high - low
    scale = span / levels
    if scale == nothing:
        return one, nothing, nothing
    return scale, min(np.floor(-low / span * levels + half), levels), levels


@compiled
def quantize(
    values: np.ndarray,
    start: int,
    count: int,
    scale: float,
    zero: float,
    top: float,
    steps: np.ndarray,
    of_steps: int,
    passes: np.ndarray,
    of_passes: int,
    trains: bool,
) -> None:
    """Write the steps q − z of `count` values, and in training where their gradients pass, 1 or 0: in whole
    vectors.

    Gradients pass where the values lie on the grid, and everywhere where it has collapsed.
    """
    of_scale, of_zero, of_top = splat(scale), splat(zero), splat(top)
    nothing, one = splat_like(of_scale, 0.0), splat_like(of_scale, 1.0)
    half = splat_like(of_scale, 0.5)
    outside = splat_like(of_scale, 1.0 if top == 0 else 0.0)
    for place in range(0, count, len(of_scale)):
        position = load(values, start + place) / of_scale + of_zero
        code = smaller(of_top, larger(nothing, floor(position + half)))  # NaN stays NaN
        store(steps, of_steps + place, code - of_zero)
        if trains:
            within = (position >= nothing) & (position <= of_top)
            store(passes, of_passes + place, select(within, one, outside))


@inlined
def range_of(
    values: np.ndarray,
    start: int,
    count: int,
    policy: int,
    ends: np.ndarray,
    moving: np.ndarray,
    intake: np.ndarray,
) -> tuple[float, float]:
    """The range that a policy names, of `count` values; a moving one takes up some of their extremes first.

        r ← (1 − w)·r + w·x

    Args:
        ends: (2,), the ends of a fixed range.
        moving: (2,), those of a moving one, which change.
        intake: (2,), the weights w of `ema` and `ema-debiased`; `STILL` where they don't move.
    """
    if policy == FIXED:
        return ends[0], ends[1]
    if policy == BATCH:
        return extremes(values, start, count)
    weight = intake[policy - EMA]
    if weight >= 0:
        low, high = extremes(values, start, count)
        rest = splat_like(weight, 1.0) - weight
        moving[0] = rest * moving[0] + weight * low
        moving[1] = rest * moving[1] + weight * high
    return moving[0], moving[1]
