"""Counting codes, and entropies from counts alone."""

from typing import NamedTuple

import numba
import numpy as np

__all__ = ["Information", "entropy", "information_of_words"]


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
    count = words.shape[2]
    sizes = np.arange(count + 1)
    logarithms = sizes * np.log2(np.maximum(sizes, 1))
    of_t, of_t_and_y, distinct = count_logarithms(words, labels, int(labels.max()) + 1, logarithms)
    h_t = (logarithms[count] - of_t) / count
    # H(Y|T) = H(T,Y) − H(T) is taken as one difference: it vanishes exactly where T determines Y.
    i_ty = entropy(np.bincount(labels)) - (of_t - of_t_and_y) / count
    return Information(h_t, h_t, i_ty, distinct)


@numba.njit(cache=True)
def count_logarithms(
    words: np.ndarray, labels: np.ndarray, classes: int, logarithms: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Σ n log₂ n over the codes and over the (code, label) pairs of each snapshot, and the number of codes.

    A hash table finds candidates, and whole codes are compared. The sums run over the histogram of the
    counts n in ascending order, so that they depend on nothing else.

    Args:
        logarithms: n log₂ n for n = 0 … N.
    """
    snapshots, width, count = words.shape
    size = 1
    while size < 2 * count:
        size *= 2
    shift = np.uint64(64 - int(np.log2(size)))
    of_t, of_t_and_y = np.zeros(snapshots), np.zeros(snapshots)
    distinct = np.zeros(snapshots, dtype=np.int64)
    table = np.empty(size, dtype=np.int32)
    first = np.empty(count, dtype=np.int32)
    counts = np.empty((count, classes), dtype=np.int32)
    of_size, of_size_and_label = np.empty(count + 1), np.empty(count + 1)
    for snapshot in range(snapshots):
        table[:] = -1
        of_size[:] = 0
        of_size_and_label[:] = 0
        codes = 0
        for index in range(count):
            hashed = np.uint64(0)
            for word in range(width):
                hashed = (hashed ^ np.uint64(words[snapshot, word, index])) * np.uint64(0x9E3779B97F4A7C15)
                hashed ^= hashed >> np.uint64(32)
            place = np.int64((hashed * np.uint64(0x9E3779B97F4A7C15)) >> shift)
            while True:
                code = table[place]
                if code < 0:
                    code = codes
                    table[place] = code
                    first[code] = index
                    counts[code, :] = 0
                    codes += 1
                    break
                same = True
                for word in range(width):
                    if words[snapshot, word, first[code]] != words[snapshot, word, index]:
                        same = False
                        break
                if same:
                    break
                place = (place + 1) & (size - 1)
            counts[code, labels[index]] += 1
        largest = 0
        for code in range(codes):
            total = 0
            for label in range(classes):
                total += counts[code, label]
                of_size_and_label[counts[code, label]] += 1
            of_size[total] += 1
            largest = max(largest, total)
        for n in range(largest + 1):
            of_t[snapshot] += of_size[n] * logarithms[n]
            of_t_and_y[snapshot] += of_size_and_label[n] * logarithms[n]
        distinct[snapshot] = codes
    return of_t, of_t_and_y, distinct
