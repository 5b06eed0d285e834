"""How many levels of their grids the layers of a quantized network use, and when."""

from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import write_table
from infoplane.config import Bits
from infoplane.datasets import Dataset
from infoplane.errors import UserError
from infoplane.information.layers import Layer
from infoplane.information.replay import replay
from infoplane.information.snapshots import description_of, load_trained, spread, table_keys
from infoplane.trajectory import Trajectory

__all__ = ["levels_in_use", "run"]

EPOCHS = 200


def levels_in_use(trajectory: Trajectory, dataset: Dataset) -> pd.DataFrame:
    """The number of levels that the neurons of each layer take on any of the inputs.

    A layer's neurons share one grid of 2ᵇ levels, b the activation bits. The last layer's is that of its
    logits, where these are what is quantized. Looked at are about 200 epochs of each part, evenly on a
    logarithmic axis, and epoch −1.

    Returns:
        A tidy table: repetition, part, epoch, layer (1-based), levels (missing in snapshots of a repetition
        that has become NaN), of (2ᵇ).

    Raises:
        UserError: the network is not quantized.
    """
    bits = trajectory.spec.bits
    if not isinstance(bits, Bits):
        raise UserError("a float32 network has no levels; look at a quantized one")
    trajectory = spread(trajectory, EPOCHS)
    levels = np.zeros((*trajectory.finite.shape, trajectory.ranges.shape[2]), dtype=np.int32)
    for repetition, times, layers in replay(trajectory, dataset):
        for number, layer in enumerate(layers):
            levels[repetition, times, number] = distinct_levels(layer)
    missing = np.broadcast_to(~trajectory.finite[..., None], levels.shape).ravel()
    keys = table_keys(trajectory, levels.shape[-1])
    return keys.assign(levels=pd.arrays.IntegerArray(levels.ravel(), missing), of=2**bits.activations)


def distinct_levels(layer: Layer) -> list[int]:
    """How many levels of its grid a layer takes, at each snapshot; a pool of inputs, of theirs."""
    return [len(np.unique(own)) for own in layer.outputs]


def run(dataset_path: Path, trajectory_path: Path, output_path: Path) -> None:
    """Count the levels that the networks of a trajectory file use."""
    trajectory, dataset = load_trained(dataset_path, trajectory_path)
    write_table(output_path, levels_in_use(trajectory, dataset), description_of("levels", trajectory))
