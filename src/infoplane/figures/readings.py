"""I(X;T) and I(T;Y) of the output layer by each estimator, of the same runs."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.panels import (
    equal_axes,
    how_many,
    labels_of,
    leave_empty,
    legend_entries,
    prefit_entry,
    write_note,
)
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import I_TY, I_XT, epoch_axis, layer_style
from infoplane.plotting.curves import draw_band, parts_of
from infoplane.plotting.means import curve, epochs_of, means_of, prefit_of

__all__ = ["draw"]

QUANTITIES = {"i_xt": I_XT, "i_ty": I_TY}


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row for each experiment, I(X;T) left and I(T;Y) right, and a line for each estimator."""
    means, estimators = tables["aggregates"], spec.estimators or ()
    figure = Figure((WIDTH, 0.5 + 2.4 * len(spec.experiments)), layout="constrained")
    write_note(figure, spec.note)
    labels = labels_of(spec, means)
    rows = figure.subfigures(len(spec.experiments), 1, squeeze=False)[:, 0]
    grid = []
    for experiment, row in zip(spec.experiments, rows, strict=True):
        table = means[experiment, estimators[0]]
        row.suptitle(
            f"{labels.experiments[experiment]}, output layer: mean of {how_many(table)}, "
            "10 % to 90 % quantile"
        )
        panels = row.subplots(1, 2)
        grid.append(panels)
        for axes, quantity in zip(panels, QUANTITIES, strict=True):
            known = [name for name in estimators if means[experiment, name]["mean"].notna().any()]
            if not known:
                leave_empty(axes, "every run failed")
                continue
            for name in known:
                turn = estimators.index(name)
                share = turn / len(estimators)
                draw_output(axes, means[experiment, name], quantity, labels.estimators[name], turn, share)
            epoch_axis(axes, epochs_of(table), prefit_of(table))
            axes.set_ylabel(QUANTITIES[quantity])
    for column in zip(*grid, strict=True):
        equal_axes(axes for axes in column if axes.lines)
    entries = legend_entries(*(axes for panels in grid for axes in panels)) + prefit_entry(means.values())
    figure.legend(handles=entries, loc="outside lower center", ncols=4)
    return figure


def draw_output(axes: Axes, table: pd.DataFrame, quantity: str, name: str, turn: int, share: float) -> None:
    """The line of the last layer, in all parts of the training."""
    means = means_of(table)
    output = means[means["layer"] == means["layer"].max()]
    for part, start in parts_of(table).items():
        mean, low, high = (curve(output, quantity, value, part) for value in ("mean", "q10", "q90"))
        if mean.size:
            passes, last = start + mean.index.to_numpy() + 1, mean.columns[-1]
            band = mean[last], low[last], high[last]
            draw_band(axes, passes, band, name, share, layer_style(turn))
