"""Sweeps: experiments that vary keys of another one, and patterns that stand for their names."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from infoplane.config.fields import Name, Overrides, Strict, documented
from infoplane.config.parsing import printable, quoted
from infoplane.config.validation import refusal, validated
from infoplane.errors import UserError

__all__ = ["Sweeps", "Written", "matched", "with_sweeps"]

# Keys that a sweep does not vary: what figures write, and files of runs
NO_FACTORS = ("label", "recorded")
NAME = TypeAdapter(Name)
OTHERWISE = "or write this experiment under a name of its own"


class Sweeps(Strict):
    """Keys of an experiment and the values that experiments of their own give them."""

    sweep: Overrides = documented(
        "adds an experiment for each value of each key, with all other keys unchanged",
        values="keys of experiments other than `label` and `recorded`, each with a list of values that "
        "differ from the experiment's own",
        unset="none",
        default_factory=dict,
    )
    grid: Overrides = documented(
        "adds an experiment for each combination of values, with one value for each key",
        values="keys of experiments other than `label` and `recorded`, each with a list of values",
        unset="none",
        default_factory=dict,
    )


class Written(NamedTuple):
    """An experiment as a config writes it, itself or by a sweep or grid.

    Attributes:
        keys: all that are written for it.
        origin: the experiment that it varies; itself if it is written itself.
        section: `sweep` or `grid`; nothing if it is written itself.
        changes: what it changes of its origin.
    """

    keys: dict[str, Any]
    origin: str
    section: str = ""
    changes: Mapping[str, Any] = {}

    @property
    def name(self) -> str:
        return "-".join([self.origin, *(f"{key}-{value_name(value)}" for key, value in self.changes.items())])

    @property
    def place(self) -> str:
        """Where a config varies its origin, and how.

        >>> Written({"bits": 4}, "relu", "sweep", {"bits": 4}).place
        "experiments.relu.sweep: {'bits': 4}"
        """
        return f"experiments.{self.origin}.{self.section}: {quoted(dict(self.changes))}"


def with_sweeps(experiments: Mapping[str, Mapping[str, Any]], source: str) -> dict[str, Written]:
    """The experiments of a config, those of their sweeps and grids included.

    An experiment of a sweep is named after the experiment, the key and the value; one of a grid after all
    keys and values. A mapping in place of a key's value is named by its values, a list by its items.

    Raises:
        UserError: there is nothing to vary, values are no list, a key cannot be varied, or a name cannot be
            used or stands for two experiments.

    >>> [*with_sweeps({"relu": {"bits": 8, "sweep": {"batch_size": [32, 1024]}}}, "mine.yaml")]
    ['relu', 'relu-batch_size-32', 'relu-batch_size-1024']
    """
    found: dict[str, Written] = {}
    for name, own in experiments.items():
        keys = {key: value for key, value in own.items() if key not in Sweeps.model_fields}
        factors = {key: value for key, value in own.items() if key in Sweeps.model_fields}
        sweeps = validated(Sweeps, factors, source, f"experiments.{name}")
        refuse_no_factors(sweeps, f"{source}: experiments.{name}")
        found[name] = Written(keys, name)
        for section, changes in changes_of(sweeps):
            one = Written(keys | changes, name, section, changes)
            refuse_no_name(one, source)
            if one.name in found or one.name in experiments:
                raise UserError(
                    f"{source}: {printable(one.place)} makes the name {one.name}, which is taken; remove it, "
                    f"{OTHERWISE}"
                )
            found[one.name] = one
    return found


def refuse_no_factors(sweeps: Sweeps, where: str) -> None:
    """Refuse sections without keys, keys that cannot be varied, and values that are no list."""
    for section in sorted(sweeps.model_fields_set):
        factors = getattr(sweeps, section)
        if not factors:
            raise UserError(f"{where}.{section}: is empty; give keys and lists of their values, or remove it")
        for key, values in factors.items():
            place = printable(f"{where}.{section}.{key}")
            if key in NO_FACTORS:
                raise UserError(f"{place}: cannot be varied; write an experiment for each value")
            if not isinstance(values, list):
                raise UserError(f"{place}: {quoted(values)} is not a list; give a list of values")
            if not values:
                raise UserError(f"{place}: is empty; give a list of values, or remove it")


def changes_of(sweeps: Sweeps) -> Iterator[tuple[str, dict[str, Any]]]:
    """`sweep` or `grid`, and what each of its experiments changes."""
    for key, values in sweeps.sweep.items():
        yield from (("sweep", {key: value}) for value in values)
    if sweeps.grid:
        for values in product(*sweeps.grid.values()):
            yield "grid", dict(zip(sweeps.grid, values, strict=True))


def refuse_no_name(one: Written, source: str) -> None:
    """Refuse a name that an experiment of a sweep or of a grid must not have."""
    try:
        NAME.validate_python(one.name)
    except ValidationError as error:
        wrong = refusal(error, Strict, f"{source}: {one.place} makes a name that is refused")
        raise UserError(f"{wrong}, {OTHERWISE}") from None


def value_name(value: Any) -> str:
    """A value as a part of a name: letters, digits, `-` and `_`.

    >>> value_name(0.5), value_name([20, 14, 6]), value_name({"weights": 8, "activations": 4})
    ('0_5', '20-14-6', '8-4')
    """
    if isinstance(value, Mapping):
        value = [*value.values()]
    if isinstance(value, list):
        return "-".join(map(value_name, value))
    return str(value).replace(".", "_").replace("+", "")


def matched(names: Any, known: Iterable[str]) -> Any:
    """A list of names with each pattern, such as `relu-*`, replaced by the known names that it matches.

    What is no list of texts is returned as it is, and so is a pattern that matches nothing: validation
    refuses both.

    >>> matched(["tanh", "relu-*"], ["relu", "relu-b", "relu-a", "tanh"])
    ['tanh', 'relu-a', 'relu-b']
    """
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return names
    expanded: list[str] = []
    for name in names:
        expanded += (sorted(each for each in known if fnmatchcase(each, name)) if "*" in name else []) or [
            name
        ]
    return expanded
