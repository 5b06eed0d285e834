"""Activations of a layer of two neurons are counted by class, each input once."""

import numpy as np
import pytest

from infoplane import TrainingSpec, load_dataset, train
from infoplane.artifacts import read_table
from infoplane.datasets import Dataset, save_dataset
from infoplane.errors import UserError
from infoplane.information.activations import activations, run
from infoplane.information.merging import of_repetition
from infoplane.information.replay import replay
from infoplane.trajectory import Trajectory, save_trajectory

SPEC = {
    "dataset": "synthetic",
    "network": [6, 2, 4],
    "activation": "tanh",
    "bits": 4,
    "protocol": "controlled",
}
SPEC |= {"epochs": 6, "record_every": 1, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("synthetic")


@pytest.fixture(scope="module")
def trajectory() -> Trajectory:
    return train(TrainingSpec.model_validate(SPEC), repetitions=range(2))[0]


def test_every_input_is_counted_once_at_its_activation_and_class(trajectory, dataset):
    one = of_repetition(trajectory, 1, [0, 5])
    table = activations(one, dataset)
    assert set(table["layer"]) == {2}
    for _, times, layers in replay(one, dataset):
        for place, epoch in enumerate(one.epochs[times]):
            first, second = layers[1].activations[place]
            own = table[table["epoch"] == epoch]
            assert own["count"].sum() == len(dataset.labels)
            assert not own.duplicated(["label", "t_1", "t_2"]).any()
            for _, row in own.iterrows():
                here = (first == row["t_1"]) & (second == row["t_2"]) & (dataset.labels == row["label"])
                assert here.sum() == row["count"]


def test_a_network_without_two_neurons_is_refused(dataset):
    spec = TrainingSpec.model_validate(SPEC | {"network": [6, 3], "epochs": 1})
    with pytest.raises(UserError, match="no hidden layer of this network has two neurons"):
        activations(train(spec, repetitions=range(1))[0], dataset)


def test_a_repetition_that_has_become_nan_has_no_rows(dataset):
    failing = {"activation": "relu", "protocol": "published", "bits": 8, "epochs": 1, "learning_rate": 1e30}
    trajectory = train(TrainingSpec.model_validate(SPEC | failing), repetitions=range(1))[0]
    assert not trajectory.finite[:, -1].any()
    assert activations(of_repetition(trajectory, 0, [0]), dataset).empty


def test_the_run_whose_neurons_both_vary_is_taken(trajectory, dataset, tmp_path, monkeypatch):
    save_dataset(tmp_path / "d.npz", dataset, kind="synthetic", fraction=1.0)
    save_trajectory(tmp_path / "t.safetensors", trajectory)
    varying = []
    monkeypatch.setattr(
        "infoplane.information.activations.both_vary",
        lambda one, _: varying.append(int(one.repetitions[0])) or one.repetitions[0] == 1,
    )
    run(tmp_path / "d.npz", tmp_path / "t.safetensors", None, None, tmp_path / "a.parquet")
    table, known = read_table(tmp_path / "a.parquet", "activations")
    assert varying == [0, 1] and known["repetitions"] == [1]
    assert sorted(table["epoch"].unique()) == [5]
    run(tmp_path / "d.npz", tmp_path / "t.safetensors", 0, [0, 2], tmp_path / "b.parquet")
    table, known = read_table(tmp_path / "b.parquet", "activations")
    assert known["repetitions"] == [0] and np.array_equal(np.unique(table["epoch"]), [0, 2])
