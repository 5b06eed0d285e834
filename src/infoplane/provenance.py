"""What a file says that it was made from, against what a config asks for."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from infoplane.config import DatasetSpec, EstimatorSpec, TrainingSpec
from infoplane.errors import UserError
from infoplane.recognition import description_of

__all__ = ["is_dataset", "is_made_from", "made_from"]


def made_from(training: TrainingSpec, estimator: EstimatorSpec | None = None) -> dict[str, Any]:
    """The spec that a file carries which was made from these."""
    specs = {"training": training} | ({"estimator": estimator} if estimator else {})
    return {name: spec.differences() for name, spec in specs.items()}


def is_made_from(path: Path, spec: dict[str, Any], repetitions: range) -> bool:
    """Whether a trajectory or a table says that it was made from a spec, and of those repetitions."""
    told, numbers = description_of(path), [*repetitions]
    return told.get("spec") == spec and told.get("repetitions", numbers) == numbers


def is_dataset(path: Path, spec: DatasetSpec) -> bool:
    """Whether a file says that it holds the data set of a spec; one's own arrays are read and compared."""
    told = description_of(path)
    if told.get("spec") != spec.model_dump(mode="json", include={"name", "kind", "fraction"}):
        return False
    if spec.path is None:
        return True
    from infoplane.datasets.dataset import first_part
    from infoplane.datasets.stage import own_arrays

    with suppress(UserError):  # the job that makes the file anew will say what is wrong
        return bool(told["dataset"] == first_part(own_arrays(spec), spec.fraction).description)
    return False
