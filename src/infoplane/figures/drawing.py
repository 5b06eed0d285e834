"""One figure of the config drawn into its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from infoplane.config import FigureSpec

__all__ = ["draw"]


def draw(
    spec: FigureSpec,
    aggregates: Mapping[tuple[str, str], Path],
    accuracy: Mapping[str, Path],
    information: Mapping[tuple[str, str], Sequence[Path]],
    outputs: Sequence[Path],
) -> None:
    """Draw a figure into every path of `outputs`.

    Arguments:
        spec: what to draw.
        aggregates: `aggregates.parquet` of each (experiment, estimator); kinds plane, curves, runs.
        accuracy: `accuracy.parquet` of each experiment; kind accuracy.
        information: the information chunks of each (experiment, estimator); kind runs.
        outputs: paths ending in .pdf or .png.
    """
    raise NotImplementedError
