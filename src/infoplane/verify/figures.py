"""Figures: whether they are whole files, and show the tables that they say."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from infoplane.artifacts import describe, parse_description, read_table, refuse_mismatch
from infoplane.config import FigureSpec
from infoplane.config.kinds import TABLES
from infoplane.errors import UserError
from infoplane.figures.drawing import write_figure
from infoplane.layout import locate, path_of
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
    tables = tables_of(spec, locate(path, "figure")[0])
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
    """Paths of the tables that a figure shows, by kind and by experiment, or experiment and estimator."""
    tables: dict[str, dict[Any, list[Path]]] = {}
    for kind in spec.reads:
        tables[kind] = {}
        for name in spec.names(kind):
            pair = name if isinstance(name, tuple) else (name,)
            names = dict(zip(("experiment", "estimator"), pair, strict=False))
            if TABLES[kind].chunked:
                aggregates = results / path_of("aggregates", **names)
                repetitions = read_table(aggregates, "aggregates")[1]["repetitions"]
                tables[kind][name] = chunks_of(results, kind, names, repetitions)
            else:
                tables[kind][name] = [results / path_of(kind, **names)]
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
