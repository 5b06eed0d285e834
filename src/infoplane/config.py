"""Strict models of all that a config file may say, and of what each stage is told of it."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

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

from infoplane.plain import repeated, shown

__all__ = [
    "BY_LAYERS",
    "BY_NAME",
    "EXACT",
    "NO_DEVICE",
    "PUBLIC",
    "READS",
    "REMOVED",
    "Bits",
    "ConvSpec",
    "DatasetSpec",
    "DenseSpec",
    "Device",
    "Estimator",
    "EstimatorSpec",
    "Experiment",
    "FigureSpec",
    "LayerSpec",
    "PoolSpec",
    "RangeSpec",
    "Sections",
    "TrainingSpec",
]


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
    engine: Literal["kernels", "torch"] = "kernels"

    @model_validator(mode="after")
    def protocol_knows_activation(self) -> Self:
        published = self.protocol == "published" and isinstance(self.bits, Bits)
        if published and self.activation not in ("tanh", "relu"):
            raise ValueError(
                f"protocol published quantizes tanh and relu only, not {self.activation}; use controlled"
            )
        return self


# Keys of earlier versions, and what is to be said of them
REMOVED = {"compile": "has no meaning any more; remove it"}


class Experiment(TrainingSpec):
    """A training spec, how often it is repeated, and how many repetitions one job trains.

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
    "readings": ("aggregates",),
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
    zooming in (bits). `curves`: I(X;T) and I(T;Y) over epochs. `readings`: those of the output by every
    estimator. `runs`: planes of the best, middle, second-worst and worst run. `accuracy`: training and test
    accuracy over epochs, of no estimator. `reliability`: exact values on parts of the inputs and corrected
    for bias, and saturation over epochs. `levels`: how many levels of their grids quantized layers use, over
    epochs. `errors`: estimates less the exact value over epochs. `phases`: mean fitting and compression of
    many experiments. `signs`: compression by number and range of bins, in some or all `layers`. `tradeoff`:
    compression of single runs against their accuracies. `merging`: which codes of the logits fall into one
    bin of the re-binned softmax. `claims`: the verdicts on the claims, of no experiment.
    """

    kind: Literal[
        "plane",
        "curves",
        "readings",
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


NO_DEVICE = "auto would make results depend on the machine; write cpu or cuda"


def no_auto(value: Any) -> Any:
    if value == "auto":
        raise ValueError(NO_DEVICE)
    return value


Device = Literal["cpu", "cuda"]


class Sections(Strict):
    """A config as it is written: names, and what differs from the defaults."""

    results: Annotated[str, Field(min_length=1), AfterValidator(without_wildcards)] = "results"
    trajectories: Literal["keep", "drop"] = "keep"
    device: Annotated[Device, BeforeValidator(no_auto)] = "cpu"
    datasets: dict[Name, Overrides] = {}
    defaults: Overrides = {}
    experiments: Annotated[dict[Name, Overrides], Field(min_length=1)]
    estimators: Annotated[dict[Name, Overrides], Field(min_length=1)]
    figure_defaults: Overrides = {}
    figures: dict[Name, Overrides] = {}
