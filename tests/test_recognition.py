"""What a file is said to be by every reader of files: its kind, and what was expected."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from reference import small_images
from safetensors.numpy import save_file

from infoplane import TrainingSpec, UserError, load_dataset, load_trajectory, train
from infoplane.artifacts import describe, read_table, write_table
from infoplane.datasets import save_dataset
from infoplane.information.snapshots import load_trained
from infoplane.recognition import KEY, description_of, recognise
from infoplane.trajectory import save_trajectory

READERS = {
    "a data set": load_dataset,
    "a trajectory": load_trajectory,
    "a history of training": lambda path: read_table(path, "history"),
    "a table of phases": lambda path: read_table(path, "phases"),
}
MAGIC = {
    "an HDF5 file": b"\x89HDF\r\n\x1a\n",
    "a pickle": b"\x80\x04\x95",
    "a gzipped file": b"\x1f\x8b\x08",
    "a PNG image": b"\x89PNG\r\n",
    "a PDF document": b"%PDF-1.4\n",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of every kind, by what it is said to be."""
    folder = tmp_path_factory.mktemp("files")
    dataset = small_images()
    spec = TrainingSpec(
        dataset="small-images", network=[4], activation="relu", bits=8, epochs=1, record_every=1
    )
    trajectory, history = train(spec, 1, dataset)
    save_dataset(folder / "dataset", dataset)
    save_trajectory(folder / "trajectory", trajectory)
    write_table(folder / "history", history, describe("history", {"training": spec.differences()}))
    write_table(folder / "phases", pd.DataFrame({"layer": [1]}), describe("phases", {}))
    pd.DataFrame({"x": [1.0]}).to_parquet(folder / "foreign.parquet")
    save_file({"x": np.zeros(3)}, folder / "foreign.safetensors")
    np.savez(folder / "own.npz", x=np.zeros(3), y=np.zeros(2))
    np.save(folder / "array.npy", np.zeros(3))
    pd.to_pickle([1, 2], folder / "pickle")
    torch.save({"weight": torch.zeros(3)}, folder / "model.pt")
    torch.save({"weight": torch.zeros(3)}, folder / "old.pt", _use_new_zipfile_serialization=False)
    np.savez(folder / "many.npz", **{name: np.zeros(1) for name in "abcdefg"})
    (folder / "text").write_text("Müller; 3,5\n" * 200)
    (folder / "empty").write_bytes(b"")
    (folder / "folder").mkdir()
    for number, content in enumerate(MAGIC.values()):
        (folder / f"magic-{number}").write_bytes(content + bytes(range(128, 255)))
    named = {
        "a data set": "dataset",
        "a trajectory": "trajectory",
        "a history of training": "history",
        "a table of phases": "phases",
        "a parquet table that infoplane has not written": "foreign.parquet",
        "a safetensors file that infoplane has not written": "foreign.safetensors",
        "an npz archive of x, y that infoplane has not written": "own.npz",
        "an npz archive of a, b, c, d, e, … that infoplane has not written": "many.npz",
        "a PyTorch checkpoint": "model.pt",
        "a bare NumPy array (npy)": "array.npy",
        "a text file": "text",
        "a folder": "folder",
        "an empty file": "empty",
    } | {words: f"magic-{number}" for number, words in enumerate(MAGIC)}
    return {words: folder / name for words, name in named.items()}


def test_every_kind_of_file_is_recognised(files):
    assert {words: recognise(path).words for words, path in files.items()} == {
        words: words for words in files
    }
    for words, path in files.items():
        assert bool(description_of(path)) == (words in READERS)


@pytest.mark.parametrize("name", ["model.pt", "old.pt"])
def test_a_checkpoint_of_pytorch_is_named_as_such(files, name):
    """Of this format and of that before PyTorch 1.6."""
    path = files["a folder"].parent / name
    for expected, read in READERS.items():
        with pytest.raises(UserError) as error:
            read(path)
        line = str(error.value)
        assert "a PyTorch checkpoint, expected a" in line and len(line) < 200 + len(str(path)), expected


@pytest.mark.parametrize("expected", READERS)
def test_another_kind_of_file_is_named_with_what_was_expected(files, expected):
    for words, path in files.items():
        if words == expected:
            READERS[expected](path)
            continue
        with pytest.raises(UserError) as error:
            READERS[expected](path)
        line = str(error.value)
        assert line.startswith(f"{path}: ") and "\n" not in line
        assert "delete" not in line and "damaged" not in line
        if expected == "a data set" and words.startswith("an npz"):
            assert "inputs missing; save numpy arrays" in line
        else:
            assert f": is {words}, expected {expected}; give the file of {expected} or, if" in line


@pytest.mark.parametrize("expected", READERS)
@pytest.mark.parametrize("content", [bytes(range(128, 256)) * 20, b"\x1aE\xdf\xa3 film", b"GIF89a\x10\x00"])
def test_a_whole_file_of_an_unknown_format_is_not_called_damaged(expected, content, tmp_path):
    (tmp_path / "mine").write_bytes(content)
    with pytest.raises(UserError) as error:
        READERS[expected](tmp_path / "mine")
    line = str(error.value)
    assert (
        f"is of an unknown format, or cut off, expected {expected}; give the file of {expected} or, if"
        in line
    )
    assert "damaged" not in line and "delete" not in line


@pytest.mark.parametrize("expected", READERS)
@pytest.mark.parametrize("kept", [0, 3, 200, 0.5, -1])
def test_what_is_cut_off_is_called_damaged_where_it_is_known(files, expected, kept, tmp_path):
    """Where what is left says that it is an artifact of that kind; there is nothing to delete otherwise."""
    content = files[expected].read_bytes()
    (tmp_path / "cut").write_bytes(content[: int(len(content) * kept) if kept == 0.5 else kept])
    with pytest.raises(UserError) as error:
        READERS[expected](tmp_path / "cut")
    line = str(error.value).removeprefix(f"{tmp_path / 'cut'}: ")
    known = description_of(tmp_path / "cut").get("kind") is not None
    unknown = "an empty file" if kept == 0 else "of an unknown format, or cut off"
    assert line.startswith(
        "truncated or damaged; delete it" if known else f"is {unknown}, expected {expected}; "
    )
    assert ("delete" in line) == ("damaged" in line) == known


@pytest.mark.parametrize("expected", READERS)
def test_what_may_not_be_read_is_said_so(files, expected, monkeypatch):
    """Root may read everything: the refusal is that of the system, in its own words."""

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    for place in ("infoplane.recognition.open", "numpy.load", "infoplane.trajectory.safe_open"):
        monkeypatch.setattr(place, refuse, raising=False)
    monkeypatch.setattr("pyarrow.parquet.read_table", refuse)
    with pytest.raises(UserError) as error:
        READERS[expected](files[expected])
    assert "delete" not in str(error.value)
    assert "cannot be read (Permission denied); unlock it" in str(error.value)


def test_the_right_trajectory_with_the_wrong_data_set(files, tmp_path):
    other = small_images((5, 7))
    save_dataset(tmp_path / "other.npz", other)
    with pytest.raises(UserError) as error:
        load_trained(tmp_path / "other.npz", files["a trajectory"])
    line = str(error.value)
    assert line.startswith(f"{files['a trajectory']}: the data set it was trained on is {{")
    assert other.description["digest"] in line and small_images().description["digest"] in line
    assert line.endswith(f"; give the file of that data set instead of {tmp_path / 'other.npz'}")
    assert "delete" not in line


def test_a_description_that_is_no_longer_json_is_of_no_artifact(tmp_path):
    for text in ("{", json.dumps({"no": "kind"}), "[]", "7"):
        save_file({"x": np.zeros(3)}, tmp_path / "t", metadata={KEY: text})
        assert recognise(tmp_path / "t") == ("", {})
        with pytest.raises(
            UserError, match=r"is of an unknown format, or cut off, expected a trajectory; .* if the workflow"
        ):
            load_trajectory(tmp_path / "t")
