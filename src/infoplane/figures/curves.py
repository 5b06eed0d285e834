"""I(X;T) and I(T;Y) of every layer over epochs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.means import Means, curve, parts, prefitted
from infoplane.figures.style import (
    COLOURS,
    I_TY,
    I_XT,
    MARKERS,
    PREFIT_GROUND,
    how_many,
    log_epochs,
    marked,
    named_once,
    prefit_key,
    write_note,
)

__all__ = ["curves"]


def curves(spec: FigureSpec, means: Mapping[tuple[str, str], Means]) -> Figure:
    """A row for each experiment and estimator: I(X;T) on the left, I(T;Y) on the right, mean ± std."""
    figure = Figure((6.5, 0.3 + 2.5 * len(means)), layout="constrained")
    write_note(figure, spec.note)
    rows = figure.subfigures(len(means), 1, squeeze=False)[:, 0]
    for ((experiment, estimator), (table, known)), row in zip(means.items(), rows, strict=True):
        row.suptitle(f"{experiment}, {estimator}: mean ± std of {how_many(known)}")
        panels = row.subplots(1, 2)
        for axes, quantity, label in zip(panels, ("i_xt", "i_ty"), (I_XT, I_TY), strict=True):
            for part, start in parts(known).items():
                lines(axes, curve(table, quantity, "mean", part), curve(table, quantity, "std", part), start)
            log_epochs(axes, known["spec"]["training"])
            axes.set_ylabel(label)
        row.legend(handles=named_once(panels[0]), loc="outside right center")
    if prefitted(means.values()):
        figure.legend(handles=[prefit_key(PREFIT_GROUND)], loc="outside lower center")
    return figure


def lines(
    axes: Axes,
    mean: pd.DataFrame,
    spread: pd.DataFrame,
    start: int,
    label: str = "$T_{{{}}}$",
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> None:
    """A line and its band for each column, by its name in the `label`.

    Args:
        spread: by how much a band reaches above and below its line.
        start: from which the passes are counted.
        bounds: where bands end, because nothing can be below or above.
    """
    passes = mean.index.to_numpy() + 1
    for turn, name in enumerate(mean.columns):
        colour = COLOURS[turn % len(COLOURS)]
        marker = MARKERS[(turn + turn // len(COLOURS)) % len(MARKERS)]
        marks = marked(passes, turn / mean.shape[1])
        style = {"color": colour, "marker": marker, "markersize": 3.5, "markevery": marks}
        axes.plot(start + passes, mean[name], label=label.format(name), **style)
        low, high = ((mean[name] + side * spread[name]).clip(*bounds) for side in (-1, 1))
        axes.fill_between(start + passes, low, high, color=colour, alpha=0.15, linewidth=0.5)
