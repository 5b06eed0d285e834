"""Means over runs of tables that hold every run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from infoplane.artifacts import digest
from infoplane.figures.means import Means
from infoplane.statistics.chunks import read_chunks

__all__ = ["QUANTITIES", "read_averages"]

QUANTITIES = {"reliability": ["h_t", "i_ty", "distinct"], "levels": ["levels"]}


def read_averages(paths: Sequence[Path], kind: str) -> Means:
    """Mean and standard deviation of every quantity over the runs that did not fail, and their description.

    All columns but the repetition and the quantities are kept apart. Where every run failed, means are NaN.
    """
    table, known = read_chunks(paths, kind)
    failed = sorted(table.loc[table.isna().any(axis=1), "repetition"].unique().tolist())
    keys = [name for name in table if name not in ("repetition", *QUANTITIES[kind])]
    values = table.sort_values("repetition", kind="stable").melt(
        ["repetition", *keys], QUANTITIES[kind], "quantity"
    )
    values["value"] = values["value"].astype(float).mask(values["repetition"].isin(failed), np.nan)
    means = values.groupby([*keys, "quantity"])["value"].agg(["mean", "std"]).reset_index()
    return means, known | {"spec_hash": digest(known["spec"]), "failed": failed, "bad_fits": None}
