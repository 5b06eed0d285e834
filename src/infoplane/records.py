"""What a training records: its parts, the epochs at which it records, and the arrays that it fills."""

from typing import NamedTuple

import numpy as np

from infoplane.config import TrainingSpec

__all__ = ["Records", "recorded_epochs", "training_parts"]


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
