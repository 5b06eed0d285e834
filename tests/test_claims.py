"""Claims rest on the cells that they speak of, and are decided as their words say."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import BY, EFFECT, FLOAT32, LACKS, OPEN, RUNS, SHOWS, TANH, seen

from infoplane.config import EstimatorSpec
from infoplane.statistics.cells import Observation
from infoplane.statistics.claims import CLAIMS, VERDICTS, clearest_first, decide_claims, judge_claims

DOCS = Path(__file__).parents[1] / "docs" / "claims.md"
pytestmark = pytest.mark.usefixtures("few_resamples")


def verdicts(name: str, *study: Observation) -> dict[tuple[str, str], str]:
    """Of one claim, by protocol and reading, where there are cells."""
    table = judge_claims(decide_claims(study), [CLAIMS[name]])
    table = table[table["verdict"] != "no data"]
    return {(row["protocol"], row["reading"]): row["verdict"] for _, row in table.iterrows()}


def verdict(name: str, *study: Observation) -> str:
    (found,) = verdicts(name, *study).values()
    return found


def names(name: str, *study: Observation) -> list[str]:
    """What a claim rests on."""
    return [f"{cell.experiment}/{cell.estimator} {cell.layer}" for cell in CLAIMS[name].cells(study)]


class TestC1:
    def test_rests_on_bins_of_float32_networks(self):
        study = [seen(bits, by, bits=bits) for bits, by in product(("float32", 8), BY)]
        of_float32 = [
            f"float32/{by} {layer}" for by in ("first", "wide", "fine", "adaptive") for layer in (1, 2)
        ]
        assert names("C1", *study) == of_float32

    @pytest.mark.parametrize(
        ("wide", "fine", "expected"),
        [
            (["shows", "lacks"], ["shows", "shows"], "supported"),
            (["shows", "lacks"], ["shows", "lacks"], "refuted"),
            (["shows", "lacks"], ["shows", "open"], "inconclusive"),
            (["shows", "open"], ["lacks", "open"], "supported"),
        ],
    )
    def test_verdict(self, wide, fine, expected):
        study = [
            seen("a", by, [EFFECT[status] for status in layers], **FLOAT32)
            for by, layers in (("wide", wide), ("fine", fine))
        ]
        assert verdicts("C1", *study) == {("published", "bins"): expected}

    def test_other_runs_and_other_layers_do_not_disagree(self):
        one, other = seen("a", "wide", **FLOAT32), seen("b", "fine", [SHOWS, LACKS], **FLOAT32)
        assert verdict("C1", one, other) == "inconclusive"
        assert (
            verdict(
                "C1", one, other, seen("a", "fine", **FLOAT32), seen("b", "wide", [SHOWS, LACKS], **FLOAT32)
            )
            == "refuted"
        )

    def test_a_layer_that_one_binning_saturates_is_not_compared(self):
        fine = seen("a", "fine", [SHOWS, SHOWS], saturated=[1], **FLOAT32)
        assert verdict("C1", seen("a", "wide", **FLOAT32), fine) == "refuted"


class TestC2:
    def test_rests_on_exact_values_of_all_layers(self):
        study = [seen(bits, by, bits=bits) for bits, by in product(("float32", 8), BY)]
        assert names("C2", *study) == ["float32/exact 1", "float32/exact 2", "8/exact 1", "8/exact 2"]

    def test_float32_networks_are_a_reading_of_their_own(self):
        quantized, float32 = seen("a", fitting=[SHOWS, SHOWS]), seen("b", fitting=[SHOWS, LACKS], **FLOAT32)
        expected = {("published", "codes"): "supported", ("published", "float32"): "refuted"}
        assert verdicts("C2", quantized, float32) == expected

    @pytest.mark.parametrize(
        ("fitting", "saturated", "expected"),
        [
            ([SHOWS, SHOWS, SHOWS], [], "supported"),
            ([SHOWS, LACKS, SHOWS], [], "refuted"),
            ([SHOWS, OPEN, SHOWS], [], "inconclusive"),
            ([OPEN, LACKS, SHOWS], [], "refuted"),
            ([LACKS, SHOWS, SHOWS], [1], "supported"),
            ([LACKS, SHOWS, SHOWS], [1, 2, 3], "inconclusive"),
        ],
    )
    def test_verdict(self, fitting, saturated, expected):
        assert (
            verdict("C2", seen("a", fitting=fitting, compression=[LACKS] * 3, saturated=saturated))
            == expected
        )


class TestC3:
    def test_readings(self):
        controlled = {"protocol": "controlled"}
        study = [
            *(seen("published", by) for by in BY),
            *(seen("controlled", by, **controlled) for by in BY),
            *(seen("float32", by, **FLOAT32) for by in BY),
            *(seen("controlled-float32", by, **FLOAT32, **controlled) for by in BY),
        ]
        assert {(cell.protocol, cell.reading): f"{cell.experiment}/{cell.estimator} {cell.layer}"
                for cell in CLAIMS["C3"].cells(study)} == {
            ("published", "logits"): "published/exact 2",
            ("published", "rebinned"): "published/rebinned 2",
            ("published", "float32"): "float32/exact 2",
            ("controlled", "softmax"): "controlled/exact 2",
            ("controlled", "rebinned"): "controlled/rebinned 2",
            ("controlled", "float32"): "controlled-float32/exact 2",
        }  # fmt: skip

    def test_the_softmax_quantized_after_training_is_a_reading_of_published_networks(self):
        published = seen("a")
        for ends, reading in (((0.0, 1.0), "softmax"), ((0.0, 2.0), None)):
            seen_by = EstimatorSpec.model_construct(kind="quantized", range=ends, subset="all")
            one = Observation("a", "q", published.training, seen_by, published.phases)
            assert one.output_reading == reading

    def test_each_reading_has_its_verdict(self):
        study = [seen("a", "exact", [SHOWS, LACKS]), seen("a", "rebinned", [LACKS, SHOWS])]
        expected = {("published", "logits"): "refuted", ("published", "rebinned"): "supported"}
        assert verdicts("C3", *study) == expected


class TestC4:
    def test_rests_on_hidden_layers_of_networks_trained_alike(self):
        study = [
            seen("relu"),
            seen("tanh", **TANH),
            seen("tanh", "rebinned", **TANH),
            seen("tanh-4", **TANH, bits=4),
            seen("tanh-longer", **TANH, epochs=9000),
            seen("tanh-controlled", **TANH, protocol="controlled"),
            seen("sigmoid", activation="sigmoid", protocol="controlled"),
            seen("tanh-float32", **TANH, **FLOAT32),
        ]
        (cell,) = CLAIMS["C4"].cells(study)
        assert (cell.experiment, cell.against, cell.layer) == ("tanh", "relu/exact", 1)
        assert (cell.protocol, cell.reading, cell.phase) == ("published", "codes", "difference")

    @pytest.mark.parametrize(
        ("relu", "tanh", "expected"),
        [
            ([LACKS, LACKS, LACKS], [LACKS, SHOWS, LACKS], "supported"),
            ([SHOWS, LACKS, LACKS], [LACKS, LACKS, LACKS], "supported"),
            ([SHOWS, LACKS, LACKS], [SHOWS, LACKS, SHOWS], "refuted"),
            ([LACKS, LACKS, LACKS], [LACKS, OPEN, LACKS], "inconclusive"),
        ],
    )
    def test_verdict(self, relu, tanh, expected):
        study = seen("relu", compression=relu), seen("tanh", compression=tanh, **TANH)
        # equal runs would differ by nothing at all
        study[1].phases["compression"] += 0.01 * np.random.default_rng(1).standard_normal(3 * RUNS)
        assert verdict("C4", *study) == expected

    def test_a_layer_that_is_saturated_in_either_is_not_compared(self):
        saturated = seen("relu", saturated=[1])
        assert verdict("C4", saturated, seen("tanh", compression=[SHOWS, SHOWS], **TANH)) == "inconclusive"


class TestC5:
    @staticmethod
    def study(binned, exact, **others):
        return [
            seen("float32", "first", binned, **TANH, **FLOAT32),
            *(
                seen(f"{bits}bit", "exact", layers, bits=bits, **TANH | others)
                for bits, layers in exact.items()
            ),
        ]

    def test_rests_on_first_binning_and_exact_values_of_networks_trained_alike(self):
        study = self.study([SHOWS, LACKS], {8: [SHOWS, SHOWS]})
        strangers = [
            seen("float32", "wide", **TANH, **FLOAT32),
            seen("float32", "exact", **TANH, **FLOAT32),
            seen("relu-float32", "first", **FLOAT32),
            seen("8bit", "first", **TANH),
            seen("relu"),
            seen("longer", **TANH, epochs=9000),
        ]
        cells = list(CLAIMS["C5"].cells([*strangers, *study]))
        assert [(cell.experiment, cell.layer, cell.against) for cell in cells] == [
            ("float32", 1, ""),
            ("float32", 2, ""),
            ("8bit", 1, "float32/first"),
            ("8bit", 2, "float32/first"),
        ]
        assert not list(CLAIMS["C5"].cells([*strangers, study[0]]))

    @pytest.mark.parametrize(
        ("binned", "exact", "expected"),
        [
            ([SHOWS, LACKS], {8: [SHOWS, LACKS]}, "supported"),
            ([SHOWS, LACKS], {8: [LACKS, SHOWS]}, "refuted"),
            ([SHOWS, LACKS], {8: [OPEN, LACKS]}, "inconclusive"),
            ([SHOWS, SHOWS], {8: [SHOWS, LACKS]}, "inconclusive"),
            ([SHOWS, LACKS], {8: [SHOWS, LACKS], 4: [LACKS, LACKS]}, "inconclusive"),
            ([SHOWS, LACKS], {8: [SHOWS, LACKS], 4: [SHOWS, OPEN]}, "supported"),
            ([LACKS, OPEN], {8: [SHOWS, LACKS]}, "inconclusive"),
        ],
    )
    def test_verdict(self, binned, exact, expected):
        assert verdict("C5", *self.study(binned, exact)) == expected

    def test_a_saturated_layer_counts_neither_for_nor_against(self):
        binned = seen("float32", "first", [SHOWS, SHOWS], **TANH, **FLOAT32)
        assert (
            verdict("C5", binned, seen("a", compression=[LACKS, SHOWS], saturated=[1], **TANH)) == "supported"
        )
        assert (
            verdict("C5", binned, seen("a", compression=[LACKS, LACKS], saturated=[1], **TANH)) == "refuted"
        )


class TestC6:
    @pytest.mark.parametrize(
        ("compression", "saturated", "expected"),
        [
            ([SHOWS, LACKS, SHOWS], [], "supported"),
            ([SHOWS, SHOWS, LACKS], [], "refuted"),
            ([SHOWS, OPEN, LACKS], [], "inconclusive"),
            ([LACKS, SHOWS, LACKS], [1], "refuted"),
            ([LACKS, LACKS, LACKS], [1, 2], "inconclusive"),
        ],
    )
    def test_verdict(self, compression, saturated, expected):
        assert verdict("C6", seen("a", compression=compression, saturated=saturated)) == expected

    def test_rests_on_exact_values_of_hidden_layers(self):
        assert names("C6", *(seen("a", by) for by in BY)) == ["a/exact 1"]


def cells_of(*statuses) -> pd.DataFrame:
    """Decided cells of as many layers, the first with the lowest intervals."""
    count = np.arange(len(statuses)) / 100
    table = pd.DataFrame({"status": statuses, "lower": count, "upper": count + 0.001}).assign(
        experiment="a", estimator="exact", against="", two_sided=False, margin=0.1
    )
    return table.assign(layer=np.arange(len(table)) + 1)


class TestRules:
    @settings(deadline=None)
    @given(st.lists(st.sampled_from(["shows", "lacks", "open"]), max_size=6))
    def test_as_sets(self, statuses):
        found = {name: CLAIMS[name].verdict(cells_of(*statuses)).verdict for name in ("C2", "C3", "C4", "C6")}
        kinds = set(statuses)
        all_show, all_lack = kinds == {"shows"}, kinds == {"lacks"}
        none = "inconclusive"
        assert (
            found["C2"]
            == found["C3"]
            == ("refuted" if "lacks" in kinds else "supported" if all_show else none)
        )
        assert found["C4"] == ("supported" if "shows" in kinds else "refuted" if all_lack else none)
        assert found["C6"] == ("supported" if "lacks" in kinds else "refuted" if all_show else none)

    def test_an_every_hangs_on_the_least_clear_cell_and_a_some_on_those_that_do(self):
        assert CLAIMS["C2"].verdict(cells_of("shows", "shows")).decisive["layer"].tolist() == [1]
        assert CLAIMS["C4"].verdict(cells_of("shows", "open", "shows")).decisive["layer"].tolist() == [3, 1]
        assert CLAIMS["C6"].verdict(cells_of("lacks", "shows", "lacks")).decisive["layer"].tolist() == [1, 3]
        assert CLAIMS["C2"].verdict(cells_of("shows", "open")).decisive["layer"].tolist() == [2]

    def test_binnings_that_agree_hang_on_the_least_clear_and_those_that_differ_on_all_that_do(self):
        agreeing, differing = (
            CLAIMS["C1"].verdict(cells_of(*statuses).assign(layer=1, estimator=["wide", "fine", "adaptive"]))
            for statuses in (["shows"] * 3, ["shows", "lacks", "open"])
        )
        assert (agreeing.verdict, agreeing.decisive["estimator"].tolist()) == ("refuted", ["wide"])
        assert (differing.verdict, differing.decisive["estimator"].tolist()) == (
            "supported",
            ["fine", "wide"],
        )

    def test_clear_is_how_far_an_interval_lies_beyond_the_margin_or_within(self):
        columns = ["status", "lower", "upper", "margin", "two_sided"]
        by_distance = {
            0.3: ("shows", -0.9, -0.4, 0.1, True),
            0.25: ("shows", 0.35, 0.9, 0.1, False),
            0.2: ("shows", 0.3, 0.8, 0.1, True),
            0.05: ("lacks", -0.05, 0.04, 0.1, True),
            0.04: ("lacks", -0.01, 0.06, 0.1, False),
            0.035: ("shows", 0.045, 0.6, 0.01, False),
            0.03: ("lacks", -0.07, 0.01, 0.1, False),
            -0.5: ("open", -0.4, -0.3, 0.1, False),
        }
        cells = pd.DataFrame(by_distance.values(), list(by_distance), columns)
        assert clearest_first(cells.sort_values("lower")).index.tolist() == list(by_distance)

    def test_cells_that_are_equally_clear_stay_in_order(self):
        cells = cells_of(*["shows"] * 40).assign(lower=[0.2, 0.3] * 20)
        assert clearest_first(cells).index.tolist() == [*range(1, 40, 2), *range(0, 40, 2)]

    @pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
    def test_words_are_those_of_the_docs(self, claim):
        docs = " ".join(re.sub(r"[|`]", " ", DOCS.read_text()).split())
        for words in claim.words:
            assert words.endswith(".") and words.removesuffix(".") in docs


class TestVerdicts:
    def test_what_was_not_run_is_said(self):
        table = judge_claims(decide_claims([seen("a")]))
        readings = ["logits", "rebinned", "softmax", "float32"]
        expected = [("C1", "published", "bins"), ("C1", "controlled", "bins")]
        exact = list(product(("published", "controlled"), ("codes", "float32")))
        expected += [("C2", *each) for each in exact]
        expected += [("C3", "published", each) for each in readings]
        expected += [("C3", "controlled", each) for each in readings[1:]]
        expected += [("C4", *each) for each in exact]
        expected += [("C5", "published", "codes"), ("C5", "controlled", "codes")]
        expected += [("C6", *each) for each in exact]
        assert [*table[["claim", "protocol", "reading"]].itertuples(index=False, name=None)] == expected
        assert table["statement"].tolist() == [CLAIMS[name].words[0] for name in table["claim"]]
        silent = table["verdict"] == "no data"
        assert table[~silent]["claim"].tolist() == ["C2", "C3", "C6"]
        assert (table.loc[silent, ["shows", "lacks", "open", "saturated"]] == 0).all(axis=None)
        assert (table.loc[silent, "verdict_good_fits"] == "no data").all()
        assert (table.loc[silent, "decisive"] == "").all()

    def test_numbers_are_those_of_the_cell_that_decides(self):
        cells = decide_claims([seen("a", compression=[LACKS] * 3, fitting=[SHOWS, 2 * SHOWS, LACKS])])
        table = judge_claims(cells).set_index(["claim", "reading"])
        cell = cells[(cells["claim"] == "C2") & (cells["layer"] == 3)].iloc[0]
        row = table.loc[("C2", "codes")].iloc[0]
        assert row["decisive"] == "a/exact T3" and row["verdict"] == "refuted"
        assert [row[name] for name in ("shows", "lacks", "open", "saturated")] == [2, 1, 0, 0]
        for name in ("effect", "lower", "upper"):
            assert row[name] == cell[name]
        assert row["corrected_p"] == cell["corrected_tost_p"]

    def test_of_several_decisive_cells_the_numbers_are_those_of_the_first(self):
        cells = decide_claims([seen("a", compression=[LACKS] * 3, fitting=[0.3, SHOWS, LACKS])])
        row = judge_claims(cells).set_index(["claim", "reading"]).loc[("C2", "codes")].iloc[0]
        assert (row["verdict"], row["decisive"]) == ("refuted", "a/exact T3; a/exact T1")
        assert row["effect"] == pytest.approx(0, abs=1e-6)

    def test_a_cell_is_named_with_what_it_is_compared_with(self):
        table = judge_claims(decide_claims([seen("relu"), seen("tanh", compression=[SHOWS, SHOWS], **TANH)]))
        assert table.set_index(["claim", "reading"]).loc[("C4", "codes"), "decisive"].tolist() == [
            "tanh/exact T1 against relu/exact",
            "",
        ]

    def test_rows_are_numbered_and_columns_in_their_order(self):
        cells = decide_claims([seen("a")])
        assert cells.index.equals(pd.RangeIndex(len(cells))) and len(cells) == 4
        assert list(judge_claims(cells)) == VERDICTS

    def test_where_an_effect_is_shown_its_p_is_wilcoxons(self):
        table = judge_claims(decide_claims([seen("a")])).set_index(["claim", "reading"])
        assert table.loc[("C3", "logits"), "corrected_p"] == 2.0**-RUNS

    def test_a_verdict_that_hangs_on_bad_fits_is_seen(self):
        one = seen("a", compression=[LACKS, SHOWS])
        few = (one.phases["layer"] == 2) & (one.phases["repetition"] < 3)
        one.phases.loc[few, "compression"] = -4
        one.phases.loc[one.phases["repetition"] < 3, "bad_fit"] = True
        (row,) = (
            judge_claims(decide_claims([one]), [CLAIMS["C3"]]).query("reading == 'logits'").to_dict("records")
        )
        assert (row["verdict"], row["verdict_good_fits"]) == ("inconclusive", "supported")
