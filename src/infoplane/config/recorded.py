"""Recorded experiments: runs of other models, in files that `infoplane.Recorder` has saved."""

import math
from collections.abc import Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from infoplane.config.estimators import EstimatorSpec
from infoplane.config.fields import Label, Name, Strict, documented, expanded
from infoplane.config.parsing import from_here, shortened
from infoplane.config.specs import Spec
from infoplane.config.training import TrainingSpec
from infoplane.digests import canonical, file_digest
from infoplane.errors import UserError

__all__ = [
    "ACCURACIES",
    "METRICS",
    "RecordedExperiment",
    "RecordedFiles",
    "RecordedSpec",
    "described",
    "estimators_in",
    "files_matching",
    "metrics_in",
    "recorded_dataset",
    "recorded_spec",
    "refuse_different",
    "refuse_other_shares",
    "repeated_runs",
    "spec_of_runs",
]

# The metrics of a recording that the study knows: loss (nats), and accuracies as shares of 1
ACCURACIES = ("train_accuracy", "test_accuracy")
METRICS = ("loss", *ACCURACIES)
# What the files of one experiment have in common, and how it is called
COMMON = {"layers": "layers", "bits": "bits", "estimators": "estimators"}


class RecordedSpec(Spec):
    """All that the numbers of recorded runs depend on.

    Attributes:
        files: SHA-256 of the file of each run.
        layers: names of the layers.
        bits: activation bits of the model, 32 for floats.
    """

    files: Annotated[tuple[str, ...], Field(strict=False)]
    layers: Annotated[tuple[str, ...], Field(strict=False)]
    bits: int = 32


class RecordedFiles(Strict):
    """The files of a recorded experiment."""

    files: Annotated[
        tuple[Annotated[str, Field(min_length=1), AfterValidator(expanded)], ...],
        Field(strict=False, min_length=1),
        BeforeValidator(
            lambda value: [value] if isinstance(value, str) else value,
            json_schema_input_type=str | tuple[str, ...],
        ),
        documented(
            "files written by `infoplane.Recorder.save`, one for each run; runs are numbered in the order "
            "of the file names",
            values="a path with wildcards, such as `runs/*.parquet`, or a list of paths",
        ),
    ]
    dataset: Annotated[
        Name,
        documented(
            "name of the recorded inputs; experiments with the same name have the same inputs, and share "
            "the tables in `statistics/NAME/`",
            values="text",
        ),
    ] = "recorded"


class RecordedExperiment(Strict):
    """Runs that were recorded elsewhere, in place of a training."""

    recorded: Annotated[
        RecordedFiles,
        documented(
            "recorded runs of your own models, which the study does not train",
            values="`{files: runs/*.parquet}`",
        ),
    ]
    label: Annotated[
        Label | None,
        documented(
            "label that replaces the name in figures and tables; no number depends on it",
            unset="the name",
            values="text of up to 60 characters",
        ),
    ] = None

    @property
    def dataset(self) -> str:
        return self.recorded.dataset

    @property
    def paths(self) -> list[Path]:
        """Files of the runs, in the order of their names; none where the pattern matches nothing."""
        return files_matching(self.recorded.files)

    @property
    def repetitions(self) -> int:
        return len(self.paths)

    @property
    def chunks(self) -> list[str]:
        """The one chunk of all runs; none where there are no files."""
        return [f"0-{self.repetitions - 1}"] if self.repetitions else []

    @property
    def spec(self) -> RecordedSpec:
        """What its numbers depend on.

        Raises:
            UserError: files are missing or unreadable, or do not belong together.
        """
        return recorded_spec(self.paths, self.descriptions())

    @property
    def inputs(self) -> dict[str, Any]:
        """What is known of the recorded inputs, as from `recorded_dataset`."""
        return recorded_dataset(self.dataset, self.descriptions()[0])

    @property
    def accuracies(self) -> tuple[str, ...]:
        """The accuracies that are in all files: train_accuracy, test_accuracy, both or none."""
        return tuple(name for name in metrics_in(self.descriptions()) if name in ACCURACIES)

    def descriptions(self) -> list[dict[str, Any]]:
        """What each file says of itself.

        Raises:
            UserError: there are no files, or one is no recording, or they do not belong together.
        """
        paths = self.paths
        if not paths:
            place = next(filter(None, map(from_here, self.recorded.files)), "")
            raise UserError(f"{', '.join(self.recorded.files)}: matches no file{place}; correct the path")
        descriptions = [described(path) for path in paths]
        refuse_different(paths, descriptions)
        return descriptions

    def holds(self, estimator: EstimatorSpec) -> bool:
        """Whether its files have an estimator. They are taken to have it as long as there are none."""
        from infoplane.recognition import description_of  # seconds of imports that no other config needs

        description = description_of(self.paths[0]) if self.paths else {}
        return not description or estimator.differences() in estimators_in(description).values()


def repeated_runs(recorded: Mapping[str, RecordedExperiment]) -> list[str]:
    """Warnings of recordings of equal content, one for each two experiments, or for an experiment by itself.

    Args:
        recorded: the experiments by name.
    """
    known: dict[str, tuple[str, Path]] = {}
    warnings: dict[tuple[str, str], str] = {}
    for name, its in recorded.items():
        for path, content in zip(its.paths, its.spec.files, strict=True):
            other, same = known.setdefault(content, (name, path))
            if (other, same) != (name, path):
                warnings.setdefault(
                    (name, other),
                    f"experiments.{name}: {path} is the same run as {same} of {other}, and tests take runs "
                    "to be independent; give each run once",
                )
    return [*warnings.values()]


def files_matching(patterns: Sequence[str]) -> list[Path]:
    """The files that some patterns match, each once, in the order of their names."""
    found = {path for pattern in patterns for path in glob(pattern, recursive=True)}
    return sorted(map(Path, found))


def described(path: Path) -> dict[str, Any]:
    """What a recording says of itself.

    Raises:
        UserError: the file is no recording.
    """
    from infoplane.recognition import UNKNOWN, description_of, recognise

    description = description_of(path)
    if description.get("kind") != "recorded":
        found = recognise(path).words or UNKNOWN
        raise UserError(
            f"{path}: is {found}, expected a recording; give files that infoplane.Recorder.save has written"
        )
    if not description["epochs"]:
        raise UserError(f"{path}: holds no epochs; record some before it is saved")
    for name in ACCURACIES:
        for value in description["history"].get(name, []):
            refuse_other_shares(f"{path}: {name}", value)
    return description


def refuse_other_shares(place: str, value: float | None) -> None:
    """Refuse an accuracy that is no share of 1; NaN and None, where it is not known, are none.

    Args:
        place: of the value, for the message.

    >>> refuse_other_shares("metric test_accuracy", 93.0)
    Traceback (most recent call last):
    infoplane.errors.UserError: metric test_accuracy: 93 is not a share between 0 and 1; divide by 100
    """
    if value is None or math.isnan(value) or 0 <= value <= 1:
        return
    remedy = "divide by 100" if 1 < value <= 100 else "give correct answers divided by all"
    raise UserError(f"{place}: {value:g} is not a share between 0 and 1; {remedy}")


def refuse_different(paths: Sequence[Path], descriptions: Sequence[Mapping[str, Any]]) -> None:
    """Refuse recordings that are not of one experiment: the first that differs from the first of all."""
    first, *others = descriptions
    for path, other in zip(paths[1:], others, strict=True):
        for what, one, another in differing(first, other):
            raise UserError(
                f"{paths[0]} and {path}: differ in their {what}, {shortened(one)} and {shortened(another)}; "
                "give files of one experiment"
            )


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """In what two recordings differ, and both in words."""
    for key, what in COMMON.items():
        if one["spec"][key] != other["spec"][key]:
            yield what, as_text(one["spec"][key]), as_text(other["spec"][key])
    if one["epochs"] != other["epochs"]:
        yield "recorded epochs", *two_lists(one["epochs"], other["epochs"])
    passes = [each["history"]["epoch"] for each in (one, other)]
    if passes[0] != passes[1]:
        yield "epochs of metrics", *two_lists(*passes)
    for key, what in {"inputs": "numbers of inputs", "classes": "classes", "labels": "labels"}.items():
        if one["dataset"][key] != other["dataset"][key]:
            yield what, str(one["dataset"][key]), str(other["dataset"][key])


def two_lists(one: Sequence[int], other: Sequence[int]) -> tuple[str, str]:
    """Two lists of epochs, by their lengths where these differ."""
    if len(one) != len(other):
        return str(len(one)), str(len(other))
    first = next(place for place, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1])
    return str(one[first]), str(other[first])


def as_text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else canonical(value)


def recorded_spec(paths: Sequence[Path], descriptions: Sequence[Mapping[str, Any]]) -> RecordedSpec:
    """The spec of the runs in some files, from these and from what they say of themselves."""
    spec = descriptions[0]["spec"]
    return RecordedSpec(files=tuple(map(file_digest, paths)), layers=tuple(spec["layers"]), bits=spec["bits"])


def estimators_in(description: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The estimators of a recording by their names in it: what differs from the defaults."""
    found = description.get("spec", {}).get("estimators", {})
    return {name: EstimatorSpec.model_validate(its).differences() for name, its in found.items()}


def metrics_in(descriptions: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The metrics that all recordings have, of those that a study knows."""
    return tuple(name for name in METRICS if all(name in each["history"] for each in descriptions))


def recorded_dataset(name: str, description: Mapping[str, Any]) -> dict[str, Any]:
    """What a study says of recorded inputs: name, digest, N, number of classes, H(Y) (bits).

    The digest is that of the labels: a recording knows no more of its inputs.
    """
    known = description["dataset"]
    return {"name": name, "digest": known["labels"]} | {
        key: value for key, value in known.items() if key != "labels"
    }


def spec_of_runs(spec: Mapping[str, Any]) -> TrainingSpec | RecordedSpec:
    """What the runs of a table are of, from the spec that it carries."""
    if "recorded" in spec:
        return RecordedSpec.model_validate(spec["recorded"])
    return TrainingSpec.model_validate(spec["training"])
