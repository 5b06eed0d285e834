"""Rank correlations over runs agree with SciPy's, and count the runs that they should."""

import numpy as np
import pandas as pd
import pytest
import simulation
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from infoplane.artifacts import read_table
from infoplane.statistics.joins import join_correlations
from infoplane.statistics.prevalence import SEED
from infoplane.statistics.tables import summarise_information, summarise_tradeoff
from infoplane.statistics.tradeoff import correlate, correlations, tradeoff

RANDOM = np.random.default_rng(0)
PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=4)


@given(PAIRS)
def test_rho_is_that_of_scipy_with_ties_and_all(pairs):
    x, y = pd.DataFrame(pairs).to_numpy(float).T
    found = correlate(pd.Series(x), pd.Series(y))
    assert found.runs == len(x) and np.isnan(found.lower)
    if np.ptp(x) and np.ptp(y):
        assert found.rho == pytest.approx(spearmanr(x, y).statistic)
    else:
        assert np.isnan(found.rho)


def test_interval_is_that_of_resampled_runs():
    x = RANDOM.normal(size=30)
    y = x + RANDOM.normal(size=30)
    found = correlate(pd.Series(x), pd.Series(y))
    draws = np.random.default_rng(SEED).integers(0, 30, (1999, 30))
    resampled = [spearmanr(x[draw], y[draw]).statistic for draw in draws]
    np.testing.assert_allclose([found.lower, found.upper], np.quantile(resampled, [0.025, 0.975]))
    assert found.lower < found.rho < found.upper
    assert found == correlate(pd.Series(x), pd.Series(y))


@settings(max_examples=5)
@given(st.integers(5, 9))
def test_a_perfect_order_leaves_no_doubt(runs):
    x = pd.Series(np.arange(runs, dtype=float))
    np.testing.assert_allclose(correlate(x, np.exp(x)), [runs, 1, 1, 1])
    np.testing.assert_allclose(correlate(x, -x), [runs, -1, -1, -1])


def test_a_run_ends_where_both_accuracies_are_known():
    """As of recorded runs that were tested at some epochs only."""
    history = simulation.history(range(2), 1200)
    history.loc[history["epoch"] % 100 != 0, "test_accuracy"] = np.nan
    phases = pd.DataFrame({"repetition": [0, 1], "layer": 1, "compression": 1.0, "bad_fit": False})
    at_1100 = history[history["epoch"] == 1100].set_index("repetition")
    runs = tradeoff(phases, history).set_index("repetition")
    assert runs["test_accuracy"].equals(at_1100["test_accuracy"])
    assert runs["gap"].equals((at_1100["train_accuracy"] - at_1100["test_accuracy"]).rename("gap"))


@pytest.mark.filterwarnings("error")
def test_what_does_not_vary_has_no_correlation():
    x = pd.Series(np.arange(9.0))
    assert np.isnan(correlate(x, 0 * x)[1:]).all() and np.isnan(correlate(0 * x, x)[1:]).all()
    assert correlate(x[:0], x[:0]).runs == 0


@pytest.mark.filterwarnings("error")
def test_resamples_that_do_not_vary_are_left_out_without_a_word():
    x = pd.Series([0.0, 0, 0, 0, 1])
    assert correlate(x, x)[1:] == pytest.approx((1, 1, 1))


def test_runs_end_at_the_last_epoch_of_the_main_part_and_failed_ones_are_left_out():
    phases = pd.DataFrame(
        {"repetition": [2, 1, 0], "layer": 1, "compression": [np.nan, 0.2, 0.5], "bad_fit": False}
    )
    history = pd.DataFrame(
        {
            "repetition": [0, 0, 0, 1, 2],
            "part": ["prefit", "main", "main", "main", "main"],
            "epoch": [9, 0, 1, 1, 1],
            "train_accuracy": [0.1, 0.5, 0.9, np.nan, 0.8],
            "test_accuracy": [0.1, 0.4, 0.7, 0.6, 0.8],
        }
    )
    runs = tradeoff(phases, history)
    assert runs.columns.tolist() == ["repetition", "layer", "compression", "test_accuracy", "gap", "bad_fit"]
    assert runs.index.tolist() == [0]
    (run,) = runs.to_dict("records")
    assert (run["repetition"], run["compression"], run["test_accuracy"]) == (0, 0.5, 0.7)
    assert run["gap"] == pytest.approx(0.2)
    assert correlations(runs[:0]).columns.tolist() == ["layer", "against", "runs", "rho", "lower", "upper"]


def test_tables_of_an_experiment(tmp_path):
    history = simulation.fit_badly(simulation.history(range(8), 1200), 3)
    chunk = simulation.write_information(
        tmp_path / "i.parquet", simulation.information(range(8), 1200, 100), epochs=1200
    )
    trained = simulation.write_history(tmp_path / "h.parquet", history, epochs=1200)
    paths = {name: tmp_path / f"{name}.parquet" for name in ("a", "phases", "tradeoff", "correlations")}
    summarise_information([chunk], [trained], paths["a"], paths["phases"])
    summarise_tradeoff(paths["phases"], [trained], paths["tradeoff"], paths["correlations"])
    runs, known = read_table(paths["tradeoff"], "tradeoff")
    assert known["bad_fits"] == [3] and runs["bad_fit"].sum() == simulation.LAYERS
    last = history[history["epoch"] == 1199].set_index("repetition")
    own = runs[runs["layer"] == 6].set_index("repetition")
    pd.testing.assert_series_equal(own["test_accuracy"], last["test_accuracy"], check_index_type=False)
    found, _ = read_table(paths["correlations"], "correlations")
    pd.testing.assert_frame_equal(found, correlations(runs))
    expected = spearmanr(own["compression"], last["train_accuracy"] - last["test_accuracy"]).statistic
    assert found.set_index(["layer", "against"])["rho"][6, "gap"] == pytest.approx(expected)

    join_correlations({("relu", "exact"): paths["correlations"]}, tmp_path / "all.csv")
    joined = pd.read_csv(tmp_path / "all.csv")
    assert len(joined) == len(found) and set(joined["experiment"]) == {"relu"}
    np.testing.assert_allclose(joined["rho"], found["rho"], rtol=1e-5)
