"""The gallery: every figure of the study at paper scale, beside the lines of the config that make it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from infoplane.config import FigureSpec, load_config
from infoplane.config.parsing import from_yaml
from infoplane.paper.facts import labels_of_all

CONFIG = "config/config.yaml"
# The page that compares figures with those of the paper, one in each row of a table, and its links to ours
COMPARISON = "docs/results.md"
ROW = re.compile(r"^\| (?P<category>[^|:]+): (?P<paper>[^|]+?) \| (?P<ours>[^|]*) \|", re.MULTILINE)
OURS = re.compile(r"\(results/figures/([\w-]+)\.png\)")
# Experiments that a caption names at most
NAMED = 20
# Where pictures are looked for, and in which formats, the best first
FOLDERS = ("docs/results/figures", "docs/figures")
PICTURES = (".svg", ".gif", ".png")
DOWNLOADS = (".pdf", ".html", ".mp4")
CATEGORIES = {
    "main": "Main figures of the paper",
    "A": "Appendix A: bins",
    "B": "Appendix B: curves and single runs",
    "C": "Appendix C: 4 bits and float32",
    "D": "Appendix D: prefitting on shuffled labels",
    "E": "Appendix E: other networks on MNIST",
    "F": "Appendix F: accuracy",
    "claims": "Verdicts on the claims",
    "output": "Readings of the output layer",
    "protocols": "Published and controlled protocol",
    "phases": "Prevalence of the phases",
    "estimators": "Errors of estimators",
    "resolution": "Compression against resolution",
    "reliability": "Reliability of the exact values",
    "tradeoff": "Compression and accuracy",
    "factors": "What compression depends on",
    "labels": "Learnt and memorised labels",
    "subsets": "Training and test inputs alone",
    "fashion": "Fashion-MNIST",
    "explorer": "Explorer",
}
INTRODUCTION = f"""# Gallery

Each figure of the study at paper scale, with the lines of [`{CONFIG}`](source/{CONFIG}.md) that make it. To
draw one from your own runs, copy its lines into your config: the workflow draws every figure that a config
lists. The [config reference](config.md#figures-and-figure_defaults) explains the keys.

All experiments share these defaults:

```yaml
{{defaults}}
```
"""


def gallery(root: Path) -> str:
    """The gallery as Markdown; it follows from the config and from the pictures that there are."""
    config = from_yaml(root / CONFIG)
    study = load_config(root / CONFIG)
    labels, of_paper = labels_of_all(study), figures_of_paper(root)
    sections: dict[str, list[str]] = {}
    for name, figure in study.figures.items():
        told = [caption_of(figure, labels)]
        if paper := of_paper.get(name) or of_paper.get(figure.category):
            told.insert(0, f"Figure of the paper, {paper}.")
        sections.setdefault(figure.category, []).append(entry(name, config, figure, told, root))
    known = [each for each in CATEGORIES if each in sections]
    page = [INTRODUCTION.format(defaults=as_yaml({"defaults": config["defaults"]}))]
    for category in known + [each for each in sections if each not in CATEGORIES]:
        title = CATEGORIES.get(category, category)
        page += [f"## {title} {{: #category-{category} }}", *sections[category]]
    return "\n\n".join(page) + "\n"


def figures_of_paper(root: Path) -> dict[str, str]:
    """What the paper shows where, by the names of the figures that are compared with it, and by category."""
    found: dict[str, str] = {}
    for row in ROW.finditer((root / COMPARISON).read_text(encoding="utf-8")):
        if names := OURS.findall(row["ours"]):
            place = "main part" if row["category"] == "main" else f"appendix {row['category']}"
            paper = f"{place}: [{row['paper']}](results.md#figure-by-figure)"
            found |= dict.fromkeys(names, paper)
            found.setdefault(row["category"], paper)
    return found


def caption_of(figure: FigureSpec, labels: Mapping[str, str]) -> str:
    """What a figure shows: its kind, its experiments and estimators, and the part of the plane."""
    own = {**labels, **figure.labels}
    experiments, estimators = (
        list(dict.fromkeys(own.get(name, name) for name in names or ()))
        for names in (figure.experiments, figure.estimators)
    )
    said = [figure.caption]
    if len(experiments) > NAMED:
        said.append(f"Shown: {len(experiments)} experiments.")
    elif experiments:
        said.append(f"Shown: {'; '.join(experiments)}.")
    if estimators:
        said.append(f"Estimator{'s' if len(estimators) > 1 else ''}: {'; '.join(estimators)}.")
    limits = {"I(X;T)": figure.i_xt, "I(T;Y)": figure.i_ty}
    if ends := [f"{name} from {its[0]:g} to {its[1]:g} bit" for name, its in limits.items() if its]:
        said.append(f"Enlarged: {', '.join(ends)}.")
    return " ".join(said)


def entry(name: str, config: Mapping[str, Any], figure: FigureSpec, told: list[str], root: Path) -> str:
    """A figure: its picture if there is one, what is told of it, and its lines of the config."""
    estimators = {estimator for _, estimator in figure.pairs}
    experiments = {*figure.experiments, *(experiment for experiment, _ in figure.pairs)}
    rests_on = as_yaml(
        {
            "experiments": {key: its for key, its in config["experiments"].items() if key in experiments},
            "estimators": {
                key: {"kind": its["kind"]} | {own: its[own] for own in its if own != "experiments"}
                for key, its in config["estimators"].items()
                if key in estimators
            },
        }
    )
    lines = [f"### {name}", *pictures(name, f"{name}: {figure.caption}", root), *told]
    lines.append(fenced(as_yaml({"figures": {name: config["figures"][name]}})))
    if experiments:
        title = '??? note "Experiments and estimators that it shows"'
        lines.append(f"{title}\n\n{indent(fenced(rests_on), ' ' * 4)}")
    return "\n\n".join(lines)


def pictures(name: str, caption: str, root: Path) -> Iterator[str]:
    """The picture of a figure, with a link to it at full size, and links to its other formats."""
    found = {
        suffix: (root / folder / name).with_suffix(suffix).relative_to(root / "docs").as_posix()
        for folder in reversed(FOLDERS)
        for suffix in (*PICTURES, *DOWNLOADS)
        if (root / folder / name).with_suffix(suffix).exists()
    }
    shown = next((found[suffix] for suffix in PICTURES if suffix in found), None)
    if shown:
        yield f"[![{caption}]({shown})]({shown})"
    downloads = [f"[{suffix[1:].upper()}]({found[suffix]})" for suffix in DOWNLOADS if suffix in found]
    if downloads:
        yield " · ".join(downloads)


def as_yaml(value: Any) -> str:
    """A part of a config as YAML, without aliases."""
    parts = {key: its for key, its in value.items() if its}
    return yaml.dump(parts, Dumper=NoAliases, default_flow_style=None, sort_keys=False, width=84).rstrip()


class NoAliases(yaml.SafeDumper):
    """Writes what an alias stands for."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def fenced(lines: str) -> str:
    return f"```yaml\n{lines}\n```"
