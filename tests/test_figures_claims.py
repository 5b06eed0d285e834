"""The figures around the verdicts show the numbers of their tables, in words and symbols."""

import numpy as np
import pandas as pd
import pytest
import simulation
from drawings import assert_readable, drawn, texts

from infoplane.artifacts import canonical, describe, write_table
from infoplane.config import FigureSpec
from infoplane.config.validation import parse_spec
from infoplane.errors import UserError
from infoplane.figures import draw
from infoplane.statistics.claims import CLAIMS, judge_claims

NOTE = "a remark"


@pytest.fixture
def verdicts(tmp_path):
    columns = ["claim", "protocol", "reading", "status", "status_good_fits"]
    table = judge_claims(pd.DataFrame(columns=columns))
    words = ["supported", "refuted", "inconclusive"]
    long = "synthetic-tanh-float32/exact T5 against synthetic-relu-float32/exact"
    for turn, row in enumerate(table.index[:-1]):
        table.loc[row, ["verdict", "verdict_good_fits"]] = words[turn % 3]
        table.loc[row, ["shows", "lacks", "open", "saturated"]] = [turn, 30, 40, 50]
        table.loc[row, "decisive"] = f"{long}; another"
        table.loc[row, ["effect", "lower", "upper", "corrected_p"]] = [-0.25, -10.123, 10.5, 0.00001]
    table.loc[0, "verdict_good_fits"] = "refuted"
    table.to_csv(tmp_path / "claims.csv", index=False)
    return table, {"claims": {"study": [tmp_path / "claims.csv"]}}


class TestClaims:
    spec = FigureSpec(kind="claims", category="ours", note=NOTE)

    def test_says_all_of_every_verdict(self, verdicts):
        table, tables = verdicts
        figure = drawn(self.spec, tables)
        words = [text.get_text() for text in texts(figure)]
        for verdict, count in table["verdict"].value_counts().items():
            assert sum(word.rstrip("†") == verdict for word in words) == count
        assert [word for word in words if word.endswith("†")] == ["supported†"]
        assert words.count("−0.250 [−10.123, 10.500] bit, p < 0.001") == len(table) - 1
        assert NOTE in words and set(CLAIMS) <= {*words}
        for statement in table["statement"].unique():
            assert statement in {" ".join(word.split()) for word in words}

    def test_is_readable(self, verdicts):
        assert_readable(drawn(self.spec, verdicts[1]))

    def test_symbols_tell_verdicts_apart_without_colour(self, verdicts):
        figure = drawn(self.spec, verdicts[1])
        lines = figure.axes[0].lines
        assert {line.get_color() for line in lines} == {"k"}
        assert len({(line.get_marker(), line.get_fillstyle()) for line in lines}) == 4

    def test_equal_tables_give_equal_bytes(self, verdicts, tmp_path):
        outputs = [tmp_path / "a.png", tmp_path / "b.png"]
        for output in outputs:
            drawn(self.spec, verdicts[1], output)
        first, second = (output.read_bytes() for output in outputs)
        assert first == second

    def test_refuses_another_table(self, tmp_path):
        (tmp_path / "cells.csv").write_text("claim,statement\nC1,it is so\n")
        with pytest.raises(UserError, match=r"cells\.csv: has no column"):
            draw(self.spec, {"claims": {"study": [tmp_path / "cells.csv"]}}, [])
        with pytest.raises(UserError, match="its claims is not given; give --claims"):
            draw(self.spec, {}, [])


class TestTradeoff:
    spec = FigureSpec(
        kind="tradeoff", category="ours", experiments=("relu",), estimators=("exact",), note=NOTE
    )

    @pytest.fixture
    def tables(self, tmp_path):
        runs = pd.DataFrame(
            {
                "repetition": np.repeat([0, 1, 2], 3),
                "layer": [1, 2, 3] * 3,
                "compression": [0.0, 2, 1, 0, 4, 1, 0, 3, 2],
                "test_accuracy": np.repeat([0.9, 0.5, 0.8], 3),
                "gap": np.repeat([0.1, 0.0, 0.2], 3),
                "bad_fit": pd.array([False] * 3 + [True] * 3 + [False] * 3, dtype="boolean"),
            }
        )
        tested = pd.DataFrame(
            [
                (layer, name, 3, -layer / 10, -0.9, 0.5)
                for layer in (1, 2, 3)
                for name in ("test_accuracy", "gap")
            ],
            columns=["layer", "against", "runs", "rho", "lower", "upper"],
        )
        told = {"repetitions": [0, 1, 2], "failed": [], "bad_fits": [1], "dataset": simulation.DATASET}
        write_table(tmp_path / "t", runs, describe("tradeoff", {}, **told))
        write_table(tmp_path / "c", tested, describe("correlations", {}, **told))
        pair = ("relu", "exact")
        return {"tradeoff": {pair: [tmp_path / "t"]}, "correlations": {pair: [tmp_path / "c"]}}

    def test_shows_the_output_and_the_hidden_layer_that_compresses_most(self, tables):
        figure = drawn(self.spec, tables)
        words = " ".join(text.get_text() for text in texts(figure))
        assert words.count("hidden $T_{2}$: ρ = −0.20 [−0.90, 0.50]") == 2
        assert words.count("output $T_{3}$: ρ = −0.30 [−0.90, 0.50]") == 2
        assert "3 runs, 1 bad fit (open symbols)" in words and NOTE in words
        assert_readable(figure)

    def test_points_are_the_runs_and_bad_fits_are_open(self, tables):
        left, right = drawn(self.spec, tables).axes
        hidden, bad, *_ = left.collections
        assert hidden.get_offsets().tolist() == [[2, 0.9], [3, 0.8]]
        assert bad.get_offsets().tolist() == [[4, 0.5]] and len(bad.get_facecolors()) == 0
        assert right.collections[1].get_offsets().tolist() == [[4, 0.0]]


class TestMerging:
    @staticmethod
    def table(classes: int) -> pd.DataFrame:
        names = [f"{name}_{number}" for name in ("code", "softmax", "bin") for number in range(classes)]
        rows = [[-1, 0, 0.3, 0.7, 0, 1], [-2, 0, 0.1, 0.9, 0, 1], [0, 0, 0.5, 0.5, 1, 0]]
        rows = [
            [value for pair in np.reshape(row, (3, 2)) for value in [*pair, *[0] * (classes - 2)]]
            for row in rows
        ]
        table = pd.DataFrame(rows, columns=names).assign(scale=0.5, count=[2, 1, 1])
        return pd.concat([table.assign(epoch=0), table[:1].assign(epoch=7)], ignore_index=True)

    @pytest.mark.parametrize("classes", [2, 3])
    def test_says_how_many_codes_and_bins_there_are(self, tmp_path, classes):
        spec = FigureSpec(kind="merging", category="ours", experiments=("relu",), note=NOTE)
        write_table(tmp_path / "m", self.table(classes), describe("merging", {}, repetitions=[4]))
        figure = drawn(spec, {"merging": {"relu": [tmp_path / "m"]}}, tmp_path / "a.png")
        words = [text.get_text() for text in texts(figure)]
        assert "epoch 0\n3 codes, 1.50 bit\n2 bins, 0.81 bit" in words
        assert "epoch 7\n1 codes, 0.00 bit\n1 bins, 0.00 bit" in words
        assert "relu, repetition 4" in words and NOTE in words
        assert (tmp_path / "a.png").stat().st_size > 1000


def test_a_figure_of_the_study_is_told_of_no_experiments():
    spec = FigureSpec(kind="claims", category="ours")
    assert parse_spec(FigureSpec, canonical(spec.differences())) == spec


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"kind": "claims", "experiments": ["a"]}, "kind claims takes no experiments"),
        ({"kind": "claims", "estimators": ["a"]}, "kind claims takes no estimators"),
        ({"kind": "merging", "experiments": ["a"], "estimators": ["b"]}, "kind merging takes no estimators"),
        ({"kind": "plane", "estimators": ["a"]}, "kind plane needs experiments"),
        ({"kind": "tradeoff", "experiments": ["a"]}, "kind tradeoff needs estimators"),
    ],
)
def test_keys_fit_kind(keys, told):
    with pytest.raises(ValueError, match=told):
        FigureSpec(category="ours", **keys)
