"""The chunks in a folder of results, by their names."""

from collections.abc import Collection, Iterable
from itertools import chain
from pathlib import Path

from infoplane import layout
from infoplane.errors import UserError

__all__ = ["chunks_of", "refuse_gaps", "repetitions_of", "tables_in"]


def repetitions_of(path: Path) -> list[int]:
    """The repetitions that a file is named after.

    >>> repetitions_of(Path("training/mine/3-5.parquet"))
    [3, 4, 5]
    """
    try:
        return [*layout.repetitions_of(path.stem)]
    except UserError:
        raise UserError(f"{path}: is not named after its repetitions, such as 0-19; remove it") from None


def tables_in(folder: Path, repetitions: Collection[int] | None = None) -> list[Path]:
    """The chunks in a folder, or those of some repetitions and no others.

    A study that has grown leaves the last chunk that it had, whose repetitions are all in a larger one: such
    chunks are left out.

    Raises:
        UserError: there are none.
    """
    chunks = {path: {*repetitions_of(path)} for path in sorted(folder.glob("*.parquet"))}
    if repetitions is not None:
        chunks = {path: its for path, its in chunks.items() if its <= {*repetitions}}
    if not chunks:
        raise UserError(f"{folder}: contains no tables; run the workflow again")
    return [path for path, its in chunks.items() if not any(its < others for others in chunks.values())]


def chunks_of(folder: Path, repetitions: Collection[int]) -> list[Path]:
    """The chunks in a folder that hold some repetitions and no others.

    Raises:
        UserError: they do not hold all of them.
    """
    chunks = tables_in(folder, repetitions)
    refuse_gaps(folder, chain(*map(repetitions_of, chunks)), repetitions)
    return chunks


def refuse_gaps(folder: Path, found: Iterable[int], expected: Iterable[int]) -> None:
    if missing := sorted({*expected} - {*found}):
        raise UserError(f"{folder}: repetitions {missing} are missing; run the workflow again")
