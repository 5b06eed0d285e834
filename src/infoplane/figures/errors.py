"""Error of estimates, their distance to the exact value, over epochs."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter, SymmetricalLogLocator

from infoplane.config import FigureSpec
from infoplane.figures.panels import (
    how_many,
    labels_of,
    leave_empty,
    legend_entries,
    prefit_entry,
    wrapped,
    write_note,
)
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import I_TY, I_XT
from infoplane.plotting.curves import plot_curves
from infoplane.statistics.phases import COMPRESSION_MARGIN, FITTING_MARGIN

__all__ = ["draw"]

# Below the margin of the phase that is told from it, an error does not matter
ROWS = {"i_xt": (I_XT, COMPRESSION_MARGIN), "i_ty": (I_TY, FITTING_MARGIN)}


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """Two rows of panels for each experiment, and a column for each estimator: the mean error.

    The axis of the error is linear up to the margin of compression or fitting, and logarithmic beyond.
    """
    means, estimators = tables["errors"], spec.estimators or ()
    labels = labels_of(spec, means)
    figure = Figure((WIDTH, 0.4 + 3.4 * len(spec.experiments)), layout="constrained")
    write_note(figure, spec.note)
    blocks = figure.subfigures(len(spec.experiments), 1, squeeze=False)[:, 0]
    for experiment, block in zip(spec.experiments, blocks, strict=True):
        shown = [means[experiment, estimator] for estimator in estimators]
        block.suptitle(
            f"{labels.experiments[experiment]}: estimate − exact value, mean of {how_many(shown[0])}, "
            "10 % to 90 % quantile"
        )
        panels = block.subplots(2, len(estimators), sharex=True, sharey="row", squeeze=False)
        for row, quantity in zip(panels, ROWS, strict=True):
            for axes, table in zip(row, shown, strict=True):
                draw_error(axes, table, quantity, spec)
                axes.set(xlabel="", ylabel="")
            label, margin = ROWS[quantity]
            if row[0].lines:
                error_axis(row[0], margin)
            row[0].set_ylabel(f"error of {label}")
        for axes, estimator in zip(panels[0], estimators, strict=True):
            axes.set_title(wrapped(labels.estimators[estimator], width=5.5 / len(estimators)), linespacing=1)
        for axes in panels[1]:
            axes.set_xlabel("epochs trained")
        block.legend(handles=legend_entries(panels[0, 0]), loc="outside right center")
    if prefit := prefit_entry(means.values()):
        figure.legend(handles=prefit, loc="outside lower center")
    return figure


def draw_error(axes: Axes, table: pd.DataFrame, quantity: str, spec: FigureSpec) -> None:
    if not table["mean"].notna().any():
        leave_empty(axes, "every run failed")
        return
    axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    plot_curves(table, quantity, axes, layers=spec.layers, labels=False)


def error_axis(axes: Axes, margin: float) -> None:
    """Make the axis of errors linear within ± the margin, show all of that, and make it logarithmic below."""
    axes.set_yscale("symlog", linthresh=margin)
    lowest, highest = axes.get_ylim()
    axes.set_ylim(min(lowest, -margin), max(highest, margin))
    axes.yaxis.set_major_locator(SymmetricalLogLocator(linthresh=margin, base=10))
    axes.yaxis.set(minor_locator=NullLocator(), major_formatter=StrMethodFormatter("{x:g}"))
