"""Exact and binned information planes of quantized neural networks.

The public names are imported on first use, so that a part which needs no PyTorch doesn't wait for it.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infoplane.config import EstimatorSpec, TrainingSpec
    from infoplane.datasets import Dataset, load_dataset
    from infoplane.errors import UserError
    from infoplane.information import Information, binned_information, estimate, exact_information
    from infoplane.own_phases import phases
    from infoplane.plotting import plot_curves, plot_phases, plot_plane
    from infoplane.recording import Recorder, Recording, from_states
    from infoplane.results import StudyResults, aggregate, load_study, load_table
    from infoplane.training import train
    from infoplane.trajectory import Trajectory, load_trajectory

__all__ = [
    "Dataset",
    "EstimatorSpec",
    "Information",
    "Recorder",
    "Recording",
    "StudyResults",
    "TrainingSpec",
    "Trajectory",
    "UserError",
    "aggregate",
    "binned_information",
    "estimate",
    "exact_information",
    "from_states",
    "load_dataset",
    "load_study",
    "load_table",
    "load_trajectory",
    "phases",
    "plot_curves",
    "plot_phases",
    "plot_plane",
    "train",
]

HOMES = {
    "config": ("EstimatorSpec", "TrainingSpec"),
    "datasets": ("Dataset", "load_dataset"),
    "errors": ("UserError",),
    "information": ("Information", "binned_information", "estimate", "exact_information"),
    "own_phases": ("phases",),
    "plotting": ("plot_curves", "plot_phases", "plot_plane"),
    "recording": ("Recorder", "Recording", "from_states"),
    "results": ("StudyResults", "aggregate", "load_study", "load_table"),
    "training": ("train",),
    "trajectory": ("Trajectory", "load_trajectory"),
}
MODULE_OF = {name: module for module, names in HOMES.items() for name in names}


def __dir__() -> list[str]:
    return [*__all__]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("infoplane")
    if name not in MODULE_OF:
        raise AttributeError(f"module 'infoplane' has no attribute {name!r}")
    value = getattr(import_module(f"infoplane.{MODULE_OF[name]}"), name)
    globals()[name] = value  # over the submodule of the same name, which its import has put here
    return value
