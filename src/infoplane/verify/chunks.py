"""The chunks of an experiment in a folder of results."""

from collections.abc import Collection, Iterable
from itertools import chain
from pathlib import Path

from infoplane import layout
from infoplane.errors import UserError

__all__ = ["chunks_in", "chunks_of", "named_repetitions", "refuse_gaps"]


def named_repetitions(path: Path) -> list[int]:
    """The repetitions that a file is named after.

    >>> named_repetitions(Path("training/mine/3-5.parquet"))
    [3, 4, 5]
    """
    try:
        return [*layout.repetitions_of(path.stem)]
    except UserError:
        raise UserError(f"{path}: is not named after its repetitions, such as 0-19; remove it") from None


def chunks_in(
    results: Path, kind: str, names: dict[str, str], repetitions: Collection[int] | None = None
) -> list[Path]:
    """The chunks of a kind of table, or those of some repetitions and no others.

    A study that has grown leaves the last chunk that it had, whose repetitions are all in a larger one: such
    chunks are left out.

    Args:
        results: the folder that a study wrote.
        names: of the experiment, and of the estimator if the tables are of one.

    Raises:
        UserError: there are none.
    """
    paths = sorted(results.glob(layout.path_of(kind, **names, chunk="*")))
    chunks = {path: {*named_repetitions(path)} for path in paths}
    if repetitions is not None:
        chunks = {path: its for path, its in chunks.items() if its <= {*repetitions}}
    if not chunks:
        folder = results / layout.folder_of(kind, **names)
        raise UserError(f"{folder}: contains no tables; run the workflow again")
    return [path for path, its in chunks.items() if not any(its < others for others in chunks.values())]


def chunks_of(results: Path, kind: str, names: dict[str, str], repetitions: Collection[int]) -> list[Path]:
    """The chunks of a kind of table that hold some repetitions and no others.

    Raises:
        UserError: they do not hold all of them.
    """
    chunks = chunks_in(results, kind, names, repetitions)
    folder = results / layout.folder_of(kind, **names)
    refuse_gaps(folder, chain(*map(named_repetitions, chunks)), repetitions)
    return chunks


def refuse_gaps(folder: Path, found: Iterable[int], expected: Iterable[int]) -> None:
    """Refuse a folder in which expected repetitions are missing."""
    if missing := sorted({*expected} - {*found}):
        raise UserError(f"{folder}: repetitions {missing} are missing; run the workflow again")
