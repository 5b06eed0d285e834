"""Compression as a function of resolution: over the number of bits by which activations are looked at."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infoplane.config import Bits, FigureSpec, TrainingSpec
from infoplane.figures.panels import (
    equal_axes,
    how_many,
    labels_of,
    leave_empty,
    legend_entries,
    training_of,
    wrapped,
    write_note,
)
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import layer_style
from infoplane.statistics.aggregates import failures
from infoplane.statistics.few_epochs import compressions

__all__ = ["compression_by_bits", "draw"]

# Where what is counted exactly stands, right of 16 bits
EXACT = 18
# Panels that leave room for all numbers of bits
SIDE_BY_SIDE = 2
MEASURES = {"compression": "mean $C$  [bit]", "compresses": "share of runs that compress"}
TRAINED: dict[str, Any] = {"linestyle": "", "fillstyle": "none", "markersize": 6.5, "markeredgewidth": 1}


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A column for each experiment: mean compression above, and the share of runs that compress below.

    Lines are layers. Open markers are networks that were trained at so many bits, of the same layers and
    activation, on the same data.
    """
    seen = tables["resolution"]
    labels = labels_of(spec, seen).experiments
    count = len(seen)
    figure = Figure((min(WIDTH, 1 + 3.1 * count), 5.2), layout="constrained")
    write_note(figure, spec.note)
    panels = figure.subplots(2, count, sharex="col", squeeze=False)
    for (experiment, table), column in zip(seen.items(), panels.T, strict=True):
        table.attrs["failed"] = failures(table)
        lines = compression_by_bits(table)
        points = trained_alike(training_of(table), tables["phases"].values())
        title = wrapped(labels[experiment], how_many(table), width=(WIDTH - 1) / max(2, count))
        column[0].set_title(title, linespacing=1)
        for axes, measure in zip(column, MEASURES, strict=True):
            draw_measure(axes, *(chosen(each, measure, spec.layers) for each in (lines, points)))
            exact = "codes" if isinstance(training_of(table).bits, Bits) else "float32"
            bits_axis(axes, exact, count)
        column[1].set_xlabel("bits of each activation")
    for row, label in zip(panels, MEASURES.values(), strict=True):
        equal_axes(axes for axes in row if axes.lines)
        row[0].set_ylabel(label)
    for axes in panels[1]:
        axes.set_ylim(-0.03, 1.03)
    entries = legend_entries(*panels.flat)
    if spec.trained:
        entries.append(Line2D([], [], color="k", marker="o", label="trained at so many bits", **TRAINED))
    figure.legend(handles=entries, loc="outside lower center", ncols=7, columnspacing=1.2)
    return figure


def compression_by_bits(table: pd.DataFrame) -> pd.DataFrame:
    """Compression of every run and layer, of activations quantized to each number of bits.

    Args:
        table: columns repetition, epoch, layer, bits (`1` … `16`, `exact`), h_t.

    Returns:
        Columns repetition, layer, bits (18 for `exact`), compression, compresses; NA where a run failed.
    """
    runs = compressions(table, ["bits"])
    return runs.assign(bits=runs["bits"].replace("exact", str(EXACT)).astype(int))


def trained_alike(training: TrainingSpec, others: Any) -> pd.DataFrame:
    """Compression of those networks trained at few bits that have the same layers, activation and data."""
    frames = [pd.DataFrame(columns=["layer", "bits", *MEASURES])]
    for table in others:
        other = training_of(table)
        alike = all(
            getattr(training, key) == getattr(other, key) for key in ("dataset", "network", "activation")
        )
        if alike and isinstance(other.bits, Bits):
            frames.append(table[["layer", *MEASURES]].assign(bits=other.bits.activations))
    return pd.concat(frames[1:] or frames, ignore_index=True)


def chosen(runs: pd.DataFrame, measure: str, layers: Sequence[int] | None) -> pd.DataFrame:
    """Means over runs of one measure: a row for each number of bits, a column for each layer."""
    if layers:
        runs = runs[runs["layer"].isin(layers)]
    runs = runs[runs[measure].notna()].astype({measure: float})
    return runs.pivot_table(index="bits", columns="layer", values=measure)


def draw_measure(axes: Axes, lines: pd.DataFrame, points: pd.DataFrame) -> None:
    """A line for each layer, what is counted exactly at its end, and networks trained at few bits."""
    if lines.empty:
        leave_empty(axes, "no run is long enough to be measured")
        return
    for layer in lines.columns:
        style = layer_style(int(layer) - 1)
        own = lines[layer]
        axes.plot(own[own.index < EXACT], label=f"$T_{{{layer}}}$", markersize=3.5, **style)
        axes.plot(own[own.index == EXACT], markersize=4.5, linestyle="", **style)
        if layer in points:
            axes.plot(points[layer], **style | TRAINED)
    axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)


def bits_axis(axes: Axes, exact: str, panels: int) -> None:
    """Make the x axis one of bits, with a place for what is counted exactly on the right.

    Beside many panels there is room for fewer numbers.
    """
    numbers = (1, 2, 4, 6, 8, 12, 16) if panels <= SIDE_BY_SIDE else (1, 4, 8)
    axes.set_xticks([*numbers, EXACT], [*map(str, numbers), exact])
    axes.set_xticks(range(1, 17), minor=True)
    axes.set_xlim(0.4, EXACT + 0.9)
