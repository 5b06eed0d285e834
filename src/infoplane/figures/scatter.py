"""Activations of the layer of two neurons by class, of one run at a few epochs."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infoplane.config import FigureSpec
from infoplane.figures.panels import labels_of, leave_empty, moment, wrapped, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables

__all__ = ["draw"]

CLASSES = "tab10"


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row for each experiment, a column for each epoch; the number of a class stands in its middle."""
    activations = tables["activations"]
    labels = labels_of(spec, activations).experiments
    columns = max(1, max(table["epoch"].nunique() for table in activations.values()))
    size = (WIDTH - 0.3) / max(3, columns)
    figure = Figure((0.3 + size * columns, 0.6 + (size + 0.6) * len(activations)), layout="constrained")
    write_note(figure, spec.note)
    rows = figure.subfigures(len(activations), 1, squeeze=False)[:, 0]
    classes: set[int] = set()
    for (experiment, table), row in zip(activations.items(), rows, strict=True):
        repetition = table.attrs["repetitions"][0]
        if table.empty:
            row.suptitle(labels[experiment])
            leave_empty(row.subplots(), f"repetition {repetition} has become NaN")
            continue
        shown = f"repetition {repetition}, layer $T_{{{table['layer'].iloc[0]}}}$"
        row.suptitle(wrapped(labels[experiment], shown, width=figure.get_figwidth()))
        panels = row.subplots(1, columns, squeeze=False)[0]
        for axes in panels:
            axes.axison = False
        for epoch, axes in zip(sorted(table["epoch"].unique()), panels, strict=False):
            axes.axison = True
            axes.set_title(moment(epoch, table))
            draw_classes(axes, table[table["epoch"] == epoch])
        panels[0].set_ylabel("second neuron")
        classes |= {*table["label"]}
    figure.legend(
        handles=class_entries(classes), loc="outside lower center", ncols=3 * columns + 1, handletextpad=0.1
    )
    return figure


def draw_classes(axes: Axes, points: pd.DataFrame) -> None:
    """Distinct activations by class, larger where there are more inputs, and the class at its median."""
    order = points.sample(frac=1, random_state=0)
    sizes = 0.6 + 1.4 * np.log2(order["count"])
    style: dict[str, Any] = {"cmap": CLASSES, "vmin": -0.5, "vmax": 9.5, "rasterized": True}
    axes.scatter(order["t_1"], order["t_2"], sizes, order["label"].mod(10), linewidths=0, **style)
    for label, own in points.groupby("label"):
        axes.text(
            median(own["t_1"], own["count"]),
            median(own["t_2"], own["count"]),
            str(label),
            ha="center",
            va="center",
            weight="bold",
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "boxstyle": "circle,pad=0.15"},
        )
    axes.set_xlabel("first neuron")


def median(values: pd.Series, weights: pd.Series) -> float:
    """Weighted median.

    >>> median(pd.Series([3.0, 1.0, 2.0]), pd.Series([1, 5, 1]))
    1.0
    """
    order = values.argsort()
    total = weights.iloc[order].cumsum()
    return float(values.iloc[order].iloc[int(np.searchsorted(total, total.iloc[-1] / 2))])


def class_entries(classes: set[int]) -> list[Line2D]:
    colours = colormaps[CLASSES]
    return [
        Line2D([], [], linestyle="", marker="o", markersize=4, color=colours(int(name) % 10), label=str(name))
        for name in sorted(classes)
    ]
