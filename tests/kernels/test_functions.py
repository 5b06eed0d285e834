"""Elementary functions against mpmath, and what holds of them bit by bit."""

import hashlib
import json
import os
import platform
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.compilation import inlined
from infoplane.kernels.functions import erf, exp, expm1, log, sigmoid, tanh
from infoplane.kernels.vectors import exponent, load, low_bits_as_exponent, mantissa, store

VECTOR = 64  # bytes
TYPES = {"float32": np.float32, "float64": np.float64}


def loop_of(function):
    """Function of a flat array of whole vectors, which writes its values to another one."""

    @inlined  # and not compiled: the cache would not see that this file was changed
    def loop(x, y):
        for place in range(0, x.size, len(load(x, 0))):
            store(y, place, function(load(x, place)))

    return loop


LOOPS = {
    "exp": loop_of(exp),
    "expm1": loop_of(expm1),
    "tanh": loop_of(tanh),
    "sigmoid": loop_of(sigmoid),
    "log": loop_of(log),
    "erf": loop_of(erf),
    "exponent": loop_of(exponent),
    "mantissa": loop_of(mantissa),
    "powers": loop_of(low_bits_as_exponent),
}
EXACT = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "log": mpmath.log,
    "erf": mpmath.erf,
}
each_function = pytest.mark.parametrize("name", EXACT)
each_type = pytest.mark.parametrize("kind", TYPES)


def values(name, x):
    """The function of every number of an array."""
    lanes = VECTOR // x.itemsize
    whole = np.zeros(-(-x.size // lanes) * lanes, x.dtype)
    whole[: x.size] = x
    y = np.empty_like(whole)
    LOOPS[name](whole, y)
    return y[: x.size]


def bits(x):
    return x.view(f"u{x.itemsize}")


# Errors in units in the last place. The bounds are those of the docstrings: the largest error of all normal
# float32 numbers and of 20 million float64 numbers, rounded up. Every machine computes the same bits.

AT_MOST = {
    "exp": {"float32": 1.06, "float64": 1.06},
    "expm1": {"float32": 1.4, "float64": 1.4},
    "tanh": {"float32": 1.65, "float64": 1.45},
    "sigmoid": {"float32": 2.0, "float64": 2.0},
    "log": {"float32": 0.85, "float64": 0.85},
    "erf": {"float32": 1.25, "float64": 1.25},
}
# Where the functions neither overflow, nor are 0 for being small, nor are rounded to their limits
RANGES = {
    "exp": {"float32": (-86.6, 88.72), "float64": (-707.7, 709.78)},
    "expm1": {"float32": (-18, 88.72), "float64": (-38, 709.78)},
    "tanh": {"float32": (-9.2, 9.2), "float64": (-19.2, 19.2)},
    "sigmoid": {"float32": (-87.3, 18), "float64": (-708.3, 38)},
    "log": {"float32": (1e-37, 3e38), "float64": (1e-307, 1e308)},
    "erf": {"float32": (-4, 4), "float64": (-6, 6)},
}
POINTS = 2000


def neighbours(x):
    """Numbers, and what precedes and follows each one."""
    return np.concatenate(
        [np.nextafter(x, -np.inf, dtype=x.dtype), x, np.nextafter(x, np.inf, dtype=x.dtype)]
    )


def grid(name, kind):
    """Even, logarithmic and random numbers in the range of a function, and where its polynomials change."""
    low, high = RANGES[name][kind]
    random = np.random.default_rng(0)
    signs = np.array([1]) if name == "log" else np.array([1, -1])
    small = np.geomspace(1e-37 if kind == "float32" else 1e-300, 4, POINTS)
    changes = np.concatenate(
        [np.arange(-40, 40) * np.log(2) / 4, 2.0 ** np.arange(-20, 20), [0.26, np.sqrt(2)]]
    )
    parts = [
        np.geomspace(low, high, POINTS) if name == "log" else np.linspace(low, high, POINTS),
        np.multiply.outer(signs, small).ravel(),
        np.multiply.outer(signs, random.uniform(0, 1.5, 2 * POINTS)).ravel(),
        random.uniform(max(low, -20), min(high, 20), POINTS),
        neighbours(changes.astype(kind)).astype(np.float64),
    ]
    x = np.concatenate(parts).astype(kind)
    return x[(x >= low) & (x <= high) & (x != 0)]


def ulp(exact, dtype):
    """Unit in the last place of a number."""
    _, exponent = mpmath.frexp(exact)
    smallest = int(np.finfo(dtype).minexp) - np.finfo(dtype).nmant
    return mpmath.ldexp(1, max(exponent - 1 - np.finfo(dtype).nmant, smallest))


def error(name, x, y):
    """How far y is from the function of x, in units in the last place."""
    with mpmath.workprec(120):
        exact = EXACT[name](mpmath.mpf(float(x)))
        return float(abs(mpmath.mpf(float(y)) - exact) / ulp(exact, x.dtype))


@each_function
@each_type
def test_errors_are_at_most_what_is_promised(name, kind):
    x = grid(name, kind)
    assert x.size > 5 * POINTS
    assert max(map(error, [name] * x.size, x, values(name, x))) <= AT_MOST[name][kind]


@pytest.mark.parametrize("name", ["expm1", "tanh", "erf"])
@each_type
def test_subnormal_numbers(name, kind):
    tiny = np.finfo(kind).smallest_subnormal
    x = np.array([1, 2, 3, 1000, 2**22], kind) * tiny
    assert max(map(error, [name] * x.size, x, values(name, x))) <= 1


# Exact values, infinities, NaN


@each_type
def test_exact_values(kind):
    zeros = np.array([0.0, -0.0], kind)
    for name, expected in {"exp": 1, "expm1": 0, "sigmoid": 0.5}.items():
        assert values(name, zeros).tolist() == [expected, expected]
    for name in ("tanh", "erf"):
        assert bits(values(name, zeros)).tolist() == bits(zeros).tolist()
    assert bits(values("log", np.array([1], kind))) == 0


@each_type
@pytest.mark.parametrize(
    ("name", "at_minus_infinity", "at_infinity"),
    [
        ("exp", 0, np.inf),
        ("expm1", -1, np.inf),
        ("tanh", -1, 1),
        ("sigmoid", 0, 1),
        ("erf", -1, 1),
    ],
)
def test_infinity_and_the_largest_numbers(name, at_minus_infinity, at_infinity, kind):
    largest = np.finfo(kind).max
    x = np.array([-np.inf, -largest, largest, np.inf], kind)
    assert values(name, x).tolist() == [at_minus_infinity] * 2 + [at_infinity] * 2


@each_type
def test_log_of_infinity(kind):
    assert values("log", np.array([np.inf], kind)) == np.inf


@each_function
@each_type
def test_nan_stays_nan(name, kind):
    ordinary, infinity = np.array([np.nan, -np.nan], kind), np.array([np.inf], kind)
    signalling, all_ones = (bits(infinity) + 1).view(kind), (~bits(np.zeros(1, kind))).view(kind)
    assert np.isnan(values(name, np.concatenate([ordinary, signalling, all_ones]))).all()


# Borders


@each_type
@pytest.mark.parametrize("name", ["exp", "expm1"])
def test_overflow_where_the_largest_number_is_exceeded(name, kind):
    with mpmath.workprec(120):
        border = np.finfo(kind).maxexp * mpmath.log(2)
        near = neighbours(np.array([float(border)], kind))
        below = np.array([float(x) < border for x in near])
    assert max(map(error, [name] * 3, near[below], values(name, near[below]))) <= AT_MOST[name][kind]
    assert (values(name, near[~below]) == np.inf).all()


@each_type
@pytest.mark.parametrize(
    ("name", "border"),
    [("exp", {"float32": -86.6, "float64": -707.7}), ("sigmoid", {"float32": -87.3, "float64": -708.3})],
)
def test_zero_below_a_border_of_normal_numbers(name, border, kind):
    at = np.array([border[kind]], kind)
    smallest = np.finfo(kind).smallest_normal
    assert smallest <= values(name, at) < 2.1 * smallest
    assert error(name, at[0], values(name, at)[0]) <= AT_MOST[name][kind]
    assert values(name, np.nextafter(at, -np.inf)) == 0


@each_type
def test_log_of_zero_and_of_subnormal_numbers(kind):
    smallest = np.finfo(kind).smallest_normal
    x = np.concatenate([[0], np.linspace(0, smallest, 1000)[1:]]).astype(kind)
    y = values("log", x)
    assert y[0] == np.log(smallest / 2, dtype=np.float64).astype(kind)
    assert (np.diff(y) >= 0).all()
    assert y[-1] == np.log(np.float64(smallest)).astype(kind)


LIMITS = [
    ("exp", {"float32": (-90, -80), "float64": (-710, -700)}, 0, None),
    ("exp", {"float32": (80, 90), "float64": (700, 710)}, None, np.inf),
    ("expm1", {"float32": (-90, -10), "float64": (-710, -30)}, -1, None),
    ("expm1", {"float32": (80, 90), "float64": (700, 710)}, None, np.inf),
    ("tanh", {"float32": (4, 11), "float64": (12, 21)}, None, 1),
    ("sigmoid", {"float32": (-90, -80), "float64": (-710, -700)}, 0, None),
    ("sigmoid", {"float32": (10, 90), "float64": (30, 40)}, None, 1),
    ("erf", {"float32": (3, 5), "float64": (5, 7)}, None, 1),
]


@each_type
@pytest.mark.parametrize(("name", "interval", "first", "last"), LIMITS)
def test_rise_to_their_limits_without_a_step_back(name, interval, first, last, kind):
    y = values(name, np.linspace(*interval[kind], 200_000, dtype=kind))
    assert (y[1:] >= y[:-1]).all()
    assert first is None or y[0] == first
    assert last is None or y[-1] == last


# What holds for all numbers

numbers = {kind: st.floats(width=8 * np.dtype(kind).itemsize) for kind in TYPES}


@each_type
@given(data=st.data())
def test_values_stay_between_their_limits(kind, data):
    x = np.array(data.draw(st.lists(numbers[kind], min_size=1)), kind)
    x = x[~np.isnan(x)]
    for name, low in {"tanh": -1, "erf": -1, "sigmoid": 0}.items():
        assert ((low <= values(name, x)) & (values(name, x) <= 1)).all()


@pytest.mark.parametrize("name", ["tanh", "erf"])
@each_type
def test_odd_functions(name, kind):
    x = grid(name, kind)
    assert bits(values(name, -x)).tolist() == bits(-values(name, x)).tolist()


@each_function
@each_type
@given(data=st.data())
def test_a_lane_knows_nothing_of_its_place_and_of_the_others(name, kind, data):
    lanes = VECTOR // np.dtype(kind).itemsize
    x = np.array(data.draw(st.lists(numbers[kind], min_size=lanes, max_size=lanes)), kind)
    together = values(name, x)
    for alone, value in zip(x, together, strict=True):
        everywhere = bits(values(name, np.full(lanes, alone, kind)))
        assert np.isnan(value) or (everywhere == bits(np.array([value]))).all()


# Bits of numbers, of which the functions are made


@each_type
@given(data=st.data())
def test_exponent_and_mantissa_make_up_a_normal_number(kind, data):
    limits = np.finfo(kind)
    normal = st.floats(float(limits.smallest_normal), float(limits.max), width=limits.bits)
    x = np.array(data.draw(st.lists(normal, min_size=1)), kind)
    root = np.sqrt(np.array(0.5, kind))
    e, m = values("exponent", x), values("mantissa", x)
    assert ((root <= m) & (m < 2 * root)).all()
    assert bits(np.ldexp(m / 2, e.astype(int) + 1)).tolist() == bits(x).tolist()


@each_type
def test_low_bits_as_exponent(kind):
    limits = np.finfo(kind)
    k = np.arange(limits.minexp - 1, limits.maxexp)
    x = (1.5 * 2.0**limits.nmant + limits.maxexp - 1 + k).astype(kind)
    assert values("powers", x).tolist() == [0, *(2.0 ** k[1:]).tolist()]


# The same bytes from the instructions of every processor

DIGESTS = {
    "exp float32": "d069d60a5f037ef3f27422f3fa03f608eac9ee17e2e7321569375674be5f9d89",
    "expm1 float32": "036fea42b989479b4e62ffb97005f18b09b96c01c00aecfb771d719d5b9a2521",
    "tanh float32": "9a9db6de6ab596e25b54267575e6bbc83fd1a12ee68abf63733557fd8935bdc8",
    "sigmoid float32": "2b85df488a648ae9d7c9047dbb2827c4cc6d03580e7bf005ee2806876aedbcad",
    "log float32": "180badbb7fe0f1690042463eea3329834f17ed17dd693f4b8c487f3744cf5788",
    "erf float32": "9a331f91a6ac9a977f7a98216eb0b7dd65f099665c6ea5530d076dff8428ab33",
    "exp float64": "34d6199c60394163940cffadef17347dd4e37eee29205b089b44e14399d3b886",
    "expm1 float64": "26a1f40346f00e7e38c70095b42fe08507941bedb34e28cb986406b34a45826f",
    "tanh float64": "d981d607059661a23c83d418d928be54b8694f0bb88b9784499d4a4704a70a4f",
    "sigmoid float64": "43b893be91c87c352b053e69611e3bbf0e405ec1337a4ad71cd5af2417570f46",
    "log float64": "f0015af7dbccc0a02bde7d727c58610d4fac3d24b53c823f197eee1c9c38721f",
    "erf float64": "fd882420b8fb3c6108ba2efb85a16196c0d848eb2c42cd307af640778c6075fa",
}


def digests():
    """SHA-256 (hex) of each function's values at 8,192 numbers from 2⁻³⁰ to 2¹⁰ and at their opposites."""
    found = {}
    for kind in TYPES:
        lowest, highest = (int(bits(np.array([power], kind))[0]) for power in (2.0**-30, 2.0**10))
        steps = lowest + np.arange(8192) * ((highest - lowest) // 8192)
        x = steps.astype(f"u{np.dtype(kind).itemsize}").view(kind)
        for name in EXACT:
            y = values(name, x if name == "log" else np.concatenate([x, -x]))
            found[f"{name} {kind}"] = hashlib.sha256(
                y.astype(y.dtype.newbyteorder("<")).tobytes()
            ).hexdigest()
    return found


def test_digests():
    assert digests() == DIGESTS


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of x86 processors")
@pytest.mark.parametrize("processor", ["haswell", "sandybridge"])
def test_digests_for_processors_of_fewer_instructions(processor):
    settings_of_numba = {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ""}
    finished = subprocess.run(
        [sys.executable, __file__],
        env=os.environ | settings_of_numba,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(finished.stdout) == DIGESTS


if __name__ == "__main__":
    print(json.dumps(digests(), indent=4))
