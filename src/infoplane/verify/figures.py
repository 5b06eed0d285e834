"""Figures: whether they are whole files, and show the tables that they say."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from infoplane.artifacts import describe, parse_description, read_table, refuse_mismatch
from infoplane.config import FigureSpec
from infoplane.errors import UserError
from infoplane.figures.drawing import write_figure
from infoplane.verify.chunks import chunks_of
from infoplane.verify.facts import RUN_AGAIN

__all__ = ["check_figure"]

READ_HERE = {"accuracy", "aggregates", "information"}
# What files of other forms begin and end with
ENDS = {".pdf": (b"%PDF-", b"%%EOF\n"), ".svg": (b"<?xml", b"</svg>\n")}


def check_figure(path: Path) -> None:
    """A figure is whole and, if it is drawn from mean curves or single runs, what its tables show.

    To find out, it is drawn again, unless other versions of the libraries have drawn it.
    """
    if not is_whole(path):
        raise UserError(f"{path}: truncated, damaged or no figure of a study; {RUN_AGAIN}")
    picture = path.with_suffix(".png")  # which carries the description
    if not (picture.exists() and is_whole(picture)):
        return
    with Image.open(picture) as image:
        described = parse_description(image.info["Description"], picture, "figure")
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


def is_whole(path: Path) -> bool:
    """Whether a file is a whole PNG with a description, or begins and ends as the other forms do."""
    start, end = ENDS.get(path.suffix, (b"", b""))
    data = path.read_bytes()
    if path.suffix != ".png":
        return data.startswith(start) and data.endswith(end)
    with suppress(OSError, SyntaxError), Image.open(path) as image:  # what Pillow raises
        image.verify()
        return "Description" in image.info
    return False
