"""Mean curves of information over runs, from any of the tables that hold them."""

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd

from infoplane.errors import UserError, WrongValue
from infoplane.refusals import refuse_other_types, short_text
from infoplane.results import aggregate, refuse_other_columns

__all__ = ["curve", "epochs_of", "means_of", "prefit_of", "refuse_other_layers"]

# Columns of means that every plot takes
DRAWN = "epoch", "layer", "mean"
# By which there is one mean each
ONE_MEAN = "part", "quantity", "layer", "epoch"


def means_of(
    table: pd.DataFrame, estimator: str | None = None, layers: Collection[Any] | None = None
) -> pd.DataFrame:
    """Means over all runs that did not fail: of one estimator, of some layers.

    Args:
        table: single runs as from `estimate`, or means as from `aggregate` or in `aggregates.parquet`.
        estimator: which one, if the table has a column for them.
        layers: numbers from 1, or names where the table has a column for them.

    Raises:
        UserError: the table holds several estimators and none is named, or lacks what is asked for; it has no
            rows, or several for one mean, or text where numbers are expected.
    """
    refuse_other_types("table", table, pd.DataFrame, "a table, as from estimate or load_table")
    if table.empty:
        raise UserError("the table has no rows; give one as from estimate or load_table")
    if "estimator" in table:
        table = of_estimator(table, estimator)
    elif estimator is not None:
        raise WrongValue(
            f"estimator: the table does not say that it is of {short_text(estimator)}; leave it out"
        )
    refuse_other_columns(table, [name for name in ("epoch", "layer") if name in table])
    if layers is not None:
        table = of_layers(table, layers)
    if "quantity" in table:
        refuse_other_columns(table, DRAWN)
    means = table if "quantity" in table else aggregate(table)
    means = means[means["runs"] == "all"] if "runs" in means else means
    refuse_several_means(means)
    return means


def refuse_several_means(means: pd.DataFrame) -> None:
    """Refuse means of which several are of one layer at one epoch, as those of several experiments are."""
    twice = means[means.duplicated([name for name in ONE_MEAN if name in means])]
    for layer, epoch in zip(twice["layer"], twice["epoch"], strict=True):
        raise UserError(
            f"the table has several means of layer {layer} at epoch {epoch}; select those of one experiment"
        )


def of_estimator(table: pd.DataFrame, estimator: str | None) -> pd.DataFrame:
    names = [*table["estimator"].unique()]
    if estimator is None and len(names) == 1:
        estimator = names[0]
    if estimator not in names:
        found = "estimator not given" if estimator is None else f"no estimator {short_text(estimator)}"
        raise UserError(f"{found}; the table holds {', '.join(map(str, names))}")
    return table[table["estimator"] == estimator].drop(columns="estimator")


def of_layers(table: pd.DataFrame, layers: Collection[Any]) -> pd.DataFrame:
    refuse_other_types("layers", layers, (Collection, pd.Series), "numbers of layers from 1, or names")
    by = "layer_name" if "layer_name" in table and any(isinstance(each, str) for each in layers) else "layer"
    refuse_other_layers(layers, [*table[by].unique()])
    return table[table[by].isin([*layers])]


def refuse_other_layers(layers: Collection[Any], known: Sequence[Any]) -> None:
    """Refuse layers of which some are in no table, or none at all."""
    if not len(layers):
        raise WrongValue("layers: there are none; name some, or leave them out to show all")
    if missing := [each for each in layers if each not in known]:
        raise UserError(f"no layer {short_text(missing[0])}; the table holds {', '.join(map(str, known))}")


def curve(means: pd.DataFrame, quantity: str, value: str = "mean", part: str = "main") -> pd.DataFrame:
    """One value of one quantity in one part: a row for each epoch, a column for each layer."""
    chosen = means["quantity"] == quantity
    if "part" in means:
        chosen &= means["part"] == part
    return means[chosen].pivot(index="epoch", columns="layer", values=value)


def epochs_of(table: pd.DataFrame) -> int:
    """Number of epochs trained: that of the spec, or else the last one in the table + 1."""
    training = table.attrs.get("spec", {}).get("training", {})
    return int(training.get("epochs", max(table["epoch"].max(), 0) + 1))


def prefit_of(table: pd.DataFrame) -> int:
    """Number of epochs of the prefit part, 0 if there is none."""
    training = table.attrs.get("spec", {}).get("training", {})
    return int(training.get("prefit_epochs", 0))
