"""Information planes of single runs, from the one most like the mean to the one least like it."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.panels import how_many, labels_of, leave_empty, prefit_entry, write_note
from infoplane.figures.plane import label_edges
from infoplane.figures.style import WIDTH, fix_layout
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import draw_bounds
from infoplane.plotting.means import epochs_of
from infoplane.plotting.planes import (
    Trajectories,
    add_epoch_bar,
    draw_plane,
    name_trajectories,
    show_whole,
    trajectories_of,
)

__all__ = ["distances", "draw"]


def draw(spec: FigureSpec, tables: Tables) -> Figure:
    """Two rows for each experiment and estimator: its best, middle, second-worst and worst run."""
    means = tables["aggregates"]
    figure = Figure((WIDTH, 0.3 + 6.2 * len(means)), layout="constrained")
    write_note(figure, spec.note)
    labels = labels_of(spec, means)
    rows = figure.subfigures(len(means), 1, squeeze=False)[:, 0]
    shown: list[Trajectories] = []
    for (name, table), row in zip(means.items(), rows, strict=True):
        row.suptitle(
            f"{labels.experiments[name[0]]}, {labels.estimators[name[1]]}: "
            f"runs by their distance to the mean (grey) of {how_many(table)}"
        )
        panels = row.subplots(2, 2, sharex=True, sharey=True, squeeze=False)
        single = tables["information"][name].query("part == 'main'")
        fine = single[~single["repetition"].isin(table.attrs["failed"])]
        if fine.empty:
            label_edges(panels, 1)
            leave_empty(panels[0, 0], "every run failed")
            continue
        mean = trajectories_of(table, panels[0, 0])
        ranked = distances(fine, mean.x, mean.y)
        chosen = examples(len(ranked))
        for axes, (place, title) in zip(panels.flat, chosen.items(), strict=False):
            run = fine[fine["repetition"] == ranked.index[place]]
            x, y = (run.pivot(index="epoch", columns="layer", values=each) for each in ("i_xt", "i_ty"))
            draw_bounds(axes, table.attrs["dataset"])
            axes.plot(mean.x, mean.y, color="0.8", linewidth=2, zorder=0.5)
            draw_plane(axes, x, y, epochs_of(table))
            axes.set_title(
                f"{title}: repetition {ranked.index[place]}, {ranked.iloc[place]:.2f} bit from the mean"
            )
            shown.append(mean._replace(axes=axes, x=x, y=y))
        label_edges(panels, len(chosen))
        show_whole(panels[0, 0], [table.attrs["dataset"]])
        add_epoch_bar(row, panels.ravel().tolist(), epochs_of(table), bool(prefit_entry([table])))
    fix_layout(figure)
    name_trajectories(shown)
    return figure


def examples(count: int) -> dict[int, str]:
    """Places in a ranking of runs, and what stands there; of a few runs some are the same.

    >>> examples(50)
    {0: 'best', 24: 'middle', 48: 'second-worst', 49: 'worst'}
    >>> examples(2)
    {0: 'best', 1: 'worst'}
    """
    places = {count - 2: "second-worst", (count - 1) // 2: "middle", count - 1: "worst", 0: "best"}
    return {place: places[place] for place in sorted(places) if 0 <= place < count}


def distances(single: pd.DataFrame, x_mean: pd.DataFrame, y_mean: pd.DataFrame) -> pd.Series:
    """Distance of each run to the mean of all: root mean square over epochs and layers, in bits, ascending.

    Every epoch counts for the time between its neighbours, so that it does not matter which were recorded.

    Args:
        single: columns repetition, epoch, layer, i_xt, i_ty.
        x_mean: I(X;T), a row for each epoch and a column for each layer.
        y_mean: I(T;Y), likewise.

    >>> mean = pd.DataFrame([[1.0]], pd.Index([0], name="epoch"), pd.Index([1], name="layer"))
    >>> single = pd.DataFrame({"repetition": [0, 1], "epoch": 0, "layer": 1, "i_xt": [4, 1], "i_ty": [5, 1]})
    >>> distances(single, mean, mean).to_dict()
    {1: 0.0, 0: 5.0}
    """

    def squares(name: str, mean: pd.DataFrame) -> pd.DataFrame:
        run = single.pivot(index="repetition", columns=["epoch", "layer"], values=name)
        return (run - mean.stack()) ** 2

    epochs = x_mean.index.to_numpy(float)
    time = pd.Series(np.gradient(epochs) if len(epochs) > 1 else 1.0, x_mean.index)
    squared = squares("i_xt", x_mean) + squares("i_ty", y_mean)
    weights = time.reindex(squared.columns.get_level_values("epoch")).to_numpy()
    means: pd.Series = squared.mul(weights).mean(axis=1) / weights.mean()
    return means.pow(0.5).sort_values(kind="stable")
