"""Laws that tables of runs obey, whatever was trained."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.config.recorded import ACCURACIES
from infoplane.errors import UserError

__all__ = ["RUN_AGAIN", "accuracies_are_shares", "laws_of_information", "refuse_other_rows", "refuse_where"]

RUN_AGAIN = "move it away and run the workflow again"
ROW = ["repetition", "part", "epoch", "layer"]
TOLERANCE = 1e-12


def refuse_other_rows(
    path: Path,
    table: pd.DataFrame,
    repetitions: Sequence[int],
    parts: np.ndarray,
    epochs: np.ndarray,
    layers: Sequence[int] = (),
) -> None:
    """Refuse a table that lacks a row of a repetition, epoch and layer, or has another.

    Args:
        parts, epochs: (T,) of each repetition.
        layers: their numbers; none for a table that has no layers.
    """
    times, within = len(epochs), len(layers) or 1
    expected = {
        "repetition": np.repeat(repetitions, times * within),
        "part": np.tile(np.repeat(parts, within), len(repetitions)),
        "epoch": np.tile(np.repeat(epochs, within), len(repetitions)),
    }
    if layers:
        expected["layer"] = np.tile(layers, len(repetitions) * times)
    if not all(np.array_equal(table[name], values) for name, values in expected.items()):
        raise UserError(
            f"{path}: its rows are not all of its repetitions at all epochs, in their order; {RUN_AGAIN}"
        )


def refuse_where(
    path: Path, table: pd.DataFrame, wrong: np.ndarray, fact: str, remedy: str = RUN_AGAIN
) -> None:
    """Refuse a table if some row violates a fact."""
    if wrong.any():
        first = table[wrong].iloc[0]
        row = ", ".join(f"{name} {first[name]}" for name in ROW if name in table)
        raise UserError(f"{path}: not {fact} in {wrong.sum()} rows, the first at {row}; {remedy}")


def accuracies_are_shares(path: Path, table: pd.DataFrame, remedy: str = RUN_AGAIN) -> None:
    """Refuse a table if an accuracy that it has is not in [0, 1]."""
    for name in ACCURACIES:
        if name in table:
            values = table[name].to_numpy()
            refuse_where(path, table, (values < 0) | (values > 1), f"0 ≤ {name} ≤ 1", remedy)


def laws_of_information(
    path: Path, table: pd.DataFrame, inputs: int, h_y: float, capacities: np.ndarray, exact: bool
) -> None:
    """Refuse a table that violates a law of information at a snapshot that is not NaN.

    Args:
        table: as from `infoplane.estimate`, whole and in order.
        inputs: the number N of inputs that are counted.
        h_y: H(Y), bits.
        capacities: (layers,) bits that a layer's code has.
        exact: whether each layer's code is a function of the code of the layer before.
    """
    h_t, i_xt, i_ty, distinct = (table[name].to_numpy() for name in ("h_t", "i_xt", "i_ty", "distinct"))
    failed = np.isnan(h_t)
    alike = (np.isnan(i_ty) == failed) & ((distinct == 0) == failed)
    refuse_where(path, table, ~alike, "NaN and 0 codes together")
    capacity = np.tile(capacities, len(table) // len(capacities))
    for fact, wrong in {
        "I(X;T) = H(T)": (i_xt != h_t) & ~failed,
        "distinct codes ≤ N": distinct > inputs,
        "0 ≤ H(T)": h_t < -TOLERANCE,
        "H(T) ≤ log₂ N": h_t > np.log2(inputs) + TOLERANCE,
        "H(T) ≤ log₂ of the distinct codes": h_t > np.log2(np.maximum(distinct, 1)) + TOLERANCE,
        "H(T) ≤ bits · width": h_t > capacity + TOLERANCE,
        "0 ≤ I(T;Y)": i_ty < -TOLERANCE,
        "I(T;Y) ≤ H(T)": i_ty > h_t + TOLERANCE,
        "I(T;Y) ≤ H(Y)": i_ty > h_y + TOLERANCE,
    }.items():
        refuse_where(path, table, wrong, fact)
    if exact:
        for name, values in (("H(T)", h_t), ("I(T;Y)", i_ty)):
            rises = np.diff(values.reshape(-1, len(capacities)), axis=1, prepend=np.inf) > TOLERANCE
            refuse_where(path, table, rises.ravel(), f"{name} ≤ that of the layer before")
