"""Tables of recorded runs: each by itself, and against the recordings that it was made from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from infoplane.config import EstimatorSpec
from infoplane.digests import file_digest
from infoplane.errors import UserError
from infoplane.recorded import history_of, information_of, read_runs
from infoplane.verify.facts import RUN_AGAIN, laws_of_information, refuse_other_rows

__all__ = ["check_recorded", "refuse_other_recordings"]


def check_recorded(path: Path, table: pd.DataFrame, known: dict[str, Any], layers: Sequence[int]) -> None:
    """Information of recorded runs obeys its laws, and is what their files hold.

    A layer of another model need not be a function of the layer before, nor has its code so many bits.
    """
    epochs = np.unique(table["epoch"])
    refuse_other_rows(path, table, known["repetitions"], np.full(len(epochs), "main"), epochs, layers)
    inputs, h_y = known["dataset"]["inputs"], known["dataset"]["h_y"]
    laws_of_information(path, table, inputs, h_y, np.full(len(layers), np.inf), False)
    refuse_other_recordings(path, table, known)


def refuse_other_recordings(path: Path, table: pd.DataFrame, known: dict[str, Any]) -> None:
    """Refuse a table that is not what its recordings hold, if these are still there."""
    files = [Path(each) for each in known["files"]]
    digests = [file_digest(each) for each in files if each.is_file()]
    if digests != known["spec"]["recorded"]["files"]:
        return
    runs = read_runs(files)
    estimator = known["spec"].get("estimator")
    found = information_of(runs, EstimatorSpec.model_validate(estimator)) if estimator else history_of(runs)
    if not table.equals(found):
        raise UserError(f"{path}: is not what {files[0]} and the others hold; {RUN_AGAIN}")
