"""Pages that a browser shows without anything from elsewhere: tables to sort and search, and an index."""

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from infoplane.artifacts import read_csv, written_aside
from infoplane.templates import page_from

__all__ = ["page", "write_page"]

TEMPLATE = Path(__file__).with_name("table.html")


def page(table: pd.DataFrame, title: str) -> str:
    """An HTML page of a table: a click on a column's name sorts by it, words narrow the rows down.

    >>> "<td>&lt;b&gt;</td>" in page(pd.DataFrame({"layer": ["<b>"]}), "phases")
    True
    """
    with pd.option_context("display.max_colwidth", None):
        rows = Markup(table.to_html(index=False, border=0, classes="sortable"))
    return page_from(TEMPLATE, title=title, table=rows)


def write_page(table_path: Path, output_path: Path) -> None:
    """Write the page of a table (csv), every entry as it is written there.

    Raises:
        UserError: there is no such table.
    """
    table = read_csv(table_path)
    with written_aside(output_path) as aside:
        aside.write_text(page(table, table_path.stem), encoding="utf-8")
