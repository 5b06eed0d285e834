"""One figure of the config, from the tables it rests on to its files."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

from infoplane.artifacts import describe, read_table, refuse_mismatch
from infoplane.config import FigureSpec
from infoplane.errors import UserError
from infoplane.figures.accuracy import accuracies
from infoplane.figures.averages import QUANTITIES, read_averages
from infoplane.figures.claims import claims, read_claims
from infoplane.figures.curves import curves
from infoplane.figures.errors import errors
from infoplane.figures.levels import levels
from infoplane.figures.means import Means, read_means
from infoplane.figures.merging import mergings
from infoplane.figures.phases import phase_maps
from infoplane.figures.planes import planes
from infoplane.figures.readings import readings
from infoplane.figures.reliability import reliability
from infoplane.figures.runs import runs
from infoplane.figures.signs import signs
from infoplane.figures.style import STYLE, save
from infoplane.figures.tradeoff import tradeoffs
from infoplane.statistics.chunks import read_chunks

__all__ = ["draw"]


def draw(
    spec: FigureSpec, tables: Mapping[str, Mapping[Any, Sequence[Path]]], outputs: Sequence[Path]
) -> None:
    """Draw a figure into every path of `outputs`.

    Args:
        spec: what to draw.
        tables: what it is drawn from, by what they hold (`spec.reads`): the `accuracy` of each experiment,
            and its chunks of `reliability` or `levels`; the `aggregates`, `errors` or `phases` of each
            (experiment, estimator), and its chunks of `information`, or `tradeoff` and `correlations`; the
            `merging` of each experiment; the `claims` of the study.
        outputs: paths ending in .pdf or .png.

    Raises:
        UserError: a table is missing, damaged or of other runs, or an output cannot be written.
    """
    kind = spec.reads[0]
    names: Sequence[Any] = spec.experiments or ["study"]
    if spec.estimators:
        names = [*product(spec.experiments, spec.estimators)]
    for name, held in product(names, spec.reads):
        if not tables.get(held, {}).get(name):
            raise UserError(f"{name}: in the figure's spec, but its {held} is not given; give --{held}")
    means = {name: read(tables[kind][name], kind) for name in names}
    with mpl.rc_context(STYLE):
        match spec.kind:
            case "plane":
                figure = planes(spec, means)
            case "curves":
                figure = curves(spec, means)
            case "readings":
                figure = readings(spec, means)
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
            case "tradeoff":
                tested = {name: read(tables["correlations"][name], "correlations")[0] for name in names}
                figure = tradeoffs(spec, means, tested)
            case "merging":
                figure = mergings(spec, means)
            case "claims":
                figure = claims(spec, means["study"][0])
            case "errors":
                figure = errors(spec, means)
            case "phases":
                figure = phase_maps(spec, means)
            case "signs":
                figure = signs(spec, means)
        sources = [known["spec_hash"] for _, known in means.values()]
        save(figure, outputs, spec.dpi, describe("figure", spec.differences(), sources=sources))


def read(paths: Sequence[Path], kind: str) -> Means:
    """A table that a figure is drawn from, or what there is to be shown of it, and its description."""
    if kind in QUANTITIES:
        return read_averages(paths, kind)
    if kind == "claims":
        return read_claims(paths[0])
    if kind in ("aggregates", "accuracy", "errors"):
        return read_means(paths[0], kind)
    return read_table(paths[0], kind)


def read_runs(paths: Sequence[Path], known: Mapping[str, Any]) -> pd.DataFrame:
    """The main parts of the single runs that a mean is over."""
    information, whole = read_chunks(paths, "information")
    for what in ("spec", "dataset", "repetitions"):
        refuse_mismatch(Path(paths[0]), f"the {what} of the runs", whole[what], known[what])
    return information[information["part"] == "main"]
