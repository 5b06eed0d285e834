"""Verdicts on the claims as a table to read, in Markdown or HTML."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup, escape

from infoplane.artifacts import read_csv, written_aside
from infoplane.errors import UserError
from infoplane.templates import page_from
from infoplane.texts import as_markdown

__all__ = ["findings", "fragility", "verdict_rows", "write_verdicts"]

# What cells do, one of them and several
STATUSES = {
    "shows": ("shows", "show"),
    "lacks": ("lacks", "lack"),
    "mixed": ("is mixed", "are mixed"),
    "too_few": ("has too few runs", "have too few runs"),
    "ceiling": ("has nothing left to fit", "have nothing left to fit"),
}
# What a verdict is if some cells or runs do not count
OTHERWISE = {
    "verdict_good_fits": "by good fits alone",
    "verdict_not_near_log2_n": "without cells near log₂ N",
}
NEEDED = ["claim", "statement", "reading", "protocol", "verdict", "fragile", "flips"]
NEEDED += [*OTHERWISE, *STATUSES, "decisive", "k", "n", "lower", "upper", "mean", "note"]
STRONG = ("supported", "refuted")
TEMPLATE = Path(__file__).with_suffix(".html")


def verdict_rows(claims: pd.DataFrame, labels: Mapping[str, str] | None = None) -> list[list[str]]:
    """Rows of the table of verdicts: claim, reading, and what is found under each protocol.

    Args:
        claims: as in `claims.csv`, with every entry as it is written there.
        labels: what is written in place of the names of experiments and estimators.

    Returns:
        The head and a row for each claim and reading. In a row, what is strong stands between two asterisks.

    Raises:
        UserError: a column is missing.
    """
    if missing := {*NEEDED} - {*claims}:
        raise UserError(f"the table of claims has no column {min(missing)}; give claims.csv")
    protocols = [*claims["protocol"].unique()]
    rows = [["claim", "reading", *(f"protocol {protocol}" for protocol in protocols)]]
    told: set[str] = set()
    for names, its in claims.groupby(["claim", "reading"], sort=False):
        claim, reading = map(str, names)
        statement = its["statement"].iloc[0]
        first = "" if claim in told else f"**{claim}** {statement}"
        told.add(claim)
        verdicts = its.set_index("protocol")
        found = [
            describe(verdicts.loc[protocol], labels or {}) if protocol in verdicts.index else ""
            for protocol in protocols
        ]
        rows.append([first, reading, *found])
    return rows


def describe(verdict: pd.Series, labels: Mapping[str, str]) -> str:
    """What is found under one protocol: the verdict, numbers of cells, and the cell that decides."""
    word = verdict["verdict"]
    if word == "no data":
        return "no data"
    head = f"**{word}**" if word in STRONG else word
    if flips := fragility(verdict):
        head += f" ({flips})"
    return "; ".join([head, *findings(verdict, labels)])


def fragility(verdict: pd.Series) -> str:
    """That a verdict is another one by other margins, and by which; empty where it is not."""
    return f"fragile: {verdict['flips']}" if verdict["fragile"] == "True" else ""


def findings(verdict: pd.Series, labels: Mapping[str, str]) -> list[str]:
    """What a verdict rests on: numbers of cells, the cell that decides, and what it would be otherwise."""
    counts = [
        f"{verdict[name]} {one if verdict[name] == '1' else several}"
        for name, (one, several) in STATUSES.items()
        if verdict[name] != "0"
    ]
    sentences = [f"cells: {', '.join(counts)}" if counts else ""]
    if verdict["decisive"] and verdict["lower"]:  # cells of too few runs have no interval
        cell = with_labels(verdict["decisive"].partition(";")[0], labels)
        share = f"{verdict['k']} of {verdict['n']} runs"
        interval = f"[{percent(verdict['lower'])}, {percent(verdict['upper'])}]"
        mean = f", mean {float(verdict['mean']):.2f} bit" if verdict["mean"] else ""
        sentences.append(f"{cell}: {share} {interval}{mean}".replace("-0.00", "0.00"))
    sentences += [
        f"{words}: {verdict[name]}"
        for name, words in OTHERWISE.items()
        if verdict[name] != verdict["verdict"]
    ]
    sentences.append(verdict["note"])
    return [each for each in sentences if each]


def percent(share: str) -> str:
    """A share as it stands in an interval.

    >>> percent("0.884297")
    '88 %'
    """
    return f"{float(share):.0%}".replace("%", " %")


def with_labels(cell: str, labels: Mapping[str, str]) -> str:
    """The name of a cell with labels in place of names.

    >>> with_labels("relu/exact T5", {"relu": "ReLU, 8 bits"})
    'ReLU, 8 bits/exact T5'
    """
    return re.sub(r"[\w-]+", lambda name: labels.get(name[0], name[0]), cell)


def as_html(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a page of HTML that needs nothing from elsewhere.

    >>> "<td><strong>C1</strong> a &lt; b</td>" in as_html([["claim"], ["**C1** a < b"]])
    True
    """
    return page_from(TEMPLATE, rows=[[with_emphasis(cell) for cell in row] for row in rows])


def with_emphasis(cell: str) -> Markup:
    """A cell with what stands between two asterisks in bold."""
    return Markup(re.sub(r"\*\*(.*?)\*\*", r"<strong>\1</strong>", str(escape(cell))))


FORMATS = {".md": as_markdown, ".html": as_html}


def write_verdicts(
    claims_path: Path, outputs: Sequence[Path], labels: Mapping[str, str] | None = None
) -> None:
    """Write the table of verdicts into every path of `outputs`.

    Args:
        claims_path: `claims.csv`.
        outputs: paths ending in .md or .html.
        labels: what is written in place of the names of experiments and estimators.

    Raises:
        UserError: there is no such table, or an output is of another format.
    """
    rows = verdict_rows(read_csv(claims_path), labels)
    for path in map(Path, outputs):
        if path.suffix not in FORMATS:
            raise UserError(f"{path}: verdicts are written as .md or .html; rename the output")
        with written_aside(path) as aside:
            aside.write_text(FORMATS[path.suffix](rows), encoding="utf-8")
