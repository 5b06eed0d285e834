"""Random numbers as functions of seed, repetition and purpose: Philox4x32-10, shuffles, uniform numbers.

Philox encrypts a counter (Salmon, Moraes, Dror & Shaw 2011, https://doi.org/10.1145/2063384.2063405), so any
number of any stream can be had without those before it. Seed, repetition, purpose and epoch are the key and
parts of the counter. So no two streams share a number, and no version of a library decides one.
"""

from dataclasses import dataclass

import numpy as np

from infoplane.compilation import compiled, inlined

__all__ = ["Streams", "philox", "shuffled", "uniform_numbers"]

INITIALISATION, PREFIT_LABELS, LABELS, SPLIT, SUBSAMPLES = 0, 1, 2, 3, 4
SHUFFLING = {"prefit": 5, "main": 6}
LOW = np.uint64(0xFFFFFFFF)
FACTORS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
FIRST_FACTOR, SECOND_FACTOR = FACTORS
FIRST_STEP, SECOND_STEP = STEPS
ROUNDS = 10
HALF = np.uint64(32)


@inlined
def philox(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Four random words of 32 bits from a counter of four words and a key of two, each in a uint64."""
    for _ in range(ROUNDS):
        first, second = FIRST_FACTOR * c0, SECOND_FACTOR * c2
        c0, c1, c2, c3 = (second >> HALF) ^ c1 ^ k0, second & LOW, (first >> HALF) ^ c3 ^ k1, first & LOW
        k0, k1 = (k0 + FIRST_STEP) & LOW, (k1 + SECOND_STEP) & LOW
    return c0, c1, c2, c3


@compiled
def fill_words(seed: np.uint64, stream: np.ndarray, block: np.uint64, words: np.ndarray) -> None:
    """Fill `words`, a multiple of four, from a block of a stream (epoch, repetition, purpose) on."""
    for position in range(len(words) // 4):
        four = philox(
            (block + np.uint64(position)) & LOW, stream[0], stream[1], stream[2], seed & LOW, seed >> HALF
        )
        for word in range(4):
            words[4 * position + word] = four[word]


@compiled
def shuffled(seed: np.uint64, stream: np.ndarray, words: np.ndarray, order: np.ndarray) -> None:
    """Write a random order of 0 … N − 1, N < 2³², by the shuffle of Fisher and Yates.

    From the last position down to the second, each is exchanged with one that is drawn among those up to it.
    Of n positions, a word w draws j = ⌊w·n/2³²⌋. Words with w·n mod 2³² < 2³² mod n are passed over, so that
    all positions are equally likely (Lemire 2019, https://doi.org/10.1145/3230636).

    Args:
        stream: epoch, repetition and purpose.
        words: scratch memory, a multiple of four words.
    """
    block, used = np.uint64(0), len(words)
    for position in range(len(order)):
        order[position] = position
    for last in range(len(order) - 1, 0, -1):
        number = np.uint64(last + 1)
        while True:
            if used == len(words):
                fill_words(seed, stream, block, words)
                block += np.uint64(len(words) // 4)
                used = 0
            product = words[used] * number
            used += 1
            low = product & LOW
            if low >= number or low >= (np.uint64(2**32) - number) % number:
                break
        other = np.int64(product >> HALF)
        order[last], order[other] = order[other], order[last]


def uniform_numbers(seed: int, stream: np.ndarray, count: int) -> np.ndarray:
    """Uniform float64 numbers in (0, 1), (count,), of 53 random bits each."""
    words = np.empty(-(-count // 2) * 4, dtype=np.uint64)
    fill_words(np.uint64(seed), stream, np.uint64(0), words)
    high, low = words.reshape(-1, 2)[:count].T >> np.array([[5], [6]], dtype=np.uint64)
    bits: np.ndarray = high * np.uint64(2**26) + low
    # Where the last bit does not fit beside the half, it is rounded; the largest number is 1 − 2⁻⁵³.
    return np.minimum((bits.astype(np.float64) + 0.5) / 2.0**53, 1 - 2.0**-53)


@dataclass(frozen=True)
class Streams:
    """The random numbers of one repetition.

    >>> Streams(seed=0, repetition=1).order("main", 0, 5).tolist()
    [4, 2, 1, 0, 3]
    """

    seed: int
    repetition: int

    def stream(self, purpose: int, epoch: int = 0) -> np.ndarray:
        """The parts of the counter that are different for each stream."""
        return np.array([epoch, self.repetition, purpose], dtype=np.uint64)

    def permutation(self, purpose: int, epoch: int, count: int) -> np.ndarray:
        """A random order of 0 … count − 1, int64."""
        order = np.empty(count, dtype=np.int64)
        shuffled(np.uint64(self.seed), self.stream(purpose, epoch), np.empty(1024, dtype=np.uint64), order)
        return order

    def uniforms(self, count: int) -> np.ndarray:
        """Numbers in (0, 1) for the initialisation, (count,) float64."""
        return uniform_numbers(self.seed, self.stream(INITIALISATION), count)

    def order(self, part: str, epoch: int, count: int) -> np.ndarray:
        """The order of the training inputs in an epoch ≥ 0 of a part, `prefit` or `main`: (count,) int64."""
        return self.permutation(SHUFFLING[part], epoch, count)

    def prefit_order(self, count: int) -> np.ndarray:
        """The permutation of the training labels in the prefit, (count,) int64."""
        return self.permutation(PREFIT_LABELS, 0, count)

    def label_order(self, count: int) -> np.ndarray:
        """The permutation of all labels for `labels: shuffled`, (count,) int64."""
        return self.permutation(LABELS, 0, count)

    def split_order(self, count: int) -> np.ndarray:
        """The order in which inputs are taken for training, (count,) int64."""
        return self.permutation(SPLIT, 0, count)

    def subsample_order(self, count: int) -> np.ndarray:
        """The order in which inputs are taken for subsamples of a data set, (count,) int64."""
        return self.permutation(SUBSAMPLES, 0, count)
