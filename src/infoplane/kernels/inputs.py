"""Inputs of a network as the kernels read them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from infoplane.compilation import inlined
from infoplane.kernels.panels import PANEL, gather, lanes_for
from infoplane.kernels.sparse import SparseInputs, sparse_inputs
from infoplane.kernels.vectors import SIDE, load, load_as, store
from infoplane.networks.layers import Dense, Network

__all__ = ["Inputs", "Precision", "gather_inputs", "in_panels", "inputs_of", "one_by_one", "unpack_inputs"]

Precision = type[np.float32] | type[np.float64]
# A dense layer is faster on more numbers that are not 0, and on fewer features
SPARSE_SHARE, SPARSE_FEATURES = 0.6, 64


class Inputs(NamedTuple):
    """Inputs in one of three forms; the other two are empty.

    Attributes:
        is_sparse: whether they are in `sparse`.
        is_whole: whether they are whole numbers.
        scale: their factor.
        densest: largest number of features of one sparse input that are not 0.
        bytes, numbers: dense inputs, uint8 or float32, flat: one after the other (`gather_inputs`), or in
            panels (`unpack_inputs`).
        sparse: inputs that are mostly 0.
    """

    is_sparse: bool
    is_whole: bool
    scale: float
    densest: int
    bytes: np.ndarray
    numbers: np.ndarray
    sparse: SparseInputs


def inputs_of(
    values: np.ndarray,
    scale: float | None,
    network: Network,
    dtype: Precision,
    arrange: Callable[[np.ndarray], np.ndarray],
) -> Inputs:
    """Inputs (N, features) of a network that computes in a type.

    Args:
        scale: factor of inputs that are whole numbers; None where they are not.
        arrange: `one_by_one` or `in_panels`.
    """
    factor: Any = dtype(1 if scale is None else scale)
    is_bytes = values.dtype == np.uint8
    is_sparse = is_bytes and is_sparse_for(values, network)
    nothing = np.zeros((0, 1), dtype=np.uint8)
    sparse = sparse_inputs(values if is_sparse else nothing)
    return Inputs(
        is_sparse,
        scale is not None,
        factor,
        int(np.diff(sparse.start).max(initial=0)),
        arrange(values if is_bytes and not is_sparse else nothing),
        arrange(nothing.astype(np.float32) if is_bytes else values.astype(np.float32)),
        sparse,
    )


def is_sparse_for(values: np.ndarray, network: Network) -> bool:
    """Whether inputs are many features, most of them 0, and the first layer is dense."""
    many = type(network.layers[0]) is Dense and values.shape[1] >= SPARSE_FEATURES
    return bool(many and np.count_nonzero(values) < SPARSE_SHARE * values.size)


def one_by_one(values: np.ndarray) -> np.ndarray:
    """Inputs (N, features) one after the other, flat, with room for a vector behind them if there are any."""
    return np.concatenate([values.ravel(), np.zeros(SIDE if values.size else 0, dtype=values.dtype)])


def in_panels(values: np.ndarray) -> np.ndarray:
    """Inputs (N, features) in panels, flat; the first of them fills up the last panel."""
    filled = np.concatenate([values, values[:1].repeat(-len(values) % PANEL, 0)])
    return filled.reshape(-1, PANEL, values.shape[1]).transpose(0, 2, 1).ravel()


@inlined
def gather_inputs(
    inputs: Inputs, features: int, indices: np.ndarray, starts: np.ndarray, panels: np.ndarray
) -> None:
    """Copy the dense inputs of some indices into panels.

    Args:
        starts: scratch memory of `panels.gather`.
        panels: receives the panels, flat.
    """
    if len(inputs.bytes) > 0:
        gather(inputs.bytes, features, indices, starts, panels)
    else:
        gather(inputs.numbers, features, indices, starts, panels)


@inlined
def unpack_inputs(inputs: Inputs, features: int, first: int, count: int, panels: np.ndarray) -> None:
    """Copy `count` dense inputs that are in panels, from `first` on, a multiple of 32, in another type."""
    if len(inputs.bytes) > 0:
        convert(inputs.bytes, first * features, lanes_for(count) * features, panels)
    else:
        convert(inputs.numbers, first * features, lanes_for(count) * features, panels)


@inlined
def convert(compact: np.ndarray, offset: int, count: int, values: np.ndarray) -> None:
    """Copy `count` numbers of a flat array to the beginning of one of another type, in whole vectors."""
    like = load(values, 0)
    for step in range(0, count, len(like)):
        store(values, step, load_as(compact, offset + step, like))
