"""Prevalence of phases: how many runs fit or compress, in every layer."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.patches import Polygon, Rectangle

from infoplane.artifacts import known_spec
from infoplane.config import EstimatorSpec, spec_of_runs
from infoplane.errors import UserError, WrongValue
from infoplane.plotting.means import refuse_other_layers
from infoplane.plotting.planes import axes_or_current, common_names, name_columns
from infoplane.refusals import refuse_other_names, refuse_other_types
from infoplane.statistics.cells import decide, layer_cell
from infoplane.statistics.observations import Observation, fault_in

__all__ = [
    "PREVALENCE",
    "add_prevalence_bar",
    "cells_of",
    "draw_cells",
    "ink_on",
    "observation_of",
    "plot_phases",
]

# The more runs, the darker, so that a print in grey tells no runs from all
PREVALENCE = LinearSegmentedColormap.from_list(
    "prevalence", ["#f6bd60", "#d3a878", "#a09c9c", "#5680b2", "#0b3c78"]
)
UNDEFINED = "0.93"
# How much of its colour a cell has whose runs decide nothing, and what is written in it
PALE, PALE_INK = 0.35, "0.28"
# Columns of phases that every plot takes
DRAWN = ("repetition", "layer", "compression", "peak", "fitting", "headroom", "near_log2_n", "injective")
TITLES = {"fitting": "runs that fit", "compression": "runs that compress"}
# Below this luminance, white stands out more than black does
DARK = 0.179
# From so many columns on, cells are too narrow for type of the usual size
MANY_LAYERS = 8


def plot_phases(
    table: pd.DataFrame | Mapping[str, pd.DataFrame],
    ax: Axes | None = None,
    *,
    phase: Literal["fitting", "compression"] = "compression",
    layers: Sequence[int] | None = None,
    bar: bool = True,
) -> Axes:
    """Plot how many runs fit or compress: a row for each table and a column for each layer.

    Cells in full colour are decided: most runs do it, or most do not (exact binomial test, p < 0.05). Pale
    ones are not. A triangle marks values near log₂ N, a dash a layer with nothing left to fit.

    Args:
        table: phases of one experiment as from `phases` or `load_table`, or several by what is written
            beside them.
        ax: where to plot; the current axes unless given.
        phase: which one.
        layers: numbers from 1; all unless given.
        bar: whether the axes get a colour bar.

    Returns:
        The axes.

    Raises:
        UserError: a table holds no phases, or none holds a layer.
    """
    tables = table if isinstance(table, Mapping) else {"": table}
    for its in tables.values():
        refuse_other_types("table", its, pd.DataFrame, "phases of an experiment, as from load_table")
    if not tables:
        raise WrongValue("table: there is none; give phases of an experiment, as from load_table")
    refuse_other_names("phase", phase, [*TITLES])
    if layers is not None:
        refuse_other_types("layers", layers, (Collection, pd.Series), "numbers of layers from 1")
    refuse_other_types("bar", bar, bool, "True or False")
    observations = {name: observation_of(name, "", its) for name, its in tables.items()}
    known = sorted({layer for each in observations.values() for layer in each.layers})
    if not known:
        raise UserError("the table has no rows; give phases of an experiment, as from load_table")
    shown = known if layers is None else [*layers]
    refuse_other_layers(shown, known)
    ax = axes_or_current(ax)
    cells = cells_of([*observations.values()], phase, shown)
    names = common_names(tables.values())
    draw_cells(ax, cells, {(name, ""): row for row, name in enumerate(observations)}, [*observations], names)
    ax.set_title(TITLES[phase])
    if bar:
        figure = ax.get_figure()
        assert figure is not None
        add_prevalence_bar(figure, [ax])
    return ax


def observation_of(experiment: str, estimator: str, table: pd.DataFrame) -> Observation:
    """Phases of one experiment seen by one estimator, with the specs that the table carries.

    Raises:
        UserError: the table holds no phases, or says not what they are of, or only another version knows.
    """
    of_unknown = {"recorded": {"files": [], "layers": []}, "estimator": {"kind": "exact"}}
    spec = table.attrs.get("spec") or (of_unknown if table.attrs.get("kind") == "phases" else None)
    if "compression" not in table or not spec:
        raise UserError("the table holds no phases of an experiment; give phases.parquet, by load_table")
    if fault := fault_in(table, DRAWN) if len(table) else "":
        raise UserError(f"the table {fault}; give phases.parquet, by load_table")
    with known_spec("the table", table.attrs):
        seen_by = EstimatorSpec.model_validate(spec["estimator"])
        return Observation(experiment, estimator, spec_of_runs(spec), seen_by, table)


def cells_of(
    observations: Sequence[Observation], phase: str, layers: Sequence[int] | None = None
) -> pd.DataFrame:
    """Numbers of runs of every layer that fit or compress, and what they decide.

    Returns:
        A row for each experiment, estimator and layer: k of n runs, status, near_log2_n and more, as from
        `infoplane.statistics.cells.decide`.
    """
    return decide(
        layer_cell(each, "", phase, layer)
        for each in observations
        for layer in each.layers
        if layers is None or layer in layers
    )


def draw_cells(
    axes: Axes,
    cells: pd.DataFrame,
    places: Mapping[tuple[str, str], int],
    rows: Sequence[str],
    names: Mapping[int, str],
) -> None:
    """Draw a coloured cell for each experiment, estimator and layer, with k/n in it.

    Args:
        axes: where to draw.
        cells: as from `cells_of`.
        places: the row of each experiment and estimator, from 0 at the top.
        rows: what is written beside the rows.
        names: what is written below the columns, by layer, in place of their numbers.
    """
    layers = sorted(int(layer) for layer in cells["layer"].unique())
    for _, cell in cells.iterrows():
        left, top = layers.index(int(cell["layer"])), places[cell["experiment"], cell["estimator"]]
        draw_cell(axes, left, top, cell, "small" if len(layers) < MANY_LAYERS else "xx-small")
    axes.set(xlim=(0, len(layers)), ylim=(len(rows), 0))
    name_columns(axes, layers, names)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.minorticks_off()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_cell(axes: Axes, left: float, top: float, cell: pd.Series, fontsize: str) -> None:
    """Draw one cell, darker the more runs do it, and pale where nothing is decided."""
    k, n, status = int(cell["k"]), int(cell["n"]), cell["status"]
    colour = colour_of(k, n, status)
    axes.add_patch(Rectangle((left, top), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
    on_colour = ink_on(colour)
    text = "–" if status == "ceiling" else f"{k}/{n}" if n else "no runs"
    ink = on_colour if status in ("shows", "lacks") else PALE_INK
    axes.text(left + 0.5, top + 0.52, text, color=ink, ha="center", va="center", fontsize=fontsize)
    if cell["near_log2_n"]:
        corner = [(left + 0.97, top + 0.04), (left + 0.97, top + 0.34), (left + 0.72, top + 0.04)]
        axes.add_patch(Polygon(corner, facecolor=on_colour, linewidth=0))


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance of a colour, 0 to 1, as WCAG defines it.

    >>> luminance((1, 1, 1)), luminance((0, 0, 0))
    (1.0, 0.0)
    """
    channels = np.array(colour[:3], float)
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def ink_on(colour: Sequence[float]) -> str:
    """White or black, whichever stands out more from a colour.

    >>> ink_on((1, 1, 1)), ink_on((0, 0, 1))
    ('black', 'white')
    """
    return "white" if luminance(colour) < DARK else "black"


def colour_of(k: int, n: int, status: str) -> tuple[float, float, float]:
    """Colour of a cell, pale where nothing is decided.

    >>> colour_of(0, 0, "too few")
    (0.93, 0.93, 0.93)
    """
    if status == "ceiling" or not n:
        return to_rgb(UNDEFINED)
    full = np.array(to_rgb(PREVALENCE(k / n)))
    share = 1 if status in ("shows", "lacks") else PALE
    red, green, blue = (float(each) for each in 1 - share * (1 - full))
    return red, green, blue


def add_prevalence_bar(figure: Any, panels: Sequence[Axes], of: str = "the runs") -> None:
    """Draw the colours of prevalence, from none to all of what is counted."""
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), PREVALENCE), ax=list(panels), aspect=25, pad=0.02, fraction=0.04
    )
    bar.set_ticks([0, 0.5, 1], labels=["none", "half", "all"])
    bar.minorticks_off()
    bar.outline.set_visible(False)
    if bar.solids:
        bar.solids.set(rasterized=False, edgecolor="face")
    bar.set_label(f"of {of}")
