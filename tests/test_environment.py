"""The two statements of what infoplane needs are one."""

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_environment_equals_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python, *_, pip = environment
    assert python == f"python{project['requires-python']}"
    groups = project["optional-dependencies"]
    assert pip["pip"] == [*project["dependencies"], *groups["cluster"], *groups["dev"]]
