"""How far estimates are from the exact value, over epochs."""

from collections.abc import Mapping
from math import inf

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter, SymmetricalLogLocator

from infoplane.config import FigureSpec
from infoplane.figures.curves import lines
from infoplane.figures.means import Means, curve, parts, prefitted
from infoplane.figures.style import (
    I_TY,
    I_XT,
    PREFIT_GROUND,
    how_many,
    log_epochs,
    named_once,
    prefit_key,
    write_note,
)
from infoplane.statistics.phases import COMPRESSION_MARGIN, FITTING_MARGIN

__all__ = ["errors"]

# Below the margin of the phase that is told from it, an error does not matter
ROWS = {"i_xt": (I_XT, COMPRESSION_MARGIN), "i_ty": (I_TY, FITTING_MARGIN)}


def errors(spec: FigureSpec, means: Mapping[tuple[str, str], Means]) -> Figure:
    """Two rows of panels for each experiment, and a column for each estimator: the mean error.

    The axis of the error is linear up to the margin of compression or fitting, and logarithmic beyond. Bands
    are the 95 % interval of the mean, and end at 0, above which no error is.
    """
    estimators = spec.estimators or ()
    figure = Figure(
        (1.1 + 1.6 * max(2, len(estimators)), 0.3 + 3.1 * len(spec.experiments)), layout="constrained"
    )
    write_note(figure, spec.note)
    blocks = figure.subfigures(len(spec.experiments), 1, squeeze=False)[:, 0]
    for experiment, block in zip(spec.experiments, blocks, strict=True):
        shown = [means[experiment, estimator] for estimator in estimators]
        block.suptitle(
            f"{experiment}: estimate − exact value, mean of {how_many(shown[0][1])} and its 95 % interval"
        )
        panels = block.subplots(2, len(estimators), sharex=True, sharey="row", squeeze=False)
        for row, quantity in zip(panels, ROWS, strict=True):
            label, margin = ROWS[quantity]
            for axes, (table, known) in zip(row, shown, strict=True):
                axes.axhline(0, color="0.6", linewidth=0.6, zorder=0)
                for part, start in parts(known).items():
                    mean, upper = (curve(table, quantity, value, part) for value in ("mean", "upper"))
                    lines(axes, mean, upper - mean, start, bounds=(-inf, 0))
                log_epochs(axes, known["spec"]["training"])
                axes.set_xlabel("")
            error_axis(row[0], margin)
            row[0].set_ylabel(f"error of {label}")
        for axes, estimator in zip(panels[0], estimators, strict=True):
            axes.set_title(estimator)
        for axes in panels[1]:
            axes.set_xlabel("epoch + 1")
        block.legend(handles=named_once(panels[0, 0]), loc="outside right center")
    if prefitted(means.values()):
        figure.legend(handles=[prefit_key(PREFIT_GROUND)], loc="outside lower center")
    return figure


def error_axis(axes: Axes, margin: float) -> None:
    """An axis of errors that is linear within ± the margin, shows all of that, and is logarithmic below."""
    axes.set_yscale("symlog", linthresh=margin)
    axes.set_ylim(min(axes.get_ylim()[0], -margin), margin)
    axes.yaxis.set_major_locator(SymmetricalLogLocator(linthresh=margin, base=10))
    axes.yaxis.set(minor_locator=NullLocator(), major_formatter=StrMethodFormatter("{x:g}"))
