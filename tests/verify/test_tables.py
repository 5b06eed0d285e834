"""Statistics that do not follow from their tables are found."""

import pandas as pd
import pytest

from infoplane import UserError
from infoplane.artifacts import describe, read_table, write_table
from infoplane.statistics.joins import join_correlations, join_information, join_phases, join_settings
from infoplane.verify import verify
from infoplane.verify.tables import check_joined, check_table

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


EMPTIED = {
    "correlations": ("correlations", join_correlations),
    "settings": ("tradeoff", join_settings),
    "information": ("aggregates", join_information),
    "phases": ("phases", join_phases),
}


@pytest.mark.parametrize("name", EMPTIED)
def test_a_joined_table_of_empty_tables_is_sound(results, name):
    kind, join = EMPTIED[name]
    pairs = {path.parts[-3:-1]: path for path in results.glob(f"statistics/*/*/{kind}.parquet")}
    for path in pairs.values():
        table, known = read_table(path, kind)
        write_table(path, table.iloc[:0], known)
    joined = results / "statistics" / "mine" / f"{name}.csv"
    join(pairs, joined)
    assert pd.read_csv(joined).empty
    check_joined(joined)


@pytest.mark.parametrize("name", ["information", "phases", "fits"])
def test_a_joined_table_that_has_lost_its_rows_is_found(results, name):
    joined = results / "statistics" / "mine" / f"{name}.csv"
    header, *_ = joined.read_text().splitlines(keepends=True)
    joined.write_text(header)
    problems, _ = verify(results)
    assert named(problems) == {str(joined)}
