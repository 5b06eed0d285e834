"""Curves over epochs: means over runs, and bands between quantiles of the runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from infoplane.errors import UserError
from infoplane.plotting.axes import I_TY, I_XT, epoch_axis, layer_style, marked
from infoplane.plotting.means import curve, epochs_of, means_of, prefit_of
from infoplane.plotting.planes import axes_or_current, names_in, refuse_other_labels
from infoplane.refusals import refuse_other_names
from infoplane.results import refuse_other_columns

__all__ = ["draw_curves", "parts_of", "plot_curves"]

QUANTITIES = {"i_xt": I_XT, "i_ty": I_TY, "h_t": "$H(T)$  [bit]", "distinct": "distinct codes"}


def plot_curves(
    table: pd.DataFrame,
    quantity: str = "i_xt",
    ax: Axes | None = None,
    *,
    layers: Sequence[Any] | None = None,
    estimator: str | None = None,
    labels: bool | Mapping[Any, str] = True,
) -> Axes:
    """Plot a quantity of every layer over epochs: means over runs, in bands between quantiles.

    Bands reach from the 10 % to the 90 % quantile of the runs, so that they never leave what is possible.

    Args:
        table: as from `estimate`, `aggregate`, `load_table` or a recorder.
        quantity: `i_xt`, `i_ty`, `h_t` or `distinct`.
        ax: where to plot; the current axes unless given.
        layers: numbers from 1, or names where the table has a column `layer_name`; all unless given.
        estimator: which one, where the table has a column of them.
        labels: whether there is a legend of the layers, or their names by number.

    Returns:
        The axes.

    Raises:
        UserError: the table lacks a layer, an estimator or a column.
    """
    means = means_of(table, estimator, layers)
    if means.empty:
        raise UserError("the table holds no finite information; every run has failed")
    refuse_other_columns(means, ["q10", "q90"])
    refuse_other_names("quantity", quantity, [*means["quantity"].unique()])
    refuse_other_labels(labels, table)
    ax = axes_or_current(ax)
    names = names_in(means) | (dict(labels) if isinstance(labels, Mapping) else {})
    for part, start in parts_of(table).items():
        draw_curves(ax, means, quantity, part, start, names)
    epoch_axis(ax, epochs_of(table), prefit_of(table))
    ax.set_ylabel(QUANTITIES.get(quantity, quantity))
    if labels is not False:
        handles, texts = ax.get_legend_handles_labels()
        ax.legend(
            *zip(*dict(zip(texts, zip(handles, texts, strict=True), strict=True)).values(), strict=True)
        )
    return ax


def parts_of(table: pd.DataFrame) -> dict[str, int]:
    """Parts of a training, and where each begins on an axis of passes: the main part at 0.

    >>> table = pd.DataFrame()
    >>> table.attrs["spec"] = {"training": {"prefit_epochs": 1000}}
    >>> parts_of(table)
    {'main': 0, 'prefit': -1000}
    """
    prefit = prefit_of(table)
    return {"main": 0, "prefit": -prefit} if prefit else {"main": 0}


def draw_curves(
    axes: Axes,
    means: pd.DataFrame,
    quantity: str,
    part: str = "main",
    start: int = 0,
    names: Mapping[Any, str] | None = None,
) -> None:
    """Draw a line and its band for each layer.

    Args:
        axes: where to draw.
        means: as from `means_of`.
        quantity: what is drawn.
        part: part of the training.
        start: from which the passes are counted.
        names: names of layers in place of their numbers.
    """
    mean, low, high = (curve(means, quantity, value, part) for value in ("mean", "q10", "q90"))
    passes = mean.index.to_numpy() + 1
    for turn, layer in enumerate(mean.columns):
        name = (names or {}).get(layer, f"$T_{{{layer}}}$")
        style = layer_style(int(layer) - 1)
        band = mean[layer], low[layer], high[layer]
        draw_band(axes, start + passes, band, name, turn / mean.shape[1], style)


def draw_band(
    axes: Axes,
    passes: Any,
    band: tuple[pd.Series, pd.Series, pd.Series],
    name: str,
    turn: float,
    style: Mapping[str, Any],
) -> None:
    """Draw one line with its markers and its band.

    Args:
        axes: where to draw.
        passes: where on the axis of epochs.
        band: mean, lower and upper end.
        name: entry of the legend.
        turn: a share that sets its markers apart from those of others.
        style: colour and marker.
    """
    mean, low, high = band
    every = marked(mean.index.to_numpy() + 1, turn)
    axes.plot(passes, mean, label=name, markersize=3.5, markevery=every, **style)
    axes.fill_between(passes, low, high, color=style["color"], alpha=0.14, linewidth=0)
