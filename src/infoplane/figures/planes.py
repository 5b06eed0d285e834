"""Information planes: where every layer is at every epoch, in I(X;T) and I(T;Y)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure, SubFigure

from infoplane.config import FigureSpec
from infoplane.figures.labels import name_layers
from infoplane.figures.means import Means, curve, prefitted
from infoplane.figures.style import (
    EPOCHS,
    I_TY,
    I_XT,
    PREFIT_LINE,
    epoch_norm,
    epoch_ticks,
    how_many,
    prefit_key,
    write_note,
)

__all__ = ["bounds", "epoch_bar", "label_edges", "plane", "planes", "show_whole"]

LINES = 60
SIDE_BY_SIDE = 2


def planes(spec: FigureSpec, means: Mapping[tuple[str, str], Means]) -> Figure:
    """A panel for each experiment and estimator, all over the same ranges.

    Experiments are rows and estimators columns; seen by one estimator, experiments stand side by side.
    """
    columns = len(spec.estimators or ())
    if columns == 1:
        columns = min(SIDE_BY_SIDE, len(means))
    rows = -(-len(means) // columns)
    figure = Figure((0.8 + 2.5 * columns, 0.2 + 2.5 * rows), layout="constrained")
    write_note(figure, spec.note)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    epochs = max(known["spec"]["training"]["epochs"] for _, known in means.values())
    shown = []
    for ((experiment, estimator), (table, known)), axes in zip(means.items(), panels.flat, strict=False):
        x, y = curve(table, "i_xt"), curve(table, "i_ty")
        x_prefit, y_prefit = curve(table, "i_xt", part="prefit"), curve(table, "i_ty", part="prefit")
        bounds(axes, known)
        axes.plot(x_prefit, y_prefit, color=PREFIT_LINE, linewidth=2, zorder=0.5)
        plane(axes, x, y, epochs)
        axes.set_title(f"{experiment}\n{estimator}, {how_many(known)}", linespacing=1)
        shown.append((axes, pd.concat([x_prefit, x]), pd.concat([y_prefit, y])))
    label_edges(panels, len(means))
    show_whole(panels[0, 0], [known["dataset"] for _, known in means.values()])
    panels[0, 0].set(xlim=spec.i_xt, ylim=spec.i_ty)
    epoch_bar(figure, panels, epochs, prefitted(means.values()))
    if prefitted(means.values()):
        figure.legend(handles=[prefit_key(PREFIT_LINE)], loc="outside lower center")
    name_layers(figure, shown)
    return figure


def plane(axes: Axes, x: pd.DataFrame, y: pd.DataFrame, epochs: int) -> None:
    """One information plane, coloured by epoch, with thin lines from layer to layer at some of the epochs.

    Args:
        axes: where to draw.
        x: I(X;T), a row for each epoch and a column for each layer.
        y: I(T;Y), likewise.
        epochs: the epoch at the end of the colour scale.
    """
    norm, time = epoch_norm(epochs), x.index.to_numpy()
    points = np.stack([x, y], -1)
    cells = np.floor(np.asarray(norm(time)) * LINES)
    joined = np.diff(cells, prepend=-1) > 0
    colours: dict[str, Any] = {"cmap": EPOCHS, "norm": norm}
    lines = LineCollection(
        list(points[joined]), array=time[joined], linewidths=0.4, alpha=0.4, zorder=1, **colours
    )
    axes.add_collection(lines, autolim=False)
    axes.scatter(
        points[..., 0], points[..., 1], c=time.repeat(x.shape[1]), s=4, linewidths=0, zorder=2, **colours
    )
    axes.scatter(
        points[-1:, :, 0],
        points[-1:, :, 1],
        s=10,
        facecolors="none",
        edgecolors="k",
        linewidths=0.5,
        zorder=3,
    )


def epoch_bar(figure: Figure | SubFigure, panels: np.ndarray, epochs: int, prefit: bool) -> None:
    """The colours of the epochs, beside all rows of the panels; after a prefit, nothing is initial."""
    bar = figure.colorbar(
        ScalarMappable(epoch_norm(epochs), EPOCHS),
        ax=panels.ravel().tolist(),
        ticks=epoch_ticks(epochs),
        aspect=30 * len(panels),
        pad=0.02,
    )
    bar.ax.set_yticklabels(["start" if prefit else "init", *map(str, epoch_ticks(epochs)[1:])])
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    if bar.solids:
        bar.solids.set(rasterized=False, edgecolor="face")
    bar.set_label("epoch")


def label_edges(panels: np.ndarray, count: int) -> None:
    """Numbers and names where no panel is below or on the left; places after the last panel stay empty."""
    columns = panels.shape[1]
    for place, axes in enumerate(panels.flat):
        lowest, leftmost = place + columns >= count, place % columns == 0
        axes.tick_params(labelbottom=lowest, labelleft=leftmost)
        axes.set(xlabel=I_XT if lowest else "", ylabel=I_TY if leftmost else "")
        axes.axison = place < count


def bounds(axes: Axes, known: Mapping[str, Any]) -> None:
    """Lines at the largest values that there can be: H(X) = log₂ N and H(Y).

    Their names stand at the axes, where no trajectory comes, and are out of view in a zoom.
    """
    h_x, h_y = np.log2(known["dataset"]["inputs"]), known["dataset"]["h_y"]
    axes.axvline(h_x, color="0.6", linewidth=0.6, dashes=(4, 3), zorder=0)
    axes.axhline(h_y, color="0.6", linewidth=0.6, dashes=(4, 3), zorder=0)
    style: dict[str, Any] = {"color": "0.45", "fontsize": 7, "zorder": 0, "textcoords": "offset points"}
    axes.annotate("$H(Y)$", (0, h_y), (-2, -2), va="top", **style)
    axes.annotate("$H(X)$", (h_x, 0), (-2, 1), rotation=90, ha="right", **style)


def show_whole(axes: Axes, datasets: Sequence[Mapping[str, Any]]) -> None:
    """Show the whole plane, up to the bounds of each of the data sets."""
    h_x = max(np.log2(dataset["inputs"]) for dataset in datasets)
    h_y = max(dataset["h_y"] for dataset in datasets)
    axes.set(xlim=(-0.03 * h_x, 1.05 * h_x), ylim=(-0.03 * h_y, 1.12 * h_y))
