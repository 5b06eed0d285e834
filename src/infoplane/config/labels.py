"""Labels: what figures and tables write in place of the names of experiments, estimators and categories."""

from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal
from itertools import combinations
from typing import Any

from infoplane.config.estimators import EstimatorSpec
from infoplane.config.kinds import ESTIMATORS
from infoplane.config.recorded import RecordedSpec
from infoplane.config.training import TrainingSpec

__all__ = [
    "ACTIVATIONS",
    "DATASETS",
    "OPTIMIZERS",
    "label_of_estimator",
    "label_of_training",
    "labels_of_estimators",
    "labels_of_trainings",
    "network_label",
    "phrase",
    "report_category",
    "words_of",
]

ACTIVATIONS = {
    "relu": "ReLU",
    "leaky-relu": "leaky ReLU",
    "elu": "ELU",
    "gelu": "GELU",
}
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD"}
DATASETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
PHRASES = {
    "labels": "{} labels",
    "protocol": "{}",
    "initialisation": "{}",
    "optimizer": "{}",
    "bound": "{} bound",
    "epochs": "{} epochs",
}
# What a label begins with, and what changes no number of a run or only how many there are
FIRST = {"dataset", "network", "activation", "bits"}
LEFT_OUT = {"epochs", "record_every", "seed", "engine", "prefit_epochs", "ranges"}
# What is said of these where labels would be alike without it
APART = {
    "epochs": "{:,} epoch{}",
    "prefit_epochs": "{:,} epoch{} of prefit",
    "record_every": "recorded every {:,} epoch{}",
}


def label_of_training(spec: TrainingSpec, without: Collection[str] = ()) -> str:
    """Label of an experiment, from what its spec sets.

    The data set and the network are left out where they are `synthetic` and `shwartz-ziv`, and all that has
    its default.

    Args:
        spec: the training spec.
        without: keys that are left out, because the title says them.

    >>> relu = TrainingSpec(dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8, epochs=9,
    ...                     record_every=1)
    >>> label_of_training(relu)
    'ReLU, 8 bits'
    >>> label_of_training(relu.model_copy(update={"protocol": "controlled", "learning_rate": 0.01}))
    'ReLU, 8 bits, controlled, learning rate 0.01'
    """
    parts = []
    if (spec.dataset, spec.network) != ("synthetic", "shwartz-ziv"):
        parts = [" ".join([DATASETS.get(spec.dataset, spec.dataset), network_label(spec)])]
    parts += [ACTIVATIONS.get(spec.activation, spec.activation), bits_label(spec)]
    if spec.prefit_epochs:
        parts.append("prefit")
    for key, value in spec.differences().items():
        if key not in FIRST | LEFT_OUT | {*without}:
            parts.append(said(key, value))
    for key, value in spec.ranges.model_dump(exclude_none=True).items():
        what = "range" if key == "activations" else f"{key.replace('_', ' ')} range"
        parts.append(f"{what} {phrase(value)}")
    return ", ".join(parts)


def network_label(spec: TrainingSpec) -> str:
    """Name of a network, or the sizes of its layers.

    >>> network_label(TrainingSpec(dataset="mine", network=[10, {"conv": 2}, {"pool": 2}], activation="relu",
    ...                            bits=8, epochs=1, record_every=1))
    '10-conv 2-pool 2'
    """
    if isinstance(spec.network, str):
        return spec.network
    sizes = []
    for layer in spec.network:
        kind, size = next(iter(layer.model_dump().items()))
        sizes.append(str(size) if kind == "dense" else f"{kind} {size}")
    return "-".join(sizes)


def bits_label(spec: TrainingSpec) -> str:
    if isinstance(spec.bits, str):
        return spec.bits
    weights, activations = spec.bits.weights, spec.bits.activations
    return f"{weights} bits" if weights == activations else f"{weights}/{activations} bits"


def said(key: str, value: Any) -> str:
    """What a label says of a key.

    >>> said("learning_rate", 0.01), said("labels", "shuffled"), said("bound", "lower")
    ('learning rate 0.01', 'shuffled labels', 'lower bound')
    """
    return PHRASES[key].format(phrase(value)) if key in PHRASES else words_of(key, phrase(value))


def words_of(key: str, value: str) -> str:
    """A key and the phrase of its value.

    >>> words_of("batch_size", "32"), words_of("batch_size", "whole")
    ('batch size 32', 'batches of the whole training set')
    """
    whole = (key, value) == ("batch_size", "whole")
    return "batches of the whole training set" if whole else f"{key.replace('_', ' ')} {value}"


def phrase(value: Any) -> str:
    """A value of a config as it is written in a sentence.

    >>> phrase([-1.0, 1.0]), phrase("truncated-normal"), phrase(0.001), phrase(1e-5)
    ('[−1, 1]', 'truncated normal', '0.001', '0.00001')
    """
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(phrase, value))}]"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {phrase(each)}" for key, each in value.items())
    if isinstance(value, float):
        return f"{Decimal(f'{value:g}'):f}".replace("-", "−")
    return OPTIMIZERS.get(value, str(value).replace("-", " "))


def label_of_estimator(spec: EstimatorSpec) -> str:
    """Label of an estimator, from what its spec sets.

    >>> label_of_estimator(EstimatorSpec(kind="exact"))
    'exact'
    >>> label_of_estimator(EstimatorSpec(kind="uniform", bins=30, range="global", subset="test"))
    '30 bins, global range, test inputs'
    >>> label_of_estimator(EstimatorSpec(kind="quantized", range=[0, 1]))
    'quantized on [0, 1]'
    >>> label_of_estimator(EstimatorSpec(kind="quantized", range="layer", bits=4, layers="output"))
    '4 bits, layer range, output layer'
    >>> label_of_estimator(EstimatorSpec(kind="kde", noise=1e-3, bound="lower", epochs=32))
    'KDE, noise 0.001, lower bound'
    >>> label_of_estimator(EstimatorSpec(kind="exact", subset="train"))
    'exact, training inputs'
    >>> label_of_estimator(EstimatorSpec(kind="exact", epochs=32))
    'exact, 32 epochs'
    """
    keys = spec.differences()
    kind, subset = keys.pop("kind"), keys.pop("subset", None)
    if kind != "exact":  # which also sees every epoch in the same study
        keys.pop("epochs", None)
    bins, bits, extent = keys.pop("bins", None), keys.pop("bits", None), keys.pop("range", None)
    parts = [f"{bins} bins" if bins else f"{bits} bits" if bits else ESTIMATORS[kind].label or kind]
    if spec.is_binning and not extent:
        parts[0] += f" of {spec.range_name}"
    if isinstance(extent, list):
        parts[0] += f" on {phrase(extent)}"
    elif extent:
        parts.append(f"{extent} range")
    layers = keys.pop("layers", None)
    parts += [said(key, value) for key, value in keys.items()]
    if layers:
        parts.append("output layer" if layers == "output" else f"layers {', '.join(map(str, layers))}")
    if subset:
        parts.append({"train": "training inputs", "test": "test inputs"}[subset])
    return ", ".join(parts)


def labels_of_trainings(
    specs: Mapping[str, TrainingSpec | RecordedSpec], own: Mapping[str, str], without: Collection[str] = ()
) -> dict[str, str]:
    """Labels of experiments that are shown together: where two would be alike, what differs follows.

    That is how long they are trained, or how often they are recorded, or else their names.

    Args:
        specs: by the names of the experiments, which are the labels of those that were recorded.
        own: labels that were given, by the same names.
        without: keys that are left out, because the title says them.
    """
    labels = {
        name: own.get(name) or (name if isinstance(spec, RecordedSpec) else label_of_training(spec, without))
        for name, spec in specs.items()
    }
    return told_apart(labels, specs)


def labels_of_estimators(specs: Mapping[str, EstimatorSpec], own: Mapping[str, str]) -> dict[str, str]:
    """Labels of estimators that are shown together: where two would be alike, what differs follows.

    Args:
        specs: by the names of the estimators.
        own: labels that were given, by the same names.

    >>> kde = EstimatorSpec(kind="kde", noise=0.1)
    >>> [*labels_of_estimators({"all": kde, "few": kde.model_copy(update={"epochs": 32})}, {}).values()]
    ['KDE, noise 0.1', 'KDE, noise 0.1, 32 epochs']
    """
    labels = {name: own.get(name) or label_of_estimator(spec) for name, spec in specs.items()}
    return told_apart(labels, specs)


def told_apart(labels: Mapping[str, str], specs: Mapping[str, Any]) -> dict[str, str]:
    """Labels to which is added what makes them differ: as few words as can be, or else the names."""
    found = dict(labels)
    for label, count in Counter(labels.values()).items():
        alike = {name: specs[name] for name in labels if labels[name] == label}
        if count > 1:
            found |= {name: label + words for name, words in differences_of(alike).items()}
    count_of = Counter(found.values())
    return {name: label if count_of[label] == 1 else f"{label} ({name})" for name, label in found.items()}


def differences_of(specs: Mapping[str, Any]) -> dict[str, str]:
    """The fewest words that tell apart as many specs as can be."""
    choices = [keys for size in range(len(APART) + 1) for keys in combinations(APART, size)]
    said = [{name: "".join(numbers_of(spec, keys)) for name, spec in specs.items()} for keys in choices]
    return max(said, key=lambda words: len({*words.values()}))


def numbers_of(spec: Any, keys: Collection[str]) -> list[str]:
    """What is said of some keys of a spec, where it has them."""
    values = ((key, getattr(spec, key, None)) for key in keys)
    return [", " + APART[key].format(value, "s" * (value > 1)) for key, value in values if value]


def report_category(category: str) -> str:
    """The category of Snakemake's report under which the figures of a category of the study appear.

    >>> report_category("main"), report_category("B"), report_category("phases")
    ('Figures', 'Figures, appendix B', 'Figures, phases')
    """
    appendix = "appendix " if category in [*"ABCDEF"] else ""
    return "Figures" if category == "main" else f"Figures, {appendix}{category}"
