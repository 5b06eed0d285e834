"""Activations of a layer of two neurons, by class, at some epochs of one repetition."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import write_table
from infoplane.config.layers import column_of_layers
from infoplane.datasets import Dataset
from infoplane.errors import UserError
from infoplane.information.merging import of_repetition
from infoplane.information.replay import replay
from infoplane.information.snapshots import at_times, description_of, load_trained
from infoplane.networks.inputs import network_labels
from infoplane.networks.layers import network_of
from infoplane.trajectory import Trajectory

__all__ = ["activations", "run"]

# Those of the published figure, where they were recorded
EPOCHS = [200, 1000, 3000]
COLUMNS = ["epoch", "layer", "label", "count", "t_1", "t_2"]


def activations(trajectory: Trajectory, dataset: Dataset) -> pd.DataFrame:
    """Count the inputs of every distinct activation of the last hidden layer of two neurons, by class.

    Args:
        trajectory: that of one repetition.
        dataset: what it was trained on.

    Returns:
        A row for each epoch, class and distinct activation: epoch; layer, from 1; label; count, number of
        inputs; t_1 and t_2, the activations of the two neurons. Epochs at which the repetition has become NaN
        are left out.

    Raises:
        UserError: no hidden layer has two neurons.
    """
    number = layer_of_two(trajectory, dataset)
    (layer,) = column_of_layers([number], trajectory.ranges.shape[2])
    labels = network_labels(trajectory.spec, dataset, trajectory.repetitions[0])
    tables = []
    for _, times, layers in replay(trajectory, dataset):
        for snapshot, epoch in enumerate(trajectory.epochs[times]):
            first, second = layers[number - 1].activations[snapshot]
            rows = pd.DataFrame({"label": labels, "t_1": first, "t_2": second})
            counted = rows.groupby(["label", "t_1", "t_2"]).size().rename("count").reset_index()
            tables.append(counted.assign(epoch=np.int32(epoch), layer=layer))
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def layer_of_two(trajectory: Trajectory, dataset: Dataset) -> int:
    """Number of the last hidden layer of two neurons, from 1."""
    number = network_of(trajectory.spec, dataset.inputs.shape[1:], dataset.classes).layer_of_two
    if number is None:
        raise UserError("no hidden layer of this network has two neurons; look at another network")
    return number


def both_vary(trajectory: Trajectory, dataset: Dataset) -> bool:
    """Whether both neurons tell inputs apart at the last epoch of a trajectory of one repetition."""
    last = at_times(trajectory, np.arange(len(trajectory.epochs)) == len(trajectory.epochs) - 1)
    number = layer_of_two(trajectory, dataset)
    return any(
        np.ptp(layers[number - 1].activations[-1], axis=1).all() for _, _, layers in replay(last, dataset)
    )


def run(
    dataset_path: Path,
    trajectory_path: Path,
    repetition: int | None,
    epochs: Sequence[int] | None,
    output_path: Path,
) -> None:
    """Write the activations of one repetition of a trajectory file.

    Unless one is given, it is the first one both of whose neurons tell inputs apart at the end, or the first
    of all.
    """
    trajectory, dataset = load_trained(dataset_path, trajectory_path)
    numbers = trajectory.repetitions.tolist() if repetition is None else [repetition]
    candidates = [of_repetition(trajectory, number, epochs, EPOCHS) for number in numbers]
    varying = (one for one in candidates if both_vary(one, dataset))
    chosen = candidates[0] if repetition is not None else next(varying, candidates[0])
    write_table(output_path, activations(chosen, dataset), description_of("activations", chosen))
