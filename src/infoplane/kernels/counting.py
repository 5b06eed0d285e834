"""Counts of the distinct codes of a layer, and the sums of n log₂ n that entropies consist of."""

from typing import Any, NamedTuple

import numpy as np

from infoplane.compilation import compiled
from infoplane.entropy import Information, information_of_sums, logarithms_of

__all__ = [
    "Workspace",
    "count_codes",
    "information_of_words",
    "number_codes",
    "number_columns",
    "pack",
    "pack_codes",
    "pack_translated",
    "sum_logarithms",
    "words_per_code",
    "workspace_for",
]

WORD = 64
# 2^64 divided by the golden ratio: the odd number of Fibonacci hashing
# (Knuth, The Art of Computer Programming, volume 3, section 6.4).
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# The hash table has 2 to 4 times as many slots as there are inputs: at most 1 code in 5 finds its slot taken
SPARSITY = 1
# If fewer than 1 input in 16 shares the code of an earlier one, only those are compared
FEW = 16
# Inputs that are packed together, so that their words stay in the innermost cache
BLOCK = 512

uint64 = np.uint64
ZERO, ONE, TWO, HALF_WORD = uint64(0), uint64(1), uint64(2), uint64(32)


class Workspace(NamedTuple):
    """Scratch memory of the kernels that count the codes of N inputs, for any number of calls.

    Attributes:
        classes: number of classes, C.
        increments: (n + 1) log₂(n + 1) − n log₂ n for n = 0 … N − 1, in the unit of
            `infoplane.entropy.logarithms_of`(N), (N,) int64.
        shift: number of bits by which a product of 64 bits is shifted to the number of a slot.
        slots: the hash table, the index of an input for each slot, (a power of two,) uint32.
        keys: a hash of each column, (N,) uint64.
        pending: indices of the inputs that await another round, (N,) uint32.
        earliest: for each input, the index of the earliest with the same code, (N,) uint32.
        ranks: numbers of the words of one row, (N,) int32.
        numbers: number of each input's code, (N,) int32.
        first: index of the first input of each code, (N,) int32.
        counts: number of inputs of each code, and of each pair of code and class, (N·(1 + C),) uint32.
    """

    classes: int
    increments: np.ndarray
    shift: np.uint64
    slots: np.ndarray
    keys: np.ndarray
    pending: np.ndarray
    earliest: np.ndarray
    ranks: np.ndarray
    numbers: np.ndarray
    first: np.ndarray
    counts: np.ndarray


def workspace_for(count: int, classes: int) -> Workspace:
    """Workspace for N inputs of some classes; 0 classes, where codes are numbered and not counted."""
    bits = count.bit_length() + SPARSITY
    return Workspace(
        classes=classes,
        increments=np.diff(logarithms_of(count)),
        shift=uint64(WORD - bits),
        slots=np.empty(1 << bits, np.uint32),
        keys=np.empty(count, np.uint64),
        pending=np.empty(count, np.uint32),
        earliest=np.empty(count, np.uint32),
        ranks=np.empty(count, np.int32),
        numbers=np.empty(count, np.int32),
        first=np.empty(count, np.int32),
        counts=np.empty(count * (1 + classes), np.uint32),
    )


def information_of_words(
    words: np.ndarray, labels: np.ndarray, workspace: Workspace | None = None
) -> Information:
    """H(T), I(X;T) and I(T;Y) of T, the tuple of an input's words; see `infoplane.exact_information`.

    Args:
        words: (snapshots, words, N) integers.
        labels: (N,) classes, integers ≥ 0.
        workspace: `workspace_for` these labels, if there is one already.
    """
    if labels.shape != words.shape[2:] or labels.size == 0 or labels.min() < 0:
        raise ValueError(f"labels {labels.shape} are no classes ≥ 0 of the inputs of words {words.shape}")
    workspace = workspace or workspace_for(len(labels), int(labels.max()) + 1)
    classes = labels.astype(np.int64, casting="same_kind", copy=False)
    sums = np.empty((3, len(words)), np.int64)
    count_snapshots(unsigned(words), classes, workspace, sums)
    of_t, of_t_and_y, distinct = sums
    return information_of_sums(of_t, of_t_and_y, distinct, classes)


def unsigned(words: np.ndarray) -> np.ndarray:
    """Integers as contiguous uint64, as the kernels read them; different ones stay different."""
    return words.astype(np.int64, order="C", casting="same_kind", copy=False).view(np.uint64)


@compiled
def count_snapshots(words: np.ndarray, labels: np.ndarray, workspace: Workspace, sums: np.ndarray) -> None:
    """`count_codes` of each of the snapshots of words (snapshots, words, N), into `sums` (3, snapshots)."""
    for snapshot in range(len(words)):
        of_snapshot = count_codes(words[snapshot], labels, workspace)
        sums[0, snapshot], sums[1, snapshot], sums[2, snapshot] = of_snapshot


@compiled
def count_codes(words: np.ndarray, labels: np.ndarray, workspace: Workspace) -> tuple[int, int, int]:
    """Σ n log₂ n over the codes and over the (code, label) pairs of a snapshot, and the number of codes.

    The sums are whole numbers, in the unit of `infoplane.entropy.logarithms_of`(N): each input adds what
    n log₂ n grows by when its code's n does by 1. They are the same in any order of the inputs.

    Args:
        words: (words, N) uint64.
        labels: (N,) classes 0 … C − 1; others would be counted outside of the workspace.
        workspace: `workspace_for`(N, C).
    """
    distinct = number_codes(words, workspace.numbers, workspace.first, workspace)
    of_t, of_t_and_y = sum_logarithms(workspace.numbers[: words.shape[1]], distinct, labels, workspace)
    return of_t, of_t_and_y, distinct


@compiled
def sum_logarithms(
    numbers: np.ndarray, distinct: int, labels: np.ndarray, workspace: Workspace
) -> tuple[int, int]:
    """`count_codes` of codes that have numbers 0 … `distinct` − 1, (N,)."""
    counts, increments = workspace.counts, workspace.increments
    if len(numbers) != len(increments) or len(labels) != len(increments):
        raise ValueError("codes, labels and workspace are not of the same number of inputs")
    width = uint64(1 + workspace.classes)
    for position in range(uint64(distinct) * width):
        counts[uint64(position)] = 0
    of_t, of_t_and_y = 0, 0
    for index in range(len(numbers)):
        of_code = uint64(numbers[uint64(index)]) * width
        of_pair = of_code + ONE + uint64(labels[uint64(index)])
        before, before_of_pair = uint64(counts[of_code]), uint64(counts[of_pair])
        counts[of_code] = before + ONE
        counts[of_pair] = before_of_pair + ONE
        of_t += increments[before]
        of_t_and_y += increments[before_of_pair]
    return of_t, of_t_and_y


def number_columns(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the distinct columns of integers (words, N) in the order of their appearance.

    Returns:
        The number of each column's code, (N,) int32, and the first column of each code, (codes,) int32.

    >>> number_columns(np.array([[5, 7, 5, 7], [0, 0, 0, 1]]))
    (array([0, 1, 0, 2], dtype=int32), array([0, 1, 3], dtype=int32))
    """
    count = words.shape[1]
    numbers, first = np.empty((2, count), np.int32)
    return numbers, first[: number_codes(unsigned(words), numbers, first, workspace_for(count, 0))]


@compiled
def number_codes(words: np.ndarray, numbers: np.ndarray, first: np.ndarray, workspace: Workspace) -> Any:
    """Number the distinct columns of words in the order of their appearance; return how many there are.

    A hash finds candidates, and whole columns are compared.

    Args:
        words: (words, N) uint64.
        numbers: receives the number of each input's code, (N,) int32.
        first: receives the first input of each code, (N,) int32.
        workspace: `workspace_for` at least N inputs.
    """
    if words.shape[1] > len(workspace.keys):
        raise ValueError("the workspace is for fewer inputs")
    if len(words) == 1:
        return number_words(words[0], numbers, first, workspace)
    keys = workspace.keys[: words.shape[1]]
    hash_columns(words, keys)
    distinct = number_words(keys, numbers, first, workspace)
    if distinct == words.shape[1] or are_copies(words, distinct, workspace):
        return distinct
    return number_word_by_word(words, numbers, first, workspace)


@compiled
def hash_columns(words: np.ndarray, keys: np.ndarray) -> None:
    """Write a hash of each column's words, (N,)."""
    keys[:] = ZERO
    for word in range(len(words)):
        row = words[word]
        for index in range(len(keys)):
            mixed = (keys[index] ^ row[index]) * MULTIPLIER
            keys[index] = mixed ^ (mixed >> HALF_WORD)


@compiled
def are_copies(words: np.ndarray, distinct: int, workspace: Workspace) -> Any:
    """Whether each column is equal to that of its code's earliest input."""
    earliest, copies, differences = workspace.earliest, workspace.pending, ZERO
    if words.shape[1] - distinct > words.shape[1] // FEW:
        for word in range(len(words)):
            row = words[word]
            for index in range(len(row)):
                differences |= row[index] ^ row[earliest[index]]
        return differences == ZERO
    found = ZERO
    for position in range(words.shape[1]):
        copies[found] = position
        found += uint64(earliest[uint64(position)] != position)
    for word in range(len(words)):
        row = words[word]
        for copy in copies[:found]:
            differences |= row[copy] ^ row[earliest[copy]]
    return differences == ZERO


@compiled
def number_word_by_word(
    words: np.ndarray, numbers: np.ndarray, first: np.ndarray, workspace: Workspace
) -> Any:
    """`number_codes` where different columns have the same hash.

    The number of a column's words so far and that of its next word make up one word.
    """
    ranks, keys = workspace.ranks, workspace.keys[: words.shape[1]]
    distinct = number_words(words[0], numbers, first, workspace)
    for word in range(1, len(words)):
        number_words(words[word], ranks, first, workspace)
        for index in range(len(keys)):
            keys[index] = (uint64(numbers[index]) << HALF_WORD) | uint64(ranks[index])
        distinct = number_words(keys, numbers, first, workspace)
    return distinct


@compiled
def number_words(words: np.ndarray, numbers: np.ndarray, first: np.ndarray, workspace: Workspace) -> Any:
    """`number_codes` of columns of one word, (N,)."""
    find_earliest(words, workspace)
    earliest = workspace.earliest
    distinct = ZERO
    for position in range(len(words)):
        index = uint64(position)
        # Its own number if it is the first of its code; written as a choice, it would be a branch.
        numbers[index] = distinct
        numbers[index] = numbers[earliest[index]]
        first[distinct] = index
        distinct += uint64(earliest[index] == index)
    return np.int64(distinct)


@compiled
def find_earliest(words: np.ndarray, workspace: Workspace) -> None:
    """Write into the workspace the earliest input that has the same word as each input of words (N,).

    All inputs write their indices into the slots of their words, from the last to the first, so that a slot
    holds the earliest of its inputs. Only slots are read that were written before, so none is ever cleared.
    An input whose word differs from that of the input in its slot awaits another round, in which another
    multiplier gives the slots. All inputs of a word do so together, and each round settles one word of each
    slot. No branch depends on data.
    """
    earliest, pending, slots, shift = workspace.earliest, workspace.pending, workspace.slots, workspace.shift
    multiplier = MULTIPLIER
    last = uint64(len(words)) - ONE
    for position in range(len(words)):
        index = last - uint64(position)
        slots[(words[index] * multiplier) >> shift] = index
    left = ZERO
    for position in range(len(words)):
        index = uint64(position)
        found = slots[(words[index] * multiplier) >> shift]
        earliest[index] = found
        pending[left] = index
        left += uint64(words[found] != words[index])
    while left > ZERO:
        multiplier = multiplier * MULTIPLIER + TWO
        for position in range(left):
            index = pending[left - ONE - uint64(position)]
            slots[(words[index] * multiplier) >> shift] = index
        waiting, left = left, ZERO
        for position in range(waiting):
            index = pending[uint64(position)]
            found = slots[(words[index] * multiplier) >> shift]
            earliest[index] = found
            pending[left] = index
            left += uint64(words[found] != words[index])


def words_per_code(width: int, bits: int) -> int:
    """Number of words of 64 bits for a code of `width` fields of `bits` bits.

    >>> words_per_code(10, 8), words_per_code(3, 33)
    (2, 3)
    """
    return -(-width // (WORD // bits))


def pack(codes: np.ndarray, bits: int) -> np.ndarray:
    """Pack unsigned codes (snapshots, width, N), each in a field of `bits`, into words (snapshots, words, N).

    Raises:
        ValueError: a field does not hold a code.

    >>> pack(np.array([[[1, 2], [3, 4]]], dtype=np.uint8), 8).tolist()
    [[[259, 516]]]
    """
    refuse_large_codes(codes, bits)
    words = empty_words(codes, bits)
    for own, packed in zip(codes, words, strict=True):
        pack_codes(own, bits, packed)
    return words


def pack_translated(codes: np.ndarray, tables: np.ndarray, bits: int) -> np.ndarray:
    """Translate codes (snapshots, width, N) by tables, and pack them into words (snapshots, words, N) uint64.

    Args:
        codes: unsigned integers.
        tables: the translation of each code, (snapshots, 1 or width, codes) unsigned, for all neurons or for
            each.

    Raises:
        ValueError: a field does not hold a translated code.
    """
    refuse_large_codes(tables, bits)
    words = empty_words(codes, bits)
    for own, table, packed in zip(codes, tables.astype(np.uint64), words, strict=True):
        translate_and_pack_codes(own, table, bits, packed)
    return words


def refuse_large_codes(codes: np.ndarray, bits: int) -> None:
    if bits < 8 * codes.itemsize and codes.max() >= 1 << bits:
        raise ValueError(f"codes up to {codes.max()} do not fit into {bits} bits")


def empty_words(codes: np.ndarray, bits: int) -> np.ndarray:
    snapshots, width, count = codes.shape
    return np.empty((snapshots, words_per_code(width, bits), count), np.uint64)


@compiled
def pack_codes(codes: np.ndarray, bits: int, words: np.ndarray) -> None:
    """Pack codes (width, N) into words (words, N), each of which holds ⌊64/bits⌋ neighbouring fields.

    Args:
        codes: integers, of which all but the lowest `bits` are dropped.
        bits: width of a field, 1 … 64.
        words: receives `words_per_code`(width, bits) words for each input, uint64.
    """
    width, count = codes.shape
    fields, shift, mask = WORD // bits, uint64(bits), ~ZERO >> uint64(WORD - bits)
    for word in range(len(words)):
        top = word * fields
        for start in range(0, count, BLOCK):
            packed, row = words[word, start : start + BLOCK], codes[top, start : start + BLOCK]
            for index in range(len(packed)):
                packed[index] = uint64(row[index]) & mask
            for field in range(top + 1, min(top + fields, width)):
                row = codes[field, start : start + BLOCK]
                for index in range(len(packed)):
                    packed[index] = (packed[index] << shift) | (uint64(row[index]) & mask)


@compiled
def translate_and_pack_codes(codes: np.ndarray, tables: np.ndarray, bits: int, words: np.ndarray) -> None:
    """`pack_codes` of codes (width, N) translated by tables (1 or width, codes) uint64."""
    width, count = codes.shape
    fields, shift = WORD // bits, uint64(bits)
    for word in range(len(words)):
        top = word * fields
        for start in range(0, count, BLOCK):
            packed = words[word, start : start + BLOCK]
            for index in range(len(packed)):
                packed[index] = ZERO
            for field in range(top, min(top + fields, width)):
                row, table = codes[field, start : start + BLOCK], tables[field if len(tables) > 1 else 0]
                for index in range(len(packed)):
                    packed[index] = (packed[index] << shift) | table[row[index]]
