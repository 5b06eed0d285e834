"""Tables on disk: chunks of one experiment in, its statistics out, and joins over the whole study."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from infoplane.artifacts import describe, read_table, refuse_mismatch, write_csv, write_table
from infoplane.config import EstimatorSpec, TrainingSpec
from infoplane.errors import UserError
from infoplane.statistics.aggregates import ACCURACIES, INFORMATION, aggregate, bad_fits, failures
from infoplane.statistics.cells import Observation
from infoplane.statistics.chunks import read_chunks
from infoplane.statistics.claims import CELLS, decide_claims, judge_claims
from infoplane.statistics.errors import errors, violations
from infoplane.statistics.phases import phases
from infoplane.statistics.tradeoff import correlations, tradeoff

__all__ = [
    "join_correlations",
    "join_fits",
    "join_information",
    "join_phases",
    "join_violations",
    "observe",
    "summarise_accuracy",
    "summarise_errors",
    "summarise_information",
    "summarise_tradeoff",
    "write_claims",
]

EPOCHS = [-1, 0, 100, 300, 1000, 3000]


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
    told = known | quality(failed, bad)
    means = aggregate(information, ["part", "epoch", "layer"], INFORMATION, failed, bad)
    write_table(aggregates_path, means, describe("aggregates", **told))
    runs = phases(information, known["dataset"]["inputs"], failed, bad)
    write_table(phases_path, runs, describe("phases", **told))


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
    told = {name: value for name, value in known.items() if name != "kind"}
    runs = tradeoff(frame, history_of(history_paths, known))
    write_table(tradeoff_path, runs, describe("tradeoff", **told))
    write_table(correlations_path, correlations(runs), describe("correlations", **told))


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


def summarise_accuracy(history_paths: Sequence[Path], output_path: Path) -> None:
    """Write the aggregates of loss (nats) and accuracies of one experiment, over part and epoch.

    Raises:
        UserError: the chunks differ in their specs or data sets, or their repetitions overlap.
    """
    history, known = read_chunks(history_paths, "history")
    failed, bad = failures(history), bad_fits(history)
    means = aggregate(history, ["part", "epoch"], ACCURACIES, failed, bad)
    write_table(output_path, means, describe("accuracy", **known, **quality(failed, bad)))


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


def join_information(aggregates: Mapping[tuple[str, str], Path], output_path: Path) -> None:
    """Write as CSV mean and std of H(T) and I(T;Y) (bits) of every layer at epochs that tell the story.

    These are -1, 0, 100, 300, 1000 and 3000, where they were recorded, and the last.

    Args:
        aggregates: the aggregates of every (experiment, estimator).
        output_path: receives experiment, estimator, epoch, layer, runs, count, h_t_mean, h_t_std, i_ty_mean,
            i_ty_std.
    """
    write_joined(output_path, {names: milestones(path) for names, path in aggregates.items()})


def join_phases(phases: Mapping[tuple[str, str], Path], output_path: Path) -> None:
    """Write as one CSV the phases of every (experiment, estimator)."""
    write_joined(output_path, {names: read_table(path, "phases")[0] for names, path in phases.items()})


def join_correlations(correlations: Mapping[tuple[str, str], Path], output_path: Path) -> None:
    """Write as one CSV the correlations of every (experiment, estimator)."""
    write_joined(
        output_path, {names: read_table(path, "correlations")[0] for names, path in correlations.items()}
    )


def join_fits(accuracy: Mapping[str, Path], output_path: Path) -> None:
    """Write as CSV how the repetitions of every experiment ended.

    Args:
        accuracy: the aggregates of the accuracy of every experiment.
        output_path: receives experiment, repetitions, bad_fits (their number, empty where undefined), failed
            (their number), train_accuracy, test_accuracy (means over all but the failed at the last epoch).
    """
    write_joined(output_path, {(name,): endings(path) for name, path in accuracy.items()})


def join_violations(information: Mapping[tuple[str, str], Sequence[Path]], output_path: Path) -> None:
    """Write as CSV how often the data-processing inequality fails, over all parts of a training.

    Args:
        information: the chunks of every (experiment, estimator).
        output_path: receives experiment, estimator, quantity, violations, compared, largest (bits), as from
            `violations`.
    """
    write_joined(
        output_path,
        {names: violations(read_chunks(paths, "information")[0]) for names, paths in information.items()},
    )


def write_claims(phases: Mapping[tuple[str, str], Path], claims_path: Path, cells_path: Path) -> None:
    """Write as CSV the verdicts on the claims, and the cells that they rest on.

    Args:
        phases: the phases of every (experiment, estimator) that counts.
        claims_path: receives what `judge_claims` returns.
        cells_path: receives what `decide_claims` returns, all in bits and epochs.
    """
    cells = decide_claims(observe(phases))
    claims = judge_claims(cells)
    print(claims[["claim", "protocol", "reading", "verdict"]].to_string(index=False))
    write_csv(cells_path, cells[CELLS])
    write_csv(claims_path, claims)


def observe(phases: Mapping[tuple[str, str], Path]) -> list[Observation]:
    """Read the phases of every (experiment, estimator); those of a subset of the inputs decide nothing.

    Raises:
        UserError: two files disagree on the spec of an experiment or on the content of a data set.
    """
    study, specs, digests = [], dict[str, Any](), dict[str, str]()
    for (experiment, estimator), path in sorted(phases.items()):
        frame, known = read_table(path, "phases")
        spec, dataset = known["spec"], known["dataset"]
        digest = digests.setdefault(dataset["name"], dataset["digest"])
        refuse_mismatch(path, "the data set", dataset["digest"], digest)
        training = specs.setdefault(experiment, spec["training"])
        refuse_mismatch(path, "the training spec", spec["training"], training)
        seen_by = EstimatorSpec.model_validate(spec["estimator"])
        if seen_by.subset == "all":
            trained = TrainingSpec.model_validate(training)
            study.append(Observation(experiment, estimator, trained, seen_by, frame))
    return study


def quality(failed: Sequence[int], bad: pd.Series) -> dict[str, Any]:
    """Which repetitions failed and which fit badly, for the description and the log."""
    names = [int(name) for name in bad.index[bad.fillna(False)]] if bad.notna().any() else None
    counted = "undefined" if names is None else f"{len(names)} {names}"
    print(f"{len(bad)} repetitions; bad fits: {counted}; failed: {len(failed)} {list(failed)}")
    return {"failed": list(failed), "bad_fits": names}


def milestones(path: Path) -> pd.DataFrame:
    table = read_table(path, "aggregates")[0]
    table = table[(table["part"] == "main") & table["quantity"].isin(["h_t", "i_ty"])]
    table = table[table["epoch"].isin([*EPOCHS, table["epoch"].max()])]
    wide = table.pivot(index=["epoch", "layer", "runs", "count"], columns="quantity", values=["mean", "std"])
    wide.columns = wide.columns.map(lambda name: f"{name[1]}_{name[0]}")
    return wide.reindex(columns=["h_t_mean", "h_t_std", "i_ty_mean", "i_ty_std"]).reset_index()


def endings(path: Path) -> pd.DataFrame:
    table, known = read_table(path, "accuracy")
    main = table[(table["part"] == "main") & (table["runs"] == "all")]
    last = main[main["epoch"] == main["epoch"].max()].set_index("quantity")["mean"]
    bad = known["bad_fits"]
    return pd.DataFrame(
        {
            "repetitions": [len(known["repetitions"])],
            "bad_fits": pd.array([None if bad is None else len(bad)], dtype="Int64"),
            "failed": [len(known["failed"])],
            "train_accuracy": [last.get("train_accuracy")],
            "test_accuracy": [last.get("test_accuracy")],
        }
    )


def write_joined(path: Path, tables: Mapping[tuple[str, ...], pd.DataFrame]) -> None:
    """Write tables below each other, each behind the names of its experiment and estimator."""
    names = ["experiment", "estimator"][: len(next(iter(tables)))]
    write_csv(path, pd.concat(tables, names=names).reset_index(names))
