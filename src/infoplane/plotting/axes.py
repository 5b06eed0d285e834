"""Axes that figures share: logarithmic epochs, bounds of information, colours of epochs and layers."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm, ListedColormap
from matplotlib.scale import SymmetricalLogTransform
from matplotlib.textpath import TextPath
from matplotlib.ticker import FixedLocator, Formatter

__all__ = [
    "COLOURS",
    "EPOCHS",
    "I_TY",
    "I_XT",
    "MARKERS",
    "PREFIT_GROUND",
    "PREFIT_LINE",
    "draw_bounds",
    "epoch_axis",
    "epoch_norm",
    "epoch_ticks",
    "layer_style",
    "marked",
]

I_XT, I_TY = r"$I(X;T)$  [bit]", r"$I(T;Y)$  [bit]"
# Viridis without its palest end, which white paper swallows
EPOCHS = ListedColormap(mpl.colormaps["viridis"](np.linspace(0, 237 / 255, 238)), "epochs")
# Told apart with every common kind of colour vision: Wong 2011, https://doi.org/10.1038/nmeth.1618
COLOURS = ["#0072b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161", "#56b4e9", "#949494"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
# Markers of a curve
MARKS = 8
# What comes before the main part: its ground under curves, its line in a plane
PREFIT_GROUND, PREFIT_LINE = "0.91", "0.78"
# Width of the linear part of the scale, left of the first epoch, in decades
LINEAR = 0.4
PASSES = SymmetricalLogTransform(10, 1, LINEAR)
# Between the texts of two ticks, at least, in points
GAP = 3.5


class RoomyFormatter(Formatter):
    """Texts of fixed ticks on a horizontal axis, without those that would come too near to others.

    How much room there is depends on the width of the axes, and is known when they are drawn.
    """

    def __init__(self, texts: Mapping[int, str], first: Sequence[int], ends: Sequence[int] = ()) -> None:
        """Of texts without room for both, that of `first` stays, or else the left one; `ends` end at ticks.

        Args:
            texts: by their places on the axis.
            first: places whose texts matter most, in this order.
            ends: places whose texts stand left of them.
        """
        self.texts, self.first, self.ends = texts, first, ends

    def __call__(self, x: float, pos: int | None = None) -> str:
        return self.texts.get(round(x), "")

    def format_ticks(self, values: Any) -> list[str]:
        spans = self.spans([round(value) for value in values])
        shown: list[int] = []
        for place in dict.fromkeys([*self.first, *spans]):
            if place in spans and all(apart(spans[place], spans[other]) for other in shown):
                shown.append(place)
        return [self(value) if round(value) in shown else "" for value in values]

    def spans(self, places: Sequence[int]) -> dict[int, tuple[float, float]]:
        """Where the texts that are in view begin and end, in points."""
        axis: Any = self.axis
        axes = axis.axes
        lowest, highest = sorted(axes.get_xlim())
        points = axes.transData.transform([(place, 1) for place in places])[:, 0]
        points *= 72 / axes.get_figure(root=True).dpi
        font = axis.get_major_ticks(1)[0].label1.get_fontproperties()
        found = {}
        for place, point in zip(places, points, strict=True):
            if lowest <= place <= highest:
                width = TextPath((0, 0), self(place), font.get_size(), prop=font).get_extents().width
                left = point - width if place in self.ends else point - width / 2
                found[place] = left, left + width
        return found


def apart(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether there is a gap between two spans."""
    return max(one[0], other[0]) - min(one[1], other[1]) >= GAP


def layer_style(place: int) -> dict[str, Any]:
    """Colour and marker of a layer, from its place among the layers: no two of 64 have both in common."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[(place + place // len(COLOURS)) % len(MARKERS)],
    }


def epoch_norm(epochs: int) -> FuncNorm:
    """Colour scale of epochs, from −1 (before the first step) to the last: logarithmic in epoch + 1.

    >>> norm = epoch_norm(1000)
    >>> float(norm(-1)), float(norm(999))
    (0.0, 1.0)
    """
    inverse = PASSES.inverted()

    def forward(epoch: np.ndarray) -> np.ndarray:
        return np.asarray(PASSES.transform(np.asarray(epoch, float) + 1))

    def backward(place: np.ndarray) -> np.ndarray:
        return np.asarray(inverse.transform(np.asarray(place, float))) - 1

    return FuncNorm((forward, backward), vmin=-1, vmax=max(epochs - 1, 0))


def epoch_ticks(epochs: int) -> dict[int, str]:
    """Ticks at 0 (`init`), 1, 10, 100 … epochs trained, and at the last, each with its text.

    >>> epoch_ticks(8000)
    {0: 'init', 1: '1', 10: '10', 100: '100', 1000: '1000', 8000: '8000'}
    >>> epoch_ticks(1200)
    {0: 'init', 1: '1', 10: '10', 100: '100', 1200: '1200'}
    >>> [*epoch_ticks(30_000)]
    [0, 1, 10, 100, 1000, 30000]
    """
    powers = [10**power for power in range(len(str(epochs)))]
    # Longer texts take more room before the last one
    apart = [power for power in powers if max(2.5, 0.7 * len(str(power))) * power < epochs or power == epochs]
    return {0: "init"} | {power: str(power) for power in apart} | {epochs: str(epochs)}


def minor_ticks(epochs: int) -> list[int]:
    """Ticks without text at 2, 3 … 9, 20, 30 … epochs.

    >>> minor_ticks(30)
    [2, 3, 4, 5, 6, 7, 8, 9, 20]
    """
    powers = [10**power for power in range(len(str(epochs)))]
    return [digit * power for power in powers for digit in range(2, 10) if digit * power < epochs]


def epoch_axis(axes: Axes, epochs: int, prefit: int = 0) -> None:
    """Make the x axis one of epochs trained, epoch + 1, on a logarithmic scale.

    The state before the first step, epoch −1, lies at 0 and has a place of its own left of 1, where the scale
    is linear. Epochs of a prefit part lie left of 0, from minus their number on, along a logarithmic axis of
    their own and on a grey ground.
    """
    inverse, end = PASSES.inverted(), PASSES.transform(np.array(prefit))

    def place(passes: np.ndarray) -> np.ndarray:
        return np.where(passes < 0, PASSES.transform(passes + prefit) - end, PASSES.transform(passes))

    def passes_at(place: np.ndarray) -> np.ndarray:
        return np.where(place < 0, inverse.transform(place + end) - prefit, inverse.transform(place))

    ticks, minor = epoch_ticks(epochs), minor_ticks(epochs)
    if prefit:
        # The end of the prefit part is also the start of the main one
        ticks |= {tick - prefit: name for tick, name in epoch_ticks(prefit).items()}
        minor += [tick - prefit for tick in minor_ticks(prefit)]
        axes.axvspan(-2 * prefit, 0, color=PREFIT_GROUND, linewidth=0, zorder=-1)
    axes.set_xscale("function", functions=(place, passes_at))
    axes.xaxis.set_major_locator(FixedLocator(sorted(ticks)))
    ends = [0] if prefit else []
    axes.xaxis.set_major_formatter(RoomyFormatter(ticks, [epochs, *ends], ends))
    for tick in ends:
        axes.xaxis.get_major_ticks()[sorted(ticks).index(tick)].label1.set_horizontalalignment("right")
    axes.set_xticks(minor, minor=True)
    axes.set_xlim(-prefit - 0.15, epochs * 1.15)
    axes.set_xlabel("epochs trained")


def marked(passes: np.ndarray, place: float) -> list[int]:
    """Indices at which a curve on an `epoch_axis` carries its markers, evenly over the axis.

    Args:
        passes: epoch + 1 of every point of the curve, increasing.
        place: a fraction below 1 that sets the markers of this curve apart from those of others.

    >>> marked(np.array([0, 1, 6, 11, 50, 100]), 0.5)
    [2, 3, 4, 5]
    >>> marked(np.array([0]), 0.5)
    [0]
    """
    spots = passes.max(initial=1) ** ((np.arange(MARKS) + place) / MARKS)
    last = max(len(passes) - 1, 0)
    return [int(index) for index in np.unique(np.searchsorted(passes, spots).clip(max=last))]


def draw_bounds(axes: Axes, dataset: Mapping[str, Any]) -> None:
    """Draw lines at the largest values that there can be: H(X) = log₂ N and H(Y).

    Their names stand at the axes, where no trajectory comes, and are out of view in a zoom.
    """
    h_x, h_y = np.log2(dataset["inputs"]), dataset["h_y"]
    axes.axvline(h_x, color="0.6", linewidth=0.6, dashes=(4, 3), zorder=0)
    axes.axhline(h_y, color="0.6", linewidth=0.6, dashes=(4, 3), zorder=0)
    style: dict[str, Any] = {"color": "0.35", "fontsize": "small", "zorder": 0, "textcoords": "offset points"}
    axes.annotate("$H(Y)$", (0, h_y), (1, -2), va="top", **style)
    axes.annotate("$H(X)$", (h_x, 0), (-2, 1), rotation=90, ha="right", **style)
