"""Spec of an estimator."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infoplane.config.fields import Layers, Pair, Rate, documented, expecting, one_of
from infoplane.config.kinds import ESTIMATORS
from infoplane.config.specs import Spec, refuse_others

__all__ = ["EXACT", "EstimatorSpec"]


class EstimatorSpec(Spec):
    """How T is made discrete before its information is counted."""

    kind: Annotated[
        str,
        one_of(ESTIMATORS),
        documented(
            " ".join(f"`{name}`: {kind.about}." for name, kind in ESTIMATORS.items()),
            names=ESTIMATORS,
        ),
    ]
    bins: Annotated[
        Annotated[int, Field(ge=2, le=65536)] | None,
        documented(
            "number of bins; for `uniform` and `adaptive`",
            unset="required for these kinds",
            values="2 to 65,536",
        ),
    ] = None
    bits: Annotated[
        Annotated[int, Field(ge=1, le=16)] | None,
        documented(
            "bits of the quantizer; for `quantized`",
            unset="the bits of the network's activations; required for float32 networks",
            values="1 to 16",
        ),
    ] = None
    range: Annotated[
        Literal["global", "layer", "neuron"] | Pair | None,
        expecting("global, layer, neuron, or a pair [lo, hi] with lo < hi", "global", "layer", "neuron"),
        documented(
            "range of the bins of `uniform` and of the grid of `quantized`: the range of the outputs of a "
            "`layer` at one epoch, or a fixed range `[lo, hi]`, in which case values outside it are moved "
            "to its ends. `uniform` also takes the range of all layers and epochs of a run (`global`), and "
            "the range of a `neuron` at one epoch",
            unset="required for these kinds",
            values="`global`, `layer`, `neuron`, `[lo, hi]`",
        ),
    ] = None
    noise: Annotated[
        Rate | None,
        documented(
            "variance σ² of the Gaussian noise; for `kde`",
            unset="required for `kde`",
            values="number above 0",
        ),
    ] = None
    bound: Annotated[
        Literal["upper", "lower"],
        documented(
            "`upper` bound, from Kullback–Leibler divergences, or `lower` bound, from Bhattacharyya "
            "distances; for `kde`"
        ),
    ] = "upper"
    layers: Annotated[
        Literal["output"] | Layers | None,
        expecting("output, or a list of layers from 1", "output"),
        documented(
            "layers that are evaluated: the last one (`output`), or those with the given numbers, counted "
            "from 1",
            unset="all",
            values="`output`, a list of numbers",
        ),
    ] = None
    epochs: Annotated[
        Annotated[int, Field(ge=2, le=2**31 - 1)] | None,
        documented(
            "number of recorded epochs that are evaluated in each part of the training, in addition to "
            "epoch −1, evenly spaced on a logarithmic axis. [Compression is then defined "
            "differently](../docs/method.md#a-few-epochs)",
            unset="all",
            values="at least 2",
        ),
    ] = None
    subset: Annotated[
        Literal["all", "train", "test"],
        documented("inputs that are counted; ranges are still those of all inputs"),
    ] = "all"

    @model_validator(mode="after")
    def keys_fit_kind(self) -> Self:
        kind = ESTIMATORS[self.kind]
        for key in sorted(kind.needs):
            if getattr(self, key) is None:
                raise ValueError(f"kind {self.kind} needs {key}; add it")
        own = {name: each.needs | each.takes for name, each in ESTIMATORS.items()}
        refuse_others(self, own[self.kind], set().union(*own.values()))
        if isinstance(self.range, str) and self.range not in kind.ranges:
            names = ", ".join(kind.ranges)
            raise ValueError(f"kind {self.kind} takes no range {self.range}; write {names}, or [lo, hi]")
        return self

    @property
    def of_network(self) -> list[str]:
        """The keys that are left out and that a quantized network has to give.

        >>> EstimatorSpec(kind="quantized", range="layer").of_network
        ['bits']
        """
        return [key for key in sorted(ESTIMATORS[self.kind].of_network) if getattr(self, key) is None]

    @property
    def is_binning(self) -> bool:
        """Whether it sorts activations into bins."""
        return ESTIMATORS[self.kind].is_binning

    @property
    def range_name(self) -> str:
        """What its codes span, for tables and figures; nothing where they span no range.

        >>> EstimatorSpec(kind="uniform", bins=30, range=(-1, 1)).range_name
        '[−1, 1]'
        >>> EstimatorSpec(kind="adaptive", bins=30).range_name
        'equal mass'
        """
        if isinstance(self.range, tuple):
            return "[{:g}, {:g}]".format(*self.range).replace("-", "−")
        return self.range or ESTIMATORS[self.kind].range_name


EXACT = EstimatorSpec(kind="exact")
