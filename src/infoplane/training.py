"""Training of repetitions, each a function of the spec and its own number alone."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from operator import index
from pathlib import Path
from typing import Any, Never, cast

import numpy as np
import pandas as pd
from tqdm import tqdm

from infoplane.artifacts import describe, refuse_mismatch, write_table
from infoplane.checkpoint import Checkpoint, refuse_other_files
from infoplane.code import VERSION
from infoplane.compilation import sources_digest
from infoplane.config import TrainingSpec
from infoplane.datasets import Dataset, load_dataset
from infoplane.datasets.dataset import with_train_fraction
from infoplane.datasets.images import IMAGES
from infoplane.devices import device_of, name_of, refuse_other_devices
from infoplane.errors import UserError
from infoplane.networks.layers import Network
from infoplane.progress import progress_bar
from infoplane.records import Records, recorded_epochs, training_parts
from infoplane.refusals import as_path, refuse_other_types, short_text
from infoplane.suitability import InputsMerged, refuse_unsuitable, report_inputs
from infoplane.trajectory import Trajectory, save_trajectory

__all__ = ["run", "train"]

Train = Callable[
    [TrainingSpec, Dataset, Sequence[int], Records, "tqdm[Never]", Checkpoint | None],
    None,
]


def train(
    spec: TrainingSpec,
    repetitions: int | Sequence[int],
    dataset: Dataset | None = None,
    device: str = "cpu",
    checkpoint: str | Path | None = None,
    *,
    progress: bool = True,
) -> tuple[Trajectory, pd.DataFrame]:
    """Train some repetitions of a spec.

    A repetition's numbers depend on the spec and on its own number, not on which others it is trained with.

    Args:
        repetitions: how many, or their numbers; each number seeds its own initialisation and shuffling.
        dataset: the data that the spec names; `synthetic` need not be given.
        device: `cpu`, or `cuda` for the engine `torch`.
        checkpoint: a file that keeps what has been done, every two minutes. A training that was cut
            off goes on from it, and comes to the same numbers. It is removed when the results are returned.
            It replaces the checkpoint of another training, and no other file. The engine `torch` keeps none.
        progress: whether a bar on standard error shows how far the training is.

    Returns:
        The trajectory, and the history: repetition, part, epoch, loss (nats), train_accuracy (over the
        epoch's minibatches) and test_accuracy (at the epoch's end).

    Raises:
        UserError: the network does not fit the data, the data are not those that the spec names, the engine
            does not fit the device, there is no GPU, there is not enough memory, or the checkpoint is a file
            of another kind.

    Warns:
        InputsMerged: fewer than 99 % of the inputs are distinct on the grid that a quantized network reads.
    """
    refuse_other_types("spec", spec, TrainingSpec, "a TrainingSpec")
    refuse_other_types("progress", progress, bool, "True or False")
    train_repetitions = engine_of(spec, device)
    repetitions = numbers_of(repetitions)
    dataset = dataset_named(spec.dataset) if dataset is None else dataset
    refuse_other_types("dataset", dataset, Dataset, "a Dataset, as from load_dataset")
    if checkpoint is not None:
        refuse_other_files(checkpoint := as_path(checkpoint, "checkpoint"))
    if dataset.name != spec.dataset:
        raise UserError(
            f"dataset: the spec names {spec.dataset!r}, and {dataset.name!r} is given; give the one that it "
            "names"
        )
    saved = None
    if checkpoint is not None and spec.engine != "torch":
        saved = Checkpoint(checkpoint, identity_of(spec, dataset, repetitions))
    results = train_records(train_repetitions, spec, repetitions, dataset, saved, progress)
    if saved:
        saved.remove()
    return results


def train_records(
    train_repetitions: Train,
    spec: TrainingSpec,
    repetitions: Sequence[int],
    dataset: Dataset,
    checkpoint: Checkpoint | None,
    progress: bool = True,
) -> tuple[Trajectory, pd.DataFrame]:
    """The trajectory and the history of `train`, whose checkpoint is left where it is."""
    network = refuse_unsuitable(spec, dataset)
    if (report := report_inputs(spec, dataset)) and report.is_warning:
        warnings.warn(report.text, InputsMerged, stacklevel=3)  # of the caller of `train`
    lengths = dict(training_parts(spec))
    snapshots = sum(1 + -(-length // spec.record_every) for length in lengths.values())
    records = room_for_records(len(repetitions), snapshots, sum(lengths.values()), network)
    parts, epochs = recorded_epochs(spec)
    total = len(repetitions) * sum(lengths.values())
    with progress_bar(total, "training", "epochs", progress) as bar:
        split = with_train_fraction(dataset, spec.train_fraction)
        train_repetitions(spec, split, repetitions, records, bar, checkpoint)
    trajectory = Trajectory(
        spec,
        dataset.description,
        np.array(repetitions, dtype=np.int32),
        parts,
        epochs,
        records.parameters,
        records.ranges,
    )
    return trajectory, history_table(repetitions, lengths, records.history)


def dataset_named(name: str) -> Dataset:
    """The data set of a name that needs no file.

    Raises:
        UserError: it needs one.
    """
    if name != "synthetic" and name not in IMAGES:
        raise UserError(
            f"dataset: the spec names {name!r}, which is not given; give dataset=load_dataset(path)"
        )
    return load_dataset(name)


def numbers_of(repetitions: int | Sequence[int]) -> list[int]:
    """The numbers of repetitions: 0 … n−1 of n, or those given."""
    count = isinstance(repetitions, int | np.integer) and not isinstance(repetitions, bool)
    numbers = range(cast(int, repetitions)) if count else cast(Sequence[int], repetitions)
    try:
        found = [index(number) for number in numbers]
    except TypeError as error:
        raise UserError(
            f"repetitions: {short_text(repetitions)} are no numbers; give how many, or a list of them"
        ) from error
    if not found or len(set(found)) < len(found) or min(found) < 0 or max(found) >= 2**31:
        raise UserError(
            f"repetitions: {short_text(repetitions)} is refused; give how many, or different numbers of "
            "0 … 2³¹ − 1"
        )
    return found


def room_for_records(repetitions: int, snapshots: int, epochs: int, network: Network) -> Records:
    """Empty records of repetitions, which are filled as they are trained."""
    shape = repetitions, snapshots
    try:
        return Records(
            np.empty((*shape, network.size), dtype=np.float32),
            np.empty((*shape, len(network.layers), 2, 2), dtype=np.float32),
            np.empty((repetitions, epochs, 3)),
        )
    except (MemoryError, ValueError) as error:  # the latter where an array is larger than any can be
        size = repetitions * snapshots * network.size * 4 / 2**30
        raise UserError(
            f"{repetitions} repetitions of {network.size} parameters at {snapshots} epochs take {size:.0f} "
            "GiB of memory; train fewer at a time (chunk), record less often (record_every), or take fewer "
            "neurons"
        ) from error


def engine_of(spec: TrainingSpec, device: str) -> Train:
    """What trains repetitions into their records: the spec's engine, which is imported here.

    Raises:
        UserError: the engine does not run on the device.
    """
    refuse_other_devices(device)
    if spec.engine == "torch":
        from infoplane.networks.training import train_repetitions as train_in_torch

        return partial(train_in_torch, device=device_of(device))
    if device != "cpu":
        raise UserError(
            f"engine kernels: runs on a processor, not on {device}; write engine: torch, or device: cpu"
        )
    from infoplane.kernels.training import train_repetitions

    return train_repetitions


def identity_of(spec: TrainingSpec, dataset: Dataset, repetitions: Sequence[int]) -> dict[str, Any]:
    """What a checkpoint must be of for a training to go on from it: the same, by the same engine.

    The version stands for modules that kernels are not compiled from, such as those of initial weights.
    """
    return {
        "training": spec.differences(),
        "dataset": dataset.description,
        "repetitions": [*repetitions],
        "engine": VERSION,
        "kernels": sources_digest(),
    }


def history_table(repetitions: Sequence[int], lengths: dict[str, int], history: np.ndarray) -> pd.DataFrame:
    columns = history.reshape(-1, 3).T
    epochs = np.concatenate([np.arange(length, dtype=np.int32) for length in lengths.values()])
    return pd.DataFrame(
        {
            "repetition": np.repeat(np.array(repetitions, dtype=np.int32), len(epochs)),
            "part": np.tile(np.repeat(list(lengths), list(lengths.values())), len(repetitions)),
            "epoch": np.tile(epochs, len(repetitions)),
            "loss": columns[0],
            "train_accuracy": columns[1],
            "test_accuracy": columns[2],
        }
    )


def run(
    spec: TrainingSpec,
    dataset_path: Path,
    repetitions: range,
    trajectory_path: Path,
    history_path: Path,
    device: str = "cpu",
) -> None:
    """Train some repetitions from a data set file into a trajectory and a history file.

    The checkpoint is beside the trajectory. It is removed when both files are written.
    """
    dataset = load_dataset(dataset_path)
    refuse_mismatch(
        dataset_path, "data set", dataset.name, spec.dataset, "give the file of the one that the spec names"
    )
    path = trajectory_path.with_name(f".{trajectory_path.stem}.checkpoint")
    numbers = numbers_of(repetitions)
    checkpoint = Checkpoint(path, identity_of(spec, dataset, numbers))
    if report := report_inputs(spec, dataset):
        print("warning: " * report.is_warning + report.text, flush=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputsMerged)  # which has been printed
        trajectory, history = train_records(engine_of(spec, device), spec, numbers, dataset, checkpoint)
    description = describe(
        "history",
        {"training": spec.differences()},
        repetitions=numbers,
        dataset=dataset.description,
        device=name_of(device),
    )
    save_trajectory(trajectory_path, trajectory)
    write_table(history_path, history, description)
    checkpoint.remove()
