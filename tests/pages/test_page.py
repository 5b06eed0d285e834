"""A page holds every entry of its table as it is written there, and nothing from elsewhere."""

import re
from html.parser import HTMLParser

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from infoplane.cli import main
from infoplane.pages import page

TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=80)


class Cells(HTMLParser):
    """The rows of a page's table, by a parser of its own."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.inside = tag in ("td", "th")
        if tag == "tr":
            self.rows.append([])
        if self.inside:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_entries_come_back(rows):
    table = pd.DataFrame(rows, columns=["claim", "<verdict>"])
    assert Cells(page(table, "claims")).rows == [["claim", "<verdict>"], *map(list, rows)]


def test_numbers_stay_as_they_are_written(tmp_path):
    table, output = tmp_path / "cells.csv", tmp_path / "pages" / "cells.html"
    table.write_text("layer,effect,p\n1,0.10,1e-05\n2,,NA\n")
    assert main(["pages", "--table", str(table), "--output", str(output)]) == 0
    text = output.read_text()
    assert Cells(text).rows == [["layer", "effect", "p"], ["1", "0.10", "1e-05"], ["2", "", "NA"]]
    assert "<title>cells</title>" in text
    assert not re.search("(src|href|url|import)[ =(]", text)


def test_missing_table_is_one_line(tmp_path, capsys):
    missing = tmp_path / "none.csv"
    assert main(["pages", "--table", str(missing), "--output", str(tmp_path / "o.html")]) == 1
    assert capsys.readouterr().err == f"infoplane: {missing}: missing; run the workflow again\n"
