"""What a notebook shows of specs, data sets and trajectories: one small table, well formed and escaped."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from infoplane import Dataset, EstimatorSpec, TrainingSpec, load_dataset, train
from infoplane.config import DatasetSpec, FigureSpec

SPEC = TrainingSpec(dataset="synthetic", network=[4, 2], activation="relu", bits=8, epochs=3, record_every=1)


def rows_of(shown):
    """Title, and values by the names beside them; the parser refuses what is not well formed."""
    table = ElementTree.fromstring(shown._repr_html_())
    assert table.tag == "table" and not table.attrib
    rows = {row.find("th").text: row.find("td").text for row in table.iter("tr")}
    return table.find("caption").text, rows


def test_a_spec_shows_what_is_not_the_default():
    title, rows = rows_of(SPEC)
    assert title == "TrainingSpec" and set(rows) == set(SPEC.differences())
    assert rows["activation"] == '"relu"' and rows["epochs"] == "3"
    assert rows_of(EstimatorSpec(kind="uniform", bins=30, range=(-1, 1)))[1]["range"] == "[-1.0, 1.0]"


@pytest.mark.parametrize(
    "spec",
    [
        DatasetSpec(name="synthetic", kind="synthetic"),
        FigureSpec(
            kind="plane",
            category="<A> & B",
            experiments=[f"a{number}" for number in range(100)],
            estimators=["exact"],
        ),
    ],
)
def test_every_spec_is_shown_whole_and_escaped(spec):
    _, rows = rows_of(spec)
    assert {name: json.loads(text) for name, text in rows.items()} == spec.differences()


def test_a_data_set_shows_its_sizes():
    labels = np.arange(10) % 3
    title, rows = rows_of(Dataset("<mine>", np.zeros((10, 4, 4)), labels))
    assert title == "Dataset <mine>"
    assert rows["inputs"].startswith("10 of shape (4, 4), ") and rows["classes"] == "3"
    assert rows["for training"] == "8"
    digest = load_dataset("synthetic").description["digest"]
    assert rows_of(load_dataset("synthetic"))[1]["digest"] == digest


def test_a_trajectory_shows_its_spec_and_what_was_recorded():
    trajectory, _ = train(SPEC, 2)
    title, rows = rows_of(trajectory)
    assert title == "Trajectory" and set(SPEC.differences()) < set(rows)
    assert rows["repetitions"] == "2" and rows["recorded epochs"] == "4, from -1 to 2"
    assert rows["parameters"] == str(trajectory.parameters.shape[2])
    assert rows["repetitions that have become NaN"] == "0"
