"""Statistics that do not follow from their tables are found."""

import pandas as pd
import pytest

from infoplane import UserError
from infoplane.artifacts import describe, write_table
from infoplane.verify import verify
from infoplane.verify.tables import check_table

from .study import change, named

TABLES = ["relu/exact/aggregates", "tanh/exact/phases", "tanh/accuracy"]


def test_statistics_of_other_numbers_are_found(results):
    paths = [results / "statistics" / f"{name}.parquet" for name in TABLES]
    for path in paths:
        column = "blocks" if path.stem == "phases" else "mean"
        change(
            path,
            lambda table, its=column: table.assign(**{its: table[its] + (1 if its == "blocks" else 1e-6)}),
        )
    problems, _ = verify(results)
    told = "is not what the tables that it rests on give; move it away and run the workflow again"
    assert {f"{path}: {told}" for path in paths} <= {*problems}


def test_tables_that_were_edited_are_found(results):
    columns = {"mine/information": "h_t_mean", "mine/phases": "blocks", "claims": "shows"}
    columns["mine/signs"] = "exact_only"
    paths = [results / "statistics" / f"{name}.csv" for name in columns]
    for path, column in zip(paths, columns.values(), strict=True):
        table = pd.read_csv(path)
        table.assign(**{column: table[column] + 1}).to_csv(path, index=False)
    problems, _ = verify(results)
    assert named(problems) == set(map(str, paths))


def test_any_other_table_must_be_whole(tmp_path):
    path = tmp_path / "levels.parquet"
    write_table(path, pd.DataFrame({"levels": [4, 7]}), describe("levels", {"bits": 3}))
    check_table(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="is of an unknown format, or cut off, expected a table of a study"):
        check_table(path)
