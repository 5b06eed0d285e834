"""What the output layer does, as each estimator reads it out of the same runs."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from infoplane.config import FigureSpec
from infoplane.figures.curves import lines
from infoplane.figures.means import Means, curve, parts, prefitted
from infoplane.figures.style import (
    I_TY,
    I_XT,
    PREFIT_GROUND,
    how_many,
    log_epochs,
    named_once,
    prefit_key,
    write_note,
)

__all__ = ["output_curves", "readings"]


def readings(spec: FigureSpec, means: Mapping[tuple[str, str], Means]) -> Figure:
    """A row for each experiment, I(X;T) left and I(T;Y) right: mean ± std of the output by each estimator."""
    figure = Figure((6.5, 0.5 + 2.4 * len(spec.experiments)), layout="constrained")
    write_note(figure, spec.note)
    rows = figure.subfigures(len(spec.experiments), 1, squeeze=False)[:, 0]
    for experiment, row in zip(spec.experiments, rows, strict=True):
        tables = {estimator: means[experiment, estimator][0] for estimator in spec.estimators or ()}
        known = means[experiment, next(iter(tables))][1]
        row.suptitle(f"{experiment}, output: mean ± std of {how_many(known)}")
        panels = row.subplots(1, 2)
        for axes, quantity, label in zip(panels, ("i_xt", "i_ty"), (I_XT, I_TY), strict=True):
            for part, start in parts(known).items():
                mean, std = (output_curves(tables, quantity, value, part) for value in ("mean", "std"))
                lines(axes, mean, std, start, "{}")
            log_epochs(axes, known["spec"]["training"])
            axes.set_ylabel(label)
    keys = named_once(panels[0])
    if prefitted(means.values()):
        keys.append(prefit_key(PREFIT_GROUND))
    figure.legend(handles=keys, loc="outside lower center", ncols=4)
    return figure


def output_curves(tables: Mapping[str, pd.DataFrame], quantity: str, value: str, part: str) -> pd.DataFrame:
    """One value of one quantity of the last layer: a row for each epoch, a column for each estimator."""
    curves = {}
    for name, table in tables.items():
        output = table[table["layer"] == table["layer"].max()]
        curves[name] = curve(output, quantity, value, part)
    return pd.concat(curves, axis=1).droplevel(1, axis=1)
