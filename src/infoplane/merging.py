"""Which codes of the logits fall into one bin where the published code re-bins the softmax."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import write_table
from infoplane.binning import rebinned
from infoplane.config import Bits
from infoplane.datasets import Dataset
from infoplane.errors import UserError
from infoplane.quantization import Quantized
from infoplane.replay import Layers, replay
from infoplane.snapshots import at_times, description_of, load_trained
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
        max are the extremes over all classes and inputs, and b are the activation bits.

    Raises:
        UserError: the logits are not what is quantized.
    """
    bits = trajectory.spec.bits
    if not isinstance(bits, Bits) or trajectory.spec.protocol != "published":
        raise UserError(
            "only the logits of quantized networks of protocol published have codes; look at those"
        )
    # so few snapshots take less time than compiling does
    eager = replace(trajectory, spec=trajectory.spec.model_copy(update={"compile": False}))
    tables = {}
    for snapshots, layers in replay(eager, dataset):
        for place, epoch in enumerate(trajectory.epochs[snapshots]):
            tables[int(epoch)] = codes_and_bins(layers, place, 2**bits.activations)
    return pd.concat(tables, names=["epoch"]).reset_index("epoch").reset_index(drop=True)


def codes_and_bins(layers: Layers, place: int, levels: int) -> pd.DataFrame:
    """What `merging` returns of one snapshot."""
    output, softmax = layers.outputs[-1], layers.activations[-1]
    assert isinstance(output, Quantized)
    columns = {"code": layers.codes[-1], "softmax": softmax, "bin": rebinned(softmax, levels)}
    distinct, first, count = np.unique(
        columns["code"][place].numpy(), axis=1, return_index=True, return_counts=True
    )
    values = {
        f"{name}_{number}": of_class[place, number].numpy()[first]
        for name, of_class in columns.items()
        for number in range(len(distinct))
    }
    return pd.DataFrame({"scale": float(output.grid.scale[place]), "count": count} | values)


def of_repetition(trajectory: Trajectory, repetition: int, epochs: Sequence[int] | None) -> Trajectory:
    """The main part of one repetition at some recorded epochs.

    Args:
        trajectory: where it is among the repetitions.
        repetition: its number.
        epochs: if none are given, the last one and those of 0, 100, 1000 and 3000 that were recorded.

    Raises:
        UserError: there is no such repetition or epoch, or the repetition has become NaN.
    """
    main = trajectory.parts == "main"
    recorded = trajectory.epochs[main]
    wanted = [*np.intersect1d(EPOCHS, recorded), recorded[-1]] if epochs is None else epochs
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
    one = at_times(one, main & np.isin(trajectory.epochs, wanted))
    if not one.finite.all():
        raise UserError(f"repetition {repetition} has become NaN; take another")
    return one


def run(
    dataset_path: Path,
    trajectory_path: Path,
    repetition: int,
    epochs: Sequence[int] | None,
    output_path: Path | None,
) -> None:
    """Write the codes and bins of one repetition of a trajectory file, or print them if no path is given."""
    trajectory, dataset = load_trained(dataset_path, trajectory_path)
    chosen = of_repetition(trajectory, repetition, epochs)
    table = merging(chosen, dataset)
    if output_path is None:
        table.to_csv(sys.stdout, index=False, lineterminator="\n")
    else:
        write_table(output_path, table, description_of("merging", chosen))
