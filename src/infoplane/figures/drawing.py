"""One figure of the config, from the tables it rests on to its files."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

from infoplane.artifacts import describe, refuse_mismatch
from infoplane.config import FigureSpec
from infoplane.errors import UserError
from infoplane.figures.accuracy import accuracies
from infoplane.figures.curves import curves
from infoplane.figures.means import read_means
from infoplane.figures.planes import planes
from infoplane.figures.runs import runs
from infoplane.figures.style import STYLE, save
from infoplane.statistics.chunks import read_chunks

__all__ = ["draw"]


def draw(
    spec: FigureSpec,
    aggregates: Mapping[tuple[str, str], Path],
    accuracy: Mapping[str, Path],
    information: Mapping[tuple[str, str], Sequence[Path]],
    outputs: Sequence[Path],
) -> None:
    """Draw a figure into every path of `outputs`.

    Args:
        spec: what to draw.
        aggregates: `aggregates.parquet` of each (experiment, estimator); kinds plane, curves, runs.
        accuracy: `accuracy.parquet` of each experiment; kind accuracy.
        information: the information chunks of each (experiment, estimator); kind runs.
        outputs: paths ending in .pdf or .png.

    Raises:
        UserError: a table is missing, damaged or of other runs, or an output cannot be written.
    """
    kind = "accuracy" if spec.kind == "accuracy" else "aggregates"
    tables: Mapping[Any, Path] = accuracy if spec.kind == "accuracy" else aggregates
    names: Sequence[Any] = spec.experiments
    if spec.kind != "accuracy":
        names = [*product(spec.experiments, spec.estimators or ())]
    for name in names:
        if name not in tables or (spec.kind == "runs" and not information.get(name)):
            raise UserError(f"{name}: in the figure's spec, but its tables are not given; give them")
    means = {name: read_means(tables[name], kind) for name in names}
    with mpl.rc_context(STYLE):
        match spec.kind:
            case "plane":
                figure = planes(spec, means)
            case "curves":
                figure = curves(spec, means)
            case "runs":
                singles = {name: read_runs(information[name], known) for name, (_, known) in means.items()}
                figure = runs(spec, means, singles)
            case "accuracy":
                figure = accuracies(spec, means)
        sources = [known["spec_hash"] for _, known in means.values()]
        save(figure, outputs, spec.dpi, describe("figure", spec.model_dump(mode="json"), sources=sources))


def read_runs(paths: Sequence[Path], known: Mapping[str, Any]) -> pd.DataFrame:
    """The main parts of the single runs that a mean is over."""
    information, whole = read_chunks(paths, "information")
    for what in ("spec", "dataset", "repetitions"):
        refuse_mismatch(Path(paths[0]), f"the {what} of the runs", whole[what], known[what])
    return information[information["part"] == "main"]
