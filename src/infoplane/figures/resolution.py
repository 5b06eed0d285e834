"""Compression as a function of resolution: over the number of bits by which activations are looked at."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infoplane.config import Bits, EstimatorSpec, FigureSpec, TrainingSpec
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

__all__ = ["draw"]

# Where what is counted exactly stands, right of 16 bits
EXACT = 18
MEASURES = {"compression": "mean $C$  [bit]", "compresses": "share of runs that compress"}
TRAINED: dict[str, Any] = {"linestyle": "", "fillstyle": "none", "markersize": 6, "markeredgewidth": 0.9}


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A column for each experiment: mean compression above, and the share of runs that compress below.

    Lines are layers. Open markers are networks that were trained at so many bits, with the same activation,
    on the same data.
    """
    phases = tables["phases"]
    shown = {name: table for name, table in phases.items() if name[1] in (spec.estimators or ())}
    labels = labels_of(spec, shown).experiments
    count = len(spec.experiments)
    figure = Figure((max(3.8, min(WIDTH, 0.9 + 3.15 * count)), 5.2), layout="constrained")
    write_note(figure, spec.note)
    panels = figure.subplots(2, count, sharex=True, squeeze=False)
    trained = {name: phases[name] for name in spec.pairs if f"{name[0]}/{name[1]}" in spec.trained}
    for experiment, column in zip(spec.experiments, panels.T, strict=True):
        its = [phases[experiment, estimator] for estimator in spec.estimators or ()]
        column[0].set_title(wrapped(labels[experiment], how_many(its[0]), width=6 / count), linespacing=1)
        beside = [
            table for table in trained.values() if trained_alike(training_of(table), training_of(its[0]))
        ]
        for axes, measure in zip(column, MEASURES, strict=True):
            draw_measure(axes, its, beside, measure, spec)
        column[1].set_xlabel("bits of each activation")
    for row, label in zip(panels, MEASURES.values(), strict=True):
        equal_axes(axes for axes in row if axes.lines)
        row[0].set_ylabel(label)
        for axes in row[1:]:
            axes.tick_params(labelleft=False)
    for axes in panels[1]:
        axes.set_ylim(-0.03, 1.03)
    entries = legend_entries(*panels.flat)
    if trained:
        entries.append(Line2D([], [], color="k", marker="o", label="trained at so many bits", **TRAINED))
    figure.legend(handles=entries, loc="outside lower center", ncols=5)
    return figure


def draw_measure(
    axes: Axes, tables: list[pd.DataFrame], beside: list[pd.DataFrame], measure: str, spec: FigureSpec
) -> None:
    """One measure over the bits: a line for each layer, and points of networks trained at so many bits."""
    lines = by_bits(tables, measure, spec.layers)
    if lines.isna().all(axis=None):
        leave_empty(axes, "no run is long enough to be measured")
        return
    points = by_bits(beside, measure, spec.layers, trained=True)
    for layer in lines.columns:
        style = layer_style(int(layer) - 1)
        counted = lines.loc[lines.index < EXACT, layer]
        axes.plot(counted, label=f"$T_{{{layer}}}$", markersize=3.5, **style)
        axes.plot(lines.loc[lines.index == EXACT, layer], markersize=4.5, linestyle="", **style)
        if layer in points:
            axes.plot(points[layer], **style | TRAINED)
    axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    exact = "codes" if isinstance(training_of(tables[0]).bits, Bits) else "float32"
    ticks = {1: "1", 2: "2", 4: "4", 8: "8", 16: "16"} | ({EXACT: exact} if EXACT in lines.index else {})
    axes.set_xticks([*ticks], [*ticks.values()])
    axes.set_xticks(range(1, 17), minor=True)
    axes.set_xlim(0.5, EXACT + 1)


def by_bits(tables: list[pd.DataFrame], measure: str, layers: Any, trained: bool = False) -> pd.DataFrame:
    """Mean of a measure over the runs that have one: a row for each number of bits, a column a layer."""
    means: dict[float, pd.Series] = {}
    for table in tables:
        runs = table[table[measure].notna()]
        if layers:
            runs = runs[runs["layer"].isin(layers)]
        place = trained_bits(table) if trained else bits_of(table.attrs["spec"])
        means[place] = runs.groupby("layer")[measure].mean().astype(float)
    return pd.DataFrame(means).T.sort_index()


def bits_of(spec: Mapping[str, Any]) -> int:
    """Place of an estimator on the axis of bits.

    >>> training = {"dataset": "synthetic", "network": "shwartz-ziv", "activation": "tanh", "epochs": 1,
    ...             "record_every": 1}
    >>> bits_of({"training": training | {"bits": "float32"}, "estimator": {"kind": "exact"}})
    18
    """
    seen_by = EstimatorSpec.model_validate(spec["estimator"])
    training = TrainingSpec.model_validate(spec["training"])
    bits = getattr(seen_by, "bits", None)
    if bits is not None:
        return int(bits)
    if seen_by.kind == "quantized" and isinstance(training.bits, Bits):
        return training.bits.activations
    return EXACT


def trained_bits(table: pd.DataFrame) -> int:
    """Place of a trained network on the axis of bits: those of its activations."""
    bits = training_of(table).bits
    return bits.activations if isinstance(bits, Bits) else EXACT


def trained_alike(one: TrainingSpec, other: TrainingSpec) -> bool:
    """Whether two networks are of the same layers and activation, on the same data."""
    keys = ("dataset", "network", "activation")
    return all(getattr(one, key) == getattr(other, key) for key in keys)
