"""Resolution: the information of activations that are quantized again, to more bits and to fewer."""

from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import write_table
from infoplane.config import EXACT, EstimatorSpec
from infoplane.datasets import Dataset
from infoplane.information.estimators import counted_inputs, estimator_of
from infoplane.information.replay import replay
from infoplane.information.snapshots import at_times, description_of, load_trained, spread, table_keys
from infoplane.networks.inputs import network_labels
from infoplane.trajectory import Trajectory

__all__ = ["READINGS", "resolution", "run"]

EPOCHS = 32
# What is counted at each resolution: the codes of a quantizer over the layer's own range, or T itself
READINGS = {str(bits): EstimatorSpec(kind="quantized", range="layer", bits=bits) for bits in range(1, 17)} | {
    "exact": EXACT
}


def resolution(trajectory: Trajectory, dataset: Dataset) -> pd.DataFrame:
    """H(T) and I(T;Y) of every layer, with activations quantized to 1 … 16 bits, and as they are.

    Looked at are about 32 epochs of the main part, evenly on a logarithmic axis, and epoch −1.

    Returns:
        A tidy table: repetition, part, epoch, layer (1-based), bits (`1` … `16`, and `exact` for T itself),
        h_t, i_ty (bits), distinct (the number of codes). Snapshots of a repetition that has become NaN hold
        NaN and 0.
    """
    trajectory = spread(at_times(trajectory, trajectory.parts == "main"), EPOCHS)
    methods = [estimator_of(spec, trajectory.spec.activation_bits) for spec in READINGS.values()]
    labels = [network_labels(trajectory.spec, dataset, number) for number in trajectory.repetitions]
    count, layers = len(dataset.labels), trajectory.ranges.shape[2]
    inputs = counted_inputs(np.arange(count), count, dataset.classes)
    result = np.full((*trajectory.finite.shape, layers, len(methods), 3), (np.nan, np.nan, 0))
    for repetition, times, outputs in replay(trajectory, dataset):
        for number, layer in enumerate(outputs):
            for column, method in enumerate(methods):
                h_t, _, i_ty, distinct = method.information(layer, (0, 0), labels[repetition], inputs)
                result[repetition, times, number, column] = np.stack([h_t, i_ty, distinct], axis=1)
    h_t, i_ty, distinct = result.reshape(-1, 3).T
    keys = table_keys(trajectory, layers, bits=list(READINGS))
    return keys.assign(h_t=h_t, i_ty=i_ty, distinct=distinct.astype(np.int32))


def run(dataset_path: Path, trajectory_path: Path, output_path: Path) -> None:
    """Measure the information of a trajectory file at every resolution."""
    trajectory, dataset = load_trained(dataset_path, trajectory_path)
    write_table(output_path, resolution(trajectory, dataset), description_of("resolution", trajectory))
