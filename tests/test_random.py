"""Random numbers against published vectors, and against a second reading in Python's integers."""

from collections import Counter
from itertools import count, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from infoplane import random
from infoplane.random import Streams, fill_words, philox, shuffled, uniform_numbers

MASK = 2**32 - 1
# Counter, key and output of Philox4x32-10, from the file kat_vectors of Random123
# (https://github.com/DEShawResearch/random123)
PUBLISHED = {
    "zeros": (["0" * 8] * 4, ["0" * 8] * 2, ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]),
    "ones": (["f" * 8] * 4, ["f" * 8] * 2, ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]),
    "pi": (
        ["243f6a88", "85a308d3", "13198a2e", "03707344"],
        ["a4093822", "299f31d0"],
        ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"],
    ),
}
seeds = st.integers(0, 2**64 - 1)
words_of_32_bits = st.integers(0, MASK)


def philox_in_python(counter, key):
    """Ten rounds of two products of 32 bits, whose halves are crossed and mixed with the key."""
    a, b, c, d = counter
    for number in range(10):
        x, y = 0xD2511F53 * a, 0xCD9E8D57 * c
        first, second = (key[0] + number * 0x9E3779B9) & MASK, (key[1] + number * 0xBB67AE85) & MASK
        a, b, c, d = (y >> 32) ^ b ^ first, y & MASK, (x >> 32) ^ d ^ second, x & MASK
    return a, b, c, d


def words_in_python(seed, repetition, purpose, epoch):
    """The words of a stream, one after the other."""
    for block in count():
        yield from philox_in_python((block, epoch, repetition, purpose), (seed & MASK, seed >> 32))


def order_in_python(size, words):
    """The shuffle of Fisher and Yates; and the number of words that were passed over."""
    order, passed_over = list(range(size)), 0
    for last in range(size - 1, 0, -1):
        while (word := next(words)) * (last + 1) % 2**32 < 2**32 % (last + 1):
            passed_over += 1
        other = word * (last + 1) // 2**32
        order[last], order[other] = order[other], order[last]
    return order, passed_over


@pytest.mark.parametrize("name", PUBLISHED)
def test_philox_gives_the_published_numbers(name):
    counter, key, output = ([int(word, 16) for word in words] for words in PUBLISHED[name])
    assert [int(word) for word in philox(*map(np.uint64, counter + key))] == output
    assert [*philox_in_python(counter, key)] == output


@given(seeds, words_of_32_bits, words_of_32_bits, words_of_32_bits, words_of_32_bits, st.integers(1, 5))
def test_words_of_a_stream_can_be_had_from_any_block_on(seed, epoch, repetition, purpose, block, length):
    stream = np.array([epoch, repetition, purpose], dtype=np.uint64)
    fill_words(np.uint64(seed), stream, np.uint64(block), words := np.empty(4 * length, dtype=np.uint64))
    key = seed & MASK, seed >> 32
    blocks = [(block + place) & MASK for place in range(length)]
    expected = [philox_in_python((each, epoch, repetition, purpose), key) for each in blocks]
    assert words.reshape(-1, 4).tolist() == [list(four) for four in expected]


@given(seeds, words_of_32_bits, st.integers(0, 2**31 - 1), st.integers(1, 300))
def test_orders_are_permutations_and_those_of_a_second_reading(seed, repetition, epoch, size):
    streams = Streams(seed, repetition)
    drawn = {
        2: streams.label_order(size),
        1: streams.prefit_order(size),
        3: streams.split_order(size),
        4: streams.subsample_order(size),
    }
    for purpose, order in drawn.items():
        assert order.dtype == np.int64
        assert order.tolist() == order_in_python(size, words_in_python(seed, repetition, purpose, 0))[0]
        assert sorted(order.tolist()) == [*range(size)]
    for purpose, part in [(5, "prefit"), (6, "main")]:
        expected, _ = order_in_python(size, words_in_python(seed, repetition, purpose, epoch))
        assert streams.order(part, epoch, size).tolist() == expected


def test_words_are_passed_over_that_would_make_a_place_more_likely():
    """Of so many inputs about two words in an order."""
    size = 140_000
    expected, passed_over = order_in_python(size, words_in_python(1, 0, 6, 0))
    assert passed_over > 0
    np.testing.assert_array_equal(Streams(1, 0).order("main", 0, size), expected)


@pytest.mark.parametrize("length", [4, 8, 96, 100_000])
def test_room_for_words_does_not_change_an_order(length):
    stream, order = np.array([3, 2, 6], dtype=np.uint64), np.empty(300, dtype=np.int64)
    shuffled(np.uint64(1), stream, np.empty(length, dtype=np.uint64), order)
    np.testing.assert_array_equal(order, Streams(1, 2).order("main", 3, 300))


@pytest.mark.parametrize("size", [0, 1])
def test_there_is_one_order_of_nothing_and_of_one_thing(size):
    assert Streams(5, 5).order("main", 0, size).tolist() == [0] * size


def test_no_two_streams_agree():
    """Not of other seeds, whose high and low halves both count; nor of another repetition, part or epoch."""
    drawn = [
        Streams(seed, repetition).order(part, epoch, 30).tobytes()
        for seed in (0, 1, 2**32, 2**32 + 1, 2**64 - 1)
        for repetition in range(4)
        for part in ("prefit", "main")
        for epoch in range(6)
    ]
    drawn += [
        order(30).tobytes()
        for repetition in range(4)
        for streams in [Streams(0, repetition)]
        for order in (streams.prefit_order, streams.label_order, streams.split_order, streams.subsample_order)
    ]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_all_orders_are_equally_likely(size):
    """By the test of χ²; the orders are always the same, so that it cannot fail by chance."""
    streams, draws = Streams(2024, 0), 200 * len([*permutations(range(size))])
    counts = Counter(tuple(streams.order("main", epoch, size).tolist()) for epoch in range(draws))
    assert set(counts) == set(permutations(range(size)))
    assert chisquare([*counts.values()]).pvalue > 0.001


@given(seeds, words_of_32_bits, st.integers(1, 50))
def test_uniform_numbers_are_the_middles_of_equal_parts(seed, repetition, size):
    """(w + ½)/2⁵³, where w are the first 27 bits of one word and the first 26 of the next one."""
    words = words_in_python(seed, repetition, 0, 0)
    pairs = [(next(words), next(words)) for _ in range(size)]
    expected = [((first >> 5) * 2**26 + (second >> 6) + 0.5) / 2**53 for first, second in pairs]
    found = Streams(seed, repetition).uniforms(size)
    assert found.tolist() == [min(each, 1 - 2**-53) for each in expected]
    assert ((found > 0) & (found < 1)).all()


def test_uniform_numbers_are_equally_likely_in_all_parts_of_their_range():
    counts, _ = np.histogram(Streams(2024, 0).uniforms(100_000), bins=100, range=(0, 1))
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize(("word", "expected"), [(0, 2.0**-54), (MASK, 1 - 2.0**-53)])
def test_uniform_numbers_are_neither_0_nor_1(monkeypatch, word, expected):
    monkeypatch.setattr(random, "fill_words", lambda seed, stream, block, words: words.fill(word))
    assert uniform_numbers(0, np.zeros(3, dtype=np.uint64), 3).tolist() == [expected] * 3
