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
from infoplane.figures.averages import QUANTITIES, read_averages
from infoplane.figures.curves import curves
from infoplane.figures.levels import levels
from infoplane.figures.means import read_means
from infoplane.figures.planes import planes
from infoplane.figures.reliability import reliability
from infoplane.figures.runs import runs
from infoplane.figures.style import STYLE, save
from infoplane.statistics.chunks import read_chunks

__all__ = ["draw"]


def draw(
    spec: FigureSpec, tables: Mapping[str, Mapping[Any, Sequence[Path]]], outputs: Sequence[Path]
) -> None:
    """Draw a figure into every path of `outputs`.

    Args:
        spec: what to draw.
        tables: what it is drawn from, by what they hold (`spec.reads`): the `accuracy` of each experiment,
            and its chunks of `reliability` or `levels`; the `aggregates` of each (experiment, estimator), and
            its chunks of `information`.
        outputs: paths ending in .pdf or .png.

    Raises:
        UserError: a table is missing, damaged or of other runs, or an output cannot be written.
    """
    kind = spec.reads[0]
    names: Sequence[Any] = spec.experiments
    if spec.estimators:
        names = [*product(spec.experiments, spec.estimators)]
    for name, held in product(names, spec.reads):
        if not tables.get(held, {}).get(name):
            raise UserError(f"{name}: in the figure's spec, but its {held} is not given; give --{held}")
    given = tables[kind]
    means = {
        name: read_averages(given[name], kind) if kind in QUANTITIES else read_means(given[name][0], kind)
        for name in names
    }
    with mpl.rc_context(STYLE):
        match spec.kind:
            case "plane":
                figure = planes(spec, means)
            case "curves":
                figure = curves(spec, means)
            case "runs":
                chunks = tables["information"]
                singles = {name: read_runs(chunks[name], known) for name, (_, known) in means.items()}
                figure = runs(spec, means, singles)
            case "accuracy":
                figure = accuracies(spec, means)
            case "reliability":
                figure = reliability(spec, means)
            case "levels":
                figure = levels(spec, means)
        sources = [known["spec_hash"] for _, known in means.values()]
        save(figure, outputs, spec.dpi, describe("figure", spec.model_dump(mode="json"), sources=sources))


def read_runs(paths: Sequence[Path], known: Mapping[str, Any]) -> pd.DataFrame:
    """The main parts of the single runs that a mean is over."""
    information, whole = read_chunks(paths, "information")
    for what in ("spec", "dataset", "repetitions"):
        refuse_mismatch(Path(paths[0]), f"the {what} of the runs", whole[what], known[what])
    return information[information["part"] == "main"]
