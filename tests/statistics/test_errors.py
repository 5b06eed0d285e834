"""Estimates less the exact value, and layers that seem to know more than the layer before."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import simulation
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from infoplane import EstimatorSpec, TrainingSpec, estimate, load_dataset, train
from infoplane.artifacts import read_table, write_table
from infoplane.errors import UserError
from infoplane.statistics.errors import errors, violations
from infoplane.statistics.joins import join_violations
from infoplane.statistics.tables import summarise_errors

EXACT = simulation.information(range(6), 100, 20, prefit=40)
QUANTITIES = ["h_t", "i_xt", "i_ty"]
KEYS = ["repetition", "part", "epoch", "layer"]


def estimated(seed: int = 0) -> pd.DataFrame:
    """What some estimator might say of the same runs."""
    lost = np.random.default_rng(seed).random((len(EXACT), 3))
    return EXACT.assign(**(EXACT[QUANTITIES] - lost).to_dict("series"), distinct=EXACT["distinct"] // 2)


def table(*layers: list[float], epochs: int = 1) -> pd.DataFrame:
    """One run in which each layer has the given H(T), over epochs, and as I(T;Y) a tenth of it."""
    rows = [
        (0, "main", epoch, number, value, value / 10)
        for number, values in enumerate(layers, start=1)
        for epoch, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["repetition", "part", "epoch", "layer", "h_t", "i_ty"])


class TestErrors:
    def test_are_differences_of_equal_runs_epochs_and_layers(self):
        binned = estimated()
        found = errors(binned.sample(frac=1, random_state=1), EXACT)
        assert len(found) == len(EXACT)
        by_hand = {
            tuple(row[KEYS]): row["i_ty"] - exact
            for (_, row), exact in zip(binned.iterrows(), EXACT["i_ty"].to_numpy(), strict=True)
        }
        for _, row in found.iterrows():
            assert row["i_ty"] == by_hand[tuple(row[KEYS])]

    def test_of_the_exact_value_itself_are_none(self):
        assert (errors(EXACT, EXACT)[[*QUANTITIES, "distinct"]] == 0).all(axis=None)

    def test_aggregates_are_means_over_runs_with_their_spread(self, tmp_path, capsys):
        binned = simulation.write_information(tmp_path / "binned", estimated(), "rebinned")
        exact = simulation.write_information(tmp_path / "exact", EXACT)
        summarise_errors([exact], [binned], tmp_path / "errors")
        found, told = read_table(tmp_path / "errors", "errors")
        assert set(found["runs"]) == {"all"} and set(found["part"]) == {"prefit", "main"}
        row = found.query("part == 'main' and epoch == 40 and layer == 3 and quantity == 'i_xt'").iloc[0]
        chosen = (EXACT["part"] == "main") & (EXACT["epoch"] == 40) & (EXACT["layer"] == 3)
        lost = (estimated()["i_xt"] - EXACT["i_xt"])[chosen].to_numpy()
        half = student.ppf(0.975, 5) * lost.std(ddof=1) / np.sqrt(6)
        expected = [lost.mean(), lost.std(ddof=1), lost.mean() - half, lost.mean() + half, 6]
        np.testing.assert_allclose(row[["mean", "std", "lower", "upper", "count"]].astype(float), expected)
        assert told["spec"]["estimator"] == {"kind": "rebinned"} and told["failed"] == []
        assert "6 repetitions; bad fits: undefined; failed: 0 []" in capsys.readouterr().out

    def test_chunks_may_be_cut_in_different_ways(self, tmp_path):
        def chunks(folder: str, frame: pd.DataFrame, *bounds: int) -> list[Path]:
            return [
                simulation.write_information(
                    tmp_path / folder / f"{first}", frame[frame["repetition"].between(first, last - 1)]
                )
                for first, last in pairwise(bounds)
            ]

        summarise_errors(chunks("exact", EXACT, 0, 6), chunks("binned", estimated(), 0, 2, 6), tmp_path / "a")
        summarise_errors(chunks("exact", EXACT, 0, 3, 6), chunks("whole", estimated(), 0, 6), tmp_path / "b")
        assert read_table(tmp_path / "a", "errors")[0].equals(read_table(tmp_path / "b", "errors")[0])

    def test_a_failed_run_enters_no_mean(self, tmp_path):
        tables = {"exact": EXACT, "binned": estimated()}
        paths = {
            name: simulation.write_information(tmp_path / name, simulation.fail(frame, 2, 60))
            for name, frame in tables.items()
        }
        summarise_errors([paths["exact"]], [paths["binned"]], tmp_path / "errors")
        found, told = read_table(tmp_path / "errors", "errors")
        assert told["failed"] == [2] and (found["count"] == 5).all() and found["mean"].notna().all()

    @pytest.mark.parametrize(
        ("exact", "binned", "complaint"),
        [
            ({}, {"epochs": 7}, "binned: the spec of the runs"),
            ({"estimator": "rebinned"}, {}, "exact: the kind of estimator"),
            ({}, {"frame": EXACT[EXACT["repetition"] > 0]}, "binned: the repetitions"),
        ],
    )
    def test_refuses_what_cannot_be_paired(self, tmp_path, exact, binned, complaint):
        paths = [
            simulation.write_information(tmp_path / name, **{"frame": EXACT} | changes)
            for name, changes in (("exact", exact), ("binned", binned))
        ]
        with pytest.raises(UserError, match=complaint):
            summarise_errors(paths[:1], paths[1:], tmp_path / "errors")
        assert not (tmp_path / "errors").exists()

    def test_refuses_other_inputs(self, tmp_path):
        exact, binned = (simulation.write_information(tmp_path / name, EXACT) for name in ("exact", "binned"))
        frame, known = read_table(binned, "information")
        write_table(binned, frame, known | {"dataset": known["dataset"] | {"digest": "0"}})
        with pytest.raises(UserError, match="binned: the inputs is"):
            summarise_errors([exact], [binned], tmp_path / "errors")


class TestViolations:
    def test_are_counted_over_epochs_and_neighbours(self):
        found = violations(table([3, 3, 3], [3.5, 3, 2], [3, 3.25, 2.125])).set_index("quantity")
        assert found.loc["h_t"].tolist() == [3, 6, 0.5]
        assert found.loc["i_ty", "violations"] == 3
        assert found.loc["i_ty", "largest"] == pytest.approx(0.05)

    def test_a_layer_may_be_equal_or_differ_by_rounding(self):
        found = violations(table([3.0], [3.0], [3 + 5e-13], [3 + 5e-13 + 2e-12]))
        assert found["violations"].tolist() == [1, 0]
        assert found["largest"].tolist() == [pytest.approx(2e-12, rel=1e-3), 0]

    def test_layers_further_apart_are_not_compared(self):
        """Layer 3 knows less than layer 2, if more than layer 1."""
        assert violations(table([1], [3], [2]))["violations"].tolist() == [1, 1]

    def test_snapshots_that_failed_do_not_count(self):
        found = violations(simulation.fail(table([3, 3], [2, 4]), 0, 1))
        assert found["compared"].tolist() == [1, 1] and found["violations"].tolist() == [0, 0]

    def test_all_runs_and_parts_count(self):
        rising = EXACT.assign(h_t=EXACT["layer"], i_ty=-EXACT["layer"])
        snapshots = len(EXACT.groupby(["repetition", "part", "epoch"]))
        assert violations(rising)["compared"].tolist() == [5 * snapshots] * 2
        assert violations(rising)["violations"].tolist() == [5 * snapshots, 0]

    @given(st.lists(st.lists(st.integers(0, 8), min_size=3, max_size=3), min_size=1, max_size=5))
    def test_are_those_that_a_loop_finds(self, layers):
        rises = [after - before for pair in pairwise(layers) for before, after in zip(*pair, strict=True)]
        found = violations(table(*layers)).set_index("quantity").loc["h_t"].tolist()
        assert found == [sum(rise > 0 for rise in rises), len(rises), max([0, *rises])]

    def test_joined(self, tmp_path):
        falling, rising = (
            simulation.write_information(tmp_path / name, frame)
            for name, frame in (
                ("falling", EXACT.assign(h_t=-EXACT["layer"], i_ty=0.0)),
                ("rising", EXACT.assign(h_t=EXACT["layer"] / 4, i_ty=0.0)),
            )
        )
        tables = {("mine", "exact"): [falling], ("mine", "uniform"): [rising]}
        join_violations(tables, tmp_path / "violations.csv")
        found = pd.read_csv(tmp_path / "violations.csv")
        assert list(found) == ["experiment", "estimator", "quantity", "violations", "compared", "largest"]
        assert found["estimator"].tolist() == ["exact", "exact", "uniform", "uniform"]
        compared = found["compared"].iloc[0]
        assert found["violations"].tolist() == [0, 0, compared, 0]
        assert found["largest"].tolist() == [0, 0, 0.25, 0]


NETWORKS = {
    "published relu": {"activation": "relu", "bits": 8},
    "published tanh": {"activation": "tanh", "bits": 4},
    "controlled tanh": {"activation": "tanh", "bits": 8, "protocol": "controlled"},
}
RANGES = ["global", "layer", "neuron", (-1.0, 1.0)]


@pytest.fixture(scope="module")
def dataset():
    return load_dataset("synthetic")


@pytest.fixture(scope="module", params=NETWORKS)
def trajectory(request):
    spec = TrainingSpec(
        dataset="synthetic",
        network="shwartz-ziv",
        epochs=7,
        record_every=3,
        learning_rate=0.01,
        **NETWORKS[request.param],
    )
    return train(spec, range(2))[0]


@pytest.fixture(scope="module")
def exact(trajectory, dataset):
    return estimate(EstimatorSpec(kind="exact"), trajectory, dataset)


class TestNetworks:
    """Quantized networks, trained for a few epochs."""

    def test_exact_information_has_no_violations(self, exact):
        found = violations(exact)
        assert found["compared"].tolist() == [2 * 4 * 5] * 2
        assert found["violations"].tolist() == [0, 0]

    def test_rebinned_has_no_error_in_hidden_layers(self, trajectory, dataset, exact):
        found = errors(estimate(EstimatorSpec(kind="rebinned"), trajectory, dataset), exact)
        assert (found.loc[found["layer"] < 6, [*QUANTITIES, "distinct"]] == 0).all(axis=None)

    @pytest.mark.parametrize("chosen", RANGES)
    def test_bins_know_less(self, trajectory, dataset, exact, chosen):
        found = errors(
            estimate(EstimatorSpec(kind="uniform", bins=10, range=chosen), trajectory, dataset), exact
        )
        assert (found[QUANTITIES] <= 1e-12).all(axis=None) and (found["distinct"] <= 0).all()
        assert (found["h_t"] < -0.1).any()
