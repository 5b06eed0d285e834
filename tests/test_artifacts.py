"""Artifacts come back as they were written, are refused where they don't fit, and are whole or absent."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from infoplane import UserError
from infoplane.artifacts import (
    as_read,
    describe,
    read_csv,
    read_table,
    refuse_mismatch,
    write_csv,
    write_table,
    written_aside,
)
from infoplane.digests import canonical, digest

SPEC = {"training": {"bits": 8, "learning_rate": 1e-4}}


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "repetition": np.array([0, 0, 1], dtype=np.int32),
            "part": "main",
            "epoch": np.array([-1, 0, 5], dtype=np.int32),
            "layer": np.array([1, 2, 3], dtype=np.int8),
            "h_t": [12.0, np.nan, 0.1 + 0.2],
        }
    )


@pytest.fixture
def path(tmp_path, frame):
    path = tmp_path / "new" / "folder" / "0-1.parquet"
    write_table(path, frame, describe("information", SPEC, repetitions=[0, 1]))
    return path


def refusal(path, kind="information"):
    with pytest.raises(UserError) as error:
        read_table(path, kind)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_round_trip(path, frame):
    read, description = read_table(path, "information")
    pd.testing.assert_frame_equal(read, frame)
    assert description["spec"] == SPEC
    assert description["repetitions"] == [0, 1]
    assert {"python", "infoplane", "numpy", "torch"} <= description["versions"].keys()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("strange", [-np.nan, np.inf - np.inf, np.inf, -np.inf, -0.0])
def test_numbers_that_are_none_are_read_back(tmp_path, frame, strange):
    """Parquet keeps no sign of a NaN, and a table holds what training made of its numbers."""
    frame["h_t"] = np.array([0.0, strange, 1.0])
    write_table(tmp_path / "0-1.parquet", frame, describe("history", SPEC))
    read, _ = read_table(tmp_path / "0-1.parquet", "history")
    pd.testing.assert_frame_equal(read, frame)


def test_what_pytorch_computes_says_where():
    """The bytes of what kernels compute are those of every machine."""
    of_torch = {"training": {"engine": "torch"}}
    described = describe("history", of_torch)["machine"]
    assert described.keys() == {"processor", "instructions"}
    assert described["processor"] and described["instructions"]
    assert "machine" not in describe("phases", of_torch)
    assert "machine" not in describe("history", {"training": {"engine": "kernels"}})


def test_equal_content_is_an_equal_file(path, frame, tmp_path):
    again = tmp_path / "again.parquet"
    write_table(again, frame, describe("information", SPEC, repetitions=[0, 1]))
    assert again.read_bytes() == path.read_bytes()


def test_hash_of_a_spec_depends_on_its_content_alone():
    one = {"b": 1, "a": {"d": [1, 2], "c": 0.1}}
    other = {"a": {"c": 0.1, "d": [1, 2]}, "b": 1}
    assert canonical(one) == canonical(other)
    assert digest(one) == digest(other) == describe("history", one)["spec_hash"]
    assert digest(one) != digest({**one, "b": 2})
    assert json.loads(canonical(one)) == one


@pytest.mark.parametrize("kept", [0, 3, 200, -1])
def test_truncated_files_are_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    found = "an empty file" if kept == 0 else "of an unknown format, or cut off"
    assert f": is {found}, expected a table of information; " in refusal(path)


def test_no_flipped_bit_changes_what_is_read(path):
    """Pages have checksums; the digest guards what is outside of them, such as names of columns."""
    whole, (frame, described) = path.read_bytes(), read_table(path, "information")
    refused = 0
    for place in range(0, len(whole), 3):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            again, told = read_table(path, "information")
        except UserError:
            refused += 1
        else:
            pd.testing.assert_frame_equal(again, frame, check_exact=True, check_dtype=False)
            assert {name: told.get(name) for name in described} == described
    assert refused > len(range(0, len(whole), 3)) / 2


def test_foreign_and_missing_files_are_refused(path, tmp_path):
    foreign = tmp_path / "foreign.parquet"
    pd.DataFrame({"h_t": [1.0]}).to_parquet(foreign)
    text = tmp_path / "text.parquet"
    text.write_text("not a table")
    for each in (foreign, text, tmp_path / "missing.parquet"):
        refusal(each)
    assert "is a table of information, expected a history of training" in refusal(path, "history")


def test_csv_is_read_as_it_was_written(tmp_path, frame):
    write_csv(tmp_path / "t.csv", frame)
    pd.testing.assert_frame_equal(read_csv(tmp_path / "t.csv"), as_read(frame))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"a,b\n1,2\n1,2,3\n", "a text file"),
        (b"\xff\xfe", "of an unknown format, or cut off"),
        (b"%PDF-1.4", "a PDF document"),
    ],
)
def test_what_is_no_csv_is_named(tmp_path, content, words):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UserError) as error:
        read_csv(tmp_path / "t.csv")
    assert str(error.value).startswith(
        f"{tmp_path / 't.csv'}: is {words}, expected a CSV table; give one or, if"
    )


def test_a_table_in_place_of_csv_is_named(path, tmp_path):
    """It is whole: nothing says that it is damaged."""
    with pytest.raises(UserError) as error:
        read_csv(path)
    assert str(error.value).startswith(f"{path}: is a table of information, expected a CSV table; ")
    with pytest.raises(UserError, match=r": is a folder, expected a CSV table; "):
        read_csv(tmp_path)


def test_changed_specs_are_refused(path):
    table = pq.read_table(path)
    metadata = {key: value.replace(b'"bits":8', b'"bits":4') for key, value in table.schema.metadata.items()}
    assert metadata != table.schema.metadata
    pq.write_table(table.replace_schema_metadata(metadata), path)
    assert "hash" in refusal(path)


def test_mismatch_names_file_and_both_sides(tmp_path):
    refuse_mismatch(tmp_path / "a", "data set", {"name": "x"}, {"name": "x"})
    with pytest.raises(UserError, match="is 1, expected 2") as error:
        refuse_mismatch(tmp_path / "a", "data set", 1, 2)
    assert str(tmp_path / "a") in str(error.value)


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, fault):
    path = tmp_path / "file"
    path.write_text("old")
    expected = UserError if isinstance(fault, OSError) else fault
    with pytest.raises(expected), written_aside(path) as aside:
        aside.write_text("half")
        raise fault
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"), written_aside(tmp_path / "file" / "below" / "table"):
        raise AssertionError("not reached")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np, pandas as pd
from infoplane import TrainingSpec, Trajectory, UserError, load_dataset
from infoplane.artifacts import describe, write_table
from infoplane.datasets import save_dataset
from infoplane.trajectory import save_trajectory

folder = Path(sys.argv[1])
spec = TrainingSpec(
    dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8, epochs=1, record_every=1
)
trajectory = Trajectory(
    spec,
    {},
    np.arange(2),
    np.full(4, "main"),
    np.arange(4),
    np.ones((2, 4, 294), np.float32),
    np.ones((2, 4, 6, 2, 2), np.float32),
)
frame = pd.DataFrame({"h_t": np.random.default_rng(0).random(10000)})
dataset = load_dataset("synthetic")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
for write in (
    lambda: save_dataset(folder / "dataset.npz", dataset),
    lambda: save_trajectory(folder / "trajectory.safetensors", trajectory),
    lambda: write_table(folder / "table.parquet", frame, describe("information", {})),
):
    try:
        write()
    except UserError as error:
        print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, limits)  # where coverage is measured, it is written at the end
"""


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as POSIX does")
def test_a_full_disk_is_one_line_for_every_kind_of_file(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    for line, name in zip(lines, ["dataset.npz", "trajectory.safetensors", "table.parquet"], strict=True):
        assert line.startswith(f"{tmp_path / name}: cannot be written")
    assert not list(tmp_path.iterdir())
