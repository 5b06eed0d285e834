"""Texts whose numbers come from tables, and whose wording holds only while the tables say so.

A Markdown text quotes a table between two comments, which a reader does not see:

    <!-- quote cells.csv experiment=relu layer=5 | {runs} runs -->50 runs<!-- end -->

The first comment names a table, the row by values of its columns, and a format string over the columns of
that row. Several rows become a Markdown table, a column for each heading and format string, and a Markdown
file is inserted whole:

    <!-- rows cells.csv experiment=relu | layer = T{layer} | runs = {runs} --><!-- end -->
    <!-- insert verdicts.md --><!-- end -->

A cross table has a row for each value of one column and a column for each value of another, in the order and
by the names that the text gives them:

    <!-- cross cells.csv phase=fitting
         | experiment: ReLU = relu; tanh = tanh | layer: T4 = 4; T5 = 5 | {k} of {runs} --><!-- end -->

A selector names one value or several, as in `layer=4,5`. The beginning of a query that is used often has a
name:

    <!-- let CELLS = cells.csv experiment=relu -->
    <!-- quote CELLS layer=5 | {runs} -->50<!-- end -->

`python -m infoplane.texts TABLES TEXT…` writes every quotation anew. A sentence that is true only while a
verdict stands says so, and one that speaks of several rows, or of an interval that does not contain 0:

    <!-- holds claims.csv claim=C3 protocol=published | verdict = supported -->
    <!-- holds cells.csv phase=fitting layer=4,5 | status = shows -->
    <!-- holds settings.csv scope=seeds | lower > 0 -->
"""

import operator
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from infoplane.artifacts import read_csv, written_aside
from infoplane.errors import UserError

__all__ = ["as_markdown", "broken_conditions", "with_quotations"]

QUOTATION = re.compile(
    r"(?P<start><!-- (?P<verb>quote|rows|cross|insert) (?P<query>[^|]*?)(?: \| (?P<form>.*?))? -->)"
    r".*?(?P<end><!-- end -->)",
    re.DOTALL,
)
NAMED_QUERY = re.compile(r"<!-- let (?P<name>\w+) = (?P<query>.*?) -->")
CONDITION = re.compile(r"<!-- holds (?P<query>[^|]*?) \| (?P<column>\w+) (?P<sign>[=<>]) (?P<value>.*?) -->")
SIGNS = {"=": lambda found, value: str(found) == value, "<": operator.lt, ">": operator.gt}


def with_quotations(text: str, folder: Path) -> str:
    """A text with every quotation written anew from the tables in a folder.

    Raises:
        UserError: a table, a column or a row does not exist, or several rows do.
    """
    queries = named_queries(text)

    def quotation(found: re.Match[str]) -> str:
        query, form = spelt_out(found["query"], queries), found["form"] or ""
        match found["verb"]:
            case "quote":
                quoted = formatted(form, matching_row(query, folder))
            case "rows":
                quoted = f"\n{markdown_table(form, matching_rows(query, folder))}"
            case "cross":
                quoted = f"\n{cross_table(form, query, folder)}"
            case _:
                quoted = f"\n{inserted(folder / query)}"
        return f"{found['start']}{quoted}{found['end']}"

    return QUOTATION.sub(quotation, text)


def broken_conditions(text: str, folder: Path) -> Iterator[str]:
    """The conditions of a text that the tables in a folder do not meet, a line each."""
    queries = named_queries(text)
    for found in CONDITION.finditer(text):
        query = spelt_out(found["query"], queries)
        value = found["value"] if found["sign"] == "=" else number_or_text(found["value"])
        wanted = f"{found['sign']} {value}".removeprefix("= ")
        for row in rows_of_all_values(query, folder):
            its = column_of(row, found["column"], query)
            if not SIGNS[found["sign"]](its, value):
                yield f"{query}: {found['column']} is {its}, but the text holds for {wanted}"


def rows_of_all_values(query: str, folder: Path) -> list[dict[str, Any]]:
    """The rows of a table that have the values of a query; each of these values has a row."""
    rows = matching_rows(query, folder)
    for selector in query.split()[1:]:
        column, _, values = selector.partition("=")
        if lacking := {*values.split(",")} - {str(row[column]) for row in rows}:
            raise UserError(f"{query}: matches no row of {column}={min(lacking)}; name values of the table")
    return rows


def named_queries(text: str) -> dict[str, str]:
    """The beginnings of queries that a text gives names to."""
    queries: dict[str, str] = {}
    for found in NAMED_QUERY.finditer(text):
        queries[found["name"]] = spelt_out(found["query"], queries)
    return queries


def spelt_out(query: str, queries: Mapping[str, str]) -> str:
    """A query with the beginning that its first word is the name of.

    >>> spelt_out("CELLS layer=5", {"CELLS": "cells.csv experiment=relu"})
    'cells.csv experiment=relu layer=5'
    """
    first, *others = query.split()
    return " ".join([queries.get(first, first), *others])


def matching_row(query: str, folder: Path) -> dict[str, Any]:
    """The one row of a table that has the values of a query, such as `cells.csv layer=5`."""
    rows = matching_rows(query, folder)
    if len(rows) != 1:
        raise UserError(
            f"{query}: matches {len(rows)} rows of {query.split()[0]}; name the values of one row"
        )
    return rows[0]


def matching_rows(query: str, folder: Path) -> list[dict[str, Any]]:
    """The rows of a table that have the values of a query, in the order of the table."""
    name, *selectors = query.split()
    table = read_once(folder / name)
    for selector in selectors:
        column, _, values = selector.partition("=")
        if column not in table:
            raise UserError(f"{query}: {name} has no column {column}; use one of {', '.join(table.columns)}")
        table = table[table[column].isin(values.split(","))]
    return [
        {str(column): number_or_text(value) for column, value in row.items()} for _, row in table.iterrows()
    ]


@cache
def read_once(path: Path) -> pd.DataFrame:
    return read_csv(path)


def markdown_table(form: str, rows: Sequence[dict[str, Any]]) -> str:
    """Rows of a table in Markdown.

    Args:
        form: headings and format strings of the columns, such as `layer = T{layer} | runs = {runs}`.

    >>> print(markdown_table("layer = T{layer} | lost = {mean:.1f} bit", [{"layer": 5, "mean": -1}]), end="")
    | layer | lost |
    |---|---|
    | T5 | −1.0 bit |
    """
    columns = [column.split(" = ", 1) for column in form.split(" | ")]
    if malformed := [column[0] for column in columns if len(column) < 2]:
        raise UserError(f"{malformed[0]}: is not a column of a table; write heading = format")
    return as_markdown(
        [
            [heading for heading, _ in columns],
            *([formatted(cell, row) for _, cell in columns] for row in rows),
        ]
    )


def cross_table(form: str, query: str, folder: Path) -> str:
    """Rows of a table, one for each pair of values of two of its columns, as a cross table in Markdown.

    A pair that has no row is a dash.

    Args:
        form: the column and the values of the rows, of the columns, and the format string of a cell, such as
            `experiment: ReLU = relu; tanh = tanh | layer: T4 = 4; T5 = 5 | {k} of {runs}`.
    """
    parts = " ".join(form.split()).split(" | ")
    if len(parts) != 3:
        raise UserError(f"{form}: is not a cross table; write column: NAME = value; … | column: … | format")
    (down, entries), (across, headings), cell = named_values(parts[0]), named_values(parts[1]), parts[2]
    for column, values in ((down, entries), (across, headings)):
        for value in values.values():
            if not matching_rows(f"{query} {column}={value}", folder):
                raise UserError(f"{query} {column}={value}: matches no row")

    def quoted(value: str, other: str) -> str:
        pair = f"{query} {down}={value} {across}={other}"
        return formatted(cell, matching_row(pair, folder)) if matching_rows(pair, folder) else "–"

    return as_markdown(
        [
            ["", *headings],
            *(
                [name, *(quoted(value, other) for other in headings.values())]
                for name, value in entries.items()
            ),
        ]
    )


def named_values(text: str) -> tuple[str, dict[str, str]]:
    """A column and some of its values, by the names that stand for them in a text.

    >>> named_values("layer: T4 = 4; T5 = 5")
    ('layer', {'T4': '4', 'T5': '5'})
    """
    column, _, values = text.partition(": ")
    pairs = [each.rpartition(" = ") for each in values.split("; ")]
    if malformed := [value for name, _, value in pairs if not name]:
        raise UserError(f"{malformed[0]}: is not a named value; write NAME = value")
    named = {name: value for name, _, value in pairs}
    if len(named) < len(pairs):
        raise UserError(f"{text}: two values have one name; give each its own")
    return column, named


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, of which the first is the head, as a Markdown table.

    >>> print(as_markdown([["claim", "reading"], ["**C1**", "bins | range"]]), end="")
    | claim | reading |
    |---|---|
    | **C1** | bins \\| range |
    """
    head, *others = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [f"| {' | '.join(row)} |" for row in (head, *others)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:], ""])


def inserted(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); name a Markdown file") from error


class Truth(str):
    """True or False in a table. A format is a mark that stands there only if it is True.

    >>> "{near:ⁿ}, {far:ⁿ}".format(near=Truth("True"), far=Truth("False"))
    'ⁿ, '
    """

    def __format__(self, mark: str) -> str:
        return str(self) if not mark else mark if self == "True" else ""


def number_or_text(value: str) -> Any:
    """An entry of a table as a number or a truth, if it is one.

    >>> number_or_text("20"), number_or_text("0.25"), number_or_text("ReLU")
    (20, 0.25, 'ReLU')
    """
    if value in ("True", "False"):
        return Truth(value)
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    return value


def formatted(form: str, row: dict[str, Any]) -> str:
    try:
        return re.sub(r"(?<![\w-])-(?=\d)", "−", form.format_map(row))
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
