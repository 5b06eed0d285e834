"""The information plane of one recorded model."""

import pandas as pd
from matplotlib.figure import Figure

from infoplane.figures.style import EPOCHS, I_TY, I_XT, epoch_norm, epoch_ticks

__all__ = ["draw_plane"]


def draw_plane(table: pd.DataFrame) -> Figure:
    """Draw where every layer is at every epoch, coloured by epoch, with its name at the last one.

    Args:
        table: of one run by one estimator, as from `infoplane.Recorder.table`.
    """
    figure = Figure((6, 4.5), layout="constrained")
    axes = figure.subplots()
    epochs = max(1, int(table["epoch"].max()))
    norm = epoch_norm(epochs)
    for name, layer in table.groupby("layer_name", sort=False):
        axes.plot(layer["i_xt"], layer["i_ty"], color="0.8", linewidth=0.6, zorder=1)
        points = axes.scatter(
            layer["i_xt"], layer["i_ty"], c=layer["epoch"], s=12, cmap=EPOCHS, norm=norm, zorder=2
        )
        last = layer.iloc[-1]
        axes.annotate(
            str(name), (last["i_xt"], last["i_ty"]), (4, -4), textcoords="offset points", fontsize=7
        )
    bar = figure.colorbar(points, ax=axes, ticks=epoch_ticks(epochs), label="epoch")
    bar.minorticks_off()
    axes.set(xlabel=I_XT, ylabel=I_TY)
    return figure
