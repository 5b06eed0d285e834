"""Compression against test accuracy and generalisation gap, a point for each setting."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infoplane.config import FigureSpec
from infoplane.config.training import TrainingSpec
from infoplane.figures.forest import references_of, rows_of_settings
from infoplane.figures.panels import labels_of, leave_empty, training_of, wrapped, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.figures.tradeoff import AGAINST, correlation
from infoplane.plotting.axes import COLOURS, MARKERS
from infoplane.statistics.prevalence import mean_interval
from infoplane.statistics.settings import Setting, layers_of, setting_correlations

__all__ = ["draw"]

# What correlations are over, and the column that counts it
SCOPES = {"settings": "settings", "seeds": "runs"}
LAYERS = {"last hidden": "last hidden layer", "output": "output"}


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row of panels for each activation function and estimator: both layers, against both accuracies.

    A point is the mean over the runs of a setting, with the bootstrap interval of the means. Above a panel
    stand the correlations over settings and over the seeds within them, where there are three or more.
    """
    runs = tables["tradeoff"]
    trainings = {name: training_of(runs[name, (spec.estimators or ("",))[0]]) for name in spec.experiments}
    chosen = references_of(trainings).values()
    labels = labels_of(spec, {name: its for name, its in runs.items() if name[0] in chosen})
    activations = [*dict.fromkeys(each.activation for each in trainings.values())]
    styles = styles_of(trainings)
    blocks = [*product(spec.estimators or (), activations)]
    figure = Figure((WIDTH, 0.9 + 2.6 * len(blocks)), layout="constrained")
    write_note(figure, spec.note)
    for row, (estimator, activation) in zip(
        figure.subfigures(len(blocks), 1, squeeze=False)[:, 0], blocks, strict=True
    ):
        names = [name for name, its in trainings.items() if its.activation == activation]
        settings = [Setting(name, estimator, trainings[name], runs[name, estimator]) for name in names]
        title = f"{labels.experiments[names[0]]}, {labels.estimators[estimator]}: {how_many(settings)}"
        row.suptitle(wrapped(title, width=6))
        correlations = setting_correlations(settings)
        if correlations.empty:
            leave_empty(row.subplots(), "no run has a measure")
            continue
        panels = row.subplots(1, 4)
        for axes, (layer, against) in zip(panels, product(LAYERS, AGAINST), strict=True):
            its = correlations[
                (correlations["layer"] == layer) & (correlations["against"] == against)
            ].set_index("scope")
            draw_settings(axes, settings, layer, against, styles)
            lines = [f"{name}: {rho_of(its.loc[name])}" for name in SCOPES if name in its.index]
            axes.set_title("\n".join([LAYERS[layer], *lines]), fontsize=7)
            axes.set_xlabel("compression $C$  [bit]", fontsize=7.5)
            axes.set_ylabel(AGAINST[against], fontsize=7.5)
            axes.tick_params(labelsize=6.5)
    entries = [
        Line2D([], [], linestyle="", label=factor or "reference", **style)
        for factor, style in dict(styles.values()).items()
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=5)
    return figure


def how_many(settings: Sequence[Setting]) -> str:
    """How many settings and runs there are.

    >>> import pandas as pd
    >>> runs = pd.DataFrame({"repetition": [0, 0, 1], "layer": [1, 2, 1], "compression": 0.0})
    >>> how_many([Setting("mine", "exact", None, runs), Setting("other", "exact", None, runs)])
    '2 settings, 4 runs'
    """
    runs = sum(one.runs["repetition"].nunique() for one in settings)
    return f"{len(settings)} setting{'s' * (len(settings) > 1)}, {runs} run{'s' * (runs != 1)}"


def styles_of(trainings: Mapping[str, TrainingSpec]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Factor of each experiment, and its marker: a black star for the reference."""
    rows = rows_of_settings(trainings, {})
    factors = [*dict.fromkeys(row.factor for row in rows if row.factor)]
    styles: dict[str, dict[str, Any]] = {"": {"color": "k", "marker": "*", "markersize": 7}}
    for place, factor in enumerate(factors):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[(place + place // 8) % 7]
        styles[factor] = {"color": colour, "marker": marker, "markersize": 3.5}
    return {name: (row.factor, styles[row.factor]) for row in rows for name in row.names.values()}


def draw_settings(
    axes: Axes,
    settings: Sequence[Setting],
    layer: str,
    against: str,
    styles: Mapping[str, tuple[str, dict[str, Any]]],
) -> None:
    """Means of each setting with their intervals."""
    for one in settings:
        runs = layers_of(one.runs).get(layer)
        if runs is None:
            continue
        _, style = styles[one.experiment]
        means = runs[["compression", against]].mean()
        ends = [mean_interval(runs[each].to_numpy()) for each in means.index]
        errors = [[[mean - low], [high - mean]] for mean, (low, high) in zip(means, ends, strict=True)]
        known = not np.isnan(errors).any()
        axes.errorbar(
            *means,
            *(reversed(np.clip(errors, 0, None)) if known else (None, None)),
            linestyle="",
            elinewidth=0.5,
            markeredgewidth=0,
            alpha=0.85,
            **style,
        )
    axes.margins(0.08)


def rho_of(row: Any) -> str:
    """The correlation of one scope, if there are enough settings or runs."""
    return correlation(row[SCOPES[row.name]], row["rho"], row["lower"], row["upper"])
