"""Labels: what figures and tables write in place of the names of experiments, estimators and categories."""

from collections import Counter
from collections.abc import Collection, Mapping
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
    "labels_of_trainings",
    "network_label",
    "report_category",
]

ACTIVATIONS = {
    "relu": "ReLU",
    "leaky-relu": "leaky ReLU",
    "elu": "ELU",
    "gelu": "GELU",
}
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD"}
DATASETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
PHRASES = {"labels": "{} labels", "protocol": "{}", "initialisation": "{}", "optimizer": "{}"}
# What a label begins with, and what changes no number of a run or only how many there are
FIRST = {"dataset", "network", "activation", "bits"}
LEFT_OUT = {"epochs", "record_every", "seed", "engine", "prefit_epochs", "ranges"}


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
            words = key.replace("_", " ") + " {}"
            parts.append(PHRASES.get(key, words).format(phrase(value)))
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


def phrase(value: Any) -> str:
    """A value of a config as it is written in a sentence.

    >>> phrase([-1.0, 1.0]), phrase("truncated-normal"), phrase(0.001)
    ('[−1, 1]', 'truncated normal', '0.001')
    """
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(phrase, value))}]"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {phrase(each)}" for key, each in value.items())
    if isinstance(value, float):
        return f"{value:g}".replace("-", "−")
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
    'KDE, noise 0.001, bound lower'
    >>> label_of_estimator(EstimatorSpec(kind="exact", subset="train"))
    'exact, training inputs'
    """
    keys = spec.differences()
    kind, subset = keys.pop("kind"), keys.pop("subset", None)
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
    parts += [f"{key.replace('_', ' ')} {phrase(value)}" for key, value in keys.items()]
    if layers:
        parts.append("output layer" if layers == "output" else f"layers {', '.join(map(str, layers))}")
    if subset:
        parts.append({"train": "training inputs", "test": "test inputs"}[subset])
    return ", ".join(parts)


def labels_of_trainings(
    specs: Mapping[str, TrainingSpec | RecordedSpec], own: Mapping[str, str], without: Collection[str] = ()
) -> dict[str, str]:
    """Labels of experiments that are shown together: where two would be alike, the name follows.

    Args:
        specs: by the names of the experiments, which are the labels of those that were recorded.
        own: labels that were given, by the same names.
        without: keys that are left out, because the title says them.
    """
    labels = {
        name: own.get(name) or (name if isinstance(spec, RecordedSpec) else label_of_training(spec, without))
        for name, spec in specs.items()
    }
    count = Counter(labels.values())
    return {name: label if count[label] == 1 else f"{label} ({name})" for name, label in labels.items()}


def report_category(category: str) -> str:
    """The category of Snakemake's report under which the figures of a category of the study appear.

    >>> report_category("main"), report_category("B"), report_category("phases")
    ('Figures', 'Figures, appendix B', 'Figures, phases')
    """
    appendix = "appendix " if category in [*"ABCDEF"] else ""
    return "Figures" if category == "main" else f"Figures, {appendix}{category}"
