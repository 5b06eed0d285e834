"""Tables of statistics: each against the tables that it was made from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from infoplane.artifacts import read_csv, read_table
from infoplane.config.kinds import TABLES
from infoplane.errors import UserError
from infoplane.layout import JOINS, locate, path_of
from infoplane.recognition import description_of
from infoplane.statistics import joins
from infoplane.statistics.joins import write_claims
from infoplane.statistics.tables import summarise_accuracy, summarise_information
from infoplane.verify.chunks import chunks_of
from infoplane.verify.facts import RUN_AGAIN

__all__ = ["check_accuracy", "check_claims", "check_joined", "check_statistics", "check_table"]

# Sums over repetitions may be taken in another order by another version of a library.
LAST_DIGITS, SIX_DIGITS = 1e-9, 1e-5

# The columns of joined tables that name what they were made from
OWN_PAIRS = [("experiment", "estimator")]
PAIRS = {
    "differences": [*OWN_PAIRS, ("against", "estimator")],
    "signs": [*OWN_PAIRS, ("experiment", "against")],
}


def check_table(path: Path) -> None:
    """A table of any kind is whole."""
    read_table(path, description_of(path).get("kind", "table"))


def check_statistics(path: Path) -> None:
    """Phases, and the aggregates beside them, are what their tables of information and histories give."""
    results, names = locate(path, "phases")
    repetitions = read_table(path, "phases")[1]["repetitions"]
    information = chunks_of(results, "information", names, repetitions)
    histories = chunks_of(results, "history", {"experiment": names["experiment"]}, repetitions)
    with made_again(results / path_of("aggregates", **names), path) as [aggregates, phases]:
        summarise_information(information, histories, aggregates, phases)


def check_accuracy(path: Path) -> None:
    """Loss and accuracies of one experiment are what its histories give."""
    results, names = locate(path, "accuracy")
    known = read_table(path, "accuracy")[1]
    named = results / path_of("dataset", dataset=known["dataset"]["name"])
    dataset = None if "recorded" in known["spec"] else named
    histories = chunks_of(results, "history", names, known["repetitions"])
    with made_again(path) as [again]:
        summarise_accuracy(histories, dataset, again)


def check_joined(path: Path) -> None:
    """A table over all experiments on a data set is what its own tables give.

    One without rows names none of them: it has to be what one of the tables of its kind gives.
    """
    results, names = locate(path, "joined")
    table, name = read_csv(path), names["table"]
    kind, join = JOINS[name].of, getattr(joins, f"join_{name}")
    if table.empty:
        check_empty(path, join, kind)
        return
    if (table["experiment"] == "").all():
        raise not_what_follows(path)
    with made_again(path) as [again]:
        if TABLES[kind].of == "experiment":
            experiments = sorted({*table["experiment"]})
            join({each: results / path_of(kind, experiment=each) for each in experiments}, again)
        else:
            pairs = {pair for each in PAIRS.get(name, OWN_PAIRS) for pair in pairs_in(table, *each)}
            join({pair: path_of_pair(results, kind, *pair) for pair in sorted(pairs)}, again)


def check_empty(path: Path, join: Callable[[Any, Path], None], kind: str) -> None:
    """A joined table without rows is what `join` gives of one of the tables of a kind."""
    results, _ = locate(path, "joined")
    with TemporaryDirectory() as folder:
        again = Path(folder, path.name)
        for one in sorted(results.glob(path_of(kind, experiment="*", estimator="*"))):
            experiment, *estimator = locate(one, kind)[1].values()
            join({(experiment, *estimator) if estimator else experiment: one}, again)
            if agree(path, again):
                return
    raise not_what_follows(path)


def pairs_in(table: pd.DataFrame, experiment: str, estimator: str) -> Iterator[tuple[str, str]]:
    """The pairs in two columns of a joined table; rows that take experiments together name none."""
    own = table[table[experiment] != ""]
    return zip(own[experiment], own[estimator], strict=True)


def check_claims(path: Path) -> None:
    """Verdicts, cells and margins are what the phases of the experiments that they name give."""
    results, _ = locate(path, "claims")
    paths = [results / path_of(kind) for kind in ("claims", "cells", "margins")]
    cells = read_csv(results / path_of("cells"))
    names = {*(cells["experiment"] + "/" + cells["estimator"]), *cells["against"]} - {""}
    pairs = [tuple(name.split("/")) for name in names]
    if any(len(pair) != 2 for pair in pairs):
        raise not_what_follows(results / path_of("cells"))
    with made_again(*paths) as again:
        write_claims({pair: path_of_pair(results, "phases", *pair) for pair in pairs}, *again)


def path_of_pair(results: Path, kind: str, experiment: str, estimator: str) -> Path:
    """The path of a table of an experiment seen by an estimator."""
    return results / path_of(kind, experiment=experiment, estimator=estimator)


@contextmanager
def made_again(*paths: Path) -> Iterator[list[Path]]:
    """Paths for tables that are made once more; those that say something else are refused."""
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        again = [Path(folder, path.name) for path in paths]
        yield again
        for path, other in zip(paths, again, strict=True):
            if not agree(path, other):
                raise not_what_follows(path)


def not_what_follows(path: Path) -> UserError:
    """The error of a table that says something else than what it was made from."""
    return UserError(f"{path}: is not what the tables that it rests on give; {RUN_AGAIN}")


def agree(path: Path, other: Path) -> bool:
    """Whether two tables agree up to the last digits, and describe themselves alike but for versions."""
    if path.suffix == ".csv":
        return similar(read_csv(path), read_csv(other), SIX_DIGITS)
    (table, known), (again, described) = (read_table(each, path.stem) for each in (path, other))
    shared = described.keys() - {"versions", "machine", "code"}
    return similar(table, again, LAST_DIGITS) and all(known[name] == described[name] for name in shared)


def similar(table: pd.DataFrame, other: pd.DataFrame, relative: float) -> bool:
    with suppress(AssertionError):
        pd.testing.assert_frame_equal(table, other, rtol=relative, atol=1e-12)
        return True
    return False
