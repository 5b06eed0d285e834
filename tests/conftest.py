"""What test modules share."""

from collections import Counter

import pytest
from hypothesis import settings

from infoplane import Dataset, load_dataset

# How long an example takes depends on the machine: no test fails by it
if settings.get_current_profile_name() == "default":
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")


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
