"""The table of logarithms and entropies against mpmath; what holds of them exactly."""

from math import log2

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.entropy import (
    PRECISION,
    binary_logarithms,
    entropy,
    fraction_bits,
    in_bits,
    information_of_sums,
    logarithms_of,
    smallest_factors,
)

mp = mpmath.mp.clone()
mp.prec = 300


def exact_term(n):
    """n log₂ n; log₂ of a power of two is exact."""
    return n * mp.log(n, 2) if n & (n - 1) else mp.mpf(n * (n.bit_length() - 1))


def exact_entropy(counts):
    total = sum(counts)
    return (exact_term(total) - sum(exact_term(n) for n in counts if n)) / total


def sum_of_terms(counts, count):
    return logarithms_of(count)[np.asarray(counts)].sum()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 4096, 70_000])
def test_every_entry_is_rounded_to_the_nearest(count):
    logarithms, unit = logarithms_of(count), mp.mpf(2) ** fraction_bits(count)
    assert logarithms.shape == (count + 1,)
    assert logarithms[0] == 0
    every = range(1, count + 1) if count <= 4096 else [*range(1, count, 101), count - 1, count]
    for n in every:
        assert abs(int(logarithms[n]) - exact_term(n) * unit) <= 0.5


def test_powers_of_two_are_exact():
    logarithms = logarithms_of(4096)
    for power in range(13):
        assert logarithms[1 << power] == power << power + fraction_bits(4096)


def test_the_table_is_shared_and_cannot_be_changed():
    assert logarithms_of(10) is logarithms_of(10)
    with pytest.raises(ValueError, match="read-only"):
        logarithms_of(10)[3] = 0


@given(st.integers(2, 2**31))
def test_the_largest_sum_is_an_int64_and_uses_its_digits(count):
    largest = exact_term(count) * mp.mpf(2) ** fraction_bits(count)
    assert 2**61 <= largest < 2**63


def test_logarithms_before_rounding_are_good_to_150_digits():
    unit = mp.mpf(2) ** PRECISION
    for n, logarithm in enumerate(binary_logarithms(3000)[1:], 1):
        assert abs(logarithm - mp.log(n, 2) * unit) < 2**10


def test_smallest_factors():
    for n, factor in enumerate(smallest_factors(1000)[2:], 2):
        assert factor == next(each for each in range(2, n + 1) if n % each == 0)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30).filter(any))
def test_entropy_is_off_by_its_bound_at_most(counts):
    expected = exact_entropy(counts)
    digits = 2.0 ** -(fraction_bits(sum(counts)) + 1)
    # A sum becomes a float64 and is divided by N, each rounded once.
    roundings = float(expected) * 2.0**-52
    assert abs(entropy(np.array(counts)) - expected) <= digits + 1.01 * roundings


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50).filter(any), st.randoms(use_true_random=False))
def test_no_order_of_the_counts_changes_a_bit(counts, random):
    expected = entropy(np.array(counts))
    random.shuffle(counts)
    assert entropy(np.array([*counts, 0, 0])) == expected


@pytest.mark.parametrize("power", range(14))
def test_equal_counts(power):
    assert entropy(np.ones(1 << power, dtype=int)) == power
    assert entropy(np.array([1 << power])) == 0


def test_merging_two_codes_always_raises_the_sum():
    """By 2 bits at least, as of two codes of one input each: rounding does not come near."""
    count = 300
    logarithms = logarithms_of(count).tolist()
    least = (2 << fraction_bits(count)) - 2
    for one in range(1, count):
        for other in range(1, count + 1 - one):
            assert logarithms[one + other] - logarithms[one] - logarithms[other] >= least


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
)
def test_what_is_independent_has_no_information(rows, columns):
    pairs = np.outer(rows, columns)
    count = int(pairs.sum())
    labels = np.repeat(np.arange(len(columns)), pairs.sum(0))
    of_t, of_t_and_y = (np.array([sum_of_terms(n, count)]) for n in (pairs.sum(1), pairs.ravel()))
    found = information_of_sums(of_t, of_t_and_y, np.array([len(rows)]), labels)
    terms = 1 + len(rows) + len(columns) + pairs.size
    assert 0 <= found.i_ty[0] <= in_bits(terms / 2, count)
    assert found.h_t[0] == entropy(pairs.sum(1))


@given(st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=4), min_size=1, max_size=5))
def test_codes_that_determine_the_label_have_all_its_information(codes_of_classes):
    counts = [n for codes in codes_of_classes for n in codes]
    of_class = [sum(codes) for codes in codes_of_classes]
    of_t = np.array([sum_of_terms(counts, sum(counts))])
    labels = np.repeat(np.arange(len(of_class)), of_class)
    found = information_of_sums(of_t, of_t, np.array([len(counts)]), labels)
    assert found.i_ty[0] == entropy(np.array(of_class))
    assert found.h_t[0] == found.i_xt[0] == entropy(np.array(counts)) >= found.i_ty[0]
    assert found.h_t[0] <= log2(len(counts)) + 1e-12
