"""The figure of phases shows the means and the statuses of the cells that it is about."""

import numpy as np
import pandas as pd
import pytest

from infoplane.config import EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.figures.phases import PHASES, phase_maps
from infoplane.statistics.cells import Observation, decide
from infoplane.statistics.phases import phases

EFFECTS = {"flat": [0, 0, 0], "falling": [0, 0.5, 2]}


def information(falls, seed):
    """Ten runs of three layers: I(X;T) rises to 6 bit and falls by so much; I(T;Y) rises by as much."""
    generator = np.random.default_rng(seed)
    rows = []
    for repetition in range(10):
        for layer, fall in enumerate(falls, 1):
            x = np.concatenate([np.linspace(2, 6, 20), np.linspace(6, 6 - fall, 40)])
            y = np.linspace(0, 0.4 * fall, 60)
            x, y = (each + 0.001 * generator.standard_normal(60) for each in (x, y))
            rows.append(
                pd.DataFrame(
                    {"repetition": repetition, "part": "main", "epoch": np.arange(-1, 59), "layer": layer}
                ).assign(h_t=x, i_xt=x, i_ty=y)
            )
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="module")
def tables():
    known = {
        "spec": {
            "training": TrainingSpec(
                dataset="synthetic", network=(3, 3), activation="relu", bits=8, epochs=60, record_every=1
            ).differences(),
            "estimator": EstimatorSpec(kind="exact").differences(),
        }
    }
    bad = pd.Series(False, index=range(10), dtype="boolean")
    return {
        (name, "exact"): (phases(information(falls, seed), 4096, [], bad), known)
        for seed, (name, falls) in enumerate(EFFECTS.items())
    }


@pytest.fixture(scope="module")
def figure(tables):
    spec = FigureSpec(kind="phases", category="a", experiments=tuple(EFFECTS), estimators=("exact",))
    return phase_maps(spec, tables)


def test_a_row_for_each_experiment_and_a_column_for_each_layer(figure):
    for axes in figure.axes:
        assert [label.get_text() for label in axes.get_xticklabels()] == ["$T_{1}$", "$T_{2}$", "$T_{3}$"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(EFFECTS)


@pytest.mark.parametrize(("place", "phase"), list(enumerate(PHASES)))
def test_numbers_are_mean_effects(figure, tables, place, phase):
    for text in figure.axes[place].texts:
        column, row = (int(each) for each in text.get_position())
        table, _ = tables[list(EFFECTS)[row], "exact"]
        mean = table.loc[table["layer"] == column + 1, phase].mean()
        assert float(text.get_text().replace("−", "-")) == pytest.approx(mean, abs=0.0051)
    assert len(figure.axes[place].texts) == 6


@pytest.mark.parametrize(("place", "phase"), list(enumerate(PHASES)))
def test_marks_are_statuses_of_cells(figure, tables, place, phase):
    marks = {"v": "shows", "o": "lacks", "x": "saturated"}
    found = {}
    for line in figure.axes[place].lines:
        x, y = line.get_xydata()[0]
        found[list(EFFECTS)[int(y)], int(x) + 1] = marks[line.get_marker()]
    study = [
        Observation(
            name,
            estimator,
            TrainingSpec.model_validate(known["spec"]["training"]),
            EstimatorSpec(kind="exact"),
            table,
        )
        for (name, estimator), (table, known) in tables.items()
    ]
    cells = decide(cell for each in study for cell in each.cells("", phase, each.layers))
    decided = cells[cells["status"] != "open"]
    expected = dict(
        zip(zip(decided["experiment"], decided["layer"], strict=True), decided["status"], strict=True)
    )
    assert found == expected
    assert found["falling", 3] == "shows"
    assert found["flat", 2] == "lacks"
