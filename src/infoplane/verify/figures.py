"""Checks of figures: files are whole, and show their tables."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from infoplane.artifacts import describe, parse_description, read_table, refuse_mismatch
from infoplane.config import FigureSpec
from infoplane.config.kinds import TABLES
from infoplane.errors import UserError
from infoplane.figures.descriptions import figure_description
from infoplane.figures.drawing import write_figure
from infoplane.layout import locate, path_of
from infoplane.verify.chunks import chunks_of
from infoplane.verify.facts import RUN_AGAIN

__all__ = ["check_figure"]

READ_HERE = {"accuracy", "aggregates", "history", "information"}
# Beginnings and ends of files of other formats
ENDS = {
    ".gif": (b"GIF89a", b";"),
    ".html": (b"<!doctype html>", b"</html>\n"),
    ".pdf": (b"%PDF-", b"%%EOF\n"),
    ".svg": (b"<?xml", b"</svg>\n"),
    ".mp4": (b"\0\0\0 ftyp", b""),
}


def check_figure(path: Path) -> None:
    """A figure is whole and, if it shows mean curves or single runs, equal to one that is drawn again.

    It is not drawn again if other versions of the libraries have drawn it.
    """
    if not is_whole(path):
        raise UserError(f"{path}: is no whole figure of a study; {RUN_AGAIN}")
    described = description_beside(path)
    if described is None:
        return
    spec = FigureSpec.model_validate(described["spec"])
    if not {*spec.reads} <= READ_HERE or path.suffix == ".mp4":  # the bytes of which depend on ffmpeg
        return
    tables = spec.files(partial(files_of, results=locate(path, "figure")[0]))
    kind = spec.reads[0]
    sources = [read_table(table, kind)[1]["spec_hash"] for (table, *_) in tables[kind].values()]
    refuse_mismatch(path, "the specs of its tables", described["sources"], sources)
    if described["versions"] == describe("figure", {})["versions"]:
        with TemporaryDirectory() as folder:
            again = Path(folder, path.name)
            write_figure(spec, tables, [again])
            if again.read_bytes() != path.read_bytes():
                raise UserError(f"{path}: is not what its tables show; {RUN_AGAIN}")


def description_beside(path: Path) -> dict[str, Any] | None:
    """What a figure says of itself in the file that carries its description; None without that file."""
    for suffix in (".png", ".html", ".gif"):
        picture = path.with_suffix(suffix)
        if picture.exists() and is_whole(picture):
            return parse_description(figure_description(picture), picture, "figure")
    return None


def files_of(kind: str, name: Any, results: Path) -> list[Path]:
    """The files of a table, in all their chunks."""
    experiment, estimator = name if isinstance(name, tuple) else (name, "")
    names = {"experiment": experiment, "estimator": estimator}
    if not TABLES[kind].chunked:
        return [results / path_of(kind, **names)]
    means = "aggregates" if estimator else "accuracy"
    repetitions = read_table(results / path_of(means, **names), means)[1]["repetitions"]
    return chunks_of(results, kind, names, repetitions)


def is_whole(path: Path) -> bool:
    """Whether a file is a whole PNG with a description, or begins and ends as PDF or SVG do."""
    start, end = ENDS.get(path.suffix, (b"", b""))
    data = path.read_bytes()
    if path.suffix != ".png":
        return data.startswith(start) and data.endswith(end)
    with suppress(OSError, SyntaxError), Image.open(path) as image:  # what Pillow raises
        image.verify()
        return "Description" in image.info
    return False
