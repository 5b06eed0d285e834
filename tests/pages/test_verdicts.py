"""Verdicts as a table to read say what the table of verdicts says."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from infoplane.artifacts import as_read
from infoplane.errors import UserError
from infoplane.pages.verdicts import verdict_rows, write_verdicts


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
              upper=0.995, mean=3.62, fragile=True, flips="5 %: mixed", note="only global"),
        claim(claim="C1", statement="a < b & c", protocol="controlled", reading="bins", verdict="no data"),
        claim(claim="C3", statement="all of them", protocol="published", reading="logits", verdict="mixed",
              verdict_good_fits="refuted", verdict_not_near_log2_n="supported", lacks=1, mixed=3, ceiling=1),
    ]  # fmt: skip
    return as_read(pd.DataFrame(rows))


def test_cells_of_too_few_runs_have_no_share():
    which = {"claim": "C2", "statement": "", "protocol": "published", "reading": "codes"}
    row = claim(**which, verdict="too few runs", too_few=6, decisive="relu/exact T1; relu/exact T2", k=0, n=0)
    _, (*_, found) = verdict_rows(as_read(pd.DataFrame([row])))
    assert found == "too few runs; cells: 6 have too few runs"


def test_a_row_for_each_claim_and_reading(claims):
    head, first, second = verdict_rows(claims, {"tanh": "the tanh network"})
    assert head == ["claim", "reading", "protocol published", "protocol controlled"]
    assert first[:2] == ["**C1** a < b & c", "bins"] and first[3] == "no data"
    assert first[2] == (
        "**supported** (fragile: 5 %: mixed); cells: 4 show, 2 lack; "
        "the tanh network/exact T5 against relu/exact: 48 of 50 runs [86 %, 100 %], mean 3.62 bit"
        "; only global"
    )
    assert second[2:] == [
        "mixed; cells: 1 lacks, 3 are mixed, 1 has nothing left to fit; by good fits alone: refuted; "
        "without cells near log₂ N: supported",
        "",
    ]


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


def test_another_table_or_format_is_one_line(claims, tmp_path):
    claims.to_csv(tmp_path / "claims.csv", index=False)
    with pytest.raises(UserError, match=r"a\.pdf: verdicts are written as \.md or \.html; rename the output"):
        write_verdicts(tmp_path / "claims.csv", [tmp_path / "a.pdf"])
    claims.drop(columns="fragile").to_csv(tmp_path / "claims.csv", index=False)
    with pytest.raises(UserError, match=r"no column fragile; give claims\.csv"):
        write_verdicts(tmp_path / "claims.csv", [tmp_path / "a.md"])
