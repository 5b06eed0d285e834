"""Accuracies are means and their 95 % intervals, within 0 and 1."""

import numpy as np
from drawings import panels

from infoplane.results import load_table

from .study import figure_spec


def test_means_and_intervals_of_every_experiment(study):
    shown = panels(study.draw(figure_spec("accuracy", ("fine", "bad", "failed"))))
    table = load_table(study.path("accuracy", "fine")).query("runs == 'all'")
    for quantity, line, band in zip(
        ("train_accuracy", "test_accuracy"), shown[0].lines, shown[0].collections, strict=True
    ):
        rows = table[table["quantity"] == quantity]
        assert np.array_equal(line.get_ydata(), rows["mean"])
        edges = band.get_paths()[0].vertices[:, 1]
        assert edges.min() == max(0, rows["lower"].min()) and edges.max() == min(1, rows["upper"].max())


def test_intervals_end_where_accuracies_do(study):
    for axes in panels(study.draw(figure_spec("accuracy", ("bad",)))):
        edges = np.concatenate([band.get_paths()[0].vertices[:, 1] for band in axes.collections])
        assert edges.min() >= 0 and edges.max() <= 1
        assert axes.get_ylim()[0] >= -0.03 and axes.get_ylim()[1] <= 1.03
