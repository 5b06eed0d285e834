"""The study that the config describes, and what a job takes from it."""

import os
import sys
import time
from itertools import product
from pathlib import Path

from infoplane.artifacts import canonical
from infoplane.code import TORCH, code_of
from infoplane.errors import UserError
from infoplane.log import failures
from infoplane.config.parsing import from_yaml
from infoplane.config.study import resolve

try:
    sources = [*map(os.path.relpath, workflow.configfiles)]
    for source in sources:  # Snakemake takes the last of equal keys
        from_yaml(Path(source))
    study = resolve(config, ", ".join(sources) or "--config")
except UserError as error:
    sys.exit(f"infoplane: {error}")

STARTED = time.time()
# What a job that computes on a GPU asks a scheduler for
GPUS = 1 if study.device == "cuda" else 0

# What runs is the code that the rules track, wherever infoplane was installed from.
shell.prefix("set -euo pipefail; export PYTHONPATH=src; ")


onerror:
    print("Failed:", *failures(Path(study.results, "logs"), STARTED), sep="\n    ", file=sys.stderr)


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
    return canonical(item.differences())


SOURCE = Path("src/infoplane")


def modules_of(package):
    return sorted(map(str, SOURCE.joinpath(package).glob("*.py")))


def code_for(stage):
    """The modules that the numbers of a stage depend on, but those that made its data set."""

    def of_engine(wildcards):
        other = TORCH if study.experiments[wildcards.experiment].engine == "kernels" else ()
        return [*map(str, code_of(stage, {"datasets", *other}, SOURCE))]

    return of_engine


def figures_in(*categories):
    return [name for name, figure in study.figures.items() if figure.category in categories]


def figures_on(kind):
    """The figures that show experiments on data sets of one kind and no others."""
    return [
        name
        for name, figure in study.figures.items()
        if figure.experiments
        and all(dataset_of(experiment).kind == kind for experiment in figure.experiments)
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
JOINED = {
    "information": "aggregates",
    "phases": "phases",
    "prevalence": "phases",
    "differences": "phases",
    "fits": "accuracy",
    "violations": "information",
    "correlations": "correlations",
    "errors": "errors",
    "levels": "levels",
}
# Those of them that are of what figures show, and of which kind of figure
SHOWN = {"correlations": "tradeoff", "errors": "errors", "levels": "levels"}


def joined(dataset, table):
    """The tables that are joined."""
    experiments = [name for name in sorted(study.experiments) if dataset_of(name).name == dataset]
    pairs = shown_by(SHOWN[table]) if table in SHOWN else study.pairs
    if table == "levels":
        experiments = [name for name, _ in pairs if name in experiments]
    return held(JOINED[table], experiments, [pair for pair in pairs if pair[0] in experiments])


def shown_by(kind):
    """The experiments and estimators that figures of a kind show."""
    figures = [figure for figure in study.figures.values() if figure.kind == kind]
    pairs = {pair for figure in figures for pair in product(figure.experiments, figure.estimators or [""])}
    return sorted(pairs)


def held(table, experiments, pairs):
    """The files of one kind of table, of every experiment or of every pair; some come in chunks."""
    if table == "claims":
        return VERDICTS[:1]
    if table == "merging":
        return expand("<results>/merging/{experiment}/0.parquet", experiment=experiments)
    folders = [(name,) for name in experiments] if table in OF_EXPERIMENTS else pairs
    if table in CHUNKED:
        return [
            f"<results>/{table}/{'/'.join(folder)}/{chunk}.parquet"
            for folder in folders
            for chunk in study.experiments[folder[0]].chunks
        ]
    return [f"<results>/statistics/{'/'.join(folder)}/{table}.parquet" for folder in folders]


OF_EXPERIMENTS = "accuracy", "reliability", "levels"
CHUNKED = "information", "reliability", "levels"
VERDICTS = expand("<results>/statistics/{table}.csv", table=["claims", "cells", "margins"])


def shelf(category):
    """Where the report has the figures of a category: those of the paper in its order, after the claims."""
    appendix = "appendix " if category in [*"ABCDEF"] else ""
    return "Figures" if category == "main" else f"Figures, {appendix}{category}"


def pages_of(tables):
    """The tables as pages for the report."""
    pages = [table.replace("<results>/statistics", "<results>/pages") for table in tables]
    return [page.replace(".csv", ".html") for page in pages]


def claimed():
    """The phases that the claims rest on."""
    return [
        f"<results>/statistics/{experiment}/{estimator}/phases.parquet"
        for experiment, estimator in study.pairs
        if not study.experiments[experiment].control
    ]


def chunks(wildcards):
    return study.experiments[wildcards.experiment].chunks


def read_by(figure, table):
    """The tables of one kind that a figure is drawn from."""
    shown = study.figures[figure]
    pairs = [(name, estimator) for name in shown.experiments for estimator in shown.estimators or []]
    return held(table, shown.experiments, pairs) if table in shown.reads else []


def named(tables):
    """Each table behind the experiment, or experiment and estimator, that its folders are named after."""
    folders = ["/".join(Path(table).relative_to(study.results).parts[1:-1]) for table in tables]
    return [f"{folder}={table}" for folder, table in zip(folders, tables)]
