"""Files of data sets: npz archives that carry a description, which is verified when they are read."""

from pathlib import Path
from typing import Any

import numpy as np

from infoplane.artifacts import describe, parse_description, unreadable, written_aside
from infoplane.config.fields import expanded
from infoplane.datasets.arrays import load_arrays
from infoplane.datasets.dataset import Dataset
from infoplane.datasets.images import IMAGES
from infoplane.datasets.synthetic import synthetic
from infoplane.digests import canonical
from infoplane.errors import UserError
from infoplane.recognition import DAMAGE, recognise
from infoplane.refusals import as_path

__all__ = ["load_dataset", "save_dataset"]


def save_dataset(path: Path, dataset: Dataset, **made_by: Any) -> None:
    """Write a data set as npz (no pickles), with its description.

    Args:
        path: the file to write.
        dataset: to be written.
        made_by: keys of its spec other than the name.
    """
    description = describe("dataset", {"name": dataset.name, **made_by}, dataset=dataset.description)
    settings = {
        name: np.array(value)
        for name, value in (("scaling", dataset.scaling), ("channels", dataset.channels))
        if value != Dataset.__dataclass_fields__[name].default
    }
    with written_aside(path) as aside, open(aside, "wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            inputs=dataset.inputs,
            labels=dataset.labels,
            train_mask=dataset.train_mask,
            scale=np.float64(dataset.scale),
            **settings,
            description=np.array(canonical(description)),
        )


def own_path(path: str | Path) -> Path:
    """A path with its `~` replaced by the home folder, as in a config.

    Raises:
        UserError: the home folder is not known.
    """
    try:
        return Path(expanded(str(path)))
    except ValueError as error:
        raise UserError(str(error)) from error


def load_dataset(name_or_path: str | Path, **keys: Any) -> Dataset:
    """Make the data set `synthetic`, or read one from a file.

    Args:
        name_or_path: `synthetic`, a file written by `save_dataset`, or an npz file of one's own with the
            arrays `inputs` (N, …), `labels` (N,) and, if the split is given, `train_mask` (N,).
        keys: `scale`, `scaling` and `channels` of the `Dataset`, for a file of one's own.

    Raises:
        UserError: the name is unknown, or the file is missing, damaged or of another kind.

    >>> load_dataset("synthetic").inputs.shape
    (4096, 12)
    """
    as_path(name_or_path, "name_or_path")
    if str(name_or_path) == "synthetic" or str(name_or_path) in IMAGES:
        refuse_keys(name_or_path, keys)
    if str(name_or_path) == "synthetic":
        return synthetic()
    path = own_path(name_or_path)
    if str(name_or_path) in IMAGES:
        raise UserError(
            f"{path}: is read from its file; give the one that the workflow made, or make it by "
            f"infoplane datasets --output {path}.npz --spec "
            f"""'{{"name": "{path}", "kind": "{path}"}}'"""
        )
    if not exists(path):
        raise UserError(
            f"{path}: neither the data set synthetic nor a file; correct the path, or run the workflow again"
        )
    if is_own(path):
        return load_arrays(path.stem, path, **keys)
    refuse_keys(path, keys)
    return load_made(path)


def exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False


def is_own(path: Path) -> bool:
    """Whether a file is a whole npz archive that this package has not written."""
    try:
        words, description = recognise(path)
    except OSError:
        return False
    return words.startswith("an npz") and not description


def refuse_keys(name: str | Path, keys: dict[str, Any]) -> None:
    if keys:
        raise UserError(f"{name}: has its own {', '.join(keys)}; give them for arrays of your own only")


def load_made(path: Path) -> Dataset:
    """Read a file written by `save_dataset`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            description = parse_description(str(file["description"]), path, "dataset")
            arrays = {name: file[name] for name in ("inputs", "labels", "train_mask")}
            settings = {name: str(file[name]) for name in ("scaling", "channels") if name in file.files}
            scale = float(file["scale"])
        name, expected = description["spec"]["name"], description["dataset"]
    except DAMAGE as error:
        raise unreadable(path, "dataset", error) from error
    try:
        dataset = Dataset(name, **arrays, scale=scale, **settings)  # type: ignore[arg-type]
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    if dataset.description != expected:
        raise UserError(f"{path}: its contents do not match its digest; delete it and run the workflow again")
    return dataset
