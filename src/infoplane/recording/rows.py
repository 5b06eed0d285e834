"""Numbers of the distinct rows of a layer whose rows are too many or too wide to be stored."""

import numpy as np

from infoplane.compilation import compiled
from infoplane.errors import UserError
from infoplane.kernels.counting import number_columns

__all__ = ["RowNumbers"]

uint64 = np.uint64
# 2^64 divided by the golden ratio (as in `infoplane.kernels.counting`), and the multiplier of Knuth's MMIX
GOLDEN, KNUTH = uint64(0x9E3779B97F4A7C15), uint64(6364136223846793005)
ZERO, HALF_WORD = uint64(0), uint64(32)


class RowNumbers:
    """Numbers of the distinct rows of N inputs, which are passed over batch by batch until all are numbered.

    In the first pass each row leaves a hash. Rows of different hashes are different. In further passes the
    rows that share a hash are compared, number by number, with the first of them; only first rows are stored.
    Those that differ from it get another number and are compared with each other in the next pass. −0 equals
    +0.

    Attributes:
        values: (N,) int64, the numbers.
        open: (N,) which rows share a number with others that they have not been compared with.
        due: (N,) those of them that the next pass compares.

    Args:
        layer: its name, for messages.
        count: N.
        memory: bytes of rows to be stored at a time, if that is at least one row.
    """

    def __init__(self, layer: str, count: int, memory: int) -> None:
        self.layer, self.memory = layer, memory
        self.keys = np.empty(count, np.uint64)
        self.values = np.empty(0, np.int64)
        self.open, self.due = np.ones(count, bool), np.ones(count, bool)
        self.first = dict[int, np.ndarray]()
        self.bytes_of_row = self.bytes_due = 0

    @property
    def is_hashed(self) -> bool:
        return self.values.size > 0

    def look(self, start: int, rows: np.ndarray) -> None:
        """Take the rows (inputs, width) from an input on.

        Raises:
            UserError: a row is not the same as in the pass before.
        """
        if not self.is_hashed:
            self.keys[start : start + len(rows)] = hashes_of(rows)
            self.bytes_of_row = rows[0].nbytes
        elif len(due := np.flatnonzero(self.due[start : start + len(rows)])):
            self.compare(start + due, rows[due])

    def compare(self, places: np.ndarray, rows: np.ndarray) -> None:
        if not np.array_equal(hashes_of(rows), self.keys[places]):
            raise UserError(
                f"layer {self.layer}: outputs different values when the same inputs are run again; make the "
                "model deterministic, as by torch.use_deterministic_algorithms(True), and the inputs too"
            )
        numbers = self.values[places]
        for number in np.unique(numbers).tolist():
            own = np.flatnonzero(numbers == number)
            first = self.first.setdefault(number, rows[own[0]].copy())
            self.open[places[own[(rows[own] == first).all(1)]]] = False

    def end_pass(self) -> None:
        """Number the rows by what the pass has found, and choose those that the next one compares."""
        if not self.is_hashed:
            self.values = number_columns(self.keys.view(np.int64)[None])[0].astype(np.int64)
            different = self.open
        else:
            different = self.open & self.due
            others = np.unique(self.values[different], return_inverse=True)[1]
            self.values[different] = self.values.max() + 1 + others
        self.open[different] = np.bincount(self.values)[self.values[different]] > 1
        together = max(1, self.memory // self.bytes_of_row)
        chosen = np.unique(self.values[self.open])[:together]
        self.due = self.open & np.isin(self.values, chosen)
        self.first, self.bytes_due = {}, len(chosen) * self.bytes_of_row


def hashes_of(rows: np.ndarray) -> np.ndarray:
    """A hash of each row of floats or whole numbers of 4 or 8 bytes, (inputs,) uint64; −0 counts as +0."""
    words = np.ascontiguousarray(rows).view(f"u{rows.itemsize}")
    keys = np.empty(len(rows), np.uint64)
    hash_rows(words, uint64(1 << (8 * rows.itemsize - 1)), keys)
    return keys


@compiled
def hash_rows(words: np.ndarray, negative_zero: np.uint64, keys: np.ndarray) -> None:
    """Σᵢ of wᵢ + i·g, mixed by two multiplications, over the words w of each row: (inputs,) uint64."""
    for index in range(len(words)):
        row = words[index]
        total, offset = ZERO, ZERO
        for place in range(len(row)):
            word = uint64(row[place])
            word = ZERO if word == negative_zero else word
            offset += GOLDEN
            mixed = (word + offset) * KNUTH
            mixed = (mixed ^ (mixed >> HALF_WORD)) * GOLDEN
            total += mixed ^ (mixed >> HALF_WORD)
        keys[index] = total
