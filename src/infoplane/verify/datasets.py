"""Checks of data sets: contents match their digests and, of public ones, what was published."""

import hashlib
from pathlib import Path

import numpy as np

from infoplane.artifacts import refuse_mismatch
from infoplane.datasets import Dataset, load_dataset
from infoplane.datasets.dataset import first_part
from infoplane.datasets.images import IMAGES, load_images
from infoplane.errors import UserError
from infoplane.recognition import description_of

__all__ = ["check_dataset", "check_download"]

# SHA-256 of the patterns (4096, 12) and of the labels (4096,), as bytes in C order
SYNTHETIC = {
    "inputs": "60c7b77cf130b18f25d81c397d55270e50faaf4a6193c2d4480ad14a00035909",
    "labels": "77732f16f85e91b49d3997196b56163b3bd362d8cf631468a8de3f986e88359f",
}


def check_dataset(path: Path) -> None:
    """The contents of a file match its digest and, of a public data set, what was published.

    A fraction of the images can be compared only if the downloaded files are in their folder.
    """
    dataset = load_dataset(path)
    spec = description_of(path)["spec"]
    kind, cache = spec.get("kind"), path.parent / str(spec.get("kind"))
    if kind == "synthetic":
        for name, expected in SYNTHETIC.items():
            refuse_mismatch(
                path, f"the SHA-256 of {name}", sha256(as_bytes(getattr(dataset, name))), expected
            )
    elif kind in IMAGES and spec["fraction"] == 1:
        for name, data in idx_files(dataset).items():
            refuse_mismatch(path, f"the SHA-256 of {name}", sha256(data), IMAGES[kind].digests[name])
    elif kind in IMAGES and cache.exists():
        part = first_part(load_images(spec["name"], kind, cache, cache), spec["fraction"])
        refuse_mismatch(path, "what it holds", dataset.description, part.description)


def check_download(path: Path) -> None:
    """A downloaded file is the published one."""
    images = IMAGES.get(path.parent.name)
    if images is None or path.name not in images.digests:
        raise UserError(f"{path}: is not a file of a public data set; remove it")
    refuse_mismatch(path, "its SHA-256", sha256(path.read_bytes()), images.digests[path.name])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def as_bytes(array: np.ndarray) -> bytes:
    return array.astype(np.uint8).tobytes()


def idx_files(dataset: Dataset) -> dict[str, bytes]:
    """The four idx files that a data set of images was read from."""
    files = {}
    for name, part in (("train", dataset.train_mask), ("t10k", ~dataset.train_mask)):
        files[f"{name}-images-idx3-ubyte"] = as_idx(dataset.inputs[part])
        files[f"{name}-labels-idx1-ubyte"] = as_idx(dataset.labels[part])
    return files


def as_idx(array: np.ndarray) -> bytes:
    """The idx file of an array of bytes.

    >>> as_idx(np.array([[1, 2, 3], [4, 5, 6]])).hex(" ")
    '00 00 08 02 00 00 00 02 00 00 00 03 01 02 03 04 05 06'
    """
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + as_bytes(array)
