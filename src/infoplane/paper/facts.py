"""What the template of a paper reads beside the tables: experiments, figures, constants, provenance."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infoplane.artifacts import known_spec
from infoplane.config.figures import FigureSpec
from infoplane.config.kinds import PICTURE
from infoplane.config.labels import ACTIVATIONS, DATASETS, OPTIMIZERS, labels_of_trainings
from infoplane.config.study import Experiment, Study
from infoplane.config.training import LayerSpec
from infoplane.errors import UserError
from infoplane.export import PROVENANCE, provenance
from infoplane.layout import Layout
from infoplane.networks.layers import NETWORKS
from infoplane.pages.index import contents_of, versions_in
from infoplane.ranges import MOVING_DECAY, MOVING_START
from infoplane.recognition import description_of
from infoplane.statistics.blocks import LENGTH, TAIL
from infoplane.statistics.claims import CLAIMS
from infoplane.statistics.margins import DEFAULT, MARGINS
from infoplane.statistics.phases import NEAR
from infoplane.statistics.prevalence import FEWEST, LEVEL

__all__ = ["facts"]


def facts(study: Study, layout: Layout, config: Path) -> dict[str, Any]:
    """What is known of a study without its tables.

    Raises:
        UserError: the config cannot be read; what a table or an export says of itself is not known.
    """
    labels = labels_of_all(study)
    paths = [Path(study.results, path) for path in layout.files("aggregates", study.pairs)]
    made = {path: its for path in paths if (its := description_of(path))}
    return {
        "results": study.results,
        "experiments": {name: of_experiment(its, labels[name]) for name, its in study.trained.items()},
        "recorded": {name: its.repetitions for name, its in study.recorded.items()},
        "pairs": [f"{experiment}/{estimator}" for experiment, estimator in study.pairs],
        "labels": labels,
        "figures": {name: of_figure(study, name, labels) for name in layout.figures_of(PICTURE)},
        "networks": {name: sizes(layers) for name, layers in NETWORKS.items()},
        "datasets": datasets_of(made),
        "claims": {
            name: dict(zip(("statement", "rule"), its.words, strict=True)) for name, its in CLAIMS.items()
        },
        "constants": CONSTANTS,
        "provenance": origin(study, config) | {"versions": versions_in(made.values())},
    }


def labels_of_all(study: Study) -> dict[str, str]:
    """Labels of all experiments that are trained, and of estimators.

    Those that claims rest on have the labels of the figures; of the others, one that would be like any has
    its name too.
    """
    trained = study.trained
    own = {name: its.label for name, its in trained.items() if its.label}
    return labels_of_trainings({name: its.spec for name, its in trained.items()}, own) | study.labels()


def datasets_of(made: Mapping[Path, Mapping[str, Any]]) -> dict[str, Any]:
    """The data sets of tables of means by name, those of all inputs.

    Args:
        made: what the tables say of themselves.
    """
    data = {}
    for path, its in made.items():
        with known_spec(path, its):
            if {"subset": "all", **its["spec"]["estimator"]}["subset"] == "all":
                data[its["dataset"]["name"]] = its["dataset"]
    return data


def origin(study: Study, config: Path) -> dict[str, Any]:
    """Config, commit and engine that a study was made by: as exported with it, or else the present ones.

    Raises:
        UserError: what was exported does not say them.
    """
    exported = Path(study.results, PROVENANCE)
    if exported.is_file():
        try:
            known: dict[str, Any] = json.loads(exported.read_text(encoding="utf-8"))
            told = [known["config_sha256"], known["commit"] or "", str(known["engine"])]
        except (KeyError, OSError, TypeError, ValueError) as error:
            raise unsaid(exported) from error
        if not all(isinstance(each, str) for each in told):
            raise unsaid(exported)
        return known
    return provenance(config)


def unsaid(exported: Path) -> UserError:
    """The error of a file that does not say what a study was made by."""
    return UserError(f"{exported}: does not say what the study was made by; export the study again")


CONSTANTS = {
    "block": LENGTH,
    "compression_margin": DEFAULT.compression,
    "fewest_runs": FEWEST,
    "fitting_margin": DEFAULT.fitting,
    "level": LEVEL,
    "margins": [its.name for its in MARGINS],
    "moving_decay": MOVING_DECAY,
    "moving_start": MOVING_START[1],
    "near": NEAR,
    "tail": 1 / TAIL,
}


def of_experiment(its: Experiment, label: str) -> dict[str, Any]:
    """An experiment: its label, its control mark, its repetitions and the keys of its training."""
    keys = {"network", "protocol", "epochs", "prefit_epochs", "batch_size", "learning_rate"}
    return its.spec.model_dump(mode="json", include=keys) | {
        "label": label,
        "dataset": its.dataset,
        "data": DATASETS.get(its.dataset, its.dataset),
        "activation": ACTIVATIONS.get(its.activation, its.activation),
        "bits": its.bits if isinstance(its.bits, str) else its.bits.activations,
        "optimizer": OPTIMIZERS[its.optimizer],
        "repetitions": its.repetitions,
        "control": its.control,
    }


def of_figure(study: Study, name: str, labels: Mapping[str, str]) -> dict[str, str]:
    """A figure: its file, its caption, and what it shows."""
    spec = study.figures[name]
    return {
        "file": f"figures/{name}.svg",
        "caption": spec.caption,
        "shown": f"{shown_in(spec, labels)}{f' {spec.note}.' if spec.note else ''}",
    }


def shown_in(spec: FigureSpec, labels: Mapping[str, str]) -> str:
    """What a figure shows: its experiments, and its estimators where there are several.

    Nothing where that is more than a few experiments.
    """
    if not contents_of(spec, labels):
        return ""
    own = {**labels, **spec.labels}
    by = [own.get(name, name) for name in spec.estimators or ()]
    estimators = f" Estimators: {'; '.join(by)}." if len(by) > 1 else ""
    return f" Shown: {'; '.join(own.get(name, name) for name in spec.experiments)}.{estimators}"


def sizes(layers: Sequence[LayerSpec]) -> str:
    """The sizes of the layers of a network.

    >>> sizes(NETWORKS["shwartz-ziv"]), sizes(NETWORKS["conv"])
    ('10-7-5-4-3', '2 filters of 3×3, 2×2 pooling, 2 filters of 3×3, 2×2 pooling, 16')
    """
    known = [*map(size, layers)]
    return ("-" if all(each.isdigit() for each in known) else ", ").join(known)


def size(layer: LayerSpec) -> str:
    """The size of a layer: its width, its filters or its pools."""
    match layer.model_dump():
        case {"dense": width}:
            return str(width)
        case {"pool": width}:
            return f"{width}×{width} pooling"
        case {"conv": filters, "kernel": width}:
            return f"{filters} filters of {width}×{width}"
        case unknown:
            raise AssertionError(unknown)
