"""How much the verdicts on the claims hang on the margin."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from infoplane.config import FigureSpec
from infoplane.errors import UserError
from infoplane.figures.panels import leave_empty, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.statistics.margins import DEFAULT

__all__ = ["draw"]

ROW = ["claim", "protocol", "reading"]
# What refutes is of medium lightness and what supports dark, so that they differ in grey too
COLOURS = {"supported": "#0b3c78", "refuted": "#d98a2b", "mixed": "#eef1f4"}
WORDS = {"too few runs": "few runs", "no data": "–"}
CELL = 0.22


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row for each claim, protocol and reading, a column for each margin, and the verdict in each cell.

    Raises:
        UserError: the table is not one of margins.
    """
    table = tables["margins"]["study"]
    if missing := {*ROW, "margin", "verdict"} - {*table}:
        raise UserError(f"margins: has no column {min(missing)}; give margins.csv")
    verdicts = [*table.groupby(ROW, sort=False)]
    margins = [*table["margin"].unique()]
    figure = Figure((WIDTH, 0.7 + CELL * max(2, len(verdicts))), layout="constrained")
    write_note(figure, spec.note)
    axes = figure.subplots()
    if not verdicts:
        leave_empty(axes, "no experiment that a claim speaks of")
        return figure
    for top, (_, its) in enumerate(verdicts):
        for left, margin in enumerate(margins):
            for verdict in its.loc[its["margin"] == margin, "verdict"]:
                draw_verdict(axes, left, top, verdict)
    name_rows(axes, [names for names, _ in verdicts])
    axes.set(xlim=(0, len(margins)), ylim=(len(verdicts), 0), xlabel="compression that counts, at least")
    axes.set_xticks([place + 0.5 for place in range(len(margins))], margins)
    axes.xaxis.set(ticks_position="top", label_position="top")
    for label in axes.get_xticklabels():
        label.set_fontweight("bold" if label.get_text() == DEFAULT.name else "normal")
    if DEFAULT.name in margins:
        frame: dict[str, Any] = {"facecolor": "none", "edgecolor": "0.15", "linewidth": 1, "zorder": 3}
        axes.add_patch(Rectangle((margins.index(DEFAULT.name), 0), 1, len(verdicts), clip_on=False, **frame))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def draw_verdict(axes: Axes, left: int, top: int, verdict: str) -> None:
    colour = COLOURS.get(verdict, "white")
    axes.add_patch(Rectangle((left, top), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
    ink = "white" if verdict == "supported" else "0.15"
    word = WORDS.get(verdict, verdict)
    axes.text(left + 0.5, top + 0.52, word, color=ink, ha="center", va="center", fontsize="small")


def name_rows(axes: Axes, rows: Sequence[Any]) -> None:
    """Write claim, protocol and reading beside each row, and a line between the claims."""
    axes.set_yticks(
        [place + 0.5 for place in range(len(rows))],
        [
            f"{claim}  {protocol}, {reading}" if reading else f"{claim}  {protocol}"
            for claim, protocol, reading in rows
        ],
    )
    for place, (before, after) in enumerate(pairwise(rows), 1):
        if before[0] != after[0]:
            axes.axhline(place, color="0.5", linewidth=0.5)
