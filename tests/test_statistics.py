"""Aggregates and phases are what a hand would compute, on curves whose phases were put in."""

import time

import numpy as np
import pandas as pd
import pytest
import simulation
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pandas.testing import assert_frame_equal
from scipy.stats import ttest_1samp

from infoplane.statistics.aggregates import ACCURACIES, INFORMATION, aggregate, bad_fits, failures
from infoplane.statistics.phases import best_division, phases

KEYS = ["part", "epoch", "layer"]
FITS = pd.Series(dtype="boolean")


def fits(*bad: bool | None) -> pd.Series:
    return pd.Series(pd.array(bad, dtype="boolean"), name="bad_fit")


def table(i_xt, i_ty=None, h_t=None, epochs=None) -> pd.DataFrame:
    """Rows of the curves (repetitions, epochs) of a single layer."""
    i_xt = np.asarray(i_xt, float)
    epochs = range(-1, i_xt.shape[1] - 1) if epochs is None else epochs
    index = pd.MultiIndex.from_product([range(len(i_xt)), epochs], names=["repetition", "epoch"])
    values = {"i_xt": i_xt, "i_ty": i_xt if i_ty is None else i_ty, "h_t": i_xt if h_t is None else h_t}
    columns = {name: np.asarray(value, float).ravel() for name, value in values.items()}
    return pd.DataFrame(columns, index).reset_index().assign(part="main", layer=1)


def measured(i_xt, i_ty=None, h_t=None, inputs=4096, failed=(), bad=FITS) -> pd.DataFrame:
    return phases(table(i_xt, i_ty, h_t), inputs, failed, bad)


class TestAggregates:
    def test_by_hand(self):
        rows = table([[1], [2], [6]])
        (row,) = aggregate(rows, KEYS, ["i_xt"], [], fits(None, None, None)).to_dict("records")
        assert (row["part"], row["epoch"], row["layer"]) == ("main", -1, 1)
        assert (row["quantity"], row["runs"], row["count"]) == ("i_xt", "all", 3)
        assert row["mean"] == 3
        assert row["std"] == pytest.approx(np.sqrt(7), rel=1e-15)
        # the quantile of t with two degrees of freedom is (2p - 1) √(2 / (1 - (2p - 1)²))
        assert row["upper"] - 3 == pytest.approx(
            0.95 * np.sqrt(2 / (1 - 0.95**2)) * np.sqrt(7 / 3), rel=1e-12
        )
        assert 3 - row["lower"] == pytest.approx(row["upper"] - 3)

    @pytest.mark.parametrize("count", [2, 3, 50])
    def test_interval_is_scipys(self, count):
        values = np.random.default_rng(count).standard_normal((count, 3))
        means = aggregate(table(values), KEYS, ["i_xt"], [], FITS)
        interval = ttest_1samp(values, 0).confidence_interval(0.95)
        np.testing.assert_allclose(means["lower"], interval.low, rtol=1e-12)
        np.testing.assert_allclose(means["upper"], interval.high, rtol=1e-12)

    def test_covers_the_mean_as_often_as_it_says(self):
        rows = table(np.random.default_rng(0).standard_normal((5, 20_000)))
        means = aggregate(rows, KEYS, ["i_xt"], [], FITS)
        covered = ((means["lower"] < 0) & (means["upper"] > 0)).mean()
        assert covered == pytest.approx(0.95, abs=0.005)

    def test_without_bad_fits(self):
        means = aggregate(table([[1], [2], [6]]), KEYS, ["i_xt"], [], fits(False, True, False))
        assert means.set_index("runs")["mean"].to_dict() == {"all": 3, "good-fit": 3.5}
        assert means.set_index("runs")["count"].to_dict() == {"all": 3, "good-fit": 2}

    def test_a_failed_repetition_counts_at_no_epoch(self):
        rows = table([[1, 1], [2, 2], [6, np.nan]])
        means = aggregate(rows, KEYS, ["i_xt"], failures(rows), fits(False, False, None))
        assert means["mean"].tolist() == [1.5] * 4
        assert means["count"].tolist() == [2] * 4

    def test_one_repetition_has_a_mean_and_no_spread(self):
        (row,) = aggregate(table([[1]]), KEYS, ["i_xt"], [], FITS).to_dict("records")
        assert (row["mean"], row["count"]) == (1, 1)
        assert np.isnan([row["std"], row["lower"], row["upper"]]).all()

    def test_no_repetition_left(self):
        means = aggregate(table([[np.nan]]), KEYS, ["i_xt"], [0], fits(None))
        assert means.empty and list(means.columns[:3]) == KEYS

    def test_rows_are_numbered_and_quantities_in_their_order(self):
        rows = simulation.information(range(3), 10, 5)
        means = aggregate(rows, KEYS, INFORMATION, [], fits(False, True, False))
        assert means["quantity"].tolist() == len(means) // len(INFORMATION) * INFORMATION
        assert means.index.equals(pd.RangeIndex(len(means)))
        assert means["count"].dtype == "int32"

    def test_parts_stay_apart(self):
        rows = pd.concat([table([[1], [3]]), table([[5], [7]]).assign(part="prefit")])
        means = aggregate(rows, KEYS, ["i_xt"], [], FITS)
        assert means.set_index("part")["mean"].to_dict() == {"main": 2, "prefit": 6}

    def test_order_of_rows_changes_no_bit(self):
        rows = simulation.information(range(7), 200, 5)
        shuffled = rows.sample(frac=1, random_state=0)
        first, second = (aggregate(frame, KEYS, INFORMATION, [], FITS) for frame in (rows, shuffled))
        assert_frame_equal(first, second, check_exact=True)


class TestBadFits:
    def test_threshold(self):
        history = simulation.history(range(3), 1000)
        last = history["epoch"] == 999
        history.loc[last, "train_accuracy"] = [0.549, 0.55, 0.9]
        assert bad_fits(history).tolist() == [True, False, False]
        assert bad_fits(history).name == "bad_fit"

    def test_only_the_last_epoch_counts(self):
        history = simulation.history(range(1), 1000)
        history.loc[history["epoch"] == 998, "train_accuracy"] = 0.5
        assert bad_fits(history).tolist() == [False]

    def test_undefined_below_1000_epochs_and_of_failed_repetitions(self):
        assert bad_fits(simulation.history(range(2), 999)).isna().all()
        failed = simulation.fail(simulation.history(range(2), 1000), 1, 500)
        assert failures(failed) == [1]
        assert bad_fits(failed).tolist() == [False, pd.NA]

    def test_a_prefit_part_does_not_count(self):
        prefit = simulation.fit_badly(simulation.history(range(1), 1000), 0).assign(part="prefit")
        assert bad_fits(pd.concat([prefit, simulation.history(range(1), 1000)])).tolist() == [False]


class TestPhases:
    def test_peaks_are_those_of_the_other_half(self):
        even, odd = [0, 0, 5, 1, 1], [0, 3, 0, 1, 1]
        result = measured([even, odd, even, odd])
        assert result["compression_peak_epoch"].tolist() == [0, 1, 0, 1]
        assert result["fitting_peak_epoch"].tolist() == [0, 1, 0, 1]
        # an even run at the odd run's peak, less its own last epoch; the odd run likewise
        assert result["compression"].tolist() == [-1, -1, -1, -1]
        assert result["fitting"].tolist() == [0, 0, 0, 0]

    def test_by_hand(self):
        i_xt = np.r_[8, 9, 11, 10, 9.5, np.full(34, 9.0), 8.8]
        i_ty = np.r_[0.1, 0.105, 0.3, 0.9, 0.8, np.full(35, 0.85)]
        result = measured([i_xt, i_xt], [i_ty, i_ty])
        assert result["compression_peak_epoch"].tolist() == [1, 1]
        assert result["fitting_peak_epoch"].tolist() == [2, 2]
        # of 40 recorded epochs the last two are the last 5 %
        np.testing.assert_allclose(result["compression"], 11 - (9.0 + 8.8) / 2)
        np.testing.assert_allclose(result["fitting"], 0.9 - 0.1)
        assert result["compression_onset"].tolist() == [2, 2]
        assert result["fitting_onset"].tolist() == [1, 1]
        assert result["compresses"].all()

    def test_cross_fitting_is_unbiased_where_a_runs_own_peak_is_not(self):
        noise = np.random.default_rng(0).standard_normal((400, 200))
        own = noise.max(1) - noise[:, -10:].mean(1)
        crossed = measured(noise)
        assert own.mean() > 2.5
        for phase in ("compression", "fitting"):
            low, high = ttest_1samp(crossed[phase], 0).confidence_interval(0.999)
            assert low < 0 < high and high - low < 0.5

    def test_recovers_the_compression_that_was_put_in(self):
        random = np.random.default_rng(0)
        course = np.interp(np.arange(400), [0, 100, 300, 400], [9, 11, 10, 10])
        result = measured(course + 0.05 * random.standard_normal((50, 400)))
        assert result["compression"].mean() == pytest.approx(1, abs=0.03)
        assert result["compresses"].all()
        assert result["compression_peak_epoch"].between(90, 110).all()
        # 0.1 bit below the top is reached a tenth of the way down, 20 epochs after the peak
        assert result["compression_onset"].median() == pytest.approx(119, abs=12)

    def test_curves_that_only_rise_do_not_compress(self):
        rise = np.linspace(0, 2, 100) + 0.01 * np.random.default_rng(0).standard_normal((10, 100))
        result = measured(rise)
        assert not result["compresses"].any()
        assert result["compression_onset"].isna().all()
        assert result["fitting_onset"].notna().all()

    def test_onsets_ignore_a_single_epoch(self):
        i_xt = np.full((2, 100), 10.0)
        i_xt[:, 5] = 11
        i_xt[:, 20] = 10.95
        i_xt[:, 6:20] = 10.98
        i_xt[:, 10] = 9
        i_xt[:, 60] = 11
        result = measured(i_xt)
        assert result["compression_peak_epoch"].tolist() == [4, 4]
        assert result["compression_onset"].tolist() == [20, 20]

    def test_onsets_are_beyond_the_margin_and_not_at_it(self):
        i_xt, i_ty = [0, 11, 11 - 0.1, 9, 9], [0, 0.01, 0.5, 1, 1]
        result = measured([i_xt] * 2, [i_ty] * 2)
        assert result["compression_onset"].tolist() == [2, 2]
        assert result["fitting_onset"].tolist() == [1, 1]

    def test_a_phase_that_equals_its_margin_is_none(self):
        result = measured([[0, 0.1, 0]] * 2, [[0, 0.01, 0]] * 2)
        assert result["compression"].tolist() == [0.1, 0.1] and not result["compresses"].any()
        assert result[["compression_onset", "fitting_onset"]].isna().all(axis=None)

    def test_epochs_are_whole_numbers_and_may_be_missing(self):
        types = measured([[0, 11, 9]] * 2).dtypes.astype(str)
        assert (types.filter(regex="(epoch|onset)$") == "Int32").all() and types["compresses"] == "boolean"

    @settings(deadline=None)
    @given(arrays(bool, 9), st.integers(0, 8))
    def test_an_onset_leaves_the_fewest_epochs_on_the_wrong_side(self, after, first):
        wrong = {start: after[first:start].sum() + (~after[start:]).sum() for start in range(first, 9)}
        assert best_division(after, np.arange(9) >= first).item() == min(wrong, key=wrong.__getitem__)

    def test_fitting_may_begin_at_its_peak(self):
        assert measured([[0, 0, 0, 1, 0.5]] * 2)["fitting_onset"].tolist() == [2, 2]

    @settings(deadline=None)
    @given(arrays(float, (4, 30), elements=st.floats(0, 12)))
    def test_an_onset_is_there_where_the_phase_is(self, curves):
        result = measured(curves)
        compresses = result["compresses"].astype(bool)
        assert (result["compression_onset"].notna() == compresses).all()
        assert (result["fitting_onset"].notna() == (result["fitting"] > 0.01)).all()
        after = result[compresses]
        assert (after["compression_onset"] > after["compression_peak_epoch"]).all()
        before = result[result["fitting_onset"].notna()]
        assert (before["fitting_onset"] > -1).all()
        assert (before["fitting_onset"] <= before["fitting_peak_epoch"]).all()

    @settings(deadline=None)
    @given(arrays(float, (5, 20), elements=st.floats(0, 8, width=16)), st.integers(-4, 4))
    def test_a_constant_added_to_information_changes_no_phase(self, curves, constant):
        columns = ["fitting_peak_epoch", "compression_peak_epoch"]
        first, second = measured(curves), measured(curves + constant)
        assert_frame_equal(first[columns], second[columns])
        np.testing.assert_allclose(first["compression"], second["compression"], atol=1e-12)
        np.testing.assert_allclose(first["fitting"], second["fitting"], atol=1e-12)

    def test_one_repetition_has_no_other_half(self):
        result = measured([[1, 2, 1]])
        measures = result.drop(columns=["repetition", "layer", "saturated", "failed", "bad_fit"])
        assert len(result) == 1 and measures.shape[1] == 7 and measures.isna().all(axis=None)
        assert not result["failed"].any()

    @pytest.mark.parametrize("remainder", [0, 1])
    def test_repetitions_that_are_all_even_or_all_odd_have_no_other_half(self, remainder):
        rows = table([[1, 2, 1]] * 4)
        rows = rows[rows["repetition"] % 2 == remainder]
        assert phases(rows, 4096, [], FITS)["fitting"].isna().all()

    def test_each_run_is_compared_with_its_own_end(self):
        assert measured([[0, 3, 1], [0, 3, 2]])["compression"].tolist() == [2, 1]

    def test_of_few_recorded_epochs_the_last_one_is_the_end(self):
        assert measured([[0, 2, 1.75, 1]] * 2)["compression"].tolist() == [1, 1]

    def test_a_failed_repetition_is_marked_and_chooses_no_peak(self):
        curves = np.random.default_rng(0).random((5, 40))
        broken = curves.copy()
        broken[2, 30:] = np.nan
        bad = fits(False, False, None, True, False)
        result = measured(broken, failed=[2], bad=bad)
        assert result["failed"].tolist() == [False, False, True, False, False]
        assert result["bad_fit"].tolist() == [False, False, pd.NA, True, False]
        assert result.loc[2, ["fitting", "compression", "compresses"]].isna().all()
        rows = table(curves)
        without = phases(rows[rows["repetition"] != 2], 4096, [], bad)
        assert_frame_equal(result.drop(index=2).reset_index(drop=True), without)

    def test_saturated_is_every_epoch_of_every_repetition(self):
        h_t = np.full((3, 10), 12.0)
        assert measured(h_t)["saturated"].tolist() == [True] * 3
        h_t[1, 4] = 12 - 0.01
        assert measured(h_t)["saturated"].tolist() == [True] * 3
        h_t[1, 4] = 11.9901
        assert measured(h_t).saturated.all()
        h_t[1, 4] = 11.9899
        assert measured(h_t)["saturated"].tolist() == [False] * 3
        assert measured(h_t, failed=[1]).saturated.all()
        assert not measured(h_t, failed=[0, 1, 2]).saturated.any()

    def test_a_prefit_part_changes_nothing(self):
        curves = np.random.default_rng(0).random((4, 40))
        main, prefit = table(curves), table(9 - curves).assign(part="prefit")
        assert_frame_equal(phases(pd.concat([prefit, main]), 4096, [], FITS), phases(main, 4096, [], FITS))

    def test_layers_have_peaks_of_their_own(self):
        first, second = table([[1, 3, 0], [1, 3, 0]]), table([[1, 0, 5], [1, 0, 5]]).assign(layer=2)
        result = phases(pd.concat([first, second]), 4096, [], FITS)
        assert result[["repetition", "layer"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
        assert result["compression_peak_epoch"].tolist() == [0, 1, 0, 1]


def test_paper_scale_takes_seconds():
    information = simulation.information(range(50), 8000, 5)
    history = simulation.history(range(50), 8000)
    start = time.process_time()
    bad = bad_fits(history)
    aggregate(information, KEYS, INFORMATION, [], bad)
    aggregate(history, ["part", "epoch"], ACCURACIES, [], bad)
    phases(information, 4096, [], bad)
    assert time.process_time() - start < 3
