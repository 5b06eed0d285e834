"""What a data set is made of, how it is split, and what is no data set."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from infoplane import Dataset, UserError, load_dataset
from infoplane.datasets import stratified_split
from infoplane.datasets.dataset import count_rows, with_train_fraction
from infoplane.random import Streams


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


def test_a_smaller_share_is_the_split_of_that_share(synthetic):
    """Where the data set is split as it would have been: its training inputs are the first of one order."""
    for fraction in (0.001, 0.2, 0.4, 0.6, 0.7999, 0.8):
        mask = with_train_fraction(synthetic, fraction).train_mask
        np.testing.assert_array_equal(mask, stratified_split(synthetic.labels, fraction))
    assert with_train_fraction(synthetic, None) is synthetic


@st.composite
def data_with_a_split(draw) -> Dataset:
    count = draw(st.integers(8, 60))
    labels = [0, 1, 0, 1, *draw(st.lists(st.sampled_from([0, 1]), min_size=count - 4, max_size=count - 4))]
    mask = [True, True, False, False, *draw(st.lists(st.booleans(), min_size=count - 4, max_size=count - 4))]
    return Dataset("mine", np.arange(count)[:, None], labels, np.array(mask))


@given(data_with_a_split(), st.floats(0.001, 1), st.floats(0.001, 1))
def test_shares_are_parts_of_each_other_and_of_the_own_training_inputs(dataset, one, other):
    """Each of as many inputs as it says, and of a class never one more or less than its proportion."""
    masks = []
    for fraction in sorted((one, other)):
        try:
            shared = with_train_fraction(dataset, fraction)
        except UserError as error:
            assert str(error).startswith(f"train_fraction: {fraction} of ")
            return
        mask = shared.train_mask
        assert mask.sum() == int(len(mask) * fraction)
        for label in (0, 1):
            own = dataset.labels == label
            assert abs((mask & own).sum() - fraction * own.sum()) < 1
        assert not (mask & ~dataset.train_mask).any()
        assert with_train_fraction(shared, fraction).train_mask.tolist() == mask.tolist()
        masks.append(mask)
    assert (masks[0] <= masks[1]).sum() >= len(masks[0]) - 1  # a remainder may go to the other class


@pytest.mark.parametrize(
    ("fraction", "line"),
    [
        (
            0.81,
            "train_fraction: 0.81 of each class of data set synthetic is more than its 3276 training inputs "
            "of 4096: 1602 of class 0, which has 1582; use less, or leave it out to train on these",
        ),
        (
            0.0003,
            "train_fraction: 0.0003 of data set synthetic leaves no input of class 0 to train on; use more",
        ),
    ],
)
def test_a_share_that_is_not_there_is_refused(synthetic, fraction, line):
    with pytest.raises(UserError) as caught:
        with_train_fraction(synthetic, fraction)
    assert str(caught.value) == line


INPUTS = np.arange(24).reshape(12, 2)
LABELS = np.arange(12) % 3
MASK = np.arange(12) < 9


@pytest.mark.parametrize(
    "convert",
    [
        lambda v: v.tolist(),
        lambda v: torch.tensor(v),
        lambda v: v.astype(v.dtype.newbyteorder(">")),
        lambda v: np.repeat(v, 2, 0)[::2],
        np.asfortranarray,
        pd.DataFrame,
    ],
)
def test_arrays_of_every_kind_make_the_same_data_set(convert):
    expected = Dataset("mine", INPUTS, LABELS, MASK)
    labels = convert(LABELS) if convert is not pd.DataFrame else pd.Series(LABELS)
    mask = convert(MASK) if convert is not pd.DataFrame else pd.Series(MASK)
    found = Dataset("mine", convert(INPUTS), labels, mask)
    assert found.description == expected.description
    assert (found.inputs.dtype, found.labels.dtype) == (np.uint8, np.int64)
    assert found.inputs.flags.c_contiguous
    floats = Dataset("mine", convert(INPUTS / 7), labels, mask)
    assert floats.inputs.dtype == np.float32
    assert floats.description == Dataset("mine", INPUTS / 7, LABELS, MASK).description


def test_settings_that_change_what_networks_read_are_part_of_the_digest():
    plain = Dataset("mine", INPUTS, LABELS, MASK)
    digest = "8f67ed153b67dcb5d2aa169f89ac7742aed5ff72276f143b0d7ee67f4220d0f8"
    others = [
        Dataset("mine", INPUTS, LABELS, MASK, scale=0.5),
        Dataset("mine", INPUTS, LABELS, MASK, scaling="feature"),
        Dataset("mine", INPUTS, LABELS, ~MASK),
    ]
    assert len({each.description["digest"] for each in [plain, *others]}) == 4
    named = Dataset("other", INPUTS, LABELS, MASK, channels="first")
    assert named.description["digest"] == plain.description["digest"]
    assert load_dataset("synthetic").description["digest"] == digest


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("rows", "columns"), [(5, 5), (28, 28), (28, 32), (32, 28), (5, 100), (9, 8)])
def test_images_with_channels_last_are_refused(channels, rows, columns):
    images = np.random.default_rng(0).integers(0, 256, (12, rows, columns, channels))
    with pytest.raises(
        UserError, match=r"looks like .* give np\.moveaxis\(inputs, -1, 1\), or set channels: f"
    ):
        Dataset("mine", images, LABELS)
    assert Dataset("mine", np.moveaxis(images, -1, 1), LABELS).inputs.shape == (12, channels, rows, columns)
    assert Dataset("mine", images, LABELS, channels="first").inputs.shape == (12, rows, columns, channels)


@pytest.mark.parametrize(
    "shape",
    [
        (3, 8, 8),
        (3, 9, 8),
        (8, 8, 2),
        (8, 9, 2),
        (8, 8, 8),
        (3, 3, 3),
        (3, 9, 3),
        (4, 4, 4),
        (2, 2, 3),
        (8, 3),
    ],
)
def test_other_shapes_are_taken_for_what_they_are(shape):
    assert Dataset("mine", np.zeros((12, *shape)), LABELS).inputs.shape == (12, *shape)


@pytest.mark.parametrize(
    "keys, line",
    [
        ({"inputs": [[1, 2], [3]]}, "inputs: a list is not an array"),
        ({"inputs": torch.zeros(12, 2, device="meta")}, "inputs: a Tensor is not an array"),
        ({"inputs": INPUTS * np.nan}, "inputs hold NaN or infinity, 24 of 24"),
        ({"labels": LABELS[:, None]}, "labels have the shape (12, 1), expected (12,)"),
        ({"labels": LABELS[1:]}, "labels have the shape (11,), expected (12,)"),
        ({"labels": ["a", "b"] * 6}, "labels are <U1, not integers"),
        ({"labels": [None, 1] * 6}, "labels: 6 of 12 values are missing"),
        ({"train_mask": MASK * 1}, "train_mask is int64"),
        ({"train_mask": LABELS == 2}, "labels of all training inputs are 2; train on two classes at least"),
        ({"scale": 0.0}, "datasets.mine.scale: 0.0 takes the inputs out of the range"),
        ({"scale": float("nan")}, "datasets.mine.scale: nan takes the inputs out of the range"),
        ({"scaling": "features"}, "datasets.mine.scaling: 'features' is unknown; use all or feature"),
        ({"scaling": "feature", "scale": 0.5}, "scale: has no effect where scaling is feature"),
    ],
)
def test_what_is_no_data_set_is_one_line(keys, line):
    with pytest.raises(UserError) as error:
        Dataset(**{"name": "mine", "inputs": INPUTS, "labels": LABELS} | keys)
    assert line in str(error.value) and "\n" not in str(error.value)


def test_a_data_set_is_represented_in_a_line():
    assert repr(load_dataset("synthetic")) == (
        "Dataset('synthetic': 4096 inputs (12,) uint8, 2 classes, 3276 for training)"
    )


@pytest.mark.parametrize(
    "inputs",
    [
        1_700_000_000 + np.arange(1000)[:, None],  # seconds
        1e7 + np.linspace(0, 10, 1000)[:, None],
        -(2**40) + np.arange(100).reshape(50, 2),
    ],
)
def test_inputs_that_float32_cannot_tell_apart_are_refused(inputs):
    labels = np.arange(len(inputs)) % 2
    with pytest.raises(UserError, match=r"inputs: float32 leaves \d+ of \d+ distinct ones; subtract"):
        Dataset("mine", inputs, labels, labels == 0)
    shifted = Dataset("mine", inputs - inputs.min(axis=0), labels, np.arange(len(labels)) < 10)
    assert count_rows(shifted.inputs.reshape(len(labels), -1)) == len(inputs)


def test_rounding_to_float32_is_no_matter_as_long_as_inputs_stay_distinct():
    inputs = np.random.default_rng(0).random((500, 3))
    labels = np.arange(500) % 2
    assert count_rows(Dataset("mine", inputs, labels, np.arange(500) < 400).inputs) == 500
    inputs[250:] = inputs[:250]  # equal before
    assert count_rows(Dataset("mine", inputs, labels, np.arange(500) < 400).inputs) == 250
