"""Names of layers beside their trajectories, where there is room."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

__all__ = ["name_layers"]

# In points: the size of a name of a layer, the width of a letter, the height of both;
# how far from its point a name may be, and how near to each other points share one
WIDTH, LETTER, HEIGHT = 11, 4.5, 9
RADII = np.array([9, 12, 16, 22, 30, 40, 52])
NEAR = 6
# What misleads, against an eighth of the distance in points: a covered point of its own layer, one of another
# layer, one of a line between layers, another's last point that is nearer, and the frame around the part of a
# plane that an inset shows
OWN, STRANGER, LINE, ASTRAY, FRAME = 2, 4, 0.05, 25, 15
# Epochs whose lines between layers are looked at, and points of each between two layers
LINES, STEPS = 14, 80
ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)


def name_layers(axes: Axes, x: pd.DataFrame, y: pd.DataFrame, names: Sequence[str | None]) -> None:
    """Write the name of every layer beside its last point in view, over as few points as can be.

    Layers whose last points coincide share a label; texts and insets that are there already are kept free.
    Where there is room depends on the layout of the figure, which should not change any more.

    Args:
        axes: an information plane.
        x: I(X;T), a row for each epoch and a column for each layer.
        y: I(T;Y), likewise.
        names: what is written, for each layer; None for one that is not named.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    place_names(axes, x.to_numpy(), y.to_numpy(), names, 72 / figure.dpi)


def place_names(axes: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str | None], scale: float) -> None:
    """Name the layers of one plane; `scale` is the size of a pixel in points."""
    points = axes.transData.transform(np.stack([x, y], -1).reshape(-1, 2)).reshape(*x.shape, 2) * scale
    lower, upper = axes.bbox.get_points() * scale
    seen = ((lower - 1 <= points) & (points <= upper + 1)).all(-1)
    cells = np.column_stack([points[seen].round(), np.nonzero(seen)[1]])
    *obstacles, owners = np.unique(np.concatenate([cells, line_cells(points)]), axis=0).T
    directions = np.stack([np.cos(ANGLES), np.sin(ANGLES)], -1)
    boxes = [text.get_window_extent().get_points() * scale for text in axes.texts]
    insets = [inset.get_tightbbox() for inset in axes.child_axes]
    boxes += [inset.get_points() * scale for inset in insets if inset is not None]
    taken = [((lowest + highest) / 2, (highest - lowest) / 2) for lowest, highest in boxes]
    frames = [axes.transData.transform(inset.viewLim.get_points()) * scale for inset in axes.child_axes]
    named = groups(points, seen & np.array([name is not None for name in names]))
    ends = np.array([points[epoch, layers[0]] for epoch, layers in named]).reshape(-1, 2)
    for turn, (epoch, layers) in enumerate(named):
        text = enumeration(layers, [name or "" for name in names])
        half = np.array([width_of(text), HEIGHT]) / 2
        reach = RADII[:, None, None] + [half[0] - half[1], 0]
        offsets = (reach * directions).reshape(-1, 2)
        centres = ends[turn] + offsets
        hidden = (np.abs(np.stack(obstacles, -1) - centres[:, None]) < half + 1.5).all(-1)
        covered = hidden @ np.where(owners < 0, LINE, np.where(np.isin(owners, layers), OWN, STRANGER))
        clashes = sum((np.abs(centre - centres) < half + other).all(-1) for centre, other in taken)
        outside = ((centres - half < lower) | (centres + half > upper)).any(-1)
        gaps = np.hypot(*np.moveaxis((np.abs(ends - centres[:, None]) - half).clip(0), -1, 0))
        astray = (np.delete(gaps, turn, 1) < gaps[:, turn, None] + 2).sum(1)
        crossed = sum(cross(centres, half, *frame) for frame in frames)
        far = np.repeat(RADII, len(ANGLES)) / 8
        best = np.argmin(covered + far + ASTRAY * astray + FRAME * crossed + 1e4 * outside + 1e4 * clashes)
        taken.append((centres[best], half))
        axes.annotate(
            text,
            (x[epoch, layers[0]], y[epoch, layers[0]]),
            offsets[best],
            textcoords="offset points",
            annotation_clip=False,
            ha="center",
            va="center",
            fontsize="small",
            path_effects=[withStroke(linewidth=1.5, foreground="white")],
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.3", "shrinkA": 0, "shrinkB": 1.5},
        ).set_in_layout(False)


def line_cells(points: np.ndarray) -> np.ndarray:
    """Points of the lines between the layers, of no layer (−1), at epochs evenly on a logarithmic scale.

    >>> line_cells(np.array([[[0, 0], [1, 1]]])).tolist()
    [[0.0, 0.0, -1.0], [1.0, 1.0, -1.0]]
    """
    rows = np.unique(np.geomspace(1, len(points), LINES).round().astype(int)) - 1
    shares = np.linspace(0, 1, STEPS)[:, None, None, None]
    lines = points[rows, :-1] + shares * np.diff(points[rows], axis=1)
    found = lines[np.isfinite(lines).all(-1)].round()
    return np.unique(np.column_stack([found, np.full(len(found), -1)]), axis=0)


def cross(centres: np.ndarray, half: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Whether boxes of half a size around centres cross the edges of a rectangle between two corners.

    >>> cross(np.array([[0, 0], [1, 1], [3, 3]]), np.array([0.5, 0.5]), np.array([0, 0]), np.array([2, 2]))
    array([ True, False, False])
    """
    apart = ((centres + half < lower) | (centres - half > upper)).any(-1)
    inside = ((centres - half > lower) & (centres + half < upper)).all(-1)
    crossed: np.ndarray = ~(apart | inside)
    return crossed


def groups(points: np.ndarray, seen: np.ndarray) -> list[tuple[int, list[int]]]:
    """The last epoch that is in view, and the layers that are at the same point at theirs."""
    found: list[tuple[int, list[int]]] = []
    for layer in np.flatnonzero(seen.any(0)):
        epoch = int(np.flatnonzero(seen[:, layer])[-1])
        for other, layers in found:
            if np.hypot(*(points[other, layers[0]] - points[epoch, layer])) < NEAR:
                layers.append(int(layer))
                break
        else:
            found.append((epoch, [int(layer)]))
    return found


def enumeration(layers: list[int], names: Sequence[str]) -> str:
    """Names of layers, given from 0, of which three and more in a row are a range.

    >>> names = ["$T_{1}$", "$T_{2}$", "$T_{3}$", "$T_{4}$"]
    >>> enumeration([0, 1], names), enumeration([0, 1, 2], names), enumeration([0, 1, 3], names)
    ('$T_{1}$, $T_{2}$', '$T_{1}$–$T_{3}$', '$T_{1}$, $T_{2}$, $T_{4}$')
    """
    consecutive = layers[-1] - layers[0] == len(layers) - 1
    own = [names[layer] for layer in layers]
    return f"{own[0]}–{own[-1]}" if consecutive and len(own) > 2 else ", ".join(own)


def width_of(text: str) -> float:
    """About how wide a text is, in points; what stands between two dollars is one letter and a small number.

    >>> width_of("$T_{1}$, $T_{2}$"), width_of("conv1")
    (22.0, 22.5)
    """
    pieces = text.split("$")
    return WIDTH * len(pieces[1::2]) + LETTER * sum(len(piece.strip(",– ")) for piece in pieces[::2])
