"""A page holds every entry of its table as it is written there, and nothing from elsewhere."""

import json
import re

import pandas as pd
import pytest
from browsers import opened, started_browser
from hypothesis import given
from hypothesis import strategies as st

from infoplane.cli import main
from infoplane.pages import page
from infoplane.statistics.verdicts import VERDICTS

TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=80)
DATA = re.compile(r'<script id="data" type="application/json">(.*?)</script>', re.DOTALL)
WINDOW = 100


def table_in(text):
    """The names of the columns of a page, and its rows."""
    found = json.loads(DATA.search(text)[1])
    return [found["columns"], *found["rows"]]


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_entries_come_back(rows):
    table = pd.DataFrame(rows, columns=["claim", "<verdict>"])
    assert table_in(page(table, "claims")) == [["claim", "<verdict>"], *map(list, rows)]


def test_numbers_stay_as_they_are_written(tmp_path):
    table, output = tmp_path / "cells.csv", tmp_path / "pages" / "cells.html"
    table.write_text("layer,effect,p\n1,0.10,1e-05\n2,,NA\n")
    assert main(["pages", "--table", str(table), "--output", str(output)]) == 0
    text = output.read_text()
    assert table_in(text) == [["layer", "effect", "p"], ["1", "0.10", "1e-05"], ["2", "", "NA"]]
    assert "<title>cells</title>" in text
    assert {*re.findall('(?:src|href)="(.*?)"', text)} == {"../cells.csv"}
    assert not re.search(r"url\(|@import|\bimport ", text)


def test_missing_table_is_one_line(tmp_path, capsys):
    missing = tmp_path / "none.csv"
    assert main(["pages", "--table", str(missing), "--output", str(tmp_path / "o.html")]) == 1
    assert capsys.readouterr().err == f"infoplane: {missing}: missing; run the workflow again\n"


def test_a_page_of_too_many_rows_says_where_the_others_are():
    text = page(pd.DataFrame({"run": [*map(str, range(1200))]}), "runs", "../runs.csv", limit=1000)
    assert len(table_in(text)) == 1001
    assert (
        'The first 1,000 of 1,200 rows are here; <a href="../runs.csv" download>the CSV</a> has all' in text
    )
    assert "rows are here" not in page(pd.DataFrame({"run": ["1"]}), "runs", "../runs.csv")


@pytest.fixture(scope="module")
def browser():
    with started_browser() as browser:
        yield browser


@pytest.fixture
def written(tmp_path):
    """Writes the page of a table, and returns its path."""

    def write(table):
        path = tmp_path / "table.html"
        path.write_text(page(table, "table", "table.csv"))
        return path

    return write


def claims_of_real_shape() -> pd.DataFrame:
    """Verdicts as those of the study: many columns, and a verdict that hangs on many cells."""
    cell = "synthetic-{0}-float32/adaptive-30 T5 against synthetic-{0}-float32/uniform-30-global"
    known = {
        "statement": "With exact mutual information, a fitting phase is seen in every layer.",
        "protocol": "published",
        "reading": "networks/float32",
        **dict.fromkeys(("verdict", "verdict_good_fits", "verdict_not_near_log2_n"), "supported"),
        "flips": "0.05 bit: mixed; 0.2 bit: mixed; 0.5 bit: mixed; 1 %: mixed; 2 %: mixed; 5 %: mixed",
        "decisive": "; ".join(cell.format(each) for each in ["relu", "tanh"] * 14),
        "p": "2.43281e-06",
        "note": "only with bins over the range global",
    }
    row = {name: known.get(name, "0.381691") for name in VERDICTS}
    return pd.DataFrame(
        [row | {"claim": f"C{claim}", "lower": "0.1", "upper": "1"} for claim in range(1, 30)]
    )


@pytest.mark.parametrize("width", [1440, 1920])
def test_a_table_of_claims_fits_its_container(browser, written, width):
    with opened(browser, written(claims_of_real_shape()), width) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        table, region = shown.locator("table"), shown.locator(".rows")
        assert table.bounding_box()["width"] <= region.bounding_box()["width"]
        assert region.evaluate("each => each.scrollWidth <= each.clientWidth")
        heads = {*shown.locator("th:visible").all_inner_texts()}
        assert heads >= {"claim", "protocol", "reading", "verdict", "decisive", "k", "n", "lower", "upper"}
        heights = shown.locator("tbody tr").evaluate_all("rows => rows.map(row => row.offsetHeight)")
        assert len(heights) == 29 and max(heights) <= 130


def test_all_columns_and_whole_entries_are_shown_by_keys(browser, written):
    with opened(browser, written(claims_of_real_shape()), 1000) as shown:
        every = shown.get_by_role("button", name=f"Show all {len(VERDICTS)} columns")
        assert shown.locator("th:visible").count() < len(VERDICTS)
        every.press("Enter")
        assert shown.locator("th:visible").count() == len(VERDICTS)
        assert shown.locator("tbody tr").first.locator("td:visible").count() == len(VERDICTS)
        every.press("Enter")
        assert shown.locator("th:visible").count() < len(VERDICTS)
        more = shown.get_by_role("button", name="more of decisive").first
        cell = shown.locator("td", has=more).first
        before = cell.bounding_box()["height"]
        more.press("Enter")
        assert cell.bounding_box()["height"] > 2 * before
        assert more.get_attribute("aria-expanded") == "true"


def test_a_big_table_draws_few_rows_and_sorts_and_finds_in_all(browser, written):
    count = 50_000
    table = pd.DataFrame(
        {
            "experiment": [f"network-{each % 7}" for each in range(count)],
            "run": [str(each * 7919 % count) for each in range(count)],
            "p": ["" if each % 2 else "1e-05" for each in range(count)],
        }
    )
    with opened(browser, written(table)) as shown:
        rows, said = shown.locator("tbody tr"), shown.locator("#shown")
        runs = shown.locator("tbody td:nth-child(2)")
        assert rows.count() == WINDOW and said.inner_text() == "Rows 1 to 100 of 50,000"
        head = shown.locator("th", has_text="run")
        head.press("Enter")
        assert runs.all_inner_texts() == [*map(str, range(WINDOW))]
        head.press(" ")
        assert runs.all_inner_texts() == [*map(str, range(count - 1, count - 1 - WINDOW, -1))]
        shown.get_by_role("button", name="Next").press("Enter")
        assert runs.first.inner_text() == str(count - 1 - WINDOW) and rows.count() == WINDOW
        assert said.inner_text() == "Rows 101 to 200 of 50,000"
        shown.get_by_label("Rows with").fill("network-3")
        assert rows.count() == WINDOW and said.inner_text() == "Rows 1 to 100 of 7,143 found in 50,000"
        shown.get_by_label("Rows with").fill("no such words")
        assert rows.count() == 0 and shown.get_by_role("button", name="Next").is_disabled()
        shown.get_by_label("Rows with").fill("")
        shown.locator("th", has_text="p").last.press("Enter")
        assert shown.locator("tbody td:nth-child(3)").first.inner_text() == "1e-05"


def test_a_table_is_printed_beyond_its_window(browser, written):
    table = pd.DataFrame({"run": [*map(str, range(300))]})
    with opened(browser, written(table)) as shown:
        for event, count in (("beforeprint", 300), ("afterprint", WINDOW)):
            shown.evaluate(f"window.dispatchEvent(new Event('{event}'))")
            assert shown.locator("tbody tr").count() == count
