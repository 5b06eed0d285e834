"""The statements of what infoplane needs agree."""

import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def test_environment_equals_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python, *_, pip = environment
    assert python == f"python{project['requires-python']}"
    groups = project["optional-dependencies"]
    needed = [each for name in ("study", "cluster", "dev", "docs") for each in groups[name]]
    needed.remove("infoplane[study]")
    assert pip["pip"] == [*project["dependencies"], *needed]


def test_the_environment_of_jobs_is_what_they_import():
    """What starts them is not among it, and no tool of developers is."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    jobs = yaml.safe_load((ROOT / "workflow" / "envs" / "jobs.yaml").read_text())["dependencies"]
    assert jobs[0] == f"python{project['requires-python']}"
    assert jobs[-1]["pip"] == project["dependencies"]


def test_constraints_are_versions_that_the_project_allows():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *extras["docs"], *extras["paper"]]
    allowed = {each.name: each.specifier for each in map(Requirement, named)}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    constraints = [Requirement(line) for line in lines if not line.startswith("#")]
    assert constraints
    for each in constraints:
        (version,) = each.specifier
        assert version.operator == "==" and version.version in allowed[each.name]
