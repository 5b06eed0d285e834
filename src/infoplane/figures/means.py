"""The mean curves that figures show, as the statistics left them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from infoplane.artifacts import read_table

__all__ = ["Means", "curve", "parts", "prefitted", "read_means"]

Means = tuple[pd.DataFrame, dict[str, Any]]


def read_means(path: Path, kind: str) -> Means:
    """Aggregates over all runs that did not fail, and their description."""
    table, known = read_table(path, kind)
    return table[table["runs"] == "all"], known


def parts(known: Mapping[str, Any]) -> dict[str, int]:
    """The parts of a training, and where on an axis of passes each begins: the main part at 0.

    >>> parts({"spec": {"training": {"prefit_epochs": 1000}}})
    {'main': 0, 'prefit': -1000}
    >>> parts({"spec": {"training": {}}})
    {'main': 0}
    """
    prefit = known["spec"]["training"].get("prefit_epochs", 0)
    return {"main": 0, "prefit": -prefit} if prefit else {"main": 0}


def prefitted(means: Iterable[Means]) -> bool:
    """Whether any of the trainings has a prefit part."""
    return any("prefit" in parts(known) for _, known in means)


def curve(means: pd.DataFrame, quantity: str, value: str = "mean", part: str = "main") -> pd.DataFrame:
    """One value of one quantity in one part: a row for each epoch, a column for each layer."""
    chosen = (means["quantity"] == quantity) & (means["part"] == part)
    return means[chosen].pivot(index="epoch", columns="layer", values=value)
