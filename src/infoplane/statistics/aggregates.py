"""Means over repetitions with their spread, with and without bad fits."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

__all__ = ["ACCURACIES", "INFORMATION", "aggregate", "bad_fits", "failures"]

INFORMATION = ["h_t", "i_xt", "i_ty", "distinct"]
ACCURACIES = ["loss", "train_accuracy", "test_accuracy"]
BAD_FIT_ACCURACY = 0.55
BAD_FIT_EPOCHS = 1000
CONFIDENCE = 0.95
QUANTILES = {"q10": 0.1, "q90": 0.9}


def failures(frame: pd.DataFrame) -> list[int]:
    """The repetitions with a NaN anywhere in their rows, in order.

    A failed repetition enters no mean, not even at the epochs before it failed, so that every point of a mean
    curve is a mean over the same repetitions.
    """
    return sorted(int(name) for name in frame.loc[frame.isna().any(axis=1), "repetition"].unique())


def bad_fits(history: pd.DataFrame, failed: Collection[int] = ()) -> pd.Series:
    """Whether the last training accuracy of each repetition that was recorded is below 0.55.

    Args:
        history: columns repetition, part, epoch, train_accuracy.
        failed: the repetitions whose training failed.

    Returns:
        A nullable boolean of each repetition: NA where it failed or no training accuracy was recorded, and
        everywhere if the main part is shorter than 1000 epochs.

    >>> history = pd.DataFrame({"repetition": [0, 1], "part": "main", "epoch": 999,
    ...                         "train_accuracy": [0.5, 0.9]})
    >>> bad_fits(history).tolist(), bad_fits(history, failed=[1]).tolist()
    ([True, False], [True, <NA>])
    >>> bad_fits(history.assign(epoch=998)).tolist()
    [<NA>, <NA>]
    """
    names = pd.Index(sorted(history["repetition"].unique()), name="repetition")
    main = history[history["part"] == "main"].sort_values("epoch")
    if "train_accuracy" not in history or main["epoch"].max() + 1 < BAD_FIT_EPOCHS:
        return pd.Series(pd.NA, names, "boolean", "bad_fit")
    last = main.groupby("repetition")["train_accuracy"].last().reindex(names)
    bad: pd.Series = (last < BAD_FIT_ACCURACY).astype("boolean").rename("bad_fit")
    return bad.mask(last.isna() | names.isin(list(failed)))


def aggregate(
    frame: pd.DataFrame,
    keys: Sequence[str],
    quantities: Sequence[str],
    failed: Collection[int],
    bad: pd.Series,
) -> pd.DataFrame:
    """Mean and spread of every quantity over the repetitions.

    The interval of the mean is that of Student's t at 95 %: mean ± t₀.₉₇₅,ₙ₋₁ · std / √n.

    Args:
        frame: one row for each repetition and combination of `keys`.
        keys: the columns that are not averaged over.
        quantities: the columns that are averaged.
        failed: the repetitions that are left out of everything.
        bad: whether a repetition is a bad fit, as from `bad_fits`.

    Returns:
        Columns `keys`, quantity, runs, mean, std (over n - 1), lower, upper, q10, q90 (quantiles over the
        repetitions), count. Rows with runs "all" take
        in every repetition that did not fail, rows with runs "good-fit" only the good fits among them; these
        are there where bad fits are defined. A single repetition has no std, lower and upper (NaN).
    """
    fine = frame[~frame["repetition"].isin(list(failed))].sort_values("repetition")
    good = bad.index[bad.eq(False)]
    selections = {"all": fine, "good-fit": fine[fine["repetition"].isin(good)]}
    columns = [*keys, "quantity", "runs", "mean", "std", "lower", "upper", *QUANTILES, "count"]
    tables = []
    for runs, rows in selections.items():
        groups = rows.groupby(list(keys))[list(quantities)]
        table = groups.agg(["mean", "std", "count"])
        for name, share in QUANTILES.items():
            table = table.join(pd.concat({name: groups.quantile(share)}, axis=1).swaplevel(axis=1))
        table = table.stack(0, future_stack=True).rename_axis([*keys, "quantity"]).reset_index()
        count = table["count"] = table["count"].astype("int32")
        half = student.ppf((1 + CONFIDENCE) / 2, count - 1) * table["std"] / np.sqrt(count)
        tables.append(
            table.assign(runs=runs, lower=table["mean"] - half, upper=table["mean"] + half)[columns]
        )
    return pd.concat(tables, ignore_index=True)
