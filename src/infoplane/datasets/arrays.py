"""Data sets of one's own: an npz file with inputs, labels and, optionally, a train mask."""

import warnings
import zipfile
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from infoplane.datasets.dataset import Dataset
from infoplane.errors import UserError
from infoplane.recognition import CHECKPOINT, DAMAGE, recognise

__all__ = ["load_arrays"]

ARRAYS = ("inputs", "labels", "train_mask")
ADVICE = "save numpy arrays by numpy.savez(path, inputs=…, labels=…)"


def load_arrays(name: str, path: Path, **keys: Any) -> Dataset:
    """Read a data set from the arrays `inputs` (N, …), `labels` (N,) and, if it has one, `train_mask` (N,).

    Args:
        name: of the data set.
        path: the npz file.
        keys: `scale`, `scaling` and `channels` of the `Dataset`.

    Raises:
        UserError: the file or one of its arrays cannot be used.
    """
    arrays: dict[str, Any] = read_arrays(path)
    try:
        return Dataset(name, **arrays, **keys)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz file by their names; pickles are not loaded."""
    arrays = {}
    array = "the file"
    try:
        # numpy warns of arrays that Python 2 wrote, and of headers that it goes on to refuse
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = recognise(path).words
            if not zipfile.is_zipfile(file) or found == CHECKPOINT:
                found = found or "no npz file, or not all of one"
                raise UserError(f"{path}: {found}, expected an npz file; {ADVICE}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                for name in {*archive.files} - {*ARRAYS}:
                    if nearest := get_close_matches(name, ARRAYS, n=1, cutoff=0.8):
                        raise UserError(f"{path}: has an array {name}; call it {nearest[0]}, or remove it")
                for array in ARRAYS:
                    if archive.files.count(array) > 1:
                        raise UserError(f"{path}: {array} occurs twice; remove one")
                    if array in archive:
                        arrays[array] = np.asarray(archive[array])
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; correct the path in the config, or put the file there") from error
    except (*DAMAGE, MemoryError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: {array} cannot be read ({why}); {ADVICE}") from error
    for array in ("inputs", "labels"):
        if array not in arrays:
            raise UserError(f"{path}: {array} missing; {ADVICE}")
    return arrays
