"""What the layers of a replayed network put out, by either engine."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Layer"]


@dataclass(frozen=True)
class Layer:
    """The outputs of one layer at S snapshots, for all N inputs.

    Attributes:
        bits: those of the layer's grid, or 32 where it is not quantized.
        codes: q = 0 … 2ᵇ − 1 of a quantized layer, (S, outputs, N) uint8 or uint16; else None.
        scale, zero: of a quantized layer's grid {(q − zero)·scale}, (S,).
        values: the float32 outputs of a layer that is not quantized, and the softmax where its logits are
        what is
            quantized, (S, outputs, N); else None.
        is_logits: whether the codes are those of logits.
    """

    bits: int
    codes: np.ndarray | None
    scale: np.ndarray
    zero: np.ndarray
    values: np.ndarray | None
    is_logits: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, outputs, N)."""
        array = self.codes if self.values is None else self.values
        assert array is not None
        return array.shape  # type: ignore[return-value]

    @property
    def t(self) -> np.ndarray:
        """T, (S, outputs, N) unsigned, exactly: the tuple of the outputs of an input.

        Quantized layers: their codes q; where the logits are quantized, q_j − max_j q_j modulo 2ᵇ, since the
        softmax is invariant under a common shift and under nothing else. Others: the bit patterns of their
        outputs.
        """
        if self.codes is None:
            assert self.values is not None
            return self.values.view(np.uint32)
        return self.codes - self.codes.max(axis=1, keepdims=True) if self.is_logits else self.codes

    @cached_property
    def table(self) -> np.ndarray:
        """The value of each code of a quantized layer, (q − zero)·scale: (S, 2ᵇ) float64."""
        return (np.arange(2**self.bits) - self.zero[:, None]) * self.scale[:, None]

    @property
    def activations(self) -> np.ndarray:
        """The values that the layer hands on, (S, outputs, N) float64; the softmax for logits."""
        if self.values is not None:
            return self.values.astype(np.float64)
        assert self.codes is not None
        return np.stack([table[codes] for table, codes in zip(self.table, self.codes, strict=True)])

    def extremes(self, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest activation along some axes of (S, outputs, N), which are kept: float64."""
        if self.values is not None:
            return tuple(  # type: ignore[return-value]
                extreme(axis=axes, keepdims=True).astype(np.float64)
                for extreme in (self.values.min, self.values.max)
            )
        assert self.codes is not None
        snapshots = np.arange(len(self.codes))[:, None, None]
        low, high = self.codes.min(axis=axes, keepdims=True), self.codes.max(axis=axes, keepdims=True)
        return self.table[snapshots, low], self.table[snapshots, high]
