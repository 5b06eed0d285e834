"""Initial parameters from uniform random numbers.

Only +, −, ×, ÷ and √ are used, which IEEE 754 defines to the last bit: all machines compute the same numbers.
"""

import numpy as np

from infoplane.config import TrainingSpec
from infoplane.networks.layers import Network

__all__ = ["initialise", "logarithm", "normal_quantile"]

# Φ(−2) and Φ(2), rounded (Abramowitz & Stegun 1964, table 26.1)
BELOW, ABOVE = 0.022750131948179207, 0.9772498680518208
LOG_2 = 0.6931471805599453
ROOT_HALF = 0.7071067811865476
# The rest of the series after these terms is less than 2⁻⁵⁹, as |s| ≤ (√2 − 1)/(√2 + 1)
TERMS = 11

# Algorithm AS241, PPND16: numerators and denominators of the centre, |p − ½| ≤ 0.425, and of the tails up to
# e⁻²⁵, by rising powers (Wichura 1988, https://doi.org/10.2307/2347330)
CENTRE = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
TAILS = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)


def initialise(network: Network, spec: TrainingSpec, uniforms: np.ndarray) -> np.ndarray:
    """Initial parameters of one repetition, (P,) float32, from uniform numbers in (0, 1); biases are 0.

    `glorot`: uniform on ±√(6/(fan in + fan out)) (Glorot & Bengio 2010,
    https://proceedings.mlr.press/v9/glorot10a.html). `truncated-normal`: standard deviation 1/√width, or
    1/√filters, before it is cut off at ±2 standard deviations. If the spec names neither, the published
    `shwartz-ziv` takes the first, every other network the second.

    Args:
        uniforms: (P,) float64.
    """
    published = spec.protocol == "published" and spec.network == "shwartz-ziv"
    initialisation = spec.initialisation or ("glorot" if published else "truncated-normal")
    parameters = np.zeros(network.size, dtype=np.float32)
    for layer in network.weighted:
        kernel = slice(layer.start, layer.bias)
        if initialisation == "glorot":
            limit = np.sqrt(6 / (layer.fan_in + layer.fan_out))
            parameters[kernel] = limit * (2 * uniforms[kernel] - 1)
        else:
            parameters[kernel] = truncated_normal(uniforms[kernel]) / np.sqrt(layer.width)
    return parameters


def truncated_normal(uniforms: np.ndarray) -> np.ndarray:
    """Standard normal numbers cut off at −2 and 2, from uniform numbers in (0, 1)."""
    return normal_quantile(BELOW + (ABOVE - BELOW) * uniforms)


def normal_quantile(p: np.ndarray) -> np.ndarray:
    """Quantile z, Φ(z) = p, of the standard normal distribution, for e⁻²⁵ ≤ p ≤ 1 − e⁻²⁵.

    Its relative error is about 1e-15 (Wichura 1988, https://doi.org/10.2307/2347330).
    """
    q = p - 0.5
    centre = q * ratio(CENTRE, 0.180625 - q * q)
    tail = ratio(TAILS, np.sqrt(-logarithm(np.minimum(p, 1 - p))) - 1.6)
    quantile: np.ndarray = np.where(np.abs(q) <= 0.425, centre, np.copysign(tail, q))
    return quantile


def ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: np.ndarray) -> np.ndarray:
    """Ratio of two polynomials."""
    numerator, denominator = (polynomial(each, x) for each in coefficients)
    quotient: np.ndarray = numerator / denominator
    return quotient


def polynomial(coefficients: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    """Polynomial c₀ + c₁·x + c₂·x² + …, by Horner's rule.

    >>> float(polynomial((1.0, 2.0, 3.0), np.array(10.0)))
    321.0
    """
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def logarithm(x: np.ndarray) -> np.ndarray:
    """Natural logarithm of positive numbers.

    For x = m·2ᵉ, √½ ≤ m < √2 and s = (m − 1)/(m + 1), it is e·ln 2 + 2·(s + s³/3 + s⁵/5 + …).
    """
    mantissa, exponent = np.frexp(x)
    small = mantissa < ROOT_HALF
    mantissa, exponent = np.where(small, 2 * mantissa, mantissa), exponent - small
    s = (mantissa - 1) / (mantissa + 1)
    series = polynomial(tuple(1 / (2 * term + 1) for term in range(TERMS)), s * s)
    result: np.ndarray = exponent * LOG_2 + 2 * s * series
    return result
