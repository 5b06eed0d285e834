"""The trajectory: parameters and ranges of every repetition at every recorded epoch."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from infoplane.artifacts import KEY, canonical, describe, parse_description, written_aside
from infoplane.config import TrainingSpec
from infoplane.errors import UserError

__all__ = ["PART", "Trajectory", "load_trajectory", "save_trajectory"]


# The part of a training that follows the true labels.
PART = "main"


@dataclass(frozen=True)
class Trajectory:
    """All that any estimator needs of the training of some repetitions.

    Attributes:
        spec: what was trained.
        dataset: the description of the data it was trained on.
        repetitions: (R,) their numbers.
        epochs: (T,) the recorded epochs; −1 is the state before the first step.
        parameters: (R, T, P) float32.
        ranges: (R, T, layers, 2) float32, the ends of the moving ranges.
    """

    spec: TrainingSpec
    dataset: dict[str, Any]
    repetitions: np.ndarray
    epochs: np.ndarray
    parameters: np.ndarray
    ranges: np.ndarray

    @property
    def finite(self) -> np.ndarray:
        """Which snapshots are free of NaN and infinity, (R, T)."""
        finite: np.ndarray = np.isfinite(self.parameters).all(2) & np.isfinite(self.ranges).all((2, 3))
        return finite

    def zeroed(self, snapshots: np.ndarray) -> "Trajectory":
        """This trajectory with zeros for the marked snapshots, (R, T)."""
        if not snapshots.any():
            return self
        return replace(
            self,
            parameters=np.where(snapshots[:, :, None], np.float32(0), self.parameters),
            ranges=np.where(snapshots[:, :, None, None], np.float32(0), self.ranges),
        )


ARRAYS = ("repetitions", "epochs", "parameters", "ranges")


def save_trajectory(path: Path, trajectory: Trajectory) -> None:
    """Write a trajectory as safetensors, its description in the header."""
    description = describe(
        "trajectory", {"training": trajectory.spec.model_dump(mode="json")}, dataset=trajectory.dataset
    )
    arrays = {name: np.ascontiguousarray(getattr(trajectory, name)) for name in ARRAYS}
    with written_aside(path) as aside:
        try:
            save_file(arrays, aside, metadata={KEY: canonical(description)})
        except SafetensorError as error:  # this is how it says that the disk is full
            raise OSError(str(error)) from error


def load_trajectory(path: Path) -> Trajectory:
    """Read a trajectory.

    Raises:
        UserError: the file is missing, truncated or of another kind.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="numpy") as file:
            description = parse_description((file.metadata() or {}).get(KEY), path, "trajectory")
            arrays = {name: file.get_tensor(name) for name in ARRAYS}
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; run the workflow again") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: truncated or damaged; delete it and run the workflow again") from error
    spec = TrainingSpec.model_validate(description["spec"]["training"])
    return Trajectory(spec, description["dataset"], **arrays)
