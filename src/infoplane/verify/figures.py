"""Figures: whether they are whole files, and show the tables that they say."""

import re
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infoplane.artifacts import describe, parse_description, read_table, refuse_mismatch
from infoplane.config import FigureSpec
from infoplane.errors import UserError
from infoplane.figures.drawing import write_figure
from infoplane.verify.facts import RUN_AGAIN
from infoplane.verify.layout import chunks_of

__all__ = ["check_figure"]

READ_HERE = {"accuracy", "aggregates", "information"}
PNG = b"\x89PNG\r\n\x1a\n"


def check_figure(path: Path) -> None:
    """A figure is whole and, if it is drawn from mean curves or single runs, what its tables show.

    To find out, it is drawn again, unless other versions of the libraries have drawn it.
    """
    described = parse_description(description_of(path), path, "figure")
    spec = FigureSpec.model_validate(described["spec"])
    if not {*spec.reads} <= READ_HERE:
        return
    tables = tables_of(spec, path.parents[1])
    kind = spec.reads[0]
    sources = [read_table(table, kind)[1]["spec_hash"] for (table, *_) in tables[kind].values()]
    refuse_mismatch(path, "the specs of its tables", described["sources"], sources)
    if described["versions"] == describe("figure", {})["versions"]:
        with TemporaryDirectory() as folder:
            again = Path(folder, path.name)
            write_figure(spec, tables, [again])
            if again.read_bytes() != path.read_bytes():
                raise UserError(f"{path}: is not what its tables show; {RUN_AGAIN}")


def tables_of(spec: FigureSpec, results: Path) -> dict[str, dict[Any, list[Path]]]:
    """What a figure is drawn from, by what it holds and by experiment, or experiment and estimator."""
    tables: dict[str, dict[Any, list[Path]]] = {held: {} for held in spec.reads}
    for experiment in spec.experiments:
        statistics = results / "statistics" / experiment
        if spec.kind == "accuracy":
            tables["accuracy"][experiment] = [statistics / "accuracy.parquet"]
        for estimator in spec.estimators or ():
            aggregates = statistics / estimator / "aggregates.parquet"
            tables["aggregates"][experiment, estimator] = [aggregates]
            if spec.kind == "runs":
                repetitions = read_table(aggregates, "aggregates")[1]["repetitions"]
                chunks = chunks_of(results / "information" / experiment / estimator, repetitions)
                tables["information"][experiment, estimator] = chunks
    return tables


def description_of(path: Path) -> bytes:
    """The description in a figure's metadata.

    Raises:
        UserError: the file is no figure, or not all of one.
    """
    data = path.read_bytes()
    found = png_description(data) if path.suffix == ".png" else pdf_description(data)
    if found is None:
        raise UserError(f"{path}: truncated, damaged or no figure of a study; {RUN_AGAIN}")
    return found


def png_description(data: bytes) -> bytes | None:
    """That of a PNG whose chunks have the checksums that they say and end with its end."""
    found, place, kind = None, len(PNG), b""
    if not data.startswith(PNG):
        return None
    while place < len(data):
        length = int.from_bytes(data[place : place + 4])
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        checksum = data[place + 8 + length : place + 12 + length]
        if checksum != zlib.crc32(kind + content).to_bytes(4):
            return None
        if kind == b"tEXt" and content.startswith(b"Description\0"):
            found = content.partition(b"\0")[2]
        place += 12 + length
    return found if kind == b"IEND" else None


def pdf_description(data: bytes) -> bytes | None:
    """That of a PDF which begins and ends as one; in its strings, parentheses and backslashes are escaped."""
    found = re.search(rb"^/Subject \((.*)\)$", data, re.MULTILINE)
    if not (found and data.startswith(b"%PDF-") and data.endswith(b"%%EOF\n")):
        return None
    return re.sub(rb"\\(.)", rb"\1", found[1])
