"""Files of data sets are trusted only where they are whole; one's own arrays are a data set too."""

from pathlib import Path

import numpy as np
import pytest

from infoplane import Dataset, UserError, load_dataset
from infoplane.datasets import save_dataset, stratified_split


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


INPUTS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3))
LABELS = np.arange(12) % 3


@pytest.mark.parametrize("keys", [{"scaling": "feature"}, {"channels": "first"}, {"scale": 0.5}])
def test_settings_come_back(tmp_path, keys):
    dataset = Dataset("mine", np.moveaxis(INPUTS, 3, 1) / 7, LABELS, **keys)
    save_dataset(tmp_path / "made.npz", dataset)
    read = load_dataset(tmp_path / "made.npz")
    assert read.description == dataset.description
    assert (read.scale, read.scaling, read.channels) == (dataset.scale, dataset.scaling, dataset.channels)


def test_settings_that_are_not_given_leave_the_file_as_it_was(synthetic, tmp_path):
    save_dataset(tmp_path / "made.npz", synthetic)
    with np.load(tmp_path / "made.npz") as file:
        assert set(file.files) == {"inputs", "labels", "train_mask", "scale", "description"}


def test_images_with_channels_first_that_look_otherwise_come_back(tmp_path):
    dataset = Dataset("mine", INPUTS, LABELS, channels="first")
    save_dataset(tmp_path / "made.npz", dataset)
    np.testing.assert_array_equal(load_dataset(tmp_path / "made.npz").inputs, INPUTS)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("as_path", [str, Path])
def test_an_npz_of_ones_own_is_a_data_set(tmp_path, save, as_path):
    path = tmp_path / "my data.npz"
    save(path, inputs=INPUTS.reshape(12, -1), labels=LABELS, others=LABELS)
    read = load_dataset(as_path(path))
    assert (read.name, read.scale, read.classes) == ("my data", 1.0, 3)
    np.testing.assert_array_equal(read.train_mask, stratified_split(LABELS))
    scaled = load_dataset(path, scale=1 / 255)
    assert scaled.scale == 1 / 255
    save(path, inputs=INPUTS, labels=LABELS, train_mask=LABELS < 2, description=np.array("of my own"))
    with pytest.raises(UserError, match=r"my data\.npz: inputs have the shape .* looks like"):
        load_dataset(path)
    assert load_dataset(path, channels="first").train_mask.tolist() == (LABELS < 2).tolist()


def test_what_is_made_has_settings_of_its_own(synthetic, tmp_path):
    save_dataset(tmp_path / "made.npz", synthetic)
    for name in ("synthetic", "mnist", tmp_path / "made.npz"):
        with pytest.raises(UserError, match="has its own scale; give them for arrays of your own only"):
            load_dataset(name, scale=0.5)


def refusal(path):
    with pytest.raises(UserError) as error:
        load_dataset(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and "\n" not in line and ";" in line
    return line


def test_to_delete_is_said_of_what_this_package_has_written_and_has_lost_its_contents(synthetic, tmp_path):
    path = tmp_path / "made.npz"
    save_dataset(path, synthetic)
    arrays = dict(np.load(path))
    np.savez_compressed(path, **arrays | {"labels": 1 - arrays["labels"]})
    assert "its contents do not match its digest; delete it and run the workflow again" in refusal(path)
    np.savez_compressed(path, **{name: array for name, array in arrays.items() if name != "labels"})
    assert "truncated or damaged; delete it and run the workflow again" in refusal(path)


def test_to_delete_is_said_of_nothing_else(synthetic, tmp_path):
    made = tmp_path / "made.npz"
    save_dataset(made, synthetic)
    others = {
        "cut.npz": made.read_bytes()[:-30],
        "empty.npz": b"",
        "text.npz": b"inputs, labels\n1, 2\n",
        "bytes.npz": bytes(range(256)) * 9,
        "array.npz": None,
        "no-labels.npz": None,
        "nan.npz": None,
        "objects.npz": None,
    }
    for name, content in others.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with open(tmp_path / "array.npz", "wb") as file:
        np.save(file, INPUTS)
    np.savez(tmp_path / "no-labels.npz", inputs=INPUTS)
    np.savez(tmp_path / "nan.npz", inputs=np.full((12, 2), np.nan), labels=LABELS)
    np.savez(tmp_path / "objects.npz", inputs=INPUTS.astype(object), labels=LABELS)
    (tmp_path / "folder").mkdir()
    for name in [*others, "folder", "missing.npz"]:
        assert "delete" not in refusal(tmp_path / name).removeprefix(str(tmp_path))
    for name, words in [
        ("text.npz", "is a text file, expected a data set"),
        ("array.npz", "is a bare NumPy array (npy), expected a data set"),
        ("no-labels.npz", "labels missing"),
        ("nan.npz", "inputs hold NaN"),
        ("folder", "is a folder, expected a data set"),
    ]:
        assert words in refusal(tmp_path / name)


def test_a_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_dataset(tmp_path / "mine.npz", load_dataset("synthetic"))
    assert len(load_dataset("~/mine.npz").labels) == 4096
    with pytest.raises(UserError, match="in a home folder that is not known; write"):
        load_dataset("~nobody-of-this-name/mine.npz")
