"""Claims rest on the cells that they speak of, and are decided as their words say."""

import re
from itertools import product
from pathlib import Path

import pytest
from observations import (
    BY,
    CONTROLLED,
    COUNT,
    FLOAT32,
    LACKS,
    MIXED,
    SHOWS,
    TANH,
    seen,
)

from infoplane.statistics.claims import CLAIMS
from infoplane.statistics.observations import Observation
from infoplane.statistics.verdicts import judge

DOCS = Path(__file__).parents[2] / "docs" / "claims.md"


def verdicts(name: str, *study: Observation) -> dict[tuple[str, str], str]:
    """Of one claim, by protocol and reading, where there are cells."""
    table = judge(study, [CLAIMS[name]]).claims
    table = table[table["decisive"] != ""]
    return {(row["protocol"], row["reading"]): row["verdict"] for _, row in table.iterrows()}


def verdict(name: str, *study: Observation) -> str:
    (found,) = verdicts(name, *study).values()
    return found


def names(name: str, *study: Observation) -> list[str]:
    """What a claim rests on."""
    return [f"{cell.experiment}/{cell.estimator} {cell.layer}" for cell in CLAIMS[name].cells(study)]


class TestC1:
    def binned(self, *layers: tuple[str, list[str]], name="a", **training) -> list[Observation]:
        """A float32 experiment seen by several binnings, each of which gives layers a status."""
        return [seen(name, by, [COUNT[status] for status in its], **FLOAT32 | training) for by, its in layers]

    def test_rests_on_pairs_of_the_binnings_of_authors_on_float32_networks(self):
        study = [seen(f"{bits}", by, [SHOWS], bits=bits, **TANH) for bits, by in product(("float32", 8), BY)]
        cells = list(CLAIMS["C1"].cells(study))
        binnings = {"first", "wide", "fine", "layer", "adaptive"}
        pairs = {frozenset((cell.estimator, cell.against.partition("/")[2])) for cell in cells}
        assert pairs == {
            frozenset((one, other)) for one, other in product(binnings, binnings) if one != other
        }
        assert len(cells) == 10 and {cell.experiment for cell in cells} == {"float32"}

    @pytest.mark.parametrize(
        ("wide", "fine", "expected"),
        [
            (["shows", "lacks"], ["shows", "shows"], "supported"),
            (["shows", "lacks"], ["shows", "lacks"], "refuted"),
            (["shows", "lacks"], ["shows", "mixed"], "mixed"),
            (["shows", "mixed"], ["lacks", "mixed"], "supported"),
        ],
    )
    def test_verdict(self, wide, fine, expected):
        study = self.binned(("wide", wide), ("fine", fine))
        assert verdicts("C1", *study) == {("published", "bins"): expected}

    def test_other_runs_and_other_layers_do_not_disagree(self):
        study = self.binned(("wide", ["lacks", "shows"])) + self.binned(
            ("fine", ["shows", "lacks"]), name="b"
        )
        assert verdicts("C1", *study) == {}
        study += self.binned(("fine", ["lacks", "shows"])) + self.binned(
            ("wide", ["shows", "lacks"]), name="b"
        )
        assert verdict("C1", *study) == "refuted"

    def test_shares_on_both_sides_of_a_half_are_not_enough(self):
        """15 of 20 show it and 5 of 20 lack it; but it takes runs that are judged differently."""
        study = [seen("a", "wide", [15], **FLOAT32), seen("a", "fine", [5], **FLOAT32)]
        assert verdict("C1", *study) == "supported"
        # as many runs the other way round: 10 against 0 was p = 0.002, 15 against 5 is not below 0.01
        study[1].phases["compression"] = study[1].phases["compression"].to_numpy()[::-1]
        study[1].phases["compresses"] = study[1].phases["compression"] > 0.1
        (row,) = judge(study, [CLAIMS["C1"]]).cells.to_dict("records")
        assert (row["k"], row["n"]) == (15, 20) and row["p_shows"] == pytest.approx(0.041, abs=1e-3)

    def test_bins_that_activations_leave_decide_nothing(self):
        study = self.binned(("first", ["shows"]), ("wide", ["lacks"]), ("fine", ["lacks"]))
        assert verdict("C1", *study) == "refuted"
        cells = judge(study, [CLAIMS["C1"]]).cells
        assert cells["left_out"].tolist() == ["beyond the bins", "beyond the bins", ""]
        assert verdict("C1", *self.binned(("first", ["shows"]), ("wide", ["lacks"]), **TANH)) == "supported"

    def test_support_by_one_way_of_binning_is_said(self):
        study = self.binned(("wide", ["shows"]), ("layer", ["shows"]), ("adaptive", ["lacks"]))
        assert judge(study, [CLAIMS["C1"]]).claims["note"].tolist()[0] == "only with bins of equal mass"
        study = self.binned(("wide", ["shows"]), ("fine", ["lacks"]))
        note = judge(study, [CLAIMS["C1"]]).claims["note"].tolist()[0]
        assert note == "only with bins over the range global"
        study = self.binned(
            ("wide", ["shows"]), ("fine", ["lacks"]), ("layer", ["shows"]), ("adaptive", ["lacks"])
        )
        assert judge(study, [CLAIMS["C1"]]).claims["note"].tolist()[0] == ""


class TestC2:
    def test_rests_on_exact_values_of_all_layers(self):
        study = [seen(bits, by, bits=bits) for bits, by in (("float32", by) for by in BY)]
        assert names("C2", *study, seen("8")) == [
            "float32/exact 1",
            "float32/exact 2",
            "8/exact 1",
            "8/exact 2",
        ]

    def test_float32_networks_are_a_reading_of_their_own(self):
        quantized, float32 = seen("a", fitting=[SHOWS, SHOWS]), seen("b", fitting=[SHOWS, LACKS], **FLOAT32)
        expected = {("published", "codes"): "supported", ("published", "float32"): "refuted"}
        assert verdicts("C2", quantized, float32) == expected

    @pytest.mark.parametrize(
        ("fitting", "headroom", "expected"),
        [
            ([SHOWS, SHOWS, SHOWS], [1, 1, 1], "supported"),
            ([SHOWS, LACKS, SHOWS], [1, 1, 1], "refuted"),
            ([SHOWS, MIXED, SHOWS], [1, 1, 1], "mixed"),
            ([MIXED, LACKS, SHOWS], [1, 1, 1], "refuted"),
            ([LACKS, SHOWS, SHOWS], [0, 1, 1], "supported"),
        ],
    )
    def test_verdict(self, fitting, headroom, expected):
        assert (
            verdict("C2", seen("a", compression=[LACKS] * 3, fitting=fitting, headroom=headroom)) == expected
        )

    def test_nothing_but_ceilings_is_no_data(self):
        (row, *_) = judge([seen("a", headroom=[0, 0])], [CLAIMS["C2"]]).claims.to_dict("records")
        assert (row["verdict"], row["ceiling"]) == ("no data", 2)


class TestC3:
    def test_readings(self):
        study = [
            *(seen("published", by) for by in BY),
            *(seen("controlled", by, **CONTROLLED) for by in BY),
            *(seen("float32", by, **FLOAT32) for by in BY),
            *(seen("controlled-float32", by, **FLOAT32, **CONTROLLED) for by in BY),
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
            seen("tanh-controlled", **TANH, **CONTROLLED),
            seen("sigmoid", activation="sigmoid", **CONTROLLED),
            seen("tanh-float32", **TANH, **FLOAT32),
        ]
        (cell,) = CLAIMS["C4"].cells(study)
        assert (cell.experiment, cell.against, cell.layer) == ("tanh", "relu/exact", 1)

    @pytest.mark.parametrize(
        ("tanh", "relu", "expected"),
        [
            ([SHOWS, LACKS], [LACKS, LACKS], "supported"),
            ([LACKS, LACKS], [LACKS, SHOWS], "supported"),
            ([SHOWS, LACKS], [SHOWS, LACKS], "refuted"),
            ([MIXED, LACKS], [LACKS, LACKS], "mixed"),
        ],
    )
    def test_verdict(self, tanh, relu, expected):
        study = seen("tanh", compression=[*tanh, SHOWS], **TANH), seen("relu", compression=[*relu, LACKS])
        assert verdict("C4", *study) == expected


class TestC5:
    def study(self, bins, quantized, float32):
        """Statuses of layers by 30 bins and by the exact value."""
        return (
            seen("float32", "first", bins, **TANH, **FLOAT32),
            seen("float32", "exact", float32, **TANH, **FLOAT32),
            seen("8", "exact", quantized, **TANH),
        )

    @pytest.mark.parametrize(
        ("bins", "exact", "expected"),
        [
            ([SHOWS, LACKS, SHOWS], [SHOWS, LACKS, SHOWS], "supported"),
            ([SHOWS, LACKS, SHOWS], [LACKS, SHOWS, LACKS], "refuted"),
            ([SHOWS, LACKS, SHOWS], [LACKS, SHOWS, SHOWS], "mixed"),
            ([SHOWS, LACKS, SHOWS], [MIXED, LACKS, SHOWS], "mixed"),
        ],
    )
    def test_verdict(self, bins, exact, expected):
        found = verdicts("C5", *self.study(bins, exact, [LACKS] * 3))
        assert found == {("published", "codes"): expected, ("published", "float32"): "refuted"}
        found = verdicts("C5", *self.study(bins, [LACKS] * 3, exact))
        assert found == {("published", "codes"): "refuted", ("published", "float32"): expected}

    def test_where_bins_show_nothing_there_is_no_verdict(self):
        claims = judge(self.study([LACKS] * 2, [SHOWS] * 2, [SHOWS] * 2), [CLAIMS["C5"]]).claims
        assert set(claims["verdict"]) == {"no data"}

    def test_compares_like_with_like(self):
        study = self.study([SHOWS, SHOWS], [SHOWS, SHOWS], [LACKS, LACKS])
        others = (
            seen("relu", compression=[LACKS, LACKS]),
            seen("longer", compression=[LACKS, LACKS], **TANH, epochs=9000),
            seen("other-float32", compression=[SHOWS, SHOWS], **TANH, **FLOAT32, epochs=9000),
        )
        assert verdicts("C5", *study, *others) == verdicts("C5", *study)

    def test_a_premise_does_not_count(self):
        cells = judge(self.study([SHOWS, LACKS], [SHOWS, SHOWS], [LACKS, LACKS]), [CLAIMS["C5"]]).cells
        left_out = cells[cells["reading"] == "codes"]["left_out"]
        assert left_out.tolist() == ["premise", "premise", "", "premise not shown"]


class TestC6:
    def test_rests_on_hidden_layers_and_on_networks(self):
        cells = {(cell.reading, cell.layer) for cell in CLAIMS["C6"].cells([seen("a"), seen("b", "wide")])}
        assert cells == {("layers/codes", 1), ("networks/codes", 0)}

    @pytest.mark.parametrize(
        ("hidden", "layers", "networks"),
        [
            ([LACKS, LACKS], "supported", "supported"),
            ([LACKS, SHOWS], "supported", "refuted"),
            ([SHOWS, SHOWS], "refuted", "refuted"),
            ([MIXED, SHOWS], "mixed", "refuted"),
            ([MIXED, MIXED], "mixed", "mixed"),
        ],
    )
    def test_verdict(self, hidden, layers, networks):
        found = verdicts("C6", seen("a", compression=[*hidden, SHOWS]))
        assert found == {("published", "layers/codes"): layers, ("published", "networks/codes"): networks}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_docs_say_what_the_code_says(name):
    """Statement and rule are in the docs in these words."""
    text = re.sub(r"\s+", " ", DOCS.read_text(encoding="utf-8"))
    for words in CLAIMS[name].words:
        assert words in text
