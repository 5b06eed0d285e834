"""Names that were probably meant, where what is written is none of those that are known."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["in_another_case", "nearest", "suggestion"]

# The beginning of a name stands for it from so many letters on
BEGINNING = 3
# What is written for names that are called otherwise
SYNONYMS = {"gpu": "cuda", "processor": "cpu"}


def suggestion(name: str, names: Iterable[str]) -> str:
    """The valid name that was probably meant, or all of them.

    >>> suggestion("SGD", ["adam", "sgd"]), suggestion("x", ["adam", "sgd"])
    ("did you mean 'sgd'?", 'use one of adam, sgd')
    """
    names = list(names)
    meant = nearest(name, names)
    return f"did you mean {meant!r}?" if meant else f"use one of {', '.join(names)}"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that is most like another, whatever their case; a beginning that only one has stands for it.

    >>> nearest("init", ["epochs", "initialisation"]), nearest("ReLU", ["elu", "relu", "relu-6"])
    ('initialisation', 'relu')
    >>> nearest("GPU", ["cpu", "cuda"])
    'cuda'
    """
    known = {each.casefold(): each for each in names}
    given = SYNONYMS.get(name.casefold(), name.casefold())
    begun = [each for each in known if len(given) >= BEGINNING and each.startswith(given)]
    found = begun if len(begun) == 1 else get_close_matches(given, known, n=1)
    return known[found[0]] if found else None


def in_another_case(value: object, names: Iterable[str]) -> str | None:
    """The name that a value is but for its case.

    >>> in_another_case("Float32", ["float32"]), in_another_case(32, ["float32"])
    ('float32', None)
    """
    given = value.casefold() if isinstance(value, str) else None
    return next((each for each in names if each.casefold() == given), None)
