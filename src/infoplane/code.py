"""The modules that the numbers of a stage depend on, found by imports, and what a result says made it."""

import ast
import hashlib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "PLUMBING",
    "RECORDED",
    "STAGES",
    "TRAINED",
    "VERSION",
    "code_digest",
    "code_of",
    "imports_of",
    "made_by",
]

ROOT = Path(__file__).parent
# Version of the kernels. It is raised when, and only when, the bytes of a training change, or those of the
# information of its layers. Results of equal spec, data and version are equal, and are not made again.
VERSION = 1
# What reads, writes, checks and prints, and decides no number
PLUMBING = frozenset(
    {
        "artifacts",
        "checkpoint",
        "arguments",
        "cli",
        "commands",
        "code",
        "config",
        "datasets.file",
        "datasets.sources",
        "devices",
        "digests",
        "errors",
        "html",
        "compilation",
        "layout",
        "log",
        "networks.module",
        "progress",
        "provenance",
        "recognition",
        "refusals",
        "statistics.trace",
        "status",
        "suitability",
    }
)
# What of it stands in figures and pages: names of activations and estimators, captions, words
WORDING = frozenset({"config.kinds", "config.labels", "config.words"})
# The formats of templates and of what they include; beside them may lie what editors and file managers leave
TEMPLATES = frozenset({".bib", ".css", ".html", ".js", ".txt", ".typ"})
# The two engines: nothing of one rests on the other
ENGINES = {
    "torch": frozenset(
        f"networks.{name}" for name in ("forward", "quantization", "replay", "steps", "training")
    ),
    "kernels": frozenset({"kernels.replay", "kernels.training"}),
}
# What an engine computes
TRAINED = ("history", "trajectory", "information")
# What makes the same of runs that were recorded elsewhere
RECORDED = "recorded"
# The module that makes each kind of artifact
STAGES = {
    "dataset": "datasets.stage",
    "trajectory": "training",
    "history": "training",
    "information": "information.estimate",
    "reliability": "information.reliability",
    "resolution": "information.resolution",
    "levels": "information.levels",
    "merging": "information.merging",
    "activations": "information.activations",
    **dict.fromkeys(("accuracy", "aggregates", "phases", "errors"), "statistics.tables"),
    **dict.fromkeys(("tradeoff", "correlations"), "statistics.tables"),
    **dict.fromkeys(("joined", "claims", "cells", "margins"), "statistics.joins"),
    "figure": "figures.drawing",
    "page": "pages",
    "index": "pages.index",
    **dict.fromkeys(("verdicts", "verdicts_text"), "pages.verdicts"),
}


def made_by(kind: str, engine: str = "kernels") -> dict[str, Any]:
    """What made an artifact, as it says itself: a version of the kernels, or a digest of modules.

    Trainings and information by kernels have a version of their own, since their bytes do not depend on how
    the kernels are written. All else is known by the modules that made it.

    Args:
        kind: a key of `STAGES`.
        engine: what trained the networks that it is of, or `recorded`.

    >>> made_by("history")
    {'engine': 1}
    """
    if engine == "kernels" and kind in TRAINED:
        return {"engine": VERSION}
    if engine == RECORDED and kind in TRAINED:
        return {"code": code_digest(RECORDED)}
    other = ENGINES["kernels" if engine == "torch" else "torch"]
    return {"code": code_digest(STAGES[kind], other if kind == "dataset" else other | {"datasets"})}


def code_digest(stage: str, but: Collection[str] = (), root: Path = ROOT) -> str:
    """SHA-256 (hex) of the modules that `code_of` names: of their names and their bytes."""
    total = hashlib.sha256()
    for path in code_of(stage, but, root):
        content = path.read_bytes()
        total.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def code_of(stage: str, but: Collection[str] = (), root: Path = ROOT) -> list[Path]:
    """The source files and templates of a module and of all that it imports, other than plumbing.

    Args:
        stage: a module or package, such as `information.estimate`.
        but: modules and packages that are left out, with what only they import.
        root: the folder of the package.

    >>> [path.name for path in code_of("entropy")]
    ['entropy.py']
    """
    left, found, waiting = PLUMBING | {*but}, set[str](), [stage]
    while waiting:
        name = waiting.pop()
        is_left = name not in WORDING and any(name == each or name.startswith(f"{each}.") for each in left)
        if name not in found and not is_left:
            found.add(name)
            waiting += imports_of(name, root)
    files = {file_of(name, root) for name in found}
    folders = {file.parent for file in files} - {root}
    return sorted(files | {path for folder in folders for path in templates_in(folder)})


def templates_in(folder: Path) -> list[Path]:
    """The templates of a package and what they include: files beside its modules, of known formats."""
    return [
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix in TEMPLATES and not path.name.startswith(".")
    ]


@cache
def imports_of(name: str, root: Path = ROOT) -> list[str]:
    """The modules of this package that a module imports, wherever in it."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file_of(name, root).read_bytes())):
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    own = [each.removeprefix("infoplane.") for each in names if each.startswith("infoplane.")]
    return [each for each in own if file_of(each, root).is_file()]


def file_of(name: str, root: Path) -> Path:
    path = root.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
