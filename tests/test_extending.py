"""The extensions of docs/extending.md are applied to a copy of the source, and run.

Each section of the page is one extension: a diff of a few files, then Python that uses it.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "extending.md"
MOST_FILES = {
    "An activation function": 2,
    "A range policy": 2,
    "A type of layer": 3,
    "An estimator": 3,
    "A kind of figure": 3,
}
# Those that change a kernel, so that all are compiled anew
SLOW = {"An activation function", "A range policy", "A type of layer"}


@dataclass(frozen=True)
class Extension:
    """A section of the page: its title, its diff, and the code that uses it."""

    title: str
    diff: str
    code: str

    @property
    def files(self) -> set[str]:
        return set(re.findall(r"^\+\+\+ b/(.*)$", self.diff, re.MULTILINE))


def extensions() -> list[Extension]:
    _, *sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = []
    for section in sections:
        title, _, text = section.partition("\n")
        blocks = {
            kind: re.findall(rf"^```{kind}\n(.*?)^```$", text, re.M | re.S) for kind in ("diff", "python")
        }
        if blocks["diff"]:
            found.append(Extension(title, "".join(blocks["diff"]), "".join(blocks["python"])))
    return found


EXTENSIONS = extensions()


def test_page_has_every_extension():
    assert {each.title for each in EXTENSIONS} == MOST_FILES.keys()


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda each: each.title)
def test_extension_touches_few_files(extension):
    assert 0 < len(extension.files) <= MOST_FILES[extension.title]


@pytest.mark.parametrize(
    "extension",
    [
        pytest.param(each, marks=[pytest.mark.slow] if each.title in SLOW else [], id=each.title)
        for each in EXTENSIONS
    ],
)
def test_extension_applies_and_runs(extension, tmp_path):
    shutil.copytree(
        ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    applied = subprocess.run(
        ["git", "apply", "--verbose", "-"], cwd=tmp_path, input=extension.diff, text=True, capture_output=True
    )
    assert applied.returncode == 0, applied.stderr
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "src")}
    run = subprocess.run(
        [sys.executable, "-c", extension.code], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    assert run.returncode == 0, run.stderr
