"""Counting codes, and entropies from counts alone."""

from typing import NamedTuple

import numba
import numpy as np

__all__ = [
    "Information",
    "entropy",
    "information_of_sums",
    "information_of_words",
    "logarithms_of",
    "number_codes",
    "sum_over_histogram",
]


class Information(NamedTuple):
    """Information of the discrete variable T, each an array over the leading dimensions of the codes.

    Attributes:
        h_t: H(T) in bits.
        i_xt: I(X;T) in bits; it equals H(T), T being a function of X.
        i_ty: I(T;Y) in bits.
        distinct: the number of distinct codes.
    """

    h_t: np.ndarray
    i_xt: np.ndarray
    i_ty: np.ndarray
    distinct: np.ndarray


def entropy(counts: np.ndarray) -> float:
    """H in bits of a variable that takes its values so often.

    >>> entropy(np.array([2, 1, 1]))
    1.5
    """
    total = counts.sum()
    return float((total * np.log2(total) - (counts * np.log2(np.maximum(counts, 1))).sum()) / total)


def information_of_words(words: np.ndarray, labels: np.ndarray) -> Information:
    """H(T), I(X;T) and I(T;Y) of T = the tuple of an input's words; see `infoplane.exact_information`.

    Args:
        words: (snapshots, words, N) int64.
        labels: (N,) classes, integers ≥ 0.
    """
    logarithms = logarithms_of(words.shape[2])
    sums = count_logarithms(words, labels, int(labels.max()) + 1, logarithms)
    return information_of_sums(*sums, labels, logarithms)


def logarithms_of(count: int) -> np.ndarray:
    """n log₂ n for n = 0 … N."""
    sizes = np.arange(count + 1)
    logarithms: np.ndarray = sizes * np.log2(np.maximum(sizes, 1))
    return logarithms


def information_of_sums(
    of_t: np.ndarray, of_t_and_y: np.ndarray, distinct: np.ndarray, labels: np.ndarray, logarithms: np.ndarray
) -> Information:
    """Information of snapshots from their sums n log₂ n over codes and over (code, label) pairs."""
    count = len(labels)
    h_t = (logarithms[count] - of_t) / count
    # H(Y|T) = H(T,Y) − H(T) is taken as one difference: it vanishes exactly where T determines Y.
    i_ty = entropy(np.bincount(labels)) - (of_t - of_t_and_y) / count
    return Information(h_t, h_t, i_ty, distinct)


@numba.njit(cache=True)
def count_logarithms(
    words: np.ndarray, labels: np.ndarray, classes: int, logarithms: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Σ n log₂ n over the codes and over the (code, label) pairs of each snapshot, and the number of codes.

    The sums run over the histogram of the counts n in ascending order, so that they depend on nothing else.

    Args:
        logarithms: n log₂ n for n = 0 … N.
    """
    snapshots, _, count = words.shape
    of_t, of_t_and_y = np.empty(snapshots), np.empty(snapshots)
    distinct = np.empty(snapshots, dtype=np.int64)
    numbers, first = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int32)
    for snapshot in range(snapshots):
        codes = number_codes(words[snapshot], numbers, first)
        of_code, of_pair = np.zeros(codes, dtype=np.int32), np.zeros(codes * classes, dtype=np.int32)
        for index in range(count):
            of_code[numbers[index]] += 1
            of_pair[numbers[index] * classes + labels[index]] += 1
        of_t[snapshot] = sum_of_logarithms(of_code, logarithms)
        of_t_and_y[snapshot] = sum_of_logarithms(of_pair, logarithms)
        distinct[snapshot] = codes
    return of_t, of_t_and_y, distinct


@numba.njit(cache=True)
def number_codes(words: np.ndarray, numbers: np.ndarray, first: np.ndarray) -> int:
    """Number the distinct columns of (words, N) in the order of their appearance; return how many there are.

    A hash table of open addresses finds candidates, and whole columns are compared.

    Args:
        numbers: receives the number of each input's code, (N,).
        first: receives the first input of each code, (N,).
    """
    width, count = words.shape
    mixer = np.uint64(0x9E3779B97F4A7C15)
    bits = 2 + int(np.ceil(np.log2(count)))
    shift, last = np.uint64(64 - bits), (1 << bits) - 1
    hashes = np.zeros(count, dtype=np.uint64)
    for word in range(width):
        for index in range(count):
            mixed = (hashes[index] ^ np.uint64(words[word, index])) * mixer
            hashes[index] = mixed ^ (mixed >> np.uint64(32))
    table = np.full(last + 1, -1, dtype=np.int32)
    codes = 0
    for index in range(count):
        place = np.int64((hashes[index] * mixer) >> shift)
        while True:
            code = table[place]
            if code < 0:
                table[place] = code = codes
                first[code] = index
                codes += 1
                break
            if hashes[first[code]] == hashes[index] and same_column(words, first[code], index):
                break
            place = (place + 1) & last
        numbers[index] = code
    return codes


@numba.njit(cache=True)
def same_column(words: np.ndarray, one: int, other: int) -> bool:
    for word in range(len(words)):  # noqa: SIM110 (Numba compiles no generators)
        if words[word, one] != words[word, other]:
            return False
    return True


@numba.njit(cache=True)
def sum_of_logarithms(counts: np.ndarray, logarithms: np.ndarray) -> float:
    histogram = np.zeros(counts.max() + 1, dtype=np.int64)
    for count in counts:
        histogram[count] += 1
    return sum_over_histogram(histogram, logarithms)


@numba.njit(cache=True)
def sum_over_histogram(histogram: np.ndarray, logarithms: np.ndarray) -> float:
    """Σ n log₂ n over counts n, of which there are histogram[n], in ascending order."""
    total = 0.0
    for count in range(len(histogram)):
        total += histogram[count] * logarithms[count]
    return total
