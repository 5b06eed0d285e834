"""What the layers of a replayed network put out, by either engine."""

from dataclasses import dataclass, replace
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
            what is quantized, (S, outputs, N); else None.
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
        return self.outputs.shape

    @property
    def outputs(self) -> np.ndarray:
        """The codes of a quantized layer, or the values of another."""
        outputs = self.values if self.codes is None else self.codes
        assert outputs is not None
        return outputs

    @property
    def t(self) -> np.ndarray:
        """T, (S, outputs, N) unsigned, exactly: the tuple of the outputs of an input.

        Quantized layers: their codes q; where the logits are quantized, q_j − max_j q_j modulo 2⁸ or 2¹⁶,
        since the softmax is invariant under a common shift and under nothing else. Others: the bit patterns
        of their outputs.
        """
        if self.codes is None:
            return self.outputs.view(np.uint32)
        t: np.ndarray = self.codes - self.codes.max(axis=1, keepdims=True) if self.is_logits else self.codes
        return t

    @cached_property
    def table(self) -> np.ndarray:
        """The value of each code of a quantized layer, (q − zero)·scale: (S, 2ᵇ) float64."""
        table: np.ndarray = (np.arange(1 << self.bits) - self.zero[:, None]) * self.scale[:, None]
        return table

    @property
    def activations(self) -> np.ndarray:
        """The values that the layer hands on, (S, outputs, N) float64; the softmax for logits."""
        if self.values is not None:
            return self.values.astype(np.float64)
        return np.stack([table[codes] for table, codes in zip(self.table, self.outputs, strict=True)])

    def extremes(self, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and highest activations along axes of (S, outputs, N), which are kept: float64."""
        array = self.outputs if self.values is None else self.values
        low, high = array.min(axis=axes, keepdims=True), array.max(axis=axes, keepdims=True)
        if self.values is not None:
            return low.astype(np.float64), high.astype(np.float64)
        snapshots = np.arange(len(array))[:, None, None]
        return self.table[snapshots, low], self.table[snapshots, high]

    def at(self, snapshots: np.ndarray) -> "Layer":
        """The layer at some of its snapshots, given as indices or as a mask (S,)."""
        codes, values = (each if each is None else each[snapshots] for each in (self.codes, self.values))
        return replace(
            self, codes=codes, values=values, scale=self.scale[snapshots], zero=self.zero[snapshots]
        )
