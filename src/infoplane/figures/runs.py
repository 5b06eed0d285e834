"""Information planes of single runs, from the one most like the mean to the one least like it."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.labels import name_layers
from infoplane.figures.means import Means, curve, prefitted
from infoplane.figures.planes import bounds, epoch_bar, label_edges, plane, show_whole
from infoplane.figures.style import how_many, write_note

__all__ = ["distances", "runs"]


def runs(
    spec: FigureSpec,
    means: Mapping[tuple[str, str], Means],
    information: Mapping[tuple[str, str], pd.DataFrame],
) -> Figure:
    """A row for each experiment and estimator: its best, middle, second-worst and worst run."""
    figure = Figure((0.8 + 4 * 2.1, 0.2 + 2.6 * len(means)), layout="constrained")
    write_note(figure, spec.note)
    rows = figure.subfigures(len(means), 1, squeeze=False)[:, 0]
    shown = []
    for (names, (table, known)), row in zip(means.items(), rows, strict=True):
        row.suptitle(f"{', '.join(names)}: runs by their distance to the mean (grey) of {how_many(known)}")
        epochs = known["spec"]["training"]["epochs"]
        panels = row.subplots(1, 4, sharex=True, sharey=True, squeeze=False)
        x_mean, y_mean = curve(table, "i_xt"), curve(table, "i_ty")
        fine = information[names][~information[names]["repetition"].isin(known["failed"])]
        ranked = distances(fine, x_mean, y_mean)
        chosen = examples(len(ranked))
        for axes, (place, title) in zip(panels.flat, chosen.items(), strict=False):
            run = fine[fine["repetition"] == ranked.index[place]]
            x, y = (run.pivot(index="epoch", columns="layer", values=name) for name in ("i_xt", "i_ty"))
            bounds(axes, known)
            axes.plot(x_mean, y_mean, color="0.8", linewidth=2, zorder=0.5)
            plane(axes, x, y, epochs)
            axes.set_title(
                f"{title}: repetition {ranked.index[place]}\n{ranked.iloc[place]:.2f} bit from the mean",
                linespacing=1,
            )
            shown.append((axes, x, y))
        label_edges(panels, len(chosen))
        show_whole(panels[0, 0], [known["dataset"]])
        epoch_bar(row, panels, epochs, prefitted([means[names]]))
    name_layers(figure, shown)
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
    """How far each run is from the mean of all: root mean square over epochs and layers, in bits, ascending.

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

    squared: pd.Series = (squares("i_xt", x_mean) + squares("i_ty", y_mean)).mean(axis=1)
    return (squared**0.5).sort_values(kind="stable")
