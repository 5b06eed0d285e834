"""Observations know what T is, and are read from phases that fit together."""

from itertools import product

import numpy as np
import pytest
from observations import BY, CONTROLLED, FLOAT32, TANH, seen
from phase_files import write_phases

from infoplane.artifacts import MOVE_AWAY, read_table, write_table
from infoplane.config import EstimatorSpec
from infoplane.digests import digest
from infoplane.errors import UserError
from infoplane.statistics.observations import Observation, observe


def test_what_is_exact():
    found = {(bits, by): seen("a", by, bits=bits).exact_reading for bits, by in product(("float32", 8), BY)}
    exact = {key: reading for key, reading in found.items() if reading}
    assert exact == {("float32", "exact"): "float32", (8, "exact"): "codes"}


def test_what_t_is_at_the_output():
    protocols = ({}, CONTROLLED)
    pairs = product(protocols, ("exact", "rebinned"))
    readings = [seen("a", by, **each).output_reading for each, by in pairs]
    assert readings == ["logits", "rebinned", "softmax", "rebinned"]
    assert seen("a", "wide").output_reading is None
    assert [seen("a", by, **FLOAT32).output_reading for by in ("exact", "rebinned")] == ["float32", None]


@pytest.mark.parametrize(("ends", "reading"), [((0, 1), "softmax"), ((0, 2), None)])
def test_the_softmax_quantized_after_training_is_a_reading_of_published_networks(ends, reading):
    published, by = seen("a"), EstimatorSpec(kind="quantized", range=ends)
    assert Observation("a", "q", published.training, by, published.phases).output_reading == reading


def test_what_t_is_in_any_layer():
    assert [seen("a").reading_of(layer) for layer in (1, 2)] == ["codes", "logits"]
    assert [seen("a", "wide").reading_of(layer) for layer in (1, 2)] == ["bins", "bins"]
    assert [seen("a", "rebinned", **FLOAT32).reading_of(layer) for layer in (1, 2)] == ["rebinned"] * 2


def test_trained_like():
    one = seen("a")
    assert one.trained_like(seen("b", **TANH), but="activation")
    assert not one.trained_like(seen("b", **TANH), but="bits")
    assert not one.trained_like(seen("b", **TANH, epochs=9000), but="activation")


class TestObserve:
    def test_reads_in_the_order_of_names(self, tmp_path):
        pairs = [write_phases(tmp_path, seen(name, by)) for name, by in (("b", "exact"), ("a", "exact"))]
        study = observe(dict(pairs))
        assert [one.name for one in study] == ["a/exact", "b/exact"]
        assert study[0].training == seen("a").training and study[0].phases.equals(seen("a").phases)

    def test_a_subset_of_the_inputs_is_left_out_unless_asked_for(self, tmp_path):
        phases = dict([write_phases(tmp_path, seen("a")), write_phases(tmp_path, seen("b"), subset="test")])
        assert [one.experiment for one in observe(phases)] == ["a"]
        assert [one.experiment for one in observe(phases, subsets=True)] == ["a", "b"]

    def test_specs_of_an_experiment_must_agree(self, tmp_path):
        pairs = [write_phases(tmp_path, each) for each in (seen("a"), seen("a", "rebinned", epochs=9000))]
        with pytest.raises(UserError, match=r"a/rebinned/phases.parquet: the training spec is .*epochs"):
            observe(dict(pairs))

    def test_data_sets_of_one_name_must_agree(self, tmp_path):
        pairs = [write_phases(tmp_path, seen("a")), write_phases(tmp_path, seen("b"), digest="1" * 64)]
        with pytest.raises(UserError, match=r"b/exact/phases.parquet: the data set is "):
            observe(dict(pairs))
        other = write_phases(tmp_path, seen("b", dataset="mnist"), digest="1" * 64)
        assert [one.experiment for one in observe(dict([pairs[0], other]))] == ["a", "b"]

    @pytest.mark.parametrize("column", ["blocks", "near_log2_n"])
    def test_tables_of_an_earlier_version_are_refused(self, tmp_path, column):
        names, path = write_phases(tmp_path, seen("a"))
        table, known = read_table(path, "phases")
        write_table(path, table.drop(columns=column), known)
        with pytest.raises(UserError, match=f"{path}: has no column {column}, .*; run the workflow again"):
            observe({names: path})

    def test_specs_of_another_version_are_one_line(self, tmp_path):
        names, path = write_phases(tmp_path, seen("a"))
        table, known = read_table(path, "phases")
        training, estimator = known["spec"]["training"], known["spec"]["estimator"]
        for wrong in (
            known | {"spec": {"training": training | {"momentum": 0.9}, "estimator": estimator}},
            known | {"spec": {"training": training, "estimator": {"kind": "psychic"}}},
            known | {"spec": {"training": training}},
            known | {"dataset": None},
        ):
            write_table(path, table, wrong | {"spec_hash": digest(wrong["spec"])})
            with pytest.raises(
                UserError, match=f"^{path}: was made by .* this version does not know"
            ) as caught:
                observe({names: path})
            assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("columns", "words"),
        [
            ({"layer": "first"}, "holds 'first' in the column layer, expected numbers"),
            ({"layer": np.nan}, "lacks numbers in the column layer"),
            ({"repetition": np.inf}, "lacks numbers in the column repetition"),
            ({"compression": "much"}, "holds 'much' in the column compression, expected numbers"),
            ({"peak": True}, "holds True in the column peak, expected numbers"),
            ({"near_log2_n": "no"}, "holds 'no' in the column near_log2_n, expected True and False"),
            ({"bad_fit": 0.5}, "holds 0.5 in the column bad_fit, expected True and False"),
        ],
    )
    def test_columns_of_other_values_are_one_line(self, tmp_path, columns, words):
        names, path = write_phases(tmp_path, seen("a"))
        table, known = read_table(path, "phases")
        write_table(path, table.assign(**columns), known)
        with pytest.raises(UserError) as caught:
            observe({names: path})
        assert str(caught.value) == f"{path}: {words}; {MOVE_AWAY}"

    def test_a_table_without_rows_is_one_line(self, tmp_path):
        names, path = write_phases(tmp_path, seen("a"))
        table, known = read_table(path, "phases")
        write_table(path, table[:0], known)
        with pytest.raises(UserError, match=f"^{path}: has no rows; if the workflow made this file, move it"):
            observe({names: path})
