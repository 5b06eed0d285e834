"""Tests on effects are what a hand, another library or the definition says, and err as rarely as they say."""

import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from error_rates import MARGIN, POPULATIONS, RUNS, curves, measured, rates
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, ttest_1samp
from scipy.stats import t as student

from infoplane.statistics import inference
from infoplane.statistics.inference import FEWEST, LEVEL, RESAMPLES, holm, infer, statuses

EFFECTS = arrays(float, st.integers(FEWEST, 30), elements=st.floats(-12, 12, width=32))


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings(action="error"):
        yield


class TestInfer:
    def test_of_normal_effects_it_is_students_t(self):
        # the bootstrap t of a normal sample is near to Student's
        effects = student.ppf((np.arange(200) + 0.5) / 200, 1000) * 0.3 + 0.2
        found, expected = infer(effects, 0.1), ttest_1samp(effects, 0)
        low, high = expected.confidence_interval(0.95)
        assert found.effect == pytest.approx(0.2)
        assert found.lower == pytest.approx(low, abs=0.004)
        assert found.upper == pytest.approx(high, abs=0.004)
        above = ttest_1samp(effects, 0.1, alternative="less").pvalue
        below = ttest_1samp(effects, -0.1, alternative="greater").pvalue
        assert max(above, below) == above > 0.99
        assert found.tost_p == pytest.approx(above, abs=0.005)
        assert infer(effects - 0.2, 0.1).tost_p < 0.001

    def test_interval_by_definition(self, monkeypatch):
        monkeypatch.setattr(inference, "RESAMPLES", 79)
        effects = np.array([0.0, 0.1, 0.5, -0.2, 0.3])
        resamples = [np.repeat(effects, each.astype(int)) for each in inference.draws(5, 79)]
        assert {len(each) for each in resamples} == {5}
        centred = [each.mean() - effects.mean() for each in resamples]
        errors = [np.sqrt((np.var(each, ddof=1) + 0.01**2) / 5) for each in resamples]
        t = sorted(np.array(centred) / errors)
        error = np.sqrt((np.var(effects, ddof=1) + 0.01**2) / 5)
        found = infer(effects, 0.1)
        # of 79 the second and the last but one stand at 1/40 and 39/40
        assert found.lower == pytest.approx(effects.mean() - t[-2] * error)
        assert found.upper == pytest.approx(effects.mean() - t[1] * error)
        as_low = sum(each <= (effects.mean() - 0.1) / error for each in t)
        assert found.tost_p == pytest.approx((1 + as_low) / 80)

    def test_wilcoxon_by_hand(self):
        # ranks of |effects|: 1 2 3 4 5, of which the negative has 2: 3 of 32 signs give so little or less
        assert infer(np.array([0.1, -0.2, 0.3, 0.4, 0.5]), 0.1).p == pytest.approx(3 / 32)
        assert infer(np.array([0.1, -0.2, 0.3, 0.4, 0.5]), 0.1, two_sided=True).p == pytest.approx(6 / 32)
        assert infer(np.arange(1.0, 11), 0.1).p == pytest.approx(1 / 1024)
        # zeros are left out: three positive effects
        assert infer(np.array([0.0, 0, 0, 0.1, 0.2, 0.3]), 0.1).p == pytest.approx(1 / 8)
        assert infer(np.zeros(5), 0.1).p == 1

    @pytest.mark.parametrize("value", [-0.125, 0.0, 0.05, 0.125, 0.7])
    def test_runs_without_spread_have_an_interval_without_width(self, value):
        found = infer(np.full(10, value), 0.125)
        assert found.lower == found.upper == found.effect == pytest.approx(value)
        assert (found.tost_p < 0.001) == (abs(value) < 0.125)

    def test_an_effect_that_equals_the_margin_does_not_exceed_it(self):
        found = infer(np.array([0.0, 0.125, 0.125, 0.25, 0.5]), 0.125)
        assert (found.runs, found.fraction) == (5, 0.4)

    def test_one_run_apart_from_all_others(self):
        found = infer(np.r_[np.zeros(49), 0.01], 0.1)
        assert found.upper < 0.01 and found.tost_p < 0.001
        found = infer(np.r_[np.zeros(9), 1.0], 0.1)
        assert found.upper > 0.3 and found.tost_p > 0.2

    @pytest.mark.parametrize("runs", range(FEWEST))
    def test_few_runs_have_a_mean_and_no_test(self, runs):
        found = infer(np.full(runs, 0.5), 0.1)
        assert found.runs == runs
        assert np.isnan([found.lower, found.upper, found.p, found.tost_p]).all()
        assert (found.effect, found.fraction) == (0.5, 1) if runs else np.isnan(found.effect)
        assert 2.0**-FEWEST < LEVEL < 2.0 ** (1 - FEWEST)

    @settings(deadline=None, max_examples=20)
    @given(EFFECTS)
    def test_equal_effects_give_equal_bytes(self, effects):
        assert infer(effects, 0.1) == infer(effects.copy(), 0.1)

    @settings(deadline=None, max_examples=20)
    @given(EFFECTS, st.sampled_from([2.0**-3, 2.0, 2.0**5]))
    def test_the_unit_does_not_matter(self, effects, factor):
        found, scaled = infer(effects, 0.125), infer(effects * factor, 0.125 * factor)
        ends = "effect", "lower", "upper"
        assert scaled == found._replace(**{end: factor * getattr(found, end) for end in ends})

    @settings(deadline=None, max_examples=20)
    @given(EFFECTS)
    def test_interval_and_tost_agree(self, effects):
        found = infer(effects, 0.1)
        assert found.lower <= found.upper
        within = found.lower > -0.1 and found.upper < 0.1
        assert within == (found.tost_p <= LEVEL / 2)
        assert 1 / (1 + RESAMPLES) <= found.tost_p <= 1
        assert found.fraction == np.mean(effects > 0.1)

    @settings(deadline=None, max_examples=20)
    @given(EFFECTS)
    def test_mirrored_effects(self, effects):
        found, mirrored = infer(effects, 0.1), infer(-effects, 0.1)
        assert mirrored.lower == pytest.approx(-found.upper, abs=1e-12)
        assert mirrored.tost_p == found.tost_p
        assert infer(-effects, 0.1, two_sided=True).p == pytest.approx(infer(effects, 0.1, two_sided=True).p)


def holms_procedure(p: list[float], level: float) -> list[bool]:
    """Reject the smallest p-values one after the other, as long as p ≤ level / number of those left."""
    rejected = [False] * len(p)
    for step, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[place] > level / (len(p) - step):
            break
        rejected[place] = True
    return rejected


class TestHolm:
    @given(st.lists(st.integers(1, 1000), min_size=1, max_size=8), st.floats(0.0005, 0.9995))
    def test_corrected_p_is_the_level_at_which_holm_rejects(self, thousandths, level):
        p = [each / 1000 for each in thousandths]
        corrected = holm(pd.Series(p))
        clear = (corrected - level).abs() > 1e-9
        assert (corrected <= level)[clear].tolist() == pd.Series(holms_procedure(p, level))[clear].tolist()

    def test_what_is_no_test_counts_not(self):
        assert holm(pd.Series([np.nan, 0.01, np.nan])).tolist()[1] == 0.01
        assert holm(pd.Series([np.nan, np.nan])).isna().all()
        assert holm(pd.Series([0.6, 0.7])).tolist() == [1, 1]


def status_of(**values) -> str:
    cell = {
        "saturated": False,
        "two_sided": False,
        "margin": 0.1,
        "corrected_p": 0.01,
        "corrected_tost_p": 0.5,
    }
    (status,) = statuses(pd.DataFrame([cell | values]))
    return status


class TestStatuses:
    def test_shows_beyond_the_margin_and_significant(self):
        assert status_of(lower=0.11, upper=0.3) == "shows"
        assert status_of(lower=0.09, upper=0.3) == "open"
        assert status_of(lower=0.11, upper=0.3, corrected_p=0.05) == "open"
        assert status_of(lower=-0.3, upper=-0.11) == "open"
        assert status_of(lower=-0.3, upper=-0.11, two_sided=True) == "shows"
        assert status_of(lower=-0.3, upper=0.3, two_sided=True) == "open"
        assert status_of(lower=-0.3, upper=0.05, two_sided=True) == "open"

    def test_lacks_within_the_margin_and_equivalent(self):
        assert status_of(lower=-0.09, upper=0.09, corrected_tost_p=0.01) == "lacks"
        assert status_of(lower=-0.09, upper=0.11, corrected_tost_p=0.01) == "open"
        assert status_of(lower=-0.11, upper=0.09, corrected_tost_p=0.01) == "open"
        assert status_of(lower=-0.09, upper=0.09, corrected_tost_p=0.05) == "open"

    def test_an_interval_that_reaches_the_margin_is_neither_beyond_it_nor_within(self):
        assert status_of(lower=0.1, upper=0.3) == "open"
        assert status_of(lower=-0.3, upper=-0.1, two_sided=True) == "open"
        assert status_of(lower=-0.09, upper=0.1, corrected_tost_p=0.01) == "open"
        assert status_of(lower=-0.1, upper=0.09, corrected_tost_p=0.01) == "open"

    def test_an_effect_that_is_there_and_small_is_absent(self):
        assert status_of(lower=0.02, upper=0.03, corrected_p=1e-9, corrected_tost_p=1e-4) == "lacks"

    def test_saturated_whatever_else(self):
        assert status_of(lower=0.11, upper=0.3, saturated=True) == "saturated"

    def test_without_a_test_it_is_open(self):
        nothing = dict.fromkeys(("lower", "upper", "corrected_p", "corrected_tost_p"), np.nan)
        assert status_of(**nothing) == "open"


# A tenth of the samples hold none of the runs that drag the mean down
WITHOUT_THE_RARE = [("all but a fifth", 10)]
# Elsewhere too few runs decide the mean, or the half of the runs that chooses a peak may not compress
LACKS_RARELY = [("alike", 20), ("alike", 50), *product(["half"], RUNS), ("a fifth", 50)]
LACKS_RARELY += [("all but a fifth", 20), ("all but a fifth", 50)]


def allowed(rate: float, studies: int) -> float:
    """What is exceeded by one of a thousand samples if the true rate is this."""
    share: float = binom.ppf(0.999, studies, rate) / studies
    return share


class TestErrorRates:
    def test_populations_deviate_from_their_mean_by_nothing(self):
        random = np.random.default_rng(0)
        for deviation in POPULATIONS.values():
            low, high = ttest_1samp(deviation(random, (1000, 100)).ravel(), 0).confidence_interval(0.9999)
            assert low < 0 < high

    def test_curves_compress_by_what_was_put_in(self):
        compression = np.linspace(0, 2, 400).repeat(10).reshape(-1, 10)
        error = measured(curves(np.random.default_rng(0), compression)) - compression
        assert abs(error.mean()) < 0.003 and error.std() < 0.1

    @pytest.mark.parametrize(("population", "runs"), [("alike", 20), ("half", 20), ("a fifth", 50)])
    def test_at_the_margin(self, population, runs):
        found = rates(population, MARGIN, runs, 200, from_curves=True)
        assert found.shows <= allowed(LEVEL, 200)
        assert found.lacks <= allowed(LEVEL, 200)
        assert 1 - found.covers <= allowed(2 * LEVEL, 200)

    @pytest.mark.slow
    @pytest.mark.parametrize(("population", "runs"), [*product(POPULATIONS, RUNS)])
    def test_everywhere(self, population, runs):
        none, margin = (rates(population, mean, runs, 500, from_curves=True) for mean in (0, MARGIN))
        assert none.shows <= allowed(LEVEL, 500)
        assert margin.shows <= allowed(LEVEL, 500) or (population, runs) in WITHOUT_THE_RARE
        assert margin.lacks <= allowed(LEVEL, 500) or (population, runs) not in LACKS_RARELY

    def test_what_is_there_is_found(self):
        assert rates("alike", 3 * MARGIN, 20, 100, from_curves=True).shows > 0.9
        assert rates("alike", 0, 20, 100, from_curves=True).lacks > 0.8

    @pytest.mark.parametrize(
        ("table", "rows"), [([], 2 * len(POPULATIONS)), (["intervals"], len(POPULATIONS))]
    )
    def test_command(self, table, rows):
        command = [sys.executable, Path(__file__).parent / "error_rates.py", *table, "3", "5"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        assert len(result.stdout.splitlines()) == 2 + rows
