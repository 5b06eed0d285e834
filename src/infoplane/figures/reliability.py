"""Where exact values can be trusted: on parts of the inputs, corrected for bias, and how saturated."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure

from infoplane.config import FigureSpec
from infoplane.figures.curves import lines
from infoplane.figures.means import Means, curve
from infoplane.figures.style import COLOURS, how_many, log_epochs, named_once, write_note

__all__ = ["reliability"]

BOUND: dict[str, Any] = {"color": "0.6", "linewidth": 0.8, "dashes": (4, 3), "zorder": 0.5}
STYLES = {
    "plug-in": {"label": "plug-in", "color": COLOURS[0], "marker": "o"},
    "miller-madow": {"label": "Miller–Madow", "color": COLOURS[1], "marker": "s"},
    "chao-shen": {"label": "Chao–Shen", "color": COLOURS[2], "marker": "^"},
}


def reliability(spec: FigureSpec, means: Mapping[str, Means]) -> Figure:
    """Two rows for each experiment: its last epoch by number of inputs, and all inputs over epochs.

    The upper row has a panel for each layer: H(T) on N/8 to N inputs by three estimators, and log₂ of their
    number, beyond which no plug-in value goes. The lower one has H(T)/log₂ N and the number of codes.
    """
    figure = Figure((7.2, 0.2 + 3.9 * len(means)), layout="constrained")
    write_note(figure, spec.note)
    rows = figure.subfigures(len(means), 1, squeeze=False)[:, 0]
    for (experiment, (table, known)), row in zip(means.items(), rows, strict=True):
        row.suptitle(f"{experiment}: mean ± std of {how_many(known)}")
        upper, lower = row.subfigures(2, 1)
        by_sample(upper, table)
        over_epochs(lower, table, known)
    return figure


def by_sample(row: SubFigure, table: pd.DataFrame) -> None:
    """A panel for each layer: estimates of H(T) at the last epoch over the number of inputs counted."""
    epoch = table["epoch"].max()
    last = table[(table["epoch"] == epoch) & (table["quantity"] == "h_t")]
    layers, samples = last["layer"].unique(), np.sort(last["sample"].unique())
    panels = row.subplots(1, len(layers), sharey=True, squeeze=False)[0]
    for layer, axes in zip(layers, panels, strict=True):
        axes.plot(samples, np.log2(samples), label=r"$\log_2$ of inputs", **BOUND)
        for estimator, style in STYLES.items():
            own = last[(last["layer"] == layer) & (last["estimator"] == estimator)]
            axes.errorbar(own["sample"], own["mean"], own["std"], markersize=3, elinewidth=0.7, **style)
        axes.set_title(f"$T_{{{layer}}}$")
        axes.set_xscale("log", base=2)
        axes.set_xticks(samples, ["$N/8$", "", "", "$N$"])
        axes.set_xlim(samples[0] / 1.4, samples[-1] * 1.4)
    panels[0].set_ylabel("$H(T)$  [bit]")
    row.supxlabel(f"inputs counted, epoch {epoch}", fontsize=8.5)
    row.legend(handles=named_once(panels[0]), loc="outside right center")


def over_epochs(row: SubFigure, table: pd.DataFrame, known: Mapping[str, Any]) -> None:
    """Counted on all inputs: H(T) as a part of what it can be, and the number of codes."""
    inputs = known["dataset"]["inputs"]
    counted = table[(table["sample"] == inputs) & (table["estimator"] == "plug-in")]
    share, distinct = row.subplots(1, 2)
    h_x = np.log2(inputs)
    lines(share, curve(counted, "h_t") / h_x, curve(counted, "h_t", "std") / h_x, 0)
    lines(distinct, curve(counted, "distinct"), curve(counted, "distinct", "std"), 0, bounds=(1, inputs))
    for axes, bound in ((share, 1), (distinct, inputs)):
        axes.axhline(bound, **BOUND)
        log_epochs(axes, known["spec"]["training"] | {"prefit_epochs": 0})
    share.set(ylabel=r"$H(T)\;/\;\log_2 N$", ylim=(0, 1.05))
    distinct.set(ylabel="distinct codes", yscale="log", ylim=(0.8, 1.5 * inputs))
    row.legend(handles=named_once(share), loc="outside right center")
