"""Codes and bins of the output are those that the estimators count, by other ways of counting."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from infoplane import EstimatorSpec, TrainingSpec, estimate, load_dataset, train
from infoplane.cli import main
from infoplane.datasets import Dataset
from infoplane.entropy import entropy
from infoplane.errors import UserError
from infoplane.information.merging import merging, of_repetition
from infoplane.information.snapshots import at_times
from infoplane.trajectory import Trajectory, save_trajectory

SPEC = {
    "dataset": "synthetic",
    "network": "shwartz-ziv",
    "activation": "relu",
    "bits": 8,
    "epochs": 12,
    "record_every": 5,
    "learning_rate": 0.01,
}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("synthetic")


@pytest.fixture(scope="module")
def trajectory() -> Trajectory:
    return train(TrainingSpec(**SPEC), repetitions=range(2))[0]


@pytest.fixture(scope="module")
def table(trajectory, dataset) -> pd.DataFrame:
    return merging(of_repetition(trajectory, 1, [0, 10]), dataset)


@pytest.mark.parametrize(("kind", "names"), [("exact", "code"), ("rebinned", "bin")])
def test_entropies_are_those_of_the_estimators(trajectory, dataset, table, kind, names):
    chosen = at_times(trajectory, np.isin(trajectory.epochs, [0, 10]))
    known = estimate(EstimatorSpec(kind=kind), chosen, dataset)
    known = known[(known["layer"] == 6) & (known["repetition"] == 1)].set_index("epoch")
    assert set(table["epoch"]) == {0, 10}
    for epoch, codes in table.groupby("epoch"):
        counts = Counter()
        for *key, count in codes[[f"{names}_0", f"{names}_1", "count"]].to_numpy().tolist():
            counts[tuple(key)] += count
        assert counts.total() == 4096
        assert len(counts) == known["distinct"][epoch]
        assert entropy(np.array([*counts.values()])) == pytest.approx(known["h_t"][epoch], abs=1e-12)


def test_softmax_is_the_logistic_function_and_bins_are_its_rounded_values(table):
    for _, codes in table.groupby("epoch"):
        difference = (codes["code_0"] - codes["code_1"]) * codes["scale"]
        np.testing.assert_allclose(codes["softmax_0"], 1 / (1 + np.exp(-difference)), rtol=1e-6)
        values = codes[["softmax_0", "softmax_1"]].to_numpy()
        span = values.max() - values.min()
        assert np.array_equal(codes[["bin_0", "bin_1"]], np.rint((values - values.min()) * 256 / span))
        assert (codes[["code_0", "code_1"]].max(axis=1) == 0).all()


def test_codes_are_distinct(table):
    assert not table.duplicated(["epoch", "code_0", "code_1"]).any()


def test_epochs_that_were_recorded_are_taken_and_the_last(trajectory):
    assert of_repetition(trajectory, 0, None).epochs.tolist() == [0, 10]
    assert of_repetition(trajectory, 0, [5]).repetitions.tolist() == [0]


@pytest.mark.parametrize(
    ("repetition", "epochs", "told"),
    [(0, [3], "epoch 3 was not recorded"), (2, None, "repetition 2 is not in this trajectory; take 0 … 1")],
)
def test_what_is_not_there_is_one_line(trajectory, repetition, epochs, told):
    with pytest.raises(UserError, match=told):
        of_repetition(trajectory, repetition, epochs)


@pytest.mark.parametrize("other", [{"bits": "float32"}, {"protocol": "controlled"}])
def test_only_logits_have_codes(dataset, other):
    trajectory = train(TrainingSpec(**SPEC | {"epochs": 1} | other), repetitions=range(1))[0]
    with pytest.raises(UserError, match="only the logits of quantized networks of protocol published"):
        merging(trajectory, dataset)


def test_command_prints_the_table(trajectory, table, tmp_path, capsys):
    main(["datasets", "--spec", '{"name": "synthetic"}', "--output", str(tmp_path / "d.npz")])
    save_trajectory(tmp_path / "t.safetensors", trajectory)
    files = ["--dataset", str(tmp_path / "d.npz"), "--trajectory", str(tmp_path / "t.safetensors")]
    capsys.readouterr()
    assert main(["merging", *files, "--repetition", "1", "--epochs", "0", "10"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ",".join(table.columns) and len(lines) == len(table) + 1


def test_a_repetition_that_has_become_nan_has_no_codes_and_is_not_printed(dataset, tmp_path, capsys):
    spec = TrainingSpec(**SPEC | {"epochs": 1, "learning_rate": 1e30})
    trajectory = train(spec, repetitions=range(1))[0]
    assert not trajectory.finite[:, -1].any()
    assert merging(of_repetition(trajectory, 0, [0]), dataset).empty
    main(["datasets", "--spec", '{"name": "synthetic"}', "--output", str(tmp_path / "d.npz")])
    save_trajectory(tmp_path / "t.safetensors", trajectory)
    files = ["--dataset", str(tmp_path / "d.npz"), "--trajectory", str(tmp_path / "t.safetensors")]
    assert main(["merging", *files, "--output", str(tmp_path / "a.parquet")]) == 0
    capsys.readouterr()
    assert main(["merging", *files]) == 1
    assert "repetition 0 has become NaN; take another" in capsys.readouterr().err
