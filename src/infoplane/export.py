"""Export of a study: tables that are small enough to publish, from which figures are drawn again.

Figures that move are not: what they show of single runs takes more room than they do themselves.
"""

import json
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from infoplane.artifacts import (
    MOVE_AWAY,
    read_csv,
    read_table,
    versions,
    write_csv,
    write_table,
    written_aside,
)
from infoplane.code import VERSION
from infoplane.config.kinds import PICTURE, TABLES
from infoplane.config.study import Study, load_config
from infoplane.costs import costs_of, with_totals
from infoplane.digests import file_digest
from infoplane.errors import UserError
from infoplane.figures.drawing import write_figure
from infoplane.information.snapshots import spread_times
from infoplane.layout import Layout, pair_of, path_of
from infoplane.progress import progress_bar
from infoplane.refusals import refuse_empty

__all__ = [
    "PROVENANCE",
    "copy",
    "export_study",
    "exported_tables",
    "joins_of_export",
    "redraw",
    "thinned",
    "with_curves",
    "without_repetition",
]

CONFIG, COSTS, PROVENANCE = "config.yaml", "costs.csv", "provenance.json"
# Of a curve over more epochs, so many are kept, with so many decimals of every number
EPOCHS, DECIMALS = 400, 4
# Tables of curves; of others, codes that merge are rounded, and the rest is copied
CURVES = ("aggregates", "accuracy", "errors", "information", "levels", "reliability", "resolution")
# Joined tables that keep experiments and estimators with curves alone, and the columns that name experiments
OF_CURVES = {"information": ["experiment"], "differences": ["experiment", "against"]}
# By what the rows of curves are ordered, so that those of one curve follow each other
ORDER = ("part", "runs", "quantity", "sample", "estimator", "bits", "layer", "repetition", "epoch")
# By what means of information are told apart
MEANS = ["experiment", "estimator", "epoch", "layer"]
# What figures do not show. Quantiles of information over epochs tell what its deviations do
LEFT_OUT = {"aggregates": ["std", "lower", "upper"], "resolution": ["i_ty", "distinct"]}


def export_study(config: Path, folder: Path) -> None:
    """Write the config, the joined tables, the verdicts, the costs, and what the figures show into a folder.

    Joined tables and tables of single runs are copied, but for what is there already: the joined phases, and
    means over good fits where all runs are good fits. Curves are thinned to at most 400 epochs, evenly in
    their logarithm, and rounded to four decimals. Of information over epochs, means and quantiles are kept,
    those of exact estimators and those that figures show; the joined tables of information and of differences
    keep the same experiments and estimators. Figures are drawn from them again by `redraw`.

    Args:
        config: the config file of a study that has been run to its end.
        folder: where to write: a new folder, an empty one, or an earlier export, whose files are replaced.

    Raises:
        UserError: a table is missing or damaged, or the folder holds anything but an earlier export.
    """
    study = load_config(config)
    results, layout = Path(study.results), Layout(study)
    refuse_other_folders(folder, results)
    costs = with_totals(costs_of(results))
    copied = [*joins_of_export(layout), *layout.verdicts()]
    shown = exported_tables(layout)
    curves = {pair_of(Path(path), kind) for path, kind in shown.items() if kind == "aggregates"}
    with progress_bar(len(copied) + len(shown), "export", "tables") as progress:
        for path in copied:
            if PurePath(path).stem in OF_CURVES:
                write_csv(folder / path, with_curves(results / path, curves))
            else:
                copy(results / path, folder / path)
            progress.update()
        for path, kind in shown.items():
            table, description = read_table(results / path, kind)
            if kind in CURVES:
                left_out = LEFT_OUT.get(kind, [])
                refuse_missing(results / path, table, ["part", "epoch", *left_out])
                table, description = thinned(table.drop(columns=left_out), description)
            elif kind == "merging":
                table = rounded(table)
            write_table(folder / path, table, description, smallest=True)
            progress.update()
    write_csv(folder / COSTS, costs)
    copy(config, folder / CONFIG)
    told = json.dumps(provenance(config), indent=2, sort_keys=True)
    with written_aside(folder / PROVENANCE) as aside:
        aside.write_text(f"{told}\n", encoding="utf-8")


def refuse_other_folders(folder: Path, results: Path) -> None:
    """Raise an error if a folder holds what is no export, which the files of one would replace."""
    if folder.resolve() == results.resolve() or (folder / "benchmarks").exists():
        raise UserError(f"{folder}: holds results of a study; name another folder for the export")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PROVENANCE).is_file():
        raise UserError(f"{folder}: holds files that are no export; name a new folder, or empty this one")


def joins_of_export(layout: Layout) -> list[str]:
    """Paths of the joined tables that are exported: all but the phases, which are there run by run."""
    return [path for path in layout.joins(layout.study.inputs) if not path.endswith("/phases.csv")]


def exported_tables(layout: Layout) -> dict[str, str]:
    """Paths of what figures show, of all exact curves and of the phases behind claims, with their kinds."""
    exact = [(name, layout.study.exact_estimator(name)) for name in layout.study.experiments]
    shown = {path: "aggregates" for path in layout.tables("aggregates", [pair for pair in exact if pair[1]])}
    shown |= dict.fromkeys(layout.claimed(), "phases")
    for figure in layout.figures_of(PICTURE):
        for kind, paths in layout.drawn_from(figure).items():
            shown |= dict.fromkeys(paths, kind)
    return {path: kind for path, kind in shown.items() if TABLES[kind].of != "study"}


def refuse_missing(path: Path, table: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise an error if a table lacks a column."""
    if missing := [name for name in names if name not in table]:
        raise UserError(f"{path}: has no column {missing[0]}; {MOVE_AWAY}")


def copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise UserError(f"{source}: missing; run the workflow to its end first")
    refuse_empty(source)
    with written_aside(target) as aside:
        shutil.copyfile(source, aside)


def with_curves(path: Path, curves: Collection[tuple[str, str]]) -> pd.DataFrame:
    """The rows of a joined table that are of experiments and estimators with curves, each mean once."""
    table, named = read_csv(path), OF_CURVES[path.stem]
    means = ["runs", "count", *MEANS] if path.stem == "information" else []
    refuse_missing(path, table, [*means, *named, "estimator"])
    for name in named:
        table = table[pd.MultiIndex.from_frame(table[[name, "estimator"]]).isin(curves)]
    return without_repetition(table) if means else table


def without_repetition(information: pd.DataFrame) -> pd.DataFrame:
    """Means over all runs, and over good fits where not all are."""
    of_all = information[information["runs"] == "all"].set_index(MEANS)["count"]
    repeated = of_all.reindex(pd.MultiIndex.from_frame(information[MEANS])).to_numpy() == information["count"]
    rows: pd.DataFrame = information[(information["runs"] == "all") | ~repeated]
    return rows


def thinned(table: pd.DataFrame, description: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A table of curves at some of its epochs, curve by curve, and a description that says so.

    Numbers are rounded and float32.

    >>> epochs = range(8000)
    >>> curve = pd.DataFrame({"part": "main", "epoch": epochs, "i_ty": [each / 8 for each in epochs]})
    >>> fewer, description = thinned(curve, {"kind": "aggregates"})
    >>> len(fewer), fewer["i_ty"].head(3).tolist(), description["thinned"]
    (275, [0.0, 0.125, 0.25], {'epochs': 400, 'decimals': 4})
    """
    times = pd.MultiIndex.from_frame(table[["part", "epoch"]])
    known = times.unique().to_frame()
    if len(known) > EPOCHS:
        which = spread_times(known["part"].to_numpy(str), known["epoch"].to_numpy(), EPOCHS)
        table = table[times.isin(known.index[which])].reset_index(drop=True)
    table = table.sort_values([name for name in ORDER if name in table], ignore_index=True)
    return rounded(table), {**description, "thinned": {"epochs": EPOCHS, "decimals": DECIMALS}}


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """A table with numbers of four decimals, as float32."""
    floats = dict.fromkeys(table.select_dtypes("float64"), "float32")
    return table.round(DECIMALS).astype(floats)


def provenance(config: Path) -> dict[str, Any]:
    """What a study was made from and by: its config, the commit of the code, the engine, versions."""
    return {
        "config_sha256": file_digest(config),
        "commit": commit(),
        "engine": VERSION,
        "versions": versions(),
    }


def commit() -> str | None:
    """The Git commit of the code that runs; None where it is not under version control."""
    code = Path(__file__)
    try:
        git("-C", str(code.parent), "ls-files", "--error-unmatch", code.name)
        return git("-C", str(code.parent), "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return None


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def redraw(folder: Path, output: Path, names: Sequence[str] = (), formats: Sequence[str] = ("png",)) -> None:
    """Draw the figures of an exported study again, from its tables alone.

    Args:
        folder: what `export_study` wrote.
        output: the folder of the figures.
        names: those to draw; all unless given.
        formats: of pdf, png and svg.

    Raises:
        UserError: the folder is no export, there is no such figure, or a table is missing or damaged.
    """
    if not (folder / CONFIG).is_file():
        raise UserError(f"{folder}: is no exported study; give a folder that `infoplane export` has written")
    study = load_config(folder / CONFIG)
    layout = Layout(study)
    pictures = layout.figures_of(PICTURE)
    refuse_other_figures(names, study, pictures)
    chosen = names or pictures
    find = partial(files_of, layout=layout, folder=folder)
    with progress_bar(len(chosen), "redraw", "figures") as progress:
        for name in chosen:
            spec = study.figures[name]
            write_figure(spec, spec.files(find), [output / f"{name}.{each}" for each in formats])
            progress.update()


def refuse_other_figures(names: Sequence[str], study: Study, pictures: Sequence[str]) -> None:
    """Refuse names of no figure, and of one that moves, which is not drawn again."""
    for name in names:
        if name in pictures:
            continue
        if name in study.figures:
            kind = study.figures[name].kind
            raise UserError(f"{name}: is of kind {kind}, and explorers and films are not redrawn; remove it")
        raise UserError(f"{name}: no figure of this study; name one of {', '.join(pictures)}")


def files_of(kind: str, name: Any, layout: Layout, folder: Path) -> list[Path]:
    """The files of a table; all that lie there where recordings, which tell how many, are gone."""
    experiment, estimator = name if isinstance(name, tuple) else (name, "")
    pattern = path_of(kind, experiment=experiment, estimator=estimator, chunk="*")
    return [folder / path for path in layout.tables(kind, [name])] or sorted(folder.glob(pattern))
