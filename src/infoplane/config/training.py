"""Spec of a training: layers, quantizers and all else that the numbers of a repetition depend on."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from infoplane.activations import ACTIVATIONS
from infoplane.config.fields import (
    BY_LAYERS,
    BY_NAME,
    Count,
    Decay,
    Name,
    Pair,
    Rate,
    Share,
    Strict,
    documented,
    expecting,
    one_of,
)
from infoplane.config.specs import Spec, not_taken
from infoplane.ranges import POLICIES

__all__ = [
    "BitWidth",
    "Bits",
    "ConvSpec",
    "DenseSpec",
    "LayerSpec",
    "PoolSpec",
    "RangeSpec",
    "Ranges",
    "TrainingSpec",
]


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
NetworkSpec = Annotated[
    Annotated[NetworkName, Tag(BY_NAME)]
    | Annotated[tuple[LayerSpec, ...], Field(strict=False, min_length=1), Tag(BY_LAYERS)],
    Discriminator(lambda value: BY_NAME if isinstance(value, str) else BY_LAYERS),
]
RangeSpec = Annotated[
    Annotated[str, one_of(POLICIES), Field(json_schema_extra={"enum": [*POLICIES]})]
    | Annotated[Pair, AfterValidator(of_many_points)],
    expecting(f"{', '.join(POLICIES)}, or a pair [lo, hi] with lo < hi", *POLICIES),
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
            "data set",
            values="`synthetic`, `mnist`, `fashion-mnist`, a name in `datasets`",
        ),
    ]
    network: Annotated[
        NetworkSpec,
        documented(
            "layers of the network; the softmax output over the classes is added and counts as the last "
            "layer",
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
        expecting("a width of 2 to 16, float32, or {weights: 2 to 16, activations: 2 to 16}", "float32"),
        documented(
            "number of bits of the quantizers of weights and activations",
            values="2 to 16; `{weights: 8, activations: 4}`; `float32` for a network without quantizers",
        ),
    ]
    protocol: Annotated[
        Literal["published", "controlled"],
        documented("what is quantized, and over which range ([tables](../docs/method.md#quantization))"),
    ] = "published"
    ranges: Annotated[
        Ranges,
        documented(
            "ranges of `hidden_weights`, `output_weights`, `activations` or `output` that differ from those "
            "of the protocol: the range of the current tensor (`batch`), a moving average (`ema`, "
            "`ema-debiased`), or a fixed range",
            unset="those of the protocol; not for `float32`",
            values="e.g. `{activations: [0, 4]}`; "
            + ", ".join([*(f"`{name}`" for name in POLICIES), "`[lo, hi]`"]),
        ),
    ] = Ranges()
    initialisation: Annotated[
        Literal["glorot", "truncated-normal"] | None,
        documented(
            "distribution of the initial weights; biases start at 0",
            unset="`truncated-normal`; `glorot` for the published `shwartz-ziv`",
            values="`glorot`, `truncated-normal`",
        ),
    ] = None
    labels: Annotated[
        Literal["given", "shuffled"],
        documented(
            "labels for training and measurement: the labels of the data set (`given`), or a permutation of "
            "them for each repetition, over training and test inputs together (`shuffled`)"
        ),
    ] = "given"
    epochs: Annotated[
        Count,
        documented("length of the training", values="passes over the training set"),
    ]
    prefit_epochs: Annotated[
        int,
        documented(
            "length of a first part of the training, on shuffled labels; tables call this part `prefit` and "
            "the rest `main`",
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
        expecting("a number of samples, 1 to 1048576, or whole", "whole"),
        documented(
            "number of samples per step; a smaller last batch is kept. `whole` stands for the whole "
            "training set",
            values="samples, `whole`",
        ),
    ] = 256
    train_fraction: Annotated[
        Share | None,
        documented(
            "share of all inputs that forms the training set, with every class in its proportion. The "
            "training set is drawn from the training inputs of the data set, and is the same for all "
            "repetitions. The network is tested on all other inputs",
            unset="all training inputs of the data set",
            values="above 0, at most the share of the training inputs in the data set",
        ),
    ] = None
    optimizer: Annotated[
        Literal["adam", "sgd"],
        documented("Adam, or stochastic gradient descent with `momentum`"),
    ] = "adam"
    learning_rate: Annotated[Rate, documented("learning rate α", values="number above 0")] = 1e-4
    momentum: Annotated[
        Decay | None,
        documented(
            "momentum μ: m ← μm + g, θ ← θ − αm; 0 is plain gradient descent; for `sgd`",
            unset="0.9; not for `adam`",
            values="at least 0, below 1",
        ),
    ] = None
    weight_decay: Annotated[
        Decay,
        documented(
            "decoupled weight decay λ, as in AdamW and SGDW: each step subtracts αλθ from every weight θ, "
            "in addition to the update by the optimizer; biases do not decay",
            values="at least 0, below 1",
        ),
    ] = 0.0
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
            "ε of Adam in the form of Keras, added to the square root of the uncorrected second moment",
            values="number above 0",
        ),
    ] = 1e-7
    seed: Annotated[
        int,
        documented(
            "seed of the experiment; the seed of each repetition is derived from it and from the number of "
            "the repetition",
            ge=0,
            lt=2**64,
            values="whole number, at least 0",
        ),
    ] = 0
    engine: Annotated[
        Literal["kernels", "torch"],
        documented(
            "engine of the training: loops compiled for the processor, whose results are byte-identical on "
            "every machine (`kernels`), or PyTorch, as a readable sequence of operations, which also runs "
            "on a GPU (`torch`)",
            unset="`kernels`; `torch` if `device` is `cuda`",
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

    @model_validator(mode="after")
    def ranges_fit_bits(self) -> Self:
        if self.bits == "float32" and self.ranges != Ranges():
            raise not_taken("bits float32", "ranges")
        return self

    @model_validator(mode="after")
    def keys_fit_optimizer(self) -> Self:
        takes = {"adam": ("beta_1", "beta_2", "epsilon"), "sgd": ("momentum",)}
        for other in {*takes} - {self.optimizer}:
            keys = [
                key
                for key in takes[other]
                if getattr(self, key) != type(self).model_fields[key].get_default()
            ]
            if keys:
                raise not_taken(f"optimizer {self.optimizer}", *keys)
        return self
