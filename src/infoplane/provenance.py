"""Whether a file is current: what it says that it was made from, against what the config asks for."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safetensors import safe_open

from infoplane.code import RECORDED, TRAINED, made_by
from infoplane.config import DatasetSpec, EstimatorSpec, RecordedExperiment, RecordedSpec, TrainingSpec
from infoplane.config.kinds import FIGURES
from infoplane.config.parsing import from_here
from infoplane.config.recorded import ACCURACIES, estimators_in
from infoplane.config.specs import Spec
from infoplane.config.study import Study
from infoplane.digests import canonical, file_digest
from infoplane.errors import UserError
from infoplane.layout import path_of, repetitions_of
from infoplane.recognition import description_of

__all__ = [
    "Provenance",
    "described_spec",
    "is_information",
    "made_from",
    "maker",
    "refuse_folders",
    "refuse_missing_data",
    "refuse_missing_recordings",
    "refuse_recorded_alone",
    "refuse_unwritable",
]

FIRST = 1  # of the kernels, before results said their version
# Tables of one repetition of an experiment
OF_ONE_RUN = ("merging", "activations")
# Whether runs with and without each accuracy have what a figure takes, by `FigureKind.accuracies`
ENOUGH: dict[str, Callable[[Iterable[bool]], bool]] = {"": lambda has: True, "any": any, "all": all}


class Provenance:
    """What the files of a study depend on, and whether they are current.

    Methods take the kind of a file, a key of `infoplane.layout.FILES`, and the names in its path.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.data_of = cache(self.find_data)

    def engine(self, names: Mapping[str, str]) -> str:
        """The engine that trained the networks of a file, or `recorded`."""
        experiment = self.study.experiments.get(names.get("experiment", ""))
        if isinstance(experiment, RecordedExperiment):
            return RECORDED
        return experiment.engine if experiment else "kernels"

    def describes_itself(self, kind: str, names: Mapping[str, str]) -> bool:
        """Whether the description in a file alone decides if it is current: for what kernels made."""
        return kind in TRAINED and self.engine(names) == "kernels"

    def spec(self, kind: str, names: Mapping[str, str]) -> dict[str, Any] | None:
        """The part of the config that a job depends on; None for jobs that depend on files alone."""
        match kind:
            case "dataset":
                return self.study.datasets[names["dataset"]].differences()
            case "history":
                recorded = names["experiment"] in self.study.recorded
                return None if recorded else self.study.trained[names["experiment"]].spec.differences()
            case "information":
                return self.study.estimators[names["estimator"]].spec.differences()
            case "figure":
                return self.study.figures[names["figure"]].differences()
            case "verdicts" | "index":
                return self.study.labels()
        return None

    def content(self, kind: str, names: Mapping[str, str]) -> dict[str, Any]:
        """What a job depends on besides files of other jobs: spec, engine or modules, the user's own data."""
        path = self.study.datasets[names["dataset"]].path if kind == "dataset" else None
        own: dict[str, Any] = {"file": file_digest(Path(path))} if path else {}
        engine = self.engine(names)
        if kind in TRAINED and engine == RECORDED:
            own = {"recorded": self.study.experiments[names["experiment"]].spec.differences()}
        return {"spec": self.spec(kind, names), **own, **made_by(kind, engine)}

    def is_current(self, kind: str, path: Path, names: Mapping[str, str]) -> bool:
        """Whether the description in a file is that of what the study asks for.

        Figures, CSV and pages have no description and are never current by themselves.
        """
        description = description_of(path)
        if kind == "dataset":
            data = identity(self.data_of(names["dataset"]))
            return identity(description.get("dataset")) == data is not None
        if "experiment" not in names:
            return False
        experiment = self.study.experiments[names["experiment"]]
        estimator = self.study.estimators[names["estimator"]].spec if "estimator" in names else None
        repetitions = repetitions_of(names["chunk"]) if "chunk" in names else range(experiment.repetitions)
        if isinstance(experiment, RecordedExperiment):
            data = identity(experiment.inputs)
        else:
            data = identity(self.data_of(experiment.dataset))
        return (
            described_spec(description) == made_from(experiment.spec, estimator)
            and (kind in OF_ONE_RUN or repetitions_in(path, description) == [*repetitions])
            and identity(description.get("dataset")) == data is not None
            and maker(description) == made_by(kind, self.engine(names))
        )

    def find_data(self, name: str) -> dict[str, Any] | None:
        """The description of a data set: that in its file if the spec agrees, else that of data made anew.

        None if the data would have to be downloaded.
        """
        spec = self.study.datasets[name]
        path = Path(self.study.results, path_of("dataset", dataset=name))
        description = description_of(path)
        wanted = spec.model_dump(mode="json", exclude={"path", "folder"})
        if spec.path:
            wanted["file"] = file_digest(Path(spec.path))
        if description.get("spec") == wanted and maker(description) == made_by("dataset"):
            described: dict[str, Any] = description["dataset"]
            return described
        return describe_data(spec, path.parent)


def is_information(table: Path, estimator: EstimatorSpec, trajectory: Path) -> bool:
    """Whether a table says that it is the information of a trajectory by an estimator and these kernels."""
    measured, trained = description_of(table), description_of(trajectory)
    return (
        described_spec(measured) == {**described_spec(trained), "estimator": estimator.differences()}
        and measured.get("repetitions") == repetitions_in(trajectory, trained)
        and identity(measured.get("dataset")) == identity(trained.get("dataset")) is not None
        and maker(measured) == made_by("information")
    )


def describe_data(spec: DatasetSpec, caches: Path) -> dict[str, Any] | None:
    """The description of a data set that is made in memory; None if that takes a download, or fails."""
    from infoplane.datasets.dataset import first_part
    from infoplane.datasets.stage import make

    if spec.kind not in ("npz", "synthetic") and spec.folder is None:
        spec = spec.model_copy(update={"folder": str(caches / spec.kind)})
    with suppress(UserError), redirect_stdout(StringIO()):  # the job of the data set will say what is wrong
        return first_part(make(spec, caches), spec.fraction).description
    return None


def identity(dataset: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Name and digest of a data set, by which it is identified."""
    return (dataset["name"], dataset["digest"]) if dataset else None


def made_from(runs: TrainingSpec | RecordedSpec, estimator: EstimatorSpec | None = None) -> dict[str, Any]:
    """The spec in the description of a file of trained or recorded runs, and by an estimator if given."""
    what = "recorded" if isinstance(runs, RecordedSpec) else "training"
    specs: dict[str, Spec] = {what: runs} | ({"estimator": estimator} if estimator else {})
    return {name: spec.differences() for name, spec in specs.items()}


def described_spec(description: Mapping[str, Any]) -> dict[str, Any]:
    """The spec in a description, reduced to what differs from the defaults.

    >>> described_spec({"spec": {"estimator": {"kind": "exact", "subset": "all"}}})
    {'estimator': {'kind': 'exact'}}
    """
    models: dict[str, type[Spec]] = {
        "training": TrainingSpec,
        "recorded": RecordedSpec,
        "estimator": EstimatorSpec,
    }
    spec: dict[str, Any] = description.get("spec", {})
    with suppress(KeyError, ValueError):  # keys or values of another version
        return {name: models[name].model_validate(its).differences() for name, its in spec.items()}
    return spec


def maker(description: Mapping[str, Any]) -> dict[str, Any]:
    """What made a file according to its description, in the form of `made_by`.

    Trainings and information by the first kernels say only that kernels made them.
    """
    said = {key: description[key] for key in ("engine", "code") if key in description}
    by_kernels = description.get("spec", {}).get("training", {}).get("engine") == "kernels"
    unnumbered = description.get("kind") in TRAINED and by_kernels
    return said or ({"engine": FIRST} if unnumbered else {})


def repetitions_in(path: Path, description: Mapping[str, Any]) -> Any:
    """The repetitions in a file: a table lists them in its description, a trajectory in an array."""
    if path.suffix == ".safetensors" and description:
        with safe_open(path, framework="numpy") as file:
            return file.get_tensor("repetitions").tolist()
    return description.get("repetitions")


def refuse_missing_data(study: Study, source: str) -> None:
    """Raise a `UserError` if a file or folder of the user's own data does not exist or does not fit."""
    for name, spec in study.datasets.items():
        if spec.path and not Path(spec.path).is_file():
            raise UserError(
                f"{source}: datasets.{name}.path: {spec.path} is not a file{from_here(spec.path)}; correct "
                "the path, or put the file there"
            )
        if spec.folder and not Path(spec.folder).is_dir():
            raise UserError(
                f"{source}: datasets.{name}.folder: {spec.folder} is not a folder{from_here(spec.folder)}; "
                "correct it, or remove it to have the files downloaded"
            )
    refuse_missing_recordings(study, source)
    for name, its in study.estimators.items():
        if not its.experiments:
            raise UserError(f"{source}: estimators.{name}: it applies to no experiment; remove it")


def refuse_missing_recordings(study: Study, source: str) -> None:
    """Raise a `UserError` if recordings do not exist, do not belong together, or lack what is asked for."""
    for name in study.recorded:
        refuse_unfit_recordings(study, name, source)


def refuse_recorded_alone(results: Path) -> None:
    """Raise a `UserError` if a folder of results is of recorded runs alone, on which no claim rests."""
    found = [description_of(path) for path in results.glob(path_of("history", experiment="*", chunk="*"))]
    if found and all("recorded" in each.get("spec", {}) for each in found):
        raise UserError(
            f"{results}: holds recorded runs alone, and no claim rests on them; trace a study that trains"
        )


def refuse_unwritable(study: Study, source: str) -> None:
    """Raise a `UserError` if the folder of results is no folder, or nothing can be written there."""
    results = Path(study.results).absolute()
    existing = next(path for path in (results, *results.parents) if os.path.lexists(path))
    where = f"{source}: results: {study.results}"
    if not existing.is_dir():
        found = "it" if existing == results else str(existing)
        raise UserError(
            f"{where} cannot be a folder, as {found} is a file or a broken link; name another one"
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"{where} cannot be written to; unlock {existing}, or name another folder")
    try:  # root may write everywhere, but not on a system's own folders, nor on a disk that is read only
        with TemporaryDirectory(dir=existing, prefix=".infoplane-"):
            pass
    except OSError as error:
        raise UserError(
            f"{where} cannot be made, as {existing} takes no files ({error.strerror}); name another folder"
        ) from error


def refuse_unfit_recordings(study: Study, name: str, source: str) -> None:
    """Refuse a recorded experiment whose files do not belong together, or lack what the study asks for."""
    experiment = study.recorded[name]
    where = f"{source}: experiments.{name}.recorded"
    try:
        description = experiment.descriptions()[0]
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    path, held = experiment.paths[0], estimators_in(description)
    known = ", ".join(f"{key} {canonical(spec)}" for key, spec in held.items())
    asked = {key: its.spec for key, its in study.estimators.items() if name in its.experiments}
    for key, spec in asked.items():
        if spec.differences() not in held.values():
            raise UserError(
                f"{source}: estimators.{key}: {name} was recorded without it; {path} has {known}; write "
                f"one of these, or take {name} out of estimators.{key}.experiments"
            )
    if not asked:
        raise UserError(f"{where}: no estimator of the config was recorded; add one that {path} has: {known}")
    for other, its in study.recorded.items():
        if its.dataset == experiment.dataset and its.inputs != experiment.inputs:
            raise UserError(
                f"{where}: {path} and {its.paths[0]} of {other} are of other inputs or labels; give one of "
                "them another recorded.dataset"
            )
    missing = [each for each in ACCURACIES if each not in experiment.accuracies]
    has = [each not in missing for each in ACCURACIES]
    for key, figure in study.figures.items():
        if name in figure.experiments and not ENOUGH[FIGURES[figure.kind].accuracies](has):
            without = "accuracies" if len(missing) > 1 else missing[0]
            given = ", ".join(f"{each}=…" for each in missing)
            raise UserError(
                f"{source}: figures.{key}: {name} was recorded without {without}; give "
                f"recorder.record(epoch, {given}), or name other experiments"
            )


def refuse_folders(folders: Sequence[str]) -> None:
    """Raise a `UserError` if jobs cannot work in a folder because of its name.

    Args:
        folders: that of the modules first.
    """
    for letter in (os.pathsep, *"{}"):  # the first ends a path for Python, others begin a name for Snakemake
        if letter in folders[0]:
            raise UserError(f"{folders[0]}: a folder of modules can have no {letter} in its name; rename it")
    encoding = sys.getfilesystemencoding()
    for folder in folders:
        if not folder.isascii() and encoding != "utf-8":
            raise UserError(
                f"{folder}: a name that is not ASCII takes UTF-8, and the locale says {encoding}; "
                "start with PYTHONUTF8=1"
            )
