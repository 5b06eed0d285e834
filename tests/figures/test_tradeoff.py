"""Trade-off shows runs; one far outlier leaves room for all others."""

import numpy as np
import pandas as pd
from drawings import panels, words

from infoplane.artifacts import read_table, write_table
from infoplane.figures.drawing import draw_figure
from infoplane.figures.tables import read_tables
from infoplane.figures.tradeoff import draw, fences, panel_layers
from infoplane.results import load_table
from infoplane.statistics.tradeoff import correlations

from .study import figure_spec


def test_points_are_the_runs_of_two_layers(study):
    left, right = panels(study.draw(figure_spec("tradeoff")))
    runs = load_table(study.path("tradeoff", "fine", "exact"))
    for axes, against in ((left, "test_accuracy"), (right, "gap")):
        for layer, points in zip(panel_layers(runs), axes.collections[::2], strict=True):
            own = runs[runs["layer"] == layer]
            np.testing.assert_allclose(points.get_offsets(), own[["compression", against]])


def test_an_outlier_is_told_and_leaves_room_for_the_others(study, tmp_path):
    spec = figure_spec("tradeoff")
    paths = study.tables(spec)
    table, known = read_table(paths["tradeoff"]["fine", "exact"][0], "tradeoff")
    table.loc[table["repetition"] == 3, "test_accuracy"] = 0.1
    write_table(tmp_path / "a.parquet", table, known)
    paths["tradeoff"]["fine", "exact"] = [tmp_path / "a.parquet"]
    figure = draw_figure(spec, read_tables(spec, paths))
    low, _ = panels(figure)[0].get_ylim()
    assert low > 0.5 and "↓ beyond: 0.100" in words(figure)


def test_two_runs_have_no_correlation(study, tmp_path):
    """Their ranks are always alike or opposite."""
    spec, told = figure_spec("tradeoff"), []
    for runs in (2, 3):
        tables = read_tables(spec, study.tables(spec))
        table, known = tables["tradeoff"]["fine", "exact"], tables["tradeoff"]["fine", "exact"].attrs
        tables["tradeoff"]["fine", "exact"] = table[table["repetition"] < runs]
        tables["tradeoff"]["fine", "exact"].attrs.update(known)
        tables["correlations"]["fine", "exact"] = correlations(table[table["repetition"] < runs])
        told.append(words(draw(spec, tables)))
    assert "too few for ρ (n = 2)" in told[0] and "ρ = " not in told[0]
    assert "ρ = " in told[1] and "too few" not in told[1]


def test_a_bad_fit_is_open(study):
    axes = panels(study.draw(figure_spec("tradeoff", ("bad",))))[0]
    filled, opened = axes.collections[:2]
    assert len(filled.get_offsets()) + len(opened.get_offsets()) <= 6
    assert not opened.get_facecolor().size


def test_fences_hold_all_of_equal_values():
    assert fences(pd.Series([0.5] * 9 + [0.9])) == (-np.inf, np.inf)
