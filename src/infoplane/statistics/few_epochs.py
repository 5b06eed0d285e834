"""Compression of runs that are looked at in a few epochs, evenly spaced on a logarithmic axis."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from infoplane.statistics.phases import COMPRESSION_MARGIN
from infoplane.statistics.prevalence import interval

__all__ = ["compressions", "prevalences"]


def compressions(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Compression of every run and layer: the highest H(T) before the last epoch less that at the last.

    Epochs that lie so far apart make no blocks of neighbours: the highest value is that of a single epoch,
    and the last epoch stands for the tail.

    Args:
        table: columns repetition, layer, epoch, h_t (bits) and those of `by`, of one part.
        by: what is kept apart beside runs and layers: `bits` of a table of resolution, `sample` and
            `estimator` of one of reliability.

    Returns:
        A row for each repetition, layer and combination of `by`, in the order of the table: peak and
        compression (bits), and compresses (compression > 0.1 bit); NA where a repetition failed.

    >>> table = pd.DataFrame({"repetition": 0, "layer": 1, "epoch": [-1, 0, 8, 99], "bits": "4",
    ...                       "h_t": [3.0, 2.5, 3.5, 1.0]})
    >>> compressions(table, ["bits"]).to_dict("records")
    [{'repetition': 0, 'layer': 1, 'bits': '4', 'peak': 3.5, 'compression': 2.5, 'compresses': True}]
    """
    keys = ["repetition", "layer", *by]
    last = table["epoch"] == table["epoch"].max()
    curves = table.assign(failed=table["h_t"].isna()).groupby(keys, sort=False)
    peak = table[~last].groupby(keys, sort=False)["h_t"].max()
    end = table[last].groupby(keys, sort=False)["h_t"].max()
    measured = pd.DataFrame({"peak": peak, "compression": peak - end}).mask(curves["failed"].any(), np.nan)
    compresses = (measured["compression"] > COMPRESSION_MARGIN).astype("boolean")
    return measured.assign(compresses=compresses.mask(measured["compression"].isna())).reset_index()


def prevalences(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Number of runs that compress, and their mean compression, in every layer.

    Args:
        table, by: as for `compressions`.

    Returns:
        A row for each layer and combination of `by`, in the order of the table: h_t_mean (bits, at the last
        epoch), k of the n runs that did not fail, prevalence, its interval lower and upper, mean and median
        of compression (bits).

    >>> table = pd.DataFrame({"repetition": [0, 0, 1, 1], "layer": 1, "epoch": [-1, 9] * 2, "bits": "4",
    ...                       "h_t": [3.0, 2.5, 3.5, 4.0]})
    >>> prevalences(table, ["bits"])[["layer", "bits", "h_t_mean", "k", "n", "mean"]].to_dict("records")
    [{'layer': 1, 'bits': '4', 'h_t_mean': 3.25, 'k': 1, 'n': 2, 'mean': 0.0}]
    """
    keys = ["layer", *by]
    last = table[table["epoch"] == table["epoch"].max()].groupby(keys, sort=False)["h_t"].mean()
    runs = compressions(table, by).dropna(subset="compression").groupby(keys, sort=False)
    counts = pd.DataFrame({"k": runs["compresses"].sum().astype(int), "n": runs.size()})
    ends = [interval(k, n)._asdict() for k, n in counts.itertuples(index=False)]
    return (
        counts.assign(prevalence=counts["k"] / counts["n"])
        .join(pd.DataFrame(ends, counts.index))
        .assign(mean=runs["compression"].mean(), median=runs["compression"].median())
        .join(last.rename("h_t_mean"))
        .reset_index()
    )
