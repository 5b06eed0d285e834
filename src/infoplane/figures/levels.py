"""How many levels of their grids the layers use, over epochs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from infoplane.config import FigureSpec
from infoplane.figures.curves import lines
from infoplane.figures.means import Means, curve, parts, prefitted
from infoplane.figures.style import PREFIT_GROUND, how_many, log_epochs, named_once, prefit_key, write_note

__all__ = ["levels"]


def levels(spec: FigureSpec, means: Mapping[str, Means]) -> Figure:
    """A panel for each experiment: mean ± std over runs, below a line at the levels that there are."""
    columns = min(2, len(means))
    rows = -(-len(means) // columns)
    figure = Figure((0.5 + 3 * columns, 0.6 + 1.9 * rows), layout="constrained")
    write_note(figure, spec.note)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    keys: dict[str, Any] = {}
    for (experiment, (table, known)), axes in zip(means.items(), panels.flat, strict=False):
        bits = known["spec"]["training"]["bits"]["activations"]
        axes.axhline(2**bits, label="$2^b$ levels", color="0.6", linewidth=0.8, dashes=(4, 3))
        for part, start in parts(known).items():
            lines(axes, curve(table, "levels", "mean", part), curve(table, "levels", "std", part), start)
        log_epochs(axes, known["spec"]["training"])
        axes.set_title(f"{experiment}\n{how_many(known)}, {bits} bits", linespacing=1)
        keys |= {handle.get_label(): handle for handle in named_once(axes)}
    panels[0, 0].set_yscale("log", base=2)
    panels[0, 0].yaxis.set(major_locator=LogLocator(2, numticks=10), minor_locator=NullLocator())
    panels[0, 0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    # Of a few runs, bands go beyond what there can be
    panels[0, 0].set_ylim(np.clip(panels[0, 0].get_ylim(), 1, None))
    for axes in panels[:, 0]:
        axes.set_ylabel("levels in use: mean ± std")
    for axes in panels.flat[len(means) :]:
        axes.set_axis_off()
    if prefitted(means.values()):
        keys["prefit"] = prefit_key(PREFIT_GROUND)
    figure.legend(handles=list(keys.values()), loc="outside lower center", ncols=4 * columns - 1)
    return figure
