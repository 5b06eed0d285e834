"""Plots of planes, curves and phases from Python, on axes of one's own."""

import numpy as np
import pandas as pd
import pytest
import simulation
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

import infoplane
from infoplane.errors import UserError
from infoplane.plotting.planes import (
    Trajectories,
    is_crowded,
    mark_exits,
    milestone_rows,
    spread_rows,
    zoom_in,
)


@pytest.fixture(scope="module")
def single() -> pd.DataFrame:
    """Four runs, as from `estimate`."""
    return simulation.information(range(4), 400, 20)


def names_in(axes) -> str:
    return " ".join(text.get_text() for part in (axes, *axes.child_axes) for text in part.texts)


def test_a_table_of_estimate_and_its_means_give_the_same_plane(single):
    first, second = Figure().subplots(1, 2)
    assert infoplane.plot_plane(single, first) is first
    infoplane.plot_plane(infoplane.aggregate(single), second)
    for one, other in zip(first.collections, second.collections, strict=True):
        if isinstance(one, PathCollection):
            assert np.array_equal(one.get_offsets(), other.get_offsets())


def test_without_axes_it_is_plotted_into_the_current_ones(single):
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    figure, axes = pyplot.subplots()
    assert infoplane.plot_plane(single) is axes
    assert infoplane.plot_curves(single) is pyplot.gca()
    pyplot.close(figure)


def test_layers_by_number_and_by_name(single):
    named = single.assign(layer_name="conv" + single["layer"].astype(str))
    axes = infoplane.plot_plane(named, Figure().subplots(), layers=["conv2", "conv5"])
    assert "conv2" in names_in(axes) and "conv5" in names_in(axes) and "conv4" not in names_in(axes)
    axes = infoplane.plot_plane(single, Figure().subplots(), layers=[3], labels={3: "the middle"})
    assert "the middle" in names_in(axes)
    assert "$T" not in names_in(infoplane.plot_plane(single, Figure().subplots(), labels=False))


@pytest.mark.parametrize("plot", [infoplane.plot_plane, infoplane.plot_curves])
def test_what_is_not_there_is_one_line(single, plot):
    several = pd.concat([single.assign(estimator="exact"), single.assign(estimator="binned")])
    with pytest.raises(UserError, match=r"^estimator not given; the table holds exact, binned$"):
        plot(several, ax=Figure().subplots())
    with pytest.raises(UserError, match=r"^no estimator 'kde'; the table holds exact, binned$"):
        plot(several, ax=Figure().subplots(), estimator="kde")
    with pytest.raises(UserError, match=r"^no layer 9; the table holds 1, 2, 3, 4, 5, 6$"):
        plot(single, ax=Figure().subplots(), layers=[9])
    with pytest.raises(UserError, match=r"^the table has no column epoch; give one as from estimate$"):
        plot(pd.DataFrame({"repetition": [0], "layer": [1]}), ax=Figure().subplots())
    plot(several, ax=Figure().subplots(), estimator="binned")


@pytest.mark.parametrize("plot", [infoplane.plot_plane, infoplane.plot_curves])
@pytest.mark.parametrize("kind", [str, object])
def test_text_for_numbers_is_one_line(single, plot, kind):
    means = infoplane.aggregate(single)
    columns = [("epoch", single), ("layer", single), ("i_xt", single), ("i_ty", single), ("h_t", single)]
    columns += [("mean", means), ("layer", means)] + [("q10", means)] * (plot is infoplane.plot_curves)
    for name, table in columns:
        text = table.assign(**{name: table[name].astype(str).astype(kind)})
        with pytest.raises(
            UserError, match=f"^the table's column {name} holds '.*', expected numbers; use pd"
        ):
            plot(text, ax=Figure().subplots())


@pytest.mark.parametrize("plot", [infoplane.plot_plane, infoplane.plot_curves])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_epochs_and_layers_that_are_no_numbers_are_one_line(single, plot, value):
    means = infoplane.aggregate(single)
    for table, name in [(single, "epoch"), (single, "layer"), (means, "epoch"), (means, "layer")]:
        wrong = table.astype({name: float})
        wrong.loc[wrong.index[3], name] = value
        for layers in (None, [6]):
            with pytest.raises(UserError, match=f"^the table's column {name} lacks numbers in some rows; "):
                plot(wrong, ax=Figure().subplots(), layers=layers)


@pytest.mark.parametrize("plot", [infoplane.plot_plane, infoplane.plot_curves])
def test_means_of_several_experiments_are_one_line(single, plot):
    means = infoplane.aggregate(single)
    with pytest.raises(UserError, match=r"^the table has several means of layer 1 at epoch -1; select those"):
        plot(pd.concat([means, means]), ax=Figure().subplots())


@pytest.mark.parametrize("plot", [infoplane.plot_plane, infoplane.plot_curves])
def test_a_column_that_is_missing_is_one_line(single, plot):
    means = infoplane.aggregate(single)
    for table, name in [(means, "mean"), (means, "layer"), (means, "epoch"), (single, "layer")]:
        with pytest.raises(UserError, match=f"^the table has no column {name}; give one as from estimate"):
            plot(table.drop(columns=name), ax=Figure().subplots())
    with pytest.raises(UserError, match=r"^the table has no column h_t or i_xt or i_ty or distinct; give"):
        plot(single[["repetition", "part", "epoch", "layer"]], ax=Figure().subplots())
    with pytest.raises(UserError, match=r"^the table has no rows; give one as from estimate or load_table"):
        plot(single[:0], ax=Figure().subplots())


@pytest.mark.parametrize("name", ["i_xt", "i_ty"])
def test_a_plane_needs_both_of_its_quantities(single, name):
    means = infoplane.aggregate(single)
    for table in (single.drop(columns=name), means[means["quantity"] != name]):
        with pytest.raises(UserError, match=f"^the table has no {name}; a plane needs both i_xt and i_ty"):
            infoplane.plot_plane(table, Figure().subplots())


@pytest.mark.parametrize("plot", [infoplane.plot_plane, infoplane.plot_curves])
@pytest.mark.parametrize("wrong", [7, "conv", "1"])
def test_names_of_layers_that_are_not_there_are_refused(single, plot, wrong):
    with pytest.raises(UserError, match=f"^labels: there is no layer {wrong!r}; the table holds 1, 2, 3, 4"):
        plot(single, ax=Figure().subplots(), labels={1: "first", wrong: "x"})
    plot(single, ax=Figure().subplots(), layers=[2], labels={1: "first", np.int64(2): "second"})


def test_a_table_of_failed_runs_is_refused(single):
    failed = simulation.fail(single.query("repetition == 0"), 0, 0)
    for plot in (infoplane.plot_plane, infoplane.plot_curves):
        with pytest.raises(UserError, match="every run has failed"):
            plot(failed, ax=Figure().subplots())


def test_a_zoom_has_its_limits_and_no_inset(single):
    axes = infoplane.plot_plane(single, Figure().subplots(), zoom=((7, 12), (0.5, 1)))
    assert axes.get_xlim() == (7, 12) and axes.get_ylim() == (0.5, 1) and not axes.child_axes
    assert not infoplane.plot_plane(single, Figure().subplots(), zoom="none").child_axes


def test_curves_are_means_between_quantiles(single):
    axes = infoplane.plot_curves(single, "i_ty", Figure().subplots())
    runs = single.query("layer == 4").pivot(index="epoch", columns="repetition", values="i_ty")
    np.testing.assert_allclose(axes.lines[3].get_ydata(), runs.mean(axis=1), rtol=1e-12)
    edges = axes.collections[3].get_paths()[0].vertices[:, 1]
    assert edges.min() == pytest.approx(runs.quantile(0.1, axis=1).min(), rel=1e-12)
    assert edges.max() == pytest.approx(runs.quantile(0.9, axis=1).max(), rel=1e-12)


def test_users_settings_count_in_plots_of_their_own(single):
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 20}):
        axes = infoplane.plot_curves(single, ax=Figure().subplots())
    assert axes.xaxis.label.get_size() == 20


@pytest.mark.parametrize("count", [1, 2, 7, 300])
def test_milestones_are_distinct_and_end_with_the_last_epoch(count):
    time = np.arange(-1, count)
    rows = milestone_rows(time, count)
    assert rows[0] == 0 and rows[-1] == count and rows == sorted(set(rows))


def test_dots_of_long_trainings_are_spread_over_their_logarithm():
    time = np.arange(-1, 8000, 5)
    rows = spread_rows(time)
    assert len(rows) <= 300 and rows[0] == 0 and rows[-1] == len(time) - 1
    # no gap is wider than two of the even steps, or than one recorded epoch
    steps = np.diff(np.log(time[rows] + 2))
    even = np.log(time[-1] + 2) / 299
    assert ((steps < 2.01 * even) | (np.diff(rows) == 1)).all()


def drawn_between(ends_x, ends_y, limits):
    """Axes of a part of a plane, with two layers that move from (9, 0.9) to their ends."""
    axes = Figure((4, 4)).subplots()
    axes.set(xlim=limits[0], ylim=limits[1])
    epochs = pd.Index([-1, 0, 10, 100], name="epoch")
    x, y = (
        pd.DataFrame({layer: np.linspace(start, end, 4) for layer, end in enumerate(ends, 1)}, epochs)
        for start, ends in ((9, ends_x), (0.9, ends_y))
    )
    return Trajectories(axes, x, y, {})


@pytest.mark.parametrize(
    ("end", "head"),
    [((2, 0.9), "<"), ((15, 0.9), ">"), ((9, 0.1), "v"), ((9, 1.6), "^"), ((8.5, 0.95), None)],
)
def test_an_arrow_head_marks_where_a_trajectory_leaves_a_part_of_the_plane(end, head):
    shown = drawn_between((end[0], 9), (end[1], 0.9), ((8, 10), (0.8, 1)))
    mark_exits(shown)
    heads = shown.axes.lines
    assert [line.get_marker() for line in heads] == ([head] if head else [])
    for line in heads:
        assert 8 <= line.get_xdata()[0] <= 10 and 0.8 <= line.get_ydata()[0] <= 1


def test_an_inset_shows_nothing_that_its_plane_does_not():
    shown = drawn_between((2, 9.5), (0.9, 0.905), ((8, 10), (0, 1)))
    assert is_crowded(shown)
    (inset,) = zoom_in(shown, 101, "epoch")
    assert inset.axes.get_xlim()[0] == 8 and [*inset.named] == [2]
    assert not is_crowded(drawn_between((8.1, 9.9), (0.1, 0.9), ((8, 10), (0, 1))))
