"""Chunks that do not say of what they are, or of which the rows do not, are one line with their file."""

import numpy as np
import pytest
import simulation

from infoplane.artifacts import MOVE_AWAY, read_table, write_table
from infoplane.errors import UserError
from infoplane.statistics.chunks import read_chunks


@pytest.fixture
def paths(tmp_path):
    """Two chunks of histories, of which a test changes the second."""
    return [
        simulation.write_history(tmp_path / f"{first}-{first + 1}.parquet", simulation.history(runs, 20))
        for first in (0, 2)
        for runs in [range(first, first + 2)]
    ]


def refused(paths) -> str:
    with pytest.raises(UserError) as caught:
        read_chunks(paths, "history")
    return str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        {"dataset": None},
        {"dataset": "synthetic"},
        {"dataset": {"name": "synthetic"}},
        {"repetitions": ["2", "3"]},
        {"repetitions": "2-3"},
        {"repetitions": None},
    ],
)
def test_what_a_chunk_does_not_say_is_one_line(paths, said):
    table, description = read_table(paths[1], "history")
    write_table(paths[1], table, description | said)
    assert refused(paths) == (
        f"{paths[1]}: does not say of which data set and repetitions it is; {MOVE_AWAY}"
    )
    for name in said:
        del description[name]
        write_table(paths[1], table, description)
        assert "does not say of which data set" in refused(paths)


def test_rows_without_numbers_of_repetitions_are_one_line(paths):
    table, description = read_table(paths[1], "history")
    text = table.assign(repetition=table["repetition"].astype(str))
    for wrong in (
        text,
        text.assign(repetition=np.where(text.index > 2, "2", None)),
        table[["epoch", "loss"]],
    ):
        write_table(paths[1], wrong, description)
        assert refused(paths) == f"{paths[1]}: has no numbers in the column repetition; {MOVE_AWAY}"


def test_a_spec_that_is_none_is_one_line(paths):
    table, description = read_table(paths[1], "history")
    for spec in (None, [], "relu"):
        write_table(paths[1], table, description | {"spec": spec})
        assert refused(paths).startswith(f"{paths[1]}: truncated or damaged; ")
