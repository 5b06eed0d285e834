"""Specs: base class of the models of data sets, trainings, estimators and figures."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from infoplane.config.fields import Strict
from infoplane.config.validation import refusal
from infoplane.errors import WrongValue
from infoplane.html import html_table

__all__ = ["Spec", "not_taken", "refuse_others"]


class Spec(Strict):
    """Base of all specs.

    Raises:
        WrongValue: a key is missing, unknown or has a wrong value, or a spec would be changed.
    """

    def __init__(self, **keys: Any) -> None:
        try:
            super().__init__(**keys)
        except ValidationError as error:
            raise WrongValue(refusal(error, type(self), type(self).__name__)) from None

    # pydantic validates mappings, such as those of a config, without this method, and reports every error
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def __setattr__(self, name: str, value: Any) -> None:
        own = type(self).__name__
        raise WrongValue(f"{own}: {name} cannot be set; make another {own}")

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """What `repr` shows: the keys whose values are not the defaults, as one would write them."""
        for name, value in self.differences().items():
            yield name, as_written(value)

    def differences(self) -> dict[str, Any]:
        """The keys whose values are not the defaults, as JSON values: what a spec is known and hashed by.

        A key that is added later leaves them as they are, for all who do not use it.

        >>> from infoplane.config import EstimatorSpec
        >>> EstimatorSpec(kind="exact", subset="all").differences()
        {'kind': 'exact'}
        """
        return self.model_dump(mode="json", exclude_defaults=True)

    def _repr_html_(self) -> str:
        """What a notebook shows: the keys whose values are not the defaults."""
        return html_table(type(self).__name__, {k: json.dumps(v) for k, v in self.differences().items()})


def as_written(value: Any) -> Any:
    """A value of a spec in its shortest form: widths as numbers, and one number of bits for both.

    >>> as_written([{"dense": 10}, {"pool": 2}]), as_written({"weights": 8, "activations": 8})
    ([10, {'pool': 2}], 8)
    """
    match value:
        case {"dense": width}:
            return width
        case {"weights": weights, "activations": activations} if weights == activations:
            return weights
        case list():
            return [as_written(each) for each in value]
    return value


def refuse_others(spec: Any, takes: Collection[str], keys: Collection[str]) -> None:
    """Refuse those of some keys that are set and that the kind does not take."""
    others = [
        key
        for key in sorted(set(keys) - set(takes))
        if getattr(spec, key) != type(spec).model_fields[key].get_default()
    ]
    if others:
        raise not_taken(f"kind {spec.kind}", *others)


def not_taken(by: str, *keys: str) -> PydanticCustomError:
    """The error that keys are set beside a value of another one that does not take them.

    Args:
        by: the other key and its value, as `optimizer sgd`.
    """
    return PydanticCustomError("not_taken", "not taken", {"by": by, "keys": [*keys]})
