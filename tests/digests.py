"""Digests of short trainings and of their information, and the instructions that kernels are made of; run as

python tests/digests.py
"""

import json

import numpy as np

from infoplane import Dataset, EstimatorSpec, TrainingSpec, load_dataset, train
from infoplane.artifacts import array_digest
from infoplane.entropy import Information
from infoplane.information import estimate
from infoplane.kernels.compilation import inlined
from infoplane.kernels.vectors import fma, load, store

MEASURES = ["loss", "train_accuracy", "test_accuracy"]
SHORT = {"epochs": 2, "record_every": 1, "learning_rate": 1e-2}
SYNTHETIC = {"dataset": "synthetic", "network": "shwartz-ziv"}
CONV = [{"conv": 3, "kernel": 3}, {"pool": 2}, {"conv": 2, "kernel": 2}, 5]
SPECS = {
    "published tanh": SYNTHETIC | {"activation": "tanh", "bits": 8},
    "published relu": SYNTHETIC | {"activation": "relu", "bits": 8, "prefit_epochs": 1},
    "float32": SYNTHETIC | {"activation": "tanh", "bits": "float32"},
    "controlled": SYNTHETIC | {"activation": "gelu", "bits": 6, "protocol": "controlled"},
    "descent": SYNTHETIC
    | {"activation": "relu", "bits": 8, "optimizer": "sgd", "weight_decay": 0.1, "train_fraction": 0.2},
    "weight decay": SYNTHETIC | {"activation": "tanh", "bits": 8, "weight_decay": 0.1},
    "conv": {"dataset": "images", "network": CONV, "activation": "elu", "bits": 8, "protocol": "controlled"},
    "sparse": {"dataset": "images", "network": [17, 5], "activation": "sigmoid", "bits": "float32"},
}
ESTIMATORS = {
    "exact": EstimatorSpec(kind="exact"),
    "30 bins": EstimatorSpec(kind="uniform", bins=30, range="global"),
    "5 bits": EstimatorSpec(kind="quantized", bits=5, range="layer"),
    "densities": EstimatorSpec(kind="kde", noise=0.1, layers=[2]),
}


def images() -> Dataset:
    """Images whose pixels are mostly 0."""
    generator, labels = np.random.default_rng(0), np.arange(300) % 3
    pixels = generator.integers(1, 256, (300, 9, 9)) * (generator.random((300, 9, 9)) < 0.3)
    return Dataset("images", pixels.astype(np.uint8), labels, np.arange(300) % 4 > 0, 1 / 255)


def digests() -> dict[str, dict[str, str]]:
    """Of parameters, ranges, history and tables of information, for each of the specs."""
    datasets = {"synthetic": load_dataset("synthetic"), "images": images()}
    found = {}
    for name, values in SPECS.items():
        spec = TrainingSpec(**SHORT | values)
        dataset = datasets[spec.dataset]
        trajectory, history = train(spec, [0, 1], dataset)
        found[name] = {
            "parameters": array_digest(trajectory.parameters),
            "ranges": array_digest(trajectory.ranges),
            "history": array_digest(history[MEASURES].to_numpy()),
        }
        for kind, estimator in ESTIMATORS.items():
            table = estimate(estimator, trajectory, dataset)
            found[name][kind] = array_digest(table[[*Information._fields]].to_numpy())
    return found


@inlined
def square_and_add(numbers: np.ndarray) -> None:
    here = load(numbers, 0)
    store(numbers, 0, fma(here, here, here))


def instructions() -> dict[str, bool]:
    """Whether kernels are made of AVX-512's, and of instructions that multiply and add at once."""
    square_and_add(np.zeros(16, dtype=np.float32))
    (code,) = square_and_add.inspect_asm().values()
    return {"avx512": "zmm" in code, "fma": "vfmadd" in code}


if __name__ == "__main__":
    print(json.dumps({"instructions": instructions(), "digests": digests()}))
