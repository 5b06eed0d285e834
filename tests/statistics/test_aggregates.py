"""Aggregates are what a hand would compute, and bad fits those that the definition names."""

import numpy as np
import pandas as pd
import pytest
import simulation
from pandas.testing import assert_frame_equal
from scipy.stats import ttest_1samp

from infoplane.statistics.aggregates import INFORMATION, aggregate, bad_fits, failures

KEYS = ["part", "epoch", "layer"]
FITS = pd.Series(dtype="boolean")


def fits(*bad: bool | None) -> pd.Series:
    return pd.Series(pd.array(bad, dtype="boolean"), name="bad_fit")


def table(i_xt) -> pd.DataFrame:
    """Rows of the curves (repetitions, epochs) of a single layer."""
    i_xt = np.asarray(i_xt, float)
    index = pd.MultiIndex.from_product(
        [range(len(i_xt)), range(-1, i_xt.shape[1] - 1)], names=["repetition", "epoch"]
    )
    return pd.DataFrame({"i_xt": i_xt.ravel()}, index).reset_index().assign(part="main", layer=1)


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
        assert bad_fits(failed, failures(failed)).tolist() == [False, pd.NA]

    def test_of_recorded_runs_the_last_accuracy_that_was_given_counts(self):
        history = simulation.history(range(3), 1000)
        history.loc[history["epoch"] % 10 != 0, ["test_accuracy", "loss"]] = np.nan
        history.loc[history["epoch"] > 990, "train_accuracy"] = np.nan
        history.loc[history["repetition"] == 1, "train_accuracy"] *= 0.5
        history.loc[history["repetition"] == 2, "train_accuracy"] = np.nan
        assert bad_fits(history).tolist() == [False, True, pd.NA]

    def test_a_prefit_part_does_not_count(self):
        prefit = simulation.fit_badly(simulation.history(range(1), 1000), 0).assign(part="prefit")
        assert bad_fits(pd.concat([prefit, simulation.history(range(1), 1000)])).tolist() == [False]
