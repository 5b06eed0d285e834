"""Quantization schemes: which tensors of a network are quantized, and over which range."""

from typing import Literal, NamedTuple

from infoplane.config import Bits, RangeSpec, TrainingSpec

__all__ = [
    "BOUNDED",
    "MOVING_DECAY",
    "MOVING_START",
    "PUBLISHED",
    "UNQUANTIZED",
    "Averaging",
    "Scheme",
    "scheme_of",
]

MOVING_DECAY = 0.999
MOVING_START = (-6.0, 6.0)


class Scheme(NamedTuple):
    """The range of each kind of tensor, None where it is not quantized; and what the last layer puts out."""

    hidden_weights: RangeSpec | None
    output_weights: RangeSpec | None
    activations: RangeSpec | None
    output: RangeSpec | None
    reads: Literal["logits", "softmax"]

    @property
    def quantized(self) -> bool:
        return self.output is not None

    @property
    def needs_all_inputs(self) -> bool:
        """Whether a test or a replay must see the data set as one batch: that whose range a layer takes."""
        return "batch" in (self.activations, self.output)


PUBLISHED = {
    "tanh": Scheme(None, "batch", "batch", "ema", "logits"),
    "relu": Scheme("batch", "batch", "ema", "ema", "logits"),
}
BOUNDED: dict[str, RangeSpec] = {"tanh": (-1.0, 1.0), "hard-tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
UNQUANTIZED = Scheme(None, None, None, None, "logits")


def scheme_of(spec: TrainingSpec) -> Scheme:
    """The quantization of a training spec: that of its protocol, where the spec gives no range of its own."""
    if not isinstance(spec.bits, Bits):
        return UNQUANTIZED
    if spec.protocol == "published":
        scheme = PUBLISHED[spec.activation]
    else:
        activations = BOUNDED.get(spec.activation, "ema-debiased")
        scheme = Scheme("batch", "batch", activations, (0.0, 1.0), "softmax")
    return scheme._replace(**spec.ranges.model_dump(exclude_none=True))


class Averaging(NamedTuple):
    """The weights w of a batch's extremes x in the moving ranges, r ← (1 − w)·r + w·x."""

    ema: float
    debiased: float

    @classmethod
    def at(cls, step: int) -> "Averaging":
        """Those of step t = 1, 2, …: 1 − d, and (1 − d)/(1 − dᵗ), with d the decay of 0.999."""
        weight = 1 - MOVING_DECAY
        return cls(weight, weight / (1 - MOVING_DECAY**step))
