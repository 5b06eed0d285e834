"""The trajectory: parameters and ranges of every repetition at every recorded epoch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from infoplane.artifacts import (
    KEY,
    array_digest,
    canonical,
    describe,
    parse_description,
    unreadable,
    written_aside,
)
from infoplane.config import TrainingSpec

__all__ = [
    "Records",
    "Trajectory",
    "load_trajectory",
    "recorded_epochs",
    "save_trajectory",
    "training_parts",
]


def training_parts(spec: TrainingSpec) -> list[tuple[str, int]]:
    """The parts of a training, and their lengths in epochs: `prefit`, on shuffled labels, and `main`."""
    parts = [("prefit", spec.prefit_epochs), ("main", spec.epochs)]
    return [(part, length) for part, length in parts if length]


def recorded_epochs(spec: TrainingSpec) -> tuple[np.ndarray, np.ndarray]:
    """Part and epoch of every recorded state, each (T,).

    Each part has its own epochs: −1, the state before its first step, then every multiple of the interval.

    >>> parts, epochs = recorded_epochs(TrainingSpec(
    ...     dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8,
    ...     epochs=12, prefit_epochs=1, record_every=5))
    >>> parts.tolist()
    ['prefit', 'prefit', 'main', 'main', 'main', 'main']
    >>> epochs.tolist()
    [-1, 0, -1, 0, 5, 10]
    """
    interval = spec.record_every
    epochs = {
        part: np.arange(-interval, length, interval, dtype=np.int32).clip(-1)
        for part, length in training_parts(spec)
    }
    parts = [np.full(len(own), part) for part, own in epochs.items()]
    return np.concatenate(parts), np.concatenate(list(epochs.values()))


class Records(NamedTuple):
    """What a training writes of some repetitions.

    Attributes:
        parameters: (R, T, P) float32, at the recorded epochs.
        ranges: (R, T, layers, 2, 2) float32, at the recorded epochs.
        history: (R, epochs of all parts, 3) float64: loss (nats), train accuracy, test accuracy.
    """

    parameters: np.ndarray
    ranges: np.ndarray
    history: np.ndarray


@dataclass(frozen=True)
class Trajectory:
    """All that any estimator needs of the training of some repetitions.

    Attributes:
        spec: what was trained.
        dataset: the description of the data it was trained on.
        repetitions: (R,) their numbers.
        parts: (T,) `prefit` or `main`.
        epochs: (T,) the recorded epochs of each part; −1 is the state before its first step.
        parameters: (R, T, P) float32.
        ranges: (R, T, layers, 2, 2) float32, the ends of the moving ranges of kernels and outputs.
    """

    spec: TrainingSpec
    dataset: dict[str, Any]
    repetitions: np.ndarray
    parts: np.ndarray
    epochs: np.ndarray
    parameters: np.ndarray
    ranges: np.ndarray

    @property
    def finite(self) -> np.ndarray:
        """Which snapshots are free of NaN and infinity, (R, T)."""
        finite: np.ndarray = np.isfinite(self.parameters).all(2) & np.isfinite(self.ranges).all((2, 3, 4))
        return finite


ARRAYS = ("repetitions", "parameters", "ranges")


def save_trajectory(path: Path, trajectory: Trajectory) -> None:
    """Write a trajectory as safetensors, its description in the header."""
    arrays = {name: np.ascontiguousarray(getattr(trajectory, name)) for name in ARRAYS}
    description = describe(
        "trajectory",
        {"training": trajectory.spec.differences()},
        dataset=trajectory.dataset,
        digest=array_digest(*arrays.values()),
    )
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
        spec = TrainingSpec.model_validate(description["spec"]["training"])
        if array_digest(*arrays.values()) != description["digest"]:
            raise ValueError("other numbers than were written")
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise unreadable(path, "trajectory", error) from error
    parts, epochs = recorded_epochs(spec)
    return Trajectory(spec, description["dataset"], parts=parts, epochs=epochs, **arrays)
