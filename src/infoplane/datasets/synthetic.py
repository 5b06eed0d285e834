"""All 4,096 binary patterns on the icosahedron, labelled by a rotation-invariant rule."""

import math

import numpy as np

from infoplane.datasets.dataset import Dataset, stratified_split

__all__ = ["icosahedron", "synthetic"]


def icosahedron() -> np.ndarray:
    """The 12 vertices of the regular icosahedron on the unit sphere, (12, 3), one for each input bit.

    >>> np.allclose(np.linalg.norm(icosahedron(), axis=1), 1)
    True
    """
    golden = (1 + math.sqrt(5)) / 2
    a, b = 1 / math.sqrt(1 + golden**2), golden / math.sqrt(1 + golden**2)
    return np.array(
        [
            (0, a, b), (a, b, 0), (0, a, -b), (-a, b, 0), (b, 0, -a), (0, -a, b),
            (a, -b, 0), (-a, -b, 0), (-b, 0, -a), (0, -a, -b), (-b, 0, a), (b, 0, a),
        ]
    )  # fmt: skip


def synthetic() -> Dataset:
    r"""All 2¹² binary patterns on the vertices pᵢ of the icosahedron, labelled by a rotation-invariant rule.

    Pattern k is the binary form of k, most significant bit first. Its label is 1 where

        f(x) = Σᵢ xᵢ + ‖Σᵢ xᵢ pᵢ‖₂

    exceeds the mean of f over all patterns. This reproduces the 4,096 published labels of Shwartz-Ziv &
    Tishby, *Opening the Black Box of Deep Neural Networks via Information*, 2017
    (https://arxiv.org/abs/1703.00810). The patterns nearest to the threshold lie 0.0507 below and 0.0878
    above it, so that no rounding can change a label.

    >>> int(synthetic().labels.sum()), int(synthetic().train_mask.sum())
    (2118, 3276)
    """
    patterns = np.arange(4096)[:, None] >> np.arange(11, -1, -1) & 1
    root_power = patterns.sum(axis=1) + np.linalg.norm(patterns @ icosahedron(), axis=1)
    labels = (root_power > root_power.mean()).astype(np.int64)
    return Dataset("synthetic", patterns.astype(np.uint8), labels, stratified_split(labels))
