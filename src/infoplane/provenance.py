"""What a file says that it was made from, against what a config asks for."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout, suppress
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

from safetensors import safe_open

from infoplane.artifacts import file_digest
from infoplane.code import TRAINED, made_by
from infoplane.config import DatasetSpec, EstimatorSpec, TrainingSpec
from infoplane.config.specs import Spec
from infoplane.config.study import Study
from infoplane.errors import UserError
from infoplane.layout import path_of, repetitions_of
from infoplane.recognition import description_of

__all__ = ["Provenance", "described_spec", "made_from", "maker", "refuse_folders", "refuse_missing_data"]

FIRST = 1  # of the kernels, before results said their version
# Tables of one repetition of an experiment
OF_ONE_RUN = ("merging", "activations")


class Provenance:
    """What the files of a study depend on, and whether they say so themselves.

    Methods take the kind of a file, a key of `infoplane.layout.FILES`, and what stands for the names in its
    path.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.data_of = cache(self.find_data)

    def engine(self, names: Mapping[str, str]) -> str:
        """What trained the networks that a file is of."""
        return self.study.experiments[names["experiment"]].engine if "experiment" in names else "kernels"

    def tells(self, kind: str, names: Mapping[str, str]) -> bool:
        """Whether a file alone decides if it is current: what kernels train and measure."""
        return kind in TRAINED and self.engine(names) == "kernels"

    def spec(self, kind: str, names: Mapping[str, str]) -> dict[str, Any] | None:
        """The slice of the config that a job is given; None of jobs that are given files alone."""
        match kind:
            case "dataset":
                return self.study.datasets[names["dataset"]].differences()
            case "history":
                return self.study.experiments[names["experiment"]].spec.differences()
            case "information":
                return self.study.estimators[names["estimator"]].spec.differences()
            case "figure":
                return self.study.figures[names["figure"]].differences()
            case "verdicts":
                return self.study.labels()
        return None

    def content(self, kind: str, names: Mapping[str, str]) -> dict[str, Any]:
        """What a job depends on besides files of other jobs: spec, modules or engine, one's own data."""
        path = self.study.datasets[names["dataset"]].path if kind == "dataset" else None
        own = {"file": file_digest(Path(path))} if path else {}
        return {"spec": self.spec(kind, names), **own, **made_by(kind, self.engine(names))}

    def is_current(self, kind: str, path: Path, names: Mapping[str, str]) -> bool:
        """Whether a file says that it is what the study asks for; figures, CSV and pages say nothing."""
        told = description_of(path)
        if kind == "dataset":
            return known(told.get("dataset")) == known(self.data_of(names["dataset"])) is not None
        if "experiment" not in names:
            return False
        experiment = self.study.experiments[names["experiment"]]
        estimator = self.study.estimators[names["estimator"]].spec if "estimator" in names else None
        repetitions = repetitions_of(names["chunk"]) if "chunk" in names else range(experiment.repetitions)
        data = known(self.data_of(experiment.dataset))
        return (
            described_spec(told) == made_from(experiment.spec, estimator)
            and (kind in OF_ONE_RUN or repetitions_in(path, told) == [*repetitions])
            and known(told.get("dataset")) == data is not None
            and maker(told) == made_by(kind, experiment.engine)
        )

    def find_data(self, name: str) -> dict[str, Any] | None:
        """The description of a data set: that of its file if this is of its spec, or of the data made anew.

        None if neither can be had without a download.
        """
        spec = self.study.datasets[name]
        path = Path(self.study.results, path_of("dataset", dataset=name))
        told = description_of(path)
        asked = spec.model_dump(mode="json", exclude={"path", "folder"})
        if spec.path:
            asked["file"] = file_digest(Path(spec.path))
        if told.get("spec") == asked and maker(told) == made_by("dataset"):
            described: dict[str, Any] = told["dataset"]
            return described
        return describe_data(spec, path.parent)


def describe_data(spec: DatasetSpec, caches: Path) -> dict[str, Any] | None:
    """The description of a data set that is made in memory; None if that takes a download, or fails."""
    from infoplane.datasets.dataset import first_part
    from infoplane.datasets.stage import make

    if spec.kind not in ("npz", "synthetic") and spec.folder is None:
        spec = spec.model_copy(update={"folder": str(caches / spec.kind)})
    with suppress(UserError), redirect_stdout(StringIO()):  # the job of the data set will say what is wrong
        return first_part(make(spec, caches), spec.fraction).description
    return None


def known(dataset: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """What a data set is known by: its name and its digest."""
    return (dataset["name"], dataset["digest"]) if dataset else None


def made_from(training: TrainingSpec, estimator: EstimatorSpec | None = None) -> dict[str, Any]:
    """The spec that a file carries which was made from these."""
    specs = {"training": training} | ({"estimator": estimator} if estimator else {})
    return {name: spec.differences() for name, spec in specs.items()}


def described_spec(told: Mapping[str, Any]) -> dict[str, Any]:
    """The spec in a description by what differs from the defaults, however it was written.

    >>> described_spec({"spec": {"estimator": {"kind": "exact", "subset": "all"}}})
    {'estimator': {'kind': 'exact'}}
    """
    models: dict[str, type[Spec]] = {"training": TrainingSpec, "estimator": EstimatorSpec}
    spec: dict[str, Any] = told.get("spec", {})
    with suppress(KeyError, ValueError):  # keys or values of another version
        return {name: models[name].model_validate(its).differences() for name, its in spec.items()}
    return spec


def maker(told: Mapping[str, Any]) -> dict[str, Any]:
    """What made a file as it says itself, in the form of `made_by`.

    Trainings and information by the first kernels say only that kernels made them.
    """
    said = {key: told[key] for key in ("engine", "code") if key in told}
    by_kernels = told.get("spec", {}).get("training", {}).get("engine") == "kernels"
    unnumbered = told.get("kind") in TRAINED and by_kernels
    return said or ({"engine": FIRST} if unnumbered else {})


def repetitions_in(path: Path, told: Mapping[str, Any]) -> Any:
    """The repetitions that a file holds: a table says them, a trajectory has them as an array."""
    if path.suffix == ".safetensors" and told:
        with safe_open(path, framework="numpy") as file:
            return file.get_tensor("repetitions").tolist()
    return told.get("repetitions")


def refuse_missing_data(study: Study, source: str) -> None:
    """Raise a `UserError` if a file or folder of one's own data is not there."""
    for name, spec in study.datasets.items():
        if spec.path and not Path(spec.path).is_file():
            raise UserError(
                f"{source}: datasets.{name}.path: {spec.path} is not a file; correct the path, or put the "
                "file there"
            )
        if spec.folder and not Path(spec.folder).is_dir():
            raise UserError(
                f"{source}: datasets.{name}.folder: {spec.folder} is not a folder; correct it, or remove it "
                "to have the files downloaded"
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
