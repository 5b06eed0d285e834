"""Figures of the study, drawn from its statistics: a module for each kind, called as the kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures import (
    accuracy,
    curves,
    errors,
    explorer,
    film,
    forest,
    levels,
    margins,
    merging,
    plane,
    prevalence,
    readings,
    reliability,
    resolution,
    runs,
    saturation,
    scatter,
    settings,
    signs,
    tradeoff,
)
from infoplane.figures.tables import Tables

__all__ = ["KINDS", "MOVING", "Kind", "MovingKind"]


class Kind(Protocol):
    """A module that draws one kind of picture."""

    def draw(self, spec: FigureSpec, tables: Tables) -> Figure:
        """Draw a figure.

        Args:
            spec: what it shows.
            tables: what it is drawn from.
        """


class MovingKind(Protocol):
    """A module that writes one kind of figure that moves."""

    def write(
        self, spec: FigureSpec, tables: Tables, outputs: Sequence[Path], description: Mapping[str, Any]
    ) -> None:
        """Write a figure into files.

        Args:
            spec: what it shows.
            tables: what it is drawn from.
            outputs: paths, whose suffixes are formats of the kind.
            description: what the files say of themselves.
        """


# What a kind shows, reads and takes is in the table of the same name in infoplane.config.kinds
KINDS: dict[str, Kind] = {
    "accuracy": accuracy,
    "curves": curves,
    "errors": errors,
    "forest": forest,
    "levels": levels,
    "margins": margins,
    "merging": merging,
    "plane": plane,
    "prevalence": prevalence,
    "readings": readings,
    "reliability": reliability,
    "resolution": resolution,
    "runs": runs,
    "saturation": saturation,
    "scatter": scatter,
    "settings": settings,
    "signs": signs,
    "tradeoff": tradeoff,
}
MOVING: dict[str, MovingKind] = {
    "explorer": explorer,
    "film": film,
}
