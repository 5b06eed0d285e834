"""The data: binary patterns on the icosahedron, the images of MNIST and Fashion-MNIST, one's own arrays."""

from infoplane.datasets.dataset import Dataset, stratified_split
from infoplane.datasets.file import load_dataset, save_dataset
from infoplane.datasets.stage import run
from infoplane.datasets.synthetic import icosahedron, synthetic

__all__ = [
    "Dataset",
    "icosahedron",
    "load_dataset",
    "run",
    "save_dataset",
    "stratified_split",
    "synthetic",
]
