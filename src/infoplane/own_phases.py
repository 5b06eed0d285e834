"""Phases of one's own tables of information, as the workflow measures those of a study."""

from typing import Any

import numpy as np
import pandas as pd

from infoplane.datasets import Dataset
from infoplane.entropy import entropy
from infoplane.errors import UserError, WrongValue
from infoplane.information.arrays import number_labels
from infoplane.refusals import refuse_other_types
from infoplane.results import refuse_other_columns
from infoplane.statistics.aggregates import INFORMATION, bad_fits, failures
from infoplane.statistics.blocks import LENGTH
from infoplane.statistics.phases import phases as measure_phases
from infoplane.statistics.tables import are_uneven, is_population, with_layer_names

__all__ = ["phases"]


def phases(table: pd.DataFrame, labels: Any, history: pd.DataFrame | None = None) -> pd.DataFrame:
    """Fitting and compression of every run and layer, as in `phases.parquet`, for `plot_phases`.

    Compression is the highest mean of I(X;T) over a block of epochs less its mean over the tail, the last
    5 % of the epochs; see `docs/method.md`.

    Args:
        table: information by one estimator, as from `estimate` or `Recorder.table`.
        labels: those of the N inputs that were counted, (N,), or their `Dataset`. Labels alone are taken for
            those of a sample of the inputs, in which H(T) near log₂ N says little.
        history: loss and accuracies of the same runs, as from `train`; bad fits are unknown without it.

    Returns:
        A row for each repetition and layer, with the columns that `infoplane.statistics.phases` names.

    Raises:
        UserError: the table is of another kind, of several estimators, or of more inputs than there are
            labels, or lacks snapshots; a column of table or history holds no numbers.
    """
    refuse_other_types("table", table, pd.DataFrame, "a table, as from estimate")
    own = table if "part" in table else table.assign(part="main")
    refuse_other_columns(own, ["repetition", "epoch", "layer", "i_xt", "i_ty", "distinct"])
    refuse_missing_snapshots(own)
    classes = number_labels(labels.labels if isinstance(labels, Dataset) else labels)
    if (most := own["distinct"].max()) > len(classes):
        raise WrongValue(
            f"labels: {len(classes)} are given, and the table tells {most:.0f} inputs apart; give those of "
            "all inputs that were counted"
        )
    failed = failures(own[["repetition", *(name for name in INFORMATION if name in own)]])
    bad = pd.Series(dtype="boolean")
    if history is not None:
        refuse_other_types("history", history, pd.DataFrame, "a table of loss and accuracies, as from train")
        if missing := {"repetition", "part", "epoch", "train_accuracy"} - {*history}:
            raise UserError(f"history: has no column {min(missing)}; give one as from train")
        refuse_other_columns(history, ["repetition", "epoch", "train_accuracy"], "the history")
        untrained = failures(history)
        failed, bad = sorted({*failed, *untrained}), bad_fits(history, untrained)
    runs = measure_phases(
        own,
        len(classes),
        entropy(np.bincount(classes)),
        failed,
        bad,
        not (isinstance(labels, Dataset) and is_population(labels.description)),
        1 if are_uneven(own["epoch"]) else LENGTH,
    )
    named = with_layer_names(runs, own)
    named.attrs["kind"] = "phases"
    return named


def refuse_missing_snapshots(table: pd.DataFrame) -> None:
    """Refuse a table from which no phases can be measured, since snapshots are missing or there twice."""
    main = table[table["part"] == "main"]
    snapshots = ["repetition", "layer", "epoch"]
    if main.duplicated(snapshots).any():
        raise UserError("the table has a layer of a run twice at one epoch; give that of one estimator")
    if not len(main) or len(main) < np.prod([main[name].nunique() for name in snapshots]):
        raise UserError(
            "the table lacks snapshots of some runs or layers; give all of them, as from estimate"
        )
