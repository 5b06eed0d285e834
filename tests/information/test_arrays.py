"""Exact information against brute force and `dit`; what leaves it unchanged to the last bit; its bounds."""

from collections import Counter
from math import log2

import dit
import numpy as np
import pytest
from brute_force import brute_force, entropy_of, same_bits
from hypothesis import given, settings
from hypothesis import strategies as st

from infoplane import binned_information, exact_information, load_dataset
from infoplane.information.arrays import ends_of


def agrees(codes, labels):
    found = exact_information(codes, labels)
    h_t, i_ty, distinct = brute_force(codes, labels)
    assert float(found.h_t) == pytest.approx(h_t, abs=1e-12)
    assert float(found.i_xt) == float(found.h_t)
    assert float(found.i_ty) == pytest.approx(i_ty, abs=1e-12)
    assert int(found.distinct) == distinct
    return True


@st.composite
def systems(draw):
    count, width = draw(st.integers(1, 60)), draw(st.integers(1, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    levels = draw(st.sampled_from([1, 2, 3, 10]))
    scale = draw(st.sampled_from([1, 255, 2**31, 2**60]))
    codes = generator.integers(-levels, levels, (count, width), endpoint=True) // 2 * scale
    return codes, generator.integers(0, draw(st.integers(1, 5)), count)


@given(systems())
@settings(deadline=None)
def test_agrees_with_brute_force(system):
    assert agrees(*system)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_dit(seed):
    generator = np.random.default_rng(seed)
    codes, labels = generator.integers(-2, 2, (64, 3)), generator.integers(0, 3, 64)
    counts = Counter(zip(map(str, codes.tolist()), map(str, labels), strict=True))
    joint = dit.Distribution(list(counts), [n / 64 for n in counts.values()])
    found = exact_information(codes, labels)
    assert float(found.h_t) == pytest.approx(dit.shannon.entropy(joint, [0]), abs=1e-10)
    assert float(found.i_ty) == pytest.approx(dit.shannon.mutual_information(joint, [0], [1]), abs=1e-10)


@given(systems(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_no_order_and_no_name_changes_a_bit(system, random):
    codes, labels = system
    expected = exact_information(codes, labels)
    samples = random.sample(range(len(codes)), len(codes))
    neurons = random.sample(range(codes.shape[1]), codes.shape[1])
    values = np.unique(codes)
    names = np.array(random.sample(range(-1000, 1000), len(values)))
    classes = np.array(random.sample(range(9), 5))
    assert same_bits(expected, exact_information(codes[samples], labels[samples]))
    assert same_bits(expected, exact_information(codes[:, neurons], labels))
    assert same_bits(expected, exact_information(names[np.searchsorted(values, codes)], labels))
    relabelled = exact_information(codes, classes[labels])
    assert same_bits((expected.h_t, expected.distinct), (relabelled.h_t, relabelled.distinct))
    assert float(relabelled.i_ty) == pytest.approx(float(expected.i_ty), abs=1e-12)


@given(systems())
@settings(deadline=None)
def test_bounds(system):
    codes, labels = system
    found = exact_information(codes, labels)
    assert 0 <= found.i_ty <= min(found.h_t, entropy_of(labels.tolist())) + 1e-12
    assert 0 <= found.h_t <= log2(len(codes)) + 1e-12


@pytest.mark.parametrize("count", [1, 2, 7, 10, 11, 820, 3276, 4096])
def test_constant_codes_hold_nothing(count):
    found = exact_information(np.full((count, 3), 5), np.arange(count) % 3)
    assert (float(found.h_t), float(found.i_ty), int(found.distinct)) == (0, 0, 1)


def test_distinct_codes_hold_everything():
    dataset = load_dataset("synthetic")
    found = exact_information(dataset.inputs, dataset.labels)
    assert float(found.h_t) == 12
    assert float(found.i_ty) == pytest.approx(0.99916, abs=5e-6)
    assert int(found.distinct) == 4096


def test_leading_dimensions_are_systems_of_their_own():
    generator = np.random.default_rng(1)
    codes, labels = generator.integers(0, 3, (2, 4, 50, 2)), generator.integers(0, 2, 50)
    found = exact_information(codes, labels)
    assert found.h_t.shape == found.i_ty.shape == found.distinct.shape == (2, 4)
    assert found.distinct.dtype.kind == "i"
    for place in np.ndindex(2, 4):
        alone = exact_information(codes[place], labels)
        assert same_bits([values[place] for values in found], alone)
    assert found.h_t.std() > 0


@pytest.mark.parametrize("step", [1, 2**16, 2**32, 2**48, 2**51])
@pytest.mark.parametrize("width", [1, 2, 7])
def test_codes_that_hashes_may_confuse_are_told_apart(step, width):
    """Multiples of powers of two differ in few bits of a product; 4,096 codes fill half of any table."""
    generator = np.random.default_rng(step)
    codes = np.zeros((4096, width), dtype=np.int64)
    codes[:, -1] = generator.permutation(4096) // 2 * step - 2**62
    found = exact_information(codes, np.arange(4096) % 2)
    assert int(found.distinct) == 2048
    assert float(found.h_t) == 11
    assert agrees(codes, generator.integers(0, 3, 4096))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3, unique=True))
def test_codes_whose_hashes_are_equal_are_told_apart(words):
    """The second word undoes what the hash of `number_codes` has made of the first."""
    one, other, word = words
    mixed = [first * 0x9E3779B97F4A7C15 % 2**64 for first in (one, other)]
    hashes = [each ^ (each >> 32) for each in mixed]
    codes = np.array([[one % 2**64, word % 2**64], [other % 2**64, word % 2**64 ^ hashes[0] ^ hashes[1]]])
    codes = codes.astype(np.uint64).view(np.int64)
    assert int(exact_information(codes, np.zeros(2, dtype=int)).distinct) == 2
    assert int(exact_information(codes[[0, 1, 0, 1]], np.zeros(4, dtype=int)).distinct) == 2


def test_every_bit_of_a_word_counts():
    codes = np.concatenate([[0], np.left_shift(1, np.arange(63)), [-(2**63)]])[:, None]
    assert int(exact_information(codes, np.zeros(65, dtype=int)).distinct) == 65
    neighbours = 2**62 + np.arange(65)[:, None]
    assert int(exact_information(neighbours, np.zeros(65, dtype=int)).distinct) == 65
    swapped = np.array([[1, 2], [2, 1], [1, 1], [2, 2]])
    assert int(exact_information(swapped, np.zeros(4, dtype=int)).distinct) == 4


def test_narrow_integer_types():
    for dtype in (np.uint8, np.int8, np.int32, np.uint64):
        codes = np.arange(100).reshape(50, 2).astype(dtype)
        assert agrees(codes, np.arange(50) % 2)


@pytest.fixture(scope="module")
def snapshots():
    """Activations of 2 × 3 snapshots of a layer of two neurons, each of another size, and labels."""
    generator = np.random.default_rng(2)
    sizes = generator.uniform(1, 9, (2, 3, 1, 2))
    return sizes * generator.normal(size=(2, 3, 50, 2)), generator.integers(0, 3, 50)


def test_ends_of_the_ranges():
    activations = np.arange(24.0).reshape(2, 3, 4)
    for chosen, low, high in [
        ("global", [[[0]], [[0]]], [[[23]], [[23]]]),
        ("layer", [[[0]], [[12]]], [[[11]], [[23]]]),
        ("neuron", [[[0], [4], [8]], [[12], [16], [20]]], [[[3], [7], [11]], [[15], [19], [23]]]),
        ((-1.0, 2.0), [[[-1]], [[-1]]], [[[2]], [[2]]]),
    ]:
        assert [end.tolist() for end in ends_of(activations, chosen)] == [low, high]


@pytest.mark.parametrize(("chosen", "axes"), [("global", None), ("layer", (-2, -1)), ("neuron", -2)])
def test_bins_of_equal_width_over_the_range_that_is_named(snapshots, chosen, axes):
    activations, labels = snapshots
    low, high = activations.min(axes, keepdims=True), activations.max(axes, keepdims=True)
    codes = np.floor((activations - low) / (high - low) * 7).clip(0, 6).astype(int)
    assert same_bits(binned_information(activations, labels, 7, chosen), exact_information(codes, labels))


def test_bins_of_equal_mass_over_each_snapshot(snapshots):
    activations, labels = snapshots
    ranks = activations.reshape(2, 3, 100).argsort(-1).argsort(-1).reshape(activations.shape)
    found = binned_information(activations, labels, 4, method="adaptive")
    assert same_bits(found, exact_information(ranks * 4 // 100, labels))


def test_thirty_bins_of_equal_width_over_all_snapshots_are_the_default(snapshots):
    activations, labels = snapshots
    codes = np.floor((activations - activations.min()) / np.ptp(activations) * 30).clip(0, 29).astype(int)
    assert same_bits(binned_information(activations, labels), exact_information(codes, labels))
