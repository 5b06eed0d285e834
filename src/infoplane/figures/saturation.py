"""Saturation: the peak of H(T) as a share of log₂ N, in every layer of many experiments."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle

from infoplane.config import FigureSpec
from infoplane.figures.panels import labels_of, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.planes import common_names, name_columns
from infoplane.statistics.phases import NEAR

__all__ = ["draw"]

CELL = 0.23
# Greys, of which the darkest leaves numbers legible
COLOURS = ListedColormap(colormaps["Greys"](np.linspace(0, 0.75, 192)), "shares")


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row for each experiment and estimator, a column for each layer: means over runs."""
    phases = tables["phases"]
    labels = labels_of(spec, phases)
    several = len(spec.estimators or ()) > 1
    rows = [
        labels.experiments[experiment] + (f", {labels.estimators[estimator]}" if several else "")
        for experiment, estimator in phases
    ]
    figure = Figure((WIDTH * 0.75, 0.9 + CELL * len(rows)), layout="constrained")
    write_note(figure, spec.note)
    axes = figure.subplots()
    layers = sorted({int(layer) for table in phases.values() for layer in table["layer"].unique()})
    for top, table in enumerate(phases.values()):
        inputs = table.attrs["dataset"]["inputs"]
        for left, layer in enumerate(layers):
            runs = table[table["layer"] == layer]
            if len(runs):
                draw_share(axes, left, top, runs, inputs)
    axes.set(xlim=(0, len(layers)), ylim=(len(rows), 0), title=r"peak of $H(T)$ as a share of $\log_2 N$")
    name_columns(axes, layers, common_names(phases.values()))
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), COLOURS), ax=axes, ticks=[0, 0.5, 1], aspect=25)
    bar.outline.set_visible(False)
    if bar.solids:
        bar.solids.set(rasterized=False, edgecolor="face")
    if any(is_near(runs) for table in phases.values() for _, runs in table.groupby("layer")):
        label = rf"above {NEAR:g} of a sample's $\log_2 N$"
        marker = Line2D([], [], linestyle="", marker="v", color="k", markerfacecolor="white", label=label)
        figure.legend(handles=[marker], loc="outside lower center")
    return figure


def draw_share(axes: Axes, left: int, top: int, runs: pd.DataFrame, inputs: int) -> None:
    """One cell: the mean share of the runs, and a mark where most of them are near log₂ N."""
    share = runs["peak"].mean() / np.log2(inputs)
    colour = "0.93" if np.isnan(share) else ScalarMappable(Normalize(0, 1), COLOURS).to_rgba(share)
    axes.add_patch(Rectangle((left, top), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
    ink = "white" if share > 0.8 else "black"
    text = "no measure" if np.isnan(share) else f"{share:.2f}"
    axes.text(left + 0.5, top + 0.52, text, color=ink, ha="center", va="center", fontsize="small")
    if is_near(runs):
        corner = [(left + 0.97, top + 0.04), (left + 0.97, top + 0.34), (left + 0.72, top + 0.04)]
        axes.add_patch(Polygon(corner, facecolor=ink, linewidth=0))


def is_near(runs: pd.DataFrame) -> bool:
    """Whether most of the runs are near log₂ N."""
    return bool(runs["near_log2_n"].mean() > 0.5)
