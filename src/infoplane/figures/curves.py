"""I(X;T) and I(T;Y) of every layer over epochs."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.means import Means, curve
from infoplane.figures.style import COLOURS, I_TY, I_XT, MARKERS, how_many, log_epochs, marked, write_note

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
            mean, std = curve(table, quantity), curve(table, quantity, "std")
            passes = mean.index.to_numpy() + 1
            for turn, layer in enumerate(mean.columns):
                colour, marker = COLOURS[turn % len(COLOURS)], MARKERS[turn % len(MARKERS)]
                marks = marked(passes, turn / mean.shape[1])
                style = {"color": colour, "marker": marker, "markersize": 3.5, "markevery": marks}
                axes.plot(passes, mean[layer], label=f"$T_{layer}$", **style)
                low, high = mean[layer] - std[layer], mean[layer] + std[layer]
                axes.fill_between(passes, low, high, color=colour, alpha=0.15, linewidth=0.5)
            log_epochs(axes, known["spec"]["training"]["epochs"])
            axes.set_ylabel(label)
        row.legend(*panels[0].get_legend_handles_labels(), loc="outside right center")
    return figure
