"""Compression against test accuracy and against the generalisation gap, a point for each run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.panels import how_many, labels_of, leave_empty, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import COLOURS
from infoplane.plotting.planes import names_in

__all__ = ["draw", "panel_layers"]

AGAINST = {"test_accuracy": "test accuracy", "gap": "training − test accuracy"}
COLUMNS = "runs", "rho", "lower", "upper"
# The ranks of two are always alike or opposite
FEWEST_POINTS = 3
# Of the hidden layer and of the output
STYLES: list[dict[str, Any]] = [
    {"marker": "o", "edgecolors": COLOURS[0], "s": 14},
    {"marker": "^", "edgecolors": COLOURS[3], "s": 15},
]
# In interquartile ranges: how far from the quartiles a run is an outlier (Tukey's outer fences)
FENCE = 3


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row for each experiment: against test accuracy on the left, against the gap on the right."""
    runs = tables["tradeoff"]
    labels = labels_of(spec, runs)
    figure = Figure((WIDTH, 0.3 + 2.6 * len(runs)), layout="constrained")
    write_note(figure, spec.note)
    rows = figure.subfigures(len(runs), 1, squeeze=False)[:, 0]
    for (name, table), row in zip(runs.items(), rows, strict=True):
        marks = " (open symbols)" if table.attrs["bad_fits"] else ""
        row.suptitle(f"{labels.experiments[name[0]]}, {labels.estimators[name[1]]}: {how_many(table)}{marks}")
        if table["repetition"].nunique() < 2:
            leave_empty(row.subplots(), why_empty(table))
            continue
        layers, names = panel_layers(table), names_in(table)
        panels = row.subplots(1, 2)
        for (against, label), axes in zip(AGAINST.items(), panels, strict=True):
            tested = tables["correlations"][name].query("against == @against").set_index("layer")
            shown = table[table["layer"].isin([*layers])]
            limits = fences(shown[against])
            for layer, style in zip(layers, STYLES, strict=False):
                its = correlation(*(tested[each].get(layer, np.nan) for each in COLUMNS))
                name_of = f"{layers[layer]} {names.get(layer, f'$T_{{{layer}}}$')}: {its}"
                draw_points(axes, shown[shown["layer"] == layer], against, name_of, style, limits)
            axes.set(xlabel="compression $C$  [bit]", ylabel=label)
            axes.margins(0.06)
            tell_outliers(axes, shown, against, limits)
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), handletextpad=0.2)
    return figure


def why_empty(table: pd.DataFrame) -> str:
    """Why there is no correlation to be seen."""
    if len(table.attrs["failed"]) == len(table.attrs["repetitions"]):
        return "every run failed"
    if table.empty:
        return "the runs are too short to be measured"
    return "a correlation needs three runs at least"


def panel_layers(table: pd.DataFrame) -> dict[int, str]:
    """The hidden layer with the largest mean compression, and the output layer, and what they are called.

    >>> panel_layers(pd.DataFrame({"layer": [1, 2, 3, 1, 2, 3], "compression": [0, 4, 9, 1, 2, 9]}))
    {2: 'hidden', 3: 'output'}
    >>> panel_layers(pd.DataFrame({"layer": [1, 1], "compression": [0, 1]}))
    {1: 'output'}
    """
    *hidden, output = sorted(map(int, table["layer"].unique()))
    means = table.groupby("layer")["compression"].mean()
    most = {max(hidden, key=lambda layer: means[layer]): "hidden"} if hidden else {}
    return most | {output: "output"}


def correlation(count: float, rho: float, lower: float, upper: float) -> str:
    """A correlation ρ of so many points and the lower and upper end of its interval.

    >>> correlation(50, -0.123, -0.456, 0.2)
    'ρ = −0.12 [−0.46, 0.20]'
    >>> correlation(4, 0.5, float("nan"), float("nan"))
    'ρ = 0.50'
    >>> correlation(2, -1.0, float("nan"), float("nan"))
    'too few for ρ (n = 2)'
    """
    if count < FEWEST_POINTS:
        return f"too few for ρ (n = {count:.0f})"
    if pd.isna(rho):
        return "ρ undefined"
    interval = "" if pd.isna(lower) else f" [{lower:z.2f}, {upper:z.2f}]"
    return f"ρ = {rho:z.2f}{interval}".replace("-", "−")


def fences(values: pd.Series) -> tuple[float, float]:
    """Tukey's outer fences: beyond them, a value would leave no room for all others.

    (Tukey 1977, Exploratory Data Analysis, § 2C.) Where half of the values are alike, there are none.

    >>> fences(pd.Series([1.0, 2.0, 3.0, 4.0, 5.0]))
    (-4.0, 10.0)
    """
    low, high = values.quantile([0.25, 0.75])
    reach = FENCE * (high - low) or np.inf
    return float(low - reach), float(high + reach)


def draw_points(
    axes: Axes,
    runs: pd.DataFrame,
    against: str,
    name: str,
    style: Mapping[str, Any],
    limits: Sequence[float],
) -> None:
    """The runs of one layer within the fences; bad fits are open."""
    runs = runs[runs[against].between(limits[0], limits[1])]
    bad = runs["bad_fit"].eq(True).fillna(False).to_numpy(bool)
    filled = {**style, "facecolors": style["edgecolors"], "alpha": 0.75, "linewidths": 0}
    axes.scatter(runs["compression"][~bad], runs[against][~bad], label=name, **filled)
    axes.scatter(runs["compression"][bad], runs[against][bad], linewidths=0.8, facecolors="none", **style)


def tell_outliers(axes: Axes, runs: pd.DataFrame, against: str, limits: Sequence[float]) -> None:
    """Say which runs are left out of the panel, at the edge that they are beyond."""
    values = runs.drop_duplicates("repetition")[against]
    for beyond, height, align, arrow in (
        (values[values < limits[0]], 0.01, "bottom", "↓"),
        (values[values > limits[1]], 0.99, "top", "↑"),
    ):
        if len(beyond):
            numbers = ", ".join(f"{value:.3f}" for value in beyond.sort_values()[:4])
            more = f" and {len(beyond) - 4} more" if len(beyond) > 4 else ""
            axes.text(
                0.99,
                height,
                f"{arrow} beyond: {numbers}{more}",
                transform=axes.transAxes,
                ha="right",
                va=align,
                fontsize="small",
                color="0.35",
            )
