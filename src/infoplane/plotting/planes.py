"""Information planes: where every layer is at every epoch, in I(X;T) and I(T;Y)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection

from infoplane.errors import UserError, WrongValue
from infoplane.plotting.axes import (
    EPOCHS,
    I_TY,
    I_XT,
    PREFIT_LINE,
    draw_bounds,
    epoch_norm,
    epoch_ticks,
    layer_style,
)
from infoplane.plotting.insets import SHARE, Box, crowded_part, free_place
from infoplane.plotting.layer_names import name_layers
from infoplane.plotting.means import curve, epochs_of, means_of
from infoplane.refusals import refuse_other_names, refuse_other_types, short_text

__all__ = [
    "Trajectories",
    "Zoom",
    "add_epoch_bar",
    "axes_or_current",
    "common_names",
    "draw_means",
    "draw_plane",
    "is_crowded",
    "mark_exits",
    "name_columns",
    "name_trajectories",
    "names_in",
    "plot_plane",
    "refuse_other_labels",
    "show_whole",
    "spread_rows",
    "trajectories_of",
    "zoom_in",
]

Zoom = Literal["auto", "none"] | tuple[tuple[float, float], tuple[float, float]]
# Epochs at which a thin line joins the layers, evenly on a logarithmic scale
LINES = 14
# Epochs at which a layer has a dot, at most
DOTS = 300
# Factor between two numbers of epochs that have room for both texts on a bar
BETWEEN = 1.3
# Letters in the names of all layers, at most, that have room below a row of cells
LETTERS = 30


class Trajectories(NamedTuple):
    """What a plane shows: axes, and I(X;T) and I(T;Y) with a row for each epoch, a column for each layer.

    Layers are written as `names` says by their numbers, or as T and their number; `named` are those that are
    named here, all if it is None.
    """

    axes: Axes
    x: pd.DataFrame
    y: pd.DataFrame
    names: Mapping[Any, str]
    named: Sequence[Any] | None = None


def plot_plane(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    layers: Sequence[Any] | None = None,
    estimator: str | None = None,
    zoom: Zoom = "auto",
    colour: Literal["epoch", "layer"] = "epoch",
    labels: bool | Mapping[Any, str] = True,
    bar: bool = True,
) -> Axes:
    """Plot an information plane: I(X;T) and I(T;Y) of every layer, means over runs, from epoch to epoch.

    Thin lines join the layers of one epoch; a larger marker stands at 1, 10, 100 … epochs, of another shape
    for each layer, and an open one at the last.

    Args:
        table: as from `estimate`, `aggregate`, `load_table` or a recorder.
        ax: where to plot; the current axes unless given.
        layers: numbers from 1, or names where the table has a column `layer_name`; all unless given.
        estimator: which one, where the table has a column of them.
        zoom: `auto` shows layers that stay within a tenth of the plane larger, in an inset; `none` does not;
            ((lo, hi), (lo, hi)) are limits of I(X;T) and I(T;Y).
        colour: what colours tell apart, epochs or layers.
        labels: whether the layers are named, or their names by number.
        bar: whether the axes get a colour bar of the epochs.

    Returns:
        The axes.

    Raises:
        UserError: the table lacks a layer, an estimator or a column, or every run failed.
    """
    means = means_of(table, estimator, layers)
    refuse_other_names("colour", colour, ("epoch", "layer"))
    refuse_other_zooms(zoom)
    refuse_other_labels(labels, table)
    refuse_other_types("bar", bar, bool, "True or False")
    ax = axes_or_current(ax)
    missing = {"i_xt", "i_ty"} - {*means["quantity"]}
    if missing and not means.empty:
        raise UserError(f"the table has no {min(missing)}; a plane needs both i_xt and i_ty")
    if not np.isfinite(curve(means, "i_xt").to_numpy()).any():
        raise UserError("the table holds no finite information; every run has failed")
    dataset, epochs = table.attrs.get("dataset"), epochs_of(table)
    trajectories = [draw_means(ax, means, dataset, epochs, colour)]
    if dataset:
        show_whole(ax, [dataset])
    if isinstance(labels, Mapping):
        trajectories = [trajectories[0]._replace(names=labels)]
    if not isinstance(zoom, str):
        ax.set(xlim=zoom[0], ylim=zoom[1])
        mark_exits(trajectories[0])
    elif zoom == "auto":
        trajectories += zoom_in(trajectories[0], epochs, colour)
    if bar and colour == "epoch":
        figure = ax.get_figure()
        assert figure is not None
        add_epoch_bar(figure, [ax], epochs)
    if labels is not False:
        name_trajectories(trajectories)
    return ax


def draw_means(
    axes: Axes,
    means: pd.DataFrame,
    dataset: Mapping[str, Any] | None,
    epochs: int,
    colour: Literal["epoch", "layer"],
) -> Trajectories:
    """Draw mean trajectories, above those of a prefit part, and the bounds of a data set.

    Args:
        axes: where to draw.
        means: as from `means_of`.
        dataset: the description of the data set, if it is known.
        epochs: number of epochs at the end of the colour scale.
        colour: what colours tell apart.
    """
    if dataset:
        draw_bounds(axes, dataset)
    before = (curve(means, quantity, part="prefit") for quantity in ("i_xt", "i_ty"))
    axes.plot(*before, color=PREFIT_LINE, linewidth=2, zorder=0.5)
    shown = Trajectories(axes, curve(means, "i_xt"), curve(means, "i_ty"), names_in(means))
    draw_plane(axes, shown.x, shown.y, epochs, colour)
    axes.set(xlabel=I_XT, ylabel=I_TY)
    return shown


def axes_or_current(ax: Axes | None) -> Axes:
    """The axes that were given, or the current ones."""
    if ax is None:
        from matplotlib import pyplot

        return pyplot.gca()
    refuse_other_types("ax", ax, Axes, "axes of matplotlib")
    return ax


def refuse_other_labels(labels: Any, table: pd.DataFrame) -> None:
    """Raise an error if labels are neither a switch nor names by numbers of layers that a table has."""
    refuse_other_types("labels", labels, (bool, Mapping), "True, False, or names by the numbers of layers")
    known = [*table["layer"].unique()]
    for layer in labels if isinstance(labels, Mapping) else ():
        if layer not in known:
            raise WrongValue(
                f"labels: there is no layer {short_text(layer)}; the table holds {', '.join(map(str, known))}"
            )


def refuse_other_zooms(zoom: Any) -> None:
    """Raise a `WrongValue` if a zoom is no name, nor limits of both axes."""
    if not isinstance(zoom, tuple | list):
        refuse_other_names("zoom", zoom, ("auto", "none"))
        return
    pairs = [each for each in zoom if isinstance(each, tuple | list) and len(each) == 2]
    numbers = [end for pair in pairs for end in pair if isinstance(end, Real)]
    if not len(zoom) == len(pairs) == 2 or len(numbers) != 4:
        raise WrongValue(f"zoom: {short_text(zoom)} is refused; give ((lo, hi), (lo, hi)), in bits")


def common_names(tables: Iterable[pd.DataFrame]) -> dict[int, str]:
    """Names of layers that tables share; none where they differ, or where one of the tables has none."""
    first, *others = map(names_in, tables)
    return first if all(each == first for each in others) else {}


def name_columns(axes: Axes, layers: Sequence[int], names: Mapping[int, str]) -> None:
    """Name the columns of a table of cells by the layers that they stand for."""
    words = [names.get(layer, f"$T_{{{layer}}}$") for layer in layers]
    crowded = len("".join(names.values())) > LETTERS
    slanted: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(np.arange(len(layers)) + 0.5, words, **slanted)


def names_in(means: pd.DataFrame) -> dict[Any, str]:
    """Names of layers, where the table has them."""
    if "layer_name" not in means:
        return {}
    return dict(zip(means["layer"], means["layer_name"], strict=True))


def draw_plane(
    axes: Axes, x: pd.DataFrame, y: pd.DataFrame, epochs: int, colour: Literal["epoch", "layer"] = "epoch"
) -> None:
    """Draw the trajectories of one plane.

    Args:
        axes: where to draw.
        x: I(X;T), a row for each epoch and a column for each layer.
        y: I(T;Y), likewise.
        epochs: number of epochs at the end of the colour scale.
        colour: what colours tell apart.
    """
    time, norm = x.index.to_numpy(), epoch_norm(epochs)
    points = np.stack([x, y], -1)
    scale: dict[str, Any] = {"cmap": EPOCHS, "norm": norm}
    joined = np.diff(np.floor(np.asarray(norm(time)) * LINES), prepend=-1) > 0
    lines: dict[str, Any] = {"array": time[joined], **scale} if colour == "epoch" else {"color": "0.5"}
    axes.add_collection(
        LineCollection(list(points[joined]), linewidths=0.4, alpha=0.5, zorder=1, **lines), autolim=False
    )
    milestones, dots = milestone_rows(time, epochs), spread_rows(time)
    for place, layer in enumerate(x.columns):
        style = layer_style(int(layer) - 1)
        own_x, own_y = points[:, place].T
        by_layer = colour == "layer"
        line: dict[str, Any] = {"color": style["color"] if by_layer else "0.75", "zorder": 1.5}
        axes.plot(own_x, own_y, linewidth=1 if by_layer else 0.6, **line)
        if not by_layer:
            axes.scatter(own_x[dots], own_y[dots], 4, time[dots], linewidths=0, zorder=2, **scale)
        mark: dict[str, Any] = {"marker": style["marker"], "edgecolors": "white", "linewidths": 0.4}
        mark |= {"color": style["color"]} if by_layer else {"c": time[milestones], **scale}
        axes.scatter(own_x[milestones], own_y[milestones], 16, zorder=2.5, **mark)
        last: dict[str, Any] = {"marker": style["marker"], "facecolors": "none", "edgecolors": "k"}
        axes.scatter(own_x[-1:], own_y[-1:], 20, linewidths=0.7, zorder=3, **last)


def milestone_rows(time: np.ndarray, epochs: int) -> list[int]:
    """Rows of the recorded epochs that are nearest to 0, 1, 10, 100 … epochs trained and to the last.

    >>> milestone_rows(np.array([-1, 0, 5, 10, 95, 100]), 101)
    [0, 1, 3, 5]
    """
    ticks = np.array([*epoch_ticks(epochs)])
    rows = np.abs(np.log(time + 2) - np.log(ticks + 1)[:, None]).argmin(1)
    return sorted({int(row) for row in rows})


def spread_rows(time: np.ndarray, most: int = DOTS) -> list[int]:
    """Rows of so many recorded epochs at most, evenly on a logarithmic scale.

    >>> spread_rows(np.array([-1, 0, 5, 10])), spread_rows(np.array([-1, 0, 5, 10]), 2)
    ([0, 1, 2, 3], [0, 3])
    """
    if len(time) <= most:
        return [*range(len(time))]
    places = np.log(time + 2)
    spots = np.linspace(places[0], places[-1], most)
    return [int(row) for row in np.unique(np.abs(places - spots[:, None]).argmin(1))]


def zoom_in(shown: Trajectories, epochs: int, colour: Literal["epoch", "layer"]) -> list[Trajectories]:
    """Show crowded layers larger in an inset, where there is room for one.

    Returns:
        What the inset shows, if there is one.
    """
    axes, x, y, names, _ = shown
    whole = Box(axes.get_xlim(), axes.get_ylim())
    part = crowded_part(x.to_numpy(), y.to_numpy(), whole)
    part = part and part.within(whole)
    place = part and free_place(x.to_numpy(), y.to_numpy(), whole, part)
    if part is None or place is None:
        return []
    inset = axes.inset_axes(place)
    inset.set(xlim=part.x, ylim=part.y)
    draw_plane(inset, x, y, epochs, colour)
    inset.set(xlim=part.x, ylim=part.y)
    inset.tick_params(labelsize="x-small", pad=1.5, length=2)
    inset.locator_params(nbins=3)
    inset.minorticks_off()
    inset.spines[:].set(visible=True, color="0.5", linewidth=0.5)
    axes.indicate_inset_zoom(inset, edgecolor="0.5", linewidth=0.5, alpha=1)
    within = [
        layer
        for layer in x
        if part.x[0] <= x[layer].iloc[-1] <= part.x[1] and part.y[0] <= y[layer].iloc[-1] <= part.y[1]
    ]
    return [Trajectories(inset, x, y, names, within)]


def is_crowded(shown: Trajectories) -> bool:
    """Whether all that is in view of a plane stays within a tenth of it."""
    axes, x, y, *_ = shown
    size = np.array([np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())])
    lower = np.array([axes.get_xlim()[0], axes.get_ylim()[0]])
    points = (np.stack([x, y], -1) - lower) / size
    seen = points[((points >= 0) & (points <= 1)).all(-1)]
    return bool(len(seen)) and float(np.ptp(seen, axis=0).prod()) <= SHARE


def name_trajectories(shown: Sequence[Trajectories]) -> None:
    """Name the layers of planes; what an inset names, the plane around it does not."""
    of_insets = {id(plane.axes): set(plane.named or ()) for plane in shown}
    for axes, x, y, names, named in shown:
        inside = set().union(*(of_insets.get(id(inset), set()) for inset in axes.child_axes))
        own = {*(x if named is None else named)} - inside
        texts = [names.get(layer, f"$T_{{{layer}}}$") if layer in own else None for layer in x]
        name_layers(axes, x, y, texts)


def mark_exits(shown: Trajectories) -> None:
    """Mark where trajectories leave the view for good, by arrow heads at its edge."""
    axes = shown.axes
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    style: dict[str, Any] = {"color": "k", "markersize": 4.5, "clip_on": False, "zorder": 3}
    for layer in shown.x:
        x, y = shown.x[layer].to_numpy(), shown.y[layer].to_numpy()
        seen = np.flatnonzero((left <= x) & (x <= right) & (bottom <= y) & (y <= top))
        if not len(seen) or seen[-1] == len(x) - 1:
            continue
        after = seen[-1] + 1
        heads = {"<": x[after] < left, ">": x[after] > right, "v": y[after] < bottom, "^": y[after] > top}
        head = next((name for name, leaves in heads.items() if leaves), None)
        if head:
            axes.plot(x[after].clip(left, right), y[after].clip(bottom, top), head, **style)


def add_epoch_bar(
    figure: Any, panels: Sequence[Axes], epochs: int, prefit: bool = False, others: Collection[int] = ()
) -> None:
    """Draw the colours of the epochs beside panels; after a prefit part, nothing is initial.

    Args:
        figure: which one the panels are of.
        panels: what the bar stands beside.
        epochs: number of epochs at the end of the colour scale.
        prefit: whether there is a prefit part.
        others: numbers of epochs of shorter trainings, which are marked too.
    """
    ticks = bar_ticks(epochs, others)
    bar = figure.colorbar(
        ScalarMappable(epoch_norm(epochs), EPOCHS), ax=list(panels), aspect=30, pad=0.02, fraction=0.05
    )
    bar.set_ticks(
        [tick - 1 for tick in ticks], labels=["start" if prefit else "init", *[*ticks.values()][1:]]
    )
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    if bar.solids:
        bar.solids.set(rasterized=False, edgecolor="face")
    bar.set_label("epochs trained")


def bar_ticks(epochs: int, others: Collection[int] = ()) -> dict[int, str]:
    """Ticks of a bar of epochs: where trainings end, and powers of ten that are not too near to an end.

    >>> [*bar_ticks(8000, [3000]).values()], [*bar_ticks(8000, [1200]).values()]
    (['init', '1', '10', '100', '1000', '3000', '8000'], ['init', '1', '10', '100', '1200', '8000'])
    """
    ends: list[int] = []
    for end in sorted({epochs, *others}, reverse=True):
        if all(BETWEEN * end < each for each in ends):
            ends.append(end)
    powers = epoch_ticks(epochs)
    free = [tick for tick in powers if all(max(tick, end) > BETWEEN * min(tick, end) for end in ends)]
    return {tick: powers.get(tick, str(tick)) for tick in sorted([*free, *ends])}


def show_whole(axes: Axes, datasets: Sequence[Mapping[str, Any]]) -> None:
    """Show the whole plane, up to the bounds of each of the data sets."""
    h_x = max(np.log2(dataset["inputs"]) for dataset in datasets)
    h_y = max(dataset["h_y"] for dataset in datasets)
    axes.set(xlim=(-0.03 * h_x, 1.05 * h_x), ylim=(-0.03 * h_y, 1.12 * h_y))


def trajectories_of(table: pd.DataFrame, axes: Axes, layers: Sequence[Any] | None = None) -> Trajectories:
    """Mean trajectories of the main part, of some or all layers."""
    means = means_of(table, layers=layers)
    return Trajectories(axes, curve(means, "i_xt"), curve(means, "i_ty"), names_in(means))
