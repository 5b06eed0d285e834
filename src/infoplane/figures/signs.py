"""For or against compression: what each number and range of bins says, and the exact value beside it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import StrMethodFormatter

from infoplane.config import EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.errors import UserError
from infoplane.figures.means import Means
from infoplane.figures.style import how_many, write_note
from infoplane.statistics.cells import describe, layer_cell
from infoplane.statistics.observations import Observation
from infoplane.statistics.phases import COMPRESSION_MARGIN

__all__ = ["COLOURS", "Grid", "Place", "heat_map", "keys", "largest", "observation", "signs"]

COLOURS = "RdBu_r"
# How far from the middle of the scale colours are pale enough for black letters
PALE = 0.36
MARKS: dict[str, dict[str, Any]] = {
    "shows": {"marker": "v", "fillstyle": "full"},
    "lacks": {"marker": "o", "fillstyle": "none"},
    "ceiling": {"marker": "x", "fillstyle": "full"},
}
MARK: dict[str, Any] = {"markersize": 3.5, "markeredgewidth": 0.7, "linestyle": "", "color": "black"}
# In cells: between the bins and what stands beside them. In inches: a cell
GAP, WIDTH, HEIGHT = 0.35, 0.38, 0.32
SIDE_BY_SIDE = 3


class Place(NamedTuple):
    """Where an estimator's cell is, in cells from the upper left."""

    left: float
    top: float
    height: float


class Grid(NamedTuple):
    """The places of all estimators, and the names of rows and columns."""

    places: Mapping[Any, Place]
    rows: list[str]
    columns: dict[float, str]

    @property
    def size(self) -> tuple[float, float]:
        return max(place.left for place in self.places.values()) + 1, max(1, len(self.rows))


def signs(spec: FigureSpec, phases: Mapping[tuple[str, str], Means]) -> Figure:
    """A block for each experiment, in it a heat map for each layer: mean compression C of every estimator.

    Rows are ranges of bins and columns their numbers. Estimators without bins stand beside these. The scale
    of colours is linear within ± the margin of compression and logarithmic beyond.

    Raises:
        UserError: a network has no such layer.
    """
    study = [observation(*names, *table) for names, table in phases.items()]
    grid = arranged({each.estimator: each.seen_by for each in study})
    blocks = {name: [each for each in study if each.experiment == name] for name in spec.experiments}
    layers = {name: chosen(spec, its[0]) for name, its in blocks.items()}
    cells = describe(
        [layer_cell(each, "", "compression", layer) for each in study for layer in layers[each.experiment]]
    )
    width, height = grid.size
    rows = {name: -(-len(its) // SIDE_BY_SIDE) for name, its in layers.items()}
    columns = max(-(-len(its) // rows[name]) for name, its in layers.items())
    heights = [0.35 + rows[name] * (0.5 + HEIGHT * height) for name in blocks]
    figure = Figure((1.7 + columns * (0.15 + WIDTH * width), 0.6 + sum(heights)), layout="constrained")
    write_note(figure, spec.note)
    norm = SymLogNorm(COMPRESSION_MARGIN, vmin=-largest(cells["mean"]), vmax=largest(cells["mean"]), base=10)
    colours = ScalarMappable(norm, COLOURS)
    parts = figure.subfigures(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for (name, its), part in zip(blocks.items(), parts, strict=True):
        known = phases[name, its[0].estimator][1]
        part.suptitle(f"{name}: mean compression of {how_many(known)}")
        panels = part.subplots(rows[name], columns, squeeze=False)
        for layer, axes in zip(layers[name], panels.flat, strict=False):
            here = (cells["experiment"] == name) & (cells["layer"] == layer)
            heat_map(axes, grid, cells[here].set_index("estimator"), colours)
            axes.set_title(f"$T_{{{layer}}}$")
        for place, axes in enumerate(panels.flat):
            axes.axison = place < len(layers[name])
            axes.tick_params(labelleft=place % columns == 0)
        colour_bar(part, panels, colours)
    figure.legend(handles=keys("compression"), loc="outside lower center", ncols=len(MARKS) + 1)
    return figure


def observation(
    experiment: str, estimator: str, frame: pd.DataFrame, known: Mapping[str, Any]
) -> Observation:
    """The phases of one experiment seen by one estimator, with the specs that they carry."""
    training = TrainingSpec.model_validate(known["spec"]["training"])
    seen_by = EstimatorSpec.model_validate(known["spec"]["estimator"])
    return Observation(experiment, estimator, training, seen_by, frame)


def chosen(spec: FigureSpec, experiment: Observation) -> Sequence[int]:
    """The layers that are shown of an experiment."""
    layers = spec.layers or experiment.layers
    for layer in layers:
        if layer not in experiment.layers:
            raise UserError(
                f"{experiment.experiment}: has {len(experiment.layers)} layers and no layer {layer}; "
                "remove it from the figure's layers"
            )
    return layers


def arranged(estimators: Mapping[str, EstimatorSpec]) -> Grid:
    """Numbers of bins in ascending order, ranges and estimators without bins as they come."""
    binned = {name: its for name, its in estimators.items() if its.bins}
    bins = sorted({its.bins or 0 for its in binned.values()})
    rows = [*dict.fromkeys(named_range(its) for its in binned.values())]
    beside = [name for name in estimators if name not in binned]
    start = len(bins) + GAP if bins else 0
    places = {
        name: Place(bins.index(its.bins or 0), rows.index(named_range(its)), 1)
        for name, its in binned.items()
    } | {name: Place(start + turn, 0, max(1, len(rows))) for turn, name in enumerate(beside)}
    columns = {left + 0.5: str(number) for left, number in enumerate(bins)} | {
        start + turn + 0.5: estimators[name].kind for turn, name in enumerate(beside)
    }
    return Grid(places, rows, columns)


def named_range(estimator: EstimatorSpec) -> str:
    """What bins are laid over.

    >>> named_range(EstimatorSpec(kind="uniform", bins=30, range=(-1, 1)))
    '[−1, 1]'
    """
    if estimator.kind == "adaptive":
        return "equal mass"
    if isinstance(estimator.range, tuple):
        low, high = (f"{end:g}".replace("-", "−") for end in estimator.range)
        return f"[{low}, {high}]"
    return str(estimator.range)


def largest(effects: pd.Series) -> float:
    """The end of the scale of colours, at least 1 bit."""
    return float(np.fmax(effects.abs().max(), 1))


def heat_map(axes: Axes, grid: Grid, cells: pd.DataFrame, colours: ScalarMappable) -> None:
    """One layer: a coloured cell for each estimator with its number, and a mark for its status."""
    boxes = [grid.places[name] for name in cells.index]
    axes.add_collection(
        PatchCollection(
            [Rectangle((box.left, box.top), 1, box.height) for box in boxes],
            array=np.ma.masked_invalid(cells["mean"]),
            cmap=colours.cmap,
            norm=colours.norm,
            edgecolor="white",
            linewidth=1,
        )
    )
    for box, (_, cell) in zip(boxes, cells.iterrows(), strict=True):
        middle, centre = box.left + 0.5, box.top + box.height / 2
        effect, mark = cell["mean"], MARKS.get(cell["status"])
        colour = "white" if abs(np.asarray(colours.norm(np.nan_to_num(effect))) - 0.5) > PALE else "black"
        axes.text(middle, centre - 0.15, signed(effect), color=colour, ha="center", va="center", fontsize=6.5)
        if mark:
            axes.plot(middle, centre + 0.25, **mark, **MARK | {"color": colour})
    width, height = grid.size
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_xticks(list(grid.columns), list(grid.columns.values()))
    axes.set_yticks(np.arange(len(grid.rows)) + 0.5, grid.rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if bins := [left for left, number in grid.columns.items() if number.isdecimal()]:
        axes.set_xlabel("bins", x=len(bins) / 2 / width)


def signed(effect: float) -> str:
    """Two digits of an effect in bits, none of which is a negative zero.

    >>> signed(0.123), signed(-1), signed(-0.001), signed(float("nan"))
    ('+0.12', '−1.00', '0.00', '–')
    """
    if np.isnan(effect):
        return "–"
    rounded = round(effect, 2)
    return f"{rounded:+.2f}".replace("-", "−") if rounded else "0.00"


def colour_bar(part: SubFigure, panels: np.ndarray, colours: ScalarMappable) -> None:
    """The colours of compressions, beside the panels of an experiment."""
    ticks = [sign * size for size in (COMPRESSION_MARGIN, 1) for sign in (-1, 1)]
    bar = part.colorbar(colours, ax=panels.ravel().tolist(), ticks=[*ticks, 0], aspect=15 * len(panels))
    bar.ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    if bar.solids:
        bar.solids.set(rasterized=False, edgecolor="face")
    bar.set_label("compression $C$  [bit]")


def keys(phase: str) -> list[Line2D]:
    """What the marks in the cells mean."""
    marked = [
        Line2D(
            [], [], label="nothing left to fit" if status == "ceiling" else f"{status} {phase}", **own, **MARK
        )
        for status, own in MARKS.items()
    ]
    return [*marked, Line2D([], [], linestyle="", label="no mark: mixed")]
