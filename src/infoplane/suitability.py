"""Checks that a data set suits a network: errors that stop a training, and warnings."""

from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infoplane.config import Bits, DatasetSpec, FigureSpec, TrainingSpec
from infoplane.config.layers import problems_of_layers
from infoplane.config.study import Estimator
from infoplane.datasets import Dataset
from infoplane.datasets.dataset import FEW, first_part, refuse_unfit_fraction, with_train_fraction
from infoplane.datasets.images import CLASSES, COUNTS, IMAGE, IMAGES, WHITE
from infoplane.datasets.stage import make
from infoplane.errors import UserError
from infoplane.networks.inputs import distinct_inputs, network_inputs
from infoplane.networks.layers import Network, network_of
from infoplane.networks.schemes import scheme_of

__all__ = [
    "InputsMerged",
    "Report",
    "problems_of_data",
    "refuse_unsuitable",
    "report_inputs",
    "warnings_of_data",
]

# Float64 holds all whole numbers up to 2⁵³
EXACT = 2**53
# Levels of a layer that are enough for inputs far from 0
MANY = 16
# Features that are named in a message
NAMED = 5


class InputsMerged(UserWarning):
    """Warning: distinct inputs of a data set are equal on the grid that a quantized network reads."""


def refuse_unsuitable(spec: TrainingSpec, dataset: Dataset) -> Network:
    """The network of a spec on a data set, if it can be trained on it.

    Raises:
        UserError: there are no images for a convolution or a pool, all inputs are one point of the grid that
            the network reads, sums over inputs and weights would not be exact, or the data set has not the
            share of training inputs that is asked for.
    """
    dataset = with_train_fraction(dataset, spec.train_fraction)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    values = network_inputs(dataset, scheme_of(spec).quantized).values
    if not reads_as_given(spec, dataset) and (values == values[:1]).all():
        raise UserError(
            f"data set {dataset.name}: its {len(values)} inputs are identical for the network; give "
            "training inputs that differ"
        )
    refuse_inexact_sums(spec, network, float(np.abs(values).max()))
    return network


def refuse_unfit_images(spec: TrainingSpec, images: DatasetSpec) -> Network:
    """The network of a spec on public images, if it can be trained on them, without the images.

    How many images of each class are in a part of them is not known without them.
    """
    network = network_of(spec, IMAGE, CLASSES)
    refuse_inexact_sums(spec, network, WHITE)
    train, test = COUNTS[images.kind]
    share = train.sum() / (train + test).sum()
    if spec.train_fraction is not None and images.fraction == 1:
        refuse_unfit_fraction(spec.dataset, spec.train_fraction, train + test, train)
    elif (spec.train_fraction or 0) > share:
        raise UserError(
            f"train_fraction: {spec.train_fraction} of each class of data set {spec.dataset} is more than "
            f"its training inputs, {share:.4f} of all; use less, or leave it out to train on these"
        )
    return network


def refuse_inexact_sums(spec: TrainingSpec, network: Network, largest: float) -> None:
    """Refuse sums of whole numbers that float64 would round.

    Args:
        largest: the largest of the inputs, as the whole numbers that a quantized network reads.
    """
    scheme, bits = scheme_of(spec), spec.bits
    if not isinstance(bits, Bits):
        return
    for layer in network.weighted:
        policy = scheme.output_weights if layer is network.layers[-1] else scheme.hidden_weights
        factor = largest if layer is network.weighted[0] else 2**bits.activations - 1
        if policy is not None and (2**bits.weights - 1) * factor * layer.fan_in > EXACT:
            raise UserError(
                f"bits: a sum of {layer.fan_in} products of weights of {bits.weights} bits and whole numbers "
                f"up to {factor:.0f} may exceed 2⁵³, and would not be exact; use fewer bits, or scaling: "
                "feature"
            )


def reads_as_given(spec: TrainingSpec, dataset: Dataset) -> bool:
    """Whether a network reads the inputs of a data set as they are, or multiplied by one number."""
    return dataset.scaling == "all" and (dataset.inputs.dtype.kind == "u" or not scheme_of(spec).quantized)


class Report(NamedTuple):
    """Text on how many inputs remain distinct for a network, and whether it is a warning."""

    text: str
    is_warning: bool


def report_inputs(spec: TrainingSpec, dataset: Dataset) -> Report | None:
    """How many of the distinct inputs remain distinct for a network; None if it reads them unchanged.

    It is a warning where fewer than 99 % are left, where a feature is lost, or where the inputs lie so far
    from 0 that the layers, whose grids contain 0, have few levels for their differences.
    """
    if reads_as_given(spec, dataset):
        return None
    dataset = with_train_fraction(dataset, spec.train_fraction)
    quantized = scheme_of(spec).quantized
    read, given, merged = distinct_inputs(dataset, quantized)
    levels = levels_far_from_0(spec, dataset)
    is_warning = read < FEW * given or len(merged) > 0 or levels is not None
    on = "on the grid of 8 bits" if quantized else "in float32"
    parts = [f"data set {dataset.name}: {read} of {given} distinct inputs remain {on}"]
    if len(merged):
        names = ", ".join(map(str, merged[:NAMED])) + ", …" * (len(merged) > NAMED)
        parts.append(
            f"{len(merged)} features that vary take one value there (number {names}, counted from 0)"
        )
    if levels is not None:
        parts.append(f"they lie so far from 0 that a layer has about {levels} levels for their differences")
    if is_warning and dataset.scaling == "all":
        parts.append("scaling: feature gives each feature a range of its own")
    return Report("; ".join(parts), is_warning)


def levels_far_from_0(spec: TrainingSpec, dataset: Dataset) -> int | None:
    """Approximate number of levels of a layer for inputs far from 0; None for others, or if it is 16 or more.

    The grid of a layer contains 0: of its 2ᵇ levels, inputs of [low, high] are left (high − low)/max(|low|,
    |high|).
    """
    if not isinstance(spec.bits, Bits):
        return None
    values = network_inputs(dataset, True).values[dataset.train_mask]
    low, high = float(values.min()), float(values.max())
    if low == high:  # which is refused
        return None
    share = (high - low) / max(abs(low), abs(high))
    levels = round(share * 2**spec.bits.activations)
    return levels if share < 0.5 and levels < MANY else None


def problems_of_data(
    spec: DatasetSpec,
    trainings: Mapping[str, TrainingSpec],
    figures: Mapping[str, FigureSpec] | None = None,
    estimators: Mapping[str, Estimator] | None = None,
) -> list[str]:
    """Errors that the jobs of a study on a data set would raise, a line each; nothing is trained.

    The user's own file or folder of images is read. Nothing is downloaded: of public images, shape and number
    of classes are known.

    Args:
        spec: the data set.
        trainings: those that use it, by the names of their experiments.
        figures: those of the study; a scatter needs a hidden layer of two neurons, and reliability 8 inputs.
        estimators: those of the study; they and figures name layers that the networks must have.
    """
    problems = []
    try:
        dataset = known_dataset(spec)
    except UserError as error:
        return [str(error)]
    for name, training in trainings.items():
        try:
            network = (
                refuse_unfit_images(training, spec)
                if dataset is None
                else refuse_unsuitable(training, dataset)
            )
        except UserError as error:
            problems.append(f"experiments.{name}: {error}")
            continue
        problems += problems_of_layers(name, len(network.layers), estimators or {}, figures or {})
        problems += [
            f"figures.{key}: {name} has no hidden layer of two neurons; name another experiment"
            for key, figure in (figures or {}).items()
            if figure.kind == "scatter" and name in figure.experiments and network.layer_of_two is None
        ]
        problems += [
            f"figures.{key}: {name} has {len(dataset.labels)} inputs, and parts of N/8 take 8 of them; name "
            "another experiment"
            for key, figure in (figures or {}).items()
            if figure.kind == "reliability" and name in figure.experiments
            if dataset is not None and len(dataset.labels) < 8
        ]
    return problems


def warnings_of_data(spec: DatasetSpec, trainings: Iterable[TrainingSpec]) -> list[str]:
    """Warnings that trainings on a data set would print, each once; nothing is trained or downloaded.

    Args:
        spec: the data set, of which `problems_of_data` knows no error.
        trainings: those that use it.
    """
    dataset = known_dataset(spec)
    if dataset is None:
        return []
    reports = (report_inputs(training, dataset) for training in trainings)
    return list(dict.fromkeys(report.text for report in reports if report and report.is_warning))


def known_dataset(spec: DatasetSpec) -> Dataset | None:
    """The data set of a spec; None if it would have to be downloaded."""
    if spec.kind in IMAGES and spec.folder is None:
        return None
    with redirect_stdout(StringIO()):  # where images were found is of no interest here
        return first_part(make(spec, Path()), spec.fraction)
