"""Tables over all experiments, as CSV: tables of single ones below each other, and what compares them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from infoplane.artifacts import known_spec, read_table, write_csv
from infoplane.config import TrainingSpec
from infoplane.statistics.aggregates import failures
from infoplane.statistics.cells import DESCRIBED, describe, layer_cell
from infoplane.statistics.chunks import read_chunks
from infoplane.statistics.claims import PROTOCOLS
from infoplane.statistics.differences import differences
from infoplane.statistics.errors import violations
from infoplane.statistics.few_epochs import prevalences
from infoplane.statistics.margins import DEFAULT
from infoplane.statistics.milestones import at_milestones, reached
from infoplane.statistics.observations import Observation, observe
from infoplane.statistics.settings import Setting, setting_correlations
from infoplane.statistics.signs import signs
from infoplane.statistics.tallies import FITTED_BEFORE, ONE_TURN
from infoplane.statistics.verdicts import judge

__all__ = [
    "join_correlations",
    "join_differences",
    "join_errors",
    "join_fits",
    "join_information",
    "join_levels",
    "join_phases",
    "join_prevalence",
    "join_reliability",
    "join_resolution",
    "join_settings",
    "join_signs",
    "join_violations",
    "write_claims",
]

# What an effect of each phase has to exceed
PHASES = {
    "fitting": DEFAULT.fitting,
    "fitting_with_headroom": DEFAULT.fitting,
    "compression": DEFAULT.compression,
    "conditional": DEFAULT.compression,
    "order": FITTED_BEFORE,
    "zigzag": ONE_TURN,
}
Pairs = Mapping[tuple[str, str], Path]


def join_information(aggregates: Pairs, output_path: Path) -> None:
    """Write H(T), I(T;Y) (bits) and distinct codes of every layer at milestones and at the last epoch.

    Args:
        aggregates: the aggregates of every (experiment, estimator).
        output_path: receives experiment, estimator, epoch, layer, runs, count, and h_t, i_ty, distinct, each
            with _mean and _std.
    """
    tables = {names: read_table(path, "aggregates")[0] for names, path in aggregates.items()}
    write_joined(output_path, {names: at_milestones(table) for names, table in tables.items()})


def join_errors(errors: Pairs, output_path: Path) -> None:
    """Write the errors of estimators, as `join_information` writes what they estimate."""
    tables = {names: read_table(path, "errors")[0] for names, path in errors.items()}
    write_joined(
        output_path,
        {names: at_milestones(table).drop(columns="runs") for names, table in tables.items()},
    )


def join_levels(levels: Mapping[str, Sequence[Path]], output_path: Path) -> None:
    """Write how many levels of its grid every layer uses, where levels were last looked at up to a milestone.

    Args:
        levels: the chunks of levels in use of every experiment.
        output_path: receives experiment, epoch, layer, of (the size of the grid), count, levels_mean,
            levels_std, over the repetitions that did not become NaN.
    """
    write_joined(
        output_path,
        {(name,): levels_at_milestones(read_chunks(paths, "levels")[0]) for name, paths in levels.items()},
    )


def levels_at_milestones(levels: pd.DataFrame) -> pd.DataFrame:
    main = levels[(levels["part"] == "main") & ~levels["repetition"].isin(failures(levels))]
    main = main[main["epoch"].isin(reached(main["epoch"].to_numpy()))]
    counted = main.groupby(["epoch", "layer", "of"])["levels"].agg(["count", "mean", "std"])
    return counted.rename(columns={"mean": "levels_mean", "std": "levels_std"}).reset_index()


def join_reliability(reliability: Mapping[str, Sequence[Path]], output_path: Path) -> None:
    """Write in how many runs layers compress, counted on all inputs and on parts of them.

    Args:
        reliability: the chunks of reliability of every experiment.
        output_path: receives experiment, layer, sample (number of inputs), estimator (of the entropy), and
            the columns that `prevalences` names.
    """
    join_prevalences(reliability, "reliability", ["sample", "estimator"], output_path)


def join_resolution(resolution: Mapping[str, Sequence[Path]], output_path: Path) -> None:
    """Write in how many runs layers compress, by the number of bits to which activations are quantized.

    Args:
        resolution: the chunks of resolution of every experiment.
        output_path: receives experiment, layer, bits (`1` … `16`, `exact`), and the columns that
            `prevalences` names.
    """
    join_prevalences(resolution, "resolution", ["bits"], output_path)


def join_prevalences(
    tables: Mapping[str, Sequence[Path]], kind: str, by: Sequence[str], output_path: Path
) -> None:
    read = {name: read_chunks(paths, kind)[0] for name, paths in tables.items()}
    write_joined(
        output_path, {(name,): prevalences(its[its["part"] == "main"], by) for name, its in read.items()}
    )


def join_phases(phases: Pairs, output_path: Path) -> None:
    """Write the phases of every run, layer, experiment and estimator."""
    write_joined(output_path, {names: read_table(path, "phases")[0] for names, path in phases.items()})


def join_prevalence(phases: Pairs, output_path: Path) -> None:
    """Write in how many runs each phase is seen in every layer of every experiment, by every estimator.

    Args:
        phases: the phases of every (experiment, estimator).
        output_path: receives experiment, estimator, layer, phase, margin, and the columns that
            `infoplane.statistics.cells` names.
    """
    write_csv(
        output_path, pd.concat([prevalence(one) for one in observe(phases, subsets=True)], ignore_index=True)
    )


def prevalence(one: Observation) -> pd.DataFrame:
    cells = [layer_cell(one, "", phase, layer) for layer in one.layers for phase in PHASES]
    table = describe(cells)
    table["margin"] = table["phase"].map(PHASES)
    table["layer_name"] = table["layer"].map(one.names)
    layer = ["layer", "layer_name"] if one.names else ["layer"]
    return table[["experiment", "estimator", *layer, "phase", "margin", *DESCRIBED]]


def join_differences(phases: Pairs, output_path: Path) -> None:
    """Write how the runs of experiments that differ in one key differ, as from `differences`."""
    write_csv(output_path, differences(observe(phases)))


def join_correlations(correlations: Pairs, output_path: Path) -> None:
    """Write the correlations of every (experiment, estimator)."""
    write_joined(
        output_path, {names: read_table(path, "correlations")[0] for names, path in correlations.items()}
    )


def join_settings(tradeoffs: Pairs, output_path: Path) -> None:
    """Write whether compression goes with accuracy over seeds and over settings, as from `settings`.

    Args:
        tradeoffs: compression and accuracies of the runs of every (experiment, estimator).
    """
    settings = []
    for names, path in sorted(tradeoffs.items()):
        runs, known = read_table(path, "tradeoff")
        with known_spec(path, known):
            settings.append(Setting(*names, TrainingSpec.model_validate(known["spec"]["training"]), runs))
    write_csv(output_path, setting_correlations(settings))


def join_signs(phases: Pairs, output_path: Path) -> None:
    """Write how often estimators say of a run and layer what the exact value says, as from `signs`."""
    write_csv(output_path, signs(observe(phases)))


def join_fits(accuracy: Mapping[str, Path], output_path: Path) -> None:
    """Write how the repetitions of every experiment ended.

    Args:
        accuracy: the aggregates of the accuracy of every experiment.
        output_path: receives experiment, repetitions, bad_fits (their number, empty where undefined), failed
            (their number), train_accuracy, test_accuracy (means over all but the failed at the last epoch),
            chance (the share of the largest class).
    """
    write_joined(output_path, {(name,): endings(path) for name, path in accuracy.items()})


def endings(path: Path) -> pd.DataFrame:
    table, known = read_table(path, "accuracy")
    main = table[(table["part"] == "main") & (table["runs"] == "all")]
    last = main.sort_values("epoch").groupby("quantity")["mean"].last()
    bad = known["bad_fits"]
    return pd.DataFrame(
        {
            "repetitions": [len(known["repetitions"])],
            "bad_fits": pd.array([None if bad is None else len(bad)], dtype="Int64"),
            "failed": [len(known["failed"])],
            "train_accuracy": [last.get("train_accuracy")],
            "test_accuracy": [last.get("test_accuracy")],
            "chance": [known["chance"]],
        }
    )


def join_violations(information: Mapping[tuple[str, str], Sequence[Path]], output_path: Path) -> None:
    """Write how often the data-processing inequality fails, over all parts of a training.

    Args:
        information: the chunks of every (experiment, estimator).
        output_path: receives experiment, estimator, quantity, violations, compared, largest (bits), as from
            `violations`.
    """
    write_joined(
        output_path,
        {names: violations(read_chunks(paths, "information")[0]) for names, paths in information.items()},
    )


def write_claims(phases: Pairs, claims_path: Path, cells_path: Path, margins_path: Path) -> None:
    """Write the verdicts on the claims, the cells that they rest on, and the verdicts by other margins.

    Args:
        phases: the phases of every (experiment, estimator) that counts.
        claims_path, cells_path, margins_path: receive the tables that `infoplane.statistics.verdicts` names.
    """
    study = observe(phases)
    for one in study:
        if one.protocol not in PROTOCOLS:
            print(
                f"{one.name}: left out; nothing says by which protocol and activation function it was trained"
            )
    judgement = judge(study)
    verdicts = judgement.claims
    print(verdicts[["claim", "protocol", "reading", "verdict", "fragile"]].to_string(index=False))
    write_csv(cells_path, judgement.cells)
    write_csv(margins_path, judgement.margins)
    write_csv(claims_path, verdicts)


def write_joined(path: Path, tables: Mapping[tuple[str, ...], pd.DataFrame]) -> None:
    """Write tables below each other, each behind the names of its experiment and estimator."""
    names = ["experiment", "estimator"][: len(next(iter(tables)))]
    write_csv(path, pd.concat(tables, names=names).reset_index(names))
