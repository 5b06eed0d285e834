"""One's own data: an npz file with inputs, labels and perhaps a train mask."""

import warnings
import zipfile
from pathlib import Path

import numpy as np

from infoplane.datasets.dataset import Dataset, stratified_split
from infoplane.datasets.file import DAMAGE
from infoplane.errors import UserError

__all__ = ["load_arrays"]

ARRAYS = ("inputs", "labels", "train_mask")
ADVICE = "save numpy arrays by numpy.savez(path, inputs=…, labels=…)"


def load_arrays(name: str, path: Path, scale: float = 1.0) -> Dataset:
    """Read a data set from the arrays `inputs` (N, …), `labels` (N,) and, if it has one, `train_mask` (N,).

    Whole numbers of 0 … 65535, and booleans, become the smallest unsigned integers that hold all of them,
    other numbers float32. Without a train mask, 80 % of the inputs are trained on, stratified by label.

    Raises:
        UserError: the file or one of its arrays cannot be used.
    """
    arrays = read_arrays(path)
    inputs = as_inputs(arrays["inputs"], path)
    labels = as_labels(arrays["labels"], len(inputs), path)
    mask = arrays.get("train_mask")
    train_mask = stratified_split(labels) if mask is None else as_train_mask(mask, len(inputs), path)
    refuse_scale(name, inputs, scale)
    return Dataset(name, inputs, labels, train_mask, scale)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz file by their names; pickles are not loaded."""
    arrays = {}
    array = "the file"
    try:
        # numpy warns of arrays that Python 2 wrote, and of headers that it goes on to refuse
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not zipfile.is_zipfile(file):
                raise UserError(f"{path}: no npz file, or not all of one; {ADVICE}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                for array in ARRAYS:
                    if archive.files.count(array) > 1:
                        raise UserError(f"{path}: {array} is there twice; remove one")
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


def as_inputs(inputs: np.ndarray, path: Path) -> np.ndarray:
    if inputs.dtype.kind not in "buif":
        raise UserError(f"{path}: inputs are {inputs.dtype}, not real numbers; convert them")
    if inputs.ndim < 2:
        raise UserError(
            f"{path}: inputs have the shape {inputs.shape}, expected (N, …); save one feature as (N, 1)"
        )
    if not inputs.size:
        raise UserError(f"{path}: inputs are empty, their shape is {inputs.shape}; save at least two inputs")
    if inputs.dtype.kind != "f" and inputs.min() >= 0 and inputs.max() <= 65535:
        return inputs.astype(np.uint8 if inputs.max() <= 255 else np.uint16, order="C")
    if not np.isfinite(inputs).all():
        raise UserError(f"{path}: inputs hold NaN or infinity; remove or replace them")
    with np.errstate(over="ignore"):
        floats = inputs.astype(np.float32, order="C")
    if not np.isfinite(floats).all():
        raise UserError(f"{path}: inputs exceed the range of float32, 3.4e38; rescale them")
    return floats


def refuse_scale(name: str, inputs: np.ndarray, scale: float) -> None:
    """Refuse a scale that takes inputs to where float32 has no numbers for them."""
    with np.errstate(over="ignore"):
        factor = np.float32(scale)
        highest = factor * np.float32(np.abs(inputs).max())
    if factor < np.finfo(np.float32).tiny or not np.isfinite(highest):
        raise UserError(
            f"datasets.{name}.scale: {scale} takes the inputs out of the range of float32, 1.2e-38 … 3.4e38; "
            "use another"
        )


def as_labels(labels: np.ndarray, expected: int, path: Path) -> np.ndarray:
    if labels.shape != (expected,):
        raise UserError(
            f"{path}: labels have the shape {labels.shape}, expected ({expected},), one for each input; "
            "save them so"
        )
    if labels.dtype.kind not in "bui":
        raise UserError(
            f"{path}: labels are {labels.dtype}, not integers; number the classes 0 … C−1 and save those"
        )
    classes = np.unique(labels)
    if not np.array_equal(classes, np.arange(len(classes))):
        raise UserError(
            f"{path}: labels take {len(classes)} values from {classes[0]} to {classes[-1]}, expected all of "
            "0 … C−1; renumber the classes without gaps"
        )
    if len(classes) < 2:
        raise UserError(f"{path}: labels are all 0; save at least two classes")
    return labels.astype(np.int64)


def as_train_mask(mask: np.ndarray, expected: int, path: Path) -> np.ndarray:
    if mask.dtype != np.bool_ or mask.shape != (expected,):
        raise UserError(
            f"{path}: train_mask is {mask.dtype} of the shape {mask.shape}, expected bool of ({expected},); "
            "save True for each input that is trained on"
        )
    if mask.all() or not mask.any():
        raise UserError(
            f"{path}: train_mask is {mask[0]} everywhere; save True for the training inputs, False for the "
            "test inputs, or leave it out to have the inputs split"
        )
    return mask
