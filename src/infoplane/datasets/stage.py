"""Stage of the workflow that makes the file of a data set from its spec."""

from dataclasses import replace
from pathlib import Path

from infoplane.config import DatasetSpec
from infoplane.datasets.arrays import load_arrays
from infoplane.datasets.dataset import Dataset, first_part
from infoplane.datasets.file import save_dataset
from infoplane.datasets.images import load_images
from infoplane.datasets.synthetic import synthetic
from infoplane.digests import file_digest

__all__ = ["own_arrays", "run"]

# Keys of a spec that do not identify the data: the name has an entry of its own, paths do not matter
UNIDENTIFYING = {"name", "path", "folder"}


def run(spec: DatasetSpec, output_path: Path) -> None:
    """Make a data set and write its file; downloads are saved in a folder beside it."""
    own = {"file": file_digest(Path(spec.path))} if spec.path and Path(spec.path).is_file() else {}
    dataset = first_part(make(spec, output_path.parent), spec.fraction)
    save_dataset(output_path, dataset, **spec.model_dump(mode="json", exclude=UNIDENTIFYING), **own)


def make(spec: DatasetSpec, caches: Path) -> Dataset:
    """The data set of a spec, without its fraction; downloads are saved in a folder of `caches`."""
    if spec.path is not None:
        return own_arrays(spec)
    if spec.kind == "synthetic":
        return replace(synthetic(), name=spec.name)
    folder = None if spec.folder is None else Path(spec.folder)
    return load_images(spec.name, spec.kind, caches / spec.kind, folder)


def own_arrays(spec: DatasetSpec) -> Dataset:
    """The data set in the user's own file, without the fraction of the spec."""
    assert spec.path is not None
    settings = spec.model_dump(include={"scaling", "channels"})
    return load_arrays(spec.name, Path(spec.path), scale=spec.scale or 1.0, **settings)
