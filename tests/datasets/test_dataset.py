"""What a data set is, and how it is split."""

import hashlib

import numpy as np
import pytest

from infoplane import load_dataset
from infoplane.datasets import stratified_split
from infoplane.kernels.random import Streams


@pytest.fixture(scope="module")
def synthetic():
    return load_dataset("synthetic")


def test_split_is_stratified_and_fixed(synthetic):
    mask = synthetic.train_mask
    assert (mask.sum(), (~mask).sum()) == (3276, 820)
    assert set(np.bincount(synthetic.labels[mask])) == {1582, 1694}  # 80 % of 1978 and of 2118
    np.testing.assert_array_equal(mask, stratified_split(synthetic.labels))
    np.testing.assert_array_equal(mask, load_dataset("synthetic").train_mask)


def test_digest_of_the_split(synthetic):
    assert (
        hashlib.sha256(synthetic.train_mask.tobytes()).hexdigest()
        == "d5badfe21bb3fb1a2a7221074aaa466d100cf0e34d072b473c07c4fec985f955"
    )


def test_split_takes_the_first_of_each_class_in_an_order_that_was_drawn(synthetic):
    wanted = {0: 1582, 1: 1694}
    taken = []
    for place in Streams(seed=0, repetition=0).split_order(4096).tolist():
        label = int(synthetic.labels[place])
        if wanted[label]:
            wanted[label] -= 1
            taken.append(place)
    assert sorted(taken) == np.flatnonzero(synthetic.train_mask).tolist()
