"""I(X;T) and I(T;Y) of every layer over epochs."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.panels import (
    equal_axes,
    how_many,
    labels_of,
    leave_empty,
    legend_entries,
    prefit_entry,
    write_note,
)
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import Tables
from infoplane.plotting.curves import plot_curves

__all__ = ["draw"]


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """A row for each experiment and estimator: I(X;T) on the left, I(T;Y) on the right."""
    means = tables["aggregates"]
    figure = Figure((WIDTH, 0.3 + 2.5 * len(means)), layout="constrained")
    write_note(figure, spec.note)
    labels = labels_of(spec, means)
    rows = figure.subfigures(len(means), 1, squeeze=False)[:, 0]
    columns: list[list[Axes]] = [[], []]
    for ((experiment, estimator), table), row in zip(means.items(), rows, strict=True):
        row.suptitle(
            f"{labels.experiments[experiment]}, {labels.estimators[estimator]}: mean of {how_many(table)}, "
            "10 % to 90 % quantile"
        )
        panels = row.subplots(1, 2)
        for axes, quantity, column in zip(panels, ("i_xt", "i_ty"), columns, strict=True):
            if table["mean"].notna().any():
                plot_curves(table, quantity, axes, layers=spec.layers, labels=False)
                column.append(axes)
            else:
                leave_empty(axes, "every run failed")
        row.legend(handles=legend_entries(panels[0]), loc="outside right center")
    for column in columns:
        equal_axes(column)
    if prefit := prefit_entry(means.values()):
        figure.legend(handles=prefit, loc="outside lower center")
    return figure
