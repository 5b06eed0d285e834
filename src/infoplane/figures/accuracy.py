"""Training and test accuracy over epochs."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.means import Means
from infoplane.figures.style import COLOURS, how_many, log_epochs, marked, write_note

__all__ = ["accuracies"]

CURVES = {
    "train_accuracy": ("training: mean and 95 % interval", COLOURS[0], "o"),
    "test_accuracy": ("test: mean and 95 % interval", COLOURS[1], "s"),
}


def accuracies(spec: FigureSpec, means: Mapping[str, Means]) -> Figure:
    """A panel for each experiment: mean over runs and its 95 % interval."""
    columns = min(3, len(means))
    rows = -(-len(means) // columns)
    figure = Figure((0.5 + 2.1 * columns, 0.5 + 1.9 * rows), layout="constrained")
    write_note(figure, spec.note)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for (experiment, (table, known)), axes in zip(means.items(), panels.flat, strict=False):
        for turn, (quantity, (label, colour, marker)) in enumerate(CURVES.items()):
            curve = table[table["quantity"] == quantity]
            passes = curve["epoch"].to_numpy() + 1
            style = {
                "color": colour,
                "marker": marker,
                "markersize": 3,
                "markevery": marked(passes, turn / 2),
            }
            axes.plot(passes, curve["mean"], label=label, **style)
            axes.fill_between(passes, curve["lower"], curve["upper"], color=colour, alpha=0.3, linewidth=0)
        log_epochs(axes, known["spec"]["training"]["epochs"])
        axes.set_xlim(left=0.8)
        axes.set_title(f"{experiment}\n{how_many(known)}", linespacing=1)
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
    for axes in panels.flat[len(means) :]:
        axes.set_axis_off()
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
