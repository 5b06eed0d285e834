"""Where the chunks of a study are, by their names."""

import re
from collections.abc import Collection, Iterable
from itertools import chain
from pathlib import Path

from infoplane.errors import UserError

__all__ = ["chunks_of", "refuse_gaps", "repetitions_of", "tables_in"]


def repetitions_of(path: Path) -> list[int]:
    """The repetitions that a file is named after.

    >>> repetitions_of(Path("training/mine/3-5.parquet"))
    [3, 4, 5]
    """
    ends = re.fullmatch(r"(\d+)-(\d+)", path.stem)
    if not ends:
        raise UserError(f"{path}: is named after no repetitions, as 0-19 is; remove it")
    return [*range(int(ends[1]), int(ends[2]) + 1)]


def tables_in(folder: Path) -> list[Path]:
    tables = sorted(folder.glob("*.parquet"))
    if not tables:
        raise UserError(f"{folder}: holds no tables; run the workflow again")
    return tables


def chunks_of(folder: Path, repetitions: Collection[int]) -> list[Path]:
    """The tables in a folder that are named after some of the repetitions and no others.

    Raises:
        UserError: they do not hold all of the repetitions.
    """
    chunks = {path: repetitions_of(path) for path in tables_in(folder)}
    chosen = {path: its for path, its in chunks.items() if set(its) <= set(repetitions)}
    refuse_gaps(folder, chain(*chosen.values()), repetitions)
    return list(chosen)


def refuse_gaps(folder: Path, found: Iterable[int], expected: Iterable[int]) -> None:
    if missing := sorted({*expected} - {*found}):
        raise UserError(f"{folder}: repetitions {missing} are missing; run the workflow again")
