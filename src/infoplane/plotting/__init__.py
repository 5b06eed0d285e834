"""Plots of information planes, curves and phases on matplotlib's axes."""

from infoplane.plotting.curves import plot_curves
from infoplane.plotting.phases import plot_phases
from infoplane.plotting.planes import plot_plane

__all__ = ["plot_curves", "plot_phases", "plot_plane"]
