"""Phases of runs become cells with a status."""

import numpy as np
import pandas as pd
import pytest
from observations import LACKS, OPEN, RUNS, SHOWS, seen

from infoplane.statistics.cells import decide

pytestmark = pytest.mark.usefixtures("few_resamples")


def test_effects_become_statuses():
    one = seen("a", compression=[SHOWS, LACKS, OPEN, SHOWS], saturated=[4])
    table = decide(one.cells("codes", "compression", one.layers))
    assert table["status"].tolist() == ["shows", "lacks", "open", "saturated"]
    assert table["runs"].tolist() == [RUNS] * 4
    assert table["fraction"].tolist()[:2] == [1, 0]
    assert table["onset"].tolist()[:2] == [700, pd.NA]
    assert table.loc[0, "effect"] == pytest.approx(1, abs=0.02)


def test_failed_runs_count_not_and_bad_fits_do():
    one = seen("a", compression=[SHOWS])
    one.phases.loc[[0, 1], ["compression", "failed"]] = [np.nan, True]
    one.phases.loc[[2, 3, 4], "bad_fit"] = True
    one.phases.loc[[2, 3, 4], "compression"] = 0
    (cell,) = one.cells("codes", "compression", [1])
    (both,), (good,) = (decide([cell], good_fits).to_dict("records") for good_fits in (False, True))
    assert (both["runs"], both["bad_fits"], good["runs"], good["bad_fits"]) == (18, 3, 15, 3)
    assert both["effect"] == pytest.approx(good["effect"] * 15 / 18)


def test_undefined_bad_fits_are_no_bad_fits():
    one = seen("a")
    one.phases["bad_fit"] = pd.array([pd.NA] * len(one.phases), dtype="boolean")
    for good_fits in (False, True):
        table = decide(one.cells("codes", "compression", one.layers), good_fits)
        assert table["bad_fits"].isna().all() and (table["runs"] == RUNS).all()


def test_without_another_half_of_the_runs_all_is_open():
    one = seen("a")
    one.phases["compression"] = np.nan
    table = decide(one.cells("codes", "compression", one.layers))
    assert (table["status"] == "open").all() and (table["runs"] == 0).all()
    assert table[["effect", "p", "corrected_p", "corrected_tost_p"]].isna().all(axis=None)


def test_holm_within_a_protocol_and_without_the_saturated():
    published = seen("a", compression=[SHOWS] * 4, saturated=[1])
    controlled = seen("b", compression=[SHOWS] * 2, protocol="controlled")
    cells = [
        cell for one in (published, controlled) for cell in one.cells("codes", "compression", one.layers)
    ]
    table = decide(cells)
    least = 2.0**-RUNS
    assert table["p"].tolist() == [least] * 6
    assert table["corrected_p"].tolist()[1:] == [3 * least] * 3 + [2 * least] * 2
    assert np.isnan(table.loc[0, "corrected_p"])
    assert table["corrected_tost_p"].tolist()[1:] == [1] * 5


def test_differences_are_those_of_equal_repetitions():
    one, other = seen("a", compression=[SHOWS]), seen("b", compression=[LACKS])
    other.phases.loc[3, "compression"] = np.nan
    other.phases.loc[4, "bad_fit"] = True
    one.phases.loc[9, "bad_fit"] = True
    other.phases.loc[:, "repetition"] += 1
    (cell,) = one.differences(other, "codes", [1])
    assert cell.runs["repetition"].tolist() == [each for each in range(1, RUNS) if each != 4]
    own, others = (each.phases.set_index("repetition")["compression"] for each in (one, other))
    assert (cell.runs.set_index("repetition")["effect"] == (own - others).dropna()).all()
    assert cell.runs.loc[cell.runs["bad_fit"], "repetition"].tolist() == [5, 9]
    assert cell.against == "b/exact" and not cell.saturated
