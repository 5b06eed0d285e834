"""Estimators that a recording is asked for, by their names."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infoplane.config import EstimatorSpec
from infoplane.config.validation import validated
from infoplane.errors import UserError
from infoplane.information.estimators import Estimator, estimator_of
from infoplane.refusals import refuse_other_types

__all__ = ["Estimators", "named_estimators"]

# A spec, its keys, or a kind that needs no more; several of them; or several by names of one's own.
AnyEstimator = EstimatorSpec | Mapping[str, Any] | str
Estimators = AnyEstimator | Sequence[AnyEstimator] | Mapping[str, AnyEstimator]

SOURCE = "estimators"


def named_estimators(estimators: Estimators, bits: int) -> dict[str, Estimator]:
    """The estimators by their names: those given, or names like `uniform-30-layer`.

    Args:
        estimators: what a user gave.
        bits: the activation bits of the network, 32 for floats.

    Raises:
        UserError: a spec is wrong, asks for a subset or bits that are not given, or two have the same name.

    >>> [*named_estimators(["exact", {"kind": "uniform", "bins": 30, "range": (-1, 1)}], bits=32)]
    ['exact', 'uniform-30-fixed']
    """
    if isinstance(estimators, Mapping) and "kind" not in estimators:
        specs = {str(name): spec_of(each, str(name)) for name, each in estimators.items()}
    else:
        expected = "specs, their keys as a dict, kinds, or a mapping of names to them"
        refuse_other_types(SOURCE, estimators, (str, EstimatorSpec, Iterable), expected)
        several = [estimators] if isinstance(estimators, str | EstimatorSpec | Mapping) else [*estimators]
        given = [spec_of(each, "") for each in several]
        names = Counter(map(short_name, given))
        if twice := [name for name, count in names.items() if count > 1]:
            raise UserError(f"{SOURCE}: two are called {twice[0]}; give a mapping with names of your own")
        specs = dict(zip(names, given, strict=True))
    if not specs:
        raise UserError(f"{SOURCE}: there are none; give at least one, as exact")
    for name, spec in specs.items():
        refuse_unfit(name, spec, bits)
    return {name: estimator_of(spec, bits) for name, spec in specs.items()}


def spec_of(given: AnyEstimator, name: str) -> EstimatorSpec:
    if isinstance(given, EstimatorSpec):
        return given
    return validated(EstimatorSpec, {"kind": given} if isinstance(given, str) else given, SOURCE, name)


def short_name(spec: EstimatorSpec) -> str:
    """The kind of an estimator, its bins or bits, and its range, `fixed` if that is a pair."""
    parts = [spec.kind, spec.bins, spec.bits, "fixed" if isinstance(spec.range, tuple) else spec.range]
    return "-".join(str(part) for part in parts if part is not None)


def refuse_unfit(name: str, spec: EstimatorSpec, bits: int) -> None:
    if spec.subset != "all":
        raise UserError(
            f"{SOURCE}: {name}: subset {spec.subset} of these inputs is not known; leave it out, and give "
            "only the inputs to be counted"
        )
    if spec.epochs is not None:
        raise UserError(
            f"{SOURCE}: {name}: epochs {spec.epochs} are some of a finished training; leave it out, and "
            "record only these"
        )
    if spec.kind == "quantized" and (spec.bits or bits) > 16:
        raise UserError(f"{SOURCE}: {name}: has no bits, and the network has {bits}; give it bits, 1 to 16")
