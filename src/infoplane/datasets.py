"""The data: all 4,096 binary patterns on the icosahedron, and the file format of every data set."""

import math
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infoplane.artifacts import array_digest, canonical, describe, parse_description, written_aside
from infoplane.errors import UserError

__all__ = ["Dataset", "icosahedron", "load_dataset", "save_dataset", "stratified_split", "synthetic"]

SPLIT_SEED = 0
TRAIN_FRACTION = 0.8


@dataclass(frozen=True)
class Dataset:
    """Inputs, their classes, and which of them are trained on.

    Attributes:
        name: what the config calls it.
        inputs: (N, features) unsigned integers, fed to the network as they are.
        labels: (N,) classes 0 … C−1, int64.
        train_mask: (N,) boolean.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    train_mask: np.ndarray

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1

    @property
    def description(self) -> dict[str, str | int]:
        """What an artifact made from this data says of it."""
        return {
            "name": self.name,
            "inputs": len(self.inputs),
            "digest": array_digest(self.inputs, self.labels, self.train_mask),
        }


def icosahedron() -> np.ndarray:
    """The 12 vertices of the regular icosahedron on the unit sphere, (12, 3), one for each input bit.

    >>> np.allclose(np.linalg.norm(icosahedron(), axis=1), 1)
    True
    """
    golden = (1 + math.sqrt(5)) / 2
    a, b = 1 / math.sqrt(1 + golden**2), golden / math.sqrt(1 + golden**2)
    return np.array(
        [
            (0, a, b), (a, b, 0), (0, a, -b), (-a, b, 0), (b, 0, -a), (0, -a, b),
            (a, -b, 0), (-a, -b, 0), (-b, 0, -a), (0, -a, -b), (-b, 0, a), (b, 0, a),
        ]
    )  # fmt: skip


def synthetic() -> Dataset:
    r"""All 2¹² binary patterns on the vertices pᵢ of the icosahedron, labelled by a rotation-invariant rule.

    Pattern k is the binary form of k, most significant bit first. Its label is 1 where

        f(x) = Σᵢ xᵢ + ‖Σᵢ xᵢ pᵢ‖₂

    exceeds the mean of f over all patterns. This reproduces the 4,096 published labels of Shwartz-Ziv &
    Tishby, *Opening the Black Box of Deep Neural Networks via Information*, 2017
    (https://arxiv.org/abs/1703.00810). The patterns nearest to the threshold lie 0.0507 below and 0.0878
    above it, so that no rounding can change a label.

    >>> int(synthetic().labels.sum()), int(synthetic().train_mask.sum())
    (2118, 3276)
    """
    patterns = np.arange(4096)[:, None] >> np.arange(11, -1, -1) & 1
    root_power = patterns.sum(axis=1) + np.linalg.norm(patterns @ icosahedron(), axis=1)
    labels = (root_power > root_power.mean()).astype(np.int64)
    return Dataset("synthetic", patterns.astype(np.uint8), labels, stratified_split(labels))


def stratified_split(
    labels: np.ndarray, fraction: float = TRAIN_FRACTION, seed: int = SPLIT_SEED
) -> np.ndarray:
    """Mark ⌊fraction·N⌋ of the inputs for training, each class in its proportion (largest remainders).

    Args:
        labels: (N,) classes.

    Returns:
        (N,) boolean train mask.
    """
    classes, counts = np.unique(labels, return_counts=True)
    shares = counts * fraction
    taken = np.floor(shares).astype(int)
    missing = math.floor(len(labels) * fraction) - taken.sum()
    taken[np.argsort(taken - shares, kind="stable")[:missing]] += 1
    generator = np.random.default_rng(seed)
    mask = np.zeros(len(labels), dtype=bool)
    for label, count in zip(classes, taken, strict=True):
        mask[generator.permutation(np.flatnonzero(labels == label))[:count]] = True
    return mask


DATASETS = {"synthetic": synthetic}
# What reading a damaged npz may raise, by the place of the damage.
DAMAGE = (
    OSError,
    EOFError,
    KeyError,
    RuntimeError,
    ValueError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def save_dataset(path: Path, dataset: Dataset) -> None:
    """Write a data set as npz (no pickles), with its description."""
    description = describe("dataset", {"name": dataset.name}, dataset=dataset.description)
    with written_aside(path) as aside, open(aside, "wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            inputs=dataset.inputs,
            labels=dataset.labels,
            train_mask=dataset.train_mask,
            description=np.array(canonical(description)),
        )


def load_dataset(name_or_path: str | Path) -> Dataset:
    """Make a named data set, or read one from a file written by `save_dataset`.

    Raises:
        UserError: the name is unknown, or the file is missing, damaged or of another kind.

    >>> load_dataset("synthetic").inputs.shape
    (4096, 12)
    """
    if str(name_or_path) in DATASETS:
        return DATASETS[str(name_or_path)]()
    path = Path(name_or_path)
    if not path.exists():
        raise UserError(
            f"{path}: neither a data set ({', '.join(DATASETS)}) nor a file; run the workflow again"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("inputs", "labels", "train_mask", "description")}
        description = parse_description(str(arrays.pop("description")), path, "dataset")
    except DAMAGE as error:
        raise UserError(f"{path}: truncated or damaged; delete it and run the workflow again") from error
    dataset = Dataset(description["spec"]["name"], **arrays)
    if dataset.description != description["dataset"]:
        raise UserError(f"{path}: its contents do not match its digest; delete it and run the workflow again")
    return dataset
