"""The study as strict models: what a config file may say, and what each stage is told of it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat, PositiveInt

__all__ = ["Bits", "EstimatorSpec", "TrainingSpec"]

BitWidth = Annotated[int, Field(ge=2, le=16)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bits(Strict):
    """Bits of the quantizers of the weights and of the activations, 2 to 16."""

    weights: BitWidth
    activations: BitWidth


def one_width_for_both(value: Any) -> Any:
    return {"weights": value, "activations": value} if isinstance(value, int) else value


class TrainingSpec(Strict):
    """All that the numbers of one repetition depend on, its own number aside."""

    dataset: Literal["synthetic"]
    network: Literal["shwartz-ziv"]
    activation: Literal["tanh", "relu"]
    bits: Annotated[Bits | Literal["float32"], BeforeValidator(one_width_for_both)]
    protocol: Literal["published"] = "published"
    initialisation: Literal["glorot", "truncated-normal"] = "glorot"
    epochs: PositiveInt
    record_every: PositiveInt
    batch_size: PositiveInt = 256
    learning_rate: PositiveFloat = 1e-4
    seed: Annotated[int, Field(ge=0)] = 0
    compile: bool = True


class EstimatorSpec(Strict):
    """How T is made discrete before its information is counted."""

    kind: Literal["exact", "rebinned", "uniform", "adaptive"]
    bins: Annotated[int, Field(ge=2)] | None = None
    range: Literal["global", "layer", "neuron"] | tuple[float, float] | None = None
