"""The study that the config describes, and what a job takes from it."""

import os
import sys
from pathlib import Path

from infoplane.artifacts import canonical
from infoplane.config import resolve
from infoplane.errors import UserError

try:
    study = resolve(config, ", ".join(map(os.path.relpath, workflow.configfiles)) or "--config")
except UserError as error:
    sys.exit(f"infoplane: {error}")

# What runs is the code that the rules track, wherever infoplane was installed from.
shell.prefix("set -euo pipefail; export PYTHONPATH=src; ")


pathvars:
    results=study.results,
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",


wildcard_constraints:
    dataset="|".join(sorted({each.dataset for each in study.experiments.values()})),
    experiment="|".join(study.experiments),
    estimator="|".join(study.estimators),
    figure="|".join(study.figures),
    chunk=r"\d+-\d+",


def spec(item):
    """The slice of the config that a job depends on, as one text: order and comments change nothing."""
    return canonical(item.model_dump(mode="json"))


def modules_of(package):
    return sorted(map(str, Path("src/infoplane", package).glob("*.py")))


def figures_in(*categories):
    return [name for name, figure in study.figures.items() if figure.category in categories]


def figures_on(kind):
    """The figures that show experiments on data sets of one kind and no others."""
    return [
        name
        for name, figure in study.figures.items()
        if all(dataset_of(experiment).kind == kind for experiment in figure.experiments)
    ]


def datasets_of(kind):
    return [name for name, dataset in study.datasets.items() if dataset.kind == kind]


def dataset_of(experiment):
    return study.datasets[study.experiments[experiment].dataset]


def drawn(figures):
    return expand("<results>/figures/{figure}.{format}", figure=figures, format=["pdf", "png"])


def tables_on(datasets):
    return [
        f"<results>/statistics/{dataset}/{table}.csv"
        for dataset in datasets
        for table in JOINED
        if joined(dataset, table)
    ]


# The tables that are joined over all experiments on a data set, and what is joined
JOINED = {"information": "aggregates", "phases": "phases", "fits": "accuracy"}


def joined(dataset, table):
    pairs = [f"{experiment}/{estimator}" for experiment, estimator in study.pairs]
    folders = sorted(study.experiments) if table == "fits" else pairs
    return [
        f"<results>/statistics/{folder}/{JOINED[table]}.parquet"
        for folder in folders
        if dataset_of(folder.partition("/")[0]).name == dataset
    ]


VERDICTS = expand("<results>/statistics/{table}.csv", table=["claims", "cells"])


def claimed():
    """The phases that the claims rest on."""
    return [
        f"<results>/statistics/{experiment}/{estimator}/phases.parquet"
        for experiment, estimator in study.pairs
        if not study.experiments[experiment].control
    ]


def chunks(wildcards):
    return study.experiments[wildcards.experiment].chunks


def read_by(figure, held):
    """The tables that a figure is drawn from, of one kind."""
    shown = study.figures[figure]
    if held not in shown.reads:
        return []
    if held in ("reliability", "levels"):
        return [
            f"<results>/{held}/{experiment}/{chunk}.parquet"
            for experiment in shown.experiments
            for chunk in study.experiments[experiment].chunks
        ]
    if held == "information":
        return [
            chunk
            for experiment in shown.experiments
            for estimator in shown.estimators
            for chunk in information_of(experiment, estimator)
        ]
    folders = expand(
        "{experiment}/{estimator}", experiment=shown.experiments, estimator=shown.estimators or []
    )
    if held == "accuracy":
        folders = shown.experiments
    return expand("<results>/statistics/{folder}/{held}.parquet", folder=folders, held=held)


def information_of(experiment, estimator):
    """The chunks of an experiment seen by an estimator."""
    return [
        f"<results>/information/{experiment}/{estimator}/{chunk}.parquet"
        for chunk in study.experiments[experiment].chunks
    ]


def named(tables):
    """Each table behind the experiment, or experiment and estimator, that its folders are named after."""
    folders = ["/".join(Path(table).relative_to(study.results).parts[1:-1]) for table in tables]
    return [f"{folder}={table}" for folder, table in zip(folders, tables)]
