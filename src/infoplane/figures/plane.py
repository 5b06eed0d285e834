"""Information planes: where every layer is at every epoch, in I(X;T) and I(T;Y)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.config.figures import WITH_INSETS
from infoplane.figures.panels import how_many, labels_of, leave_empty, prefit_entry, wrapped, write_note
from infoplane.figures.style import WIDTH, fix_layout
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import I_TY, I_XT, PREFIT_LINE
from infoplane.plotting.means import epochs_of, means_of
from infoplane.plotting.planes import (
    add_epoch_bar,
    draw_means,
    is_crowded,
    mark_exits,
    name_trajectories,
    show_whole,
    zoom_in,
)

__all__ = ["draw", "label_edges", "show_data_sets"]

# Panels in a row of one estimator
SIDE_BY_SIDE = 2
BAR = 0.9


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A panel for each experiment and estimator, those of one data set over the same ranges.

    Experiments are rows and estimators columns; seen by one estimator, experiments stand side by side.
    """
    means = tables["aggregates"]
    columns = len(spec.estimators or ())
    if columns == 1:
        columns = min(SIDE_BY_SIDE, len(means))
    rows = -(-len(means) // columns)
    size = min(3.3, (WIDTH - BAR) / columns)
    figure = Figure((BAR + size * columns, 0.2 + (size + 0.1) * rows), layout="constrained")
    write_note(figure, spec.note)
    panels = figure.subplots(rows, columns, squeeze=False)
    lengths = [epochs_of(table) for table in means.values()]
    epochs = max(lengths)
    labels = labels_of(spec, means)
    shown = []
    for ((experiment, estimator), table), axes in zip(means.items(), panels.flat, strict=False):
        lines = labels.experiments[experiment], f"{labels.estimators[estimator]}, {how_many(table)}"
        axes.set_title(wrapped(*lines, width=size), linespacing=1)
        if table["mean"].notna().any():
            its = means_of(table, layers=spec.layers)
            shown.append(draw_means(axes, its, table.attrs["dataset"], epochs, spec.colour))
        else:
            leave_empty(axes, "every run failed")
    show_data_sets(panels.flat, [table.attrs["dataset"] for table in means.values()])
    for axes in panels.flat:
        axes.set(xlim=spec.i_xt, ylim=spec.i_ty)
    label_edges(panels, len(means))
    for each in shown:
        mark_exits(each)
    if columns <= WITH_INSETS:
        # A part that was chosen is shown larger only where there is nothing else
        crowded = [each for each in shown if not (spec.i_xt or spec.i_ty) or is_crowded(each)]
        shown += [inset for plane in crowded for inset in zoom_in(plane, epochs, spec.colour)]
    prefit = prefit_entry(means.values(), PREFIT_LINE)
    if spec.colour == "epoch":
        add_epoch_bar(figure, panels.ravel().tolist(), epochs, bool(prefit), lengths)
    if prefit:
        figure.legend(handles=prefit, loc="outside lower center")
    fix_layout(figure)
    name_trajectories(shown)
    return figure


def show_data_sets(panels: Iterable[Axes], datasets: Sequence[Mapping[str, Any]]) -> None:
    """Show the whole plane of each panel, up to the bounds of its data set, seen on any of its inputs."""
    for axes, dataset in zip(panels, datasets, strict=False):
        show_whole(axes, [each for each in datasets if each.get("digest") == dataset.get("digest")])


def label_edges(panels: np.ndarray[Any, Any], count: int) -> None:
    """Numbers and names where no panel of the same range is below or on the left.

    Places after the last panel stay empty.
    """
    columns = panels.shape[1]
    axes: Axes
    for place, axes in enumerate(panels.flat):
        row, column = divmod(place, columns)
        below = panels[row + 1, column] if place + columns < count else None
        left = panels[row, column - 1] if column else None
        lowest = below is None or below.get_xlim() != axes.get_xlim()
        leftmost = left is None or left.get_ylim() != axes.get_ylim()
        axes.tick_params(labelbottom=lowest, labelleft=leftmost)
        axes.set(xlabel=I_XT if lowest else "", ylabel=I_TY if leftmost else "")
        axes.axison = place < count
