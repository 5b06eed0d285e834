"""Margins are those that verdicts are told for."""

import pandas as pd
import pytest

from infoplane.statistics.margins import DEFAULT, MARGINS


def test_names_and_values():
    assert [margin.name for margin in MARGINS] == [
        "0.02 bit", "0.05 bit", "0.1 bit", "0.2 bit", "0.5 bit", "1 %", "2 %", "5 %"
    ]  # fmt: skip
    assert DEFAULT in MARGINS and DEFAULT == (0.1, 0.01, False)
    for margin in MARGINS:
        share = 1 if margin.relative else 10
        assert margin.compression == pytest.approx(share * margin.fitting)


def test_limits():
    whole = pd.Series([2.0, 10.0])
    assert DEFAULT.limit(0.1, whole).tolist() == [0.1, 0.1]
    assert MARGINS[-1].limit(0.05, whole).tolist() == [0.1, 0.5]
