"""Correlations within settings know nothing of what differs between settings, and those over settings do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from infoplane.artifacts import describe, write_table
from infoplane.config import TrainingSpec
from infoplane.statistics.joins import join_settings
from infoplane.statistics.settings import (
    COLUMNS,
    Setting,
    correlate_strata,
    over_settings,
    setting_correlations,
)
from infoplane.statistics.tradeoff import correlate

TRAINING = {"dataset": "synthetic", "network": "shwartz-ziv", "bits": 8, "epochs": 100, "record_every": 5}
GENERATOR = np.random.default_rng(0)


def setting(name: str, level: float, slope: float, activation: str = "relu", runs: int = 8) -> Setting:
    """Runs whose accuracy goes with their compression by a slope, around a level of both."""
    frames = []
    for layer in (1, 2, 3):
        x = GENERATOR.normal(size=runs)
        accuracy = level + slope * x
        frames.append(
            pd.DataFrame(
                {"repetition": range(runs), "layer": layer, "compression": 10 * level + x}
                | {"test_accuracy": accuracy, "gap": -accuracy, "bad_fit": False}
            )
        )
    spec = TrainingSpec(**TRAINING, activation=activation)
    return Setting(name, "exact", spec, pd.concat(frames, ignore_index=True))


def test_seeds_and_settings_are_told_apart():
    """Within each setting accuracy falls with compression, and over settings it rises."""
    told = setting_correlations([setting(f"s{place}", place, -0.01) for place in range(7)])
    assert [*told.columns] == COLUMNS
    accuracy = told[(told["layer"] == "last hidden") & (told["against"] == "test_accuracy")]
    by = accuracy.set_index("scope")
    assert by.loc["seeds", ["settings", "runs", "rho"]].tolist() == pytest.approx([7, 56, -1])
    assert by.loc["settings", ["settings", "runs", "rho"]].tolist() == pytest.approx([7, 56, 1])
    assert by.loc["runs", "rho"].tolist() == pytest.approx([-1] * 7)
    gap = told[told["against"] == "gap"].set_index("scope")
    assert gap.loc["seeds", "rho"].tolist() == pytest.approx([1, 1])


def test_activation_functions_are_kept_apart():
    settings = [setting("a", 0, 1), setting("b", 1, 1, "tanh"), setting("c", 2, 1, "tanh")]
    told = setting_correlations(settings).query("scope == 'seeds'")
    assert told.groupby("activation")["settings"].unique().map(list).to_dict() == {"relu": [1], "tanh": [2]}


strata = st.lists(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=8), min_size=1, max_size=4
)


@given(strata, st.integers(-9, 9), st.integers(-9, 9))
def test_the_mean_of_correlations_is_of_ranks_within_strata(pairs, first, second):
    """By SciPy, weighted by the pairs; and no stratum's own level matters."""
    arrays = [tuple(np.array(each, dtype=float).T) for each in pairs]
    found = correlate_strata(arrays)
    assert found.runs == sum(map(len, pairs))
    defined = [(x, y) for x, y in arrays if np.ptp(x) and np.ptp(y)]
    if not defined:
        assert np.isnan(found.rho)
        return
    own = [spearmanr(x, y).statistic for x, y in defined]
    assert found.rho == pytest.approx(np.average(own, weights=[len(x) for x, _ in defined]))
    shifted = [(x + first * place, y + second * place) for place, (x, y) in enumerate(arrays)]
    assert correlate_strata(shifted) == pytest.approx(found, nan_ok=True)
    if found.runs >= 5:
        assert -1 <= found.lower <= found.upper <= 1


def test_one_stratum_is_the_correlation_of_its_pairs():
    x, y = GENERATOR.normal(size=(2, 30))
    found, expected = correlate_strata([(x, y)]), correlate(pd.Series(x), pd.Series(y))
    assert found.rho == pytest.approx(expected.rho)
    # Two samples of 1999 resamples each: their quantiles differ by a few hundredths
    assert found[2:] == pytest.approx(expected[2:], abs=0.1)


def test_the_same_runs_in_several_strata_are_no_more_evidence():
    x, y = GENERATOR.normal(size=(2, 20))
    once, often = correlate_strata([(x, y)]), correlate_strata([(x, y), (x + 1, y), (x, 2 * y)])
    assert often[1:] == pytest.approx(once[1:]) and often.runs == 3 * once.runs


def test_over_settings_the_means_are_correlated():
    arrays = [(np.array([0.0, 2.0]), np.array([level, level])) for level in (3.0, 1.0)]
    assert np.isnan(over_settings(arrays).rho)
    arrays[1] = np.array([4.0, 8.0]), arrays[1][1]
    assert over_settings(arrays) == pytest.approx((2, -1, np.nan, np.nan), nan_ok=True)


def test_the_joined_table_is_that_of_the_files(tmp_path):
    settings = [setting(f"s{place}", place, -0.01) for place in range(5)]
    paths = {}
    for one in settings:
        path = paths[one.experiment, "exact"] = tmp_path / f"{one.experiment}.parquet"
        told = {"training": one.training.differences(), "estimator": {"kind": "exact"}}
        write_table(path, one.runs, describe("tradeoff", told))
    join_settings(paths, tmp_path / "settings.csv")
    found = pd.read_csv(tmp_path / "settings.csv", keep_default_na=False)
    assert found["rho"].astype(float).tolist() == pytest.approx(
        setting_correlations(settings)["rho"].tolist(), abs=1e-5
    )
    assert set(found["experiment"]) == {"", *(one.experiment for one in settings)}
