"""Specs: what each job is told, as strict models."""

from collections.abc import Collection, Sequence
from itertools import product
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from infoplane.config.fields import (
    Count,
    Decay,
    Folder,
    Interval,
    Label,
    Layers,
    Name,
    Names,
    NamesOrNone,
    Pair,
    Pairs,
    Rate,
    Share,
    Strict,
    documented,
    expecting,
    one_of,
)
from infoplane.config.kinds import ESTIMATORS, FIGURES, TABLES
from infoplane.networks.activations import ACTIVATIONS
from infoplane.networks.ranges import POLICIES

__all__ = [
    "BY_LAYERS",
    "BY_NAME",
    "EXACT",
    "PUBLIC",
    "REMOVED",
    "Bits",
    "ConvSpec",
    "DatasetSpec",
    "DenseSpec",
    "EstimatorSpec",
    "FigureSpec",
    "LayerSpec",
    "PoolSpec",
    "RangeSpec",
    "Ranges",
    "Spec",
    "TrainingSpec",
]


class Spec(Strict):
    """Base of all specs."""

    def differences(self) -> dict[str, Any]:
        """The keys whose values are not the defaults, as JSON values: what a spec is known and hashed by.

        A key that is added later leaves them as they are, for all who do not use it.

        >>> EstimatorSpec(kind="exact", subset="all").differences()
        {'kind': 'exact'}
        """
        return self.model_dump(mode="json", exclude_defaults=True)


def one_width_for_both(value: Any) -> Any:
    return {"weights": value, "activations": value} if type(value) is int else value


def dense_of_width(value: Any) -> Any:
    return {"dense": value} if type(value) is int else value


def of_many_points(interval: tuple[float, float]) -> tuple[float, float]:
    """Refuse a quantizer's range that is one point in the float32 of training, and many in the replay."""
    if max(interval[1], 0.0) - min(interval[0], 0.0) < 1e-30:
        raise ValueError("one point in float32")
    return interval


BitWidth = Annotated[int, Field(ge=2, le=16)]


class Bits(Strict):
    """Bits of the quantizers of the weights and of the activations, 2 to 16."""

    weights: BitWidth
    activations: BitWidth


PUBLIC = ("synthetic", "mnist", "fashion-mnist")


class DatasetSpec(Spec):
    """A data set to be made; one that bears the name of a public one is that, unless it says otherwise."""

    name: Name
    kind: Annotated[
        Literal["synthetic", "mnist", "fashion-mnist", "npz"],
        documented(
            "`synthetic`: all 4,096 patterns of 12 bits, two classes. `mnist`, `fashion-mnist`: 60,000 "
            "training and 10,000 test images of 28 × 28 pixels, ten classes. `npz`: your own arrays",
            unset="the name, where it is one of these",
        ),
    ]
    folder: Annotated[
        Folder | None,
        documented(
            "folder that holds the four idx files, as they are or gzipped; for `mnist` and `fashion-mnist`",
            unset="download them",
            values="a folder",
        ),
    ] = None
    path: Annotated[
        Folder | None,
        documented(
            "file with your own arrays; for `npz`",
            unset="required there",
            values="a `.npz` file",
        ),
    ] = None
    scale: Annotated[
        Rate | None,
        documented(
            "factor of your own inputs; for `npz` (1/255 for pixels)",
            unset="1",
            values="number above 0",
        ),
    ] = None
    fraction: Annotated[
        Share,
        documented(
            "first part of the training and of the test inputs that is kept, for quick studies; not for "
            "`synthetic`",
            values="above 0, at most 1",
        ),
    ] = 1.0
    scaling: Annotated[
        Literal["all", "feature"],
        documented(
            "range of the training inputs that is spanned by the grid of 8 bits on which a quantized network "
            "reads your own inputs if they are not whole numbers: that of `all` features together, or of "
            "each; with `feature`, every network reads (x − low)/(high − low); for `npz`",
        ),
    ] = "all"
    channels: Annotated[
        Literal["first"] | None,
        documented(
            "`first` for your own images (N, channels, rows, columns) whose shape could also be (N, rows, "
            "columns, channels); for `npz`",
            unset="refuse such a shape",
            values="`first`",
        ),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def named_after_its_kind(cls, values: Any) -> Any:
        return {"kind": values["name"], **values} if values.get("name") in PUBLIC else values

    @model_validator(mode="after")
    def keys_fit_kind(self) -> Self:
        own = {"path", "scale", "fraction", "scaling", "channels"}
        takes = {"npz": own, "synthetic": set[str]()}.get(self.kind, {"folder", "fraction"})
        refuse_others(self, takes, {"folder", *own})
        if self.kind == "npz" and self.path is None:
            raise ValueError("kind npz needs path; add it")
        if self.scaling == "feature" and self.scale is not None:
            raise ValueError("scale has no effect where scaling is feature; remove one of them")
        return self


def refuse_others(
    spec: "DatasetSpec | EstimatorSpec | FigureSpec", takes: Collection[str], keys: Collection[str]
) -> None:
    """Refuse those of some keys that are set and that the kind does not take."""
    for key in sorted(set(keys) - set(takes)):
        if getattr(spec, key) != type(spec).model_fields[key].get_default():
            what = "them" if key in ("experiments", "estimators", "layers", "trained") else "it"
            raise ValueError(f"kind {spec.kind} takes no {key}; remove {what}")


class DenseSpec(Strict):
    """A dense layer and its number of neurons."""

    dense: Count


class ConvSpec(Strict):
    """A convolution by `conv` filters of kernel × kernel, without padding, at stride 1."""

    conv: Count
    kernel: Count = 3


class PoolSpec(Strict):
    """The maximum over squares of pool × pool."""

    pool: Annotated[Count, Field(ge=2)]


LayerSpec = Annotated[
    DenseSpec | ConvSpec | PoolSpec,
    BeforeValidator(dense_of_width, json_schema_input_type=DenseSpec | ConvSpec | PoolSpec | Count),
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
    Annotated[str, one_of(POLICIES), Field(json_schema_extra={"enum": [*POLICIES]})]
    | Annotated[Pair, AfterValidator(of_many_points)],
    expecting(f"{', '.join(POLICIES)}, or a pair [lo, hi] with lo < hi"),
]


class Ranges(Strict):
    """Ranges of quantizers that differ from the protocol's."""

    hidden_weights: RangeSpec | None = None
    output_weights: RangeSpec | None = None
    activations: RangeSpec | None = None
    output: RangeSpec | None = None


class TrainingSpec(Spec):
    """All that the numbers of one repetition depend on, other than its own number."""

    dataset: Annotated[
        Name,
        documented(
            "the data set",
            values="`synthetic`, `mnist`, `fashion-mnist`, a name in `datasets`",
        ),
    ]
    network: Annotated[
        NetworkSpec,
        documented(
            "the layers; the softmax output over the classes is added and counts as the last",
            values="a name or a list, see below",
        ),
    ]
    activation: Annotated[
        str,
        one_of(ACTIVATIONS),
        documented(
            "activation function of the hidden layers; protocol `published` quantizes `tanh` and `relu` only",
            names=ACTIVATIONS,
        ),
    ]
    bits: Annotated[
        Bits | Literal["float32"],
        BeforeValidator(one_width_for_both, json_schema_input_type=Bits | BitWidth | Literal["float32"]),
        expecting("a width of 2 to 16, float32, or {weights: 2 to 16, activations: 2 to 16}"),
        documented(
            "bits of the quantizers of weights and activations",
            values="bits, 2 to 16; `{weights: 8, activations: 4}`; `float32` for no quantizers",
        ),
    ]
    protocol: Annotated[
        Literal["published", "controlled"],
        documented("what is quantized, and over which range, as [tabulated](../docs/method.md#quantization)"),
    ] = "published"
    ranges: Annotated[
        Ranges,
        documented(
            "ranges that differ from the protocol's, of `hidden_weights`, `output_weights`, `activations` "
            "or `output`: of the tensor at hand (`batch`), moving averages (`ema`, `ema-debiased`), or fixed",
            unset="the protocol's",
            values="e.g. `{activations: [0, 4]}`; "
            + ", ".join([*(f"`{name}`" for name in POLICIES), "`[lo, hi]`"]),
        ),
    ] = Ranges()
    initialisation: Annotated[
        Literal["glorot", "truncated-normal"] | None,
        documented(
            "distribution of the first weights; biases start at 0",
            unset="`truncated-normal`; for the published `shwartz-ziv` `glorot`",
            values="`glorot`, `truncated-normal`",
        ),
    ] = None
    labels: Annotated[
        Literal["given", "shuffled"],
        documented(
            "labels that the network is trained on and measured against: those of the data set (`given`), "
            "or a permutation of them for each repetition, of training and test labels together (`shuffled`)"
        ),
    ] = "given"
    epochs: Annotated[
        Count,
        documented("length of the training", values="passes over the training set"),
    ]
    prefit_epochs: Annotated[
        int,
        documented(
            "length of a first part of the training, on shuffled labels; tables call it `prefit`, and "
            "what follows `main`",
            ge=0,
            le=2**31 - 1,
            values="passes over the training set",
        ),
    ] = 0
    record_every: Annotated[
        Count,
        documented(
            "interval at which parameters are recorded; epoch 0 is the state after the first pass",
            values="epochs",
        ),
    ]
    batch_size: Annotated[
        Annotated[Count, Field(le=2**20)] | Literal["whole"],
        expecting("a number of samples, 1 to 1048576, or whole"),
        documented(
            "samples of a step; a last, smaller batch is kept; `whole`: all that are trained on",
            values="samples, `whole`",
        ),
    ] = 256
    learning_rate: Annotated[Rate, documented("learning rate α of Adam", values="number above 0")] = 1e-4
    beta_1: Annotated[
        Decay,
        documented(
            "decay of Adam's moving average of the gradient",
            values="at least 0, below 1",
        ),
    ] = 0.9
    beta_2: Annotated[
        Decay,
        documented(
            "decay of Adam's moving average of the squared gradient",
            values="at least 0, below 1",
        ),
    ] = 0.999
    epsilon: Annotated[
        Rate,
        documented(
            "ε of Adam in Keras' form: added to the root of the uncorrected second moment",
            values="number above 0",
        ),
    ] = 1e-7
    seed: Annotated[
        int,
        documented(
            "seed of the experiment; each repetition derives its own from it and from its number",
            ge=0,
            lt=2**64,
            values="whole number, at least 0",
        ),
    ] = 0
    engine: Annotated[
        Literal["kernels", "torch"],
        documented(
            "what trains: loops compiled for the processor, which give the same bytes on every machine "
            "(`kernels`), or PyTorch, one readable operation after the other (`torch`), which also runs "
            "on a GPU",
            unset="`kernels`; `torch` where `device` is `cuda`",
        ),
    ] = "kernels"

    @property
    def activation_bits(self) -> int:
        """Bits of the quantized activations, or 32 of a float32 network."""
        return self.bits.activations if isinstance(self.bits, Bits) else 32

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


class EstimatorSpec(Spec):
    """How T is made discrete before its information is counted."""

    kind: Annotated[
        str,
        one_of(ESTIMATORS),
        documented(
            " ".join(f"`{name}`: {kind.about}." for name, kind in ESTIMATORS.items()),
            names=ESTIMATORS,
        ),
    ]
    bins: Annotated[
        Annotated[int, Field(ge=2, le=65536)] | None,
        documented(
            "number of bins, of `uniform` and `adaptive`",
            unset="required there",
            values="2 to 65,536",
        ),
    ] = None
    bits: Annotated[
        Annotated[int, Field(ge=1, le=16)] | None,
        documented(
            "bits of `quantized`",
            unset="those of the network's activations; required there for float32 networks",
            values="1 to 16",
        ),
    ] = None
    range: Annotated[
        Literal["global", "layer", "neuron"] | Pair | None,
        expecting("global, layer, neuron, or a pair [lo, hi] with lo < hi"),
        documented(
            "what the bins of `uniform` and the grid of `quantized` span: the outputs of a `layer` at one "
            "epoch, or a fixed `[lo, hi]`, where values outside go to the ends; of `uniform` also those of "
            "all layers and epochs of a run (`global`), or of a `neuron` at one epoch",
            unset="required there",
            values="`global`, `layer`, `neuron`, `[lo, hi]`",
        ),
    ] = None
    noise: Annotated[
        Rate | None,
        documented(
            "variance σ² of the Gaussian noise of `kde`",
            unset="required there",
            values="number above 0",
        ),
    ] = None
    bound: Annotated[
        Literal["upper", "lower"],
        documented("which bound `kde` gives, from Kullback–Leibler divergences or Bhattacharyya distances"),
    ] = "upper"
    layers: Annotated[
        Literal["output"] | Layers | None,
        expecting("output, or a list of layers from 1"),
        documented(
            "layers that are looked at: the last one (`output`), or some by their numbers from 1",
            unset="all",
            values="`output`, a list of numbers",
        ),
    ] = None
    epochs: Annotated[
        Annotated[int, Field(ge=2, le=2**31 - 1)] | None,
        documented(
            "number of recorded epochs of each part that are looked at, evenly on a logarithmic axis, and "
            "epoch −1; [compression is another then](../docs/method.md#a-few-epochs)",
            unset="all",
            values="at least 2",
        ),
    ] = None
    subset: Annotated[
        Literal["all", "train", "test"],
        documented("inputs that are counted; ranges stay those of all inputs"),
    ] = "all"

    @model_validator(mode="after")
    def keys_fit_kind(self) -> Self:
        kind = ESTIMATORS[self.kind]
        for key in sorted(kind.needs):
            if getattr(self, key) is None:
                raise ValueError(f"kind {self.kind} needs {key}; add it")
        own = {name: each.needs | each.takes for name, each in ESTIMATORS.items()}
        refuse_others(self, own[self.kind], set().union(*own.values()))
        if isinstance(self.range, str) and self.range not in kind.ranges:
            names = ", ".join(kind.ranges)
            raise ValueError(f"kind {self.kind} takes no range {self.range}; write {names}, or [lo, hi]")
        return self

    @property
    def of_network(self) -> list[str]:
        """The keys that are left out and that a quantized network has to give.

        >>> EstimatorSpec(kind="quantized", range="layer").of_network
        ['bits']
        """
        return [key for key in sorted(ESTIMATORS[self.kind].of_network) if getattr(self, key) is None]

    @property
    def is_binning(self) -> bool:
        """Whether it sorts activations into bins."""
        return ESTIMATORS[self.kind].is_binning

    @property
    def range_name(self) -> str:
        """What its codes span, for tables and figures; nothing where they span no range.

        >>> EstimatorSpec(kind="uniform", bins=30, range=(-1, 1)).range_name
        '[−1, 1]'
        >>> EstimatorSpec(kind="adaptive", bins=30).range_name
        'equal mass'
        """
        if isinstance(self.range, tuple):
            return "[{:g}, {:g}]".format(*self.range).replace("-", "−")
        return self.range or ESTIMATORS[self.kind].range_name


EXACT = EstimatorSpec(kind="exact")


class FigureSpec(Spec):
    """One figure: its kind and what it shows."""

    kind: Annotated[
        str,
        one_of(FIGURES),
        documented(
            " ".join(f"`{name}`: {kind.caption}." for name, kind in FIGURES.items()),
            names=FIGURES,
        ),
    ]
    category: Annotated[
        str,
        documented(
            "where the report lists it; `main` and `A` to `F` are also targets: `snakemake figure_a` "
            "draws those of `A`",
            values="text",
        ),
    ]
    experiments: Annotated[
        NamesOrNone,
        documented(
            "experiments that it shows; not for `margins`",
            unset="required",
            values="`all`, or a list of names and patterns such as `relu-*`",
        ),
    ] = ()
    estimators: Annotated[
        Names | None,
        documented(
            "estimators that it shows; not for "
            + ", ".join(f"`{name}`" for name, kind in FIGURES.items() if "estimators" not in kind.takes),
            unset="required",
            values="a list of names",
        ),
    ] = None
    i_xt: Annotated[
        Interval | None,
        documented(
            "limits of I(X;T), to zoom into a `plane`",
            unset="whole",
            values="`[lo, hi]`, bits",
        ),
    ] = None
    i_ty: Annotated[
        Interval | None,
        documented(
            "limits of I(T;Y), to zoom into a `plane`",
            unset="whole",
            values="`[lo, hi]`, bits",
        ),
    ] = None
    layers: Annotated[
        Layers | None,
        documented(
            "layers that it shows, from 1, of "
            + ", ".join(f"`{name}`" for name, kind in FIGURES.items() if "layers" in kind.takes),
            unset="all",
            values="a list of numbers",
        ),
    ] = None
    colour: Annotated[
        Literal["epoch", "layer"],
        documented("what the colours of a `plane` tell apart"),
    ] = "epoch"
    trained: Annotated[
        Pairs,
        documented(
            "networks that were trained at few bits, and what counts their information, shown as points of a "
            "`resolution` figure",
            unset="none",
            values="a list of `experiment/estimator`",
        ),
    ] = ()
    labels: Annotated[
        dict[str, Label],
        documented(
            "what is written in place of the names of experiments and estimators",
            default_factory=dict,
            unset="their own labels",
            values="a label for each name",
        ),
    ]
    dpi: Annotated[
        Count,
        documented("resolution of the PNG", values="dots per inch"),
    ] = 200
    note: Annotated[
        str,
        documented("remark for the title", unset="none", values="text"),
    ] = ""

    @model_validator(mode="after")
    def keys_fit_kind(self) -> Self:
        kind = FIGURES[self.kind]
        refuse_others(self, kind.takes, set().union(*(each.takes for each in FIGURES.values())))
        for key in ("experiments", "estimators"):
            if key in kind.takes and not getattr(self, key):
                raise ValueError(f"kind {self.kind} needs {key}; add them")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The kinds of tables that it is drawn from."""
        return FIGURES[self.kind].reads

    @property
    def caption(self) -> str:
        """A sentence that says what it shows."""
        caption = FIGURES[self.kind].caption
        return f"{caption[0].upper()}{caption[1:]}."

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every experiment and estimator that it shows together."""
        trained = (each.partition("/")[::2] for each in self.trained)
        return [*product(self.experiments, self.estimators or ()), *trained]

    def names(self, table: str) -> Sequence[Any]:
        """What the tables of a kind that it is drawn from are of.

        >>> spec = FigureSpec(kind="plane", category="A", experiments=["relu"], estimators=["exact"])
        >>> spec.names("aggregates"), spec.names("accuracy"), spec.names("margins")
        ([('relu', 'exact')], ('relu',), ('study',))
        """
        match TABLES[table].of:
            case "estimator":
                return self.pairs
            case "experiment":
                return self.experiments
            case "study":
                return ("study",)
