"""Validation of what a user wrote: a strict model, or one line that says what is wrong and what to do."""

import re
from collections.abc import Container, Iterable, Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from infoplane.config.fields import BY_LAYERS, BY_NAME, MEANT, REMOVED, Strict
from infoplane.config.parsing import from_json, printable, quoted, shortened
from infoplane.config.suggestions import suggestion
from infoplane.errors import UserError

__all__ = ["parse_spec", "refusal", "refuse_unknown", "validated"]

Model = TypeVar("Model", bound=BaseModel)


def parse_spec(model: type[Model], text: str) -> Model:
    """Read a spec from its JSON.

    >>> from infoplane.config import EstimatorSpec
    >>> parse_spec(EstimatorSpec, '{"kind": "uniform", "bins": 30, "range": [-1, 1]}').range
    (-1.0, 1.0)
    """
    return validated(model, from_json(text, "--spec"), "--spec")


def validated(
    model: type[Model],
    own: Any,
    source: str,
    where: str = "",
    defaults: Mapping[str, Any] | None = None,
    defaults_at: str = "",
) -> Model:
    """`defaults` overridden by `own` as a `model`, or a `UserError` with the key that the user wrote."""
    if not isinstance(own, Mapping):
        raise UserError(f"{source}: contains no keys; see config/README.md for what belongs there")
    defaults = defaults or {}
    try:
        return model.model_validate({**defaults, **own})
    except ValidationError as error:
        raise UserError(
            refusal(error, model, source, where, defaults.keys() - own.keys(), defaults_at)
        ) from None


def refusal(
    error: ValidationError,
    model: type[BaseModel],
    source: str,
    where: str = "",
    inherited: Container[Any] = (),
    defaults_at: str = "",
) -> str:
    """One line on the first error that pydantic has found: where it is, what is wrong and what to do.

    Args:
        source: what was read: a file, an option, or the name of a class.
        where: the key whose value was validated.
        inherited: keys that were not written there, but at `defaults_at`.
    """
    # a misspelt key is also a missing one: name the misspelt
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    location = first["loc"][:-2] if first["loc"][-1:] == ("[key]",) else first["loc"]
    is_inherited = bool(first["loc"]) and first["loc"][0] in inherited
    location = tuple(part for part in location if part not in (BY_NAME, BY_LAYERS))
    parts = [defaults_at if is_inherited else where, *(shortened(str(part)) for part in location)]
    key = ".".join(filter(None, parts))
    place = ": ".join(filter(None, (source, key)))
    is_superfluous = first["type"] == "not_taken"
    wrong = superfluous(first["ctx"], inherited, defaults_at) if is_superfluous else complaint(first, model)
    return printable(f"{place}: {wrong}")


def superfluous(context: Mapping[str, Any], inherited: Container[Any], defaults_at: str) -> str:
    """What is wrong with keys that the value `by` of another one does not take, and what to do."""
    by, keys = context["by"], context["keys"]
    own = [key for key in keys if key not in inherited]
    named = own or keys
    it = "them" if len(named) > 1 or named[0] in PLURAL else "it"
    if own:
        return f"{by} takes no {' and no '.join(named)}; remove {it}"
    return (
        f"{by} takes no {' and no '.join(named)}; move {it} from {defaults_at} to the entries that take {it}"
    )


RULES = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_type": "a whole number",
    "invalid_key": "text; quote it if it is a number",
    "model_type": "a mapping",
    "string_too_short": "at least one character",
    "string_type": "text; quote it if it is a number",
    "too_short": "not empty",
    "tuple_type": "a list",
}
# Keys that a message calls them
PLURAL = {"estimators", "experiments", "layers", "ranges", "trained"}


def complaint(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong and what to do, in a few words."""
    given = error["input"]
    match error["type"]:
        case "extra_forbidden":
            *sections, name = map(str, error["loc"])
            if name in REMOVED:
                return REMOVED[name]
            for section in sections:
                model = cast(type[BaseModel], model.model_fields[section].annotation)
            return f"unknown key; {suggestion_of_key(name, model)}"
        case "missing":
            return "missing; add it"
        case "literal_error":
            names = re.findall("'([^']*)'", error["ctx"]["expected"])
            return f"{quoted(given)} is unknown; {suggestion(str(given), names)}"
        case "unknown_name":
            return f"{quoted(given)} is unknown; {suggestion(given, error['ctx']['names'])}"
        case "string_pattern_mismatch":
            return f"{quoted(given)} cannot name a file; use up to 100 letters, digits, - and _"
        case "string_too_long":
            return f"{quoted(given)} has {len(given)} characters; use up to {error['ctx']['max_length']}"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            rule = RULES.get(error["type"], error["msg"].removeprefix("Input should be "))
            return f"{quoted(given)} is refused; it must be {rule}"


def suggestion_of_key(name: str, model: type[BaseModel]) -> str:
    """The key that was probably meant of those that a model takes, and that stand beside them."""
    keys = [*model.model_fields, *(model.beside if issubclass(model, Strict) else ())]
    key, told = MEANT.get(name, ("", ""))
    return told if key in keys else suggestion(name, keys)


def refuse_unknown(names: Iterable[str], valid: Iterable[str], where: str) -> None:
    for name in names:
        if name not in valid:
            raise UserError(f"{where}: {quoted(name)} is unknown; {suggestion(name, valid)}")
