"""Forest plot: prevalence of compression by settings that differ from a reference in one factor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from infoplane.config import FigureSpec
from infoplane.config.labels import bits_label, network_label, phrase, words_of
from infoplane.config.training import Bits, Ranges, TrainingSpec
from infoplane.figures.panels import labels_of, literal, training_of, wrapped, write_note
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import COLOURS, MARKERS
from infoplane.plotting.phases import cells_of, observation_of

__all__ = ["Row", "draw", "factor_of", "references_of", "rows_of_settings"]

# In inches: the height of a line of a row, and of what stands above and below the rows
LINE, AROUND = 0.15, 1.05
# Letters of a line beside a row
LETTERS = 34
# Labels of so many letters in all fit on one line below the panels
ONE_LINE = 80
# Keys that make no setting
LEFT_OUT = {"activation", "record_every"}
# Keys that the phrases of their values name
NAMED = {"bits", "ranges"}
# The line of a reference through all rows
DASHED: dict[str, Any] = {"linestyle": (0, (4, 3)), "linewidth": 0.7}
Changes = dict[str, str]


@dataclass(frozen=True)
class Row:
    """One setting.

    Attributes:
        factor: the first key in which it differs from the reference, as a phrase; empty for the reference.
        order: by what rows of one factor are sorted.
        text: what is written beside it.
        names: its experiments, by the activation function.
    """

    factor: str
    order: tuple[Any, ...]
    text: str
    names: dict[str, str]


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row for each setting and a column for each layer; a block of both for each estimator.

    The reference of an activation function is the first of its experiments. Its prevalence is a line through
    all rows.
    """
    estimators, phases = spec.estimators or (), tables["phases"]
    trainings = {name: training_of(phases[name, estimators[0]]) for name in spec.experiments}
    rows = rows_of_settings(trainings, spec.labels)
    lines = sum(max(len(row.text.split("\n")), len(row.names), 2) for row in rows) + 1
    figure = Figure((WIDTH, len(estimators) * (AROUND + LINE * lines)), layout="constrained")
    write_note(figure, spec.note)
    chosen = references_of(trainings).values()
    labels = labels_of(spec, {name: its for name, its in phases.items() if name[0] in chosen})
    blocks = figure.subfigures(len(estimators), 1, squeeze=False)[:, 0]
    for estimator, block in zip(estimators, blocks, strict=True):
        if len(estimators) > 1:
            block.suptitle(labels.estimators[estimator])
        its = {name: phases[name, estimator] for name in spec.experiments}
        columns = columns_of(its, spec.layers)
        panels = block.subplots(1, len(columns), sharey=True, squeeze=False)[0]
        for axes, (title, cells) in zip(panels, columns.items(), strict=True):
            draw_rows(axes, rows, cells)
            axes.set_title(wrapped(title, width=5 / len(columns)))
        panels[0].set_yticks(range(len(rows)), [literal(row.text) for row in rows])
        for tick, row in zip(panels[0].get_yticklabels(), rows, strict=True):
            tick.set_fontweight("normal" if row.factor else "bold")
        entries = legend_of(trainings, labels.experiments)
        letters = sum(len(entry.get_label()) for entry in entries)
        block.legend(
            handles=entries, loc="outside lower center", ncols=len(entries) if letters < ONE_LINE else 1
        )
    return figure


def references_of(trainings: Mapping[str, TrainingSpec]) -> dict[str, str]:
    """The first experiment of each activation function."""
    found: dict[str, str] = {}
    for name, training in trainings.items():
        found.setdefault(training.activation, name)
    return found


def factor_of(training: TrainingSpec, reference: TrainingSpec) -> Changes:
    """The keys in which a setting differs from the reference, with their values as phrases.

    >>> spec = TrainingSpec(dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8, epochs=9,
    ...                     record_every=1)
    >>> factor_of(spec.model_copy(update={"optimizer": "sgd", "learning_rate": 0.01}), spec)
    {'optimizer': 'SGD', 'learning_rate': '0.01'}
    """
    own, others = (each.model_dump(mode="json") for each in (training, reference))
    phrases = {key: "default" if value is None else phrase(value) for key, value in own.items()}
    phrases["network"], phrases["bits"] = network_label(training), bits_label(training)
    phrases["ranges"] = ranges_phrase(training.ranges)
    return {key: phrases[key] for key in own if own[key] != others[key] and key not in LEFT_OUT}


def ranges_phrase(ranges: Ranges) -> str:
    """The ranges that a setting gives to its quantizers, as its label has them.

    >>> ranges_phrase(Ranges(output_weights="batch", activations=(-1, 1))), ranges_phrase(Ranges())
    ('output weights range batch, range [−1, 1]', 'default ranges')
    """
    names = {"activations": "range"}
    given = ranges.model_dump(exclude_none=True).items()
    said = [f"{names.get(key, key.replace('_', ' ') + ' range')} {phrase(value)}" for key, value in given]
    return ", ".join(said) or "default ranges"


def rows_of_settings(trainings: Mapping[str, TrainingSpec], own: Mapping[str, str]) -> list[Row]:
    """The settings: first the reference, then those of each factor, in the order of its values.

    Experiments of different activation functions that differ from their references alike are one setting.

    Args:
        trainings: by the names of the experiments.
        own: labels that were given to experiments.
    """
    references = references_of(trainings)
    rows: dict[tuple[Any, ...], Row] = {}
    for name, training in trainings.items():
        changes = factor_of(training, trainings[references[training.activation]])
        is_reference = name in references.values()
        place = (*changes.items(), *(() if changes or is_reference else [name]))
        while place in rows and training.activation in rows[place].names:
            place = (*place, name)
        text = "reference" if is_reference else own.get(name) or describe_changes(changes) or name
        factor = "" if is_reference else next(iter(changes), "repeated").replace("_", " ")
        row = Row(factor, order_of(training, changes), fill(text, LETTERS, break_on_hyphens=False), {})
        rows.setdefault(place, row).names[training.activation] = name
    factors = [*dict.fromkeys(row.factor for row in rows.values())]
    return sorted(rows.values(), key=lambda row: (factors.index(row.factor), row.order))


def describe_changes(changes: Changes) -> str:
    """What is written beside a setting.

    >>> describe_changes({"bits": "4 bits", "optimizer": "SGD", "learning_rate": "0.01"})
    '4 bits, optimizer SGD, learning rate 0.01'
    """
    return ", ".join(value if key in NAMED else words_of(key, value) for key, value in changes.items())


def order_of(training: TrainingSpec, changes: Changes) -> tuple[Any, ...]:
    """Numbers by their size before texts, bits by weights first; networks by their layers and widths."""
    order: list[Any] = []
    for key in changes:
        value = getattr(training, key)
        if key == "network" and not isinstance(value, str):
            order.append((1, len(value), [str(layer).zfill(40) for layer in value]))
        elif isinstance(value, Bits):
            order.append((0, float(value.weights), [str(value.activations).zfill(2)]))
        elif isinstance(value, (int, float)):
            order.append((0, float(value), []))
        else:
            order.append((2, 0, [str(value)]))
    return tuple(order)


def columns_of(phases: Mapping[str, pd.DataFrame], layers: Sequence[int] | None) -> dict[str, pd.DataFrame]:
    """Cells of compression of each experiment, by column: the last hidden layer and the output, or layers."""
    cells = cells_of([observation_of(name, "", table) for name, table in phases.items()], "compression")
    if layers is not None:
        return {f"runs that compress $T_{{{layer}}}$": of_layer(cells, layer) for layer in layers}
    output = cells.groupby("experiment")["layer"].transform("max")
    chosen = {"the last hidden layer": cells["layer"] == output - 1, "the output": cells["layer"] == output}
    return {f"runs that compress {name}": cells[own] for name, own in chosen.items()}


def of_layer(cells: pd.DataFrame, layer: int) -> pd.DataFrame:
    return cells[cells["layer"] == layer]


def draw_rows(axes: Axes, rows: Sequence[Row], cells: pd.DataFrame) -> None:
    """Share of the runs with its interval and k/n, a mark for each activation function and setting."""
    by_name = {cell["experiment"]: cell for cell in cells.to_dict("records")}
    activations = activations_of(rows)
    for number, row in enumerate(rows):
        for place, activation in enumerate(activations):
            cell = by_name.get(row.names.get(activation))
            if cell is None or not cell["n"]:
                continue
            height, style = number + offset(place, len(activations)), style_of(place)
            ends = cell["lower"], cell["upper"]
            axes.plot(ends, [height, height], color=style["color"], linewidth=1.1, solid_capstyle="butt")
            axes.plot(cell["prevalence"], height, linestyle="", markersize=4.2, **style)
            text = f"{cell['k']}/{cell['n']}"
            axes.text(1.06, height, text, color=style["color"], fontsize=6, va="center")
            if not row.factor:
                axes.axvline(cell["prevalence"], color=style["color"], zorder=0, **DASHED)
    height = 0
    for _, own in groupby(rows, key=lambda row: row.factor):
        height += len([*own])
        if height < len(rows):
            axes.axhline(height - 0.5, color="0.85", linewidth=0.6, zorder=0)
    axes.set(xlim=(-0.03, 1.2), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "¼", "½", "¾", "1"])
    axes.set_xlabel("share of the runs, with 95 % interval")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def activations_of(rows: Sequence[Row]) -> list[str]:
    return [*dict.fromkeys(activation for row in rows for activation in row.names)]


def offset(place: int, count: int) -> float:
    """Distance of a mark from the middle of its row."""
    return 0.36 * (place - (count - 1) / 2) / max(1, (count - 1) / 1.2)


def style_of(place: int) -> dict[str, Any]:
    return {"color": COLOURS[(3 * place) % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}


def legend_of(trainings: Mapping[str, TrainingSpec], labels: Mapping[str, str]) -> list[Any]:
    """Marks of the references, whose prevalence is the dashed line."""
    return [
        Line2D([], [], label=f"reference: {labels[name]}", **DASHED, **style_of(place))
        for place, name in enumerate(references_of(trainings).values())
    ]
