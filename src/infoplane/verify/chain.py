"""Trajectories and tables: each by itself, and against what it was made from."""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from infoplane import statistics
from infoplane.artifacts import read_csv, read_table, refuse_mismatch
from infoplane.config import EstimatorSpec, TrainingSpec
from infoplane.config.kinds import TABLES
from infoplane.datasets import Dataset, load_dataset
from infoplane.datasets.dataset import with_train_fraction
from infoplane.entropy import entropy
from infoplane.errors import UserError
from infoplane.information.estimate import estimate, layers_in, subset
from infoplane.information.estimators import estimator_of
from infoplane.information.replay import pools_of_inputs
from infoplane.information.snapshots import at_times, spread, spread_times
from infoplane.layout import JOINS, path_of
from infoplane.networks.layers import network_of
from infoplane.recognition import description_of
from infoplane.statistics import summarise_accuracy, summarise_information, write_claims
from infoplane.statistics.chunks import read_chunks
from infoplane.trajectory import Trajectory, load_trajectory, recorded_epochs, training_parts
from infoplane.verify.chunks import chunks_of, refuse_gaps, repetitions_of, tables_in
from infoplane.verify.facts import (
    RUN_AGAIN,
    accuracies_are_shares,
    laws_of_information,
    refuse_other_rows,
    refuse_where,
)

__all__ = [
    "check_accuracy",
    "check_claims",
    "check_estimates",
    "check_experiment",
    "check_history",
    "check_information",
    "check_joined",
    "check_statistics",
    "check_table",
    "check_trajectory",
]

# So many epochs of every repetition are replayed, from its first to its last.
REPLAYED = 3
ROW = ["repetition", "part", "epoch", "layer"]
# Sums over repetitions may be taken in another order by another version of a library.
LAST_DIGITS, SIX_DIGITS = 1e-9, 1e-5


def dataset_of(path: Path, results: Path, described: dict[str, Any]) -> Dataset:
    """The data set that an artifact says it rests on."""
    dataset = load_dataset(results / "datasets" / f"{described['name']}.npz")
    refuse_mismatch(path, "the data set it rests on", described["digest"], dataset.description["digest"])
    return dataset


def check_history(path: Path) -> None:
    table, known = read_table(path, "history")
    spec = TrainingSpec.model_validate(known["spec"]["training"])
    refuse_mismatch(path, "the list of its repetitions", known["repetitions"], repetitions_of(path))
    dataset_of(path, path.parents[2], known["dataset"])
    names, lengths = zip(*training_parts(spec), strict=True)
    epochs = np.concatenate([np.arange(length) for length in lengths])
    refuse_other_rows(path, table, known["repetitions"], np.repeat(names, lengths), epochs)
    accuracies_are_shares(path, table)


def check_table(path: Path) -> None:
    """A table of any kind is whole."""
    read_table(path, description_of(path).get("kind", "table"))


def check_trajectory(path: Path) -> None:
    trajectory = load_trajectory(path)
    history = read_table(path.with_suffix(".parquet"), "history")[1]
    spec = trajectory.spec.differences()
    trained = TrainingSpec.model_validate(history["spec"]["training"]).differences()
    refuse_mismatch(path, "its spec", spec, trained)
    refuse_mismatch(path, "its data set", trajectory.dataset, history["dataset"])
    refuse_mismatch(
        path, "the list of its repetitions", trajectory.repetitions.tolist(), repetitions_of(path)
    )
    dataset = dataset_of(path, path.parents[2], trajectory.dataset)
    network = network_of(trajectory.spec, dataset.inputs.shape[1:], dataset.classes)
    snapshots = [len(trajectory.repetitions), len(trajectory.epochs)]
    shapes = {"parameters": [network.size], "ranges": [len(network.layers), 2, 2]}
    for name, shape in shapes.items():
        array = getattr(trajectory, name)
        expected = ["float32", *snapshots, *shape]
        refuse_mismatch(path, f"type and shape of its {name}", [array.dtype.name, *array.shape], expected)


def check_information(path: Path) -> None:
    """By itself, against its data set, and against what some epochs of its trajectory are replayed to."""
    results, experiment = path.parents[3], path.parents[1].name
    table, known = read_table(path, "information")
    spec = TrainingSpec.model_validate(known["spec"]["training"])
    estimator = EstimatorSpec.model_validate(known["spec"]["estimator"])
    refuse_mismatch(path, "the list of its repetitions", known["repetitions"], repetitions_of(path))
    dataset = dataset_of(path, results, known["dataset"])
    counted = subset(with_train_fraction(dataset, spec.train_fraction), estimator.subset)
    inputs, h_y = len(counted), entropy(np.bincount(dataset.labels[counted]))
    refuse_mismatch(path, "the number of its inputs", known["dataset"]["inputs"], inputs)
    refuse_mismatch(path, "H(Y)", known["dataset"]["h_y"], h_y)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    number, pools = len(network.layers), len(pools_of_inputs(network))
    layers = layers_in(estimator, number)
    parts, epochs = recorded_epochs(spec)
    if estimator.epochs:
        times = spread_times(parts, epochs, estimator.epochs)
        parts, epochs = parts[times], epochs[times]
    refuse_other_rows(path, table, known["repetitions"], parts, epochs, layers)
    method = estimator_of(estimator, spec.activation_bits)
    capacities = np.log2(method.number) * np.array([layer.outputs for layer in network.layers])
    if method.is_of_grid:
        capacities[:pools] = np.inf  # inputs are on no grid of the network
    if spec.labels == "shuffled" and estimator.subset != "all":  # each repetition has an H(Y) of its own
        h_y = float(np.log2(dataset.classes))
    capacities = capacities[np.array(layers) - 1]
    laws_of_information(path, table, inputs, h_y, capacities, estimator.kind == "exact")

    if spec.activation_bits <= method.exact_up_to:
        exact = known["spec"]["estimator"] | {"kind": "exact"}
        for other in path.parents[1].glob(f"*/{path.name}"):
            values, its = read_table(other, "information")
            if its["spec"] == known["spec"] | {"estimator": exact}:
                hidden = table["layer"].between(pools + 1, number - 1).to_numpy()
                differs = ~same_rows(table, values) & hidden
                refuse_where(path, table, differs, "equal to exact in the hidden layers")
    trained = results / "training" / experiment / f"{path.stem}.safetensors"
    if trained.exists() and estimator.range != "global":  # which asks for all epochs
        trajectory = load_trajectory(trained)
        chosen = spread(trajectory, estimator.epochs) if estimator.epochs else trajectory
        with redirect_stderr(StringIO()):
            replayed = estimate(estimator.model_copy(update={"epochs": None}), some_epochs(chosen), dataset)
        found = replayed[ROW].merge(table, how="left", on=ROW)
        if not same_rows(found, replayed).all():
            raise UserError(
                f"{path}: is not what {trained} gives when it is replayed; "
                "move both away and run the workflow again"
            )


def same_rows(table: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """In which rows the values are equal to the last bit, or both NaN."""
    own, others = (each[["h_t", "i_xt", "i_ty", "distinct"]].to_numpy() for each in (table, other))
    equal: np.ndarray = ((own == others) | (np.isnan(own) & np.isnan(others))).all(1)
    return equal


def some_epochs(trajectory: Trajectory) -> Trajectory:
    places = np.arange(len(trajectory.epochs))
    return at_times(trajectory, np.isin(places, np.linspace(0, places[-1], REPLAYED).astype(int)))


def check_experiment(folder: Path) -> dict[str, Any]:
    """The histories of an experiment are of one spec, and every repetition is in one chunk."""
    whole = read_chunks(tables_in(folder), "history")[1]
    refuse_gaps(folder, whole["repetitions"], range(max(whole["repetitions"]) + 1))
    return whole


def check_estimates(folder: Path) -> None:
    """The tables of an experiment seen by an estimator are of one spec, and of all repetitions trained."""
    whole = read_chunks(tables_in(folder), "information")[1]
    trained = check_experiment(folder.parents[2] / "training" / folder.parent.name)
    refuse_mismatch(folder, "the training spec", whole["spec"]["training"], trained["spec"]["training"])
    refuse_gaps(folder, whole["repetitions"], trained["repetitions"])


def check_statistics(path: Path) -> None:
    """Phases, and the aggregates beside them, are what their tables of information and histories give."""
    results, experiment = path.parents[3], path.parents[1].name
    repetitions = read_table(path, "phases")[1]["repetitions"]
    information = chunks_of(results / "information" / experiment / path.parent.name, repetitions)
    histories = chunks_of(results / "training" / experiment, repetitions)
    with made_again(path.with_name("aggregates.parquet"), path) as [aggregates, phases]:
        summarise_information(information, histories, aggregates, phases)


def check_accuracy(path: Path) -> None:
    """Loss and accuracies of one experiment are what its histories give."""
    known = read_table(path, "accuracy")[1]
    repetitions = known["repetitions"]
    dataset = path.parents[2] / "datasets" / f"{known['dataset']['name']}.npz"
    histories = chunks_of(path.parents[2] / "training" / path.parent.name, repetitions)
    with made_again(path) as [again]:
        summarise_accuracy(histories, dataset, again)


def check_joined(path: Path) -> None:
    """A table over all experiments on a data set is what its own tables give."""
    results, table, kind = path.parents[2], read_csv(path), JOINS[path.stem].of
    join = getattr(statistics, f"join_{path.stem}")
    with made_again(path) as [again]:
        if TABLES[kind].of == "experiment":
            names = sorted({*table["experiment"]})
            join({name: results / path_of(kind, experiment=name) for name in names}, again)
        else:
            columns = ["experiment", "against"] if path.stem == "differences" else ["experiment"]
            pairs = {pair for name in columns for pair in zip(table[name], table["estimator"], strict=True)}
            join({pair: results / path_of(kind, **name_pair(*pair)) for pair in sorted(pairs)}, again)


def name_pair(experiment: str, estimator: str) -> dict[str, str]:
    return {"experiment": experiment, "estimator": estimator}


def check_claims(path: Path) -> None:
    """Verdicts, cells and margins are what the phases of the experiments that they name give."""
    folder = path.parent
    cells = read_csv(folder / "cells.csv")
    names = {*(cells["experiment"] + "/" + cells["estimator"]), *cells["against"]} - {""}
    pairs = [tuple(name.split("/")) for name in names]
    phases = {(one, by): folder / one / by / "phases.parquet" for one, by in pairs}
    with made_again(path, folder / "cells.csv", folder / "margins.csv") as again:
        write_claims(phases, *again)


@contextmanager
def made_again(*paths: Path) -> Iterator[list[Path]]:
    """Places for tables that are made once more; they are refused where they tell something else."""
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        again = [Path(folder, path.name) for path in paths]
        yield again
        for path, other in zip(paths, again, strict=True):
            if not tells_the_same(path, other):
                raise UserError(f"{path}: is not what the tables that it rests on give; {RUN_AGAIN}")


def tells_the_same(path: Path, other: Path) -> bool:
    """Whether two tables agree up to the last digits, and say the same of themselves but for versions."""
    if path.suffix == ".csv":
        return similar(read_csv(path), read_csv(other), SIX_DIGITS)
    (table, known), (again, told) = (read_table(each, path.stem) for each in (path, other))
    shared = told.keys() - {"versions", "machine", "code"}
    return similar(table, again, LAST_DIGITS) and all(known[name] == told[name] for name in shared)


def similar(table: pd.DataFrame, other: pd.DataFrame, relative: float) -> bool:
    with suppress(AssertionError):
        pd.testing.assert_frame_equal(table, other, rtol=relative, atol=1e-12)
        return True
    return False
