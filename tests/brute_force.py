"""Information of codes by counting tuples in a dictionary."""

from collections import Counter
from math import log2

import numpy as np


def entropy_of(values):
    counts = Counter(values).values()
    return -sum(n / len(values) * log2(n / len(values)) for n in counts)


def brute_force(codes, labels):
    """h_t, i_ty and distinct of codes (N, width) by tuples in a dictionary."""
    tuples, labels = [tuple(row) for row in codes.tolist()], labels.tolist()
    h_t = entropy_of(tuples)
    i_ty = h_t + entropy_of(labels) - entropy_of(list(zip(tuples, labels, strict=True)))
    return h_t, i_ty, len(set(tuples))


def kernel_density(outputs, labels, noise, bound):
    """h_t and i_ty of outputs (N, width) from the distances of all pairs of inputs (Saxe et al. 2018)."""
    width = {"upper": 2 * noise, "lower": 8 * noise}[bound]

    def of_inputs(rows):
        distances = ((rows[:, None] - rows[None]) ** 2).sum(-1)
        return -np.log2(np.exp(-distances / width).mean(1)).mean()

    h_t = of_inputs(outputs)
    classes, counts = np.unique(labels, return_counts=True)
    of_classes = [of_inputs(outputs[labels == each]) for each in classes]
    return h_t, h_t - float(counts @ of_classes) / len(labels)


def same_bits(one, other):
    return all(np.asarray(x).tobytes() == np.asarray(y).tobytes() for x, y in zip(one, other, strict=True))
