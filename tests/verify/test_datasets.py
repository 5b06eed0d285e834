"""Data sets that are not what was published are found."""

import numpy as np
import pytest

from infoplane import UserError, load_dataset
from infoplane.config import DatasetSpec
from infoplane.datasets import images, run, save_dataset
from infoplane.verify import verify
from infoplane.verify.datasets import as_idx, check_download, sha256

from .study import flip, problem


def test_a_flipped_bit_of_a_data_set_is_found(runs):
    path = runs / "datasets" / "mine.npz"
    whole, description = path.read_bytes(), load_dataset(path).description
    for place in np.random.default_rng(0).integers(0, len(whole), 100):
        flip(path, int(place))
        try:
            assert load_dataset(path).description == description
        except UserError as error:
            assert str(error).startswith(f"{path}: ")
        path.write_bytes(whole)


def test_the_synthetic_data_are_the_published_ones(tmp_path):
    path = tmp_path / "datasets" / "synthetic.npz"
    run(DatasetSpec(name="synthetic", kind="synthetic"), path)
    assert not verify(tmp_path)[0]
    dataset = load_dataset(path)
    dataset.labels[7] ^= 1
    save_dataset(path, dataset, kind="synthetic", fraction=1.0)
    assert problem(tmp_path).startswith(f"{path}: the SHA-256 of labels is ")


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_images_and_downloads_are_the_published_ones(tmp_path, monkeypatch, fraction):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 4))
    arrays = {"images-idx3": pixels, "labels-idx1": np.array([0, 1, 0, 1, 0, 1])}
    files = {f"{part}-{name}-ubyte": as_idx(arrays[name]) for part in ("train", "t10k") for name in arrays}
    digests = {name: sha256(data) for name, data in files.items()}
    monkeypatch.setitem(images.IMAGES, "mnist", images.Images(digests, ()))
    folder = tmp_path / "datasets" / "mnist"
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    path = tmp_path / "datasets" / "mine.npz"
    run(DatasetSpec(name="mine", kind="mnist", fraction=fraction), path)
    assert not verify(tmp_path)[0]

    dataset = load_dataset(path)
    dataset.inputs[0, 0, 0] ^= 1
    save_dataset(path, dataset, kind="mnist", fraction=fraction)
    assert problem(tmp_path).startswith(f"{path}: ")
    run(DatasetSpec(name="mine", kind="mnist", fraction=fraction), path)
    if fraction == 1:
        flip(folder / "t10k-labels-idx1-ubyte", -1)
        assert problem(tmp_path).startswith(f"{folder / 't10k-labels-idx1-ubyte'}: its SHA-256 is ")


def test_a_file_beside_downloads_is_a_stranger(tmp_path):
    path = tmp_path / "datasets" / "mine" / "train-images-idx3-ubyte"
    with pytest.raises(UserError, match="is not a file of a public data set; remove it"):
        check_download(path)
