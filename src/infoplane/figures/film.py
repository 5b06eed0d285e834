"""Film: information planes that grow as the networks train."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.animation import FFMpegWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from infoplane.artifacts import written_aside
from infoplane.config import FigureSpec
from infoplane.digests import canonical
from infoplane.errors import UserError
from infoplane.figures.panels import how_many, labels_of, leave_empty, wrapped, write_note
from infoplane.figures.plane import SIDE_BY_SIDE, label_edges, show_data_sets
from infoplane.figures.style import WIDTH, fix_layout
from infoplane.figures.tables import Tables
from infoplane.plotting.axes import draw_bounds, epoch_axis, layer_style
from infoplane.plotting.means import epochs_of
from infoplane.plotting.planes import trajectories_of

__all__ = ["frame_epochs", "write"]

# A film moves for eight seconds, and then stands still for two
FRAMES_PER_SECOND, MOVING, STILL = 12, 8 * 12, 2 * 12
DPI = 140


class Panel(NamedTuple):
    """What moves in one plane.

    Attributes:
        epochs: the recorded epochs.
        trails: for each layer its mean trajectory, epochs × 2, its line and its marker.
        runs: for each layer single runs, epochs × runs × 2, and their points.
    """

    epochs: np.ndarray
    trails: list[tuple[np.ndarray, Line2D, Line2D]]
    runs: list[tuple[np.ndarray, Line2D]]


def write(spec: FigureSpec, tables: Tables, outputs: Sequence[Path], description: Mapping[str, Any]) -> None:
    """Write the film.

    Raises:
        UserError: an output is neither .gif nor .mp4, or there is no ffmpeg for the latter.
    """
    for path in map(Path, outputs):
        if path.suffix not in WRITERS:
            raise UserError(f"{path}: a film is written as .gif or .mp4; rename the output")
        figure, shown = first_frame(spec, tables)
        with written_aside(path) as aside:
            WRITERS[path.suffix](figure, shown, aside, canonical(description))


def first_frame(spec: FigureSpec, tables: Tables) -> tuple[Figure, Iterator[int]]:
    """The figure, and the epochs of its frames: it shows each as that is drawn from the iterator."""
    means = tables["aggregates"]
    columns = min(SIDE_BY_SIDE, len(means))
    rows = -(-len(means) // columns)
    width = WIDTH if columns > 1 else 4.6
    figure = Figure((width, 1.1 + 3.5 * rows), layout="constrained")
    write_note(figure, spec.note)
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[*[1] * rows, 0.001])
    panels = np.array(
        [[figure.add_subplot(grid[row, column]) for column in range(columns)] for row in range(rows)]
    )
    labels = labels_of(spec, means)
    moving = []
    for (name, table), axes in zip(means.items(), panels.flat, strict=False):
        title = labels.experiments[name[0]], f"{labels.estimators[name[1]]}, {how_many(table)}"
        axes.set_title(wrapped(*title, width=width / columns), linespacing=1)
        if table["mean"].notna().any():
            draw_bounds(axes, table.attrs["dataset"])
            moving.append(panel(spec, table, tables["information"][name], axes))
        else:
            leave_empty(axes, "every run failed")
    show_data_sets(panels.flat, [table.attrs["dataset"] for table in means.values()])
    label_edges(panels, len(means))
    entries = dict((str(mark.get_label()), mark) for each in moving for _, _, mark in each.trails)
    time = figure.add_subplot(grid[rows, :])
    last = max(epochs_of(table) for table in means.values())
    epoch_axis(time, last)
    time.set(yticks=[], ylim=(0, 1))
    time.spines["left"].set_visible(False)
    (now,) = time.plot([0], [0], "v", color="k", markersize=7, clip_on=False)
    figure.legend(
        entries.values(), entries, loc="outside upper center", ncols=max(len(entries), 1), handletextpad=0.2
    )
    fix_layout(figure)
    return figure, frames(moving, now)


def panel(spec: FigureSpec, means: pd.DataFrame, single: pd.DataFrame, axes: Axes) -> Panel:
    """The artists of one plane."""
    mean = trajectories_of(means, axes, spec.layers)
    single = single[(single["part"] == "main") & ~single["repetition"].isin(means.attrs["failed"])]
    trails, runs = [], []
    for layer in mean.x.columns:
        style = layer_style(int(layer) - 1)
        points = np.stack([mean.x[layer], mean.y[layer]], -1)
        its = single[single["layer"] == layer]
        x, y = (its.pivot(index="epoch", columns="repetition", values=each) for each in ("i_xt", "i_ty"))
        (dots,) = axes.plot([], [], ".", color=style["color"], markersize=3, alpha=0.45, markeredgewidth=0)
        (line,) = axes.plot([], [], color=style["color"], linewidth=1.3)
        marked: dict[str, Any] = {**style, "markersize": 6.5, "markeredgecolor": "white", "zorder": 3}
        (mark,) = axes.plot([], [], linestyle="none", label=f"$T_{{{layer}}}$", **marked)
        trails.append((points, line, mark))
        runs.append((np.stack([x, y], -1), dots))
    return Panel(mean.x.index.to_numpy(), trails, runs)


def frames(panels: Sequence[Panel], now: Line2D) -> Iterator[int]:
    """Show one epoch after another; each plane has the recorded one that is nearest."""
    recorded = np.unique(np.concatenate([each.epochs for each in panels])) if panels else np.array([-1])
    for epoch in frame_epochs(recorded):
        now.set_xdata([epoch + 1])
        for epochs, trails, runs in panels:
            row = int(np.abs(np.log(epochs + 2) - np.log(epoch + 2)).argmin())
            for points, line, mark in trails:
                line.set_data(*points[: row + 1].T)
                mark.set_data(*points[row : row + 1].T)
            for points, dots in runs:
                dots.set_data(*points[row].T)
        yield epoch


def frame_epochs(recorded: np.ndarray) -> list[int]:
    """The recorded epochs of all frames, evenly on a logarithmic scale; the last one stands still.

    >>> epochs = frame_epochs(np.array([-1, 0, 5, 10]))
    >>> len(epochs), epochs[0], epochs[-1], sorted({*epochs})
    (120, -1, 10, [-1, 0, 5, 10])
    """
    places = np.log(recorded + 2)
    spots = np.linspace(places[0], places[-1], MOVING)
    rows = [int(np.abs(places - spot).argmin()) for spot in spots]
    return [int(recorded[row]) for row in rows + [-1] * STILL]


def write_gif(figure: Figure, shown: Iterator[int], path: Path, description: str) -> None:
    """Write a GIF, with the colours of its last frame."""
    pictures: dict[int, Image.Image] = {}
    epochs = []
    for epoch in shown:
        epochs.append(epoch)
        if epoch not in pictures:
            with BytesIO() as file:
                figure.savefig(file, format="png", dpi=DPI)
                pictures[epoch] = Image.open(file).convert("RGB")
    palette = pictures[epochs[-1]].quantize(dither=Image.Dither.NONE)
    first, *others = (pictures[epoch].quantize(palette=palette, dither=Image.Dither.NONE) for epoch in epochs)
    first.save(
        path,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=round(1000 / FRAMES_PER_SECOND),
        loop=0,
        comment=description.encode(),
    )


def write_mp4(figure: Figure, shown: Iterator[int], path: Path, description: str) -> None:
    """Write an MP4 (H.264)."""
    options = ["-f", "mp4", "-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2", "-pix_fmt", "yuv420p", "-threads", "1"]
    options += ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart"]
    with mpl.rc_context({"animation.ffmpeg_path": ffmpeg()}):
        writer = FFMpegWriter(
            fps=FRAMES_PER_SECOND, codec="h264", extra_args=options, metadata={"comment": description}
        )
        with writer.saving(figure, str(path), DPI):
            for _ in shown:
                writer.grab_frame()


def ffmpeg() -> str:
    """The program that writes MP4: that on the path, or else that of the package imageio-ffmpeg.

    Raises:
        UserError: there is none.
    """
    if found := shutil.which("ffmpeg"):
        return found
    with suppress(ImportError, RuntimeError):
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    raise UserError("mp4 needs ffmpeg, which is not there; pip install imageio-ffmpeg, or remove mp4")


WRITERS: dict[str, Callable[[Figure, Iterator[int], Path, str], None]] = {
    ".gif": write_gif,
    ".mp4": write_mp4,
}
