"""Texts whose numbers come from tables, and whose wording holds only while the tables say so.

A Markdown text quotes a table between two comments, which a reader does not see:

    <!-- quote cells.csv experiment=relu layer=5 | {runs} runs -->50 runs<!-- end -->

The first comment names a table, the row by values of its columns, and a format string over the columns of
that row. `python -m infoplane.texts TABLES TEXT…` writes every quotation anew. A sentence that is true only
while a verdict stands says so:

    <!-- holds claims.csv claim=C3 protocol=published | verdict = supported -->
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infoplane.artifacts import read_csv, written_aside
from infoplane.errors import UserError

__all__ = ["broken_conditions", "with_quotations"]

QUOTATION = re.compile(r"(<!-- quote (?P<query>[^|]*?) \| (?P<form>.*?) -->).*?(<!-- end -->)", re.DOTALL)
CONDITION = re.compile(r"<!-- holds (?P<query>[^|]*?) \| (?P<column>\w+) = (?P<value>.*?) -->")


def with_quotations(text: str, folder: Path) -> str:
    """A text with every quotation written anew from the tables in a folder.

    Raises:
        UserError: a table, a column or a row does not exist, or several rows do.
    """
    return QUOTATION.sub(
        lambda found: f"{found[1]}{formatted(found['form'], row_of(found['query'], folder))}{found[4]}", text
    )


def broken_conditions(text: str, folder: Path) -> Iterator[str]:
    """The conditions of a text that the tables in a folder do not meet, a line each."""
    for found in CONDITION.finditer(text):
        row = row_of(found["query"], folder)
        value = str(column_of(row, found["column"], found["query"]))
        if value != found["value"]:
            yield f"{found['query']}: {found['column']} is {value}, and the text is true of {found['value']}"


def row_of(query: str, folder: Path) -> dict[str, Any]:
    """The one row of a table that has the values of a query, such as `cells.csv layer=5`."""
    name, *selectors = query.split()
    table = read_csv(folder / name)
    for selector in selectors:
        column, _, value = selector.partition("=")
        if column not in table:
            raise UserError(f"{query}: {name} has no column {column}; use one of {', '.join(table.columns)}")
        table = table[table[column] == value]
    if len(table) != 1:
        raise UserError(f"{query}: is true of {len(table)} rows of {name}; name the values of one row")
    return {str(column): number_or_text(value) for column, value in table.iloc[0].items()}


def number_or_text(value: str) -> Any:
    """An entry of a table as a number, if it is one.

    >>> number_or_text("20"), number_or_text("0.25"), number_or_text("ReLU")
    (20, 0.25, 'ReLU')
    """
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    return value


def formatted(form: str, row: dict[str, Any]) -> str:
    try:
        return form.format_map(row)
    except (KeyError, ValueError, IndexError) as error:
        raise UserError(f"{form}: cannot be filled in ({error}); use the columns {', '.join(row)}") from error


def column_of(row: dict[str, Any], column: str, query: str) -> Any:
    if column not in row:
        raise UserError(f"{query}: has no column {column}; use one of {', '.join(row)}")
    return row[column]


def renew(folder: Path, paths: list[Path]) -> list[str]:
    """Write the quotations of texts anew, and return the conditions that do not hold."""
    broken = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        broken += [f"{path}: {line}" for line in broken_conditions(text, folder)]
        with written_aside(path) as aside:
            aside.write_text(with_quotations(text, folder), encoding="utf-8")
    return broken


if __name__ == "__main__":
    try:
        sys.exit("\n".join(renew(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]])) or 0)
    except UserError as error:
        sys.exit(str(error))
