"""Copies of a study, to be damaged."""

import shutil
from pathlib import Path

import pytest

from .study import make_study


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Path:
    """A folder of results with every kind of artifact."""
    results = tmp_path_factory.mktemp("study") / "results"
    make_study(results)
    return results


@pytest.fixture
def results(study, tmp_path) -> Path:
    """A copy to be damaged, without figures, which take long to draw again."""
    return shutil.copytree(study, tmp_path / "results", ignore=shutil.ignore_patterns("figures"))


@pytest.fixture
def runs(results) -> Path:
    """A copy without statistics."""
    shutil.rmtree(results / "statistics")
    return results


@pytest.fixture
def drawn(study, tmp_path) -> Path:
    """A copy of the figures and of what they show."""
    folders = shutil.ignore_patterns("tanh", "mine", "rebinned", "claims.csv", "cells.csv")
    return shutil.copytree(study, tmp_path / "results", ignore=folders)
