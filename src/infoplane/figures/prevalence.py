"""Prevalence of fitting and compression: how many runs do it, in every layer of many experiments."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infoplane.config import FigureSpec, TrainingSpec
from infoplane.figures.panels import labels_of, runs_of, wrapped, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.phases import (
    TITLES,
    add_prevalence_bar,
    cells_of,
    draw_cells,
    observation_of,
)
from infoplane.plotting.planes import common_names

__all__ = ["draw"]

# In inches: the height of a cell, and of what stands above and below the cells of a group
CELL, AROUND = 0.23, 0.5

Names = tuple[str, str]


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """Fitting on the left and compression on the right, a row of panels for each group.

    Seen by one estimator, experiments are rows, in a group for each protocol; seen by several, estimators are
    rows, in a group for each experiment. All have one scale of colours.
    """
    phases = tables["phases"]
    observations = {name: observation_of(name[0], name[1], table) for name, table in phases.items()}
    groups = group(spec, phases)
    heights = [AROUND + CELL * len(rows) for rows in groups.values()]
    figure = Figure((WIDTH, 0.5 + sum(heights)), layout="constrained")
    write_note(figure, spec.note)
    panels = figure.subplots(len(groups), 2, squeeze=False, height_ratios=heights)
    shown = []
    for pair, (title, rows) in zip(panels, groups.items(), strict=True):
        its = [observations[name] for name in rows]
        for axes, phase in zip(pair, TITLES, strict=True):
            cells = cells_of(its, phase, spec.layers)
            shown.append(cells)
            names = common_names(phases[name] for name in rows)
            places = {name: place for place, name in enumerate(rows)}
            draw_cells(axes, cells, places, [*rows.values()], names)
            axes.set_title(wrapped(TITLES[phase], title, width=3), linespacing=1)
        pair[1].set_yticks([])
    add_prevalence_bar(figure, panels.ravel().tolist())
    figure.legend(handles=keys(pd.concat(shown)), loc="outside lower center", ncols=4)
    return figure


def group(spec: FigureSpec, phases: Mapping[Any, pd.DataFrame]) -> dict[str, dict[Names, str]]:
    """Rows of each group by its title, and what is written beside them."""
    if len(spec.estimators or ()) > 1:
        labels = labels_of(spec, phases)
        return {
            labels.experiments[experiment]: {
                (experiment, estimator): labels.estimators[estimator] for estimator in spec.estimators or ()
            }
            for experiment in spec.experiments
        }
    groups: dict[str, dict[Any, pd.DataFrame]] = defaultdict(dict)
    for name, table in phases.items():
        groups[group_of(table)][name] = table
    found = {}
    for title, its in groups.items():
        labels = labels_of(spec, its, without={"protocol"})
        found[title] = {name: labels.experiments[name[0]] for name in its}
    return found


def group_of(table: pd.DataFrame) -> str:
    """The protocol of a training in words; recorded networks by themselves."""
    runs = runs_of(table)
    return f"protocol {runs.protocol}" if isinstance(runs, TrainingSpec) else "recorded networks"


def keys(cells: pd.DataFrame) -> list[Line2D]:
    """What the cells mean that are not of the scale of colours."""
    entries = [Line2D([], [], linestyle="", label="k/n: of n runs, k do it; pale: undecided")]
    if (cells["status"] == "ceiling").any():
        entries.append(Line2D([], [], linestyle="", marker="$–$", color="0.35", label="nothing left to fit"))
    if cells["near_log2_n"].any():
        label = r"near $\log_2 N$"
        entries.append(Line2D([], [], linestyle="", marker="v", markersize=4, color="k", label=label))
    return entries
