"""What all figures share: type, colours, the scale of epochs, and files whose bytes depend on content."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.scale import SymmetricalLogTransform

from infoplane.artifacts import canonical, written_aside
from infoplane.errors import UserError

__all__ = [
    "COLOURS",
    "EPOCHS",
    "I_TY",
    "I_XT",
    "MARKERS",
    "PREFIT_GROUND",
    "PREFIT_LINE",
    "STYLE",
    "epoch_norm",
    "epoch_ticks",
    "fix_layout",
    "how_many",
    "log_epochs",
    "marked",
    "named_once",
    "prefit_key",
    "save",
    "write_note",
]

STYLE: dict[Any, Any] = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "figure.titlesize": 9,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1,
    "pdf.fonttype": 42,
    "axes.unicode_minus": True,
}
I_XT, I_TY = r"$I(X;T)$  [bit]", r"$I(T;Y)$  [bit]"
# Viridis without its palest end, which white paper swallows
EPOCHS = ListedColormap(sns.color_palette("viridis", 256)[:238], "epochs")
# Told apart with every common kind of colour vision
COLOURS = sns.color_palette("colorblind", 8)
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
MARKS = 8
# What comes before the main part: its ground under curves, its line in a plane
PREFIT_GROUND, PREFIT_LINE = "0.91", "0.78"
SUBJECT = {".pdf": "Subject", ".png": "Description"}


def epoch_norm(epochs: int) -> PowerNorm:
    """Colour of an epoch from -1 to `epochs`, even in its square root: much happens early, and much late."""
    return PowerNorm(0.5, vmin=-1, vmax=epochs)


def epoch_ticks(epochs: int) -> list[int]:
    """Round epochs that lie apart on the scale of `epoch_norm`, between its ends and with them.

    >>> epoch_ticks(8000)
    [-1, 100, 500, 1000, 2000, 5000, 8000]
    """
    norm = epoch_norm(epochs)
    ticks = [-1]
    for tick in (digit * 10**power for power in range(len(str(epochs))) for digit in (1, 2, 5)):
        if tick < epochs and norm(tick) - norm(ticks[-1]) >= 0.1 <= 1 - norm(tick):
            ticks.append(tick)
    return [*ticks, epochs]


def log_epochs(axes: Axes, training: Mapping[str, Any]) -> None:
    """A logarithmic axis of epoch + 1, the passes over the training set, with "init" where there were none.

    Epoch -1, the state before the first step, lies at 0 passes and has a place of its own left of 1 (the
    scale is linear in between), so no epoch is lost to the logarithm. The passes of a prefit part lie left
    of 0, from minus their number on, along a logarithmic axis of their own and on a grey ground.
    """
    epochs, prefit = training["epochs"], training.get("prefit_epochs", 0)
    log = SymmetricalLogTransform(10, 1, 0.4)
    inverse, end = log.inverted(), log.transform(np.array(prefit))

    def place(passes: np.ndarray) -> np.ndarray:
        return np.where(passes < 0, log.transform(passes + prefit) - end, log.transform(passes))

    def passes_at(place: np.ndarray) -> np.ndarray:
        return np.where(place < 0, inverse.transform(place + end) - prefit, inverse.transform(place))

    ticks, minor = decades(epochs)
    if prefit:
        early, early_minor = decades(prefit)
        apart = {tick - prefit: name for tick, name in early.items() if 5 * tick <= prefit}
        ticks = apart | ticks | {0: "0"}
        minor += [tick - prefit for tick in early_minor if tick < prefit]
        axes.axvspan(-2 * prefit, 0, color=PREFIT_GROUND, linewidth=0, zorder=-1)
    axes.set_xscale("function", functions=(place, passes_at))
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xticks(minor, minor=True)
    axes.set_xlim(-prefit - 0.15, epochs * 1.1)
    axes.set_xlabel("epoch + 1")


def decades(passes: int) -> tuple[dict[int, str], list[int]]:
    """Named and unnamed ticks of a logarithmic axis over so many passes.

    >>> decades(12)
    ({0: 'init', 1: '1', 10: '10'}, [2, 3, 4, 5, 6, 7, 8, 9, 20, 30, 40, 50, 60, 70, 80, 90])
    """
    powers = [10**power for power in range(len(str(passes)))]
    named = {0: "init"} | {power: str(power) for power in powers}
    return named, [digit * power for power in powers for digit in range(2, 10)]


def marked(passes: np.ndarray, place: float) -> list[int]:
    """Indices at which a curve on an axis of `log_epochs` carries its markers, evenly over the axis.

    Args:
        passes: epoch + 1 of every point of the curve, increasing.
        place: a fraction below 1 that sets the markers of this curve apart from those of others.

    >>> marked(np.array([0, 1, 6, 11, 50, 100]), 0.5)
    [2, 3, 4, 5]
    """
    spots = passes.max(initial=1) ** ((np.arange(MARKS) + place) / MARKS)
    return [int(index) for index in np.unique(np.searchsorted(passes, spots))]


def named_once(axes: Axes) -> list[Any]:
    """Entries for the legend of curves that may come in several parts: one for each name."""
    handles, names = axes.get_legend_handles_labels()
    return list(dict(zip(names, handles, strict=True)).values())


def prefit_key(colour: str) -> Patch:
    """An entry for the legend of what shows a prefit part."""
    return Patch(color=colour, linewidth=0, label="prefit on shuffled labels")


def how_many(known: Mapping[str, Any]) -> str:
    """How many runs a mean is over, and what became of the others.

    >>> how_many({"repetitions": [0, 1, 2], "failed": [1], "bad_fits": [2]})
    '2 of 3 runs (1 failed), 1 bad fit'
    """
    total, failed, bad = (len(known[name] or []) for name in ("repetitions", "failed", "bad_fits"))
    runs = (
        f"{total - failed} of {total} runs ({failed} failed)" if failed else f"{total} run{'s' * (total > 1)}"
    )
    return runs + (f", {bad} bad fit{'s' * (bad > 1)}" if bad else "")


def write_note(figure: Figure, note: str) -> None:
    """What is to be known of all panels, above them."""
    figure.suptitle(note, fontsize=7.5, fontstyle="italic", color="0.3", parse_math=False)


def fix_layout(figure: Figure) -> None:
    """Lay the figure out for all files: each would lay it out anew, beginning with what the last one left."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.set_layout_engine("none")


def save(figure: Figure, outputs: Sequence[Path], dpi: int, description: Mapping[str, Any]) -> None:
    """Write a figure into PDF and PNG files that say what they show, without the time of their making.

    Raises:
        UserError: an output is neither .pdf nor .png, or cannot be written.
    """
    fix_layout(figure)
    for path in map(Path, outputs):
        if path.suffix not in SUBJECT:
            raise UserError(f"{path}: a figure is written as .pdf or .png; rename the output")
        metadata: dict[str, str | None] = {SUBJECT[path.suffix]: canonical(description)}
        if path.suffix == ".pdf":
            metadata["CreationDate"] = None
        with written_aside(path) as aside:
            figure.savefig(aside, format=path.suffix[1:], dpi=dpi, metadata=metadata)
