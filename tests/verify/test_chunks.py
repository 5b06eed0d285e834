"""Chunks that are missing or overlap are found."""

import numpy as np
import pandas as pd
import pytest

from infoplane import UserError
from infoplane.artifacts import read_table, write_table
from infoplane.verify import verify
from infoplane.verify.chunks import chunks_in, named_repetitions

from .study import ESTIMATORS


def test_chunks_that_are_missing_or_overlap_are_found(runs):
    folder = runs / "information" / "relu" / "exact"
    (folder / "2-2.parquet").rename(runs / "kept")
    assert f"{folder}: repetitions [2] are missing; run the workflow again" in verify(runs)[0]
    (runs / "kept").rename(folder / "2-2.parquet")
    table, described = read_table(folder / "2-2.parquet", "information")
    both = pd.concat([table, table.assign(repetition=np.int32(3))], ignore_index=True)
    both["repetition"] -= 1
    write_table(folder / "1-2.parquet", both, described | {"repetitions": [1, 2]})
    problems, _ = verify(runs)
    assert any("1-2.parquet: repetitions [1] are in another chunk too" in line for line in problems)


def test_a_chunk_that_has_grown_may_leave_what_it_was(runs):
    for folder in (
        runs / "training" / "relu",
        *(runs / "information" / "relu" / each for each in ESTIMATORS),
    ):
        (folder / "2-2.parquet").rename(folder / "2-3.parquet")
        table, described = read_table(
            folder / "2-3.parquet", "history" if "training" in folder.parts else "information"
        )
        write_table(folder / "2-2.parquet", table, described)
        both = pd.concat([table, table.assign(repetition=np.int32(3))], ignore_index=True)
        write_table(folder / "2-3.parquet", both, described | {"repetitions": [2, 3]})
    assert not verify(runs)[0]


def test_files_named_after_no_repetitions_and_folders_without_tables_are_refused(tmp_path):
    with pytest.raises(UserError, match="is not named after its repetitions, such as 0-19; remove it"):
        named_repetitions(tmp_path / "first.parquet")
    with pytest.raises(UserError, match="contains no tables; run the workflow again"):
        chunks_in(tmp_path, "history", {"experiment": "mine"})
