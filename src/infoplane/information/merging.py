"""Which codes of the logits fall into one bin where the published code re-bins the softmax."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import write_table
from infoplane.config import Bits
from infoplane.datasets import Dataset
from infoplane.errors import UserError
from infoplane.information.binning import rebinned
from infoplane.information.layers import Layer
from infoplane.information.replay import replay
from infoplane.information.snapshots import at_times, description_of, load_trained
from infoplane.trajectory import Trajectory

__all__ = ["merging", "of_repetition", "run"]

EPOCHS = [0, 100, 1000, 3000]


def merging(trajectory: Trajectory, dataset: Dataset) -> pd.DataFrame:
    """Every code of the logits, and the bin of its softmax, at each epoch of one repetition.

    Args:
        trajectory: that of one repetition of a quantized network whose logits are what is quantized.
        dataset: what it was trained on.

    Returns:
        A row for each epoch and distinct code, in their order: epoch; scale, the step s of the grid of the
        logits; count, the number of inputs of the code; and for every class j code_j = q_j − max_j q_j,
        softmax_j, the output p_j of the network, and bin_j = round((p_j − min)·2ᵇ/(max − min)), where min and
        max are the extremes over all classes and inputs, and b are the activation bits. Epochs at which the
        repetition has become NaN are left out.

    Raises:
        UserError: the logits are not what is quantized.
    """
    bits = trajectory.spec.bits
    if not isinstance(bits, Bits) or trajectory.spec.protocol != "published":
        raise UserError(
            "only the logits of quantized networks of protocol published have codes; look at those"
        )
    tables = {}
    for _, times, layers in replay(trajectory, dataset):
        for snapshot, epoch in enumerate(trajectory.epochs[times]):
            tables[int(epoch)] = codes_and_bins(layers[-1], snapshot)
    if not tables:
        return pd.DataFrame(columns=["epoch", "scale", "count"])
    return pd.concat(tables, names=["epoch"]).reset_index("epoch").reset_index(drop=True)


def codes_and_bins(layer: Layer, snapshot: int) -> pd.DataFrame:
    """What `merging` returns of one snapshot of the output layer."""
    assert layer.codes is not None and layer.values is not None
    codes = layer.codes[snapshot].astype(np.int64)
    bins = rebinned(layer.values, *layer.extremes((1, 2)), layer.bits)
    columns = {
        "code": codes - codes.max(0),
        "softmax": layer.activations[snapshot],
        "bin": bins[snapshot].astype(np.int64),
    }
    distinct, first, count = np.unique(columns["code"], axis=1, return_index=True, return_counts=True)
    values = {
        f"{name}_{number}": of_class[number, first]
        for name, of_class in columns.items()
        for number in range(len(distinct))
    }
    return pd.DataFrame({"scale": layer.scale[snapshot], "count": count} | values)


def of_repetition(
    trajectory: Trajectory, repetition: int, epochs: Sequence[int] | None, usual: Sequence[int] = EPOCHS
) -> Trajectory:
    """The main part of one repetition at some recorded epochs.

    Args:
        trajectory: where it is among the repetitions.
        repetition: its number.
        epochs: which ones.
        usual: of these, those that were recorded, and the last one are taken if no `epochs` are given.

    Raises:
        UserError: there is no such repetition or epoch.
    """
    main = trajectory.parts == "main"
    recorded = trajectory.epochs[main]
    wanted = [*np.intersect1d(usual, recorded), recorded[-1]] if epochs is None else epochs
    if missing := sorted({*wanted} - {*recorded}):
        raise UserError(
            f"epoch {missing[0]} was not recorded; take some of {', '.join(map(str, recorded[:4]))}, … "
            f"{recorded[-1]}"
        )
    if repetition not in trajectory.repetitions:
        numbers = trajectory.repetitions
        raise UserError(
            f"repetition {repetition} is not in this trajectory; take {numbers.min()} … {numbers.max()}"
        )
    its = trajectory.repetitions == repetition
    one = replace(
        trajectory,
        repetitions=trajectory.repetitions[its],
        parameters=trajectory.parameters[its],
        ranges=trajectory.ranges[its],
    )
    return at_times(one, main & np.isin(trajectory.epochs, wanted))


def run(
    dataset_path: Path,
    trajectory_path: Path,
    repetition: int,
    epochs: Sequence[int] | None,
    output_path: Path | None,
) -> None:
    """Write the codes and bins of one repetition of a trajectory file, or print them if no path is given."""
    trajectory, dataset = load_trained(dataset_path, trajectory_path)
    chosen = of_repetition(trajectory, repetition, epochs, EPOCHS)
    table = merging(chosen, dataset)
    if output_path is None:
        if table.empty:
            raise UserError(f"repetition {repetition} has become NaN; take another")
        table.to_csv(sys.stdout, index=False, lineterminator="\n")
    else:
        write_table(output_path, table, description_of("merging", chosen))
