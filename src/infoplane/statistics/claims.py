"""The six claims: each in words, the cells it rests on, and the rules that decide it.

The docstring of a claim is what tables and traces print: the claim itself, then its rule. Nothing here knows
an experiment by name.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from inspect import getdoc
from itertools import combinations, product
from typing import Any, ClassVar

import pandas as pd

from infoplane.activations import ACTIVATIONS
from infoplane.config import EstimatorSpec
from infoplane.errors import UserError
from infoplane.statistics.cells import Cell, difference_cell, disagreement_cell, layer_cell, network_cell
from infoplane.statistics.observations import OUTPUT_READINGS, Observation
from infoplane.statistics.rules import Rule, every, some

__all__ = ["CLAIMS", "PROTOCOLS", "Claim"]

PROTOCOLS = ("published", "controlled")
COUNTED = ("codes", "float32")
FIRST = EstimatorSpec(kind="uniform", bins=30, range=(-1, 1))
# The binnings that authors have used: of the paper, of others, and of Shwartz-Ziv & Tishby
BINNINGS = (
    *(EstimatorSpec(kind="uniform", bins=bins, range="global") for bins in (30, 100, 256)),
    EstimatorSpec(kind="adaptive", bins=30),
    EstimatorSpec(kind="uniform", bins=30, range="layer"),
    FIRST,
)

Observations = Sequence[Observation]


class Claim(ABC):
    """A claim; under each protocol, every reading of it has a verdict of its own."""

    readings: ClassVar[Mapping[str, Sequence[str]]] = dict.fromkeys(PROTOCOLS, COUNTED)
    supported: ClassVar[Rule]
    refuted: ClassVar[Rule]

    @property
    def name(self) -> str:
        return type(self).__name__

    @property
    def words(self) -> tuple[str, str]:
        """The claim and its rule.

        Raises:
            UserError: Python was told to drop docstrings.
        """
        text = getdoc(type(self))
        if type(self).__doc__ is None or text is None:
            raise UserError(
                "claims: their words are docstrings, which python -OO drops; unset PYTHONOPTIMIZE"
            )
        statement, rule = text.split("\n\n")
        return " ".join(statement.split()), " ".join(rule.split())

    @abstractmethod
    def cells(self, study: Observations) -> Iterator[Cell]:
        """All that the claim rests on."""

    def left_out(self, cells: pd.DataFrame) -> pd.Series:
        """Why each cell does not count; empty if it does."""
        return cells["left_out"].mask(cells["status"] == "ceiling", "ceiling")

    def note(self, study: Observations, decisive: pd.DataFrame) -> str:
        """What has to be said of support by these cells."""
        return ""


class C1(Claim):
    """Different ways of binning lead to qualitatively different results, for or against compression.

    Supported if, on the same float32 runs, one binning shows compression of a layer and another one lacks it,
    and McNemar's test on the runs that they judge differently is significant, at least once. Refuted if all
    binnings agree in every layer.
    """

    readings = dict.fromkeys(PROTOCOLS, ("bins",))
    supported, refuted = some("shows"), every("lacks")

    def cells(self, study: Observations) -> Iterator[Cell]:
        binned = [one for one in study if one.seen_by in BINNINGS and not one.quantized]
        for one, other in combinations(binned, 2):
            if one.experiment == other.experiment:
                fits = within_bins(one) and within_bins(other)
                for layer in one.layers:
                    first, second = (
                        (one, other) if compressing(one, layer) >= compressing(other, layer) else (other, one)
                    )
                    cell = disagreement_cell(first, second, "bins", layer)
                    yield cell if fits else replace(cell, left_out="beyond the bins")

    def note(self, study: Observations, decisive: pd.DataFrame) -> str:
        """The way of laying bins without which nothing would support the claim."""
        ways = {one.name: way_of(one.seen_by) for one in study}
        pairs = [
            {ways[f"{cell['experiment']}/{cell['estimator']}"], ways[cell["against"]]}
            for _, cell in decisive.iterrows()
        ]
        common = sorted(set.intersection(*pairs)) if pairs else []
        return f"only with bins {' or '.join(common)}" if common else ""


class C2(Claim):
    """With exact mutual information, a fitting phase is seen in all layers of all experiments.

    Supported if every layer shows fitting. Refuted if some layer lacks it. Layers that have nothing left to
    fit before the first step, with a mean headroom of at most 0.01 bit, do not count.
    """

    supported, refuted = every("shows"), some("lacks")

    def cells(self, study: Observations) -> Iterator[Cell]:
        for one in study:
            if one.exact_reading:
                yield from (layer_cell(one, one.exact_reading, "fitting", layer) for layer in one.layers)


class C3(Claim):
    """With exact mutual information, a compression phase is seen in the output layer of all experiments.

    Supported if every output layer shows compression. Refuted if some output layer lacks it.
    """

    readings: ClassVar = {
        protocol: (*(reading for (its, *_), reading in OUTPUT_READINGS.items() if its == protocol), "float32")
        for protocol in PROTOCOLS
    }
    supported, refuted = every("shows"), some("lacks")

    def cells(self, study: Observations) -> Iterator[Cell]:
        for one in study:
            if one.output_reading:
                yield layer_cell(one, one.output_reading, "compression", one.layers[-1])


class C4(Claim):
    """With exact mutual information, compression of the hidden layers depends on the activation function.

    Supported if tanh and ReLU networks that are trained alike differ in the compression of some hidden layer
    by more than the margin, in the same direction in most pairs of runs with equal numbers. Refuted if, in
    every hidden layer, most pairs differ by at most the margin.
    """

    supported, refuted = some("shows"), every("lacks")

    def cells(self, study: Observations) -> Iterator[Cell]:
        for tanh, relu in product(study, study):
            activations = tanh.activation, relu.activation
            if activations == ("tanh", "relu") and tanh.trained_like(relu, but="activation"):
                reading = tanh.exact_reading
                if reading and reading == relu.exact_reading:
                    yield from (difference_cell(tanh, relu, reading, layer) for layer in tanh.layers[:-1])


class C5(Claim):
    """The first information bottleneck results were not artifacts of binning.

    The premise is that 30 bins on [−1, 1] show compression of a layer of tanh float32 networks. Supported if
    the exact value shows it in all of these layers, refuted if the exact value lacks it in all of them. The
    exact value is that of quantized networks trained alike (codes), or of the same networks (float32).
    """

    supported, refuted = every("shows"), every("lacks")

    def cells(self, study: Observations) -> Iterator[Cell]:
        for first in study:
            if first.seen_by == FIRST and not first.quantized and first.activation == "tanh":
                for reading in COUNTED:
                    yield from self.compared(first, reading, study)

    def compared(self, first: Observation, reading: str, study: Observations) -> Iterator[Cell]:
        """The layers that bins see, and the same layers counted exactly."""
        exact = [one for one in study if one.exact_reading == reading]
        if reading == "float32":
            exact = [one for one in exact if one.experiment == first.experiment]
        else:
            exact = [one for one in exact if one.trained_like(first, but="bits")]
        for one in [first, *exact] if exact else []:
            against = "" if one is first else first.name
            for layer in one.layers:
                cell = layer_cell(one, reading, "compression", layer, against)
                yield replace(cell, left_out="premise") if one is first else cell

    def left_out(self, cells: pd.DataFrame) -> pd.Series:
        premises = cells[(cells["left_out"] == "premise") & (cells["status"] == "shows")]
        shown = {*keys(premises, premises["experiment"] + "/" + premises["estimator"])}
        unfounded = pd.Series([key not in shown for key in keys(cells, cells["against"])], cells.index)
        return cells["left_out"].mask((cells["left_out"] == "") & unfounded, "premise not shown")


class C6(Claim):
    """Some networks show no compression phase in some of their hidden layers.

    By layers: supported if some hidden layer lacks compression, refuted if every hidden layer shows it. By
    networks: supported if, in some experiment, most runs have no hidden layer that compresses, refuted if, in
    every experiment, most runs have one.
    """

    readings = dict.fromkeys(
        PROTOCOLS, tuple(f"{by}/{reading}" for by in ("layers", "networks") for reading in COUNTED)
    )
    supported, refuted = some("lacks"), every("shows")

    def cells(self, study: Observations) -> Iterator[Cell]:
        for one in study:
            if one.exact_reading and one.layers[:-1]:
                layers = f"layers/{one.exact_reading}"
                yield from (layer_cell(one, layers, "compression", layer) for layer in one.layers[:-1])
                yield network_cell(one, f"networks/{one.exact_reading}")


CLAIMS: dict[str, Claim] = {claim.name: claim for claim in (C1(), C2(), C3(), C4(), C5(), C6())}


def compressing(one: Observation, layer: int) -> int:
    """Number of the runs of which a layer compresses."""
    rows = one.rows(layer, "compresses")
    return int(rows["compresses"].sum())


def within_bins(one: Observation) -> bool:
    """Whether no activation can lie outside of the range of the bins."""
    if not isinstance(one.seen_by.range, tuple):
        return True
    function = ACTIVATIONS.get(one.activation)
    if function is None or function.bounds is None:
        return False
    (low, high), (lowest, highest) = one.seen_by.range, function.bounds
    return low <= lowest and highest <= high


def way_of(estimator: EstimatorSpec) -> str:
    """How bins are laid.

    >>> way_of(FIRST), way_of(BINNINGS[0]), way_of(BINNINGS[3])
    ('over [-1, 1]', 'over the range global', 'of equal mass')
    """
    if estimator.range is None:
        return f"of {estimator.range_name}"
    if isinstance(estimator.range, tuple):
        return "over [{:g}, {:g}]".format(*estimator.range)
    return f"over the range {estimator.range}"


def keys(cells: pd.DataFrame, names: pd.Series) -> Iterator[tuple[Any, ...]]:
    """Protocol, reading, an experiment/estimator, and layer of each cell."""
    return zip(cells["protocol"], cells["reading"], names, cells["layer"], strict=True)
