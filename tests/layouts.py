"""Arrays as the kernels hold them, in panels and between margins, and back."""

import numpy as np

PANEL = 32
# So many numbers before and behind an array tell whether a kernel writes where it should not.
MARGIN = 37
UNTOUCHED = -12345


def to_panels(values: np.ndarray, dtype: type, fill: str = "first") -> np.ndarray:
    """Values (N, …) in panels, flat. The last panel is filled up with its first input, or with `zeros`."""
    count = len(values)
    rows = values.reshape(count, -1)
    missing = -count % PANEL
    filling = rows[count - count % PANEL :][:1] if fill == "first" else np.zeros_like(rows[:1])
    filled = np.concatenate([rows, filling.repeat(missing, 0)])
    return filled.reshape(-1, PANEL, rows.shape[1]).transpose(0, 2, 1).ravel().astype(dtype)


def from_panels(panels: np.ndarray, count: int, *shape: int) -> np.ndarray:
    """The first `count` inputs of panels, (count, *shape)."""
    panels = panels.reshape(-1, int(np.prod(shape)), PANEL)
    return panels.transpose(0, 2, 1).reshape(-1, *shape)[:count]


def panels_of(count: int) -> int:
    return -(-count // PANEL)


def within_margins(values: np.ndarray) -> np.ndarray:
    """A flat array whose numbers begin at MARGIN."""
    margin = np.full(MARGIN, UNTOUCHED, dtype=values.dtype)
    return np.concatenate([margin, values, margin])


def room(size: int, dtype: type) -> np.ndarray:
    """Room for `size` numbers from MARGIN on, all of which are to be written."""
    return np.full(size + 2 * MARGIN, UNTOUCHED, dtype=dtype)


def written(array: np.ndarray) -> np.ndarray:
    """What was written into a room, and nowhere else."""
    assert (array[:MARGIN] == UNTOUCHED).all() and (array[-MARGIN:] == UNTOUCHED).all()
    return array[MARGIN:-MARGIN]
