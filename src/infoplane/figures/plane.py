"""Information planes: where every layer is at every epoch, in I(X;T) and I(T;Y)."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.panels import how_many, labels_of, leave_empty, prefit_entry, wrapped, write_note
from infoplane.figures.style import WIDTH, fix_layout
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import I_TY, I_XT, PREFIT_LINE
from infoplane.plotting.means import epochs_of
from infoplane.plotting.planes import (
    add_epoch_bar,
    name_trajectories,
    plot_plane,
    show_whole,
    trajectories_of,
    zoom_in,
)

__all__ = ["draw", "label_edges"]

# Panels in a row of one estimator, and as many as leave room for insets
SIDE_BY_SIDE = 2
BAR = 0.9


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A panel for each experiment and estimator, all over the same ranges.

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
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    epochs = max(epochs_of(table) for table in means.values())
    labels = labels_of(spec, means)
    shown = []
    for ((experiment, estimator), table), axes in zip(means.items(), panels.flat, strict=False):
        lines = labels.experiments[experiment], f"{labels.estimators[estimator]}, {how_many(table)}"
        axes.set_title(wrapped(*lines, width=size), linespacing=1)
        if table["mean"].notna().any():
            plot_plane(
                table, axes, layers=spec.layers, zoom="none", colour=spec.colour, labels=False, bar=False
            )
            shown.append(trajectories_of(table, axes, spec.layers))
        else:
            leave_empty(axes, "every run failed")
    label_edges(panels, len(means))
    show_whole(panels[0, 0], [table.attrs["dataset"] for table in means.values()])
    panels[0, 0].set(xlim=spec.i_xt, ylim=spec.i_ty)
    zoomed = spec.i_xt or spec.i_ty
    if columns <= SIDE_BY_SIDE and not zoomed:
        shown += [inset for plane in shown for inset in zoom_in(plane, epochs, spec.colour)]
    prefit = prefit_entry(means.values(), PREFIT_LINE)
    if spec.colour == "epoch":
        add_epoch_bar(figure, panels.ravel().tolist(), epochs, bool(prefit))
    if prefit:
        figure.legend(handles=prefit, loc="outside lower center")
    fix_layout(figure)
    name_trajectories(shown)
    return figure


def label_edges(panels: np.ndarray[Any, Any], count: int) -> None:
    """Numbers and names where no panel is below or on the left; places after the last panel stay empty."""
    columns = panels.shape[1]
    axes: Axes
    for place, axes in enumerate(panels.flat):
        lowest, leftmost = place + columns >= count, place % columns == 0
        axes.tick_params(labelbottom=lowest, labelleft=leftmost)
        axes.set(xlabel=I_XT if lowest else "", ylabel=I_TY if leftmost else "")
        axes.axison = place < count
