"""Trainings of every kind, and the same by the reference."""

from collections.abc import Callable

import numpy as np
from reference import Record, ReferenceNetwork, small_images, train_reference

from infoplane import Dataset, TrainingSpec, load_dataset
from infoplane.kernels.random import Streams
from infoplane.networks.steps import EnsembleState
from infoplane.trajectory import training_parts

SETTINGS = {"dataset": "synthetic", "network": "shwartz-ziv", "epochs": 2, "record_every": 1}
TRAINED = 3276
IMAGES = [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5]
ON_IMAGES = {"dataset": "small-images", "network": IMAGES, "batch_size": 16, "epochs": 3}


def spec_of(activation="relu", bits=8, **others) -> TrainingSpec:
    return TrainingSpec(**SETTINGS | {"activation": activation, "bits": bits} | others)


def dataset_of(spec: TrainingSpec, dtype: type = np.uint8) -> Dataset:
    if spec.dataset == "synthetic":
        return load_dataset("synthetic")
    return small_images((14, 13) if spec.network == "conv" else (9, 8), dtype)


PUBLISHED = [
    spec_of("tanh", 8),
    spec_of("relu", 8),
    spec_of("tanh", 3),
    spec_of("relu", {"weights": 8, "activations": 4}),
    spec_of("tanh", "float32"),
    spec_of("relu", "float32"),
    spec_of("tanh", 8, batch_size=3000),
    spec_of("relu", 8, batch_size=5000),
    spec_of("tanh", 8, epochs=1, prefit_epochs=1, batch_size=1024),
    spec_of("relu", 8, **ON_IMAGES),
    spec_of("tanh", 4, **ON_IMAGES),
    spec_of("gelu", "float32", **ON_IMAGES),
    spec_of("relu", 8, **ON_IMAGES | {"prefit_epochs": 2, "batch_size": 100}),
    spec_of("relu", 8, **ON_IMAGES | {"network": "conv"}),
    spec_of("relu", 8, **ON_IMAGES | {"network": "hourglass"}),
]
CONTROLLED = [
    spec_of("tanh", 8, protocol="controlled"),
    spec_of("relu", 8, protocol="controlled"),
    spec_of("sigmoid", 2, protocol="controlled", batch_size=1024),
    spec_of("elu", "float32", protocol="controlled", batch_size=1024),
    *(
        spec_of(activation, 8, protocol="controlled", **ON_IMAGES)
        for activation in ("relu", "tanh", "leaky-relu", "elu", "gelu", "sigmoid", "hard-tanh", "identity")
    ),
    spec_of("relu", 4, protocol="controlled", **ON_IMAGES | {"prefit_epochs": 2}),
]
OWN = [
    spec_of("tanh", 8, **ON_IMAGES | {"batch_size": "whole"}),
    spec_of("relu", 8, beta_1=0.5, beta_2=0.9, epsilon=1e-3, **ON_IMAGES),
    spec_of("relu", 8, optimizer="sgd", **ON_IMAGES),
    spec_of("tanh", 8, optimizer="sgd", momentum=0, weight_decay=0.5, **ON_IMAGES | {"prefit_epochs": 2}),
    spec_of("elu", "float32", optimizer="sgd", momentum=0.5, weight_decay=0.1, **ON_IMAGES),
    spec_of("relu", 8, protocol="controlled", weight_decay=0.5, **ON_IMAGES),
    spec_of("relu", 8, initialisation="glorot", **ON_IMAGES),
    spec_of("relu", 8, ranges={"hidden_weights": "ema-debiased", "output_weights": "ema"}, **ON_IMAGES),
    spec_of("tanh", 16, ranges={"hidden_weights": (-0.5, 0.5), "activations": "ema"}, **ON_IMAGES),
    spec_of("elu", 8, protocol="controlled", ranges={"output": "ema-debiased"}, **ON_IMAGES),
    spec_of("elu", 8, protocol="controlled", ranges={"activations": (-0.2, 0.4)}, **ON_IMAGES),
]
# Each with the type of the inputs that it is trained on, where they are images
CASES = [(spec, np.uint8) for spec in [*PUBLISHED, *CONTROLLED, *OWN]]
CASES += [
    (spec_of(activation, bits, protocol=protocol, **ON_IMAGES), np.float32)
    for protocol, activation, bits in [
        ("published", "relu", 8),
        ("published", "tanh", 8),
        ("controlled", "relu", 4),
        ("controlled", "sigmoid", "float32"),
    ]
]


def name_of(case: object) -> str:
    """The name of a spec or of a type, for a test that is run with it."""
    if not isinstance(case, TrainingSpec):
        return getattr(case, "__name__", str(case))
    differences = case.model_dump(mode="json", exclude_defaults=True)
    for key in SETTINGS:
        del differences[key]
    return "-".join(map(str, [case.dataset, *differences.values()]))


def in_double_precision(initial_state: Callable[..., EnsembleState]) -> Callable[..., EnsembleState]:
    """The same start of a training by PyTorch in float64, in which all goes on."""

    def start(*given) -> EnsembleState:
        state = initial_state(*given)
        return state._replace(**{name: getattr(state, name).double() for name in state._fields})

    return start


def orders_of(spec: TrainingSpec, repetition: int, count: int) -> list[np.ndarray]:
    """The order of the training inputs in every epoch of every part."""
    streams = Streams(spec.seed, repetition)
    return [
        streams.order(part, epoch, count) for part, length in training_parts(spec) for epoch in range(length)
    ]


def labels_of(spec: TrainingSpec, dataset: Dataset, repetition: int) -> list[np.ndarray]:
    """The training labels of every epoch of every part."""
    truth = dataset.labels[dataset.train_mask]
    shuffled = truth[Streams(spec.seed, repetition).prefit_order(len(truth))]
    return [shuffled] * spec.prefit_epochs + [truth] * spec.epochs


def reference_run(
    spec: TrainingSpec,
    dataset: Dataset,
    repetition: int,
    network: ReferenceNetwork,
    earlier: np.ndarray | None = None,
) -> list[Record]:
    """A repetition by the reference, from the parameters that a network has, in its own order of inputs."""
    orders = orders_of(spec, repetition, int(dataset.train_mask.sum()))
    labels = labels_of(spec, dataset, repetition)
    return train_reference(network, dataset, orders, labels, earlier)
