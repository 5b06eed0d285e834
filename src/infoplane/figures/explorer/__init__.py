"""Explorer: a page for a browser that shows information planes and curves, moved by one slider."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from infoplane.artifacts import written_aside
from infoplane.config import FigureSpec
from infoplane.errors import UserError
from infoplane.figures.explorer.contents import EPOCHS, contents_of, largest_step
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import COLOURS
from infoplane.templates import embedded, page_from

__all__ = ["write"]

TEMPLATE = Path(__file__).with_name("explorer.html")


def write(spec: FigureSpec, tables: Tables, outputs: Sequence[Path], description: Mapping[str, Any]) -> None:
    """Write the page, which needs nothing from elsewhere.

    Raises:
        UserError: an output is no HTML.
    """
    contents = contents_of(spec, tables)
    page = page_from(
        TEMPLATE,
        caption=spec.caption,
        note=spec.note,
        colours=COLOURS,
        epochs=EPOCHS,
        step=f"{largest_step(contents):g}",
        contents=Markup(embedded(contents)),
        description=Markup(embedded(description)),
    )
    for path in map(Path, outputs):
        if path.suffix != ".html":
            raise UserError(f"{path}: an explorer is written as .html; rename the output")
        with written_aside(path) as aside:
            aside.write_text(page, encoding="utf-8")
