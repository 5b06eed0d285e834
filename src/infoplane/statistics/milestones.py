"""Milestones: the epochs at which tables tell what curves are like."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["MILESTONES", "at_milestones", "reached"]

MILESTONES = (-1, 0, 20, 50, 100, 200, 300, 500, 1000, 2000, 3000, 5000)
QUANTITIES = ("h_t", "i_ty", "distinct")


def at_milestones(aggregates: pd.DataFrame) -> pd.DataFrame:
    """Means and standard deviations of the main part at the milestones that were recorded, and at the end.

    Args:
        aggregates: as from `aggregate`.

    Returns:
        Columns epoch, layer (and layer_name where there is one), runs, count, and h_t, i_ty (bits), distinct,
        each with _mean and _std.
    """
    keys = [name for name in ("epoch", "layer", "layer_name", "runs", "count") if name in aggregates]
    main = aggregates[(aggregates["part"] == "main") & aggregates["quantity"].isin(QUANTITIES)]
    main = main[main["epoch"].isin([*MILESTONES, main["epoch"].max()])]
    wide = main.pivot(index=keys, columns="quantity", values=["mean", "std"])
    wide.columns = wide.columns.map(lambda name: f"{name[1]}_{name[0]}")
    columns = [f"{quantity}_{measure}" for quantity in QUANTITIES for measure in ("mean", "std")]
    return wide.reindex(columns=columns).reset_index()


def reached(epochs: Sequence[int] | np.ndarray) -> list[int]:
    """Of some epochs, the last one up to each milestone, and the last one.

    >>> reached([-1, 0, 18, 22, 120])
    [-1, 0, 18, 22, 120]
    >>> reached([-1, 0, 3, 48])
    [-1, 0, 3, 48]
    """
    ascending = np.unique(epochs)
    positions = np.searchsorted(ascending, [*MILESTONES, ascending[-1]], side="right") - 1
    return [int(epoch) for epoch in np.unique(ascending[positions[positions >= 0]])]
