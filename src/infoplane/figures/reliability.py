"""Where exact values can be trusted: on parts of the inputs, corrected for bias, and how saturated."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure

from infoplane.config import FigureSpec
from infoplane.figures.averages import average_runs
from infoplane.figures.panels import how_many, labels_of, leave_empty, legend_entries, moment, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import COLOURS, epoch_axis
from infoplane.plotting.curves import draw_curves
from infoplane.plotting.means import epochs_of
from infoplane.statistics.few_epochs import compressions
from infoplane.statistics.phases import NEAR

__all__ = ["draw"]

BOUND: dict[str, Any] = {"color": "0.6", "linewidth": 0.8, "dashes": (4, 3), "zorder": 0.5}
STYLES = {
    "plug-in": {"label": "plug-in", "color": COLOURS[0], "marker": "o"},
    "miller-madow": {"label": "Miller–Madow", "color": COLOURS[1], "marker": "s"},
    "chao-shen": {"label": "Chao–Shen", "color": COLOURS[2], "marker": "^"},
}
BY = ["layer", "sample", "estimator"]
# N/8 of fewer inputs are none
FEWEST = 8


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """Three rows for each experiment: H(T) and compression by number of inputs, and all inputs over epochs.

    The first row has a panel for each layer: H(T) at the last epoch on N/8 to N inputs by three estimators,
    and log₂ of their number, beyond which no plug-in value goes. The second one has compression in place of
    H(T), the third one H(T)/log₂ N and the number of codes.
    """
    single = tables["reliability"]
    labels = labels_of(spec, single).experiments
    figure = Figure((WIDTH, 0.2 + 5.7 * len(single)), layout="constrained")
    write_note(figure, spec.note)
    rows = figure.subfigures(len(single), 1, squeeze=False)[:, 0]
    for (experiment, table), row in zip(single.items(), rows, strict=True):
        means = average_runs(table, ["h_t", "i_ty", "distinct"])
        row.suptitle(f"{labels[experiment]}: mean of {how_many(means)}, 10 % to 90 % quantile")
        inputs = table.attrs["dataset"]["inputs"]
        if means.empty or inputs < FEWEST:
            few = f"{inputs} inputs are too few to be divided by 8"
            leave_empty(row.subplots(), "every run failed" if means.empty else few)
            continue
        upper, middle, lower = row.subfigures(3, 1)
        epoch = means["epoch"].max()
        at_end = means[(means["epoch"] == epoch) & (means["quantity"] == "h_t")]
        draw_by_sample(upper, at_end, "$H(T)$  [bit]", bounded=True)
        upper.supxlabel(f"inputs counted, {moment(epoch, table)}", fontsize="medium")
        runs = compressions(table, ["sample", "estimator"])[["repetition", *BY, "compression"]]
        draw_by_sample(middle, average_runs(runs, ["compression"]), "$C$  [bit]")
        middle.supxlabel("inputs counted", fontsize="medium")
        draw_over_epochs(lower, means, inputs)
    return figure


def draw_by_sample(row: SubFigure, means: pd.DataFrame, label: str, bounded: bool = False) -> None:
    """A panel for each layer: a quantity by three estimators over the number of inputs counted.

    Args:
        means: columns layer, sample, estimator, mean, q10, q90.
        label: of the quantity.
        bounded: whether log₂ of the number of inputs is its bound.
    """
    layers, samples = means["layer"].unique(), np.sort(means["sample"].unique())
    panels = row.subplots(1, len(layers), sharey=True, squeeze=False)[0]
    for layer, axes in zip(layers, panels, strict=True):
        if bounded:
            axes.plot(samples, np.log2(samples), label=r"$\log_2$ of inputs", **BOUND)
        for estimator, style in STYLES.items():
            own = means[(means["layer"] == layer) & (means["estimator"] == estimator)]
            spread = [own["mean"] - own["q10"], own["q90"] - own["mean"]]
            axes.errorbar(
                own["sample"], own["mean"], np.clip(spread, 0, None), markersize=3, elinewidth=0.7, **style
            )
        axes.set_title(f"$T_{{{layer}}}$")
        axes.set_xscale("log", base=2)
        axes.set_xticks(samples, ["$N/8$", *[""] * (len(samples) - 2), "$N$"])
        axes.set_xlim(samples[0] / 1.4, samples[-1] * 1.4)
    panels[0].set_ylim(bottom=0 if bounded else None)
    panels[0].set_ylabel(label)
    row.legend(handles=legend_entries(panels[0]), loc="outside right center")


def draw_over_epochs(row: SubFigure, means: pd.DataFrame, inputs: int) -> None:
    """Counted on all inputs: H(T) as a share of what it can be, and the number of codes."""
    counted = means[(means["sample"] == inputs) & (means["estimator"] == "plug-in")]
    h_x = np.log2(inputs)
    values = ["mean", "q10", "q90"]
    share, distinct = row.subplots(1, 2)
    draw_curves(share, counted.assign(**{name: counted[name] / h_x for name in values}), "h_t")
    draw_curves(distinct, counted, "distinct")
    for axes, bound in ((share, 1), (distinct, inputs)):
        axes.axhline(bound, **BOUND)
        epoch_axis(axes, epochs_of(means))
    share.axhline(NEAR, **BOUND)
    share.annotate(
        rf"${NEAR:g}\,\log_2 N$",
        (0, NEAR),
        (1, 1),
        color="0.35",
        fontsize="small",
        textcoords="offset points",
    )
    share.set(ylabel=r"$H(T)\;/\;\log_2 N$", ylim=(0, 1.05))
    distinct.set(ylabel="distinct codes", yscale="log", ylim=(0.8, 1.5 * inputs))
    row.legend(handles=legend_entries(share), loc="outside right center")
