"""A forest plot has a row for each setting, and marks where runs compress."""

import numpy as np
import pytest
from drawings import panels, words

from infoplane.config import TrainingSpec
from infoplane.figures.forest import rows_of_settings
from infoplane.results import load_table
from infoplane.statistics.prevalence import interval

from .study import figure_spec

RELU = TrainingSpec(
    dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8, epochs=9, record_every=1
)


def spec_of(**keys) -> TrainingSpec:
    return TrainingSpec.model_validate(RELU.model_dump() | keys)


def test_settings_are_grouped_by_factor_and_sorted_by_value():
    trainings = {
        "relu": RELU,
        "b-1024": spec_of(batch_size=1024),
        "b-32": spec_of(batch_size=32),
        "b-whole": spec_of(batch_size="whole"),
        "deep": spec_of(network=[9, 8, 7, 6]),
        "sgd": spec_of(optimizer="sgd", learning_rate=0.01),
        "slow": spec_of(learning_rate=1e-5),
        "wide": spec_of(network=[100, 7]),
        "narrow": spec_of(network=[20, 7]),
    }
    rows = rows_of_settings(trainings, {"deep": "many layers"})
    assert [(row.factor, row.text) for row in rows] == [
        ("", "reference"),
        ("batch size", "batch size 32"),
        ("batch size", "batch size 1024"),
        ("batch size", "batches of the whole training set"),
        ("network", "network 20-7"),
        ("network", "network 100-7"),
        ("network", "many layers"),
        ("optimizer", "optimizer SGD, learning rate 0.01"),
        ("learning rate", "learning rate 0.00001"),
    ]


def test_bits_and_ranges_read_as_in_labels_and_bits_are_sorted_by_number():
    bits = {f"bits-{number}": spec_of(bits=number) for number in (16, 4)}
    others = {
        "float32": spec_of(bits="float32"),
        "mixed": spec_of(bits={"weights": 4, "activations": 12}),
        "narrow": spec_of(ranges={"activations": [-1, 1], "output_weights": "batch"}),
    }
    rows = rows_of_settings({"relu": RELU, **bits, **others}, {})
    assert [row.text for row in rows[1:]] == [
        "4 bits",
        "4/12 bits",
        "16 bits",
        "float32",
        "output weights range batch, range\n[−1, 1]",
    ]
    wide = spec_of(ranges={"activations": [-1, 1]})
    assert rows_of_settings({"relu": wide, "own": RELU}, {})[1].text == "default ranges"


def test_a_setting_of_two_activation_functions_is_one_row():
    """They differ alike from the reference of their own, however often they were recorded."""
    trainings = {
        "relu": RELU,
        "relu-sgd": spec_of(optimizer="sgd"),
        "tanh": spec_of(activation="tanh", record_every=3),
        "tanh-sgd": spec_of(activation="tanh", optimizer="sgd"),
    }
    assert [row.names for row in rows_of_settings(trainings, {})] == [
        {"relu": "relu", "tanh": "tanh"},
        {"relu": "relu-sgd", "tanh": "tanh-sgd"},
    ]


def test_experiments_of_one_spec_are_rows_of_their_own():
    rows = rows_of_settings({"one": RELU, "two": RELU, "three": RELU}, {})
    assert [row.names for row in rows] == [{"relu": name} for name in ("one", "two", "three")]
    assert [row.text for row in rows] == ["reference", "two", "three"]


@pytest.mark.parametrize(("layers", "shown"), [(None, (5, 6)), ((3, 4), (3, 4))])
def test_marks_are_the_prevalence_with_its_interval(study, layers, shown):
    figure = study.draw(figure_spec("forest", ("fine", "bad", "tanh"), layers=layers))
    for axes, layer in zip(panels(figure), shown, strict=True):
        lines = [line for line in axes.lines if len(line.get_xdata()) == 1]
        ends = [line.get_xdata() for line in axes.lines if line.get_ydata()[0] == line.get_ydata()[-1]]
        ends = [each for each in ends if len(each) == 2 and [*each] != [0, 1]]
        assert len(lines) == 3
        for name, line in zip(("fine", "tanh", "bad"), lines, strict=True):
            runs = load_table(study.path("phases", name, "exact"))
            runs = runs[runs["layer"] == layer]
            k = int(runs["compresses"].sum())
            assert line.get_xdata()[0] == pytest.approx(k / 6)
            assert any(np.allclose(each, interval(k, 6)) for each in ends)


def test_each_estimator_has_its_panels(study):
    figure = study.draw(figure_spec("forest", ("fine", "tanh"), ("exact", "coarse")))
    assert len(panels(figure)) == 4
    assert "30 bins, global range" in words(figure)


def test_a_layer_that_a_network_lacks_has_no_mark(study):
    figure = study.draw(figure_spec("forest", ("hourglass", "fine"), layers=(7,)))
    (axes,) = panels(figure)
    assert len([line for line in axes.lines if len(line.get_xdata()) == 1]) == 1
