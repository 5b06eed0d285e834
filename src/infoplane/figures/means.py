"""The mean curves that figures show, as the statistics left them."""

from pathlib import Path
from typing import Any

import pandas as pd

from infoplane.artifacts import read_table

__all__ = ["Means", "curve", "read_means"]

Means = tuple[pd.DataFrame, dict[str, Any]]


def read_means(path: Path, kind: str) -> Means:
    """Aggregates of the main part over all runs that did not fail, and their description."""
    table, known = read_table(path, kind)
    return table[(table["part"] == "main") & (table["runs"] == "all")], known


def curve(means: pd.DataFrame, quantity: str, value: str = "mean") -> pd.DataFrame:
    """One value of one quantity: a row for each epoch, a column for each layer."""
    return means[means["quantity"] == quantity].pivot(index="epoch", columns="layer", values=value)
