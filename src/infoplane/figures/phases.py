"""Fitting and compression of many experiments: a row for each, a column for each layer."""

from collections.abc import Mapping

from matplotlib.cm import ScalarMappable
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.means import Means
from infoplane.figures.signs import COLOURS, Grid, Place, heat_map, keys, largest, observation
from infoplane.figures.style import write_note
from infoplane.statistics.cells import describe, layer_cell
from infoplane.statistics.phases import COMPRESSION_MARGIN, FITTING_MARGIN

__all__ = ["phase_maps"]

PHASES = {
    "fitting": ("mean fitting $F$  [bit]", FITTING_MARGIN),
    "compression": ("mean compression $C$  [bit]", COMPRESSION_MARGIN),
}
# In inches: a cell
WIDTH, HEIGHT = 0.42, 0.3


def phase_maps(spec: FigureSpec, phases: Mapping[tuple[str, str], Means]) -> Figure:
    """Two heat maps over experiments and layers: mean fitting F, and mean compression C.

    Scales of colours are linear within ± the
    margin of the phase and logarithmic beyond.
    """
    study = [observation(*names, *table) for names, table in phases.items()]
    rows = [each.experiment if len(spec.estimators or ()) == 1 else each.name for each in study]
    places = {
        (each.name, layer): Place(layer - 1, row, 1)
        for row, each in enumerate(study)
        for layer in each.layers
    }
    columns = {layer - 0.5: f"$T_{{{layer}}}$" for layer in sorted({layer for _, layer in places})}
    grid = Grid(places, rows, columns)
    width, height = grid.size
    names = 0.06 * max(map(len, rows))
    figure = Figure((names + 2 * (0.8 + WIDTH * width), 0.9 + HEIGHT * height), layout="constrained")
    write_note(figure, spec.note)
    for (phase, (title, margin)), axes in zip(
        PHASES.items(), figure.subplots(1, 2, sharey=True), strict=True
    ):
        cells = describe([layer_cell(each, "", phase, layer) for each in study for layer in each.layers])
        cells.index = [*zip(cells["experiment"] + "/" + cells["estimator"], cells["layer"], strict=True)]
        end = largest(cells["mean"])
        colours = ScalarMappable(SymLogNorm(margin, vmin=-end, vmax=end, base=10), COLOURS)
        heat_map(axes, grid, cells, colours)
        axes.set_title(title)
    figure.legend(handles=keys("the phase"), loc="outside lower center", ncols=4)
    return figure
