"""Range policies in PyTorch against their closed forms."""

import pytest
import torch

from infoplane.ranges import (
    AT_START,
    POLICIES,
    Extremes,
    averaging_at,
    extremes,
    moving_average,
    range_of,
)


def ends_of(low, high):
    return Extremes(*torch.tensor([[low], [high]], dtype=torch.float64))


def moved(start, observed, policy):
    average = ends_of(start, -start)
    for step, value in enumerate(observed, start=1):
        average = moving_average(average, ends_of(value, 1 - value), POLICIES[policy].weight(step))
    return average.low.item(), average.high.item()


OBSERVED = [0.5, -3.0, 2.0, 0.25] * 200


def test_moving_average_keeps_999_parts_of_1000():
    low, high = moved(-6.0, OBSERVED, "ema")
    kept = 0.999 ** len(OBSERVED)
    weighted = sum(0.001 * 0.999 ** (len(OBSERVED) - i) * x for i, x in enumerate(OBSERVED, start=1))
    assert low == pytest.approx(-6 * kept + weighted, rel=1e-9)
    assert high == pytest.approx(6 * kept + (1 - kept) - weighted, rel=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 800])
@pytest.mark.parametrize("start", [-6.0, 1e30])
def test_debiased_moving_average_in_closed_form(start, count):
    """(1 − d) Σᵢ d^(t−i) xᵢ/(1 − dᵗ), whatever it starts from."""
    observed = OBSERVED[:count]
    low, high = moved(start, observed, "ema-debiased")
    weights = [0.999 ** (count - i) for i in range(1, count + 1)]
    expected = sum(w * x for w, x in zip(weights, observed, strict=True)) / sum(weights)
    assert low == pytest.approx(expected, rel=1e-9)
    assert high == pytest.approx(1 - expected, rel=1e-9)


def test_a_batch_weighs_a_thousandth_or_what_debiases_it():
    for step in (1, 2, 100, 104000):
        averaging = averaging_at(step)
        assert averaging["ema"] == pytest.approx(0.001, rel=1e-12)
        assert averaging["ema-debiased"] == pytest.approx(0.001 / (1 - 0.999**step), rel=1e-12)
    assert averaging_at(1)["ema-debiased"] == 1
    assert AT_START == {"ema": 0, "ema-debiased": 1}


def test_ranges_by_policy_and_what_each_remembers():
    tensor, moving = torch.tensor([[0.5, -2.0, 3.0]], dtype=torch.float64), ends_of(-6.0, 4.0)
    averaging = {"ema": 0.25, "ema-debiased": 0.5}
    for weights in (None, averaging):
        assert range_of((-1.0, 2.0), tensor, moving, weights) == (ends_of(-1.0, 2.0), moving)
        assert range_of("batch", tensor, moving, weights) == (extremes(tensor), moving)
    for policy in averaging:
        assert range_of(policy, tensor, moving, None) == (moving, moving)
    assert range_of("ema", tensor, moving, averaging) == (ends_of(-5.0, 3.75),) * 2
    assert range_of("ema-debiased", tensor, moving, averaging) == (ends_of(-4.0, 3.5),) * 2


def test_extremes_are_those_of_each_member_and_constants_to_the_gradient():
    tensor = torch.tensor([[[1.0, -2.0], [5.0, 0.0]], [[7.0, 7.0], [7.0, 7.0]]], requires_grad=True)
    low, high = extremes(tensor)
    assert (low.tolist(), high.tolist()) == ([-2, 7], [5, 7])
    assert not low.requires_grad and not high.requires_grad
