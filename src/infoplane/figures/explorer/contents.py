"""What an explorer shows: information and accuracy at some epochs, as numbers that take little room.

An array of numbers is written as {"from": least, "step": step, "codes": text}. The text is base64 of
unsigned integers of 16 bits, lowest byte first, in C order. A number is `from + step * code`, rounded by half
a step at most; code 65535 stands for a missing one. All arrays of one quantity in one view have the same
least number and the same step, so rounding keeps means, quantiles and runs in their order.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from infoplane.config import FigureSpec
from infoplane.figures.panels import how_many, labels_of
from infoplane.figures.tables import Tables
from infoplane.plotting.curves import parts_of
from infoplane.plotting.means import epochs_of, prefit_of
from infoplane.plotting.planes import names_in, spread_rows

__all__ = ["EPOCHS", "contents_of", "largest_step", "packed"]

# Epochs of each part of a training at most, evenly on a logarithmic scale
EPOCHS = 100
STEPS = [digit * 10.0**power for power in range(-4, 30) for digit in (1, 2, 5)]
MISSING = 2**16 - 1
VALUES = {"mean": "mean", "low": "q10", "high": "q90"}
ACCURACIES = ["train_accuracy", "test_accuracy"]


def contents_of(spec: FigureSpec, tables: Tables) -> dict[str, Any]:
    """All that the page shows.

    Returns:
        `views`: for each experiment and estimator their labels, and in `parts` what happened in the main part
        and in the prefit part. `experiments`: for each its data set, its bounds H(X) and H(Y) in bits, its
        runs that did not fail, and by part the epochs that it was trained for, and accuracies.
    """
    labels = labels_of(spec, tables["aggregates"])
    views: list[dict[str, Any]] = []
    for (experiment, estimator), means in tables["aggregates"].items():
        single = tables["information"][experiment, estimator]
        trained = fine_runs(tables["accuracy"][experiment])
        its_parts = {part: view(spec, means, single, part, trained) for part in parts_of(means)}
        views.append(
            {
                "experiment": experiment,
                "estimator": estimator,
                "label": labels.estimators[estimator].replace(r"\$", "$"),
                "parts": {part: its for part, its in its_parts.items() if its},
            }
        )
    data = {experiment: means.attrs["dataset"] for (experiment, _), means in tables["aggregates"].items()}
    experiments = {}
    for experiment, means in tables["accuracy"].items():
        history = tables["history"][experiment]
        passes = {
            part: sorted({each for its in views_of(views, experiment, part) for each in its["passes"]} - {0})
            for part in parts_of(means)
        }
        experiments[experiment] = {
            "label": labels.experiments[experiment].replace(r"\$", "$"),
            "runs": how_many(means),
            "repetitions": fine_runs(means),
            "dataset": data[experiment]["name"],
            "trained": {"main": epochs_of(means), "prefit": prefit_of(means)},
            "h_x": float(np.log2(data[experiment]["inputs"])),
            "h_y": data[experiment]["h_y"],
            "accuracy": {part: accuracies(means, history, part, its) for part, its in passes.items()},
        }
    return {"views": views, "experiments": experiments}


def views_of(views: list[dict[str, Any]], experiment: str, part: str) -> Iterator[dict[str, Any]]:
    """What the estimators of one experiment see in one part."""
    for each in views:
        if each["experiment"] == experiment and part in each["parts"]:
            yield each["parts"][part]


def fine_runs(table: pd.DataFrame) -> list[int]:
    """The repetitions that did not fail."""
    return [each for each in table.attrs["repetitions"] if each not in table.attrs["failed"]]


def view(
    spec: FigureSpec, means: pd.DataFrame, single: pd.DataFrame, part: str, trained: list[int]
) -> dict[str, Any] | None:
    """Information in one part, by one estimator; None if every run failed, or none was recorded there.

    Args:
        trained: the repetitions of which there are accuracies.

    Returns:
        `passes`: epochs trained. `layers`: their numbers. `names`: theirs, where layers have some. `entropy`:
        whether I(X;T) is H(T). `i_xt` and `i_ty`: `mean`, `low` and `high` (10 % and 90 % quantiles) over
        epochs and layers, and `runs` over trained runs, epochs and layers: NaN where the information failed.
    """
    runs = fine_runs(means)
    means = means[(means["part"] == part) & (means["runs"] == "all")]
    single = single[(single["part"] == part) & single["repetition"].isin(runs)]
    if spec.layers:
        means, single = (each[each["layer"].isin(spec.layers)] for each in (means, single))
    if means.empty or single.empty:
        return None
    recorded = np.unique(single["epoch"])
    epochs = recorded[spread_rows(recorded, EPOCHS)]
    means, single = (each[each["epoch"].isin(epochs)] for each in (means, single))
    layers = np.unique(single["layer"])
    rows = pd.MultiIndex.from_product([trained, epochs, layers], names=["repetition", "epoch", "layer"])
    of_trained = single.set_index(rows.names).reindex(rows)
    its: dict[str, Any] = {
        "passes": (epochs + 1).tolist(),
        "layers": layers.tolist(),
        "entropy": bool(np.array_equal(single["h_t"], single["i_xt"])),
    }
    if names := names_in(single):
        its["names"] = [names[layer] for layer in layers]
    for quantity in ("i_xt", "i_ty"):
        curves = means[means["quantity"] == quantity]
        of_quantity = {
            name: curves.pivot(index="epoch", columns="layer", values=column).to_numpy()
            for name, column in VALUES.items()
        }
        of_runs = of_trained[quantity].to_numpy().reshape(rows.levshape)
        its[quantity] = packed({**of_quantity, "runs": of_runs})
    return its


def accuracies(means: pd.DataFrame, history: pd.DataFrame, part: str, passes: list[int]) -> dict[str, Any]:
    """Accuracies in one part after so many epochs.

    Returns:
        `passes`, and of each accuracy `mean`, `low` and `high` over epochs, and `runs` over runs and epochs.
    """
    epochs = np.array(passes, int) - 1
    means = means[(means["part"] == part) & (means["runs"] == "all")]
    single = history[(history["part"] == part) & history["repetition"].isin(fine_runs(means))]
    its: dict[str, Any] = {"passes": passes}
    for quantity in ACCURACIES:
        rows = means[means["quantity"] == quantity].set_index("epoch").reindex(epochs)
        of_runs = single.pivot(index="repetition", columns="epoch", values=quantity).reindex(columns=epochs)
        of_quantity = {name: rows[column].to_numpy(float) for name, column in VALUES.items()}
        its[quantity] = packed({**of_quantity, "runs": of_runs.to_numpy(float)})
    return its


def packed(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Arrays of one quantity as integers of 16 bits, all from one number and by one step.

    The step is the smallest of 1, 2 or 5 times a power of ten that serves.

    >>> packed({"mean": np.array([0.25, np.nan]), "high": np.array([1.0])})["mean"]
    {'from': 0.25, 'step': 0.0001, 'codes': 'AAD//w=='}
    """
    known = np.concatenate([values[np.isfinite(values)] for values in arrays.values()])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    step = next(step for step in STEPS if (high - low) / step < MISSING - 1)
    start = float(f"{np.floor(low / step) * step:.10g}")
    return {
        name: {"from": start, "step": float(f"{step:.1g}"), "codes": codes_of(values, start, step)}
        for name, values in arrays.items()
    }


def codes_of(values: np.ndarray, start: float, step: float) -> str:
    """The codes of some numbers in base64."""
    codes = np.where(np.isfinite(values), np.rint((np.nan_to_num(values) - start) / step), MISSING)
    return b64encode(codes.astype("<u2").tobytes()).decode()


def largest_step(contents: Any) -> float:
    """The coarsest step of all arrays in a tree of dictionaries and lists."""
    if isinstance(contents, Mapping):
        own = float(contents.get("step", 0))
        return max([own, *map(largest_step, contents.values())])
    return max(map(largest_step, contents), default=0.0) if isinstance(contents, list) else 0.0
