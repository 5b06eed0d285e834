"""Counting codes by sorting them, as a GPU does it quickly; the sums are those of `entropy`, bit for bit."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from infoplane.entropy import Information, information_of_sums, logarithms_of, sum_over_histogram

__all__ = ["information_by_sorting"]


def information_by_sorting(words: Tensor, labels: np.ndarray) -> Information:
    """The same as `infoplane.entropy.information_of_words`, of words on any device.

    Args:
        words: (snapshots, words, N) int64.
        labels: (N,) classes, integers ≥ 0.
    """
    count, classes = len(labels), int(labels.max()) + 1
    numbers = numbered(words)
    pairs = numbers * classes + torch.from_numpy(labels).to(words.device)
    logarithms = logarithms_of(count)
    of_t, of_t_and_y = (
        np.array([sum_over_histogram(each, logarithms) for each in histogram.cpu().numpy()])
        for histogram in (histograms(numbers, count), histograms(pairs, count * classes))
    )
    distinct = (numbers.amax(1) + 1).cpu().numpy()
    return information_of_sums(of_t, of_t_and_y, distinct, labels, logarithms)


def numbered(words: Tensor) -> Tensor:
    """Number the distinct columns of each snapshot's words (snapshots, words, N): (snapshots, N).

    Words are made small by their ranks, so that two of them go into one, until there is one.
    """
    numbers = ranks(words)
    while numbers.shape[1] > 1:
        numbers = functional.pad(numbers, (0, 0, 0, numbers.shape[1] % 2))
        numbers = ranks(numbers[:, 0::2] * numbers.shape[2] + numbers[:, 1::2])
    return numbers[:, 0]


def ranks(values: Tensor) -> Tensor:
    """Of each value, how many distinct ones are below it; along the last dimension.

    >>> ranks(torch.tensor([[7, -1, 7, 3]])).tolist()
    [[2, 0, 2, 1]]
    """
    ordered, order = values.sort(-1)
    above = functional.pad((ordered[..., 1:] != ordered[..., :-1]).long().cumsum(-1), (1, 0))
    return torch.empty_like(order).scatter_(-1, order, above)


def histograms(numbers: Tensor, top: int) -> Tensor:
    """How many of the numbers 0 … top − 1 occur 0, 1, … N times in each row of (rows, N): (rows, N + 1)."""
    rows, count = numbers.shape
    one = numbers.new_ones(1, 1)
    counts = numbers.new_zeros(rows, top).scatter_add_(1, numbers, one.expand(rows, count))
    return numbers.new_zeros(rows, count + 1).scatter_add_(1, counts, one.expand(rows, top))
