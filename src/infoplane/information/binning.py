"""Ways of making real-valued activations discrete: the codes of the binned estimators.

Activations and ranges are finite, of any size. Where the number of a bin would overflow, or a step of a
quantizer would be subnormal, both are multiplied by a power of two first, which changes no code.
"""

import numpy as np

from infoplane.kernels.binning import number_bins

__all__ = ["adaptive_bins", "quantized", "rebinned", "uniform_bins"]

# A number of 2³⁴ times less than the largest one can be doubled, and multiplied by 2³²
MARGIN = 34


def uniform_bins(activations: np.ndarray, low: np.ndarray, high: np.ndarray, bins: int) -> np.ndarray:
    """Number the bins of equal width over [low, high]: 0 … bins − 1, the last one closed on the right.

    Values outside go to the end bins; on a range that is one point, everything goes to bin 0.

    Args:
        activations: (S, width, N) floats.
        low, high: the ends of the range, (S, 1 or width, 1).
        bins: 2 to 65,536.

    Returns:
        (S, width, N) uint16.

    >>> values = np.array([[[-2.0, -1.0, 0.0, 0.99, 1.0, 7.0]]])
    >>> uniform_bins(values, np.full((1, 1, 1), -1.0), np.full((1, 1, 1), 1.0), 4).tolist()
    [[[0, 0, 2, 3, 3, 3]]]
    """
    activations, low, high = normalised(activations, low, high, np.dtype(np.float64))
    codes = np.empty(activations.shape, dtype=np.uint16)
    rows = len(activations) * low.shape[1]
    number_bins(
        np.ascontiguousarray(activations).reshape(rows, -1),
        np.ascontiguousarray(low, dtype=np.float64).ravel(),
        np.ascontiguousarray(high, dtype=np.float64).ravel(),
        bins,
        codes.reshape(rows, -1),
    )
    return codes


def rebinned(activations: np.ndarray, low: np.ndarray, high: np.ndarray, bits: int) -> np.ndarray:
    """Round each layer to 2ᵇ + 1 values over its range: round((v − min)·2ᵇ/(max − min)), half to even.

    A constant layer is one code. This is what the published code evaluates in every layer; for b = 32 it does
    so in float32.

    Args:
        activations: (S, width, N) floats.
        low, high: the extremes of each layer, (S, 1, 1).

    >>> ends = np.full((1, 1, 1), -1.0), np.full((1, 1, 1), 1.0)
    >>> rebinned(np.array([[[-1.0, 0.0, 1.0]]]), *ends, bits=2).tolist()
    [[[0, 2, 4]]]
    """
    dtype: np.dtype = np.dtype(np.float32 if bits == 32 else np.float64)
    scaled = normalised(activations, low, high, dtype)
    values, low, high = (each.astype(dtype, copy=False) for each in scaled)
    steps, span = dtype.type(2**bits), np.where(low == high, dtype.type(1), high - low)
    codes: np.ndarray = np.rint((values - low) * steps / span).clip(0, steps).astype(np.uint64)
    return codes


def quantized(activations: np.ndarray, low: np.ndarray, high: np.ndarray, bits: int) -> np.ndarray:
    """Codes of the uniform quantizer of b bits over ranges: see `infoplane.networks.quantization`.

    Args:
        activations: (S, width, N) floats.
        low, high: the ends of the range, (S, 1, 1).
        bits: 1 to 32.

    >>> ends = np.zeros((1, 1, 1)), np.ones((1, 1, 1))
    >>> quantized(np.array([[[-1.0, 0.4, 0.5, 2.0]]]), *ends, bits=2).tolist()
    [[[0, 1, 2, 3]]]
    """
    values, low, high = normalised(
        activations.astype(np.float64, copy=False), low, high, np.dtype(np.float64)
    )
    low, high, top = np.minimum(low, 0.0), np.maximum(high, 0.0), 2.0**bits - 1
    scale = (high - low) / top
    flat = scale == 0
    zero = np.minimum(np.floor(-low / np.where(flat, 1.0, high - low) * top + 0.5), top)
    codes = np.floor(values / np.where(flat, 1.0, scale) + zero + 0.5)
    return codes.clip(0.0, np.where(flat, 0.0, top)).astype(np.uint16 if bits <= 16 else np.uint32)


def adaptive_bins(activations: np.ndarray, bins: int) -> np.ndarray:
    """Number bins of equal mass, whose edges are the quantiles k/bins of all activations; equal edges merge.

    Args:
        activations: of one layer at one snapshot, of any shape.

    >>> adaptive_bins(np.array([[0.0, 1.0, 2.0, 9.0]]), 2).tolist()
    [[0, 0, 1, 1]]
    """
    activations = activations.astype(np.float64, copy=False)
    activations, *_ = normalised(activations, activations.min(), activations.max(), activations.dtype)
    positions = np.arange(1, bins) / bins * (activations.size - 1)
    below, ordered = positions.astype(int), np.sort(activations, axis=None)
    upper = ordered[np.ceil(positions).astype(int)]
    edges = ordered[below] + (positions - below) * (upper - ordered[below])
    # Between equal edges lies no value: a number is skipped, and no two codes are told apart by that.
    return np.searchsorted(edges, activations, side="right").astype(np.uint16)


def normalised(
    activations: np.ndarray, low: np.ndarray, high: np.ndarray, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Activations and ends of ranges, times a power of two where `dtype` has no room for them.

    There is room for 2³² times the range, and for its 2³²-th part. Only numbers so small beside the range
    that no code depends on them are rounded.
    """
    largest = np.maximum(np.abs(low), np.abs(high))
    limits = np.finfo(dtype)
    exponents = np.frexp(largest)[1]
    fits = (limits.minexp + MARGIN < exponents) & (exponents <= limits.maxexp - MARGIN)
    if not fits.all():
        shifts = np.where(fits, 0, -exponents)
        with np.errstate(
            over="ignore"
        ):  # far beyond a given range, where activations have the code of an end
            activations, low, high = (np.ldexp(each, shifts) for each in (activations, low, high))
    return activations, low, high
