"""The file of a data set: written with its description, read only where the two agree."""

import lzma
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from infoplane.artifacts import canonical, describe, parse_description, written_aside
from infoplane.datasets.dataset import Dataset
from infoplane.datasets.images import IMAGES
from infoplane.datasets.synthetic import synthetic
from infoplane.errors import UserError

__all__ = ["DAMAGE", "load_dataset", "save_dataset"]

# What reading a damaged npz, or another file in its place, may raise.
DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def save_dataset(path: Path, dataset: Dataset, **made_by: Any) -> None:
    """Write a data set as npz (no pickles), with its description.

    Args:
        path: the file to write.
        dataset: what it will hold.
        made_by: what its spec says besides the name.
    """
    description = describe("dataset", {"name": dataset.name, **made_by}, dataset=dataset.description)
    with written_aside(path) as aside, open(aside, "wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            inputs=dataset.inputs,
            labels=dataset.labels,
            train_mask=dataset.train_mask,
            scale=np.float64(dataset.scale),
            description=np.array(canonical(description)),
        )


def load_dataset(name_or_path: str | Path) -> Dataset:
    """Make the data set `synthetic`, or read one from a file written by `save_dataset`.

    Raises:
        UserError: the name is unknown, or the file is missing, damaged or of another kind.

    >>> load_dataset("synthetic").inputs.shape
    (4096, 12)
    """
    if str(name_or_path) == "synthetic":
        return synthetic()
    path = Path(name_or_path)
    if str(name_or_path) in IMAGES:
        raise UserError(
            f"{path}: is read from its file; give the one that the workflow made, or make it by "
            f"infoplane datasets --output {path}.npz --spec "
            f"""'{{"name": "{path}", "kind": "{path}"}}'"""
        )
    if not path.exists():
        raise UserError(f"{path}: neither the data set synthetic nor a file; run the workflow again")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("inputs", "labels", "train_mask")}
            scale = float(file["scale"])
            description = parse_description(str(file["description"]), path, "dataset")
        dataset = Dataset(description["spec"]["name"], **arrays, scale=scale)
        expected = description["dataset"]
    except DAMAGE as error:
        raise UserError(f"{path}: truncated or damaged; delete it and run the workflow again") from error
    if dataset.description != expected:
        raise UserError(f"{path}: its contents do not match its digest; delete it and run the workflow again")
    return dataset
