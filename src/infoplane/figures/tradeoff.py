"""Compression against test accuracy and against the generalisation gap, a point for each run."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.means import Means
from infoplane.figures.style import COLOURS, how_many, write_note

__all__ = ["shown_layers", "tradeoffs"]

AGAINST = {"test_accuracy": "test accuracy", "gap": "training − test accuracy"}
INTERVAL = "rho", "lower", "upper"
# Of the hidden layer and of the output
STYLES: list[dict[str, Any]] = [
    {"marker": "o", "edgecolors": COLOURS[0], "s": 12},
    {"marker": "^", "edgecolors": COLOURS[1], "s": 13},
]


def tradeoffs(
    spec: FigureSpec,
    runs: Mapping[tuple[str, str], Means],
    correlations: Mapping[tuple[str, str], pd.DataFrame],
) -> Figure:
    """A row for each experiment: against test accuracy on the left, against the gap on the right.

    Args:
        spec: what to draw.
        runs: the runs of each (experiment, estimator), as in `tradeoff.parquet`.
        correlations: likewise as in `correlations.parquet`.
    """
    figure = Figure((6.5, 0.3 + 2.4 * len(runs)), layout="constrained")
    write_note(figure, spec.note)
    rows = figure.subfigures(len(runs), 1, squeeze=False)[:, 0]
    for (names, (table, known)), row in zip(runs.items(), rows, strict=True):
        marks = " (open symbols)" if known["bad_fits"] else ""
        row.suptitle(f"{', '.join(names)}: {how_many(known)}{marks}")
        layers = shown_layers(table)
        panels = row.subplots(1, 2)
        for (against, label), axes in zip(AGAINST.items(), panels, strict=True):
            tested = correlations[names].query("against == @against").set_index("layer")
            for layer, style in zip(layers, STYLES, strict=True):
                name = f"{layers[layer]} $T_{{{layer}}}$: {told(*(tested[its][layer] for its in INTERVAL))}"
                points(axes, table[table["layer"] == layer], against, name, style)
            axes.set(xlabel="compression $C$  [bit]", ylabel=label)
            axes.margins(0.06)
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=7.5, handletextpad=0.2)
    return figure


def shown_layers(table: pd.DataFrame) -> dict[int, str]:
    """The hidden layer with the largest mean compression, and the output layer, and what they are called.

    >>> shown_layers(pd.DataFrame({"layer": [1, 2, 3, 1, 2, 3], "compression": [0, 4, 9, 1, 2, 9]}))
    {2: 'hidden', 3: 'output'}
    """
    *hidden, output = sorted(map(int, table["layer"].unique()))
    means = table.groupby("layer")["compression"].mean()
    return {max(hidden, key=lambda layer: means[layer]): "hidden", output: "output"}


def told(rho: float, lower: float, upper: float) -> str:
    """A correlation ρ and the lower and upper end of its interval.

    >>> told(-0.123, -0.456, 0.2)
    'ρ = −0.12 [−0.46, 0.20]'
    >>> told(0.5, float("nan"), float("nan"))
    'ρ = 0.50'
    """
    if pd.isna(rho):
        return "ρ undefined"
    interval = "" if pd.isna(lower) else f" [{lower:z.2f}, {upper:z.2f}]"
    return f"ρ = {rho:z.2f}{interval}".replace("-", "−")


def points(axes: Axes, runs: pd.DataFrame, against: str, name: str, style: Mapping[str, Any]) -> None:
    """The runs of one layer; bad fits are open."""
    bad = runs["bad_fit"].eq(True).fillna(False).to_numpy(bool)
    filled = {**style, "facecolors": style["edgecolors"], "alpha": 0.75, "linewidths": 0}
    axes.scatter(runs["compression"][~bad], runs[against][~bad], label=name, **filled)
    axes.scatter(runs["compression"][bad], runs[against][bad], linewidths=0.8, facecolors="none", **style)
