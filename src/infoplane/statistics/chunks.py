"""Tables in chunks of repetitions, read as one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from infoplane.artifacts import MOVE_AWAY, read_table, refuse_mismatch
from infoplane.errors import UserError
from infoplane.provenance import described_spec

__all__ = ["read_chunks"]


def read_chunks(paths: Sequence[Path], kind: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Join the chunks of one experiment.

    Returns:
        Their rows, and what holds for all of them: spec, dataset, repetitions.

    Raises:
        UserError: the chunks differ in their specs or data sets, or share a repetition; one of them does not
            say of what it is, or has no numbers of repetitions.
    """
    frames = []
    whole: dict[str, Any] = {}
    for path in map(Path, paths):
        frame, chunk = read_table(path, kind)
        refuse_other_chunks(path, frame, chunk)
        spec = described_spec(chunk)  # of an earlier version it has all keys
        whole = whole or {"spec": spec, "dataset": chunk["dataset"], "repetitions": []}
        refuse_mismatch(path, "the spec", spec, whole["spec"])
        refuse_mismatch(path, "the data set", chunk["dataset"], whole["dataset"])
        if twice := set(chunk["repetitions"]) & set(whole["repetitions"]):
            raise UserError(
                f"{path}: repetitions {sorted(twice)} are in another chunk too; leave one of them out"
            )
        whole["repetitions"] += chunk["repetitions"]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True), whole | {"repetitions": sorted(whole["repetitions"])}


def refuse_other_chunks(path: Path, frame: pd.DataFrame, description: Mapping[str, Any]) -> None:
    """Refuse a table that does not say of which data set and repetitions it is, or whose rows do not."""
    dataset, repetitions = description.get("dataset"), description.get("repetitions")
    named = isinstance(dataset, dict) and {"name", "digest"} <= dataset.keys()
    if not named or not isinstance(repetitions, list) or not all(type(each) is int for each in repetitions):
        raise UserError(f"{path}: does not say of which data set and repetitions it is; {MOVE_AWAY}")
    if "repetition" not in frame or (len(frame) and not pd.api.types.is_numeric_dtype(frame["repetition"])):
        raise UserError(f"{path}: has no numbers in the column repetition; {MOVE_AWAY}")
