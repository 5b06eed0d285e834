"""Bins of equal width."""

import numpy as np

from infoplane.compilation import compiled
from infoplane.kernels.vectors import floor, full_like, larger, load_as, smaller, splat, store_as

__all__ = ["number_bins"]


@compiled
def number_bins(values: np.ndarray, low: np.ndarray, high: np.ndarray, bins: int, codes: np.ndarray) -> None:
    """Number bins, ⌊(v − low)·bins/(high − low)⌋ of values v, cut off at 0 and bins − 1; 0 if low = high.

    Args:
        values: (rows, N) float32 or float64; the bins are computed in float64.
        low, high: ends of each row's range, (rows,) float64.
        codes: receives the bins, (rows, N) uint16.
    """
    rows, count = values.shape
    for row in range(rows):
        bottom = splat(low[row])
        span = splat(high[row] - low[row] if high[row] != low[row] else 1.0)
        number, zeros, top = full_like(span, bins), full_like(span, 0), full_like(span, bins - 1)
        offset = row * count
        while offset + len(span) <= (row + 1) * count:
            position = (load_as(values, offset, span) - bottom) * number / span
            store_as(codes, offset, smaller(larger(floor(position), zeros), top))
            offset += len(span)
        while offset < (row + 1) * count:
            column = offset - row * count
            spread = high[row] - low[row] if high[row] != low[row] else 1.0
            position = np.floor((np.float64(values[row, column]) - low[row]) * bins / spread)
            codes[row, column] = max(min(position, bins - 1), 0)
            offset += 1
