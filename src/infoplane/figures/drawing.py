"""One figure of the config, from the tables it rests on to its files."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from infoplane.artifacts import describe
from infoplane.config import FigureSpec
from infoplane.figures import KINDS, MOVING
from infoplane.figures.style import save, styled
from infoplane.figures.tables import Paths, Tables, read_tables, sources_of

__all__ = ["draw_figure", "write_figure"]


def draw_figure(spec: FigureSpec, tables: Tables) -> Figure:
    """Draw a figure that does not move in the style of the study, whatever Matplotlib's settings are."""
    with styled():
        return KINDS[spec.kind].draw(spec, tables)


def write_figure(spec: FigureSpec, paths: Paths, outputs: Sequence[Path]) -> None:
    """Draw a figure into every path of `outputs`.

    Args:
        spec: what to draw.
        paths: files of the tables that it is drawn from (`spec.reads`), by what they hold and by experiment,
            (experiment, estimator) or "study"; several where they come in chunks.
        outputs: paths that end in formats of its kind, such as .pdf.

    Raises:
        UserError: a table is missing, damaged or of other runs, or an output cannot be written.
    """
    tables = read_tables(spec, paths)
    description = describe("figure", spec.differences(), sources=sources_of(spec, tables))
    with styled():
        if spec.kind in MOVING:
            MOVING[spec.kind].write(spec, tables, outputs, description)
        else:
            save(draw_figure(spec, tables), outputs, spec.dpi, description)
