"""Types of fields: numbers within bounds, names that files can bear, pairs, lists without repetition."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from infoplane.config.parsing import duplicates, quoted
from infoplane.config.suggestions import in_another_case

__all__ = [
    "BY_LAYERS",
    "BY_NAME",
    "MEANT",
    "REMOVED",
    "Count",
    "Decay",
    "Experiments",
    "ExperimentsOrNone",
    "Folder",
    "Interval",
    "Label",
    "Layers",
    "Name",
    "Names",
    "NamesOrNone",
    "Overrides",
    "Pair",
    "Pairs",
    "Rate",
    "Share",
    "Strict",
    "documented",
    "expecting",
    "one_of",
]

# What a network may be given by, as places of errors name it
BY_NAME, BY_LAYERS = "(name)", "(layers)"
# Keys of earlier versions, and what is to be said of them
REMOVED = {"compile": "has no meaning any more; remove it"}
WIDTHS = ("network", "layers and their widths are given by network, as in network: [10, 8, 6]")
# What is written for keys that are called otherwise: the key, and what is to be said
MEANT = {
    **dict.fromkeys(("depth", "layers", "neurons", "units", "width", "widths"), WIDTHS),
    "lr": ("learning_rate", "did you mean 'learning_rate'?"),
    "runs": ("repetitions", "did you mean 'repetitions'?"),
}


class Strict(BaseModel):
    """Base of all models: unknown keys, infinities and values of another type are refused.

    Attributes:
        beside: keys that a config takes in the same place, and that the model does not see.
    """

    beside: ClassVar[tuple[str, ...]] = ()
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def expecting(text: str, *names: str) -> WrapValidator:
    """Replace every error inside of a field by one sentence that says what the field takes.

    Args:
        names: those that it takes, to be recognised in another case.
    """

    def validate(value: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            return handler(value)
        except ValidationError:
            meant = in_another_case(value, names)
            wrong = f"unknown; did you mean {meant!r}?" if meant else f"not {text}"
            raise ValueError(f"{quoted(value)} is {wrong}") from None

    return WrapValidator(validate)


def documented(
    description: str,
    *,
    values: str = "",
    unset: str = "",
    names: Iterable[str] = (),
    **constraints: Any,
) -> Any:
    """A documented key of the config.

    Args:
        description: its meaning, with units, in Markdown.
        values: the values that it takes, where its type does not say them.
        names: the names that it takes, where a table knows them.
        unset: what holds where it is not given, if that is not its default.
        constraints: those of `pydantic.Field`.
    """
    known = [*names]
    extra: dict[str, Any] = {"values": values or ", ".join(f"`{name}`" for name in known), "unset": unset}
    if known:
        extra["enum"] = known
    return Field(description=description, json_schema_extra=extra, **constraints)


def one_of(names: Iterable[str]) -> AfterValidator:
    """Take a name of a table, and suggest the nearest one otherwise."""
    known = [*names]

    def validate(value: str) -> str:
        if value not in known:
            raise PydanticCustomError("unknown_name", "unknown", {"names": known})
        return value

    return AfterValidator(validate)


def no_other_all(value: Any) -> Any:
    if value != "all" and in_another_case(value, ["all"]):
        raise ValueError(f"{quoted(value)} is unknown; did you mean 'all'?")
    return value


def increasing(interval: tuple[float, float]) -> tuple[float, float]:
    if not interval[0] < interval[1]:
        raise ValueError("not increasing")
    return interval


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if twice := duplicates(names):
        raise ValueError(f"names {quoted(twice[0])} twice; remove one")
    return names


def not_periodic(name: str) -> str:
    """Refuse a name that Snakemake takes for the sign of an endless recursion."""
    if found := re.search(r"(.+?)\1{19}$", name):
        raise ValueError(
            f"{quoted(name)} ends in {quoted(found[1])} 20 times, which Snakemake refuses; shorten it"
        )
    return name


def on_one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"{quoted(text)} is refused; write one line of text")
    return text


def experiment_and_estimator(pair: str) -> str:
    experiment, slash, estimator = pair.partition("/")
    if not (experiment and slash and estimator):
        raise ValueError(f"{quoted(pair)} is refused; write experiment/estimator")
    return pair


def without_wildcards(folder: str) -> str:
    if not folder.isprintable() or set(folder) & set("{}<>"):
        raise ValueError(f"{quoted(folder)} is refused; name a folder without {{, }}, < and >")
    return folder


def expanded(path: str) -> str:
    """A path with its `~` replaced by the home folder."""
    try:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError as error:
        raise ValueError(
            f"{quoted(path)} is in a home folder that is not known; write the whole path"
        ) from error


def no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{value} is refused; it must be a number")
    return value


# YAML 1.1 reads `1e-4` as text, everybody else as a number
Rate = Annotated[PositiveFloat, Field(strict=False), BeforeValidator(no_boolean)]
Decay = Annotated[float, Field(strict=False, ge=0, lt=1), BeforeValidator(no_boolean)]
Share = Annotated[float, Field(strict=False, gt=0, le=1), BeforeValidator(no_boolean)]
# Tables store repetitions and epochs in 32 bits
Count = Annotated[PositiveInt, Field(le=2**31 - 1)]
# The width of any pair is finite in float32
End = Annotated[float, Field(ge=-1e38, le=1e38)]
# YAML writes a pair as a list
Pair = Annotated[tuple[End, End], Field(strict=False), AfterValidator(increasing)]
Interval = Annotated[Pair, expecting("a pair [lo, hi] with lo < hi")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"), AfterValidator(not_periodic)]
Folder = Annotated[str, Field(min_length=1), AfterValidator(without_wildcards), AfterValidator(expanded)]
Overrides = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
Label = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(on_one_line)]
Layers = Annotated[tuple[Count, ...], Field(strict=False, min_length=1)]
NamesOrNone = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(distinct)]
Names = Annotated[NamesOrNone, Field(min_length=1)]
Experiments = Annotated[Names, BeforeValidator(no_other_all)]
ExperimentsOrNone = Annotated[NamesOrNone, BeforeValidator(no_other_all)]
Pairs = Annotated[
    tuple[Annotated[str, AfterValidator(experiment_and_estimator)], ...],
    Field(strict=False),
    AfterValidator(distinct),
]
