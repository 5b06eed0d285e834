"""Labels tell experiments apart that are shown together."""

from copy import deepcopy

import pytest

from infoplane.config import EstimatorSpec, TrainingSpec
from infoplane.config.labels import label_of_estimator, label_of_training, labels_of_trainings
from infoplane.config.study import resolve
from infoplane.errors import UserError

BASE = {"dataset": "synthetic", "network": "shwartz-ziv", "activation": "tanh", "bits": 8}
BASE |= {"epochs": 10, "record_every": 1}


def training(**keys) -> TrainingSpec:
    return TrainingSpec.model_validate(BASE | keys)


@pytest.mark.parametrize(
    ("keys", "label"),
    [
        ({}, "tanh, 8 bits"),
        ({"bits": {"weights": 8, "activations": 4}}, "tanh, 8/4 bits"),
        ({"bits": "float32", "protocol": "controlled"}, "tanh, float32, controlled"),
        ({"prefit_epochs": 5}, "tanh, 8 bits, prefit"),
        ({"labels": "shuffled"}, "tanh, 8 bits, shuffled labels"),
        ({"initialisation": "truncated-normal"}, "tanh, 8 bits, truncated normal"),
        ({"ranges": {"activations": "batch"}}, "tanh, 8 bits, range batch"),
        ({"batch_size": 32}, "tanh, 8 bits, batch size 32"),
        ({"batch_size": "whole"}, "tanh, 8 bits, batches of the whole training set"),
        ({"learning_rate": 1e-5}, "tanh, 8 bits, learning rate 0.00001"),
        ({"dataset": "mnist", "network": "conv", "activation": "relu"}, "MNIST conv, ReLU, 8 bits"),
    ],
)
def test_label_says_what_the_spec_sets(keys, label):
    assert label_of_training(training(**keys)) == label


def test_equal_labels_are_followed_by_names_and_own_ones_win():
    specs = {"one": training(), "two": training(seed=1), "three": training(bits=4)}
    assert labels_of_trainings(specs, {"three": "mine"}) == {
        "one": "tanh, 8 bits (one)",
        "two": "tanh, 8 bits (two)",
        "three": "mine",
    }


@pytest.mark.parametrize(
    ("others", "labels"),
    [
        ([{"epochs": 30_000}], ["10 epochs", "30,000 epochs"]),
        ([{"record_every": 5}], ["recorded every 1 epoch", "recorded every 5 epochs"]),
        ([{"epochs": 30_000, "record_every": 5}], ["10 epochs", "30,000 epochs"]),
        (
            [{"record_every": 5}, {"epochs": 20, "record_every": 5}],
            [
                f"{n} epochs, recorded every {k}"
                for n, k in ((10, "1 epoch"), (10, "5 epochs"), (20, "5 epochs"))
            ],
        ),
        ([{"epochs": 20}, {"epochs": 20}], ["10 epochs", "20 epochs (1)", "20 epochs (2)"]),
    ],
)
def test_trainings_that_differ_in_length_or_recording_are_told_apart_by_it(others, labels):
    specs = {str(place): training(**keys) for place, keys in enumerate([{}, *others])}
    assert [*labels_of_trainings(specs, {}).values()] == [f"tanh, 8 bits, {label}" for label in labels]


@pytest.mark.parametrize(
    ("keys", "label"),
    [
        ({"kind": "rebinned"}, "re-binned"),
        ({"kind": "adaptive", "bins": 30}, "30 bins of equal mass"),
        ({"kind": "uniform", "bins": 30, "range": [-1, 1]}, "30 bins on [−1, 1]"),
        ({"kind": "kde", "noise": 0.1}, "KDE, noise 0.1"),
        ({"kind": "kde", "noise": 0.1, "bound": "lower"}, "KDE, noise 0.1, lower bound"),
        ({"kind": "exact", "epochs": 32}, "exact, 32 epochs"),
        ({"kind": "quantized", "range": "layer", "bits": 3, "epochs": 32}, "3 bits, layer range"),
        ({"kind": "exact", "layers": [1, 2]}, "exact, layers 1, 2"),
    ],
)
def test_label_of_an_estimator(keys, label):
    assert label_of_estimator(EstimatorSpec.model_validate(keys)) == label


CONFIG = {
    "defaults": BASE | {"repetitions": 1, "chunk": 1},
    "experiments": {"one": {"label": "First one"}, "two": {}},
    "estimators": {"exact": {"kind": "exact", "label": "counted"}},
    "figures": {
        "plane": {"kind": "plane", "category": "A", "experiments": "all", "estimators": ["exact"]},
        "accuracy": {"kind": "accuracy", "category": "A", "experiments": "all", "labels": {"one": "another"}},
        "margins": {"kind": "margins", "category": "A"},
    },
}


def test_figures_are_told_the_labels_of_what_they_show():
    figures = resolve(CONFIG, "mine.yaml").figures
    assert figures["plane"].labels == {"one": "First one", "exact": "counted"}
    assert figures["accuracy"].labels == {"one": "another"}
    assert figures["margins"].labels == {}


def test_a_label_changes_no_spec():
    study = resolve(CONFIG, "mine.yaml")
    assert study.experiments["one"].spec == study.experiments["two"].spec
    assert study.estimators["exact"].spec == EstimatorSpec(kind="exact")


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ({"three": "x"}, r"figures.plane.labels: 'three' is unknown; use one of one, two, exact"),
        ({"one": ""}, r"figures.plane.labels.one: '' is refused; it must be at least one character"),
        ({"one": "a\nb"}, r"figures.plane.labels.one: .* is refused; write one line of text"),
    ],
)
def test_labels_that_cannot_be(labels, complaint):
    figures = {"plane": CONFIG["figures"]["plane"] | {"labels": labels}}
    with pytest.raises(UserError, match=complaint):
        resolve(CONFIG | {"figures": figures}, "mine.yaml")


@pytest.mark.parametrize(
    ("trained", "complaint"),
    [
        (["one"], "'one' is refused; write experiment/estimator"),
        (["three/exact"], "'three' is unknown"),
        (["one/exakt"], "'exakt' is unknown; did you mean 'exact'"),
    ],
)
def test_trained_networks_that_cannot_be(trained, complaint):
    figure = {"kind": "resolution", "category": "A", "experiments": ["one"], "trained": trained}
    with pytest.raises(UserError, match=complaint):
        resolve(CONFIG | {"figures": {"mine": figure}}, "mine.yaml")


def test_labels_are_those_of_the_config_also_of_controls():
    """Of a control without a label, nothing is said: its spec may be that of what claims rest on."""
    config = deepcopy(CONFIG) | {"figures": {}}
    config["experiments"] |= {"three": {"control": True, "label": "mine"}, "four": {"control": True}}
    assert resolve(config, "mine.yaml").labels() == {
        "exact": "counted",
        "one": "First one",
        "two": "tanh, 8 bits",
        "three": "mine",
    }
