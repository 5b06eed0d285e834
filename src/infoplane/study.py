"""The study that a config describes: every default applied, and all that it says checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from infoplane.checking import checked, refuse_unknown
from infoplane.config import (
    EXACT,
    PUBLIC,
    DatasetSpec,
    Device,
    Estimator,
    Experiment,
    FigureSpec,
    Sections,
)
from infoplane.errors import UserError
from infoplane.plain import from_yaml

__all__ = ["Study", "load_study", "resolve"]


@dataclass(frozen=True)
class Study:
    """A config with every default applied and every name checked."""

    results: str
    trajectories: Literal["keep", "drop"]
    device: Device
    datasets: dict[str, DatasetSpec]
    experiments: dict[str, Experiment]
    estimators: dict[str, Estimator]
    figures: dict[str, FigureSpec]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every experiment with every estimator that is applied to it, in the order of their names."""
        return sorted(
            (name, key) for key, estimator in self.estimators.items() for name in estimator.experiments
        )

    def exact_estimator(self, experiment: str) -> str | None:
        """The estimator of the exact value of an experiment over all inputs; of several the first."""
        exact = (
            key
            for key, estimator in sorted(self.estimators.items())
            if estimator.spec == EXACT and experiment in estimator.experiments
        )
        return next(exact, None)


def resolve(config: Mapping[str, Any], source: str) -> Study:
    """Apply the defaults of a config and check all that it says.

    Args:
        config: what was read from the config file.
        source: the name of that file, for errors.

    Raises:
        UserError: one line that names file, key and remedy.

    >>> config = {"experiments": {"mine": {"activaton": "relu"}}, "estimators": {"exact": {"kind": "exact"}}}
    >>> resolve(config, "mine.yaml")
    Traceback (most recent call last):
    infoplane.errors.UserError: mine.yaml: experiments.mine.activaton: unknown key; did you mean 'activation'?
    """
    sections = checked(Sections, config, source)
    everything = {"experiments": "all"}
    defaults = ({"engine": "torch"} if sections.device == "cuda" else {}) | sections.defaults
    experiments = {
        name: checked(Experiment, own, source, f"experiments.{name}", defaults, "defaults")
        for name, own in sections.experiments.items()
    }
    refuse_kernels_on_a_gpu(sections, experiments, source)
    for name, own in sections.datasets.items():
        if "name" in own:
            raise UserError(f"{source}: datasets.{name}.name: unknown key; rename datasets.{name} instead")
    no_overrides: Mapping[str, Any] = {}
    datasets = {
        name: checked(DatasetSpec, {"name": name, **own}, source, f"datasets.{name}")
        for name, own in ({name: no_overrides for name in PUBLIC} | sections.datasets).items()
    }
    for name, experiment in experiments.items():
        where = f"experiments.{name}" if "dataset" in sections.experiments[name] else "defaults"
        refuse_unknown([experiment.dataset], datasets, f"{source}: {where}.dataset")
    estimators = {
        name: checked(Estimator, all_named(everything | own, experiments), source, f"estimators.{name}")
        for name, own in sections.estimators.items()
    }
    figures = {
        name: checked(
            FigureSpec,
            all_named(own, experiments),
            source,
            f"figures.{name}",
            sections.figure_defaults,
            "figure_defaults",
        )
        for name, own in sections.figures.items()
    }
    for name, its in estimators.items():
        refuse_unknown(its.experiments, experiments, f"{source}: estimators.{name}.experiments")
    for name, figure in figures.items():
        refuse_unknown(figure.experiments, experiments, f"{source}: figures.{name}.experiments")
        refuse_unknown(figure.estimators or (), estimators, f"{source}: figures.{name}.estimators")
        for estimator in figure.estimators or ():
            for missing in sorted(set(figure.experiments) - set(estimators[estimator].experiments)):
                raise UserError(
                    f"{source}: figures.{name}: shows {missing} by {estimator}, which is not applied to it; "
                    f"add it to estimators.{estimator}.experiments"
                )
    used = {each.dataset: datasets[each.dataset] for each in experiments.values()}
    study = Study(
        results=sections.results,
        trajectories=sections.trajectories,
        device=sections.device,
        datasets=used,
        experiments=experiments,
        estimators=estimators,
        figures=figures,
    )
    refuse_unfit_experiments(study, source)
    refuse_unfit_estimators(study, source)
    return study


def load_study(path: Path) -> Study:
    """Read and `resolve` one config file."""
    return resolve(from_yaml(path), str(path))


def refuse_kernels_on_a_gpu(sections: Sections, experiments: Mapping[str, Experiment], source: str) -> None:
    for name, experiment in experiments.items():
        if sections.device == "cuda" and experiment.engine == "kernels":
            where = f"experiments.{name}" if "engine" in sections.experiments[name] else "defaults"
            raise UserError(
                f"{source}: {where}.engine: kernels run on a processor, and device is cuda; "
                "write engine: torch, or device: cpu"
            )


def refuse_unfit_experiments(study: Study, source: str) -> None:
    """What is read out of grids needs networks that have them."""
    float32 = {name for name, its in study.experiments.items() if its.bits == "float32"}
    controlled = {name for name, its in study.experiments.items() if its.protocol == "controlled"}
    for name, estimator in study.estimators.items():
        for unfit in sorted(float32 & set(estimator.experiments)):
            if estimator.kind == "quantized":
                raise UserError(
                    f"{source}: estimators.{name}: kind quantized takes its bits from a network, and {unfit} "
                    "has none; name other experiments"
                )
    for name, figure in study.figures.items():
        for unfit in sorted(float32 & set(figure.experiments)):
            if figure.kind == "levels":
                raise UserError(
                    f"{source}: figures.{name}: shows levels of grids, and {unfit} has none; "
                    "name quantized experiments"
                )
        if figure.kind == "merging" and (float32 | controlled) & set(figure.experiments):
            raise UserError(
                f"{source}: figures.{name}: shows codes of logits; "
                "name quantized experiments of protocol published"
            )


def refuse_unfit_estimators(study: Study, source: str) -> None:
    """Figures that set estimates beside the exact value show what can be compared with it."""
    for name, figure in study.figures.items():
        if figure.kind not in ("errors", "signs"):
            continue
        for estimator in figure.estimators or ():
            its = study.estimators[estimator]
            if its.subset != "all":
                raise UserError(
                    f"{source}: figures.{name}: {estimator} counts a subset of the inputs; "
                    f"kind {figure.kind} takes estimators of all of them"
                )
            if figure.kind == "errors" and its.kind == "exact":
                raise UserError(f"{source}: figures.{name}: {estimator} is exact, it has no error; remove it")
        for experiment in figure.experiments:
            if figure.kind == "errors" and study.exact_estimator(experiment) is None:
                raise UserError(
                    f"{source}: figures.{name}: {experiment} has no exact value; "
                    "apply an estimator of kind exact to it"
                )


def all_named(own: Mapping[str, Any], experiments: Iterable[str]) -> dict[str, Any]:
    """`experiments: all` spelt out, in an order that does not depend on that of the config."""
    return {**own, "experiments": sorted(experiments)} if own.get("experiments") == "all" else {**own}
