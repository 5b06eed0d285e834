"""Which modules the numbers of a stage depend on, as their imports tell."""

import ast
from collections.abc import Collection
from functools import cache
from pathlib import Path

__all__ = ["PLUMBING", "TORCH", "code_of", "imports_of"]

ROOT = Path(__file__).parent
# What reads, writes, checks and prints, and decides no number
PLUMBING = frozenset(
    {
        *(
            "artifacts",
            "checking",
            "checkpoint",
            "cli",
            "config",
            "devices",
            "errors",
            "log",
            "plain",
            "progress",
        ),
        "kernels.compilation",
    }
)
# The engine in PyTorch, on which nothing rests that is trained by kernels
TORCH = frozenset(f"networks.{name}" for name in ("forward", "quantization", "replay", "steps", "training"))


def code_of(stage: str, but: Collection[str] = (), root: Path = ROOT) -> list[Path]:
    """The source files of a module and of all that it imports, other than plumbing.

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
        if name not in found and not any(name == each or name.startswith(f"{each}.") for each in left):
            found.add(name)
            waiting += imports_of(name, root)
    return sorted(file_of(name, root) for name in found)


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
