"""The entropy of a distribution, estimated from a sample: as counted, and corrected for what was not seen."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import xlog1py

from infoplane.entropy import entropy

__all__ = ["ENTROPIES", "chao_shen", "miller_madow"]


def miller_madow(counts: np.ndarray) -> float:
    """The plug-in entropy and its bias to first order, in bits.

        H = H_plug-in + (K − 1)/(2 N ln 2)

    with K the number of values that were seen and N the size of the sample (Miller 1955; Paninski 2003,
    https://doi.org/10.1162/089976603321780272).

    Args:
        counts: how often each value was seen.

    >>> round(miller_madow(np.array([2, 1, 1])) - 0.25 / math.log(2), 12)
    1.5
    """
    bias = (np.count_nonzero(counts) - 1) / (2 * counts.sum() * math.log(2))
    return entropy(counts) + float(bias)


def chao_shen(counts: np.ndarray) -> float:
    """Horvitz & Thompson's estimate of the entropy, shares being adjusted to the sample's coverage, in bits.

        C = 1 − f₁/N,   p_c = C n_c/N,   H = −Σ_c p_c log₂ p_c / (1 − (1 − p_c)^N)

    with n_c how often value c was seen, f₁ the number of values that were seen once, and N the size of the
    sample (Chao & Shen 2003, https://doi.org/10.1023/A:1026096204727). Where no value was seen twice,
    f₁ = N − 1 instead of N, as in the R package `entropy` (Hausser & Strimmer 2009,
    https://jmlr.org/papers/v10/hausser09a.html): else the coverage C were 0.

    Args:
        counts: how often each value was seen.

    >>> round(chao_shen(np.array([2, 2])), 12)
    1.066666666667
    """
    counts = counts[counts > 0]
    total = counts.sum()
    once = min(np.count_nonzero(counts == 1), total - 1)
    shares = (1 - once / total) * counts / total
    seen = -np.expm1(xlog1py(total, -shares))
    return float(-(shares * np.log2(shares) / seen).sum())


ENTROPIES: dict[str, Callable[[np.ndarray], float]] = {
    "plug-in": entropy,
    "miller-madow": miller_madow,
    "chao-shen": chao_shen,
}
