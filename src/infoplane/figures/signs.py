"""Sign of compression: how often estimators say of a run and layer what the exact value says."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from infoplane.config import FigureSpec
from infoplane.figures.panels import labels_of, leave_empty, wrapped, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.phases import PREVALENCE, add_prevalence_bar, ink_on, observation_of
from infoplane.statistics.signs import signs

__all__ = ["draw"]

# In inches: the height of a row, and of what stands above and below all rows
ROW, AROUND = 0.35, 1.45
TOGETHER = {"quantized": "all quantized", "float32": "all float32", "all": "all"}


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row for each experiment and for all together, a column for each estimator that is not exact."""
    phases = tables["phases"]
    labels = labels_of(spec, phases)
    study = [observation_of(name[0], name[1], table) for name, table in phases.items()]
    agreement = signs([one for one in study if one.seen_by.subset == "all"]).query("layer == 0")
    together = [bits for bits in TOGETHER if bits in {*agreement.query("experiment == ''")["bits"]}]
    if len(together) == 2:  # all are quantized, or none
        together = ["all"]
    rows = {name: labels.experiments[name] for name in spec.experiments}
    rows |= {f"/{bits}": TOGETHER[bits] for bits in together}
    figure = Figure((WIDTH, AROUND + ROW * len(rows)), layout="constrained")
    write_note(figure, spec.note)
    axes = figure.subplots()
    judged = {*agreement["estimator"]}
    columns = {name: label for name, label in labels.estimators.items() if name in judged}
    if not agreement["n"].sum():
        leave_empty(axes, "no estimate and exact value of the same runs and epochs")
        axes.set_title(wrapped(*labels.experiments.values(), *labels.estimators.values(), width=6))
        return figure
    for _, cell in agreement.iterrows():
        name = cell["experiment"] or f"/{cell['bits']}"
        if name in rows:
            draw_cell(axes, [*columns].index(cell["estimator"]), [*rows].index(name), cell)
    axes.axhline(len(spec.experiments), color="0.15", linewidth=0.8)
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    width = 5 / len(columns)
    axes.set_xticks(np.arange(len(columns)) + 0.5, [wrapped(each, width=width) for each in columns.values()])
    axes.set_yticks(np.arange(len(rows)) + 0.5, [wrapped(each, width=2) for each in rows.values()])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(
        "share of runs and layers of which the estimate says\n"
        "what the exact value says: that they compress, or do not"
    )
    add_prevalence_bar(figure, [axes], "the runs and layers")
    return figure


def draw_cell(axes: Axes, left: int, top: int, cell: pd.Series) -> None:
    """The share in percent above its interval."""
    colour = PREVALENCE(float(cell["prevalence"])) if cell["n"] else (0.93, 0.93, 0.93, 1.0)
    axes.add_patch(Rectangle((left, top), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
    text = f"{cell['prevalence']:.0%}".replace("%", " %") if cell["n"] else "no runs"
    if pd.notna(cell["lower"]):
        text += f"\n{100 * cell['lower']:.0f}–{100 * cell['upper']:.0f}"
    axes.text(
        left + 0.5,
        top + 0.5,
        text,
        color=ink_on(colour),
        ha="center",
        va="center",
        fontsize=6.5,
        linespacing=1.1,
    )
