"""Tallies count what they say, by any margin."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statistics_oracle import most, unequal

from infoplane.statistics.margins import DEFAULT, MARGINS
from infoplane.statistics.tallies import TALLIES

EFFECTS = st.lists(st.floats(-3, 3), min_size=1, max_size=30)


def runs(effect, whole=8.0, **others) -> pd.DataFrame:
    repetitions = np.arange(len(effect))
    return pd.DataFrame({"repetition": repetitions, "effect": effect, "whole": whole, **others})


@given(EFFECTS, st.sampled_from(MARGINS), st.sampled_from(["compression", "fitting"]))
def test_runs_beyond_the_margin(effects, margin, phase):
    tally = TALLIES[phase](runs(effects), margin)
    limit = getattr(margin, phase) * (8 if margin.relative else 1)
    k, n = sum(effect > limit for effect in effects), len(effects)
    assert (tally.k, tally.n) == (k, n)
    assert (tally.p_shows, tally.p_lacks) == pytest.approx((most(k, n), most(n - k, n)))


def test_the_margin_itself_does_not_count():
    assert TALLIES["compression"](runs([0.1, np.nextafter(0.1, 1)]), DEFAULT).k == 1
    assert TALLIES["fitting"](runs([0.01, np.nextafter(0.01, 1)]), DEFAULT).k == 1


def test_a_network_compresses_if_a_layer_does():
    layers = pd.DataFrame({"repetition": [0, 0, 1, 1, 2, 2], "effect": [0, 1, 0, 0, 1, 1.0], "whole": 8.0})
    assert TALLIES["network"](layers, DEFAULT)[:2] == (2, 3)
    # by a share of the peak it may be a layer that compresses less
    layers = pd.DataFrame({"repetition": [0, 0], "effect": [0.4, 0.3], "whole": [10.0, 2.0]})
    assert TALLIES["network"](layers, MARGINS[-1])[:2] == (1, 1)


@given(EFFECTS)
def test_differences_have_two_directions(effects):
    tally = TALLIES["difference"](runs(effects), DEFAULT)
    more, less = sum(each > 0.1 for each in effects), sum(each < -0.1 for each in effects)
    n = len(effects)
    assert (tally.k, tally.n) == (max(more, less), n)
    assert tally.p_shows == pytest.approx(min(1, 2 * most(max(more, less), n)))
    assert tally.p_lacks == pytest.approx(most(n - more - less, n))
    assert tally == TALLIES["difference"](runs([-each for each in effects]), DEFAULT)


def test_differences_of_fitting_have_the_margin_of_fitting():
    assert TALLIES["fitting difference"](runs([0.05] * 10), DEFAULT).k == 10
    assert TALLIES["difference"](runs([0.05] * 10), DEFAULT).k == 0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_disagreement(judged):
    first, second = (np.array(each, dtype=float) for each in zip(*judged, strict=True))
    tally = TALLIES["disagreement"](runs(first, effect_against=second, whole_against=8.0), DEFAULT)
    alone, others = int((first > second).sum()), int((second > first).sum())
    n, one, other = len(judged), int(first.sum()), int(second.sum())
    ways = [max(most(one, n), most(n - other, n)), max(most(n - one, n), most(other, n))]
    assert (tally.k, tally.n) == (alone, alone + others)
    assert tally.p_shows == pytest.approx(max(min(ways), unequal(alone, others)))
    agreeing = [max(most(one, n), most(other, n)), max(most(n - one, n), most(n - other, n))]
    assert tally.p_lacks == pytest.approx(min(1, 2 * min(agreeing)))


def test_order_and_zigzag_have_thresholds_of_their_own():
    assert TALLIES["order"](runs([0.4, 0.5, 0.6]), DEFAULT)[:2] == (1, 3)
    assert TALLIES["zigzag"](runs([0, 1, 2, 3]), DEFAULT)[:2] == (2, 4)


@pytest.mark.parametrize("phase", TALLIES)
def test_no_runs(phase):
    nothing = runs([], effect_against=[], whole_against=[])
    assert TALLIES[phase](nothing, DEFAULT) == (0, 0, 1, 1)
