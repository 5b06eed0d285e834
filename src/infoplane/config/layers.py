"""Layers that estimators and figures ask for, against those of the networks they are applied to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from infoplane.config.estimators import EstimatorSpec
from infoplane.config.figures import FigureSpec
from infoplane.config.kinds import FIGURES
from infoplane.config.study import Estimator
from infoplane.errors import UserError

__all__ = ["column_of_layers", "layers_in", "problems_of_layers"]


def layers_in(estimator: EstimatorSpec, number: int) -> list[int]:
    """The layers that an estimator looks at, from 1, of a network of so many.

    Raises:
        UserError: the network has no such layer.

    >>> layers_in(EstimatorSpec(kind="exact", layers="output"), 6)
    [6]
    """
    if estimator.layers == "output":
        return [number]
    layers = sorted({*(estimator.layers or range(1, number + 1))})
    if layers[-1] > number:
        raise UserError(
            f"layers: there is no layer {layers[-1]} in a network of {number}; "
            f"name some of 1 to {number}, or output"
        )
    return layers


def column_of_layers(numbers: Sequence[int], layers: int) -> np.ndarray[Any, np.dtype[np.signedinteger[Any]]]:
    """Numbers of layers, from 1, as a column of a table has them: of a type that holds those of all layers.

    Args:
        layers: how many the network has.

    >>> column_of_layers([1, 3], 127).dtype.name, column_of_layers([1, 3], 128).dtype.name
    ('int8', 'int16')
    """
    return np.array(numbers, np.int8 if layers <= np.iinfo(np.int8).max else np.int16)


def problems_of_layers(
    experiment: str, number: int, estimators: Mapping[str, Estimator], figures: Mapping[str, FigureSpec]
) -> Iterator[str]:
    """What jobs would refuse: layers that the networks of an experiment do not have, or no estimator sees.

    Args:
        number: of the layers of its networks.
        estimators, figures: those of the study.
    """
    seen = dict[str, list[int]]()
    for name, estimator in estimators.items():
        if experiment not in estimator.experiments:
            continue
        try:
            seen[name] = layers_in(estimator, number)
        except UserError as error:
            yield f"estimators.{name}.{error}, or take {experiment} out of its experiments"
    for name, figure in figures.items():
        for problem in problems_of_figure(figure, experiment, number, seen):
            yield f"figures.{name}{problem}"


def problems_of_figure(
    figure: FigureSpec, experiment: str, number: int, seen: dict[str, list[int]]
) -> Iterator[str]:
    if experiment not in figure.experiments:
        return
    asked = list(figure.layers or ())
    missing = [layer for layer in asked if layer > number]
    if missing:
        yield (
            f".layers: there is no layer {missing[0]} in {experiment}, whose networks have {number}; name "
            f"some of 1 to {number}"
        )
    for name in figure.estimators or ():
        looks_at = seen.get(name, [*asked, number])
        unseen = [layer for layer in asked if layer not in looks_at]
        if unseen and not missing:
            yield (
                f".layers: {name} does not look at layer {unseen[0]}; name some of "
                f"{', '.join(map(str, looks_at))}, or change estimators.{name}.layers"
            )
        missed = [layer for layer in last_layers(figure, number) if layer not in looks_at]
        if missed:
            what = "output" if missed[0] == number else "last hidden layer"
            yield (
                f": shows the {what}, and {name} does not look at layer {missed[0]}; name other estimators, "
                f"or add the layer to estimators.{name}.layers"
            )


def last_layers(figure: FigureSpec, number: int) -> range:
    """The layers that a figure shows by their place in networks of so many, from the output backwards."""
    shown = 0 if figure.layers else FIGURES[figure.kind].last_layers
    return range(number, max(number - shown, 0), -1)
