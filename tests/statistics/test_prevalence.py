"""Intervals and tests are those of the definitions, and decide as rarely as they say."""

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statistics_oracle import most, unequal

from infoplane.statistics.prevalence import (
    FEWEST,
    LEVEL,
    SEED,
    holm,
    interval,
    mean_interval,
    p_of_most,
    p_of_unequal,
    status_of,
)

RUNS = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings(action="error"):
        yield


class TestInterval:
    @given(RUNS.filter(lambda runs: runs[1] > 0))
    def test_ends_are_where_one_tail_has_a_fortieth(self, runs):
        """Clopper and Pearson's definition."""
        k, n = runs
        lower, upper = interval(k, n)
        assert binom.sf(k - 1, n, lower) == pytest.approx(0.025, rel=1e-6) if k else lower == 0
        assert binom.cdf(k, n, upper) == pytest.approx(0.025, rel=1e-6) if k < n else upper == 1

    @pytest.mark.parametrize("n", [10, 20, 50])
    def test_covers_every_prevalence_at_least_as_often_as_it_says(self, n):
        lower, upper = np.transpose([interval(k, n) for k in range(n + 1)])
        for prevalence in np.linspace(0, 1, 201):
            covered = binom.pmf(range(n + 1), n, prevalence)[(lower <= prevalence) & (prevalence <= upper)]
            assert covered.sum() >= 0.95 - 1e-12

    def test_of_no_run(self):
        assert np.isnan(interval(0, 0)).all()


class TestTests:
    @given(RUNS)
    def test_are_the_tails_of_coin_tosses(self, runs):
        k, n = runs
        assert p_of_most(k, n) == pytest.approx(most(k, n), rel=1e-9)
        assert p_of_unequal(k, n - k) == pytest.approx(unequal(k, n - k), rel=1e-9)

    @pytest.mark.parametrize(("n", "decides"), [(4, None), (5, 5), (10, 9), (20, 15), (50, 32)])
    def test_how_many_runs_decide(self, n, decides):
        deciding = [k for k in range(n + 1) if p_of_most(k, n) < LEVEL]
        assert deciding == ([] if decides is None else [*range(decides, n + 1)])
        assert (n < FEWEST) == (decides is None)

    def test_status(self):
        assert [status_of(n, p_of_most(k, n), p_of_most(n - k, n)) for k, n in
                [(15, 20), (14, 20), (6, 20), (5, 20), (4, 4), (0, 0)]] == [
            "shows", "mixed", "mixed", "lacks", "too few", "too few"
        ]  # fmt: skip

    @pytest.mark.parametrize("n", [10, 20, 50])
    def test_err_no_more_often_than_the_level_where_half_of_all_runs_do_it(self, n):
        statuses = [status_of(n, p_of_most(k, n), p_of_most(n - k, n)) for k in range(n + 1)]
        chances = binom.pmf(range(n + 1), n, 0.5)
        for status in ("shows", "lacks"):
            assert sum(p for p, each in zip(chances, statuses, strict=True) if each == status) <= LEVEL


class TestMeanInterval:
    def test_is_that_of_resampled_runs(self):
        values = np.random.default_rng(1).lognormal(size=30)
        draws = np.random.default_rng(SEED).integers(0, 30, (1999, 30))
        ends = np.quantile(values[draws].mean(-1), [0.025, 0.975])
        np.testing.assert_allclose(mean_interval(values), ends)

    @settings(max_examples=10)
    @given(st.lists(st.floats(-12, 12), min_size=FEWEST, max_size=20))
    def test_lies_within_the_values_and_holds_the_mean(self, values):
        lower, upper = mean_interval(values)
        assert min(values) - 1e-9 <= lower <= np.mean(values) + 1e-9
        assert np.mean(values) - 1e-9 <= upper <= max(values) + 1e-9

    def test_equal_runs_give_equal_bytes(self):
        values = np.random.default_rng(0).random(20)
        assert mean_interval(values) == mean_interval(values.copy())


P_VALUES = st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), max_size=12)


class TestHolm:
    def test_by_hand(self):
        # the smallest of four times 4, the next times 3, never below one before
        found = holm(pd.Series([0.005, 0.04, 0.02, 0.015, np.nan]))
        np.testing.assert_allclose(found, [0.02, 0.045, 0.045, 0.045, np.nan])

    @given(P_VALUES)
    def test_rejects_what_the_stepwise_procedure_rejects(self, values):
        found = holm(pd.Series(values, dtype=float))
        tested = sorted((p, place) for place, p in enumerate(values) if not np.isnan(p))
        rejected = set()
        for step, (p, place) in enumerate(tested):
            if p * (len(tested) - step) >= LEVEL:
                break
            rejected.add(place)
        assert {place for place, p in enumerate(found) if p < LEVEL} == rejected

    @given(P_VALUES)
    def test_keeps_order_and_place(self, values):
        p = pd.Series(values, dtype=float)
        found = holm(p)
        assert (found.isna() == p.isna()).all() and not (found < p).any()
        ascending = found.loc[p.sort_values().index].dropna()
        assert all(one <= other for one, other in pairwise(ascending))
