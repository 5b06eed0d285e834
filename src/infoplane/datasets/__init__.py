"""Data sets: binary patterns on the icosahedron, MNIST, Fashion-MNIST, and arrays of one's own."""

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
