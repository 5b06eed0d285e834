"""Phases of runs become cells with a status."""

import numpy as np
import pandas as pd
import pytest
from observations import EFFECT, HEADROOM, LACKS, MIXED, RUNS, SHOWS, seen

from infoplane.statistics.cells import (
    DESCRIBED,
    Cell,
    decide,
    describe,
    difference_cell,
    disagreement_cell,
    layer_cell,
    network_cell,
)
from infoplane.statistics.margins import MARGINS


def cells_of(one, phase="compression") -> list[Cell]:
    return [layer_cell(one, "codes", phase, layer) for layer in one.layers]


def test_numbers_of_runs_become_statuses():
    table = describe(cells_of(seen("a", compression=[SHOWS, LACKS, MIXED, 15, 5])))
    assert table["status"].tolist() == ["shows", "lacks", "mixed", "shows", "lacks"]
    assert table["k"].tolist() == [20, 0, 10, 15, 5] and (table["n"] == RUNS).all()
    assert table["prevalence"].tolist() == [1, 0, 0.5, 0.75, 0.25]
    assert table["mean"].tolist() == pytest.approx([1, 0, 0.5, 0.75, 0.25])
    assert table["median"].tolist() == [1, 0, 0.5, 1, 0]
    assert (table["mean_lower"] <= table["mean"]).all() and (table["mean"] <= table["mean_upper"]).all()
    assert {*DESCRIBED} <= {*table}


def test_fewer_than_five_runs_are_too_few():
    (four, five) = (describe(cells_of(seen("a", compression=[runs], runs=runs))) for runs in (4, 5))
    assert four["status"].item() == "too few" and np.isnan(four["mean_lower"].item())
    assert five["status"].item() == "shows"


def test_failed_runs_count_not_and_bad_fits_do():
    one = seen("a", compression=[SHOWS])
    one.phases.loc[[0, 1], ["compression", "failed"]] = [np.nan, True]
    one.phases.loc[[2, 3, 4], "bad_fit"] = True
    one.phases.loc[[2, 3, 4], "compression"] = 0
    cells = cells_of(one)
    both, good = describe(cells), decide(cells, good_fits=True)
    assert (both["k"].item(), both["n"].item(), both["bad_fits"].item()) == (15, 18, 3)
    assert (good["k"].item(), good["n"].item()) == (15, 15)
    assert both["mean"].item() == pytest.approx(15 / 18)


def test_undefined_bad_fits_are_no_bad_fits():
    one = seen("a")
    one.phases["bad_fit"] = pd.array([pd.NA] * len(one.phases), dtype="boolean")
    assert describe(cells_of(one))["bad_fits"].isna().all()
    assert (decide(cells_of(one), good_fits=True)["n"] == RUNS).all()


@pytest.mark.parametrize("phase", ["fitting", "compression", "conditional", "order", "zigzag"])
def test_nothing_measured(phase):
    one = seen("a")
    measures = ["fitting", "compression", "conditional_compression", "fitted_at_onset"]
    one.phases[measures] = np.nan
    one.phases["turning_points"] = pd.array([pd.NA] * len(one.phases), dtype="Int32")
    table = describe(cells_of(one, phase))
    assert (table["status"] == "too few").all() and (table["n"] == 0).all()
    assert table[["prevalence", "lower", "mean", "median"]].isna().all(axis=None)
    assert not table[["near_log2_n", "injective"]].any(axis=None)


class TestCeiling:
    def test_is_decided_by_the_mean_headroom(self):
        one = seen("a", compression=[LACKS] * 3, headroom=[0.0101, 0.0099, 0])
        assert decide(cells_of(one, "fitting"))["status"].tolist() == ["lacks", "ceiling", "ceiling"]
        assert (decide(cells_of(one))["status"] == "lacks").all()

    def test_whatever_happens_later(self):
        one = seen("a", compression=[SHOWS], headroom=[0.005])
        assert decide(cells_of(one, "fitting"))["status"].item() == "ceiling"

    def test_goes_with_the_margin_in_bits_and_not_with_a_share(self):
        one = seen("a", compression=[LACKS], headroom=[0.0199])
        found = {margin.name: decide(cells_of(one, "fitting"), margin)["status"].item() for margin in MARGINS}
        assert [name for name, status in found.items() if status == "ceiling"] == ["0.2 bit", "0.5 bit"]


def test_fitting_of_runs_that_have_headroom():
    """Of 20 runs, 12 have something left to fit and 10 of these fit."""
    one = seen("a", compression=[10])
    one.phases["headroom"] = np.where(one.phases["repetition"] < 12, 0.5, 0.01)
    table = describe(cells_of(one, "fitting_with_headroom"))
    assert (table["k"].item(), table["n"].item(), table["status"].item()) == (10, 12, "shows")
    assert decide(cells_of(one, "fitting"))["status"].item() == "mixed"


class TestMarks:
    def test_near_log2_n_is_most_runs(self):
        one = seen("a", compression=[SHOWS])
        one.phases.loc[:9, "near_log2_n"] = True
        assert not describe(cells_of(one))["near_log2_n"].item()
        one.phases.loc[10, "near_log2_n"] = True
        assert describe(cells_of(one))["near_log2_n"].item()

    def test_injective_is_all_runs(self):
        one = seen("a", compression=[LACKS])
        one.phases["injective"] = True
        assert describe(cells_of(one))["injective"].item()
        one.phases.loc[3, "injective"] = False
        assert not describe(cells_of(one))["injective"].item()


class TestNetwork:
    def test_all_hidden_layers_together(self):
        one = seen("a", compression=[6, 12, SHOWS], near=[1])
        (row,) = describe([network_cell(one, "networks/codes")]).to_dict("records")
        assert (row["k"], row["n"], row["layer"], row["near_log2_n"]) == (12, RUNS, 0, False)
        assert row["mean"] == pytest.approx(12 / RUNS)

    def test_is_marked_if_all_of_them_are(self):
        assert network_cell(seen("a", compression=[6, 12, SHOWS], near=[1, 2]), "").near_log2_n


class TestDifference:
    def test_is_that_of_equal_repetitions(self):
        one, other = seen("a", compression=[SHOWS]), seen("b", compression=[LACKS], near=[1])
        other.phases.loc[3, "compression"] = np.nan
        other.phases.loc[4, "bad_fit"] = True
        one.phases.loc[9, "bad_fit"] = True
        other.phases["repetition"] += 1
        cell = difference_cell(one, other, "codes", 1)
        assert cell.runs["repetition"].tolist() == [each for each in range(1, RUNS) if each != 4]
        assert (cell.runs["effect"] == EFFECT).all()
        assert cell.runs.loc[cell.runs["bad_fit"], "repetition"].tolist() == [5, 9]
        assert cell.against == "b/exact" and cell.near_log2_n
        assert decide([cell])["status"].item() == "shows"

    def test_a_share_is_one_of_the_larger_peak(self):
        one, other = seen("a", compression=[SHOWS]), seen("b", compression=[LACKS])
        one.phases["peak"], other.phases["peak"] = 3.0, 25.0
        assert decide([difference_cell(one, other, "", 1)], MARGINS[-1])["status"].item() == "lacks"

    def test_opposite_directions_are_no_difference(self):
        one, other = seen("a", compression=[MIXED]), seen("b", compression=[LACKS])
        other.phases["compression"] = EFFECT - one.phases["compression"]
        (row,) = describe([difference_cell(one, other, "", 1)]).to_dict("records")
        assert (row["k"], row["n"], row["status"], row["mean"]) == (10, 20, "mixed", 0)

    def test_of_fitting(self):
        cell = difference_cell(seen("a", fitting=[1, 2]), seen("b", fitting=[0, 0]), "", 2, "fitting")
        assert (cell.phase, cell.runs["effect"].sum()) == ("fitting difference", 2)
        assert (cell.runs["whole"] == HEADROOM).all()


def test_disagreement_is_about_the_same_runs():
    one, other = seen("a", "wide", [15], bits="float32"), seen("a", "fine", [3], bits="float32")
    other.phases["repetition"] = other.phases["repetition"].to_numpy()[::-1]
    (row,) = describe([disagreement_cell(one, other, "bins", 1)]).to_dict("records")
    assert (row["k"], row["n"], row["against"]) == (15, 18, "a/fine")
    assert row["status"] == "shows" and row["mean"] == pytest.approx((15 - 3) / RUNS)
