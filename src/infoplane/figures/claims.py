"""The verdicts on the claims, as a table."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infoplane.artifacts import digest, read_csv
from infoplane.config import FigureSpec
from infoplane.errors import UserError
from infoplane.figures.means import Means
from infoplane.figures.style import write_note

__all__ = ["claims", "read_claims"]

# Filled, half and empty are told apart in print without colour
SYMBOLS: dict[str, dict[str, Any]] = {
    "supported": {"marker": "o", "fillstyle": "full"},
    "mixed": {"marker": "o", "fillstyle": "left", "markerfacecoloralt": "white"},
    "too few runs": {"marker": "o", "fillstyle": "none"},
    "refuted": {"marker": "x", "markeredgewidth": 1.4},
    "no data": {"marker": "_"},
}
STATUSES = {"shows": "show", "lacks": "lack", "mixed": "mixed", "ceiling": "ceil."}
KEY = ["claim", "statement", "reading"]
OTHERS = ["verdict_good_fits", "verdict_not_near_log2_n"]
NUMBERS = ["k", "n", "lower", "upper", "p", "mean"]
# In inches: where columns begin, and how high what is
CLAIM, READING, PROTOCOLS, PROTOCOL, COUNTS, COUNT = 0.1, 2.1, 2.75, 2.8, 1.6, 0.3
TOP, HEAD, LINE, ROW, FOOT, MARGIN = 0.1, 0.4, 0.13, 0.5, 0.5, 0.1
FOOTNOTE = """\
k of n runs with the 95 % interval of the prevalence, of the clearest cell that decides or, where every cell \
has to agree, of the least clear; below it the name of that cell.
p: exact, corrected by Holm's procedure where one cell decides. show, lack, mixed, at the ceiling: numbers \
of cells, a cell being a layer of an experiment.
Empty: there is no such reading. † another verdict by the good fits alone or without cells near log₂ N. \
‡ another verdict by another margin."""


def read_claims(path: Path) -> Means:
    """The table of verdicts as the statistics left it, and the hash of its content.

    Raises:
        UserError: it is missing, or another table.
    """
    table = read_csv(path)
    content = digest(table.to_dict("list"))
    columns = [*KEY, "protocol", "verdict", *OTHERS, "fragile", "decisive", *STATUSES, *NUMBERS]
    if missing := set(columns) - set(table):
        raise UserError(f"{path}: has no column {min(missing)}; give claims.csv")
    table[NUMBERS] = table[NUMBERS].apply(pd.to_numeric)
    return table, {"spec_hash": content}


def claims(spec: FigureSpec, table: pd.DataFrame) -> Figure:
    """A row for each claim and reading, a column for each protocol: verdict, k of n, and numbers of cells."""
    protocols = list(table["protocol"].unique())
    readings = table[KEY].drop_duplicates().sort_values("claim", kind="stable")
    head = TOP + HEAD + (0.2 if spec.note else 0)
    width, height = PROTOCOLS + PROTOCOL * len(protocols), head + FOOT
    blocks = list(lines_of(readings))
    height += sum(high for *_, high in blocks)
    figure = Figure((width, height))
    write_note(figure, spec.note)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    headings(axes, protocols, head)
    top = head
    for statement, names, high in blocks:
        axes.hlines(top, MARGIN, width - MARGIN, color="0.6", linewidth=0.4)
        claim = readings["claim"][names.index[0]]
        axes.text(CLAIM, top + 0.5 * LINE, claim, weight="bold", va="top")
        axes.text(CLAIM + 0.25, top + 0.5 * LINE, statement, va="top", fontsize=7.5, linespacing=1.1)
        for turn, reading in enumerate(names):
            axes.text(READING, top + turn * ROW + 0.5 * LINE, reading, va="top")
            for place, protocol in enumerate(protocols):
                its = (table["claim"] == claim) & (table["reading"] == reading)
                for _, verdict in table[its & (table["protocol"] == protocol)].iterrows():
                    write_verdict(axes, verdict, PROTOCOLS + place * PROTOCOL, top + turn * ROW)
        top += high
    axes.hlines([head - HEAD, top], MARGIN, width - MARGIN, color="k", linewidth=0.8)
    axes.text(CLAIM, top + 0.6 * LINE, FOOTNOTE, va="top", fontsize=6.5, color="0.3", linespacing=1.25)
    return figure


def lines_of(readings: pd.DataFrame) -> Iterator[tuple[str, pd.Series, float]]:
    """Each claim in lines, its readings, and the height that both need."""
    for _, its in readings.groupby("claim", sort=False):
        lines = wrap(its["statement"].iloc[0], 35)
        yield "\n".join(lines), its["reading"], max(ROW * len(its), LINE * (len(lines) + 1))


def headings(axes: Axes, protocols: list[str], bottom: float) -> None:
    """The names of the columns, above a line."""
    axes.text(CLAIM, bottom - 0.08, "claim")
    axes.text(READING, bottom - 0.08, "reading of $T$")
    for place, protocol in enumerate(protocols):
        left = PROTOCOLS + place * PROTOCOL
        axes.text(left + PROTOCOL / 2, bottom - 0.23, f"protocol {protocol}", ha="center", weight="bold")
        axes.hlines(bottom - 0.2, left + 0.1, left + PROTOCOL - 0.1, color="k", linewidth=0.4)
        axes.text(left + 0.1, bottom - 0.08, "verdict and what decides it")
        for turn, name in enumerate(STATUSES.values()):
            axes.text(left + COUNTS + COUNT * turn, bottom - 0.08, name, ha="center", fontsize=6.5)


def write_verdict(axes: Axes, verdict: pd.Series, left: float, top: float) -> None:
    """A verdict, k of n runs of the cell that it hangs on, and how many cells there are of each status."""
    word, line = verdict["verdict"], top + 0.85 * LINE
    axes.plot(left + 0.15, line, color="k", markersize=4.5, **SYMBOLS[word])
    dagger = "†" if {*verdict[OTHERS]} != {word} else ""
    dagger += "‡" if verdict["fragile"] == "True" else ""
    style: dict[str, Any] = {"weight": "bold"} if word in ("supported", "refuted") else {}
    axes.text(left + 0.25, line, f"{word}{dagger}", va="center_baseline", **style)
    if word == "no data":
        return
    for turn, status in enumerate(STATUSES):
        axes.text(left + COUNTS + COUNT * turn, line, str(verdict[status]), ha="center", va="center_baseline")
    if pd.notna(verdict["k"]):
        interval = "" if pd.isna(verdict["lower"]) else " [{lower:.0%}, {upper:.0%}]".format_map(verdict)
        told = f"{verdict['k']:.0f} of {verdict['n']:.0f}{interval}{probability(verdict['p'])}"
        axes.text(left + 0.25, line + LINE, told, va="center_baseline", fontsize=7.5)
    cell = "\n".join(wrap(verdict["decisive"].partition(";")[0], 62, break_on_hyphens=False))
    axes.text(left + 0.25, line + 1.5 * LINE, cell, va="top", fontsize=6, color="0.3", linespacing=1)


def probability(p: float) -> str:
    """A p-value behind an effect.

    >>> probability(0.00004), probability(0.0312), probability(float("nan"))
    (', p < 0.001', ', p = 0.031', '')
    """
    if pd.isna(p):
        return ""
    return ", p < 0.001" if p < 0.001 else f", p = {p:.2g}"
