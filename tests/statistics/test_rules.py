"""Verdicts hang on some cell, corrected, or on every cell, uncorrected."""

import pandas as pd
import pytest

from infoplane.statistics.rules import corrected, every, some, verdict_of


def cells(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["status", "p_shows", "p_lacks"])


SHOWS, LACKS, MIXED = ("shows", 0.001, 1.0), ("lacks", 1.0, 0.001), ("mixed", 0.4, 0.7)
FEW = ("too few", 0.06, 1.0)
BARELY = ("lacks", 1.0, 0.02)


@pytest.mark.parametrize(
    ("rows", "word", "decisive"),
    [
        ([SHOWS, SHOWS], "supported", [1]),
        ([SHOWS, LACKS], "refuted", [1]),
        ([SHOWS, MIXED], "mixed", [1]),
        ([SHOWS, FEW], "mixed", [1]),
        ([FEW, FEW], "too few runs", [0, 1]),
        ([BARELY, SHOWS], "refuted", [0]),
        ([BARELY, SHOWS, SHOWS], "mixed", [0]),  # 3 × 0.02 > 0.05
        ([BARELY, FEW, FEW], "refuted", [0]),  # too few runs are no test
        ([], "no data", []),
    ],
)
def test_every_cell_shows_or_some_cell_lacks(rows, word, decisive):
    found = verdict_of(cells(*rows), every("shows"), some("lacks"))
    assert (found.word, found.decisive.index.tolist()) == (word, decisive)


@pytest.mark.parametrize(
    ("rows", "word", "decisive"),
    [
        ([LACKS, ("shows", 0.01, 1), SHOWS], "supported", [2, 1]),
        ([LACKS, BARELY], "refuted", [1]),
        ([LACKS, MIXED], "mixed", [1, 0]),
        ([LACKS, ("mixed", 1.0, 0.3), LACKS], "mixed", [1, 0, 2]),  # the nearest of those with p = 1
    ],
)
def test_some_cell_shows_or_every_cell_lacks(rows, word, decisive):
    found = verdict_of(cells(*rows), some("shows"), every("lacks"))
    assert (found.word, found.decisive.index.tolist()) == (word, decisive)


def test_p_is_corrected_where_one_cell_decides():
    table = cells(SHOWS, ("shows", 0.01, 1), LACKS)
    assert verdict_of(table, some("shows"), every("lacks")).decisive["p"].tolist() == [0.003, 0.02]
    assert verdict_of(table[:2], every("shows"), some("lacks")).decisive["p"].tolist() == [0.01]
    assert corrected(table, "shows").tolist() == [0.003, 0.02, 1]
