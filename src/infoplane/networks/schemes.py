"""Quantization schemes: which tensors of a network are quantized, and over which range."""

from typing import Literal, NamedTuple

from infoplane.activations import ACTIVATIONS
from infoplane.config import Bits, RangeSpec, TrainingSpec
from infoplane.ranges import needs_all_inputs, starts_from_inputs

__all__ = ["PUBLISHED", "Scheme", "highest_codes", "scheme_of"]


class Scheme(NamedTuple):
    """Ranges of the quantizers of each kind of tensor, and what the last layer puts out.

    Attributes:
        hidden_weights, output_weights, activations, output: a policy or fixed ends; None where the tensor is
            not quantized.
        reads: the output that is quantized, and of which the cross-entropy is taken: the logits, or their
            softmax.
    """

    hidden_weights: RangeSpec | None
    output_weights: RangeSpec | None
    activations: RangeSpec | None
    output: RangeSpec | None
    reads: Literal["logits", "softmax"]

    @property
    def quantized(self) -> bool:
        """Whether the network is quantized."""
        return self.output is not None

    @property
    def ranges(self) -> tuple[RangeSpec | None, ...]:
        """Those of all kinds of tensors."""
        return self[:4]

    def of_layer(self, is_output: bool) -> tuple[RangeSpec | None, RangeSpec | None]:
        """The ranges of a layer's kernel and of its output."""
        if is_output:
            return self.output_weights, self.output
        return self.hidden_weights, self.activations

    @property
    def needs_all_inputs(self) -> bool:
        """Whether a test or a replay needs all inputs in one batch: a layer's range is that of its output."""
        return needs_all_inputs(self.activations) or needs_all_inputs(self.output)

    @property
    def starts_from_inputs(self) -> bool:
        """Whether a training begins with a pass over all its inputs, from which moving ranges start."""
        return any(map(starts_from_inputs, self.ranges))


PUBLISHED = {
    "tanh": Scheme(None, "batch", "batch", "ema", "logits"),
    "relu": Scheme("batch", "batch", "ema", "ema", "logits"),
}


def scheme_of(spec: TrainingSpec) -> Scheme:
    """The quantization of a training spec: that of its protocol, with the ranges that the spec gives."""
    if not isinstance(spec.bits, Bits):
        return Scheme(None, None, None, None, "logits")
    if spec.protocol == "published":
        scheme = PUBLISHED[spec.activation]
    else:
        activations = ACTIVATIONS[spec.activation].bounds or "ema-debiased"
        scheme = Scheme("batch", "batch", activations, (0.0, 1.0), "softmax")
    return scheme._replace(**spec.ranges.model_dump(exclude_none=True))


def highest_codes(spec: TrainingSpec) -> tuple[int, int]:
    """2ᵇ − 1 of weights and of activations; 0 where the network is not quantized.

    >>> spec = TrainingSpec(dataset="synthetic", network="shwartz-ziv", activation="relu", epochs=1,
    ...                     record_every=1, bits={"weights": 8, "activations": 4})
    >>> highest_codes(spec)
    (255, 15)
    """
    if not isinstance(spec.bits, Bits):
        return 0, 0
    return 2**spec.bits.weights - 1, 2**spec.bits.activations - 1
