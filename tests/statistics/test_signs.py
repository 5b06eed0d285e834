"""Agreement with the exact value is counted run by run and layer by layer."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from observations import FLOAT32, RUNS, TANH, seen
from phase_files import write_phases
from scipy.stats import binomtest

from infoplane.config import EstimatorSpec
from infoplane.statistics.joins import join_signs
from infoplane.statistics.signs import COLUMNS, interval_of_runs, signs

COUNTS = ["k", "n", "both", "neither", "estimate_only", "exact_only"]


def row(table: pd.DataFrame, **names) -> pd.Series:
    """The one row of these names."""
    (found,) = table[np.logical_and.reduce([table[key] == its for key, its in names.items()])].to_dict(
        "records"
    )
    return pd.Series(found)


def test_runs_are_counted_by_what_both_say():
    """Of 20 runs the first 12 compress by the exact value, and the first 5 by the estimate."""
    told = signs([seen("relu", "exact", (12, 20)), seen("relu", "wide", (5, 20))])
    assert [*told.columns] == COLUMNS
    first = row(told, experiment="relu", layer=1)
    assert first[COUNTS].tolist() == [13, RUNS, 5, 8, 0, 7]
    ends = binomtest(13, RUNS).proportion_ci(method="exact")
    assert (first["lower"], first["upper"]) == pytest.approx((ends.low, ends.high))
    assert row(told, experiment="relu", layer=2)[COUNTS].tolist() == [RUNS, RUNS, 20, 0, 0, 0]
    assert row(told, experiment="relu", layer=0)[COUNTS].tolist() == [33, 40, 25, 8, 0, 7]
    assert (told["against"] == "exact").all() and (told["estimator"] == "wide").all()


def test_experiments_are_taken_together_by_their_bits():
    study = [
        *(seen("relu", by, (k, 0)) for by, k in (("exact", 20), ("wide", 20), ("fine", 0))),
        *(seen("float", by, (k, 0), **FLOAT32, **TANH) for by, k in (("exact", 20), ("wide", 10))),
    ]
    together = signs(study).query("experiment == ''").set_index(["estimator", "bits"])
    assert together["k"].to_dict() == {
        ("wide", "quantized"): 40,
        ("wide", "float32"): 30,
        ("wide", "all"): 70,
        ("fine", "quantized"): 20,
        ("fine", "all"): 20,
    }
    assert (together["layer"] == 0).all() and (together["activation"] == "all").all()


def test_estimates_at_a_few_epochs_are_compared_with_the_exact_value_at_these():
    at_few = EstimatorSpec(kind="exact", epochs=32)
    few = replace(seen("relu", "exact", (0, 0)), estimator="exact-32", seen_by=at_few)
    estimate = seen("relu", "wide", (0, 0))
    estimate = replace(estimate, seen_by=estimate.seen_by.model_copy(update={"epochs": 32}))
    exact = seen("relu", "exact", (20, 20))
    told = signs([exact, few, estimate])
    assert set(told["against"]) == {"exact-32"} and (told["k"] == told["n"]).all()
    assert signs([exact, estimate]).empty


def test_runs_without_a_measure_count_nowhere():
    exact, estimate = seen("relu", "exact", (20, 20)), seen("relu", "wide", (20, 20))
    estimate.phases["compresses"] = estimate.phases["compresses"].astype("boolean")
    estimate.phases.loc[estimate.phases["repetition"] < 3, "compresses"] = pd.NA
    assert row(signs([exact, estimate]), experiment="relu", layer=1)["n"] == RUNS - 3


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_interval_holds_the_share_and_is_that_of_clopper_and_pearson_where_layers_agree(counts):
    runs = pd.DataFrame(
        [
            {"experiment": "a", "repetition": number, "agree": layer < count}
            for number, count in enumerate(counts)
            for layer in range(4)
        ]
    )
    lower, upper = interval_of_runs(runs)
    assert 0 <= lower <= runs["agree"].mean() <= upper <= 1
    whole = [4 * (count > 1) for count in counts]
    runs["agree"] = np.repeat(np.array(whole) > 0, 4)
    ends = binomtest(sum(map(bool, whole)), len(whole)).proportion_ci(method="exact")
    assert interval_of_runs(runs) == pytest.approx((ends.low, ends.high), abs=1e-9)


def test_no_runs_have_no_interval():
    assert np.isnan(interval_of_runs(pd.DataFrame({"experiment": [], "repetition": [], "agree": []}))).all()


def test_the_joined_table_is_that_of_the_files(tmp_path):
    study = [seen("relu", "exact", (12, 20)), seen("relu", "wide", (5, 20))]
    join_signs(dict(write_phases(tmp_path, one) for one in study), tmp_path / "signs.csv")
    found = pd.read_csv(tmp_path / "signs.csv", keep_default_na=False)
    assert found[COUNTS].to_numpy().tolist() == signs(study)[COUNTS].to_numpy().tolist()
