"""Training and test accuracy over epochs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.means import Means, parts, prefitted
from infoplane.figures.style import (
    COLOURS,
    PREFIT_GROUND,
    how_many,
    log_epochs,
    marked,
    named_once,
    prefit_key,
    write_note,
)

__all__ = ["accuracies"]

CURVES = {
    "train_accuracy": ("training: mean and 95 % interval", COLOURS[0], "o"),
    "test_accuracy": ("test: mean and 95 % interval", COLOURS[1], "s"),
}


def accuracies(spec: FigureSpec, means: Mapping[str, Means]) -> Figure:
    """A panel for each experiment: mean over runs and its 95 % interval."""
    columns = min(3, len(means))
    rows = -(-len(means) // columns)
    figure = Figure((0.5 + 2.1 * columns, 0.5 + 1.9 * rows), layout="constrained")
    write_note(figure, spec.note)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for (experiment, (table, known)), axes in zip(means.items(), panels.flat, strict=False):
        for part, start in parts(known).items():
            lines(axes, table[table["part"] == part], start)
        log_epochs(axes, known["spec"]["training"])
        axes.set_xlim(left=0.8 + min(parts(known).values()))
        axes.set_title(f"{experiment}\n{how_many(known)}", linespacing=1)
    # Of a few runs, intervals go far beyond what there can be
    panels[0, 0].set_ylim(np.clip(panels[0, 0].get_ylim(), -0.03, 1.03))
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
    for axes in panels.flat[len(means) :]:
        axes.set_axis_off()
    keys = named_once(panels[0, 0])
    if prefitted(means.values()):
        keys.append(prefit_key(PREFIT_GROUND))
    figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure


def lines(axes: Axes, table: pd.DataFrame, start: int) -> None:
    """A line and its band for training and for test, over passes counted from `start`."""
    for turn, (quantity, (label, colour, marker)) in enumerate(CURVES.items()):
        curve = table[table["quantity"] == quantity]
        passes = curve["epoch"].to_numpy() + 1
        style = {"color": colour, "marker": marker, "markersize": 3, "markevery": marked(passes, turn / 2)}
        axes.plot(start + passes, curve["mean"], label=label, **style)
        axes.fill_between(
            start + passes, curve["lower"], curve["upper"], color=colour, alpha=0.3, linewidth=0
        )
