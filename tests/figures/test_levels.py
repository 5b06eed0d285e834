"""Levels in use are means over runs, under a line at all levels."""

import numpy as np
from drawings import panels

from infoplane.figures.averages import average_runs
from infoplane.results import load_table

from .study import figure_spec


def test_averages_are_over_runs_that_did_not_fail(study):
    table = load_table(study.path("levels", "failed"))
    means = average_runs(table, ["levels"])
    assert means.attrs["failed"] == [2] and means.attrs["repetitions"] == [*range(6)]
    runs = table.query("repetition != 2").astype({"levels": float}).groupby(["part", "epoch", "layer", "of"])
    found = means.set_index(["part", "epoch", "layer", "of"])
    np.testing.assert_allclose(found["mean"], runs["levels"].mean(), rtol=1e-12)
    np.testing.assert_allclose(found["q90"], runs["levels"].quantile(0.9), rtol=1e-12)


def test_lines_are_the_means_under_one_at_all_levels(study):
    (axes,) = panels(study.draw(figure_spec("levels")))
    means = average_runs(load_table(study.path("levels", "fine")), ["levels"])
    shown = {line.get_label(): line for line in axes.lines}
    assert set(shown["all $2^b$ levels"].get_ydata()) == {256}
    for layer, rows in means.groupby("layer"):
        assert np.array_equal(shown[f"$T_{{{layer}}}$"].get_xdata(), rows["epoch"] + 1)
        np.testing.assert_allclose(shown[f"$T_{{{layer}}}$"].get_ydata(), rows["mean"])


def test_every_layer_of_any_experiment_has_its_entry(study):
    figure = study.draw(figure_spec("levels", ("fine", "hourglass", "prefit")))
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    layers = [f"$T_{{{layer}}}$" for layer in range(1, 8)]
    assert sorted(entries) == sorted(["all $2^b$ levels", *layers, "prefit on shuffled labels"])
