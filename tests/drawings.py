"""Figures as a reader sees them: their panels, and what is written where."""

from itertools import combinations
from pathlib import Path
from unittest.mock import patch

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from infoplane.config import FigureSpec
from infoplane.figures.drawing import write_figure
from infoplane.figures.style import save, styled


def drawn(spec: FigureSpec, tables, *outputs: Path) -> Figure:
    """The figure that is written to the outputs."""
    with patch("infoplane.figures.drawing.save", wraps=save) as saved:
        write_figure(spec, tables, outputs)
    return saved.call_args.args[0]


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison and axes.get_label() != "<colorbar>"]


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text))


def texts(figure: Figure) -> dict[Text, BboxBase]:
    """Where each text is that is seen."""
    with styled(), patch.object(Text, "draw", autospec=True) as draws:
        figure.draw_without_rendering()
    seen = [call.args[0] for call in draws.call_args_list if call.args[0].get_visible()]
    # of an annotation, without its arrow
    return {text: Text.get_window_extent(text) for text in seen if text.get_text().strip()}


def assert_readable(figure: Figure) -> None:
    """All texts are within the figure, and none is upon another."""
    boxes = texts(figure)
    assert [text for text, box in boxes.items() if not contains(figure.bbox, box)] == []
    for first, second in combinations(boxes, 2):
        assert not boxes[first].padded(-0.5).overlaps(boxes[second].padded(-0.5)), (first, second)


def contains(outer: BboxBase, inner: BboxBase) -> bool:
    return outer.x0 <= inner.x0 and outer.y0 <= inner.y0 and inner.x1 <= outer.x1 and inner.y1 <= outer.y1
