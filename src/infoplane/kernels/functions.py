"""Elementary functions of vectors, lane by lane, with the same bits on every processor.

Each is a polynomial of a reduced argument, which consists of the operations of `infoplane.kernels.vectors`
alone. The type of a vector decides, when a kernel is compiled, which coefficients are used. No branch depends
on a value. NaN stays NaN. Errors are in units in the last place (ulp) of the exact result: the largest over
all normal float32 numbers and over 20 million float64 numbers, rounded up.

Reduction: x = k·ln 2 + r with a whole number k, so eˣ = 2ᵏ + 2ᵏ·(eʳ − 1), as in fdlibm
(https://www.netlib.org/fdlibm/e_exp.c). The sum of x/ln 2 and 1.5·2⁵² (float32: 1.5·2²³) is rounded to a
number whose last bits are k; moved to the place of the exponent, they are 2ᵏ. The polynomials are minimax
(Remez).
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from infoplane.compilation import inlined
from infoplane.kernels.vectors import (
    Vector,
    call_of_llvm,
    constant,
    exponent,
    fma,
    full_like,
    larger,
    low_bits_as_exponent,
    magnitude,
    mantissa,
    select,
    smaller,
    with_sign,
)

__all__ = ["erf", "exp", "expm1", "log", "sigmoid", "tanh"]


def number(single: float, double: float) -> Any:
    """Function of a vector: a vector like it with one number in every lane, by type."""
    numbers = {types.float32: float(np.float32(single)), types.float64: double}

    @intrinsic
    def number_like(typing: Any, like: Any) -> Any:
        return like(like), lambda context, builder, sig, args: constant(like, numbers[like.scalar])

    return number_like


def horner(builder: ir.IRBuilder, x: ir.Value, vector: Vector, coefficients: list[float]) -> ir.Value:
    """c₀ + x·(c₁ + x·(c₂ + …)), each product and sum rounded once."""
    *rest, value = (constant(vector, each) for each in coefficients)
    for each in reversed(rest):
        value = call_of_llvm(builder, "fma", vector, [value, x, each])
    return value


def polynomial(single: list[float], double: list[float]) -> Any:
    """Function of x: c₀ + c₁x + c₂x² + …, with coefficients for float32 and for float64."""
    coefficients = {types.float32: [float(np.float32(each)) for each in single], types.float64: double}

    @intrinsic
    def polynomial_of(typing: Any, x: Any) -> Any:
        return x(x), lambda context, builder, sig, args: horner(builder, args[0], x, coefficients[x.scalar])

    return polynomial_of


def long_polynomial(single: list[float], double: list[float]) -> Any:
    """Function of x and x²: c₀ + c₁x + c₂x² + … = E + x·O, with polynomials E and O of x², which a processor
    computes at the same time.
    """
    even, odd = polynomial(single[::2], double[::2]), polynomial(single[1::2], double[1::2])

    @inlined
    def polynomial_of(x: Any, square: Any) -> Any:
        return fma(x, odd(square), even(square))

    return polynomial_of


# What `low_bits_as_exponent` turns into 1 and into ½
ONE_IN_LOW_BITS = number(1.5 * 2**23 + 127, 1.5 * 2**52 + 1023)
HALF_IN_LOW_BITS = number(1.5 * 2**23 + 126, 1.5 * 2**52 + 1022)

LOG2_OF_E = 1 / math.log(2)
# ln 2, rounded, and the rest of it. x − k·LN2 is exact.
LN2 = number(0.69314718, 0.6931471805599453)
LN2_REST = number(-1.9046542e-09, 2.3190468138462996e-17)

# (eʳ − 1 − r)/r², |r| ≤ ½ ln 2: eʳ within 2⁻²⁸ (float64: 2⁻⁵⁷) of itself
EXP = long_polynomial(
    [0.49999994, 0.16666523, 0.041668277, 0.008368542, 0.0013819748],
    [
        0.5000000000000004,
        0.16666666666666455,
        0.04166666666657253,
        0.00833333333348163,
        0.001388888893398263,
        0.0001984126951257478,
        2.4801502020505365e-05,
        2.755759504032728e-06,
        2.7627357563928914e-07,
        2.499403393868539e-08,
    ],
)

# (eʳ − 1 − r)/r², ln ¾ ≤ r ≤ ln 1½: eʳ − 1 within 2⁻²⁶ (float64: 2⁻⁵⁵) of itself
EXPM1 = long_polynomial(
    [0.5000001, 0.16666585, 0.04165968, 0.008358635, 0.0014602769],
    [
        0.49999999999999994,
        0.16666666666667318,
        0.04166666666667936,
        0.008333333332661024,
        0.0013888888885950938,
        0.00019841272044102918,
        2.4801577811272673e-05,
        2.7554401875670895e-06,
        2.758825924540245e-07,
        2.6426711723110898e-08,
    ],
)

# (tanh r − r)/r³ as a polynomial of r², |r| ≤ ¼ ln 2 (float64: 0.262): tanh r within 2⁻³² (2⁻⁵⁶) of itself
TANH = polynomial(
    [-0.33333322, 0.13331167, -0.052724954],
    [
        -0.33333333333332316,
        0.13333333332955113,
        -0.05396825349150684,
        0.021869460003970217,
        -0.008862320213018787,
        0.0035759189345719398,
        -0.0013054255645771535,
    ],
)

# 2·(artanh s − s)/s³ as a polynomial of s², |s| ≤ 3 − 2√2: artanh s within 2⁻³⁰ (float64: 2⁻⁵⁹) of itself
LOG = polynomial(
    [0.66666776, 0.39977548, 0.29872394],
    [
        0.6666666666666735,
        0.39999999999412666,
        0.28571428742831156,
        0.22222198524029912,
        0.18183567059250633,
        0.15313976270134175,
        0.14796734737496894,
    ],
)

# erf x/x − 1 as a polynomial of x², 0 ≤ x ≤ 1: erf x within 2⁻²⁹ (float64: 2⁻⁵⁵) of itself
ERF = long_polynomial(
    [0.12837917, -0.37612626, 0.112835854, -0.026853815, 0.0051883287, -0.00080101984, 7.8538775e-05],
    [
        0.12837916709551256,
        -0.3761263890318352,
        0.11283791670944188,
        -0.026866170643111587,
        0.005223977606119194,
        -0.0008548325929337177,
        0.00012055293577292792,
        -1.4924712304983726e-05,
        1.644713156008381e-06,
        -1.6206313353603884e-07,
        1.3710977426754569e-08,
        -7.779460911463882e-10,
    ],
)

# ln(1 − erf x), 1 ≤ x ≤ 4 (float64: 6): erf x within 2⁻²⁹ (2⁻⁵⁷) of itself
LOG_OF_ERFC = long_polynomial(
    [-0.00034157094, -1.127089, -0.63814515, -0.10310643, 0.021837903, -0.0029476178, 0.00018637275],
    [
        -5.027884978106462e-07,
        -1.1283740900394297,
        -0.6366436256907744,
        -0.10270344578575902,
        0.01899019011072772,
        0.00041061320665646044,
        -0.001915928951813446,
        0.0007706324588328488,
        -0.00013504417410157549,
        -2.0269427038656503e-05,
        2.2823458985867178e-05,
        -8.66741749194022e-06,
        2.1357276064135847e-06,
        -3.733099739586899e-07,
        4.64235492588101e-08,
        -3.934294622261367e-09,
        2.0449682659892318e-10,
        -4.928601419272325e-12,
    ],
)


@inlined
def negative(x: Any) -> Any:
    """−x."""
    return full_like(x, -0.0) - x


@inlined
def growth(polynomial: Any, x: Any, k: Any) -> Any:
    """eʳ − 1 of r = x − k·ln 2, with a polynomial for (eʳ − 1 − r)/r²."""
    r = fma(negative(k), LN2_REST(x), fma(negative(k), LN2(x), x))
    square = r * r
    return fma(square, polynomial(r, square), r)


HIGHEST_OF_EXP = number(88.73, 709.79)  # just above the logarithm of the largest number
LOWEST_OF_EXP = number(-86.6, -707.7)


@inlined
def exp(x: Any) -> Any:
    """eˣ, at most 1.06 ulp.

    Infinity where it exceeds the largest number; 0 for x < −86.6 (float64: −707.7), where it is less than 2.1
    times the smallest normal number.
    """
    bounded = smaller(HIGHEST_OF_EXP(x), x)
    low_bits = fma(bounded, full_like(x, LOG2_OF_E), HALF_IN_LOW_BITS(x))
    half_power = low_bits_as_exponent(low_bits)  # the highest k is one too many for 2ᵏ
    half = fma(half_power, growth(EXP, bounded, low_bits - HALF_IN_LOW_BITS(x)), half_power)
    return select(x < LOWEST_OF_EXP(x), full_like(x, 0.0), half + half)


LOWEST = -80.0  # e to the power of it is nothing beside 1
SHIFT_OF_EXPM1 = -0.5 - math.log2(0.75)


@inlined
def expm1(x: Any) -> Any:
    """eˣ − 1, at most 1.4 ulp; infinity where it exceeds the largest number. A zero may change its sign.

    r lies between ln ¾ and ln 1½, so that k = 0 up to eˣ − 1 = ½. For k = 1, eˣ − 1 = 1 + 2·(eʳ − 1), and
    this sum would lose digits below ½.
    """
    bounded = larger(full_like(x, LOWEST), smaller(HIGHEST_OF_EXP(x), x))
    shifted = fma(bounded, full_like(x, LOG2_OF_E), full_like(x, SHIFT_OF_EXPM1))
    low_bits = shifted + HALF_IN_LOW_BITS(x)
    half_power = low_bits_as_exponent(low_bits)
    growth_of_remainder = growth(EXPM1, bounded, low_bits - HALF_IN_LOW_BITS(x))
    half = fma(half_power, growth_of_remainder, half_power - full_like(x, 0.5))
    return half + half


HIGHEST_OF_SIGMOID = number(87.3, 708.3)


@inlined
def sigmoid(x: Any) -> Any:
    """1/(1 + e⁻ˣ), at most 2 ulp; 0 for x < −87.3 (float64: −708.3), next to the smallest normal number.

    With −x = k·ln 2 + r, the divisor is the larger of 1 and 2ᵏ plus the rest, which is rounded first.
    """
    opposite = negative(x)
    bounded = larger(full_like(x, LOWEST), opposite)
    low_bits = fma(bounded, full_like(x, LOG2_OF_E), ONE_IN_LOW_BITS(x))
    one, power = full_like(x, 1.0), low_bits_as_exponent(low_bits)
    growth_of_remainder = growth(EXP, bounded, low_bits - ONE_IN_LOW_BITS(x))
    divisor = larger(power, one) + fma(power, growth_of_remainder, smaller(power, one))
    return select(opposite > HIGHEST_OF_SIGMOID(x), full_like(x, 0.0), one / divisor)


HIGHEST_OF_TANH = number(10.0, 20.0)  # tanh of it rounds to 1
HALF_LN2 = math.log(2) / 2  # the larger k, the less tanh depends on k times its error
SHIFT_OF_TANH = number(0.0, 0.26 - math.log(2) / 4)
MINUS_D_OF_TANH = number(-1.0, -0.625)


@inlined
def tanh(x: Any) -> Any:
    """tanh x, bit by bit an odd function (−0 for −0): float32 at most 1.65 ulp, float64 at most 1.45 ulp.

    With |x| = k·½ ln 2 + r, t = tanh r, m = 1 − 2⁻ᵏ and p = 1 + 2⁻ᵏ, the addition theorem says

        tanh |x| = (m + p·t)/(p + m·t) = c + (m − c·p + (p − c·m)·t)/(p + m·t)

    for every c. The nearer it is to tanh |x|, the smaller are the quotient and the errors of its parts. Here
    c = m·(1 − d·2⁻ᵏ) with d = 1 (float64: ⅝). It is 0 for k = 0, where tanh |x| = t (|x| < ¼ ln 2, float64:
    0.26), and 1 in the end. The numerator is made of 1 − c, which is exact: m − c·p = (1 − c)·p − 2·2⁻ᵏ and
    p − c·m = (1 − c)·m + 2·2⁻ᵏ.
    """
    size = smaller(HIGHEST_OF_TANH(x), magnitude(x))
    low_bits = fma(size - SHIFT_OF_TANH(x), full_like(x, -2 * LOG2_OF_E), ONE_IN_LOW_BITS(x))
    r = fma(low_bits - ONE_IN_LOW_BITS(x), full_like(x, HALF_LN2), size)
    square = r * r
    t = fma(square * r, TANH(square), r)
    one, power = full_like(x, 1.0), low_bits_as_exponent(low_bits)
    m, p, twice = one - power, one + power, power + power
    c = m * fma(power, MINUS_D_OF_TANH(x), one)
    rest = one - c
    quotient = fma(fma(rest, m, twice), t, fma(rest, p, negative(twice))) / fma(m, t, p)
    return with_sign(c + quotient, x)


@inlined
def log(x: Any) -> Any:
    """ln x of positive normal numbers and of infinity, at most 0.85 ulp.

    0 counts as 2⁻¹²⁷ (float64: 2⁻¹⁰²³), subnormal numbers as numbers between it and the smallest normal
    number, in their order. What comes of a negative number has no meaning.

    With x = m·2ᵏ, √½ ≤ m < √2, f = m − 1, s = f/(2 + f) and R = 2·(artanh s − s)/s, as in fdlibm
    (https://www.netlib.org/fdlibm/e_log.c), ln m = 2 artanh s = f − (f²/2 − s·(f²/2 + R)).
    """
    k = exponent(x)
    f = mantissa(x) - full_like(x, 1.0)
    s = f / (full_like(x, 2.0) + f)
    square, half_square = s * s, full_like(x, 0.5) * f * f
    small = fma(s, fma(square, LOG(square), half_square), k * LN2_REST(x))
    return select(x < full_like(x, np.inf), fma(k, LN2(x), f - (half_square - small)), x)


HIGHEST_OF_ERF = number(4.0, 6.0)  # erf of it rounds to 1


@inlined
def erf(x: Any) -> Any:
    """erf x = 2/√π·∫₀ˣ exp(−t²) dt, bit by bit an odd function, at most 1.25 ulp.

    A polynomial for |x| < 1; beyond, 1 − eᵍ with a polynomial g.
    """
    size = smaller(HIGHEST_OF_ERF(x), magnitude(x))
    one, square = full_like(x, 1.0), size * size
    below_one = fma(size, ERF(square, square * square), size)
    above_one = one - exp(LOG_OF_ERFC(size, square))
    return with_sign(select(size < one, below_one, above_one), x)
