"""Figures of the study, drawn from its statistics."""

from infoplane.figures.drawing import draw

__all__ = ["draw"]
