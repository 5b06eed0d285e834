r"""Range policies: where the range of a quantizer comes from.

A range is fixed by the config, [lo, hi], or follows a policy: it is that of the tensor at hand, or a moving
average r of the extremes x of the batches of training,

    r ← (1 − w)·r + w·x,   w = 1 − d, or debiased at step t = 1, 2, …, w = (1 − d)/(1 − dᵗ)

(Kingma & Ba 2015, https://arxiv.org/abs/1412.6980, section 3). The functions need no PyTorch: they call
methods of its tensors.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "AT_START",
    "MOVING_DECAY",
    "MOVING_START",
    "POLICIES",
    "Extremes",
    "RangePolicy",
    "averaging_at",
    "extremes",
    "moving_average",
    "needs_all_inputs",
    "range_of",
    "starts_from_inputs",
]

MOVING_DECAY = 0.999
MOVING_START = (-6.0, 6.0)


class RangePolicy(NamedTuple):
    """A range policy.

    Attributes:
        decay: d of a moving range, which training records; None: the range is that of the tensor at hand in
            every pass, so a test or a replay needs all its inputs in one batch.
        is_debiased: whether the moving average is debiased. If so, it starts from the extremes over all
            training inputs, otherwise from `MOVING_START`.
    """

    decay: float | None = None
    is_debiased: bool = False

    def weight(self, step: int) -> float:
        """The weight w of a batch in a moving range at step t = 1, 2, …"""
        assert self.decay is not None
        weight = 1 - self.decay
        return weight / (1 - self.decay**step) if self.is_debiased else weight


POLICIES = {
    "batch": RangePolicy(),
    "ema": RangePolicy(MOVING_DECAY),
    "ema-debiased": RangePolicy(MOVING_DECAY, is_debiased=True),
}
# A name of a policy, or the ends of a fixed range
Chosen = str | tuple[float, float]


class Extremes(NamedTuple):
    """Lowest and highest value of each member's tensor, each (members,)."""

    low: "Tensor"
    high: "Tensor"


def extremes(tensor: "Tensor") -> Extremes:
    """Lowest and highest value of each member's part of (members, …); a constant to the gradient."""
    constant, dimensions = tensor.detach(), tuple(range(1, tensor.dim()))
    return Extremes(constant.amin(dimensions), constant.amax(dimensions))


def moving_average(average: Extremes, observed: Extremes, weight: float) -> Extremes:
    """r ← (1 − w)·r + w·x."""
    return Extremes(*((1 - weight) * old + weight * new for old, new in zip(average, observed, strict=True)))


def range_of(
    chosen: Chosen, tensor: "Tensor", moving: Extremes, averaging: Mapping[str, float] | None
) -> tuple[Extremes, Extremes]:
    """The range over which a tensor (members, …) is quantized, and its moving range afterwards.

    Args:
        chosen: the name of a policy, or fixed ends.
        moving: the moving range before.
        averaging: in training, the weight of the batch in each moving policy; else moving ranges stay.
    """
    if isinstance(chosen, tuple):
        ends = (tensor.new_full(moving.low.shape, end) for end in chosen)
        return Extremes(*ends), moving
    if POLICIES[chosen].decay is None:
        return extremes(tensor), moving
    if averaging is not None:
        moving = moving_average(moving, extremes(tensor), averaging[chosen])
    return moving, moving


def averaging_at(step: int) -> dict[str, float]:
    """The weight of a batch in each moving policy, at step t = 1, 2, …

    >>> averaging_at(1)["ema-debiased"]
    1.0
    """
    return {name: policy.weight(step) for name, policy in POLICIES.items() if policy.decay is not None}


# The weights in the pass over all training inputs from which debiased ranges start
AT_START = {name: float(policy.is_debiased) for name, policy in POLICIES.items() if policy.decay is not None}


def needs_all_inputs(chosen: Chosen | None) -> bool:
    """Whether a test or a replay needs all inputs in one batch, whose range is taken.

    >>> needs_all_inputs("batch"), needs_all_inputs("ema"), needs_all_inputs((-1.0, 1.0))
    (True, False, False)
    """
    return isinstance(chosen, str) and POLICIES[chosen].decay is None


def starts_from_inputs(chosen: Chosen | None) -> bool:
    """Whether a moving range starts from the extremes over all training inputs."""
    return isinstance(chosen, str) and POLICIES[chosen].is_debiased
