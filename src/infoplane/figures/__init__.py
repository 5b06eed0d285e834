"""Figures of the study, drawn from its statistics: a module for each kind, called as the kind."""

from typing import Protocol

from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures import (
    accuracy,
    curves,
    errors,
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
    tradeoff,
)
from infoplane.figures.tables import Tables

__all__ = ["KINDS", "Kind"]


class Kind(Protocol):
    """A module that draws one kind of figure."""

    def draw(self, spec: FigureSpec, tables: Tables) -> Figure:
        """Draw a figure.

        Args:
            spec: what it shows.
            tables: what it is drawn from.
        """


# What a kind shows, reads and takes is in the table of the same name in infoplane.config.kinds
KINDS: dict[str, Kind] = {
    "accuracy": accuracy,
    "curves": curves,
    "errors": errors,
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
    "tradeoff": tradeoff,
}
