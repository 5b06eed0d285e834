"""From a verdict back to the runs that it rests on."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

import pandas as pd

from infoplane.artifacts import MOVE_AWAY, as_read, read_csv
from infoplane.config.validation import refuse_unknown
from infoplane.errors import UserError
from infoplane.layout import path_of
from infoplane.statistics.cells import Cell
from infoplane.statistics.claims import CLAIMS, Claim
from infoplane.statistics.margins import DEFAULT
from infoplane.statistics.observations import observe
from infoplane.statistics.prevalence import FEWEST
from infoplane.statistics.verdicts import CELLS, Case, cases, judge, name_of

__all__ = ["trace"]

VERDICT = """\
{protocol}, {reading}: {verdict}
without bad fits {verdict_good_fits}, without cells near log2 N {verdict_not_near_log2_n}, {fragility}
cells: {shows} show, {lacks} lack, {mixed} mixed, {too_few} of too few runs; {ceiling} at the ceiling
decisive: {decisive}"""
BY = {"fitting": f"{DEFAULT.fitting:g} bit", "compression": f"{DEFAULT.compression:g} bit"}
# What k of n runs do
DONE = {
    "fitting": f"{{k}} of {{n}} runs fit by more than {BY['fitting']}",
    "compression": f"{{k}} of {{n}} runs compress by more than {BY['compression']}",
    "network": f"{{k}} of {{n}} runs have a hidden layer that compresses by more than {BY['compression']}",
    "difference": f"{{k}} of {{n}} pairs of runs differ by more than {BY['compression']} in one direction",
    "disagreement": "of {n} runs that are judged differently, {k} compress by {estimator} alone",
}
# What the two p-values are of
HYPOTHESES = {
    "difference": ("most do not differ so", "most differ"),
    "disagreement": ("no binning shows what the other lacks", "they do not say the same"),
}
PREVALENCE = "prevalence {lower:.0%} to {upper:.0%}"
TESTED = "p {p_shows:.2g} of '{not_shown}', {p_lacks:.2g} of '{not_lacking}'"
CORRECTED = "corrected {corrected_p_shows:.2g} and {corrected_p_lacks:.2g}"
EFFECT = "mean {mean:.4g} bit [{mean_lower:.4g}, {mean_upper:.4g}], median {median:.4g} bit"


def trace(results: Path, name: str, protocol: str | None = None, reading: str | None = None) -> Iterator[str]:
    """A claim and its rule, each verdict on it, the cells it rests on and their runs.

    All of it is computed anew, from the phases of what the table of cells names.

    Args:
        results: the folder that a study wrote.
        name: of the claim.
        protocol, reading: if given, the only ones that are traced.

    Yields:
        Paragraphs.

    Raises:
        UserError: there is no such claim, protocol or reading, or the table of cells is none, or not what the
            runs say.
    """
    claim = asked_for(name, protocol, reading)
    path = results / path_of("cells")
    table = read_csv(path)
    if missing := [each for each in CELLS if each not in table]:
        raise UserError(f"{path}: has no column {missing[0]}; {MOVE_AWAY}")
    table = table[table["claim"] == name].reset_index(drop=True)
    names = {*(table["experiment"] + "/" + table["estimator"]), *table["against"]} - {""}
    pairs = {(experiment, estimator) for experiment, _, estimator in (each.partition("/") for each in names)}
    study = observe({pair: phases_of(results, *pair) for pair in pairs})
    judgement = judge(study, [claim])
    if not as_read(judgement.cells).equals(table):
        raise UserError(f"{path}: is not what the runs say of {name}; run the workflow again")

    yield "\n".join([name, *claim.words])
    verdicts = judgement.claims.to_dict("records")
    for case, verdict in zip(cases(study, [claim]), verdicts, strict=True):
        if protocol in (None, case.protocol) and reading in (None, case.reading):
            if case.cells:
                yield VERDICT.format_map(verdict | {"fragility": fragility(verdict)})
                yield from paragraphs(case, results)
            else:
                yield f"{case.protocol}, {case.reading}: no data"


def asked_for(name: str, protocol: str | None, reading: str | None) -> Claim:
    """The claim of a name, if it has such a protocol and such a reading."""
    refuse_unknown([name], CLAIMS, "claim")
    readings = CLAIMS[name].readings
    if protocol is not None:
        refuse_unknown([protocol], readings, f"{name} --protocol")
        readings = {protocol: readings[protocol]}
    if reading is not None:
        valid = dict.fromkeys(each for its in readings.values() for each in its)
        refuse_unknown([reading], valid, f"{name} --reading")
    return CLAIMS[name]


def fragility(verdict: Mapping[Any, Any]) -> str:
    return f"fragile ({verdict['flips']})" if verdict["fragile"] else "the same by all margins"


def phases_of(results: Path, experiment: str, estimator: str) -> Path:
    return results / path_of("phases", experiment=experiment, estimator=estimator)


def paragraphs(case: Case, results: Path) -> Iterator[str]:
    """A paragraph for each cell: what its runs tell, and the runs."""
    for (_, row), cell in zip(case.described.iterrows(), case.cells, strict=True):
        path = phases_of(results, cell.experiment, cell.estimator)
        runs = cell.runs.dropna(axis=1, how="all").to_string(index=False, float_format="%.4f")
        yield "\n".join([*lines(row, cell), str(path), indent(runs, "    ")])


def lines(row: pd.Series, cell: Cell) -> Iterator[str]:
    """What is printed of a cell before its runs.

    Args:
        row: its row in the table of cells.
        cell: the cell.
    """
    yield f"{name_of(row)}, {cell.phase}: {row['status']}"
    if row["left_out"]:
        yield f"does not count: {row['left_out']}"
    runs = cell.runs["repetition"].nunique()
    if runs < FEWEST:
        yield f"{runs} runs, fewer than {FEWEST}: nothing can be decided"
        return
    yield DONE[cell.phase].format_map(row)
    if row["n"]:
        yield PREVALENCE.format_map(row)
    not_shown, not_lacking = HYPOTHESES.get(cell.phase, ("most do not", "most do"))
    tested = TESTED if row["left_out"] else f"{TESTED}; {CORRECTED}"
    yield tested.format(not_shown=not_shown, not_lacking=not_lacking, **row)
    yield EFFECT.format_map(row)
    bad = "undefined" if pd.isna(row["bad_fits"]) else str(row["bad_fits"])
    yield f"bad fits: {bad}; without them: {row['status_good_fits']}"
