"""Index of a study: verdicts, figures, tables, methods, versions and hashes on one page that links to all."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from infoplane.artifacts import (
    known_spec,
    parse_description,
    read_csv,
    read_table,
    unreadable,
    written_aside,
)
from infoplane.code import VERSION
from infoplane.config import EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.config.kinds import JOINED, PICTURE
from infoplane.config.labels import (
    label_of_estimator,
    labels_of_trainings,
    report_category,
)
from infoplane.config.recorded import RecordedSpec, spec_of_runs
from infoplane.config.words import counted, evaluated, listed
from infoplane.digests import digest
from infoplane.errors import UserError
from infoplane.figures.descriptions import figure_description
from infoplane.pages.methods import methods
from infoplane.pages.verdicts import findings, reading_in_words, refuse_other_claims
from infoplane.recognition import DAMAGE
from infoplane.templates import page_from

__all__ = ["contents_of", "versions_in", "write_index"]

# So many experiments are named below a figure
FEW = 4
# What the tables of claims hold; the others are in JOINED
ABOUT = {
    "claims": "the verdict on each claim, by protocol and reading",
    "cells": "the cells that the verdicts rest on",
    "margins": "verdicts for several margins",
}


def write_index(
    figures: Sequence[Path],
    pages: Sequence[Path],
    claims: Sequence[Path],
    accuracy: Sequence[Path],
    aggregates: Sequence[Path],
    labels: Mapping[str, str],
    output: Path,
) -> None:
    """Write the index of a study; all that it links to lies in its own folder.

    Args:
        figures: the files of all figures.
        pages: the pages of all tables, named as the tables.
        claims: the table of verdicts (csv); none where claims rest on no experiment.
        accuracy: the tables of accuracy of all experiments; recorded ones may have none.
        aggregates: the tables of mean information of all experiments and estimators.
        labels: what is written in place of the names of experiments and estimators.
        output: the page to write (html).

    Raises:
        UserError: a file is missing or damaged.
    """
    folder = output.parent
    means = {path.parts[-2]: read_means(path, "accuracy") for path in accuracy}
    informed = {path.parts[-3:-1]: read_means(path, "aggregates") for path in aggregates}
    for (name, _), table in informed.items():
        means.setdefault(name, table)
    runs = {name: spec_of_runs(its["spec"]) for name, (_, its) in means.items()}
    names = labels_of_trainings(runs, labels)
    estimators = {
        name: EstimatorSpec.model_validate(its["spec"]["estimator"])
        for (_, name), (_, its) in informed.items()
    }
    by = {name: label_of_estimator(its) for name, its in estimators.items()}
    shown = figures_in(figures, folder, {**by, **names, **labels})
    moved = [each for each in shown if "html" in each["files"]]
    shelves = shelves_of(each for each in shown if each not in moved)
    page = page_from(
        Path(__file__).with_suffix(".html"),
        title=title_of(folder),
        summary=f"{evaluated(len(runs), len(estimators))}.",
        claims=[each for path in claims for each in claims_in(read_csv(path), {**names, **labels})],
        explorers=moved,
        shelves=shelves,
        shelf_groups=grouped(shelves),
        tables=[table_of(path, folder) for path in pages],
        methods=methods(runs, estimators, {name: its for name, (_, its) in means.items()}),
        experiments=[
            row_of(name, names[name], runs[name], table, its) for name, (table, its) in means.items()
        ],
        versions=versions_in(its for _, its in (*means.values(), *informed.values())),
        engines=engines_of(runs.values()),
        hashes=hashes_of({name: its for name, (_, its) in means.items()}),
    )
    with written_aside(output) as aside:
        aside.write_text(page, encoding="utf-8")


def read_means(path: Path, kind: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A table of means and its description, the specs of which this version knows."""
    table, its = read_table(path, kind)
    with known_spec(path, its):
        spec_of_runs(its["spec"])
        if kind == "aggregates":
            EstimatorSpec.model_validate(its["spec"]["estimator"])
    return table, its


def title_of(folder: Path) -> str:
    """The title of a study, from the name of its folder.

    >>> title_of(Path("results/quick")), title_of(Path("results"))
    ('Information planes: quick', 'Information planes: results')
    """
    return f"Information planes: {folder.resolve().name}"


def claims_in(table: pd.DataFrame, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """What is found of each claim that the experiments speak of."""
    refuse_other_claims(table)
    spoken = table[table["verdict"] != "no data"]
    return [
        {
            "name": name,
            "statement": its["statement"].iloc[0],
            "findings": [
                {
                    "verdict": f"{row['verdict'][0].upper()}{row['verdict'][1:]}",
                    "where": f"under the {row['protocol']} protocol, {reading_in_words(row['reading'])}",
                    "found": as_sentences(findings(row, labels)),
                }
                for _, row in its.iterrows()
            ],
        }
        for name, its in spoken.groupby("claim", sort=False)
    ]


def as_sentences(phrases: Sequence[str]) -> str:
    """What follows a colon: the first phrase as it is, and the others as sentences.

    >>> as_sentences(["all 3 cells lack fitting", "by good fits alone, it is mixed"])
    'all 3 cells lack fitting. By good fits alone, it is mixed.'
    """
    if not phrases:
        return ""
    first, *others = phrases
    return " ".join([f"{first}.", *(f"{each[0].upper()}{each[1:]}." for each in others)])


def figures_in(paths: Sequence[Path], folder: Path, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """The figures, each with its spec and its files by format."""
    files: dict[str, dict[str, Path]] = {}
    for path in map(Path, paths):
        files.setdefault(path.stem, {})[path.suffix[1:]] = path
    return [figure_of(name, its, folder, labels) for name, its in files.items()]


def figure_of(
    name: str, files: Mapping[str, Path], folder: Path, labels: Mapping[str, str]
) -> dict[str, Any]:
    """A figure as the page shows it."""
    spec = spec_of_figure(files)
    its: dict[str, Any] = {
        "name": name,
        "category": spec.category,
        "caption": f"{spec.caption}{contents_of(spec, labels)}",
        "note": spec.note,
        "files": {each: relpath(path, folder) for each, path in files.items()},
        "alt": f"Figure {name}: {spec.caption}",
    }
    if {*PICTURE} <= files.keys():
        with Image.open(files["png"]) as image:
            its["width"], its["height"] = image.size
            its["inches"] = round(its["width"] / spec.dpi, 2)
    return its


def spec_of_figure(files: Mapping[str, Path]) -> FigureSpec:
    """The spec of a figure, from that of its files, by format, which carries its description."""
    path = next((files[each] for each in ("png", "html", "gif") if each in files), None)
    if path is None:
        first = next(iter(files.values()))
        raise UserError(f"{first}: does not say what it shows; give its file of png, html or gif too")
    try:
        description = parse_description(figure_description(path), path, "figure")
    except DAMAGE as error:
        raise unreadable(path, "figure", error) from error
    with known_spec(path, description, "drawn"):
        return FigureSpec.model_validate(description["spec"])


def contents_of(spec: FigureSpec, labels: Mapping[str, str]) -> str:
    """What a figure shows, in words; nothing where that is more than a few experiments."""
    own = {**labels, **spec.labels}
    if not 0 < len(spec.experiments) <= FEW:
        return ""
    shown = "; ".join(own.get(name, name) for name in spec.experiments)
    by = listed(own.get(name, name) for name in spec.estimators) if spec.estimators else ""
    return f" Shown: {shown}{f' (by {by})' if by else ''}."


def shelves_of(figures: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures by the places where the report has them."""
    shelves: dict[str, list[dict[str, Any]]] = {}
    for figure in figures:
        shelves.setdefault(report_category(figure["category"]), []).append(figure)
    return [
        {"title": title, "id": re.sub(r"\W+", "-", title.lower()), "figures": its}
        for title, its in shelves.items()
    ]


def grouped(shelves: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Shelves under the headings of the contents, each by what tells it from the others there.

    >>> titles = ("Figures", "Figures, appendix A", "Figures, phases")
    >>> groups = grouped({"title": each} for each in titles)
    >>> {group: [each["short"] for each in its] for group, its in groups.items()}
    {'Figures': ['main text'], 'Appendices': ['A'], 'By topic': ['phases']}
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for shelf in shelves:
        topic = shelf["title"].removeprefix("Figures").removeprefix(", ")
        appendix = topic.removeprefix("appendix ")
        group = "Figures" if not topic else "By topic" if appendix == topic else "Appendices"
        groups.setdefault(group, []).append({**shelf, "short": appendix or "main text"})
    return groups


def table_of(page: Path, folder: Path) -> dict[str, str]:
    """A table as the page lists it, from the page that shows it."""
    inside = Path(relpath(page, folder))
    name = inside.stem
    dataset = inside.parent.name if len(inside.parts) > 2 else ""
    return {
        "name": name,
        "dataset": dataset,
        "about": JOINED[name] if dataset else ABOUT.get(name, ""),
        "page": str(inside),
        "file": str(Path("statistics", *inside.parts[1:]).with_suffix(".csv")),
    }


def versions_in(descriptions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The versions that made some tables, as these say themselves, by library: all that differ.

    >>> versions_in([{"versions": {"python": "3.12.1", "numpy": each}} for each in ("2.2", "2.3", "2.2")])
    {'python': '3.12.1', 'numpy': '2.2 and 2.3'}
    """
    found: dict[str, list[str]] = {}
    for each in descriptions:
        for name, version in each["versions"].items():
            found.setdefault(name, []).append(version)
    return {name: listed(versions) for name, versions in found.items()}


def engines_of(runs: Iterable[TrainingSpec | RecordedSpec]) -> str:
    """What trained the networks, and what holds for equal specs, in sentences; nothing of recorded runs."""
    engines = Counter[str](each.engine for each in runs if isinstance(each, TrainingSpec))
    said = {
        "kernels": f"version {VERSION} of the kernels, with which equal specs give byte-identical results",
        "torch": "PyTorch; the last bits of their results also depend on the machine",
    }
    return " ".join(
        f"The networks of {counted(engines[name], 'experiment')} were trained by {its}."
        for name, its in said.items()
        if engines[name]
    )


def row_of(
    name: str,
    label: str,
    spec: TrainingSpec | RecordedSpec,
    table: pd.DataFrame,
    description: Mapping[str, Any],
) -> dict[str, Any]:
    """An experiment as the page lists it.

    Args:
        name: of the experiment.
        label: what is written beside its name.
        spec: of its runs.
        table: that of its accuracy or, where it has none, of its information by one estimator.
        description: what the table says of itself.
    """
    last = table[
        (table["quantity"] == "test_accuracy") & (table["part"] == "main") & (table["runs"] == "all")
    ].nlargest(1, "epoch")["mean"]
    return {
        "name": name,
        "label": label,
        "dataset": description["dataset"]["name"],
        "epochs": spec.epochs if isinstance(spec, TrainingSpec) else int(table["epoch"].max()) + 1,
        "runs": len(description["repetitions"]),
        "failed": len(description["failed"]),
        "bad_fits": "" if description["bad_fits"] is None else len(description["bad_fits"]),
        "accuracy": f"{last.iloc[0]:.4f}" if last.notna().any() else "",
    }


def hashes_of(descriptions: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """Hashes of the data sets, and of the specs of the runs without that of an estimator."""
    data = {its["dataset"]["name"]: its["dataset"]["digest"] for its in descriptions.values()}
    runs = {
        name: {what: spec for what, spec in its["spec"].items() if what != "estimator"}
        for name, its in descriptions.items()
    }
    return [
        *({"what": "data set", "name": name, "hash": each} for name, each in data.items()),
        *({"what": "runs", "name": name, "hash": digest(each)} for name, each in runs.items()),
    ]
