"""A study of every kind of table."""

import pytest

from .study import Study


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Study:
    study = Study(tmp_path_factory.mktemp("study"))
    study.add("fine", 6)
    study.add("tanh", 6, activation="tanh")
    study.add("bad", 6, bad=1)
    study.add("failed", 6, fails=2)
    study.add("single", 1)
    study.add("none", 1, fails=0)
    study.add("prefit", 6, prefit_epochs=300)
    study.add("hourglass", 6, dataset="mnist", network="hourglass", protocol="controlled", layers=7)
    return study
