"""Every operation on vectors, lane by lane, against NumPy: bit for bit, but for the bits of a NaN."""

from fractions import Fraction
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.compilation import inlined
from infoplane.kernels.vectors import (
    BYTES,
    SIDE,
    broadcast,
    floor,
    fma,
    full_like,
    larger,
    largest,
    load,
    load_as,
    magnitude,
    prefetch,
    rounded_to_single,
    select,
    smaller,
    smallest,
    splat,
    square_root,
    store,
    store_as,
    total,
    transpose,
    with_sign,
)

FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)


def lanes_of(dtype):
    return BYTES // np.dtype(dtype).itemsize


def assert_same_numbers(found, expected):
    """Equal bits, where the sign of 0 counts; any NaN is like any other."""
    assert found.dtype == expected.dtype and found.shape == expected.shape
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), nan)
    assert np.where(nan, 0, found).tobytes() == np.where(nan, 0, expected).tobytes()


OPERATIONS = {
    "+": lambda a, b, c: a + b,
    "−": lambda a, b, c: a - b,
    "×": lambda a, b, c: a * b,
    "/": lambda a, b, c: a / b,
    "a·b + c, rounded twice": lambda a, b, c: a * b + c,
    "<": lambda a, b, c: a < b,
    "≤": lambda a, b, c: a <= b,
    ">": lambda a, b, c: a > b,
    "≥": lambda a, b, c: a >= b,
    "&": lambda a, b, c: (a < b) & (b < c),
    "select": lambda a, b, c: np.where(a < b, b, c),
    "floor": lambda a, b, c: np.floor(a),
    "square root": lambda a, b, c: np.sqrt(a),
    "magnitude": lambda a, b, c: np.abs(a),
    "with sign": lambda a, b, c: np.copysign(a, b),
    "larger": lambda a, b, c: np.where(a > b, a, b),
    "smaller": lambda a, b, c: np.where(a < b, a, b),
    "splat": lambda a, b, c: np.repeat(c[:: lanes_of(c.dtype)], lanes_of(c.dtype)),
    "broadcast": lambda a, b, c: np.full_like(a, c[5]),
    "splat like": lambda a, b, c: np.full_like(a, 0.1),
    "splat like, of an integer": lambda a, b, c: np.full_like(a, 3),
    "rounded to single": lambda a, b, c: a.astype(np.float32).astype(a.dtype),
}


@inlined
def operate(a, b, c, found):
    """All of the operations; compiled in this process, and so of these very lines."""
    yes, no = full_like(load(a, 0), 1), full_like(load(a, 0), 0)
    for place in range(0, len(a), len(yes)):
        x, y, z = load(a, place), load(b, place), load(c, place)
        store(found[0], place, x + y)
        store(found[1], place, x - y)
        store(found[2], place, x * y)
        store(found[3], place, x / y)
        store(found[4], place, x * y + z)
        store(found[5], place, select(x < y, yes, no))
        store(found[6], place, select(x <= y, yes, no))
        store(found[7], place, select(x > y, yes, no))
        store(found[8], place, select(x >= y, yes, no))
        store(found[9], place, select((x < y) & (y < z), yes, no))
        store(found[10], place, select(x < y, y, z))
        store(found[11], place, floor(x))
        store(found[12], place, square_root(x))
        store(found[13], place, magnitude(x))
        store(found[14], place, with_sign(x, y))
        store(found[15], place, larger(x, y))
        store(found[16], place, smaller(x, y))
        store(found[17], place, splat(c[place]))
        store(found[18], place, broadcast(c, 5))
        store(found[19], place, full_like(x, 0.1))
        store(found[20], place, full_like(x, 3))
        store(found[21], place, rounded_to_single(x))


@cache
def operands(dtype):
    """Each of some numbers with each, and random ones; a third row of other random numbers."""
    limits, generator = np.finfo(dtype), np.random.default_rng(0)
    least, tiny, largest_of_all = limits.smallest_subnormal, limits.tiny, limits.max
    special = [0.0, least, tiny, 0.5, 1.0, 1.5, 2.5, 1 / limits.eps, largest_of_all, np.inf, np.nan]
    pairs = np.array([*product([*special, *(-each for each in special)], repeat=2)]).T
    random = generator.normal(size=(2, 1000)) * 2.0 ** generator.integers(-40, 40, (2, 1000))
    pairs = np.concatenate([pairs, random], 1).astype(dtype)
    pairs = pairs[:, : pairs.shape[1] // 16 * 16]
    third = generator.choice(np.concatenate([pairs[0], random[0]]), pairs.shape[1]).astype(dtype)
    return *pairs, third


@cache
@np.errstate(all="ignore")
def computed(dtype):
    operate(*operands(dtype), found := np.full((len(OPERATIONS), len(operands(dtype)[0])), 7, dtype=dtype))
    return dict(zip(OPERATIONS, found, strict=True))


@with_floats
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operation_is_that_of_numpy(operation, dtype):
    with np.errstate(all="ignore"):
        expected = OPERATIONS[operation](*operands(dtype))
    assert_same_numbers(computed(dtype)[operation], np.asarray(expected, dtype=dtype))


def rounded(number: Fraction, dtype):
    """The nearest float to a number, of two the one whose last bit is 0."""
    near = dtype(float(number))
    candidates = [near, np.nextafter(near, dtype(np.inf)), np.nextafter(near, dtype(-np.inf))]
    integers = np.uint32 if dtype is np.float32 else np.uint64
    return min(
        candidates, key=lambda each: (abs(Fraction(float(each)) - number), int(each.view(integers)) & 1)
    )


@inlined
def multiply_and_add(a, b, c, found):
    for place in range(0, len(a), len(load(a, 0))):
        store(found, place, fma(load(a, place), load(b, place), load(c, place)))


@with_floats
def test_fma_is_rounded_once(dtype):
    """Of sums that nearly cancel, and of terms of any size."""
    generator = np.random.default_rng(1)
    a, b = generator.normal(size=(2, 320)).astype(dtype)
    c = -(a * b) * 2.0 ** generator.integers(-30, 30, 320)
    c[:160] = -(a * b)[:160]
    c = c.astype(dtype)
    multiply_and_add(a, b, c, found := np.empty_like(a))
    exact = [
        Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z)) for x, y, z in zip(a, b, c, strict=True)
    ]
    assert found.tolist() == [rounded(each, dtype) for each in exact]
    assert (found != a * b + c).sum() > 100


@inlined
def fold_all(values, found):
    lanes = len(load(values, 0))
    for place in range(0, len(values), lanes):
        there = place // lanes
        own = load(values, place)
        found[0, there], found[1, there], found[2, there] = total(own), largest(own), smallest(own)


@with_floats
def test_lanes_are_folded_by_halves(dtype):
    lanes = lanes_of(dtype)
    generator = np.random.default_rng(2)
    sizes = 10.0 ** generator.integers(-5, 5, (50, lanes))
    vectors = (sizes * generator.normal(size=(50, lanes))).astype(dtype)
    fold_all(vectors.ravel(), found := np.empty((3, 50), dtype=dtype))
    halves = vectors
    while halves.shape[1] > 1:
        middle = halves.shape[1] // 2
        halves = halves[:, :middle] + halves[:, middle:]
    assert_same_numbers(found[0], halves[:, 0])
    np.testing.assert_array_equal(found[1:], [vectors.max(1), vectors.min(1)])
    assert (found[0] != vectors.sum(1, dtype=np.float64)).any()


@inlined
def count_lanes(values):
    return len(load(values, 0))


@with_floats
def test_a_vector_has_as_many_lanes_as_fill_64_bytes(dtype):
    assert count_lanes(np.zeros(16, dtype=dtype)) == 64 // np.dtype(dtype).itemsize


@inlined
def move(source, of_source, target, of_target):
    prefetch(source, of_source)
    store(target, of_target, load(source, of_source))


@with_floats
@given(st.integers(0, 40), st.integers(0, 40))
def test_loads_and_stores_begin_anywhere_and_touch_one_vector(dtype, of_source, of_target):
    lanes = lanes_of(dtype)
    source = np.arange(40 + lanes, dtype=dtype)
    expected = np.full_like(source, -1)
    move(source.copy(), of_source, found := expected.copy(), of_target)
    expected[of_target : of_target + lanes] = source[of_source : of_source + lanes]
    np.testing.assert_array_equal(found, expected)


@inlined
def convert(source, of_source, like, target, of_target):
    store(target, of_target, load_as(source, of_source, load(like, 0)))


@inlined
def convert_back(source, of_source, target, of_target):
    store_as(target, of_target, load(source, of_source))


def numbers_of(stored, generator):
    """37 numbers of a type, its ends among them; of floats also what another type must round."""
    if np.dtype(stored).kind == "f":
        return generator.normal(size=37).astype(stored)
    ends = np.iinfo(stored)
    numbers = generator.integers(ends.min, ends.max, 37, dtype=stored, endpoint=True)
    numbers[:4] = ends.min, ends.max, ends.max - 1, 0
    return numbers


@with_floats
@pytest.mark.parametrize("stored", ["u1", "u2", "i2", "i4", "f4", "f8"])
def test_numbers_of_any_type_are_loaded_as_those_of_another(stored, dtype):
    source = numbers_of(stored, np.random.default_rng(3))
    lanes = lanes_of(dtype)
    for of_source in (0, 1, 37 - lanes):
        target = np.full(40, -1, dtype=dtype)
        expected = target.copy()
        convert(source, of_source, np.zeros(lanes, dtype=dtype), target, 5)
        expected[5 : 5 + lanes] = source[of_source : of_source + lanes].astype(dtype)
        assert_same_numbers(target, expected)


@with_floats
@pytest.mark.parametrize("stored", ["u1", "u2", "f4", "f8"])
def test_numbers_are_stored_as_those_of_another_type(stored, dtype):
    source = numbers_of(stored if stored[0] == "u" else dtype, np.random.default_rng(4)).astype(dtype)
    lanes = lanes_of(dtype)
    for of_source in (0, 1, 37 - lanes):
        target = np.full(40, 9, dtype=stored)
        expected = target.copy()
        convert_back(source, of_source, target, 5)
        expected[5 : 5 + lanes] = source[of_source : of_source + lanes].astype(stored)
        np.testing.assert_array_equal(target, expected)


@inlined
def transpose_square(source, rows, column, target, place, distance, count):
    transpose(source, rows, column, target, place, distance, count)


@with_floats
@pytest.mark.parametrize("stored", ["u1", "i2", "i4", "f4"])
def test_squares_are_transposed(stored, dtype):
    """Rows that lie anywhere; only so many columns are written as there are."""
    generator = np.random.default_rng(5)
    source = generator.integers(0, 200, 400).astype(stored)
    for count in (0, 1, 2, 7, 8, 15, 16):
        rows, column = generator.integers(0, 380, SIDE), int(generator.integers(0, 5))
        target = np.full(800, -1, dtype=dtype)
        expected = target.copy()
        transpose_square(source, rows, column, target, 3, 40, count)
        for line in range(count):
            expected[3 + 40 * line : 3 + 40 * line + SIDE] = source[rows + column + line]
        np.testing.assert_array_equal(target, expected)
