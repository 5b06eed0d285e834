"""Files of data sets are trusted only where they are whole."""

import numpy as np
import pytest

from infoplane import UserError, load_dataset
from infoplane.datasets import save_dataset


@pytest.fixture(scope="module")
def synthetic():
    return load_dataset("synthetic")


def test_round_trip(synthetic, tmp_path):
    path = tmp_path / "synthetic.npz"
    save_dataset(path, synthetic)
    read = load_dataset(path)
    assert (read.name, read.scale, read.description) == ("synthetic", 1, synthetic.description)
    for name in ("inputs", "labels", "train_mask"):
        expected, found = getattr(synthetic, name), getattr(read, name)
        assert expected.dtype == found.dtype
        np.testing.assert_array_equal(expected, found)


def one_line(error, path):
    message = str(error.value)
    return "\n" not in message and str(path) in message


def test_tampered_labels_are_refused(synthetic, tmp_path):
    path = tmp_path / "synthetic.npz"
    save_dataset(path, synthetic)
    arrays = dict(np.load(path))
    arrays["labels"][7] ^= 1
    np.savez_compressed(path, **arrays)
    with pytest.raises(UserError) as error:
        load_dataset(path)
    assert one_line(error, path)


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_truncated_files_are_refused(synthetic, tmp_path, kept):
    path = tmp_path / "synthetic.npz"
    save_dataset(path, synthetic)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError) as error:
        load_dataset(path)
    assert one_line(error, path)


def test_flipped_bits_are_refused_or_harmless(synthetic, tmp_path):
    path = tmp_path / "synthetic.npz"
    save_dataset(path, synthetic)
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 41):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read = load_dataset(path)
        except UserError:
            refused += 1
        else:
            np.testing.assert_array_equal(read.labels, synthetic.labels)
            np.testing.assert_array_equal(read.inputs, synthetic.inputs)
    assert refused > 0


def test_foreign_and_missing_files_are_refused(tmp_path):
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, inputs=np.zeros((2, 1)), labels=np.zeros(2))
    text = tmp_path / "text.npz"
    text.write_text("not an archive")
    for path in (foreign, text, tmp_path / "missing.npz", tmp_path):
        with pytest.raises(UserError) as error:
            load_dataset(path)
        assert one_line(error, path)


def test_unknown_name_is_refused():
    with pytest.raises(UserError, match="synthetic"):
        load_dataset("synthetics")
