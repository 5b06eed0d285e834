"""Names of layers beside their trajectories, where there is room."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from infoplane.figures.style import fix_layout

__all__ = ["Trajectory", "name_layers"]

Trajectory = tuple[Axes, pd.DataFrame, pd.DataFrame]

# In points: the size of a name, how far from its point it may be, how near to each other points share a label
WIDTH, HEIGHT = 11, 9
RADII = np.array([9, 12, 16, 22, 30, 40])
NEAR = 6
# What misleads, against one covered point of the layer's own: one of another layer, and another's last nearer
STRANGER, ASTRAY = 3, 20
ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)


def name_layers(figure: Figure, trajectories: Iterable[Trajectory]) -> None:
    """Write the name of every layer beside its last point in view, over as few points as can be.

    Layers whose last points coincide share a label, and texts that are there already are kept free. The
    layout of the figure is fixed first: where there is room depends on it.

    Args:
        figure: a figure with a layout engine.
        trajectories: information planes, each with I(X;T) and I(T;Y): a row for each epoch and a column for
            each layer.
    """
    fix_layout(figure)
    for axes, x, y in trajectories:
        place_names(axes, x.to_numpy(), y.to_numpy(), 72 / figure.dpi)


def place_names(axes: Axes, x: np.ndarray, y: np.ndarray, scale: float) -> None:
    """Name the layers of one plane; `scale` is the size of a pixel in points."""
    points = axes.transData.transform(np.stack([x, y], -1).reshape(-1, 2)).reshape(*x.shape, 2) * scale
    lower, upper = axes.bbox.get_points() * scale
    seen = ((lower - 1 <= points) & (points <= upper + 1)).all(-1)
    cells = np.column_stack([points[seen].round(), np.nonzero(seen)[1]])
    *obstacles, owners = np.unique(cells, axis=0).T
    directions = np.stack([np.cos(ANGLES), np.sin(ANGLES)], -1)
    boxes = [text.get_window_extent().get_points() * scale for text in axes.texts]
    taken = [((lowest + highest) / 2, (highest - lowest) / 2) for lowest, highest in boxes]
    named = groups(points, seen)
    ends = np.array([points[epoch, layers[0]] for epoch, layers in named]).reshape(-1, 2)
    for turn, (epoch, layers) in enumerate(named):
        text = enumeration(layers)
        half = np.array([WIDTH * text.count("T"), HEIGHT]) / 2
        reach = RADII[:, None, None] + [half[0] - half[1], 0]
        offsets = (reach * directions).reshape(-1, 2)
        centres = ends[turn] + offsets
        hidden = (np.abs(np.stack(obstacles, -1) - centres[:, None]) < half + 1.5).all(-1)
        covered = hidden @ np.where(np.isin(owners, layers), 1, STRANGER)
        clashes = sum((np.abs(centre - centres) < half + other).all(-1) for centre, other in taken)
        outside = ((centres - half < lower) | (centres + half > upper)).any(-1)
        gaps = np.hypot(*np.moveaxis((np.abs(ends - centres[:, None]) - half).clip(0), -1, 0))
        astray = (np.delete(gaps, turn, 1) < gaps[:, turn, None] + 2).sum(1)
        far = np.repeat(RADII, len(ANGLES)) / 10
        best = np.argmin(covered + far + ASTRAY * astray + 1e4 * outside + 1e4 * clashes)
        taken.append((centres[best], half))
        axes.annotate(
            text,
            (x[epoch, layers[0]], y[epoch, layers[0]]),
            offsets[best],
            textcoords="offset points",
            annotation_clip=False,
            ha="center",
            va="center",
            fontsize=8,
            path_effects=[withStroke(linewidth=1.5, foreground="white")],
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.3", "shrinkA": 0, "shrinkB": 1.5},
        ).set_in_layout(False)


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


def enumeration(layers: list[int]) -> str:
    """Names of layers, given from 0.

    >>> enumeration([0, 1]), enumeration([0, 1, 2]), enumeration([0, 1, 3])
    ('$T_{1}$, $T_{2}$', '$T_{1}$–$T_{3}$', '$T_{1}$, $T_{2}$, $T_{4}$')
    """
    names = [f"$T_{{{layer + 1}}}$" for layer in layers]
    consecutive = layers[-1] - layers[0] == len(layers) - 1
    return f"{names[0]}–{names[-1]}" if consecutive and len(names) > 2 else ", ".join(names)
