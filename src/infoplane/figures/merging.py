"""Codes of the logits that fall into one bin where the softmax is re-binned, at some epochs of one run."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from infoplane.config import FigureSpec
from infoplane.entropy import entropy
from infoplane.figures.panels import labels_of, leave_empty, moment, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables

__all__ = ["bins_of", "draw"]

CODE, BIN = "#9dbfe0", "k"
# Epochs of a row, at most
COLUMNS = 4
# The end of the axis of inputs, below 1
LEAST = 0.7
KEYS = [
    Patch(color=CODE, linewidth=0, label="codes of the logits (exact)"),
    Line2D([], [], color=BIN, linewidth=1, label="bins of the softmax (re-binned)"),
]


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row for each experiment, a column for each epoch.

    Of two classes, above: number of inputs of each code over the difference q₀ − q₁ of the codes of the
    logits, and of each bin; below: the softmax of each code, and the bins. Of more, above: the same numbers,
    largest first; below: the numbers of codes in a bin, likewise.
    """
    merging = tables["merging"]
    labels = labels_of(spec, merging).experiments
    epochs = {name: panel_epochs(table["epoch"]) for name, table in merging.items()}
    columns = max(1, *map(len, epochs.values()))
    figure = Figure(
        (min(WIDTH, 0.6 + 1.65 * max(columns, 2)), 0.5 + 3.1 * len(merging)), layout="constrained"
    )
    write_note(figure, spec.note)
    rows = figure.subfigures(len(merging), 1, squeeze=False)[:, 0]
    for (experiment, table), row in zip(merging.items(), rows, strict=True):
        repetition = table.attrs["repetitions"][0]
        if table.empty:
            row.suptitle(labels[experiment])
            leave_empty(row.subplots(), f"repetition {repetition} has become NaN")
            continue
        row.suptitle(f"{labels[experiment]}, repetition {repetition}")
        panels = row.subplots(2, columns, sharex="col", sharey="row", squeeze=False, height_ratios=[3, 2])
        pair = "code_2" not in table
        for axes in panels.flat:
            axes.axison = False
        for epoch, (above, below) in zip(epochs[experiment], panels.T, strict=False):
            codes = table[table["epoch"] == epoch]
            above.axison = below.axison = True
            bins = bins_of(codes)
            above.set_title(
                f"{moment(epoch, table)}\n{size(codes, 'codes')}\n{size(bins, 'bins')}",
                linespacing=1.1,
            )
            above.set_yscale("log")
            (draw_differences if pair else draw_ranks)(above, below, codes, bins)
        panels[0, 0].set_ylim(bottom=LEAST)
        panels[0, 0].set_ylabel("inputs")
        panels[1, 0].set_ylabel("$p_0$" if pair else "codes in a bin")
    figure.legend(handles=KEYS, loc="outside lower center", ncols=2)
    return figure


def panel_epochs(epochs: pd.Series) -> list[int]:
    """The first epochs of a table and the last, as many as stand side by side.

    >>> panel_epochs(pd.Series([0, 0, 100, 1000, 3000, 7995]))
    [0, 100, 1000, 7995]
    """
    known = sorted(map(int, epochs.unique()))
    return known if len(known) <= COLUMNS else [*known[: COLUMNS - 1], known[-1]]


def bins_of(codes: pd.DataFrame) -> pd.DataFrame:
    """The bins of the codes of one epoch: count, the number of inputs; codes, that of codes; bin_0, bin_1, …

    >>> bins_of(pd.DataFrame({"count": [3, 1, 2], "bin_0": [0, 0, 9], "bin_1": [9, 9, 0]})).to_dict("list")
    {'bin_0': [0, 9], 'bin_1': [9, 0], 'count': [4, 2], 'codes': [2, 1]}
    """
    names = list(codes.filter(like="bin_"))
    return codes.groupby(names)["count"].agg(count="sum", codes="size").reset_index()


def size(table: pd.DataFrame, name: str) -> str:
    """How many there are, and their entropy.

    >>> size(pd.DataFrame({"count": [2, 1, 1]}), "codes")
    '3 codes, 1.50 bit'
    """
    return f"{len(table)} {name}, {entropy(table['count'].to_numpy()):.2f} bit"


def draw_differences(above: Axes, below: Axes, codes: pd.DataFrame, bins: pd.DataFrame) -> None:
    """Two classes: inputs and softmax over the difference of the codes of the logits."""
    x = codes["code_0"] - codes["code_1"]
    spans = x.groupby([codes["bin_0"], codes["bin_1"]]).agg(["min", "max"]).to_numpy(float)
    edges = spans + np.array([-0.5, 0.5])
    above.bar(x, codes["count"], 1, color=CODE, linewidth=0)
    above.hlines(bins["count"], *edges.T, color=BIN, linewidth=1)
    softmax, top = codes.filter(like="softmax_").to_numpy(), codes.filter(like="bin_").to_numpy().max()
    low, high = softmax.min(), softmax.max()
    levels = low + bins["bin_0"] / max(top, 1) * (high - low)
    below.plot(x, codes["softmax_0"], "o", color=CODE, markersize=3.5, markeredgewidth=0)
    below.hlines(levels, *edges.T, color=BIN, linewidth=1)
    below.set(xlabel=f"$q_0 - q_1$  [step {codes['scale'].iloc[0]:.3g}]", ylim=(-0.06, 1.06))


def draw_ranks(above: Axes, below: Axes, codes: pd.DataFrame, bins: pd.DataFrame) -> None:
    """More classes: inputs of the codes and of the bins, and codes in the bins, by their rank."""
    style: dict[str, Any] = {"where": "mid", "linewidth": 1}
    for table, colour in ((bins, BIN), (codes, CODE)):
        above.step(
            np.arange(1, len(table) + 1), table["count"].sort_values(ascending=False), color=colour, **style
        )
    below.step(np.arange(1, len(bins) + 1), bins["codes"].sort_values(ascending=False), color=BIN, **style)
    for axes in (above, below):
        axes.set(xscale="log", yscale="log")
    below.set_xlabel("rank")
