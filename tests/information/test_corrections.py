"""Entropy estimators against hand-computed cases, a plain implementation in fractions, and what must hold."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.entropy import entropy
from infoplane.information.corrections import ENTROPIES, chao_shen, miller_madow

some_counts = st.lists(st.integers(1, 50), min_size=1, max_size=30)


def plain_miller_madow(counts: list[int]) -> float:
    total = sum(counts)
    shares = [count / total for count in counts]
    return -sum(share * math.log2(share) for share in shares) + (len(counts) - 1) / (2 * total) / math.log(2)


def plain_chao_shen(counts: list[int]) -> float:
    """As `entropy.ChaoShen` of the R package `entropy` goes about it, in fractions up to the logarithm."""
    total, singletons = sum(counts), counts.count(1)
    if singletons == total:
        singletons = total - 1
    adjusted = [(1 - Fraction(singletons, total)) * Fraction(count, total) for count in counts]
    return -sum(float(p / (1 - (1 - p) ** total)) * math.log2(p) for p in adjusted)


@given(some_counts)
def test_agree_with_plain_implementations(counts):
    assert miller_madow(np.array(counts)) == pytest.approx(plain_miller_madow(counts), abs=1e-12)
    assert chao_shen(np.array(counts)) == pytest.approx(plain_chao_shen(counts), abs=1e-12)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # no singletons: C = 1, p = ½ each, seen with probability 1 − ½⁴ = 15/16
        ([2, 2], 16 / 15),
        # C = ½, p = ¼ and ⅛, ⅛: ½·256/175 + 2·⅜·4096/1695
        ([2, 1, 1], 0.5 * 256 / 175 + 2 * 3 / 8 * 4096 / 1695),
        # nothing but singletons: C = ½, p = ¼ each: 2·½·16/7
        ([1, 1], 16 / 7),
        ([1], 0),
        ([7], 0),
    ],
)
def test_chao_shen_by_hand(counts, expected):
    assert chao_shen(np.array(counts)) == pytest.approx(expected, abs=1e-12)


def test_miller_madow_by_hand():
    assert miller_madow(np.array([2, 1, 1])) == pytest.approx(1.5 + 0.25 / math.log(2), abs=1e-12)
    assert miller_madow(np.array([5])) == 0


@pytest.mark.parametrize("count", [512, 70_000])
def test_chao_shen_of_singletons_keeps_its_digits(count):
    """Each p is 1/N², and seen with probability 1 − (1 − 1/N²)^N."""
    seen = -math.expm1(count * math.log1p(-1 / count**2))
    found = chao_shen(np.ones(count, dtype=int))
    assert found == pytest.approx(2 * math.log2(count) / count / seen, rel=1e-12)


@pytest.mark.parametrize("estimate", ENTROPIES.values(), ids=ENTROPIES)
@given(counts=some_counts, zeros=st.integers(0, 3), random=st.randoms(use_true_random=False))
def test_neither_order_nor_values_that_were_not_seen_matter(estimate, counts, zeros, random):
    padded = counts + [0] * zeros
    random.shuffle(padded)
    assert estimate(np.array(padded)) == pytest.approx(estimate(np.array(counts)), abs=1e-12)


@given(some_counts)
def test_bounds(counts):
    plug_in, corrected, adjusted = (of(np.array(counts)) for of in ENTROPIES.values())
    distinct, total = len(counts), sum(counts)
    assert -1e-12 <= plug_in <= math.log2(distinct) + 1e-12
    assert plug_in <= corrected <= plug_in + (distinct - 1) / (2 * total * math.log(2)) + 1e-12
    assert -1e-12 <= adjusted <= 2 * math.log2(total) * distinct + 1e-12


def test_agree_where_the_sample_is_large():
    counts = np.random.default_rng(0).multinomial(1_000_000, np.full(16, 1 / 16))
    for estimate in ENTROPIES.values():
        assert estimate(counts) == pytest.approx(4, abs=1e-4)


def test_corrections_come_nearer_to_the_truth_where_the_sample_is_small():
    shares = np.array([0.5**place for place in range(1, 12)] + [0.5**11])
    truth = -(shares * np.log2(shares)).sum()
    random = np.random.default_rng(0)
    samples = [random.multinomial(30, shares) for _ in range(500)]
    errors = {name: np.mean([of(counts) for counts in samples]) - truth for name, of in ENTROPIES.items()}
    assert errors["plug-in"] < -0.1
    assert abs(errors["miller-madow"]) < abs(errors["plug-in"]) / 2
    assert abs(errors["chao-shen"]) < abs(errors["plug-in"]) / 2


def test_plug_in_is_the_entropy_that_exact_values_rest_on():
    assert ENTROPIES["plug-in"] is entropy
