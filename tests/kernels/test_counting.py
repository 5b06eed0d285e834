"""Codes counted and packed against dictionaries and Python's integers; hashes that were made to collide."""

from collections import Counter

import numpy as np
import pytest
from brute_force import brute_force, same_bits
from hypothesis import given
from hypothesis import strategies as st

from infoplane.entropy import logarithms_of
from infoplane.kernels.counting import (
    BLOCK,
    FEW,
    MULTIPLIER,
    count_codes,
    hash_columns,
    information_of_words,
    number_codes,
    number_columns,
    pack,
    pack_codes,
    pack_translated,
    sum_logarithms,
    unsigned,
    words_per_code,
    workspace_for,
)


def by_dictionary(columns):
    """Number of each column, and first column of each number, in the order of their appearance."""
    numbers, first = {}, []
    for place, column in enumerate(map(tuple, columns.T.tolist())):
        if column not in numbers:
            numbers[column] = len(numbers)
            first.append(place)
    return [numbers[column] for column in map(tuple, columns.T.tolist())], first


def sums_by_dictionary(columns, labels):
    codes, logarithms = list(map(tuple, columns.T.tolist())), logarithms_of(columns.shape[1])
    pairs = list(zip(codes, labels.tolist(), strict=True))
    of_t, of_pairs = (sum(int(logarithms[n]) for n in Counter(each).values()) for each in (codes, pairs))
    return of_t, of_pairs, len(set(codes))


def sums(words, labels, classes=None):
    classes = int(labels.max()) + 1 if classes is None else classes
    return count_codes(unsigned(words), labels, workspace_for(words.shape[1], classes))


def numbered(words):
    return [each.tolist() for each in number_columns(words)]


@st.composite
def systems(draw):
    """Words (words, N) and labels (N,): few codes or many, in low bits or high ones."""
    shape = draw(st.integers(1, 5)), draw(st.integers(1, 200))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    levels, scale = draw(st.sampled_from([1, 2, 4, 1000, 2**15])), draw(st.sampled_from([1, 2**16, 2**47]))
    words = generator.integers(-levels, levels, shape) * scale
    return words, generator.integers(0, draw(st.integers(1, 5)), shape[1])


@given(systems())
def test_counts_and_numbers_are_those_of_a_dictionary(system):
    words, labels = system
    assert sums(words, labels) == sums_by_dictionary(words, labels)
    assert numbered(words) == list(by_dictionary(words))


@given(systems(), st.randoms(use_true_random=False), st.integers(0, 2**63 - 1))
def test_no_order_and_no_name_changes_a_sum(system, random, number):
    words, labels = system
    expected = sums(words, labels)
    samples = random.sample(range(words.shape[1]), words.shape[1])
    rows = random.sample(range(len(words)), len(words))
    assert sums(words[:, samples], labels[samples]) == expected
    assert sums(words[rows], labels) == expected
    assert sums(words ^ number, labels) == expected
    assert numbered(words ^ number) == numbered(words)
    classes = np.array(random.sample(range(9), 5))
    assert sums(words, classes[labels]) == expected
    assert sums(words, labels, classes=12) == expected


@given(systems())
def test_what_a_workspace_holds_does_not_matter(system):
    words, labels = system
    workspace = workspace_for(len(labels), 5)
    expected = count_codes(unsigned(words), labels, workspace)
    for memory in workspace[3:]:
        memory.fill(np.iinfo(memory.dtype).max)
    assert count_codes(unsigned(words), labels, workspace) == expected


@given(systems(), st.integers(0, 300))
def test_codes_of_fewer_inputs_are_numbered_in_the_same_workspace(system, more):
    words, _ = system
    numbers, first = np.full((2, words.shape[1]), -1, dtype=np.int32)
    distinct = number_codes(unsigned(words), numbers, first, workspace_for(words.shape[1] + more, 0))
    assert [numbers.tolist(), first[:distinct].tolist()] == numbered(words)


@given(systems())
def test_numbers_of_codes_are_counted_as_the_codes_are(system):
    words, labels = system
    numbers, first = number_columns(words)
    of_t, of_t_and_y, distinct = sums(words, labels)
    found = sum_logarithms(numbers, len(first), labels, workspace_for(len(labels), int(labels.max()) + 1))
    assert (*found, len(first)) == (of_t, of_t_and_y, distinct)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 31, 32, 33, 511, 512, 513, 4096, 5000])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_all_equal_and_all_distinct(count, width):
    labels, words = np.arange(count) % 3, np.full((width, count), -7)
    assert sums(words, labels) == sums_by_dictionary(words, labels)
    assert numbered(words) == [[0] * count, [0]]
    words[-1] = np.random.default_rng(count).permutation(count)
    assert sums(words, labels) == (0, 0, count)
    assert numbered(words) == [list(range(count))] * 2


def test_many_inputs():
    generator = np.random.default_rng(0)
    pool, labels = generator.integers(-(2**63), 2**63, (3, 20_000)), generator.integers(0, 10, 70_000)
    for distinct in (3, 1000, 20_000):
        words = pool[:, generator.integers(0, distinct, 70_000)]
        assert sums(words, labels) == sums_by_dictionary(words, labels)
        assert numbered(words) == list(by_dictionary(words))


def words_in_one_slot(count, rounds):
    """Different words that share one slot of a table for `count` inputs in each of the first rounds.

    The inverse of the multiplier takes products without their highest bits to words of slot 0; kept are those
    that further multipliers send to one slot, too.
    """
    shift, generator = workspace_for(count, 0).shift, np.random.default_rng(count)
    products = generator.integers(0, 2 ** int(shift), 2**20, dtype=np.uint64)
    words = np.unique(products * np.uint64(pow(int(MULTIPLIER), -1, 2**64)))
    multiplier = int(MULTIPLIER)
    for _ in range(rounds):
        slots = (words * np.uint64(multiplier)) >> shift
        words = words[slots == np.bincount(slots.astype(np.int64)).argmax()]
        multiplier = (multiplier * int(MULTIPLIER) + 2) % 2**64
    return generator.permutation(words)


@pytest.mark.parametrize(("count", "rounds"), [(2000, 1), (512, 2), (60, 3)])
def test_words_of_one_slot_are_told_apart(count, rounds):
    words = words_in_one_slot(count, rounds)[: count // 2]
    assert len(words) >= count // 4
    words = np.resize(words, count)[None]
    labels = np.arange(count) % 7
    assert sums(words, labels) == sums_by_dictionary(words, labels)
    assert numbered(words) == list(by_dictionary(words))


def columns_of_one_hash(count):
    """Different columns of three words, the second of which undoes what the hash made of the first."""
    first = np.random.default_rng(count).integers(0, 2**64, count, dtype=np.uint64)
    mixed = first * MULTIPLIER
    return np.stack([first, mixed ^ (mixed >> np.uint64(32)) ^ np.uint64(5), np.full_like(first, 6)])


@pytest.mark.parametrize("others", [0, 3, 40 * FEW])
@pytest.mark.parametrize("colliding", [2, 30])
def test_columns_of_one_hash_are_told_apart(colliding, others):
    """Both where many inputs are compared with earlier ones, and where few are."""
    generator = np.random.default_rng(others)
    colliding = columns_of_one_hash(colliding)
    keys = np.empty(colliding.shape[1], np.uint64)
    hash_columns(colliding, keys)
    assert len(np.unique(keys)) == 1
    once = np.concatenate([colliding, generator.integers(0, 2**64, (3, others), dtype=np.uint64)], axis=1)
    for columns in (once, np.concatenate([once, once], axis=1)):
        words = columns[:, generator.permutation(columns.shape[1])]
        labels = np.arange(words.shape[1]) % 3
        assert sums(words, labels) == sums_by_dictionary(words, labels)
        assert numbered(words) == list(by_dictionary(words))


def test_one_different_word_among_many_is_seen():
    generator = np.random.default_rng(0)
    words = np.repeat(generator.integers(0, 2**64, (171, 1), dtype=np.uint64), 40, axis=1)
    for place in range(0, 171, 10):
        words[place, place % 40] ^= np.uint64(1) << np.uint64(place % 64)
    assert numbered(words) == list(by_dictionary(words))


@given(systems(), st.integers(1, 3))
def test_snapshots_are_systems_of_their_own(system, count):
    words, labels = system
    snapshots = np.stack([words >> place for place in range(count)])
    found = information_of_words(snapshots, labels)
    for place, each in enumerate(snapshots):
        assert same_bits(
            [values[place] for values in found], [v[0] for v in information_of_words(each[None], labels)]
        )
        h_t, i_ty, distinct = brute_force(each.T, labels)
        assert found.h_t[place] == found.i_xt[place] == pytest.approx(h_t, abs=1e-12)
        assert found.i_ty[place] == pytest.approx(i_ty, abs=1e-12)
        assert found.distinct[place] == distinct


@given(systems())
def test_merging_codes_never_raises_the_entropy(system):
    """The data-processing inequality, of H(T) without a tolerance."""
    words, labels = system
    coarser = np.stack([words >> place for place in range(0, 64, 7)])
    found = information_of_words(coarser, labels)
    assert (np.diff(found.h_t) <= 0).all()
    assert (np.diff(found.i_ty) <= 1e-12).all()
    assert (found.i_ty <= found.h_t).all()


def test_words_of_any_integer_type_and_layout():
    labels, words = np.arange(60) % 4, np.random.default_rng(0).integers(0, 3, (2, 3, 60))
    expected = information_of_words(words, labels)
    for dtype in (np.uint8, np.int8, np.int32, np.uint64, bool):
        cast = (words - (1 if dtype == np.int8 else 0)).astype(dtype)
        alike = words.astype(dtype).astype(np.int64) if dtype is bool else words
        assert same_bits(information_of_words(cast, labels), information_of_words(alike, labels))
    transposed = np.ascontiguousarray(words.transpose(2, 0, 1)).transpose(1, 2, 0)
    assert same_bits(information_of_words(transposed, labels.astype(np.uint8)), expected)
    with pytest.raises(TypeError):
        information_of_words(words.astype(float), labels)
    with pytest.raises(TypeError):
        information_of_words(words, labels.astype(float))


@pytest.mark.parametrize(
    "labels", [np.zeros(9, int), np.zeros(11, int), np.zeros((1, 10), int), np.array(0), np.arange(10) - 1]
)
def test_labels_of_other_inputs_or_out_of_range_are_refused(labels):
    with pytest.raises(
        ValueError, match=r"labels \(.*\) are no classes ≥ 0 of the inputs of words \(2, 3, 10\)"
    ):
        information_of_words(np.zeros((2, 3, 10), int), labels)


def test_no_inputs_are_refused():
    with pytest.raises(ValueError, match=r"labels \(0,\)"):
        information_of_words(np.zeros((2, 3, 0), int), np.zeros(0, int))


@pytest.mark.parametrize(("labels", "room"), [(10, 11), (10, 9), (9, 10), (11, 10)])
def test_a_workspace_of_another_size_is_refused(labels, room):
    with pytest.raises(ValueError, match="workspace"):
        count_codes(np.zeros((1, 10), np.uint64), np.zeros(labels, int), workspace_for(room, 1))


def test_numbering_needs_room():
    with pytest.raises(ValueError, match="workspace is for fewer inputs"):
        number_codes(np.zeros((1, 10), np.uint64), *np.zeros((2, 10), np.int32), workspace_for(9, 0))


@st.composite
def fields(draw):
    """Codes (width, N) of some type, and bits of a field that holds them."""
    dtype = np.dtype(draw(st.sampled_from(["u1", "i1", "u2", "i2", "i4", "i8"])))
    size = 8 * dtype.itemsize
    bits = draw(st.integers(1, size))
    low = 0 if dtype.kind == "u" else -(1 << bits - 1)
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, 20)), draw(st.one_of(st.integers(1, 40), st.just(BLOCK + 3)))
    codes = generator.integers(low, low + (1 << bits) - 1, shape, dtype=dtype, endpoint=True)
    return codes, draw(st.integers(bits, 64))


@given(fields())
def test_words_hold_the_lowest_bits_of_their_fields_in_order(system):
    codes, bits = system
    words, each = np.empty((words_per_code(len(codes), bits), codes.shape[1]), np.uint64), 64 // bits
    pack_codes(codes, bits, words)
    if codes.dtype.kind == "u":
        np.testing.assert_array_equal(pack(codes[None], bits), words[None])
    assert words.shape == (words_per_code(len(codes), bits), codes.shape[1])
    for place, column in enumerate(codes.T.tolist()):
        for word in range(len(words)):
            own = column[word * each : (word + 1) * each]
            fields_of_word = [code % 2**bits << bits * shift for shift, code in enumerate(reversed(own))]
            assert int(words[word, place]) == sum(fields_of_word)
    assert numbered(words) == list(by_dictionary(codes))


@pytest.mark.parametrize(("largest", "bits"), [(256, 8), (2, 1), (2**63, 63)])
def test_codes_that_a_field_does_not_hold_are_refused(largest, bits):
    codes = np.array([[[0, largest]]], dtype=np.uint64)
    for refused in (
        lambda bits: pack(codes, bits),
        lambda bits: pack_translated(np.array([[[0, 1]]], dtype=np.uint8), codes, bits),
    ):
        with pytest.raises(ValueError, match=f"do not fit into {bits} bits"):
            refused(bits)
        assert number_columns(refused(bits + 1)[0])[1].tolist() == [0, 1]


def test_patterns_of_float32_are_packed_without_loss():
    values = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-45], dtype=np.float32)
    patterns = np.stack(np.meshgrid(*[values.view(np.int32)] * 3)).reshape(3, -1)
    words = np.empty((2, 8**3), np.uint64)
    pack_codes(patterns, 32, words)
    assert len(number_columns(words)[1]) == 8**3
