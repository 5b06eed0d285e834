"""Activations of a layer of two neurons, by class, at some epochs of one repetition."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import write_table
from infoplane.datasets import Dataset
from infoplane.errors import UserError
from infoplane.information.merging import of_repetition
from infoplane.information.replay import replay
from infoplane.information.snapshots import description_of, load_trained
from infoplane.networks.inputs import network_labels
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
    labels = network_labels(trajectory.spec, dataset, trajectory.repetitions[0])
    tables = []
    for _, times, layers in replay(trajectory, dataset):
        pairs = [number for number, layer in enumerate(layers[:-1]) if layer.shape[1] == 2]
        if not pairs:
            raise UserError("no hidden layer of this network has two neurons; look at another network")
        layer = layers[pairs[-1]]
        for place, epoch in enumerate(trajectory.epochs[times]):
            first, second = layer.activations[place]
            rows = pd.DataFrame({"label": labels, "t_1": first, "t_2": second})
            counted = rows.groupby(["label", "t_1", "t_2"]).size().rename("count").reset_index()
            tables.append(counted.assign(epoch=np.int32(epoch), layer=np.int8(pairs[-1] + 1)))
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def run(
    dataset_path: Path,
    trajectory_path: Path,
    repetition: int,
    epochs: Sequence[int] | None,
    output_path: Path,
) -> None:
    """Write the activations of one repetition of a trajectory file."""
    trajectory, dataset = load_trained(dataset_path, trajectory_path)
    chosen = of_repetition(trajectory, repetition, epochs, EPOCHS)
    write_table(output_path, activations(chosen, dataset), description_of("activations", chosen))
