"""Bins of equal width, in loops."""

import numpy as np

from infoplane.kernels.compilation import compiled
from infoplane.kernels.vectors import floor, full_like, larger, load_as, smaller, splat, store_as

__all__ = ["number_bins"]


@compiled
def number_bins(values: np.ndarray, low: np.ndarray, high: np.ndarray, bins: int, codes: np.ndarray) -> None:
    """⌊(v − low)·bins/(high − low)⌋ in float64, cut off at 0 and bins − 1; 0 where low = high.

    Args:
        values: (rows, N) float32 or float64.
        low, high: the ends of each row's range, (rows,) float64.
        codes: receives the bins, (rows, N) uint16.
    """
    rows, count = values.shape
    for row in range(rows):
        bottom = splat(low[row])
        span = splat(high[row] - low[row] if high[row] != low[row] else 1.0)
        number, nothing, top = full_like(span, bins), full_like(span, 0), full_like(span, bins - 1)
        place = row * count
        while place + len(span) <= (row + 1) * count:
            position = (load_as(values, place, span) - bottom) * number / span
            store_as(codes, place, smaller(larger(floor(position), nothing), top))
            place += len(span)
        while place < (row + 1) * count:
            column = place - row * count
            spread = high[row] - low[row] if high[row] != low[row] else 1.0
            position = np.floor((np.float64(values[row, column]) - low[row]) * bins / spread)
            codes[row, column] = max(min(position, bins - 1), 0)
            place += 1
