"""Reliability and levels in use of trained networks, against plain loops and against exact information."""

from collections import Counter
from dataclasses import replace
from functools import cache
from math import log2

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import replayed, small_images

from infoplane import EstimatorSpec, TrainingSpec, Trajectory, estimate, exact_information, train
from infoplane.artifacts import read_table
from infoplane.cli import main
from infoplane.corrections import ENTROPIES
from infoplane.datasets import save_dataset
from infoplane.errors import UserError
from infoplane.kernels.counting import number_columns
from infoplane.levels import levels_in_use
from infoplane.networks import network_labels
from infoplane.reliability import estimates, reliability, subsamples
from infoplane.replay import replay
from infoplane.trajectory import save_trajectory

KEYS = ["repetition", "part", "epoch", "layer"]
DATASET = small_images((9, 8), count=200)
PLAIN = {
    "dataset": "small-images",
    "network": [{"conv": 2, "kernel": 3}, {"pool": 2}, 4],
    "epochs": 7,
    "record_every": 3,
    "learning_rate": 2e-2,
    "batch_size": 64,
}
NETWORKS = {
    "relu": {"activation": "relu", "bits": 8},
    "tanh": {"activation": "tanh", "bits": {"weights": 8, "activations": 3}, "prefit_epochs": 2},
    "controlled": {"activation": "relu", "bits": 4, "protocol": "controlled"},
    "labels": {"activation": "relu", "bits": 8, "labels": "shuffled"},
    "float32": {"activation": "tanh", "bits": "float32"},
}
QUANTIZED = [name for name in NETWORKS if name != "float32"]


@cache
def trained(name: str) -> Trajectory:
    return train(TrainingSpec(**PLAIN | NETWORKS[name]), [0, 3], DATASET)[0]


@cache
def reliability_of(name: str) -> pd.DataFrame:
    return reliability(trained(name), DATASET)


@cache
def levels_of(name: str) -> pd.DataFrame:
    return levels_in_use(trained(name), DATASET)


def last_codes(trajectory: Trajectory) -> list[np.ndarray]:
    """The codes of each layer at the last snapshot of the last repetition, (N, outputs)."""
    return replayed(trajectory.parameters[-1, -1], trajectory.ranges[-1, -1], trajectory.spec, DATASET).codes


def of_last_snapshot(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["repetition"] == 3) & (table["part"] == "main") & (table["epoch"] == 6)]


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


@pytest.mark.parametrize("name", QUANTIZED)
class TestLevels:
    def test_they_are_the_distinct_codes_of_a_layer(self, name):
        table = of_last_snapshot(levels_of(name)).set_index("layer")["levels"]
        codes = last_codes(trained(name))
        hidden = codes if name == "controlled" else codes[:-1]
        assert table.loc[: len(hidden)].tolist() == [len(np.unique(layer)) for layer in hidden]

    def test_those_of_the_logits_are_codes_before_their_shift(self, name):
        whole = trained(name)
        counts = dict.fromkeys(range(whole.finite.size), 0)
        for snapshots, layers in replay(whole, DATASET):
            steps = layers.outputs[-1].steps.numpy()
            counts |= zip(
                range(snapshots.start, snapshots.stop), map(len, map(np.unique, steps)), strict=True
            )
        assert levels_of(name).query("layer == 4")["levels"].tolist() == [*counts.values()]

    def test_they_are_between_one_and_all(self, name):
        table = levels_of(name)
        assert set(table["of"]) == {2 ** trained(name).spec.bits.activations}
        assert table["levels"].between(1, table["of"]).all()
        assert len(table) == trained(name).finite.size * 4 and not table.duplicated(KEYS).any()

    def test_a_repetition_that_failed_is_missing(self, name):
        trajectory = trained(name)
        ranges = trajectory.ranges.copy()
        ranges[1, 0] = np.nan
        table = levels_in_use(replace(trajectory, ranges=ranges), DATASET)
        failed = (table["repetition"] == 3) & (table["epoch"] == -1) & (table["part"] == trajectory.parts[0])
        assert table.loc[failed, "levels"].isna().all()
        pd.testing.assert_frame_equal(table[~failed], levels_of(name)[~failed])


def test_a_coarse_start_uses_few_levels():
    """Of the grid over ±6, with 255 steps, outputs between 0 and 1 use about 255/12 + 1."""
    spec = TrainingSpec(**PLAIN | NETWORKS["relu"] | {"network": [4]})
    trajectory = train(spec, [0], DATASET)[0]
    layers = next(iter(replay(trajectory, DATASET)))[1].activations
    widest = layers[0][0].max().item()
    start = levels_in_use(trajectory, DATASET).query("epoch == -1 and layer == 1")["levels"].item()
    assert 2 < start <= widest * 255 / 12 + 2


def test_float32_networks_have_no_levels():
    with pytest.raises(UserError, match=r"^a float32 network has no levels"):
        levels_in_use(trained("float32"), DATASET)


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
@settings(deadline=None)
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


@pytest.mark.parametrize("stage", ["reliability", "levels"])
def test_files(tmp_path, stage, capsys):
    trajectory = trained("relu")
    save_dataset(tmp_path / "data.npz", DATASET)
    save_trajectory(tmp_path / "t.safetensors", replace(trajectory, dataset=DATASET.description))
    save_trajectory(tmp_path / "other.safetensors", replace(trajectory, dataset={"name": "other"}))
    files = ["--dataset", f"{tmp_path}/data.npz", "--output", f"{tmp_path}/table.parquet"]
    assert main([stage, *files, "--trajectory", f"{tmp_path}/t.safetensors"]) == 0
    table, description = read_table(tmp_path / "table.parquet", stage)
    pd.testing.assert_frame_equal(table, {"reliability": reliability_of, "levels": levels_of}[stage]("relu"))
    assert description["spec"] == {"training": trajectory.spec.model_dump(mode="json")}
    assert description["repetitions"] == [0, 3] and description["dataset"] == DATASET.description
    capsys.readouterr()
    assert main([stage, *files, "--trajectory", f"{tmp_path}/other.safetensors"]) == 1
    assert "other.safetensors: the data set it was trained on is" in capsys.readouterr().err
