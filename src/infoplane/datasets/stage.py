"""The stage of the workflow: from the spec of a data set to its file."""

from dataclasses import replace
from pathlib import Path

from infoplane.artifacts import file_digest
from infoplane.config import DatasetSpec
from infoplane.datasets.arrays import load_arrays
from infoplane.datasets.dataset import Dataset, first_part
from infoplane.datasets.file import save_dataset
from infoplane.datasets.images import load_images
from infoplane.datasets.synthetic import synthetic

__all__ = ["own_arrays", "run"]

# What a data set is not known by: its name is said beside, and where it lay does not matter
ELSEWHERE = {"name", "path", "folder"}


def run(spec: DatasetSpec, output_path: Path) -> None:
    """Make a data set; downloaded files are kept in a folder beside its own file."""
    own = {"file": file_digest(Path(spec.path))} if spec.path and Path(spec.path).is_file() else {}
    dataset = first_part(make(spec, output_path.parent), spec.fraction)
    save_dataset(output_path, dataset, **spec.model_dump(mode="json", exclude=ELSEWHERE), **own)


def make(spec: DatasetSpec, caches: Path) -> Dataset:
    """The whole data set, each kind of images with its own folder of `caches`."""
    if spec.path is not None:
        return own_arrays(spec)
    if spec.kind == "synthetic":
        return replace(synthetic(), name=spec.name)
    folder = None if spec.folder is None else Path(spec.folder)
    return load_images(spec.name, spec.kind, caches / spec.kind, folder)


def own_arrays(spec: DatasetSpec) -> Dataset:
    """One's own data set, all of it."""
    assert spec.path is not None
    settings = spec.model_dump(include={"scaling", "channels"})
    return load_arrays(spec.name, Path(spec.path), scale=spec.scale or 1.0, **settings)
