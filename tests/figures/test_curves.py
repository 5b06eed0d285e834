"""Curves are means with bands between quantiles, over epochs from the first one on."""

import numpy as np
import pytest
from drawings import panels, words
from matplotlib.colors import to_rgba
from matplotlib.legend import Legend

from infoplane.plotting.axes import PREFIT_GROUND
from infoplane.plotting.means import curve
from infoplane.results import load_table

from .study import figure_spec


def test_lines_are_means_with_a_band_from_quantile_to_quantile(study):
    shown = panels(study.draw(figure_spec("curves")))
    table = load_table(study.path("aggregates", "fine", "exact")).query("runs == 'all'")
    for axes, quantity in zip(shown, ("i_xt", "i_ty"), strict=True):
        mean, low, high = (curve(table, quantity, value) for value in ("mean", "q10", "q90"))
        assert [line.get_label() for line in axes.lines] == [f"$T_{{{layer}}}$" for layer in range(1, 7)]
        for layer, line, band in zip(mean, axes.lines, axes.collections, strict=True):
            assert np.array_equal(line.get_ydata(), mean[layer])
            edges = band.get_paths()[0].vertices[:, 1]
            assert (edges.min(), edges.max()) == (low[layer].min(), high[layer].max())


def test_bands_never_leave_what_is_possible(study):
    for experiment, bounds in {"fine": (12, 0.99917), "hourglass": (np.log2(70_000), np.log2(10))}.items():
        for axes, bound in zip(panels(study.draw(figure_spec("curves", (experiment,)))), bounds, strict=True):
            edges = np.concatenate([band.get_paths()[0].vertices[:, 1] for band in axes.collections])
            assert edges.min() >= 0 and edges.max() <= bound


def test_rows_have_equal_axes(study):
    shown = panels(study.draw(figure_spec("curves", ("fine", "prefit", "bad"))))
    for column in (shown[::2], shown[1::2]):
        assert len({axes.get_ylim() for axes in column}) == 1


def test_ticks_are_powers_of_ten_and_the_last_epoch(study):
    axes, _ = panels(study.draw(figure_spec("curves")))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["init", "1", "10", "100", "1200"]
    assert axes.lines[0].get_xdata()[:2].tolist() == [0, 1]
    places = axes.transData.transform([[0, 0], [1, 0], [10, 0], [100, 0]])[:, 0]
    assert axes.bbox.x0 < places[0] and (np.diff(places) > 10).all()


def test_layers_differ_in_colour_and_marker(study):
    axes, _ = panels(study.draw(figure_spec("curves")))
    for attribute in ("get_color", "get_marker"):
        assert len({getattr(line, attribute)() for line in axes.lines}) == 6


@pytest.mark.parametrize("kind", ["curves", "readings", "accuracy"])
class TestPrefit:
    def test_it_lies_left_of_epoch_0_on_grey_ground(self, study, kind):
        figure = study.draw(figure_spec(kind, ("prefit",)))
        axes = panels(figure)[0]
        main, prefit = (
            [line for line in axes.lines if (line.get_xdata() > 0).any() == after] for after in (True, False)
        )
        assert len(main) == len(prefit) == {"curves": 6, "readings": 1, "accuracy": 2}[kind]
        for first, second in zip(main, prefit, strict=True):
            assert first.get_color() == second.get_color() and first.get_marker() == second.get_marker()
            assert second.get_xdata()[0] == (-299 if kind == "accuracy" else -300)
            assert second.get_xdata()[-1] <= 0
        ticks = dict(
            zip(axes.get_xticks(), (each.get_text() for each in axes.get_xticklabels()), strict=True)
        )
        assert ticks == {
            -300: "" if kind == "accuracy" else "init",
            -299: "1",
            -290: "10",
            -200: "",
            0: "300",
            1: "1",
            10: "10",
            100: "100",
            1200: "1200",
        }
        (ground,) = axes.patches
        assert ground.get_facecolor() == to_rgba(PREFIT_GROUND)
        edge = axes.transData.transform((0, 0))[0]
        assert ground.get_extents().x1 == pytest.approx(edge)
        named = [text.get_text() for legend in figure.findobj(Legend) for text in legend.get_texts()]
        assert named.count("prefit on shuffled labels") == 1 and len(set(named)) == len(named)

    def test_nothing_is_said_of_it_where_there_is_none(self, study, kind):
        figure = study.draw(figure_spec(kind))
        assert "prefit" not in words(figure)
        assert not any(axes.patches for axes in panels(figure))


def test_epochs_of_a_prefit_have_an_axis_like_that_of_the_main_part(study):
    axes = panels(study.draw(figure_spec("curves", ("prefit",))))[0]
    passes = np.array([0, 1, 7, 10, 100, 299])
    places = [axes.transData.transform(np.stack([passes + start, passes], 1))[:, 0] for start in (-300, 0)]
    np.testing.assert_allclose(np.diff(places[0]), np.diff(places[1]))
    back = axes.transData.inverted().transform(np.stack([places[0], places[0]], 1))[:, 0]
    np.testing.assert_allclose(back, passes - 300, atol=1e-6)
