"""Words: numbers with their nouns, ranges and lists, as sentences have them."""

from collections.abc import Iterable
from decimal import Decimal

__all__ = ["counted", "evaluated", "listed", "range_in_words", "span", "spans"]


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

    >>> span([8000, 3000]), span([256]), span([1e-5, 0.1])
    ('3,000 to 8,000', '256', '0.00001 to 0.1')
    """
    low, high = min(known := [*numbers]), max(known)
    return plain(low) if low == high else f"{plain(low)} to {plain(high)}"


def plain(number: float) -> str:
    """A number without an exponent, its thousands apart.

    >>> plain(30000), plain(1e-05), plain(0.5)
    ('30,000', '0.00001', '0.5')
    """
    return f"{Decimal(str(number)).normalize():,f}"


def spans(numbers: Iterable[int]) -> str:
    """Whole numbers, neighbours among them as a range.

    >>> spans([2, 8, 3, 4]), spans([8]), spans([4, 5])
    ('2 to 4 and 8', '8', '4 and 5')
    """
    known = sorted({*numbers})
    runs: list[list[int]] = []
    for number in known:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return listed(str(each) for run in runs for each in ([span(run)] if len(run) > 2 else run))


def range_in_words(name: str) -> str:
    """The range of bins in words, from its name in a spec.

    >>> range_in_words("global"), range_in_words("layer")
    ('the range of the run', 'the range of the layer')
    """
    return f"the range of the {'run' if name == 'global' else name}"


def listed(words: Iterable[str], last_joined_by: str = "and") -> str:
    """Some words, each once, as in a sentence.

    >>> listed(["relu", "tanh", "relu"]), listed(["relu"]), listed("abc", "or")
    ('relu and tanh', 'relu', 'a, b or c')
    """
    *others, last = dict.fromkeys(words)
    return f"{', '.join(others)} {last_joined_by} {last}" if others else last
