"""Reliability of exact values, against plain loops and against exact information."""

from collections import Counter
from dataclasses import replace
from functools import cache
from math import log2

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_networks import DATASET, KEYS, NETWORKS, last_codes, of_last_snapshot, trained

from infoplane import EstimatorSpec, estimate, exact_information
from infoplane.artifacts import read_table
from infoplane.cli import main
from infoplane.datasets import save_dataset
from infoplane.information.corrections import ENTROPIES
from infoplane.information.reliability import estimates, reliability, subsamples
from infoplane.kernels.counting import number_columns
from infoplane.networks.inputs import network_labels
from infoplane.trajectory import save_trajectory


@cache
def reliability_of(name: str) -> pd.DataFrame:
    return reliability(trained(name), DATASET)


@pytest.mark.parametrize("name", NETWORKS)
class TestReliability:
    def test_plug_in_on_all_inputs_is_the_exact_value(self, name):
        exact = estimate(EstimatorSpec(kind="exact"), trained(name), DATASET).query("part == 'main'")
        plug_in = reliability_of(name).query("sample == 200 and estimator == 'plug-in'")
        both = exact.merge(plug_in, on=KEYS, suffixes=("", "_found"))
        assert len(both) == len(exact) == len(plug_in) == 2 * 4 * 4
        for value in ("h_t", "i_ty"):
            np.testing.assert_allclose(both[f"{value}_found"], both[value], rtol=0, atol=1e-12)
        assert (both["distinct_found"] == both["distinct"]).all()

    def test_subsamples_are_counted_as_by_hand(self, name):
        labels = network_labels(trained(name).spec, DATASET, 3)
        table = of_last_snapshot(reliability_of(name)).set_index(["layer", "sample", "estimator"])
        for layer, codes in enumerate(last_codes(trained(name)), 1):
            for places in subsamples(200):
                t = [tuple(codes[place]) for place in places]
                y = labels[places].tolist()
                both = list(zip(t, y, strict=True))
                for estimator, entropy in ENTROPIES.items():
                    h_t, h_y, h_both = (entropy(np.array([*Counter(seen).values()])) for seen in (t, y, both))
                    row = table.loc[(layer, len(places), estimator)]
                    assert row["h_t"] == pytest.approx(h_t, abs=1e-12)
                    assert row["i_ty"] == pytest.approx(h_t + h_y - h_both, abs=1e-12)
                    assert row["distinct"] == len(set(t))

    def test_a_repetition_that_failed_is_missing_and_others_are_not(self, name):
        trajectory = trained(name)
        parameters = trajectory.parameters.copy()
        parameters[0, -1, 0] = np.nan
        table = reliability(replace(trajectory, parameters=parameters), DATASET)
        failed = (table["repetition"] == 0) & (table["epoch"] == 6)
        assert table.loc[failed, ["h_t", "i_ty"]].isna().all(axis=None)
        assert (table.loc[failed, "distinct"] == 0).all()
        pd.testing.assert_frame_equal(table[~failed], reliability_of(name)[~failed])


@pytest.mark.parametrize("count", [8, 200, 4096, 70_000])
def test_subsamples_are_nested_and_without_repeats(count):
    everything, *fewer = subsamples(count)
    assert np.array_equal(np.sort(everything), np.arange(count))
    for divisor, places in zip((2, 4, 8), fewer, strict=True):
        assert len(places) == count // divisor
        assert np.array_equal(places, everything[: count // divisor])
    assert np.array_equal(everything, subsamples(count)[0])
    assert not np.array_equal(everything, np.arange(count))


@given(
    codes=st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 2)), min_size=1, max_size=60),
    classes=st.integers(1, 4),
    random=st.randoms(use_true_random=False),
)
def test_bounds_and_the_exact_value_hold_for_any_codes(codes, classes, random):
    columns = np.array(codes, dtype=np.int64).T.copy()
    labels = np.array([random.randrange(classes) for _ in codes])
    plug_in, miller_madow, chao_shen = estimates(number_columns(columns)[0], labels)
    exact = exact_information(columns.T, labels)
    assert plug_in == pytest.approx([float(exact.h_t), float(exact.i_ty), int(exact.distinct)], abs=1e-12)
    assert -1e-12 <= plug_in[1] <= min(plug_in[0], log2(classes)) + 1e-12
    assert plug_in[0] <= log2(len(codes)) + 1e-12
    assert plug_in[0] - 1e-12 <= miller_madow[0] <= plug_in[0] + 1 / (2 * np.log(2))
    assert np.isfinite(chao_shen).all() and chao_shen[0] >= -1e-12
    assert plug_in[2] == miller_madow[2] == chao_shen[2] == len(set(codes))


def test_file(tmp_path, capsys):
    trajectory = trained("relu")
    save_dataset(tmp_path / "data.npz", DATASET)
    save_trajectory(tmp_path / "t.safetensors", replace(trajectory, dataset=DATASET.description))
    save_trajectory(tmp_path / "other.safetensors", replace(trajectory, dataset={"name": "other"}))
    files = ["--dataset", f"{tmp_path}/data.npz", "--output", f"{tmp_path}/table.parquet"]
    assert main(["reliability", *files, "--trajectory", f"{tmp_path}/t.safetensors"]) == 0
    table, description = read_table(tmp_path / "table.parquet", "reliability")
    pd.testing.assert_frame_equal(table, reliability_of("relu"))
    assert description["spec"] == {"training": trajectory.spec.differences()}
    assert description["repetitions"] == [0, 3] and description["dataset"] == DATASET.description
    capsys.readouterr()
    assert main(["reliability", *files, "--trajectory", f"{tmp_path}/other.safetensors"]) == 1
    assert "other.safetensors: the data set it was trained on is" in capsys.readouterr().err
