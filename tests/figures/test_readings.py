"""Readings are the output layer as each estimator counts it."""

import numpy as np
from drawings import panels

from infoplane.plotting.means import curve
from infoplane.results import load_table

from .study import figure_spec


def test_lines_are_the_output_by_each_estimator(study):
    shown = panels(study.draw(figure_spec("readings", ("fine", "hourglass"), ("exact", "rebinned"))))
    for experiment, row in {"fine": shown[:2], "hourglass": shown[2:]}.items():
        for axes, quantity in zip(row, ("i_xt", "i_ty"), strict=True):
            assert [line.get_label() for line in axes.lines] == ["exact", "re-binned"]
            for line, estimator in zip(axes.lines, ("exact", "rebinned"), strict=True):
                means = load_table(study.path("aggregates", experiment, estimator)).query("runs == 'all'")
                output = curve(means, quantity)[7 if experiment == "hourglass" else 6]
                assert np.array_equal(line.get_ydata(), output)
