"""Training and test accuracy over epochs."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
from infoplane.plotting.axes import COLOURS, epoch_axis, marked
from infoplane.plotting.curves import parts_of
from infoplane.plotting.means import epochs_of, prefit_of

__all__ = ["draw"]

CURVES = {
    "train_accuracy": ("training: mean and its 95 % interval", COLOURS[0], "o"),
    "test_accuracy": ("test: mean and its 95 % interval", COLOURS[3], "s"),
}
COLUMNS = 3


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A panel for each experiment: mean over runs and its 95 % interval."""
    means = tables["accuracy"]
    columns = min(COLUMNS, len(means))
    rows = -(-len(means) // columns)
    figure = Figure((0.6 + columns * (WIDTH - 0.6) / COLUMNS, 0.5 + 1.95 * rows), layout="constrained")
    write_note(figure, spec.note)
    labels = labels_of(spec, means).experiments
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for (experiment, table), axes in zip(means.items(), panels.flat, strict=False):
        axes.set_title(wrapped(labels[experiment], how_many(table), width=2), linespacing=1)
        if not table["mean"].notna().any():
            leave_empty(axes, "every run failed")
            continue
        for part, start in parts_of(table).items():
            draw_accuracies(axes, table[(table["part"] == part) & (table["runs"] == "all")], start)
        epoch_axis(axes, epochs_of(table), prefit_of(table))
        # The state before the first step has no accuracy
        axes.set_xlim(left=0.8 - prefit_of(table))
    # Of a few runs, intervals go far beyond what there can be
    panels[0, 0].set_ylim(np.clip(panels[0, 0].get_ylim(), -0.03, 1.03))
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
    for axes in panels.flat[len(means) :]:
        axes.set_axis_off()
    entries = legend_entries(*panels.flat) + prefit_entry(means.values())
    figure.legend(handles=entries, loc="outside lower center", ncols=3)
    return figure


def draw_accuracies(axes: Axes, table: pd.DataFrame, start: int) -> None:
    """A line and its band for training and for test, over passes counted from `start`."""
    for turn, (quantity, (label, colour, marker)) in enumerate(CURVES.items()):
        curve = table[table["quantity"] == quantity]
        if curve.empty:  # of recorded runs that were not given it
            continue
        passes = curve["epoch"].to_numpy() + 1
        style: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "markersize": 3,
            "markevery": marked(passes, turn / 2),
        }
        axes.plot(start + passes, curve["mean"], label=label, **style)
        low, high = curve["lower"].clip(0, 1), curve["upper"].clip(0, 1)
        axes.fill_between(start + passes, low, high, color=colour, alpha=0.3, linewidth=0)
