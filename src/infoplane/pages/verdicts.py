"""Verdicts on the claims as a table to read, in Markdown or HTML."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup, escape

from infoplane.artifacts import read_csv, written_aside
from infoplane.config.words import listed, range_in_words
from infoplane.errors import UserError
from infoplane.refusals import short_text
from infoplane.statistics.claims import CLAIMS
from infoplane.templates import page_from
from infoplane.texts import as_markdown

__all__ = ["findings", "reading_in_words", "refuse_other_claims", "verdict_rows", "write_verdicts"]

# What cells do, one of them and several
STATUSES = {
    "shows": ("shows", "show"),
    "lacks": ("lacks", "lack"),
    "mixed": ("is mixed", "are mixed"),
    "too_few": ("has too few runs", "have too few runs"),
}
# All cells, where they are few
ALL = {1: "the only cell", 2: "both cells"}
# What a cell of a claim shows or lacks, if not compression
SHOWN = {"C1": "a disagreement", "C2": "fitting", "C4": "a difference"}
# What k of n runs do in a cell of each claim
COMPRESSES = "{layer} ({experiment}) compresses in {k} of {n} runs {interval}{mean}"
SENTENCES = {
    "C1": "{layer} ({experiment}) compresses by one binning ({estimator}) and not by another ({by}) in {k} "
    "of the {n} runs that they judge differently {interval}{mean}",
    "C2": "{layer} ({experiment}) fits in {k} of {n} runs {interval}{mean}",
    "C3": COMPRESSES,
    "C4": "{layer} of two networks ({experiment}; {other}) differs in compression by more than the margin, "
    "in the same direction, in {k} of {n} pairs of runs {interval}{mean}",
    "C5": f"{COMPRESSES}; {{by}} show compression of this layer ({{other}})",
    "C6": COMPRESSES,
}
# That of a cell of all hidden layers of a network
OF_NETWORK = "in {k} of {n} runs {interval}, at least one hidden layer ({experiment}) compresses{mean}"
MEANS = {"C1": "mean difference over all runs", "C4": "mean difference"}
# What the first of the decisive cells of a supported or refuted verdict is, by whether all cells must agree
LEADS = {True: "least clearly", False: "most clearly"}
# What it is of other verdicts; where all cells have too few runs, it is just the first of them
OTHER_LEADS = {"mixed": "among the cells without support", "too few runs": "for example"}
READINGS = {
    "bins": "by binning",
    "codes": "counting the codes of quantized networks",
    "float32": "counting the bit patterns of float32 networks",
    "logits": "counting the codes of the logits",
    "rebinned": "by the re-binned softmax",
    "softmax": "counting the codes of the softmax",
    "layers": "layer by layer",
    "networks": "network by network",
}
# What a verdict is if some cells or runs do not count
OTHERWISE = {
    "verdict_good_fits": "by good fits alone",
    "verdict_not_near_log2_n": "without cells near log₂ N",
}
CELL = re.compile(
    r"(?P<experiment>[\w-]+)/(?P<estimator>[\w-]+)(?: T(?P<layer>\d+))?"
    r"(?: against (?P<other>[\w-]+)/(?P<by>[\w-]+))?"
)
NEEDED = ["claim", "statement", "reading", "protocol", "verdict", "fragile", "flips"]
NEEDED += [*OTHERWISE, *STATUSES, "ceiling", "decisive", "k", "n", "lower", "upper", "mean", "note"]
STRONG = ("supported", "refuted")
# What the entries of columns are, of which sentences are made, and what they are called
NUMBER = r"(-?\d+(\.\d+)?(e[+-]?\d+)?)?"
ENTRIES = {
    "claim": ("|".join(CLAIMS), "a claim"),
    "verdict": ("supported|refuted|mixed|too few runs", "a verdict"),
    **dict.fromkeys((*STATUSES, "ceiling"), (r"\d+", "a number of cells")),
    **dict.fromkeys(("lower", "upper", "mean"), (NUMBER, "a number")),
}
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
TEMPLATE = Path(__file__).with_suffix(".html")


def verdict_rows(claims: pd.DataFrame, labels: Mapping[str, str] | None = None) -> list[list[str]]:
    """Rows of the table of verdicts: claim, reading, and what is found under each protocol.

    Args:
        claims: as in `claims.csv`, with every entry as it is written there.
        labels: what is written in place of the names of experiments and estimators.

    Returns:
        The head and a row for each claim and reading. In a row, what is strong stands between two asterisks.

    Raises:
        UserError: a column is missing, or holds other entries.
    """
    refuse_other_claims(claims)
    protocols = [*claims["protocol"].unique()]
    rows = [["claim", "reading", *(f"protocol {protocol}" for protocol in protocols)]]
    stated: set[str] = set()
    for names, its in claims.groupby(["claim", "reading"], sort=False):
        claim, reading = map(str, names)
        statement = its["statement"].iloc[0]
        first = "" if claim in stated else f"**{claim}** {statement}"
        stated.add(claim)
        verdicts = its.set_index("protocol")
        found = [
            describe(verdicts.loc[protocol], labels or {}) if protocol in verdicts.index else ""
            for protocol in protocols
        ]
        rows.append([first, reading, *found])
    return rows


def refuse_other_claims(claims: pd.DataFrame) -> None:
    """Raise a `UserError` if a table lacks a column of the table of claims, or entries are none of its."""
    if missing := {*NEEDED} - {*claims}:
        raise UserError(f"the table of claims has no column {min(missing)}; give claims.csv")
    if claims.duplicated(["claim", "reading", "protocol"]).any():
        raise UserError("the table of claims has two verdicts on the same; give claims.csv")
    decided = claims[claims["verdict"] != "no data"]
    for name, (form, expected) in ENTRIES.items():
        for wrong in (each for each in decided[name] if not re.fullmatch(form, each, re.ASCII)):
            raise UserError(
                f"the table of claims holds {short_text(wrong)} in the column {name}, expected {expected}; "
                "give claims.csv"
            )


def describe(verdict: pd.Series, labels: Mapping[str, str]) -> str:
    """What is found under one protocol: the verdict, and what it rests on."""
    word = verdict["verdict"]
    if word == "no data":
        return "no data"
    return "; ".join([f"**{word}**" if word in STRONG else word, *findings(verdict, labels)])


def findings(verdict: pd.Series, labels: Mapping[str, str]) -> list[str]:
    """What a verdict rests on: the cell that decides, numbers of cells, and what it would be otherwise."""
    note = re.sub(r"the range (\w+)", lambda name: range_in_words(name[1]), verdict["note"])
    condition = f"{verdict['verdict']} {note}" if note else ""
    otherwise = [
        f"{words}, {is_in_words(verdict[name])}"
        for name, words in OTHERWISE.items()
        if verdict[name] != verdict["verdict"]
    ]
    found = [
        of_decisive_cell(verdict, labels),
        of_all_cells(verdict),
        condition,
        fragility(verdict),
        *otherwise,
    ]
    return [each for each in found if each]


def of_decisive_cell(verdict: pd.Series, labels: Mapping[str, str]) -> str:
    """What the runs do in the cell that decides, or in the first one; nothing where it has none."""
    cell = CELL.match(verdict["decisive"])
    if not (cell and verdict["lower"] and verdict["upper"]):  # cells of no run have no interval
        return ""
    claim = CLAIMS[verdict["claim"]]
    word = verdict["verdict"]
    rule = claim.refuted if word == "refuted" else claim.supported
    names = {each: labels.get(name, name) for each, name in cell.groupdict("").items()}
    sentence = SENTENCES[claim.name] if names["layer"] else OF_NETWORK
    names["layer"] = f"T{names['layer']}".translate(SUBSCRIPTS)
    numbers = {
        "k": verdict["k"],
        "n": verdict["n"],
        "interval": f"[{percent(verdict['lower'])}, {percent(verdict['upper'])}]",
        "mean": mean_of(verdict),
    }
    lead = LEADS[rule.every] if word in STRONG else OTHER_LEADS[word]
    return f"{lead}, {sentence.format(**names, **numbers)}"


def mean_of(verdict: pd.Series) -> str:
    """The mean effect in the cell that decides, if there is one.

    >>> mean_of(pd.Series({"claim": "C4", "mean": "-2.248"}))
    ', mean difference −2.25 bit'
    """
    if not verdict["mean"]:
        return ""
    mean = f"{float(verdict['mean']):.2f}".replace("-0.00", "0.00").replace("-", "−")
    return f", {MEANS.get(verdict['claim'], 'mean')} {mean} bit"


def of_all_cells(verdict: pd.Series) -> str:
    """How many cells show what the claim speaks of.

    >>> row = {"claim": "C2", "shows": "3", "lacks": "1", "mixed": "0", "too_few": "0", "ceiling": "1"}
    >>> of_all_cells(pd.Series(row))
    'of 4 cells, 3 show fitting and 1 lacks it; 1 more has nothing left to fit'
    >>> of_all_cells(pd.Series({**row, "lacks": "0", "ceiling": "0"}))
    'all 3 cells show fitting'
    """
    numbers = {name: int(verdict[name]) for name in STATUSES if verdict[name] != "0"}
    total, ceiling = sum(numbers.values()), int(verdict["ceiling"])
    match phrases_of(numbers, SHOWN.get(verdict["claim"], "compression")):
        case []:
            sentence = ""
        case [only]:
            sentence = f"{ALL.get(total, f'all {total} cells')} {only}"
        case several:
            counts = (f"{number} {each}" for number, each in zip(numbers.values(), several, strict=True))
            sentence = f"of {total} cells, {listed(counts)}"
    full = f"{ceiling} more {'has' if ceiling == 1 else 'have'} nothing left to fit" if ceiling else ""
    return "; ".join(filter(None, [sentence, full]))


def phrases_of(numbers: Mapping[str, int], shown: str) -> list[str]:
    """What the cells of each status do; what they show is named once.

    >>> phrases_of({"shows": 2, "lacks": 1, "mixed": 3}, "fitting")
    ['show fitting', 'lacks it', 'are mixed']
    """
    seen = [name for name in numbers if name in ("shows", "lacks")]
    whats = dict.fromkeys(seen, " it") | {name: f" {shown}" for name in seen[:1]}
    return [f"{STATUSES[name][number != 1]}{whats.get(name, '')}" for name, number in numbers.items()]


def fragility(verdict: pd.Series) -> str:
    """That a verdict is another one by other margins, and by which; empty where it is not.

    >>> fragility(pd.Series({"fragile": "True", "flips": "0.2 bit: refuted; 1 %: mixed; 2 %: mixed"}))
    'fragile: at a margin of 0.2 bit it is refuted, at a margin of 1 % or 2 % it is mixed'
    """
    if verdict["fragile"] != "True":
        return ""
    margins: dict[str, list[str]] = {}
    for flip in verdict["flips"].split("; "):
        margin, _, word = flip.partition(": ")
        margins.setdefault(word, []).append(margin)
    others = (f"at a margin of {listed(its, 'or')} {is_in_words(word)}" for word, its in margins.items())
    return f"fragile: {', '.join(others)}"


def is_in_words(word: str) -> str:
    """A verdict as the end of a sentence.

    >>> is_in_words("mixed"), is_in_words("too few runs")
    ('it is mixed', 'there are too few runs')
    """
    return f"there are {word}" if word in ("no data", "too few runs") else f"it is {word}"


def reading_in_words(reading: str) -> str:
    """What T is in a reading of a claim.

    >>> reading_in_words("networks/float32")
    'network by network, counting the bit patterns of float32 networks'
    """
    return ", ".join(READINGS.get(part, part) for part in reading.split("/"))


def percent(share: str) -> str:
    """A share as it stands in an interval.

    >>> percent("0.884297")
    '88 %'
    """
    return f"{float(share):.0%}".replace("%", " %")


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
