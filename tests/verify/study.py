"""A folder of results with every kind of artifact, and what damages it."""

from pathlib import Path

import numpy as np

from infoplane.artifacts import read_table, write_table
from infoplane.config import DatasetSpec, EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.datasets import run
from infoplane.figures.drawing import write_figure
from infoplane.information import run as inform
from infoplane.statistics.joins import (
    join_fits,
    join_information,
    join_phases,
    join_settings,
    join_signs,
    write_claims,
)
from infoplane.statistics.tables import summarise_accuracy, summarise_information, summarise_tradeoff
from infoplane.training import run as train
from infoplane.verify import verify

EXPERIMENTS = {"relu": ("relu", 8, "published"), "tanh": ("tanh", "float32", "published")}
ESTIMATORS = {"exact": EstimatorSpec(kind="exact"), "rebinned": EstimatorSpec(kind="rebinned")}
CHUNKS = (range(0, 2), range(2, 3))
INPUTS = 150


def name_of(repetitions: range) -> str:
    return f"{repetitions[0]}-{repetitions[-1]}"


def make_study(results: Path) -> None:
    """Write a folder of results with every kind of artifact."""
    statistics, dataset = results / "statistics", results / "datasets" / "mine.npz"
    random = np.random.default_rng(0)
    labels = np.arange(INPUTS) % 2
    np.savez(
        results.parent / "mine.npz",
        inputs=random.integers(0, 2, (INPUTS, 9)) | labels[:, None],
        labels=labels,
    )
    run(DatasetSpec(name="mine", kind="npz", path=str(results.parent / "mine.npz")), dataset)
    for experiment, (activation, bits, protocol) in EXPERIMENTS.items():
        spec = TrainingSpec(
            dataset="mine",
            network=(5, 4),
            activation=activation,
            bits=bits,
            protocol=protocol,
            epochs=6,
            prefit_epochs=1,
            record_every=3,
            learning_rate=0.01,
        )
        training = results / "training" / experiment
        histories = [training / f"{name_of(each)}.parquet" for each in CHUNKS]
        for chunk, history in zip(CHUNKS, histories, strict=True):
            train(spec, dataset, chunk, history.with_suffix(".safetensors"), history)
        for estimator, estimated in ESTIMATORS.items():
            folder, its = (
                results / "information" / experiment / estimator,
                statistics / experiment / estimator,
            )
            tables = [folder / history.name for history in histories]
            for history, table in zip(histories, tables, strict=True):
                inform([estimated], dataset, history.with_suffix(".safetensors"), [table])
            summarise_information(tables, histories, its / "aggregates.parquet", its / "phases.parquet")
            ended = its / "tradeoff.parquet", its / "correlations.parquet"
            summarise_tradeoff(its / "phases.parquet", histories, *ended)
        summarise_accuracy(histories, dataset, statistics / experiment / "accuracy.parquet")
    pairs = [(experiment, estimator) for experiment in EXPERIMENTS for estimator in ESTIMATORS]
    aggregates, phases, tradeoffs = (
        {pair: statistics.joinpath(*pair, f"{held}.parquet") for pair in pairs}
        for held in ("aggregates", "phases", "tradeoff")
    )
    join_information(aggregates, statistics / "mine" / "information.csv")
    join_phases(phases, statistics / "mine" / "phases.csv")
    join_signs(phases, statistics / "mine" / "signs.csv")
    join_settings(tradeoffs, statistics / "mine" / "settings.csv")
    accuracies = {experiment: statistics / experiment / "accuracy.parquet" for experiment in EXPERIMENTS}
    join_fits(accuracies, statistics / "mine" / "fits.csv")
    write_claims(phases, *(statistics / f"{name}.csv" for name in ("claims", "cells", "margins")))
    figure = FigureSpec(
        kind="plane", category="main", experiments=("relu",), estimators=("exact",), dpi=30, note="(a × b)"
    )
    tables = {"aggregates": {("relu", "exact"): [aggregates["relu", "exact"]]}}
    write_figure(figure, tables, [results / "figures" / f"plane.{suffix}" for suffix in ("pdf", "png")])


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def problem(results: Path, *named: str) -> str:
    """The one problem with a folder, which names a file or folder of it and what to do."""
    (line,) = verify(results)[0]
    assert line.startswith(f"{results}/") and "\n" not in line
    assert any(remedy in line for remedy in ("workflow again", "remove it", "leave one of them out"))
    for words in named:
        assert words in line
    return line


def named(problems: list[str]) -> set[str]:
    return {line.partition(": ")[0] for line in problems}


def change(path: Path, change) -> None:
    """Write a table anew with other rows, as sound a file as before."""
    kind = (
        "information" if "information" in path.parts else "history" if "training" in path.parts else path.stem
    )
    table, described = read_table(path, kind)
    write_table(path, change(table), described)


def set_value(**values):
    """Put values into the last row."""

    def change(table):
        table.loc[table.index[-1], list(values)] = list(values.values())
        return table

    return change
