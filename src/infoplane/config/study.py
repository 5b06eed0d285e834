"""The study that a config describes: every default applied, and all that it says checked."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from infoplane.config.data import PUBLIC, DatasetSpec
from infoplane.config.estimators import EXACT, EstimatorSpec
from infoplane.config.fields import Count, Experiments, Folder, Label, Name, Overrides, Strict, documented
from infoplane.config.figures import FigureSpec
from infoplane.config.kinds import FIGURES, TABLES
from infoplane.config.labels import label_of_estimator, labels_of_trainings
from infoplane.config.parsing import from_yaml, printable
from infoplane.config.recorded import RecordedExperiment
from infoplane.config.sweeps import Sweeps, Written, matched, with_sweeps
from infoplane.config.training import TrainingSpec
from infoplane.config.validation import refuse_unknown, validated
from infoplane.errors import UserError

__all__ = [
    "NO_DEVICE",
    "AnyExperiment",
    "Device",
    "Estimator",
    "Experiment",
    "Sections",
    "Study",
    "load_config",
    "resolve",
]


class Experiment(TrainingSpec):
    """A training spec, how often it is repeated, and how many repetitions one job trains."""

    beside: ClassVar[tuple[str, ...]] = (*Sweeps.model_fields, "recorded")
    repetitions: Annotated[
        Count,
        documented(
            "number of times that the training is repeated, each with another seed",
            values="runs",
        ),
    ]
    chunk: Annotated[
        Count,
        documented(
            "number of repetitions that one job trains; it changes no number of a run",
            values="runs",
        ),
    ]
    control: Annotated[
        bool,
        documented(
            "whether the experiment is a control or an ablation, on which no [claim](../docs/claims.md) "
            "rests",
            values="`true`, `false`",
        ),
    ] = False
    label: Annotated[
        Label | None,
        documented(
            "label that replaces the name in figures and tables; it changes no number",
            unset="made from the keys, as in `ReLU, 8 bits`",
            values="text of up to 60 characters",
        ),
    ] = None

    @property
    def chunks(self) -> list[str]:
        """First and last repetition of every chunk; the last chunk may be short.

        >>> Experiment(dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8,
        ...            epochs=1, record_every=1, repetitions=50, chunk=20).chunks
        ['0-19', '20-39', '40-49']
        """
        starts = range(0, self.repetitions, self.chunk)
        return [f"{start}-{min(start + self.chunk, self.repetitions) - 1}" for start in starts]

    @property
    def spec(self) -> TrainingSpec:
        """The training spec: all keys that a repetition depends on."""
        return TrainingSpec.model_validate(self.model_dump(include={*TrainingSpec.model_fields}))


AnyExperiment = Experiment | RecordedExperiment


class Estimator(EstimatorSpec):
    """An estimator spec and the experiments that it is applied to."""

    experiments: Annotated[
        Experiments,
        documented(
            "experiments that the estimator is applied to",
            unset="`all`",
            values="`all`, or a list of names and patterns such as `relu-*`",
        ),
    ]
    label: Annotated[
        Label | None,
        documented(
            "label that replaces the name in figures and tables",
            unset="made from the keys, as in `30 bins, global range`",
            values="text of up to 60 characters",
        ),
    ] = None

    @property
    def spec(self) -> EstimatorSpec:
        """The estimator spec: all keys that an estimate depends on."""
        return EstimatorSpec.model_validate(self.model_dump(include={*EstimatorSpec.model_fields}))


NO_DEVICE = "auto would make results depend on the machine; write cpu or cuda"


def no_auto(value: Any) -> Any:
    if value == "auto":
        raise ValueError(NO_DEVICE)
    return value


Device = Literal["cpu", "cuda"]


class Sections(Strict):
    """A config as it is written: names, and what differs from the defaults."""

    results: Annotated[
        Folder,
        documented("folder for all results", unset="`results`"),
    ] = "results"
    trajectories: Annotated[
        Literal["keep", "drop"],
        documented(
            "`keep`, or `drop` each trajectory as soon as the estimators of the study have used it. This "
            "saves most of the disk space, but a later estimator has to train again"
        ),
    ] = "keep"
    device: Annotated[
        Device,
        BeforeValidator(no_auto),
        documented(
            "where training and information are computed: on the processor (`cpu`), or by PyTorch on a GPU "
            "(`cuda`); see [On a GPU](../docs/method.md#on-a-gpu)"
        ),
    ] = "cpu"
    datasets: Annotated[
        dict[Name, Overrides],
        documented(
            "your own data sets, and settings of the public ones, by name",
            default_factory=dict,
            unset="none",
        ),
    ]
    defaults: Annotated[
        Overrides,
        documented(
            "keys that apply to every experiment that does not set them itself",
            default_factory=dict,
            unset="none",
        ),
    ]
    experiments: Annotated[
        dict[Name, Overrides],
        documented(
            "networks to train, or runs that were recorded elsewhere, by name",
            min_length=1,
        ),
    ]
    estimators: Annotated[
        dict[Name, Overrides],
        documented(
            "ways to make T discrete and count its information, by name",
            min_length=1,
        ),
    ]
    figure_defaults: Annotated[
        Overrides,
        documented(
            "keys that apply to every figure that does not set them itself",
            default_factory=dict,
            unset="none",
        ),
    ]
    figures: Annotated[
        dict[Name, Overrides],
        documented(
            "figures to draw, by name",
            default_factory=dict,
            unset="none",
        ),
    ]


@dataclass(frozen=True)
class Study:
    """A config with every default applied and every name checked."""

    results: str
    trajectories: Literal["keep", "drop"]
    device: Device
    datasets: dict[str, DatasetSpec]
    experiments: dict[str, AnyExperiment]
    estimators: dict[str, Estimator]
    figures: dict[str, FigureSpec]

    @property
    def trained(self) -> dict[str, Experiment]:
        """The experiments that the study trains."""
        return {name: its for name, its in self.experiments.items() if isinstance(its, Experiment)}

    @property
    def recorded(self) -> dict[str, RecordedExperiment]:
        """The experiments that were recorded elsewhere."""
        return {name: its for name, its in self.experiments.items() if isinstance(its, RecordedExperiment)}

    @property
    def evidence(self) -> dict[str, Experiment]:
        """The experiments that claims rest on: no controls, and none that were recorded."""
        return {name: its for name, its in self.trained.items() if not its.control}

    @property
    def inputs(self) -> list[str]:
        """The names of data sets and of recorded inputs, each once."""
        return list(dict.fromkeys(each.dataset for each in self.experiments.values()))

    def trainings_on(self, dataset: str) -> dict[str, TrainingSpec]:
        """The trainings on a data set, by the names of their experiments."""
        return {name: its.spec for name, its in self.trained.items() if its.dataset == dataset}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every experiment with every estimator that is applied to it, in the order of their names."""
        return sorted(
            (name, key) for key, estimator in self.estimators.items() for name in estimator.experiments
        )

    def labels(self) -> dict[str, str]:
        """What is written in place of names: of estimators, of experiments with labels, and of evidence."""
        own = {name: its.label for name, its in self.experiments.items() if its.label}
        estimators = {
            name: its.label or label_of_estimator(its.spec) for name, its in self.estimators.items()
        }
        counted = {name: its.spec for name, its in self.evidence.items()}
        return estimators | own | labels_of_trainings(counted, own)

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
    sections = validated(Sections, config, source)
    refuse_keys_of_experiments(sections.defaults, source)
    written = with_sweeps(sections.experiments, source)
    experiments = resolve_experiments(sections, written, source)
    datasets = resolve_datasets(sections, written, experiments, source)
    estimators = resolve_estimators(sections, experiments, source)
    study = Study(
        results=sections.results,
        trajectories=sections.trajectories,
        device=sections.device,
        datasets=datasets,
        experiments=experiments,
        estimators=estimators,
        figures=resolve_figures(sections, experiments, estimators, source),
    )
    refuse_few_records(study, source)
    refuse_unfit_experiments(study, source)
    refuse_unfit_estimators(study, source)
    refuse_unfit_recorded(study, source)
    refuse_few_settings(study, source)
    return study


def resolve_experiments(
    sections: Sections, written: Mapping[str, Written], source: str
) -> dict[str, AnyExperiment]:
    """The experiments of a config, in the order in which it writes them."""
    recorded = {
        name: validated(RecordedExperiment, own.keys, source, f"experiments.{name}")
        for name, own in written.items()
        if "recorded" in own.keys
    }
    defaults = ({"engine": "torch"} if sections.device == "cuda" else {}) | sections.defaults
    trained = {
        name: validated(Experiment, own.keys, source, f"experiments.{name}", defaults, "defaults")
        for name, own in written.items()
        if name not in recorded
    }
    refuse_trained_again(written, trained, source)
    refuse_kernels_on_a_gpu(sections, written, trained, source)
    return {name: (recorded | trained)[name] for name in written}


def resolve_datasets(
    sections: Sections,
    written: Mapping[str, Written],
    experiments: Mapping[str, AnyExperiment],
    source: str,
) -> dict[str, DatasetSpec]:
    """The data sets that experiments are trained on: public ones, and the user's own."""
    for name, own in sections.datasets.items():
        if "name" in own:
            raise UserError(f"{source}: datasets.{name}.name: unknown key; rename datasets.{name} instead")
    no_overrides: Mapping[str, Any] = {}
    datasets = {
        name: validated(DatasetSpec, {"name": name, **own}, source, f"datasets.{name}")
        for name, own in ({name: no_overrides for name in PUBLIC} | sections.datasets).items()
    }
    trained = {name: its.dataset for name, its in experiments.items() if isinstance(its, Experiment)}
    for name, dataset in trained.items():
        where = f"experiments.{name}" if "dataset" in written[name].keys else "defaults"
        refuse_unknown([dataset], datasets, f"{source}: {where}.dataset")
    for name, its in experiments.items():
        if name not in trained and its.dataset in datasets:
            raise UserError(
                f"{source}: experiments.{name}.recorded.dataset: {its.dataset} is a data set; give "
                "the recorded inputs another name"
            )
    return {name: datasets[name] for name in trained.values()}


def resolve_estimators(
    sections: Sections, experiments: Mapping[str, AnyExperiment], source: str
) -> dict[str, Estimator]:
    """The estimators of a config, each with the names of the experiments that it is applied to."""
    recorded = {name: its for name, its in experiments.items() if isinstance(its, RecordedExperiment)}
    estimators = {}
    for name, own in sections.estimators.items():
        keys = {"experiments": "all"} | own
        where = f"estimators.{name}"
        estimator = validated(Estimator, all_named(keys, experiments), source, where)
        refuse_unknown(estimator.experiments, experiments, f"{source}: {where}.experiments")
        is_of_all = keys["experiments"] == "all"
        estimators[name] = without_unrecorded(estimator, recorded) if is_of_all else estimator
    return estimators


def resolve_figures(
    sections: Sections,
    experiments: Mapping[str, AnyExperiment],
    estimators: Mapping[str, Estimator],
    source: str,
) -> dict[str, FigureSpec]:
    """The figures of a config, with the labels of what they show."""
    figures = {
        name: validated(
            FigureSpec,
            all_named(own, experiments),
            source,
            f"figures.{name}",
            sections.figure_defaults,
            "figure_defaults",
        )
        for name, own in sections.figures.items()
    }
    for name, figure in figures.items():
        refuse_not_estimated(figure, experiments, estimators, f"{source}: figures.{name}")
    return {name: labelled(figure, experiments, estimators) for name, figure in figures.items()}


def without_unrecorded(estimator: Estimator, recorded: Mapping[str, RecordedExperiment]) -> Estimator:
    """An estimator of all experiments, without the recorded ones that were recorded without it."""
    lacking = {name for name, its in recorded.items() if not its.holds(estimator.spec)}
    applied = tuple(name for name in estimator.experiments if name not in lacking)
    return estimator.model_copy(update={"experiments": applied})


def labelled(
    figure: FigureSpec, experiments: Mapping[str, AnyExperiment], estimators: Mapping[str, Estimator]
) -> FigureSpec:
    """A figure with the labels that the config gives to what it shows, where it has none of its own."""
    its = {*figure.experiments, *(name for pair in figure.pairs for name in pair)}
    given: Mapping[str, AnyExperiment | Estimator] = {**estimators, **experiments}
    labels = {name: label for name in sorted(its) if (label := given[name].label)}
    return figure.model_copy(update={"labels": labels | figure.labels})


def load_config(path: Path) -> Study:
    """Read and `resolve` one config file.

    Raises:
        UserError: it is missing, or not right.
    """
    try:
        return resolve(from_yaml(path), str(path))
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: missing; correct the path, or begin with the small study that `infoplane init` writes"
        ) from error


def refuse_keys_of_experiments(defaults: Mapping[str, Any], source: str) -> None:
    """Some keys are of one experiment, and have no default."""
    for key in Experiment.beside:
        if key in defaults:
            raise UserError(
                f"{source}: defaults.{key}: is a key of experiments alone; move it to one of them"
            )


def refuse_not_estimated(
    figure: FigureSpec,
    experiments: Mapping[str, AnyExperiment],
    estimators: Mapping[str, Estimator],
    where: str,
) -> None:
    """A figure shows experiments of the config by estimators that are applied to them."""
    points = figure.pairs[len(figure.pairs) - len(figure.trained) :]
    refuse_unknown(figure.experiments, experiments, f"{where}.experiments")
    refuse_unknown(figure.estimators or (), estimators, f"{where}.estimators")
    refuse_unknown([pair[0] for pair in points], experiments, f"{where}.trained")
    refuse_unknown([pair[1] for pair in points], estimators, f"{where}.trained")
    refuse_unknown(figure.labels, {**experiments, **estimators}, f"{where}.labels")
    for seen, by in figure.pairs:
        if seen not in estimators[by].experiments:
            raise UserError(
                f"{where}: shows {seen} by {by}, which is not applied to it; "
                f"add it to estimators.{by}.experiments"
            )


def refuse_trained_again(
    written: Mapping[str, Written], experiments: Mapping[str, Experiment], source: str
) -> None:
    """Sweeps and grids vary an experiment: no two of theirs train the same networks."""
    trained: dict[tuple[str, TrainingSpec, int], str] = {}
    for name, experiment in experiments.items():
        one = written[name]
        first = trained.setdefault((one.origin, experiment.spec, experiment.repetitions), name)
        if first != name:
            remedy = "remove it" if len(one.changes) == 1 else f"change a value of it, or of {first}"
            raise UserError(
                f"{source}: {printable(one.place)} would train the networks of {first} again; {remedy}"
            )


def refuse_kernels_on_a_gpu(
    sections: Sections,
    written: Mapping[str, Written],
    experiments: Mapping[str, Experiment],
    source: str,
) -> None:
    for name, experiment in experiments.items():
        if sections.device == "cuda" and experiment.engine == "kernels":
            where = f"experiments.{name}" if "engine" in written[name].keys else "defaults"
            raise UserError(
                f"{source}: {where}.engine: kernels run on a processor, and device is cuda; write engine: "
                "torch, or device: cpu"
            )


def refuse_few_records(study: Study, source: str) -> None:
    """Refuse trainings of several epochs that record none after the first, of which nothing can be told."""
    for name, its in study.trained.items():
        if its.record_every >= its.epochs > 1:
            raise UserError(
                f"{source}: experiments.{name}.record_every: {its.record_every} records no epoch after the "
                f"first of {its.epochs}; use at most {its.epochs - 1}"
            )


def refuse_unfit_experiments(study: Study, source: str) -> None:
    """What is read out of grids needs networks that have them."""
    float32 = {name for name, its in study.trained.items() if its.bits == "float32"}
    controlled = {name for name, its in study.trained.items() if its.protocol == "controlled"}
    for name, estimator in study.estimators.items():
        for key, unfit in product(estimator.of_network, sorted(float32 & set(estimator.experiments))):
            raise UserError(
                f"{source}: estimators.{name}: kind {estimator.kind} takes its {key} from a network, and "
                f"{unfit} has none; give {key}, or name other experiments"
            )
    for name, figure in study.figures.items():
        for unfit in sorted(float32 & set(figure.experiments)):
            if figure.kind == "levels":
                raise UserError(
                    f"{source}: figures.{name}: shows levels of grids, and {unfit} has none; name "
                    "quantized experiments"
                )
        if figure.kind == "merging" and (float32 | controlled) & set(figure.experiments):
            raise UserError(
                f"{source}: figures.{name}: shows codes of logits; name quantized experiments of protocol "
                "published"
            )


def refuse_unfit_estimators(study: Study, source: str) -> None:
    """Figures that set estimates beside the exact value show what can be compared with it."""
    for name, figure in study.figures.items():
        if figure.kind == "signs":
            refuse_unpaired(study, figure, f"{source}: figures.{name}")
        if figure.kind != "errors":
            continue
        for estimator in figure.estimators or ():
            its = study.estimators[estimator]
            if its.subset != "all":
                raise UserError(
                    f"{source}: figures.{name}: {estimator} counts a subset of the inputs; "
                    f"kind {figure.kind} takes estimators of all of them"
                )
            if its.kind == "exact":
                raise UserError(f"{source}: figures.{name}: {estimator} is exact and has no error; remove it")
        for experiment in figure.experiments:
            if study.exact_estimator(experiment) is None:
                raise UserError(
                    f"{source}: figures.{name}: {experiment} has no exact value; apply an estimator of "
                    "kind exact to it"
                )


def refuse_unpaired(study: Study, figure: FigureSpec, where: str) -> None:
    """Each estimator is compared with an exact one that looks at as many epochs."""
    compared = {name: study.estimators[name].spec for name in figure.estimators or ()}
    if all(its.kind == "exact" for its in compared.values()):
        raise UserError(
            f"{where}: all its estimators are exact, and kind signs compares others with them; add one of "
            "another kind to its estimators"
        )
    exact = {its.epochs for its in compared.values() if its.kind == "exact" and its.layers is None}
    for name, its in compared.items():
        if its.subset != "all":
            raise UserError(f"{where}: {name} counts a subset of the inputs; kind signs takes all of them")
        if its.epochs not in exact:
            epochs = f" and epochs: {its.epochs}" if its.epochs else ""
            raise UserError(
                f"{where}: {name} has nothing to be compared with; add an estimator of kind exact{epochs} to "
                "its estimators"
            )


def refuse_unfit_recorded(study: Study, source: str) -> None:
    """Figures show of recorded runs what can be told without a trajectory, and claims do not rest on them."""
    for name, figure in study.figures.items():
        where = f"{source}: figures.{name}"
        for unfit in sorted({*figure.experiments, *(pair[0] for pair in figure.pairs)} & {*study.recorded}):
            if any(TABLES[kind].replayed for kind in figure.reads):
                raise UserError(
                    f"{where}: kind {figure.kind} takes trajectories, and {unfit} was recorded without "
                    "them; name experiments that are trained"
                )
            if FIGURES[figure.kind].of_settings:
                raise UserError(
                    f"{where}: kind {figure.kind} compares the keys of trainings, and {unfit} was recorded "
                    "without them; name experiments that are trained"
                )
        if figure.kind == "margins" and not study.evidence:
            raise UserError(f"{where}: shows verdicts, and claims rest on no experiment; remove it")


def refuse_few_settings(study: Study, source: str) -> None:
    """Correlations over the settings of an activation function take several of them."""
    for name, figure in study.figures.items():
        if figure.kind != "settings":
            continue
        counts = Counter(study.trained[each].activation for each in figure.experiments)
        for activation, count in counts.items():
            if count == 1:
                raise UserError(
                    f"{source}: figures.{name}: kind settings compares the experiments of each activation "
                    f"function, and {activation} has only one; name another one with it"
                )


def all_named(own: Mapping[str, Any], experiments: Collection[str]) -> dict[str, Any]:
    """Keys with `experiments: all`, or patterns in the list, replaced by names in alphabetical order."""
    if "experiments" not in own:
        return {**own}
    named = own["experiments"]
    return {**own, "experiments": sorted(experiments) if named == "all" else matched(named, experiments)}
