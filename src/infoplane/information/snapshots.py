"""Some snapshots of a trajectory, where not all of them are needed, and tables of what they show."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from infoplane.artifacts import describe, refuse_mismatch
from infoplane.config.layers import column_of_layers
from infoplane.datasets import Dataset, load_dataset
from infoplane.trajectory import Trajectory, load_trajectory

__all__ = ["at_times", "description_of", "load_trained", "spread", "spread_times", "table_keys"]


def load_trained(dataset_path: Path, trajectory_path: Path) -> tuple[Trajectory, Dataset]:
    """Read a trajectory and the data set that it was trained on.

    Raises:
        UserError: a file is missing or damaged, or they do not belong together.
    """
    dataset, trajectory = load_dataset(dataset_path), load_trajectory(trajectory_path)
    refuse_mismatch(
        trajectory_path,
        "the data set it was trained on",
        trajectory.dataset,
        dataset.description,
        f"give the file of that data set instead of {dataset_path}",
    )
    return trajectory, dataset


def at_times(trajectory: Trajectory, times: np.ndarray) -> Trajectory:
    """A trajectory at some of its times, (T,) booleans; itself, and no copy, at all of them."""
    if times.all():
        return trajectory
    return replace(
        trajectory,
        parts=trajectory.parts[times],
        epochs=trajectory.epochs[times],
        parameters=trajectory.parameters[:, times],
        ranges=trajectory.ranges[:, times],
    )


def spread(trajectory: Trajectory, count: int) -> Trajectory:
    """A trajectory at the `spread_times` of its recorded epochs."""
    return at_times(trajectory, spread_times(trajectory.parts, trajectory.epochs, count))


def spread_times(parts: np.ndarray, epochs: np.ndarray, count: int) -> np.ndarray:
    """Which states to look at, (T,) booleans: some of each part, evenly in log(epoch + 1), and epoch −1.

    These are the recorded epochs that are nearest to `count` points on that axis, the first and the last
    among them; two points may have the same.

    Args:
        parts, epochs: (T,) of the recorded states.
        count: the number of points.

    >>> epochs = np.arange(-1, 100)
    >>> epochs[spread_times(np.full(101, "main"), epochs, 5)]
    array([-1,  0,  2,  9, 31, 99])
    """
    chosen = epochs < 0
    for part in np.unique(parts):
        times = np.flatnonzero((parts == part) & (epochs >= 0))
        axis = np.log(epochs[times] + 1)
        chosen[times[np.abs(axis[:, None] - np.linspace(0, axis[-1], count)).argmin(0)]] = True
    return chosen


def table_keys(trajectory: Trajectory, layers: int, **further: Sequence[Any]) -> pd.DataFrame:
    """Columns repetition, part, epoch and layer (1-based), and further ones: a row for each combination."""
    axes: dict[str, Any] = {
        "repetition": trajectory.repetitions,
        "time": range(len(trajectory.epochs)),
        "layer": column_of_layers(range(1, layers + 1), layers),
        **further,
    }
    product = pd.MultiIndex.from_product(list(axes.values()), names=list(axes))
    keys: pd.DataFrame = product.to_frame(index=False)
    time = keys.pop("time").to_numpy()
    keys.insert(1, "part", trajectory.parts[time])
    keys.insert(2, "epoch", trajectory.epochs[time])
    return keys


def description_of(kind: str, trajectory: Trajectory) -> dict[str, Any]:
    """What a table of that kind, made from a trajectory alone, says of itself."""
    spec = {"training": trajectory.spec.differences()}
    repetitions = trajectory.repetitions.tolist()
    return describe(kind, spec, repetitions=repetitions, dataset=trajectory.dataset)
