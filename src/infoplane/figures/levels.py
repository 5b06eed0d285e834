"""Number of levels of their grids that the layers use, over epochs."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from infoplane.config import FigureSpec
from infoplane.figures.averages import average_runs
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
from infoplane.plotting.axes import epoch_axis
from infoplane.plotting.curves import draw_curves, parts_of
from infoplane.plotting.means import epochs_of, prefit_of

__all__ = ["draw"]

COLUMNS = 2
# Entries of the legend that have room in a row
IN_A_ROW = 8


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A panel for each experiment, below a line at the levels that there are."""
    levels = tables["levels"]
    columns = min(COLUMNS, len(levels))
    rows = -(-len(levels) // columns)
    figure = Figure((0.6 + columns * (WIDTH - 0.6) / COLUMNS, 0.6 + 2.1 * rows), layout="constrained")
    write_note(figure, spec.note)
    labels = labels_of(spec, levels).experiments
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for (experiment, table), axes in zip(levels.items(), panels.flat, strict=False):
        means = average_runs(table, ["levels"])
        axes.set_title(wrapped(labels[experiment], how_many(means), width=3), linespacing=1)
        if means.empty:
            leave_empty(axes, "every run failed")
            continue
        axes.axhline(table["of"].max(), label="all $2^b$ levels", color="0.6", linewidth=0.8, dashes=(4, 3))
        for part, start in parts_of(table).items():
            draw_curves(axes, means, "levels", part, start)
        epoch_axis(axes, epochs_of(table), prefit_of(table))
    panels[0, 0].set_yscale("log", base=2)
    panels[0, 0].yaxis.set(major_locator=LogLocator(2, numticks=10), minor_locator=NullLocator())
    panels[0, 0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panels[0, 0].set_ylim(np.clip(panels[0, 0].get_ylim(), 1, None))
    for axes in panels[:, 0]:
        axes.set_ylabel("levels in use: mean, 10–90 %")
    for axes in panels.flat[len(levels) :]:
        axes.set_axis_off()
    entries = legend_entries(*panels.flat) + prefit_entry(levels.values())
    figure.legend(
        handles=entries, loc="outside lower center", ncols=min(len(entries), IN_A_ROW), columnspacing=1.2
    )
    return figure
