"""Style of the study's figures, and files whose bytes depend on what they show alone."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.style
from matplotlib.figure import Figure

from infoplane.artifacts import written_aside
from infoplane.digests import canonical
from infoplane.errors import UserError

__all__ = ["WIDTH", "fix_layout", "save", "styled"]

# The width of a figure in inches, at most: pages of documentation show it without making it smaller
WIDTH = 7.2
STYLE: dict[str, Any] = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "figure.titlesize": 9.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8.5,
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
    "axes.edgecolor": "0.15",
    "axes.labelcolor": "0.15",
    "text.color": "0.15",
    "xtick.color": "0.15",
    "ytick.color": "0.15",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "lines.linewidth": 1,
    "lines.solid_capstyle": "round",
    "pdf.fonttype": 42,
    "svg.hashsalt": "infoplane",
}
DESCRIPTION = {".pdf": "Subject", ".png": "Description", ".svg": "Description"}


@contextmanager
def styled() -> Iterator[None]:
    """The style of the study on top of Matplotlib's own defaults: settings of the user have no effect."""
    with mpl.style.context(["default", STYLE]):
        yield


def fix_layout(figure: Figure) -> None:
    """Lay the figure out for all files: each would lay it out anew, beginning with what the last one left."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.set_layout_engine("none")


def save(figure: Figure, outputs: Sequence[Path], dpi: int, description: Mapping[str, Any]) -> None:
    """Write a figure into PDF, PNG and SVG files that say what they show, without the time of their making.

    Raises:
        UserError: an output is of another format, or cannot be written.
    """
    fix_layout(figure)
    for path in map(Path, outputs):
        if path.suffix not in DESCRIPTION:
            raise UserError(f"{path}: a figure is written as .pdf, .png or .svg; rename the output")
        metadata: dict[str, str | None] = {DESCRIPTION[path.suffix]: canonical(description)}
        metadata |= {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(path.suffix, {})
        with written_aside(path) as aside:
            figure.savefig(aside, format=path.suffix[1:], dpi=dpi, metadata=metadata)
