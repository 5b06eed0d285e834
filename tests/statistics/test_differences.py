"""Experiments that differ in one key are compared run by run."""

import numpy as np
import pytest
from observations import CONTROLLED, FLOAT32, LACKS, MIXED, RUNS, SHOWS, TANH, seen

from infoplane.statistics.differences import DIFFERENCES, differences


def pairs(*study) -> list[tuple[str, str, str]]:
    table = differences(study).drop_duplicates(["experiment", "against", "estimator"])
    return [*zip(table["experiment"], table["against"], table["key"], strict=True)]


def test_one_key_that_differs():
    study = [
        seen("relu"),
        seen("tanh", **TANH),
        seen("tanh-controlled", **TANH, **CONTROLLED),
        seen("relu-ema", **CONTROLLED, ranges={"activations": "ema"}),
        seen("relu-glorot", initialisation="glorot"),
        seen("random-labels", labels="shuffled"),
    ]
    assert pairs(*study) == [
        ("relu", "tanh", "activation"),
        ("relu", "relu-glorot", "initialisation"),
        ("relu", "random-labels", "labels"),
        ("tanh", "tanh-controlled", "protocol"),
    ]


def test_values_are_told():
    one, other = seen("a", **CONTROLLED), seen("b", **CONTROLLED, ranges={"activations": [0, 6]})
    table = differences([one, other])
    assert set(zip(table["value"], table["against_value"], strict=True)) == {
        ("default", "activations: [0.0,6.0]")
    }
    table = differences([seen("a"), seen("b", **FLOAT32)])
    assert set(table["value"]) == {"weights: 8, activations: 8"} and set(table["against_value"]) == {
        "float32"
    }


def test_counts_of_both_directions():
    one, other = seen("a", compression=[SHOWS, 3]), seen("b", compression=[LACKS, MIXED], **TANH)
    table = differences([one, other]).query("phase == 'compression'")
    assert [*table] == DIFFERENCES
    assert table[["more", "less", "within"]].to_numpy().tolist() == [[RUNS, 0, 0], [0, 7, 13]]
    assert table["k"].tolist() == [RUNS, 7] and table["status"].tolist() == ["shows", "mixed"]
    assert table["mean"].tolist() == pytest.approx([1, (3 - 10) / RUNS])
    assert (table["more"] + table["less"] + table["within"] == table["n"]).all()


def test_fitting_has_its_margin():
    one, other = seen("a", fitting=[SHOWS, LACKS]), seen("b", fitting=[LACKS, LACKS], **TANH)
    one.phases["fitting"] *= 0.05
    table = differences([one, other]).query("phase == 'fitting'")
    assert table["more"].tolist() == [RUNS, 0] and table["status"].tolist() == ["shows", "lacks"]


def test_readings_of_the_output():
    table = differences([seen("a"), seen("b", **CONTROLLED)]).query("layer == 2")
    assert set(zip(table["reading"], table["against_reading"], strict=True)) == {("logits", "softmax")}


def test_other_estimators_and_other_depths_are_not_compared():
    assert differences([seen("a"), seen("b", "rebinned", **TANH)]).empty
    deeper = seen("b", compression=[LACKS] * 3, network=[10, 10])
    assert differences([seen("a"), deeper]).empty
    assert [*differences([])] == DIFFERENCES


def test_the_other_way_round_is_the_same_with_the_other_sign():
    one, other = seen("a", compression=[15, 3]), seen("b", compression=[2, MIXED], **TANH)
    first, second = differences([one, other]), differences([other, one])
    np.testing.assert_allclose(first["mean"], -second["mean"])
    assert first[["more", "less"]].to_numpy().tolist() == second[["less", "more"]].to_numpy().tolist()
    assert (first["status"] == second["status"]).all()
