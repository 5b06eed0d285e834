"""From a verdict back to the runs that it rests on."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pandas as pd

from infoplane.artifacts import as_read, read_csv
from infoplane.errors import UserError
from infoplane.statistics.claims import CELLS, CLAIMS, decide_claims, judge_claims, name_of
from infoplane.statistics.tables import observe

__all__ = ["trace"]

VERDICT = """{protocol}, {reading}: {verdict} (by the good fits alone: {verdict_good_fits})
{shows} shows, {lacks} lacks, {open} open, {saturated} saturated
decisive: {decisive}"""
CELL = """{name}, {phase}: {status}
{effect:.4g} bit [{lower:.4g}, {upper:.4g}], {runs} runs, {fraction:.0%} above {margin}; bad fits {bad_fits}
p {p:.2g}, corrected {corrected_p:.2g}; TOST p {tost_p:.2g}, corrected {corrected_tost_p:.2g}
{path}"""


def trace(results: Path, name: str, protocol: str | None = None, reading: str | None = None) -> Iterator[str]:
    """A claim and its rule, each verdict on it, the cells it rests on and their runs.

    All of it is computed anew, from the phases of what the table of cells names.

    Args:
        results: the folder that a study wrote.
        name: of the claim.
        protocol, reading: if given, the only ones that are shown.

    Yields:
        Paragraphs.

    Raises:
        UserError: there is no such claim, or the table of cells is not what the runs say.
    """
    if name not in CLAIMS:
        raise UserError(f"{name}: is no claim; use one of {', '.join(CLAIMS)}")
    claim, folder = CLAIMS[name], results / "statistics"
    table = read_csv(folder / "cells.csv")
    table = table[table["claim"] == name].reset_index(drop=True)
    names = {*(table["experiment"] + "/" + table["estimator"]), *table["against"]} - {""}
    pairs = {(experiment, estimator) for experiment, _, estimator in (each.partition("/") for each in names)}
    study = observe({pair: folder.joinpath(*pair, "phases.parquet") for pair in pairs})
    decided = decide_claims(study, [claim])
    if not as_read(decided[CELLS]).equals(table):
        raise UserError(f"{folder / 'cells.csv'}: is not what the runs say of {name}; run the workflow again")

    yield "\n".join([name, *claim.words])
    cells = [*zip(decided.to_dict("records"), claim.cells(study), strict=True)]
    for verdict in judge_claims(decided, [claim]).to_dict("records"):
        key = verdict["protocol"], verdict["reading"]
        if protocol in (None, key[0]) and reading in (None, key[1]):
            yield VERDICT.format_map(verdict)
            for tested, cell in cells:
                if key == (cell.protocol, cell.reading):
                    path = folder / cell.experiment / cell.estimator / "phases.parquet"
                    told = {**tested, "name": name_of(pd.Series(tested)), "path": path}
                    runs = cell.runs.dropna(axis=1, how="all").to_string(index=False)
                    yield f"{CELL.format_map(told)}\n{indent(runs, '    ')}"
