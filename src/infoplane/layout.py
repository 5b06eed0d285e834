"""Where every file of a study lies, and what it is made from."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from infoplane.config.kinds import ESTIMATORS, TABLES
from infoplane.config.parsing import quoted
from infoplane.config.study import Study
from infoplane.errors import UserError

__all__ = [
    "FILES",
    "JOINS",
    "PARTS",
    "Layout",
    "behind_names",
    "benchmark_of",
    "folder_of",
    "locate",
    "log_of",
    "pair_of",
    "path_of",
    "ready_of",
    "repetitions_of",
]

# The path of a file below the folder of results, by what it holds: a file for each experiment, estimator or
# chunk that the path names
FILES = {
    "dataset": "datasets/{dataset}.npz",
    "trajectory": "training/{experiment}/{chunk}.safetensors",
    "history": "training/{experiment}/{chunk}.parquet",
    "information": "information/{experiment}/{estimator}/{chunk}.parquet",
    "reliability": "reliability/{experiment}/{chunk}.parquet",
    "resolution": "resolution/{experiment}/{chunk}.parquet",
    "levels": "levels/{experiment}/{chunk}.parquet",
    "merging": "merging/{experiment}/0.parquet",
    "activations": "activations/{experiment}/0.parquet",
    "accuracy": "statistics/{experiment}/accuracy.parquet",
    "aggregates": "statistics/{experiment}/{estimator}/aggregates.parquet",
    "phases": "statistics/{experiment}/{estimator}/phases.parquet",
    "errors": "statistics/{experiment}/{estimator}/errors.parquet",
    "tradeoff": "statistics/{experiment}/{estimator}/tradeoff.parquet",
    "correlations": "statistics/{experiment}/{estimator}/correlations.parquet",
    "joined": "statistics/{dataset}/{table}.csv",
    "claims": "statistics/claims.csv",
    "cells": "statistics/cells.csv",
    "margins": "statistics/margins.csv",
    "verdicts": "statistics/verdicts.html",
    "verdicts_text": "statistics/verdicts.md",
    "figure": "figures/{figure}.{format}",
    "page": "pages/{table}.html",
    "index": "index.html",
}
# The kinds of files that a job writes beside the first one, after which its log is named
BESIDE = {
    "history": ("trajectory",),
    "aggregates": ("phases",),
    "tradeoff": ("correlations",),
    "claims": ("cells", "margins"),
    "verdicts": ("verdicts_text",),
}


class Join(NamedTuple):
    """A table over all experiments on a data set; `infoplane.config.kinds.JOINED` says what it holds.

    Attributes:
        of: the kind of tables that it joins.
        figures: the kind of figures whose experiments and estimators it joins; "" to join all.
    """

    of: str
    figures: str = ""


JOINS = {
    "information": Join("aggregates"),
    "phases": Join("phases"),
    "prevalence": Join("phases"),
    "differences": Join("phases"),
    "fits": Join("accuracy"),
    "violations": Join("information"),
    "correlations": Join("correlations", "tradeoff"),
    "settings": Join("tradeoff", "settings"),
    "signs": Join("phases", "signs"),
    "errors": Join("errors", "errors"),
    "levels": Join("levels", "levels"),
    "resolution": Join("resolution", "resolution"),
    "reliability": Join("reliability", "reliability"),
}

Sources = dict[str, list[str]]


def path_of(kind: str, **names: str) -> str:
    """The path of a file below the folder of results.

    >>> path_of("history", experiment="mine", chunk="0-19")
    'training/mine/0-19.parquet'
    """
    return FILES[kind].format_map(names)


def folder_of(kind: str, **names: str) -> str:
    """The folder, below that of results, in which the chunks of a kind lie.

    >>> folder_of("history", experiment="mine")
    'training/mine'
    """
    return FILES[kind].rpartition("/")[0].format_map(names)


def locate(path: Path, kind: str) -> tuple[Path, dict[str, str]]:
    """The folder of results that a path lies in, and the names that the path is made of.

    Args:
        path: that of a file of a kind, or of the folder of its chunks.

    Raises:
        UserError: it is neither.

    >>> locate(Path("results/training/mine/0-19.parquet"), "history")
    (PosixPath('results'), {'experiment': 'mine', 'chunk': '0-19'})
    >>> locate(Path("results/training/mine"), "history")
    (PosixPath('results'), {'experiment': 'mine'})
    """
    for template in (FILES[kind], FILES[kind].rpartition("/")[0]):
        depth = len(PurePath(template).parts)
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
        if found := re.fullmatch(pattern, "/".join(path.parts[-depth:])):
            return path.parents[depth - 1], found.groupdict()
    raise UserError(f"{path}: lies where no {kind} of a study does; expected {FILES[kind]}")


def pair_of(path: Path, kind: str) -> tuple[str, str]:
    """The experiment and the estimator that a table is of.

    >>> pair_of(Path("results/statistics/mine/exact/phases.parquet"), "phases")
    ('mine', 'exact')
    """
    names = locate(path, kind)[1]
    return names["experiment"], names["estimator"]


def log_of(path: str) -> str:
    """The path of the log of the job that makes a file; a job of several files has the log of the first.

    >>> log_of("training/mine/0-19.parquet")
    'logs/training/mine/0-19.log'
    """
    return f"logs/{path.rpartition('.')[0]}.log"


def benchmark_of(path: str) -> str:
    """The path of the time and memory that Snakemake measures of the job that makes a file."""
    return f"benchmarks/{path.rpartition('.')[0]}.tsv"


def ready_of(path: str) -> str:
    """The hidden path at which a file that another job has made waits for its own job.

    >>> ready_of("information/mine/rebinned/0-19.parquet")
    'information/mine/rebinned/.0-19.parquet.ready'
    """
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.ready"


def behind_names(path: str, results: str) -> str:
    """An argument of a command: the names of experiment and estimator that a table is of, "=", and its path.

    Args:
        results: the folder of results, in which it lies.

    >>> behind_names("results/statistics/mine/exact/phases.parquet", "results")
    'mine/exact=results/statistics/mine/exact/phases.parquet'
    """
    folders = PurePath(path).relative_to(results).parts[1:-1]
    return f"{'/'.join(folders)}={path}" if folders else path


def repetitions_of(chunk: str) -> range:
    """The repetitions of a chunk, which is named after its first and its last.

    Raises:
        UserError: it is not.

    >>> repetitions_of("20-39")
    range(20, 40)
    """
    ends = re.fullmatch(r"([0-9]{1,10})-([0-9]{1,10})", chunk)
    if not (ends and int(ends[1]) <= int(ends[2]) < 2**31):
        raise UserError(f"{quoted(chunk)} is not a chunk; give its first and its last repetition, as in 0-19")
    return range(int(ends[1]), int(ends[2]) + 1)


class Layout:
    """The files of one study: paths are below its folder of results."""

    def __init__(self, study: Study) -> None:
        self.study = study

    def files(self, kind: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
        """The files of a kind, of some experiments and estimators, in all their chunks; each once."""
        names = (
            {"experiment": experiment, "estimator": estimator, "chunk": chunk}
            for experiment, estimator in pairs
            for chunk in (self.study.experiments[experiment].chunks if "{chunk}" in FILES[kind] else [""])
        )
        return list(dict.fromkeys(path_of(kind, **each) for each in names))

    def made_from(self, kind: str, names: Mapping[str, str]) -> Sources:
        """The paths of the files that a file is made from, by their kind or by their role.

        Args:
            kind: of the file, a key of `FILES`.
            names: the names in its path, such as `experiment` and `chunk`.
        """
        return MADE_FROM[kind](self, names)

    def made_with(self, kind: str, names: Mapping[str, str]) -> list[str]:
        """All files of the job whose first file is of a kind."""
        if kind == "figure":
            return self.figures([names["figure"]])
        return [path_of(each, **names) for each in self.kinds_made(kind, names)]

    def kinds_made(self, kind: str, names: Mapping[str, str]) -> tuple[str, ...]:
        """The kinds of all files of the job whose first file is of a kind, that one first.

        Trajectories are among them only if the study keeps them.
        """
        without = self.study.trajectories == "drop" or names.get("experiment") in self.study.recorded
        dropped = ("trajectory",) if without else ()
        return tuple(each for each in (kind, *BESIDE.get(kind, ())) if each not in dropped)

    def all_chunks(self, kind: str, names: Mapping[str, str]) -> list[str]:
        return self.files(kind, [(names["experiment"], names.get("estimator", ""))])

    def dataset_of(self, names: Mapping[str, str]) -> Sources:
        """The data set of a training; recorded runs have none."""
        if names["experiment"] in self.study.recorded:
            return {}
        return {"dataset": [path_of("dataset", dataset=self.study.experiments[names["experiment"]].dataset)]}

    def trajectory_of(self, names: Mapping[str, str]) -> Sources:
        """A trajectory of one chunk, and its data set; without a chunk the one with repetition 0.

        Recorded runs have neither.
        """
        if names["experiment"] in self.study.recorded:
            return {}
        chunk = names.get("chunk", self.study.experiments[names["experiment"]].chunks[0])
        trajectory = path_of("trajectory", experiment=names["experiment"], chunk=chunk)
        return self.dataset_of(names) | {"trajectory": [trajectory]}

    def measured_together(self, experiment: str) -> list[str]:
        """The estimators of an experiment that share a replay: the exact one, whose job measures all, first.

        Others are quick ones, of networks that the kernels have trained. None if there is none.
        """
        exact, estimators = self.study.exact_estimator(experiment), self.study.estimators
        its = self.study.trained.get(experiment)
        if not exact or its is None or its.engine != "kernels":
            return []
        others = [
            name
            for name, estimator in estimators.items()
            if experiment in estimator.experiments
            and name != exact
            and ESTIMATORS[estimator.spec.kind].is_quick
        ]
        return [exact, *sorted(others)] if others else []

    def measured_from(self, names: Mapping[str, str]) -> Sources:
        """What information is measured from; `after`, which no command reads, is of an earlier job."""
        first, *others = self.measured_together(names["experiment"]) or [""]
        after = names["estimator"] in others
        leading = [path_of("information", **{**names, "estimator": first})]
        return self.trajectory_of(names) | ({"after": leading} if after else {})

    def measured_by_others(self) -> list[dict[str, str]]:
        """The names of all tables of information that the job of the exact one measures."""
        return [
            {"experiment": experiment, "estimator": estimator, "chunk": chunk}
            for experiment, its in self.study.experiments.items()
            for estimator in self.measured_together(experiment)[1:]
            for chunk in its.chunks
        ]

    def exact_of(self, names: Mapping[str, str]) -> list[str]:
        """The exact information of an experiment."""
        exact = self.study.exact_estimator(names["experiment"])
        return self.files("information", [(names["experiment"], exact)] if exact else [])

    def joined(self, names: Mapping[str, str]) -> list[str]:
        """The tables that a table of a data set joins: of all experiments, or of those that figures show."""
        table = names["table"]
        join = JOINS[table]
        pairs = self.names_of_figures(join.figures, join.of) if join.figures else self.study.pairs
        if table == "fits":
            recorded = self.study.recorded
            names_of = sorted(self.study.experiments)
            pairs = [(each, "") for each in names_of if each not in recorded or recorded[each].accuracies]
        on = [pair for pair in pairs if self.study.experiments[pair[0]].dataset == names["dataset"]]
        return self.files(join.of, on)

    def claimed(self) -> list[str]:
        """The tables of phases that the claims rest on: of no control and no recorded experiment."""
        counted = [pair for pair in self.study.pairs if pair[0] in self.study.evidence]
        return self.files("phases", counted)

    def drawn_from(self, figure: str) -> Sources:
        """The tables that a figure shows."""
        spec = self.study.figures[figure]
        return {kind: self.tables(kind, spec.names(kind)) for kind in spec.reads}

    def tables(self, kind: str, names: Iterable[Any]) -> list[str]:
        """The tables of a kind, of some experiments, of some experiments and estimators, or of the study."""
        if TABLES[kind].of == "study":
            return [path_of(kind)]
        return self.files(kind, [name if isinstance(name, tuple) else (name, "") for name in names])

    def names_of_figures(self, kind: str, table: str) -> list[tuple[str, str]]:
        """The experiments, and the estimators if there are any, whose tables figures of a kind show."""
        figures = [figure for figure in self.study.figures.values() if figure.kind == kind]
        names = {name for figure in figures for name in figure.names(table)}
        return sorted(name if isinstance(name, tuple) else (name, "") for name in names)

    def figures(self, names: Iterable[str]) -> list[str]:
        formats = {name: figure.formats for name, figure in self.study.figures.items()}
        return [path_of("figure", figure=name, format=each) for name in names for each in formats[name]]

    def figures_of(self, formats: tuple[str, ...]) -> list[str]:
        """The names of the figures whose files have these formats."""
        return [name for name, its in self.study.figures.items() if its.formats == formats]

    def figures_in(self, *categories: str) -> list[str]:
        """The figures of some categories."""
        return self.figures(name for name, its in self.study.figures.items() if its.category in categories)

    def figures_on(self, kind: str) -> list[str]:
        """The figures that show experiments on data sets of one kind and no others."""
        on = {name: self.study.datasets[its.dataset].kind for name, its in self.study.trained.items()}
        kinds = {name: {on.get(each) for each in its.experiments} for name, its in self.study.figures.items()}
        return self.figures(name for name, its in kinds.items() if its == {kind})

    def joins_on(self, kind: str) -> list[str]:
        """The joined tables of the data sets of one kind."""
        return self.joins(name for name, dataset in self.study.datasets.items() if dataset.kind == kind)

    def joins(self, datasets: Iterable[str]) -> list[str]:
        """The joined tables of some data sets or recorded inputs."""
        tables = [{"dataset": dataset, "table": table} for dataset in datasets for table in JOINS]
        return [path_of("joined", **names) for names in tables if self.joined(names)]

    def verdicts(self) -> list[str]:
        """The tables of claims, and the verdicts to read; none where claims rest on no experiment."""
        if not self.claimed():
            return []
        return [*self.made_with("claims", {}), *self.made_with("verdicts", {})]

    def pages(self, tables: Iterable[str]) -> list[str]:
        """The pages that show tables (csv) of statistics in a browser."""
        names = (table.removeprefix("statistics/") for table in tables if table.endswith(".csv"))
        return [path_of("page", table=name.removesuffix(".csv")) for name in names]

    def targets(self) -> list[str]:
        """The files that a study is run for: figures, joined tables, verdicts, pages and the index."""
        joins, verdicts = self.joins(self.study.inputs), self.verdicts()
        ends = [*self.figures(self.study.figures), *joins, *verdicts, *self.pages(joins + verdicts)]
        return [*ends, path_of("index")]

    def all_files(self) -> list[str]:
        """Every file that jobs of the study make: what it is run for, and what that rests on."""
        files = [*self.targets(), *(path_of("dataset", dataset=name) for name in self.study.datasets)]
        for kind, template in FILES.items():
            if "{estimator}" in template:
                files += self.files(kind, self.study.pairs)
            elif "{experiment}" in template:
                files += self.files(kind, [(name, "") for name in self.study.experiments])
        return list(dict.fromkeys(files))

    def part(self, name: str) -> list[str]:
        """The files of a part of the study that can be run by itself, a key of `PARTS`."""
        return PARTS[name](self)

    def indexed(self) -> Sources:
        """What the index of the study shows and links to."""
        fits = [{"dataset": name, "table": "fits"} for name in self.study.inputs]
        return {
            "figures": self.figures(self.study.figures),
            "pages": self.pages(self.joins(self.study.inputs) + self.verdicts()),
            "claims": [path_of("claims")] if self.claimed() else [],
            "accuracy": [path for names in fits for path in self.joined(names)],
            "aggregates": self.files("aggregates", self.study.pairs),
        }


# The parts of a study that can be run by their names: rules of the workflow that ask for these files
PARTS: dict[str, Callable[[Layout], list[str]]] = {
    "all": Layout.targets,
    "claims": Layout.verdicts,
    "paper": lambda layout: layout.figures_in("main", *"ABCDEF"),
    "synthetic": lambda layout: layout.figures_on("synthetic") + layout.joins_on("synthetic"),
    "mnist": lambda layout: layout.figures_on("mnist") + layout.joins_on("mnist"),
    "figure_main": lambda layout: layout.figures_in("main"),
    "figure_a": lambda layout: layout.figures_in("A"),
    "figure_b": lambda layout: layout.figures_in("B"),
    "figure_c": lambda layout: layout.figures_in("C"),
    "figure_d": lambda layout: layout.figures_in("D"),
    "figure_e": lambda layout: layout.figures_in("E"),
    "figure_f": lambda layout: layout.figures_in("F"),
}
MADE_FROM: dict[str, Callable[[Layout, Mapping[str, str]], Sources]] = {
    "dataset": lambda layout, names: {},
    "trajectory": Layout.dataset_of,
    "history": Layout.dataset_of,
    "information": Layout.measured_from,
    "reliability": Layout.trajectory_of,
    "resolution": Layout.trajectory_of,
    "levels": Layout.trajectory_of,
    "merging": Layout.trajectory_of,
    "activations": Layout.trajectory_of,
    "accuracy": lambda layout, names: {
        **layout.dataset_of(names),
        "history": layout.all_chunks("history", names),
    },
    "aggregates": lambda layout, names: {
        "information": layout.all_chunks("information", names),
        "history": layout.all_chunks("history", names),
    },
    "errors": lambda layout, names: {
        "exact": layout.exact_of(names),
        "binned": layout.all_chunks("information", names),
    },
    "tradeoff": lambda layout, names: {
        "phases": layout.all_chunks("phases", names),
        "history": layout.all_chunks("history", names),
    },
    "joined": lambda layout, names: {"tables": layout.joined(names)},
    "claims": lambda layout, names: {"phases": layout.claimed()},
    "verdicts": lambda layout, names: {"claims": [path_of("claims")]},
    "figure": lambda layout, names: layout.drawn_from(names["figure"]),
    "index": lambda layout, names: layout.indexed(),
    "page": lambda layout, names: {"table": [f"statistics/{names['table']}.csv"]},
}
MADE_FROM |= {other: MADE_FROM[first] for first, others in BESIDE.items() for other in others}
