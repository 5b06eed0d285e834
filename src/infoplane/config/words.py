"""Words: numbers with their nouns, ranges and lists, as sentences have them."""

from collections.abc import Iterable

__all__ = ["counted", "evaluated", "listed", "span"]


def counted(number: int | str, noun: str) -> str:
    """A number, or a range of numbers, and its noun.

    >>> counted(1, "run"), counted(20, "run"), counted(0, "run"), counted(span([1, 5]), "run")
    ('1 run', '20 runs', '0 runs', '1 to 5 runs')
    """
    return f"{number} {noun}{'s' * (str(number) != '1')}"


def evaluated(experiments: int, estimators: int) -> str:
    """What a study has evaluated, in numbers.

    >>> evaluated(94, 1)
    '94 experiments, evaluated by 1 estimator'
    """
    return f"{counted(experiments, 'experiment')}, evaluated by {counted(estimators, 'estimator')}"


def span(numbers: Iterable[float]) -> str:
    """The range of some numbers.

    >>> span([8000, 3000]), span([256]), span([1e-4, 1e-4])
    ('3000 to 8000', '256', '0.0001')
    """
    low, high = min(known := [*numbers]), max(known)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def listed(words: Iterable[str]) -> str:
    """Some words, each once, as in a sentence.

    >>> listed(["relu", "tanh", "relu"]), listed(["relu"]), listed("abc")
    ('relu and tanh', 'relu', 'a, b and c')
    """
    *others, last = dict.fromkeys(words)
    return f"{', '.join(others)} and {last}" if others else last
