"""Tables of one experiment: chunks of its trainings and of its information in, its statistics out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from infoplane.artifacts import describe, read_table, refuse_mismatch, write_table
from infoplane.datasets import load_dataset
from infoplane.errors import UserError
from infoplane.statistics.aggregates import ACCURACIES, INFORMATION, aggregate, bad_fits, failures
from infoplane.statistics.blocks import LENGTH
from infoplane.statistics.chunks import read_chunks
from infoplane.statistics.errors import errors
from infoplane.statistics.phases import phases
from infoplane.statistics.tradeoff import correlations, tradeoff

__all__ = ["summarise_accuracy", "summarise_errors", "summarise_information", "summarise_tradeoff"]

# The data set that is a population: all patterns of 12 bits
POPULATION = {
    "inputs": 4096,
    "digest": "8f67ed153b67dcb5d2aa169f89ac7742aed5ff72276f143b0d7ee67f4220d0f8",
}


def summarise_information(
    information_paths: Sequence[Path], history_paths: Sequence[Path], aggregates_path: Path, phases_path: Path
) -> None:
    """Write the aggregates and the phases of one experiment seen by one estimator.

    Args:
        information_paths: chunks of the information stage; nothing else is read.
        history_paths: chunks of the training stage for the same repetitions.
        aggregates_path: receives h_t, i_xt, i_ty (bits) and distinct, over part, epoch and layer.
        phases_path: receives one row for each repetition and layer.

    Raises:
        UserError: the chunks differ in their specs or data sets, or their repetitions do not fit together.
    """
    information, known = read_chunks(information_paths, "information")
    history = history_of(history_paths, known)
    untrained = failed_trainings(history, known)
    failed = sorted({*failures(information), *untrained})
    bad = bad_fits(history, untrained).reindex(known["repetitions"])
    content = known | quality(failed, bad)
    means = aggregate(information, keys_of(information), INFORMATION, failed, bad)
    write_table(aggregates_path, means, describe("aggregates", **content))
    dataset = known["dataset"]
    sample = not is_population(dataset)
    length = 1 if lie_apart(information, known) else LENGTH
    runs = phases(information, dataset["inputs"], label_entropy(known), failed, bad, sample, length)
    write_table(phases_path, with_layer_names(runs, information), describe("phases", **content))


def with_layer_names(runs: pd.DataFrame, information: pd.DataFrame) -> pd.DataFrame:
    """A table of runs and layers with the names of the layers, where a table of information has them."""
    if "layer_name" not in information:
        return runs
    names = information.drop_duplicates("layer").set_index("layer")["layer_name"]
    columns = [*runs]
    columns.insert(columns.index("layer") + 1, "layer_name")
    return runs.assign(layer_name=runs["layer"].map(names))[columns]


def is_population(dataset: Mapping[str, Any]) -> bool:
    """Whether inputs, by the description of a data set, are all that there are and no sample."""
    return all(dataset.get(name) == value for name, value in POPULATION.items())


def keys_of(table: pd.DataFrame) -> list[str]:
    """What is not averaged over: part, epoch and layer, and the names of layers where runs were recorded."""
    return [key for key in ("part", "epoch", "layer", "layer_name") if key in table]


def failed_trainings(history: pd.DataFrame, known: Mapping[str, Any]) -> list[int]:
    """The repetitions whose history has a NaN; none of recorded ones, where nothing was given then."""
    return [] if "recorded" in known["spec"] else failures(history)


def lie_apart(information: pd.DataFrame, known: Mapping[str, Any]) -> bool:
    """Whether epochs lie so far apart that they make no blocks of neighbours.

    So do a few epochs of a training that an estimator looks at, and recorded ones that are not evenly spaced.
    """
    if "recorded" not in known["spec"]:
        return known["spec"]["estimator"].get("epochs") is not None
    return are_uneven(information["epoch"])


def are_uneven(epochs: pd.Series) -> bool:
    """Whether epochs, from 0 on, do not all have the same distance."""
    numbers = np.unique(epochs)
    return len({*np.diff(numbers[numbers >= 0]).tolist()}) > 1


def label_entropy(known: Mapping[str, Any]) -> float:
    """H(Y) in bits; NaN where each repetition has its own, that of a part of its shuffled labels."""
    spec = known["spec"]
    shuffled = spec.get("training", {}).get("labels") == "shuffled"
    part = spec["estimator"].get("subset", "all") != "all"
    return float("nan") if shuffled and part else float(known["dataset"]["h_y"])


def summarise_tradeoff(
    phases_path: Path, history_paths: Sequence[Path], tradeoff_path: Path, correlations_path: Path
) -> None:
    """Write compression and last accuracies of the runs of one experiment, and how they are correlated.

    Args:
        phases_path: the phases of the experiment seen by one estimator.
        history_paths: chunks of the training stage for the same repetitions.
        tradeoff_path: receives one row for each run and layer, as from `tradeoff`.
        correlations_path: receives two rows for each layer, as from `correlations`.

    Raises:
        UserError: the tables differ in their specs or data sets, or their repetitions do not fit together.
    """
    frame, known = read_table(phases_path, "phases")
    content = {name: value for name, value in known.items() if name != "kind"}
    runs = tradeoff(frame, history_of(history_paths, known))
    write_table(tradeoff_path, runs, describe("tradeoff", **content))
    write_table(correlations_path, correlations(runs), describe("correlations", **content))


def history_of(paths: Sequence[Path], known: Mapping[str, Any]) -> pd.DataFrame:
    """The histories of the repetitions that another table describes."""
    history, trained = read_chunks(paths, "history")
    path = Path(paths[0])
    refuse_mismatch(path, "the spec of the runs", runs_of(trained["spec"]), runs_of(known["spec"]))
    refuse_mismatch(path, "the data set", trained["dataset"]["digest"], known["dataset"]["digest"])
    if unpaired := set(trained["repetitions"]) ^ set(known["repetitions"]):
        raise UserError(
            f"{path}: histories and information differ in repetitions {sorted(unpaired)}; "
            "give the chunks of the same repetitions"
        )
    return history


def runs_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of the runs, without that of the estimator."""
    return {what: its for what, its in spec.items() if what != "estimator"}


def summarise_accuracy(history_paths: Sequence[Path], dataset_path: Path | None, output_path: Path) -> None:
    """Write the aggregates of loss (nats) and accuracies of one experiment, over part and epoch.

    The description says what the accuracy of chance is: the share of the largest class of the data set.

    Args:
        history_paths: chunks of the training stage.
        dataset_path: the data set; None of recorded runs, of which the recording tells chance.
        output_path: receives the table.

    Raises:
        UserError: the chunks differ in their specs or data sets, or their repetitions overlap, or they are of
            another data set, or none is given for trainings.
    """
    history, known = read_chunks(history_paths, "history")
    chance = known["dataset"]["chance"] if "recorded" in known["spec"] else chance_of(dataset_path, known)
    failed = failed_trainings(history, known)
    bad = bad_fits(history, failed)
    quantities = [name for name in ACCURACIES if name in history]
    means = aggregate(history, ["part", "epoch"], quantities, failed, bad)
    given = means[means["count"] > 0].reset_index(drop=True)  # at some epochs a recorded run may have none
    write_table(output_path, given, describe("accuracy", **known, **quality(failed, bad), chance=chance))


def chance_of(path: Path | None, known: Mapping[str, Any]) -> float:
    """The share of the largest class of a data set."""
    if path is None:
        raise UserError("accuracy: trainings need their data set; give --dataset")
    dataset = load_dataset(path)
    refuse_mismatch(path, "the data set", dataset.description["digest"], known["dataset"]["digest"])
    return float(np.bincount(dataset.labels).max() / len(dataset.labels))


def summarise_errors(exact_paths: Sequence[Path], binned_paths: Sequence[Path], output_path: Path) -> None:
    """Write the aggregates of an estimator's errors: its values less the exact ones, run by run.

    Args:
        exact_paths: chunks of the information stage, seen by an estimator of kind exact.
        binned_paths: those of the same repetitions, seen by the other estimator.
        output_path: receives h_t, i_xt, i_ty (bits) and distinct, over part, epoch and layer.

    Raises:
        UserError: the chunks are of other trainings, inputs or repetitions, or the exact ones are not.
    """
    exact, known_exact = read_chunks(exact_paths, "information")
    binned, known = read_chunks(binned_paths, "information")
    path = Path(binned_paths[0])
    refuse_mismatch(
        Path(exact_paths[0]), "the kind of estimator", known_exact["spec"]["estimator"]["kind"], "exact"
    )
    refuse_mismatch(path, "the spec of the runs", runs_of(known["spec"]), runs_of(known_exact["spec"]))
    for what, name in {"dataset": "the inputs", "repetitions": "the repetitions"}.items():
        refuse_mismatch(path, name, known[what], known_exact[what])
    differences = errors(binned, exact)
    failed = failures(differences)
    undefined = pd.Series(pd.NA, known["repetitions"], dtype="boolean")
    means = aggregate(differences, keys_of(differences), INFORMATION, failed, undefined)
    write_table(output_path, means, describe("errors", **known, **quality(failed, undefined)))


def quality(failed: Sequence[int], bad: pd.Series) -> dict[str, Any]:
    """Which repetitions failed and which fit badly, for the description and the log."""
    names = [int(name) for name in bad.index[bad.fillna(False)]] if bad.notna().any() else None
    counted = "undefined" if names is None else f"{len(names)} {names}"
    print(f"{len(bad)} repetitions; bad fits: {counted}; failed: {len(failed)} {list(failed)}")
    return {"failed": list(failed), "bad_fits": names}
