"""Planes show the means of the tables, coloured by epoch or layer, over equal ranges."""

import re
from itertools import combinations

import numpy as np
import pytest
import simulation
from drawings import contains, panels
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.text import Annotation, Text

from infoplane.plotting.axes import COLOURS, PREFIT_LINE
from infoplane.plotting.means import curve
from infoplane.results import load_table

from .study import Study, figure_spec


def means(study, name: str):
    return load_table(study.path("aggregates", name, "exact")).query("runs == 'all'")


def scatters(axes) -> list[PathCollection]:
    return [found for found in axes.collections if isinstance(found, PathCollection)]


def layer_names(axes) -> list[Annotation]:
    return [text for text in axes.texts if text.get_text().startswith("$T")]


def test_points_are_the_means_coloured_by_epoch(study):
    (axes,) = panels(study.draw(figure_spec("plane")))
    table = means(study, "fine")
    x, y = curve(table, "i_xt"), curve(table, "i_ty")
    clouds = [each for each in scatters(axes) if len(each.get_offsets()) == len(x)]
    for layer, cloud in zip(x, clouds, strict=True):
        assert np.array_equal(cloud.get_offsets(), np.stack([x[layer], y[layer]], -1))
        assert np.array_equal(cloud.get_array(), x.index)


def test_each_layer_has_a_line_through_time_and_a_marker_of_its_own(study):
    (axes,) = panels(study.draw(figure_spec("plane")))
    x = curve(means(study, "fine"), "i_xt")
    through = [line for line in axes.lines if len(line.get_xdata()) == len(x)]
    assert [line.get_xdata().tolist() for line in through] == [x[layer].tolist() for layer in x]
    last = [each for each in scatters(axes) if len(each.get_offsets()) == 1]
    assert len(last) == 6 and len({tuple(each.get_paths()[0].vertices.ravel()) for each in last}) == 6


def test_colour_by_layer(study):
    (axes,) = panels(study.draw(figure_spec("plane", colour="layer")))
    assert [line.get_color() for line in axes.lines[2:]] == COLOURS[:6]
    assert all(each.get_array() is None for each in scatters(axes))


def test_lines_join_all_layers_of_an_epoch(study):
    (axes,) = panels(study.draw(figure_spec("plane")))
    (lines,) = (found for found in axes.collections if isinstance(found, LineCollection))
    epochs = lines.get_array()
    assert epochs[0] == -1 and (np.diff(epochs) > 0).all()
    x = curve(means(study, "fine"), "i_xt")
    for epoch, line in zip(epochs, lines.get_segments(), strict=True):
        assert np.array_equal(line[:, 0], x.loc[epoch])


def test_every_layer_is_named_once_in_the_plane_or_its_inset_and_names_lie_apart(study):
    figure = study.draw(figure_spec("plane"))
    (axes,) = panels(figure)
    figure.draw_without_rendering()
    numbers = []
    for part in (axes, *axes.child_axes):
        names = layer_names(part)
        numbers += re.findall(r"T_{(\d)}", " ".join(name.get_text() for name in names))
        boxes = [Text.get_window_extent(name) for name in names]
        assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
        assert all(contains(axes.bbox.padded(1), box) for box in boxes)
    assert sorted(numbers) == list("123456")


def test_only_the_layers_asked_for_are_shown(study):
    (axes,) = panels(study.draw(figure_spec("plane", layers=(4, 6))))
    assert [name.get_text() for name in layer_names(axes)] == ["$T_{4}$", "$T_{6}$"]


def test_whole_plane_reaches_its_bounds_and_a_zoom_its_limits(study):
    (axes,) = panels(study.draw(figure_spec("plane")))
    assert axes.get_xlim()[0] < 0 < 12 < axes.get_xlim()[1]
    assert axes.get_ylim()[0] < 0 < simulation.H_Y < axes.get_ylim()[1]
    (axes,) = panels(study.draw(figure_spec("plane", i_xt=(7.8, 12.2), i_ty=(0.8, 1.01))))
    assert axes.get_xlim() == (7.8, 12.2) and axes.get_ylim() == (0.8, 1.01)
    assert not axes.child_axes


def test_a_grid_has_experiments_as_rows_and_estimators_as_columns(study):
    figure = study.draw(figure_spec("plane", ("fine", "bad"), ("exact", "rebinned", "coarse")))
    titles = [axes.get_title().replace("\n", " ") for axes in panels(figure)]
    for title, (experiment, estimator) in zip(
        titles,
        [(name, by) for name in ("fine", "bad") for by in ("exact", "re-binned", "30 bins")],
        strict=True,
    ):
        assert title.startswith(f"ReLU, 8 bits ({experiment}) {estimator}")
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels(figure)}) == 1


def test_experiments_seen_by_one_estimator_stand_side_by_side(study):
    figure = study.draw(figure_spec("plane", ("fine", "bad", "failed")))
    figure.draw_without_rendering()
    first, second, third = panels(figure)
    assert first.bbox.y0 == second.bbox.y0 > third.bbox.y1 and first.bbox.x0 == third.bbox.x0
    assert [bool(axes.get_xlabel()) for axes in (first, second, third)] == [False, True, True]


@pytest.mark.parametrize("estimators", [("exact",), ("exact", "coarse")])
def test_every_data_set_has_its_bounds_and_numbers(study, estimators):
    shown = panels(study.draw(figure_spec("plane", ("hourglass", "fine"), estimators)))
    mnist, synthetic = shown[: len(estimators)], shown[len(estimators) :]
    for group, inputs, classes in ((mnist, 70_000, 10), (synthetic, simulation.INPUTS, 2)):
        assert len({(axes.get_xlim(), axes.get_ylim()) for axes in group}) == 1
        assert 0 < np.log2(inputs) < group[0].get_xlim()[1] < 1.1 * np.log2(inputs)
        assert 0 < np.log2(classes) < group[0].get_ylim()[1] < 1.2 * np.log2(classes)
        assert all(axes.get_xlabel() for axes in group) and group[0].get_ylabel()
        assert not any(axes.get_ylabel() for axes in group[1:])


def test_trainings_of_all_lengths_end_on_one_bar(tmp_path):
    study = Study(tmp_path)
    study.add("long", 2)
    study.add("short", 2, epochs=600, record_every=50)
    figure = study.draw(figure_spec("plane", ("long", "short")))
    (bar,) = (axes for axes in figure.axes if axes.get_label() == "<colorbar>")
    texts = [text.get_text() for text in bar.get_yticklabels()]
    assert texts == ["init", "1", "10", "100", "600", "1200"]
    norms = [each.norm for axes in panels(figure) for each in scatters(axes) if each.get_array() is not None]
    assert {norm.vmax for norm in norms} == {1199}


def test_a_prefit_is_in_grey_beneath(study):
    figure = study.draw(figure_spec("plane", ("prefit",)))
    (axes,) = panels(figure)
    table = means(study, "prefit")
    x = curve(table, "i_xt", part="prefit")
    grey = [line for line in axes.lines if line.get_color() == PREFIT_LINE]
    assert [line.get_xdata().tolist() for line in grey] == [x[layer].tolist() for layer in x]
    assert max(line.get_zorder() for line in grey) < min(each.get_zorder() for each in scatters(axes))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["prefit on shuffled labels"]
    (bar,) = (axes for axes in figure.axes if axes.get_label() == "<colorbar>")
    assert bar.get_yticklabels()[0].get_text() == "start"
