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
    failed = sorted({*failures(information), *failures(history)})
    bad = bad_fits(history)
    content = known | quality(failed, bad)
    means = aggregate(information, ["part", "epoch", "layer"], INFORMATION, failed, bad)
    write_table(aggregates_path, means, describe("aggregates", **content))
    dataset = known["dataset"]
    sample = any(dataset[name] != value for name, value in POPULATION.items())
    length = LENGTH if known["spec"]["estimator"].get("epochs") is None else 1
    runs = phases(information, dataset["inputs"], label_entropy(known), failed, bad, sample, length)
    write_table(phases_path, runs, describe("phases", **content))


def label_entropy(known: Mapping[str, Any]) -> float:
    """H(Y) in bits; NaN where each repetition has its own, that of a part of its shuffled labels."""
    spec = known["spec"]
    shuffled = spec["training"].get("labels") == "shuffled"
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
    refuse_mismatch(path, "the training spec", trained["spec"]["training"], known["spec"]["training"])
    refuse_mismatch(path, "the data set", trained["dataset"]["digest"], known["dataset"]["digest"])
    if unpaired := set(trained["repetitions"]) ^ set(known["repetitions"]):
        raise UserError(
            f"{path}: histories and information differ in repetitions {sorted(unpaired)}; "
            "give the chunks of the same repetitions"
        )
    return history


def summarise_accuracy(history_paths: Sequence[Path], dataset_path: Path, output_path: Path) -> None:
    """Write the aggregates of loss (nats) and accuracies of one experiment, over part and epoch.

    The description says what the accuracy of chance is: the share of the largest class of the data set.

    Raises:
        UserError: the chunks differ in their specs or data sets, or their repetitions overlap, or they are of
            another data set.
    """
    history, known = read_chunks(history_paths, "history")
    dataset = load_dataset(dataset_path)
    refuse_mismatch(
        Path(dataset_path), "the data set", dataset.description["digest"], known["dataset"]["digest"]
    )
    chance = float(np.bincount(dataset.labels).max() / len(dataset.labels))
    failed, bad = failures(history), bad_fits(history)
    means = aggregate(history, ["part", "epoch"], ACCURACIES, failed, bad)
    write_table(output_path, means, describe("accuracy", **known, **quality(failed, bad), chance=chance))


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
    refuse_mismatch(path, "the training spec", known["spec"]["training"], known_exact["spec"]["training"])
    for what, name in {"dataset": "the inputs", "repetitions": "the repetitions"}.items():
        refuse_mismatch(path, name, known[what], known_exact[what])
    differences = errors(binned, exact)
    failed = failures(differences)
    undefined = pd.Series(pd.NA, known["repetitions"], dtype="boolean")
    means = aggregate(differences, ["part", "epoch", "layer"], INFORMATION, failed, undefined)
    write_table(output_path, means, describe("errors", **known, **quality(failed, undefined)))


def quality(failed: Sequence[int], bad: pd.Series) -> dict[str, Any]:
    """Which repetitions failed and which fit badly, for the description and the log."""
    names = [int(name) for name in bad.index[bad.fillna(False)]] if bad.notna().any() else None
    counted = "undefined" if names is None else f"{len(names)} {names}"
    print(f"{len(bad)} repetitions; bad fits: {counted}; failed: {len(failed)} {list(failed)}")
    return {"failed": list(failed), "bad_fits": names}
