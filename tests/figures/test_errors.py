"""Errors are drawn with an axis that shows all of the margin."""

from unittest.mock import patch

import numpy as np
from drawings import panels, words

from infoplane.figures.drawing import write_figure
from infoplane.plotting.means import curve
from infoplane.results import load_table
from infoplane.statistics.tables import summarise_errors

from .study import figure_spec

ESTIMATORS = ("rebinned", "coarse", "fine")


def test_lines_are_mean_errors(study):
    shown = np.array(panels(study.draw(figure_spec("errors", ("tanh",), ESTIMATORS)))).reshape(2, 3)
    for row, quantity in zip(shown, ("i_xt", "i_ty"), strict=True):
        for axes, estimator in zip(row, ESTIMATORS, strict=True):
            mean = curve(load_table(study.path("errors", "tanh", estimator)).query("runs == 'all'"), quantity)
            lines = [line for line in axes.lines if line.get_label().startswith("$T")]
            for layer, line in zip(mean, lines, strict=True):
                assert np.array_equal(line.get_ydata(), mean[layer])


def test_layers_are_those_asked_for(study):
    axes = panels(study.draw(figure_spec("errors", layers=(5, 6))))[0]
    assert [line.get_label() for line in axes.lines[1:]] == ["$T_{5}$", "$T_{6}$"]


def test_estimators_have_one_axis_that_shows_all_of_the_margin(study):
    shown = np.array(panels(study.draw(figure_spec("errors", ("tanh",), ESTIMATORS)))).reshape(2, 3)
    for row, margin in zip(shown, (0.1, 0.01), strict=True):
        (limits,) = {axes.get_ylim() for axes in row}
        assert limits[0] <= -margin and limits[1] == margin
        assert row[0].yaxis.get_transform().linthresh == margin
        assert limits[0] < min(np.min(line.get_ydata()) for axes in row for line in axes.lines)


def test_no_error_is_a_line_at_zero(study, tmp_path):
    path = study.path("information", "fine", "exact")
    summarise_errors([path], [path], tmp_path / "errors")
    spec = figure_spec("errors", estimators=("rebinned",))
    with patch("infoplane.figures.drawing.save") as saved:
        write_figure(spec, {"errors": {("fine", "rebinned"): [tmp_path / "errors"]}}, [tmp_path / "a.pdf"])
    for axes, margin in zip(panels(saved.call_args.args[0]), (0.1, 0.01), strict=True):
        assert all(not np.any(line.get_ydata()) for line in axes.lines)
        assert -0.1 <= axes.get_ylim()[0] <= -margin and margin <= axes.get_ylim()[1] <= 0.1


def test_a_prefit_is_on_grey_ground(study):
    figure = study.draw(figure_spec("errors", ("prefit",)))
    assert all(axes.patches for axes in panels(figure))
    assert "prefit on shuffled labels" in words(figure)
