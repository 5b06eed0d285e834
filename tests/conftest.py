"""What test modules share."""

from collections import Counter

import pytest

from infoplane import Dataset, load_dataset


@pytest.fixture(scope="session")
def synthetic() -> Dataset:
    return load_dataset("synthetic")


@pytest.fixture(scope="module")
def tally():
    """Inputs by kind and whether they were accepted; said at the end of the module, seen with `-s`."""
    counts: Counter[tuple[str, bool]] = Counter()
    yield counts
    for kind in dict.fromkeys(kind for kind, _ in counts):
        accepted, refused = counts[kind, True], counts[kind, False]
        print(f"\n{kind}: {accepted + refused}, accepted {accepted}, refused {refused}", end="")
