"""Means over runs of tables that hold every run."""

from collections.abc import Sequence

import pandas as pd

from infoplane.statistics.aggregates import aggregate, failures

__all__ = ["average_runs"]


def average_runs(table: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """Means and quantiles over the runs that did not fail, and what the table says of itself.

    Args:
        table: a row for each repetition and combination of the other columns.
        quantities: the columns that are averaged.

    Returns:
        As from `infoplane.statistics.aggregates.aggregate`, over all columns but the repetition and the
        quantities; no rows where every run failed.
    """
    keys = [str(name) for name in table if name not in ("repetition", *quantities)]
    failed = failures(table)
    values = table.astype(dict.fromkeys(quantities, float))
    means = aggregate(values, keys, quantities, failed, pd.Series(dtype="boolean"))
    means = means[means["runs"] == "all"]
    means.attrs = {**table.attrs, "failed": failed}
    return means
