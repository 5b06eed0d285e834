"""Specs: base class of the models of data sets, trainings, estimators and figures."""

import json
from collections.abc import Collection
from typing import Any

from infoplane.config.fields import Strict
from infoplane.html import html_table

__all__ = ["Spec", "refuse_others"]


class Spec(Strict):
    """Base of all specs."""

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


def refuse_others(spec: Any, takes: Collection[str], keys: Collection[str]) -> None:
    """Refuse those of some keys that are set and that the kind does not take."""
    for key in sorted(set(keys) - set(takes)):
        if getattr(spec, key) != type(spec).model_fields[key].get_default():
            what = "them" if key in ("experiments", "estimators", "layers", "trained") else "it"
            raise ValueError(f"kind {spec.kind} takes no {key}; remove {what}")
