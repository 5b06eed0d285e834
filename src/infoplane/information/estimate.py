"""Estimates of the information of every layer at every recorded epoch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import describe, write_table
from infoplane.config import EstimatorSpec, TrainingSpec
from infoplane.config.layers import column_of_layers, layers_in
from infoplane.config.validation import validated
from infoplane.datasets import Dataset
from infoplane.datasets.dataset import with_train_fraction
from infoplane.devices import name_of, refuse_other_devices
from infoplane.entropy import Information, entropy
from infoplane.information.estimators import FAILED, counted_inputs, estimator_of
from infoplane.information.layers import Layer
from infoplane.information.replay import replay
from infoplane.information.snapshots import at_times, load_trained, spread_times
from infoplane.networks.inputs import network_labels
from infoplane.progress import progress_bar
from infoplane.refusals import refuse_other_types
from infoplane.trajectory import Trajectory

__all__ = ["counted", "estimate", "run"]


def estimate(
    estimator: EstimatorSpec | str,
    trajectory: Trajectory,
    dataset: Dataset,
    device: str = "cpu",
    *,
    progress: bool = True,
) -> pd.DataFrame:
    """Estimate the information of every layer at every snapshot of a trajectory.

    The estimator's subset of the inputs is what is counted; ranges are those of the whole data set.

    Args:
        estimator: how T is made discrete: a spec, or the name of a kind that needs no more, such as `exact`.
        dataset: what the trajectory was trained on.
        device: `cpu`, or `cuda`, where PyTorch replays whatever was trained.
        progress: whether a bar on standard error shows how far the estimate is.

    Returns:
        A tidy table: repetition, part, epoch (−1: before the first step), layer (1-based), h_t, i_xt, i_ty
        (bits), distinct, of the epochs and layers that the estimator looks at. Snapshots of a repetition that
        has become NaN hold NaN and 0. So do layers whose activations are NaN or infinite, unless they are
        counted exactly or binned over a given range, and all of a repetition that leaves no snapshot to take
        the range `global` from.

    Raises:
        UserError: the estimator is unknown, the trajectory was trained on another data set, or there is no
            GPU, or no such layer.
    """
    if isinstance(estimator, str):
        estimator = validated(EstimatorSpec, {"kind": estimator}, "estimate")
    refuse_other_types("estimator", estimator, EstimatorSpec, "an EstimatorSpec, or the name of a kind")
    refuse_other_types("trajectory", trajectory, Trajectory, "a Trajectory, as from train or load_trajectory")
    refuse_other_types("dataset", dataset, Dataset, "a Dataset, as from load_dataset")
    refuse_other_types("progress", progress, bool, "True or False")
    refuse_other_devices(device)
    return estimate_together([estimator], trajectory, dataset, device, progress)[0]


def estimate_together(
    estimators: Sequence[EstimatorSpec],
    trajectory: Trajectory,
    dataset: Dataset,
    device: str = "cpu",
    progress: bool = True,
) -> list[pd.DataFrame]:
    """The tables of `estimate` by several estimators, which share a replay: it takes longer than counting."""
    ends = np.zeros((len(trajectory.repetitions), 2))
    if any(estimator.range == "global" for estimator in estimators):
        ends = global_ends(trajectory, dataset, device)
    measurements = [Measurement(estimator, trajectory, dataset, ends) for estimator in estimators]
    needed = np.any([each.times for each in measurements], axis=0)
    replayed = replay(at_times(trajectory, needed), dataset, device)
    with progress_bar(int(trajectory.finite[:, needed].sum()), "information", "snapshots", progress) as bar:
        for repetition, times, outputs in replayed:
            for each in measurements:
                each.measure(repetition, np.flatnonzero(needed)[times], outputs)
            bar.update(len(times))
    return [each.table() for each in measurements]


class Measurement:
    """What an estimator finds along a trajectory, some snapshots at a time.

    Args:
        ends: the lowest and the highest activation of each repetition, (R, 2).

    Attributes:
        times: the recorded states that the estimator looks at, (T,) booleans.
    """

    def __init__(
        self, estimator: EstimatorSpec, trajectory: Trajectory, dataset: Dataset, ends: np.ndarray
    ) -> None:
        spec = trajectory.spec
        self.trajectory = trajectory
        self.layers = layers_in(estimator, trajectory.ranges.shape[2])
        self.ends = ends if estimator.range == "global" else np.zeros_like(ends)
        self.times = np.ones(len(trajectory.epochs), bool)
        if estimator.epochs:
            self.times = spread_times(trajectory.parts, trajectory.epochs, estimator.epochs)
        self.method = estimator_of(estimator, spec.activation_bits)
        indices = counted(dataset, spec, estimator)
        self.labels = [network_labels(spec, dataset, number)[indices] for number in trajectory.repetitions]
        self.inputs = counted_inputs(indices, len(dataset.labels), dataset.classes)
        self.result = np.full((*trajectory.finite.shape, len(self.layers), len(FAILED)), FAILED)

    def measure(self, repetition: int, times: np.ndarray, outputs: Sequence[Layer]) -> None:
        """Measure what the layers of a repetition put out at some times, given by their indices (S,)."""
        looked_at = self.times[times]
        if not looked_at.any():
            return
        for column, number in enumerate(self.layers):
            layer = outputs[number - 1] if looked_at.all() else outputs[number - 1].at(looked_at)
            values = self.method.information(
                layer, tuple(self.ends[repetition]), self.labels[repetition], self.inputs
            )
            self.result[repetition, times[looked_at], column] = np.stack(values, axis=1)

    def table(self) -> pd.DataFrame:
        """The table of `estimate`."""
        self.result[np.isinf(self.ends).any(axis=1)] = FAILED
        return information_table(
            self.trajectory.repetitions,
            self.trajectory.parts[self.times],
            self.trajectory.epochs[self.times],
            column_of_layers(self.layers, self.trajectory.ranges.shape[2]),
            self.result[:, self.times],
        )


def counted(dataset: Dataset, spec: TrainingSpec, estimator: EstimatorSpec) -> np.ndarray:
    """Indices of the inputs that an estimator looks at: all, or those of the training or the test set."""
    trained = with_train_fraction(dataset, spec.train_fraction).train_mask
    masks = {"all": np.ones_like(trained), "train": trained, "test": ~trained}
    return np.flatnonzero(masks[estimator.subset])


def global_ends(trajectory: Trajectory, dataset: Dataset, device: str) -> np.ndarray:
    """Lowest and highest activation of each repetition, (R, 2).

    Taken over all layers and recorded epochs of the main part but the one before its first step; ∞ and −∞
    where none of them is finite. Snapshots with activations that are NaN or infinite are left out.
    """
    trained = (trajectory.parts == "main") & (trajectory.epochs >= 0)
    ends = np.tile([np.inf, -np.inf], (len(trajectory.repetitions), 1))
    for repetition, _, layers in replay(at_times(trajectory, trained), dataset, device):
        extremes = np.array([layer.extremes((1, 2)) for layer in layers])[..., 0, 0]
        finite = extremes[..., np.isfinite(extremes).all((0, 1))]
        if finite.size:
            ends[repetition] = min(ends[repetition, 0], finite.min()), max(ends[repetition, 1], finite.max())
    return ends


def information_table(
    repetitions: np.ndarray,
    parts: np.ndarray,
    epochs: np.ndarray,
    layers: np.ndarray,
    result: np.ndarray,
) -> pd.DataFrame:
    """The table of `estimate` from values (R, T, layers, 4) of R repetitions at T recorded states."""
    count, times, number, _ = result.shape
    return pd.DataFrame(
        {
            "repetition": np.repeat(repetitions, times * number),
            "part": np.tile(np.repeat(parts, number), count),
            "epoch": np.tile(np.repeat(epochs, number), count),
            "layer": np.tile(layers, count * times),
        }
        | dict(zip(Information._fields, result.reshape(-1, 4).T, strict=True))
    ).astype({"distinct": np.int32})


def run(
    estimators: Sequence[EstimatorSpec],
    dataset_path: Path,
    trajectory_path: Path,
    output_paths: Sequence[Path],
    device: str = "cpu",
) -> None:
    """Estimate the information of a trajectory file on the data set it was trained on.

    Args:
        output_paths: the tables to write, one for each estimator. The first, for which other jobs may wait,
            is written last.
    """
    trajectory, dataset = load_trained(dataset_path, trajectory_path)
    tables = estimate_together(estimators, trajectory, dataset, device)
    for estimator, table, path in reversed([*zip(estimators, tables, output_paths, strict=True)]):
        labels = dataset.labels[counted(dataset, trajectory.spec, estimator)]
        description = describe(
            "information",
            {
                "training": trajectory.spec.differences(),
                "estimator": estimator.differences(),
            },
            repetitions=trajectory.repetitions.tolist(),
            dataset=trajectory.dataset | {"inputs": len(labels), "h_y": entropy(np.bincount(labels))},
            layers=trajectory.ranges.shape[2],
            device=name_of(device),
        )
        write_table(path, table, description)
