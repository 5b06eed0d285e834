"""Histories and trajectories: each by itself, against its data set, and against each other."""

from pathlib import Path
from typing import Any

import numpy as np

from infoplane.artifacts import read_table, refuse_mismatch
from infoplane.config import RecordedSpec, TrainingSpec, spec_of_runs
from infoplane.datasets import Dataset, load_dataset
from infoplane.layout import locate, path_of
from infoplane.networks.layers import network_of
from infoplane.records import training_parts
from infoplane.statistics.chunks import read_chunks
from infoplane.trajectory import load_trajectory
from infoplane.verify.chunks import chunks_in, named_repetitions, refuse_gaps
from infoplane.verify.facts import accuracies_are_shares, refuse_other_rows, refuse_where
from infoplane.verify.recordings import refuse_other_recordings

__all__ = ["check_experiment", "check_history", "check_trajectory", "dataset_of"]

RECORD_SHARES = "record accuracies between 0 and 1, and run the workflow again"


def dataset_of(path: Path, results: Path, described: dict[str, Any]) -> Dataset:
    """The data set that an artifact says it rests on."""
    dataset = load_dataset(results / path_of("dataset", dataset=described["name"]))
    refuse_mismatch(path, "the data set it rests on", described["digest"], dataset.description["digest"])
    return dataset


def check_history(path: Path) -> None:
    """A history has a row for each repetition and epoch, and what it says lies within bounds."""
    results, _ = locate(path, "history")
    table, known = read_table(path, "history")
    spec = spec_of_runs(known["spec"])
    refuse_mismatch(path, "the list of its repetitions", known["repetitions"], named_repetitions(path))
    if isinstance(spec, RecordedSpec):
        refuse_other_recordings(path, table, known)
        accuracies_are_shares(path, table, RECORD_SHARES)
        return
    dataset_of(path, results, known["dataset"])
    names, lengths = zip(*training_parts(spec), strict=True)
    epochs = np.concatenate([np.arange(length) for length in lengths])
    refuse_other_rows(path, table, known["repetitions"], np.repeat(names, lengths), epochs)
    accuracies_are_shares(path, table)
    refuse_where(path, table, table["loss"].to_numpy() < 0, "0 ≤ loss")


def check_trajectory(path: Path) -> None:
    """A trajectory is of the spec, data set and repetitions of its history, and fits its network."""
    results, names = locate(path, "trajectory")
    trajectory = load_trajectory(path)
    history = read_table(results / path_of("history", **names), "history")[1]
    spec = trajectory.spec.differences()
    trained = TrainingSpec.model_validate(history["spec"]["training"]).differences()
    refuse_mismatch(path, "its spec", spec, trained)
    refuse_mismatch(path, "its data set", trajectory.dataset, history["dataset"])
    refuse_mismatch(
        path, "the list of its repetitions", trajectory.repetitions.tolist(), named_repetitions(path)
    )
    dataset = dataset_of(path, results, trajectory.dataset)
    network = network_of(trajectory.spec, dataset.inputs.shape[1:], dataset.classes)
    snapshots = [len(trajectory.repetitions), len(trajectory.epochs)]
    shapes = {"parameters": [network.size], "ranges": [len(network.layers), 2, 2]}
    for name, shape in shapes.items():
        array = getattr(trajectory, name)
        expected = ["float32", *snapshots, *shape]
        refuse_mismatch(path, f"type and shape of its {name}", [array.dtype.name, *array.shape], expected)


def check_experiment(folder: Path) -> None:
    """The histories of an experiment are of one spec, and every repetition is in one chunk."""
    known = description_of_experiment(*locate(folder, "history"))
    refuse_gaps(folder, known["repetitions"], range(max(known["repetitions"]) + 1))


def description_of_experiment(results: Path, names: dict[str, str]) -> dict[str, Any]:
    """What the histories of an experiment say of themselves together."""
    return read_chunks(chunks_in(results, "history", names), "history")[1]
