"""Refusals of arguments that a function does not take, in one line with their name."""

from collections.abc import Collection
from os import PathLike
from pathlib import Path
from typing import Any

from infoplane.errors import UserError, WrongType, WrongValue

__all__ = [
    "as_path",
    "refuse_empty",
    "refuse_other_names",
    "refuse_other_suffix",
    "refuse_other_types",
    "short_text",
]

MOST_LETTERS = 60


def refuse_other_types(name: str, value: Any, types: type | tuple[type, ...], expected: str) -> None:
    """Raise a `WrongType` if an argument is of none of some types.

    Args:
        name: the argument.
        expected: what it should be, with article.

    >>> refuse_other_types("dataset", {}, str, "a name")
    Traceback (most recent call last):
    infoplane.errors.WrongType: dataset: a dict is given, expected a name
    """
    if not isinstance(value, types):
        raise WrongType(f"{name}: {short_text(value)} is given, expected {expected}")


def refuse_other_names(name: str, value: Any, names: Collection[str]) -> None:
    """Raise a `WrongValue` if an argument is none of some names.

    >>> refuse_other_names("colour", "loss", ["epoch", "layer"])
    Traceback (most recent call last):
    infoplane.errors.WrongValue: colour: 'loss' is unknown; use epoch or layer
    """
    if not isinstance(value, str) or value not in names:
        *others, last = names
        choice = f"{', '.join(others)} or {last}" if others else last
        raise WrongValue(f"{name}: {short_text(value)} is unknown; use {choice}")


def refuse_empty(path: Path) -> None:
    """Raise a `UserError` if a file of a study has no content, which a full disk leaves."""
    if path.is_file() and not path.stat().st_size:
        raise UserError(f"{path}: is empty; remove it and run the workflow again")


def refuse_other_suffix(path: Path, suffix: str, what: str) -> None:
    """Raise a `UserError` if the name of an output says that it is of another format.

    Args:
        what: it is, with article.

    >>> refuse_other_suffix(Path("mine.doc"), ".pdf", "a paper")
    Traceback (most recent call last):
    infoplane.errors.UserError: mine.doc: a paper is written as .pdf; rename the output
    """
    if path.suffix.lower() != suffix:
        raise UserError(f"{path}: {what} is written as {suffix}; rename the output")


def as_path(value: Any, name: str = "path") -> Path:
    """A path that was given as such, or as text.

    Raises:
        WrongType: it is neither.
    """
    refuse_other_types(name, value, (str, PathLike), "a path")
    return Path(value)


def short_text(value: Any) -> str:
    """A value in a message: itself if it is short, else its type with an article.

    >>> short_text(None), short_text(3), short_text([1, 2]), short_text({}), short_text(int)
    ('None', '3', '[1, 2]', 'a dict', 'the class int')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    plain = value is None or isinstance(value, str | bool | int | float | complex | list | tuple)
    text = repr(value) if plain else ""
    if 0 < len(text) <= MOST_LETTERS and text.isprintable():
        return text
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOaeiou' else 'a'} {name}"
