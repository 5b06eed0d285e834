"""Verdicts as a table to read say what the table of verdicts says."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from infoplane.artifacts import as_read
from infoplane.errors import UserError
from infoplane.pages.verdicts import READINGS, SENTENCES, findings, verdict_rows, write_verdicts
from infoplane.statistics.claims import CLAIMS


def claim(**columns) -> dict:
    empty = dict.fromkeys(["shows", "lacks", "mixed", "too_few", "ceiling"], 0)
    empty |= dict.fromkeys(["flips", "decisive", "k", "n", "lower", "upper", "mean", "note"], "")
    same = dict.fromkeys(("verdict_good_fits", "verdict_not_near_log2_n"), columns["verdict"])
    return {"fragile": False, **same, **empty, **columns}


@pytest.fixture
def claims() -> pd.DataFrame:
    rows = [
        claim(claim="C1", statement="a < b & c", protocol="published", reading="bins", verdict="supported",
              shows=4, lacks=2, decisive="tanh/exact T5 against relu/exact; more", k=48, n=50, lower=0.862,
              upper=0.995, mean=3.62, fragile=True, flips="5 %: mixed",
              note="only with bins over the range global"),
        claim(claim="C1", statement="a < b & c", protocol="controlled", reading="bins", verdict="no data"),
        claim(claim="C3", statement="all of them", protocol="published", reading="logits", verdict="mixed",
              verdict_good_fits="refuted", verdict_not_near_log2_n="supported", lacks=1, mixed=3, ceiling=1),
    ]  # fmt: skip
    return as_read(pd.DataFrame(rows))


def test_cells_of_too_few_runs_have_no_share():
    which = {"claim": "C2", "statement": "", "protocol": "published", "reading": "codes"}
    row = claim(**which, verdict="too few runs", too_few=6, decisive="relu/exact T1; relu/exact T2", k=0, n=0)
    _, (*_, found) = verdict_rows(as_read(pd.DataFrame([row])))
    assert found == "too few runs; all 6 cells have too few runs"


def test_a_row_for_each_claim_and_reading(claims):
    head, first, second = verdict_rows(claims, {"tanh": "the tanh network"})
    assert head == ["claim", "reading", "protocol published", "protocol controlled"]
    assert first[:2] == ["**C1** a < b & c", "bins"] and first[3] == "no data"
    assert first[2] == (
        "**supported**; most clearly, T₅ (the tanh network) compresses by one binning (exact) and not by "
        "another (exact) in 48 of the 50 runs that they judge differently [86 %, 100 %], mean difference "
        "over all runs 3.62 bit; of 6 cells, 4 show a disagreement and 2 lack it; supported only with bins "
        "over the range of the run; fragile: at a margin of 5 % it is mixed"
    )
    assert second[2:] == [
        "mixed; of 4 cells, 1 lacks compression and 3 are mixed; 1 more has nothing left to fit; by good "
        "fits alone, it is refuted; without cells near log₂ N, it is supported",
        "",
    ]


@pytest.mark.parametrize(
    ("name", "reading", "verdict", "decisive", "sentence"),
    [
        ("C2", "codes", "refuted", "relu/exact T1",
         "most clearly, T₁ (ReLU) fits in 2 of 50 runs [0 %, 14 %], mean 0.00 bit"),
        ("C3", "logits", "supported", "relu/exact T12",
         "least clearly, T₁₂ (ReLU) compresses in 2 of 50 runs [0 %, 14 %], mean 0.00 bit"),
        ("C4", "codes", "mixed", "tanh/exact T5 against relu/exact",
         "among the cells without support, "
         "T₅ of two networks (tanh; ReLU) differs in compression by more than the "
         "margin, in the same direction, in 2 of 50 pairs of runs [0 %, 14 %], mean difference 0.00 bit"),
        ("C5", "codes", "mixed", "tanh/exact T4 against tanh-float/thirty",
         "among the cells without support, "
         "T₄ (tanh) compresses in 2 of 50 runs [0 %, 14 %], mean 0.00 bit; 30 bins "
         "show compression of this layer (tanh, float32)"),
        ("C6", "networks/codes", "refuted", "relu/exact",
         "least clearly, in 2 of 50 runs [0 %, 14 %], at least one hidden layer (ReLU) compresses, mean "
         "0.00 bit"),
    ],
)  # fmt: skip
def test_a_sentence_says_what_was_counted(name, reading, verdict, decisive, sentence):
    row = claim(claim=name, reading=reading, verdict=verdict, decisive=f"{decisive}; more/exact T1",
                k=2, n=50, lower=0.005, upper=0.137, mean=-0.001)  # fmt: skip
    labels = {"relu": "ReLU", "tanh-float": "tanh, float32", "thirty": "30 bins"}
    first, *_ = findings(as_read(pd.DataFrame([row])).iloc[0], labels)
    assert first == sentence


def test_a_cell_of_too_few_runs_is_an_example_and_nothing_stands_in_the_way():
    """All four of four runs may compress, which speaks for the claim."""
    row = claim(claim="C3", reading="logits", verdict="too few runs", decisive="relu/exact T4; tanh/exact T4",
                too_few=2, k=4, n=4, lower=0.398, upper=1.0, mean=1.09)  # fmt: skip
    found = findings(as_read(pd.DataFrame([row])).iloc[0], {"relu": "ReLU"})
    assert found == [
        "for example, T₄ (ReLU) compresses in 4 of 4 runs [40 %, 100 %], mean 1.09 bit",
        "both cells have too few runs",
    ]


def test_every_claim_has_a_sentence_and_every_reading_its_words():
    assert SENTENCES.keys() == CLAIMS.keys()
    for each in CLAIMS.values():
        readings = {reading for its in each.readings.values() for reading in its}
        assert not {part for reading in readings for part in reading.split("/")} - READINGS.keys()


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag, attributes) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, text) -> None:
        if self.rows and self.rows[-1] and text.strip():
            self.rows[-1][-1] += text


def test_both_formats_hold_the_same_cells(claims, tmp_path):
    claims.to_csv(tmp_path / "claims.csv", index=False)
    write_verdicts(tmp_path / "claims.csv", [tmp_path / "a.md", tmp_path / "a.html"])
    plain = [[cell.replace("**", "") for cell in row] for row in verdict_rows(claims)]
    parser = Cells()
    parser.feed((tmp_path / "a.html").read_text().partition("<table>")[2].partition("</table>")[0])
    assert parser.rows == plain
    lines = (tmp_path / "a.md").read_text().splitlines()
    del lines[1]
    assert [[cell.strip().replace("**", "") for cell in line[1:-1].split("|")] for line in lines] == plain


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("claim", "C9", "a claim"),
        ("verdict", "", "a verdict"),
        ("verdict", "maybe", "a verdict"),
        ("shows", "many", "a number of cells"),
        ("ceiling", "", "a number of cells"),
        ("mixed", "-1", "a number of cells"),
        ("lower", "low", "a number"),
        ("upper", "1.2.3", "a number"),
        ("mean", "3,62", "a number"),
    ],
)
def test_other_entries_are_one_line(claims, name, entry, expected):
    claims.loc[0, name] = entry
    with pytest.raises(UserError) as caught:
        verdict_rows(claims)
    words = f"the table of claims holds {entry!r} in the column {name}, expected {expected}; give claims.csv"
    assert str(caught.value) == words


def test_rows_that_are_cut_off_or_twice_are_one_line(claims, tmp_path):
    path = tmp_path / "claims.csv"
    claims.to_csv(path, index=False)
    path.write_text(f"{path.read_text()}C2,fitting\n")
    with pytest.raises(UserError, match=r"^the table of claims holds '' in the column claim, expected a cl"):
        write_verdicts(path, [tmp_path / "a.md"])
    with pytest.raises(UserError, match=r"^the table of claims has two verdicts on the same; give claims"):
        verdict_rows(pd.concat([claims, claims[:1]]))
    claims.loc[0, "upper"] = ""
    assert "48 of the 50 runs" not in verdict_rows(claims)[1][2]


def test_another_table_or_format_is_one_line(claims, tmp_path):
    claims.to_csv(tmp_path / "claims.csv", index=False)
    with pytest.raises(UserError, match=r"a\.pdf: verdicts are written as \.md or \.html; rename the output"):
        write_verdicts(tmp_path / "claims.csv", [tmp_path / "a.pdf"])
    claims.drop(columns="fragile").to_csv(tmp_path / "claims.csv", index=False)
    with pytest.raises(UserError, match=r"no column fragile; give claims\.csv"):
        write_verdicts(tmp_path / "claims.csv", [tmp_path / "a.md"])
