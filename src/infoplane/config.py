"""The study as strict models: what a config file may say, and what each stage is told of it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PositiveFloat,
    PositiveInt,
    Tag,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails

from infoplane.errors import UserError
from infoplane.plain import from_json, from_yaml, printable, repeated, short, shown

__all__ = [
    "Bits",
    "ConvSpec",
    "DatasetSpec",
    "DenseSpec",
    "Estimator",
    "EstimatorSpec",
    "Experiment",
    "FigureSpec",
    "LayerSpec",
    "PoolSpec",
    "RangeSpec",
    "Study",
    "TrainingSpec",
    "load_study",
    "parse_spec",
    "resolve",
]


Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def expecting(text: str) -> WrapValidator:
    """Replace whatever is wrong inside of a field by the one sentence that says what it takes."""

    def validate(value: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(f"{shown(value)} is not {text}") from None

    return WrapValidator(validate)


def increasing(interval: tuple[float, float]) -> tuple[float, float]:
    if not interval[0] < interval[1]:
        raise ValueError("not increasing")
    return interval


def of_many_points(interval: tuple[float, float]) -> tuple[float, float]:
    """Refuse a quantizer's range that is one point in the float32 of training, and many in the replay."""
    if max(interval[1], 0.0) - min(interval[0], 0.0) < 1e-30:
        raise ValueError("one point in float32")
    return interval


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if twice := repeated(names):
        raise ValueError(f"names {shown(twice[0])} twice; remove one")
    return names


def without_wildcards(folder: str) -> str:
    if not folder.isprintable() or set(folder) & set("{}<>"):
        raise ValueError(f"{shown(folder)} is refused; name a folder without {{, }}, < and >")
    return folder


def no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{value} is refused; it must be a number")
    return value


def one_width_for_both(value: Any) -> Any:
    return {"weights": value, "activations": value} if type(value) is int else value


def dense_of_width(value: Any) -> Any:
    return {"dense": value} if type(value) is int else value


BitWidth = Annotated[int, Field(ge=2, le=16)]
# `1e-4` is a string to YAML 1.1 and a number to everybody else; a list is how YAML writes a pair
Rate = Annotated[PositiveFloat, Field(strict=False), BeforeValidator(no_truth)]
Decay = Annotated[float, Field(strict=False, ge=0, lt=1), BeforeValidator(no_truth)]
# Tables number repetitions and epochs by 32 bits
Count = Annotated[PositiveInt, Field(le=2**31 - 1)]
# So that the width of a pair is finite in float32
End = Annotated[float, Field(ge=-1e38, le=1e38)]
Pair = Annotated[tuple[End, End], Field(strict=False), AfterValidator(increasing)]
Interval = Annotated[Pair, expecting("a pair [lo, hi] with lo < hi")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]
Overrides = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
Layers = Annotated[tuple[Count, ...], Field(strict=False, min_length=1)]
NamesOrNone = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(distinct)]
Names = Annotated[NamesOrNone, Field(min_length=1)]


class Bits(Strict):
    """Bits of the quantizers of the weights and of the activations, 2 to 16."""

    weights: BitWidth
    activations: BitWidth


PUBLIC = ("synthetic", "mnist", "fashion-mnist")


class DatasetSpec(Strict):
    """A data set to be made; one that bears the name of a public one is that, unless it says otherwise.

    `synthetic` needs no more than its kind. The images of `mnist` and `fashion-mnist` are looked for in
    `folder` first, if there is one. `npz` reads one's own file from `path`, whose inputs are multiplied by
    `scale`. `fraction` keeps the first part of the training and of the test inputs.
    """

    name: Name
    kind: Literal["synthetic", "mnist", "fashion-mnist", "npz"]
    folder: str | None = None
    path: str | None = None
    scale: Rate | None = None
    fraction: Annotated[Rate, Field(le=1)] = 1.0

    @model_validator(mode="before")
    @classmethod
    def named_after_its_kind(cls, values: Any) -> Any:
        return {"kind": values["name"], **values} if values.get("name") in PUBLIC else values

    @model_validator(mode="after")
    def keys_fit_kind(self) -> Self:
        takes = {"npz": {"path", "scale", "fraction"}, "synthetic": set[str]()}.get(
            self.kind, {"folder", "fraction"}
        )
        for key in ("folder", "path", "scale", "fraction"):
            if key not in takes and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"kind {self.kind} takes no {key}; remove it")
        if self.kind == "npz" and self.path is None:
            raise ValueError("kind npz needs path; add it")
        return self


class DenseSpec(Strict):
    """A dense layer of so many neurons."""

    dense: Count


class ConvSpec(Strict):
    """A convolution with so many filters of kernel × kernel, without padding, at stride 1."""

    conv: Count
    kernel: Count = 3


class PoolSpec(Strict):
    """The maximum over squares of pool × pool."""

    pool: Annotated[Count, Field(ge=2)]


LayerSpec = Annotated[
    DenseSpec | ConvSpec | PoolSpec,
    BeforeValidator(dense_of_width),
    expecting("a layer: a width, {dense: width}, {conv: filters, kernel: size} or {pool: size}"),
]
NetworkName = Literal["shwartz-ziv", "bottleneck-2", "bottleneck-4", "hourglass", "4x10", "conv"]
BY_NAME, BY_LAYERS = "(name)", "(layers)"
NetworkSpec = Annotated[
    Annotated[NetworkName, Tag(BY_NAME)]
    | Annotated[tuple[LayerSpec, ...], Field(strict=False, min_length=1), Tag(BY_LAYERS)],
    Discriminator(lambda value: BY_NAME if isinstance(value, str) else BY_LAYERS),
]
RangeSpec = Annotated[
    Literal["batch", "ema", "ema-debiased"] | Annotated[Pair, AfterValidator(of_many_points)],
    expecting("batch, ema, ema-debiased, or a pair [lo, hi] with lo < hi"),
]


class Ranges(Strict):
    """Where quantizers take their ranges from; what is not given here is what the protocol says."""

    hidden_weights: RangeSpec | None = None
    output_weights: RangeSpec | None = None
    activations: RangeSpec | None = None
    output: RangeSpec | None = None


class TrainingSpec(Strict):
    """All that the numbers of one repetition depend on, its own number aside."""

    dataset: Name
    network: NetworkSpec
    activation: Literal["tanh", "relu", "leaky-relu", "elu", "gelu", "sigmoid", "hard-tanh", "identity"]
    bits: Annotated[
        Bits | Literal["float32"],
        BeforeValidator(one_width_for_both),
        expecting("a width of 2 to 16, float32, or {weights: 2 to 16, activations: 2 to 16}"),
    ]
    protocol: Literal["published", "controlled"] = "published"
    ranges: Ranges = Ranges()
    initialisation: Literal["glorot", "truncated-normal"] | None = None
    labels: Literal["given", "shuffled"] = "given"
    epochs: Count
    prefit_epochs: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    record_every: Count
    batch_size: Annotated[Count, Field(le=2**20)] = 256
    learning_rate: Rate = 1e-4
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Rate = 1e-7
    seed: Annotated[int, Field(ge=0, lt=2**64)] = 0
    compile: bool = True

    @model_validator(mode="after")
    def protocol_knows_activation(self) -> Self:
        published = self.protocol == "published" and isinstance(self.bits, Bits)
        if published and self.activation not in ("tanh", "relu"):
            raise ValueError(
                f"protocol published quantizes tanh and relu only, not {self.activation}; use controlled"
            )
        return self


class Experiment(TrainingSpec):
    """A training spec, how often it is repeated, and how many repetitions are trained at once.

    No claim rests on a `control`.
    """

    repetitions: Count
    chunk: Count
    control: bool = False

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
        """What training is told."""
        return TrainingSpec.model_validate(self.model_dump(exclude={"repetitions", "chunk", "control"}))


class EstimatorSpec(Strict):
    """How T is made discrete before its information is counted.

    `exact` and `rebinned` need no more than their kind, `adaptive` the number of its bins, `uniform` the
    number of its bins and the range over which they are laid. `quantized` reads out a quantized network by
    quantizers of its own bits over one range. `subset` says which inputs are counted.
    """

    kind: Literal["exact", "rebinned", "uniform", "adaptive", "quantized"]
    bins: Annotated[int, Field(ge=2, le=65536)] | None = None
    range: Annotated[
        Literal["global", "layer", "neuron"] | Pair | None,
        expecting("global, layer, neuron, or a pair [lo, hi] with lo < hi"),
    ] = None
    subset: Literal["all", "train", "test"] = "all"

    @model_validator(mode="after")
    def bins_and_range_fit_kind(self) -> Self:
        takes = {"uniform": {"bins", "range"}, "adaptive": {"bins"}, "quantized": {"range"}}.get(
            self.kind, set[str]()
        )
        for key in ("bins", "range"):
            if key in takes and getattr(self, key) is None:
                raise ValueError(f"kind {self.kind} needs {key}; add it")
            if key not in takes and getattr(self, key) is not None:
                raise ValueError(f"kind {self.kind} takes no {key}; remove it")
        if self.kind == "quantized" and not isinstance(self.range, tuple):
            raise ValueError("kind quantized needs a range [lo, hi]; give one")
        return self


EXACT = EstimatorSpec(kind="exact")


class Estimator(EstimatorSpec):
    """An estimator spec and the experiments that it is applied to."""

    experiments: Names

    @property
    def spec(self) -> EstimatorSpec:
        """What the information stage is told."""
        return EstimatorSpec.model_validate(self.model_dump(exclude={"experiments"}))


# The tables that each kind of figure is drawn from
READS = {
    "plane": ("aggregates",),
    "curves": ("aggregates",),
    "runs": ("aggregates", "information"),
    "accuracy": ("accuracy",),
    "reliability": ("reliability",),
    "levels": ("levels",),
    "errors": ("errors",),
    "phases": ("phases",),
    "signs": ("phases",),
    "tradeoff": ("tradeoff", "correlations"),
    "merging": ("merging",),
    "claims": ("claims",),
}
OF_NO_ESTIMATOR = "accuracy", "reliability", "levels", "merging", "claims"


class FigureSpec(Strict):
    """One figure: its kind and what it shows.

    `plane`: information planes, one panel per experiment (rows) and estimator (columns), `i_xt` and `i_ty`
    zooming in (bits). `curves`: I(X;T) and I(T;Y) over epochs. `runs`: planes of the best, middle,
    second-worst and worst run. `accuracy`: training and test accuracy over epochs, of no estimator.
    `reliability`: exact values on parts of the inputs and corrected for bias, and saturation over epochs.
    `levels`: how many levels of their grids quantized layers use, over epochs. `errors`: estimates less the
    exact value over epochs. `phases`: mean fitting and compression of many experiments. `signs`: compression
    by number and range of bins, in some or all `layers`. `tradeoff`: compression of single runs against their
    accuracies. `merging`: which codes of the logits fall into one bin of the re-binned softmax. `claims`: the
    verdicts on the claims, of no experiment.
    """

    kind: Literal[
        "plane",
        "curves",
        "runs",
        "accuracy",
        "reliability",
        "levels",
        "errors",
        "phases",
        "signs",
        "tradeoff",
        "merging",
        "claims",
    ]
    category: str
    experiments: NamesOrNone = ()
    estimators: Names | None = None
    i_xt: Interval | None = None
    i_ty: Interval | None = None
    layers: Layers | None = None
    dpi: Count = 200
    note: str = ""

    @model_validator(mode="after")
    def keys_fit_kind(self) -> Self:
        if self.kind == "claims" and self.experiments:
            raise ValueError("kind claims takes no experiments; remove them")
        if self.kind != "claims" and not self.experiments:
            raise ValueError(f"kind {self.kind} needs experiments; add them")
        if self.kind in OF_NO_ESTIMATOR and self.estimators is not None:
            raise ValueError(f"kind {self.kind} takes no estimators; remove them")
        if self.kind not in OF_NO_ESTIMATOR and self.estimators is None:
            raise ValueError(f"kind {self.kind} needs estimators; add them")
        if self.kind != "plane" and (self.i_xt or self.i_ty):
            raise ValueError(f"kind {self.kind} takes no i_xt or i_ty; remove them")
        if self.kind != "signs" and self.layers is not None:
            raise ValueError(f"kind {self.kind} takes no layers; remove them")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """What the tables hold that it is drawn from."""
        return READS[self.kind]


Device = Literal["cpu", "cuda", "auto"]


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


class Sections(Strict):
    """A config as it is written: names, and what differs from the defaults."""

    results: Annotated[str, Field(min_length=1), AfterValidator(without_wildcards)] = "results"
    trajectories: Literal["keep", "drop"] = "keep"
    device: Device = "cpu"
    datasets: dict[Name, Overrides] = {}
    defaults: Overrides = {}
    experiments: Annotated[dict[Name, Overrides], Field(min_length=1)]
    estimators: Annotated[dict[Name, Overrides], Field(min_length=1)]
    figure_defaults: Overrides = {}
    figures: dict[Name, Overrides] = {}


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
    experiments = {
        name: checked(Experiment, own, source, f"experiments.{name}", sections.defaults, "defaults")
        for name, own in sections.experiments.items()
    }
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


def parse_spec(model: type[Model], text: str) -> Model:
    """Read a spec from its JSON.

    >>> parse_spec(EstimatorSpec, '{"kind": "uniform", "bins": 30, "range": [-1, 1]}').range
    (-1.0, 1.0)
    """
    return checked(model, from_json(text, "--spec"), "--spec")


def checked(
    model: type[Model],
    own: Any,
    source: str,
    where: str = "",
    defaults: Mapping[str, Any] | None = None,
    defaults_at: str = "",
) -> Model:
    """`defaults` overridden by `own` as a `model`, or a `UserError` with the key that the user wrote."""
    if not isinstance(own, Mapping):
        raise UserError(f"{source}: holds no keys; see config/README.md for what belongs there")
    defaults = defaults or {}
    try:
        return model.model_validate({**defaults, **own})
    except ValidationError as error:
        # a misspelt key is also a missing one: name the misspelt
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        inherited = bool(first["loc"]) and first["loc"][0] in defaults and first["loc"][0] not in own
        location = first["loc"][:-2] if first["loc"][-1:] == ("[key]",) else first["loc"]
        location = tuple(part for part in location if part not in (BY_NAME, BY_LAYERS))
        parts = [defaults_at if inherited else where, *(short(str(part)) for part in location)]
        key = ".".join(filter(None, parts))
        raise UserError(printable(f"{source}: {key}: {complaint(first, model)}")) from None


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


def complaint(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong and what to do, in a few words."""
    given = error["input"]
    match error["type"]:
        case "extra_forbidden":
            *sections, name = map(str, error["loc"])
            for section in sections:
                model = cast(type[BaseModel], model.model_fields[section].annotation)
            return f"unknown key; {suggestion(name, model.model_fields)}"
        case "missing":
            return "missing; add it"
        case "literal_error":
            names = re.findall("'([^']*)'", error["ctx"]["expected"])
            return f"{shown(given)} is unknown; {suggestion(str(given), names)}"
        case "string_pattern_mismatch" | "string_too_long":
            return f"{shown(given)} cannot name a file; use up to 100 letters, digits, - and _"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            rule = RULES.get(error["type"], error["msg"].removeprefix("Input should be "))
            return f"{shown(given)} is refused; it must be {rule}"


def suggestion(name: str, names: Iterable[str]) -> str:
    """The valid name that was probably meant, or all of them."""
    names = list(names)
    nearest = get_close_matches(name, names, n=1)
    return f"did you mean {nearest[0]!r}?" if nearest else f"use one of {', '.join(names)}"


def refuse_unknown(names: Iterable[str], valid: Iterable[str], where: str) -> None:
    for name in names:
        if name not in valid:
            raise UserError(f"{where}: {shown(name)} is unknown; {suggestion(name, valid)}")


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
