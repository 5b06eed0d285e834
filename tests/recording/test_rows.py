"""Distinct rows are numbered by comparison: whatever the hash, the memory and the batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane import UserError
from infoplane.recording import rows as module
from infoplane.recording.rows import RowNumbers, hashes_of


def number(rows, memory, batch):
    """The numbers of rows, and how many passes they took."""
    numbers, passes = RowNumbers("relu", len(rows), memory), 0
    while numbers.open.any():
        for start in range(0, len(rows), batch):
            numbers.look(start, rows[start : start + batch])
        numbers.end_pass()
        assert numbers.bytes_due <= max(memory, rows[0].nbytes)
        passes += 1
    return numbers.values, passes


def partition(values):
    """The first input of each input's class."""
    values = values.tolist()
    return [values.index(value) for value in values]


@st.composite
def tables(draw):
    count, width = draw(st.integers(1, 40)), draw(st.integers(1, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int64, np.uint64]))
    levels = draw(st.sampled_from([1, 2, 3, 1000]))
    return generator.integers(0, levels, (count, width)).astype(dtype)


HASHES = {
    "its own": hashes_of,
    "constant": lambda rows: np.zeros(len(rows), np.uint64),
    "parity": lambda rows: (rows.astype(np.int64).sum(1) % 2).astype(np.uint64),
}


@given(tables(), st.sampled_from([*HASHES]), st.sampled_from([0, 30, 10**6]), st.integers(1, 41))
def test_equal_rows_and_only_they_share_a_number(rows, name, memory, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "hashes_of", HASHES[name])
        values, _ = number(rows, memory, batch)
    assert partition(values) == partition(np.unique(rows, axis=0, return_inverse=True)[1].ravel())


def test_one_pass_where_all_rows_differ():
    rows = np.arange(600, dtype=np.float32).reshape(100, 6)
    assert number(rows, 10**6, 7)[1] == 1
    rows[70] = rows[3]
    assert number(rows, 10**6, 7)[1] == 2


def test_zeros_of_both_signs_are_equal():
    rows = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, -1.0]], np.float32)
    assert partition(number(rows, 100, 3)[0]) == [0, 0, 2]
    assert hashes_of(rows)[0] == hashes_of(rows)[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbouring_floats_differ(dtype):
    rows = np.array([[1.0], [np.nextafter(dtype(1), dtype(2))], [1.0]], dtype)
    assert partition(number(rows, 100, 3)[0]) == [0, 1, 0]


def test_hashes_of_single_bits_differ():
    rows = np.zeros((64 * 8, 8), np.uint64)
    rows[np.arange(512), np.arange(512) // 64] = np.uint64(1) << np.arange(512, dtype=np.uint64) % 64
    # the highest bit alone is −0 and has the hash of 0
    assert len(np.unique(hashes_of(rows))) == 512 - 8 + 1
    assert len(np.unique(hashes_of(np.eye(500, dtype=np.float32)))) == 500


def test_rows_that_change_between_passes_are_refused():
    numbers = RowNumbers("relu", 2, 100)
    numbers.look(0, np.ones((2, 3), np.float32))
    numbers.end_pass()
    with pytest.raises(UserError, match="layer relu: outputs different values when the same inputs are run"):
        numbers.look(0, np.full((2, 3), 2, np.float32))
