"""Reliability shows estimates by number of inputs, and saturation over epochs."""

import numpy as np
import pytest
from drawings import panels, words

from infoplane.artifacts import read_table, write_table
from infoplane.figures.averages import average_runs
from infoplane.figures.drawing import draw_figure
from infoplane.figures.tables import read_tables
from infoplane.results import load_table

from .study import figure_spec

ESTIMATORS = ["plug-in", "miller-madow", "chao-shen"]


def test_upper_panels_are_estimates_at_the_last_epoch_by_number_of_inputs(study):
    figure = study.draw(figure_spec("reliability"))
    means = average_runs(load_table(study.path("reliability", "fine")), ["h_t", "i_ty", "distinct"])
    last = means[(means["epoch"] == means["epoch"].max()) & (means["quantity"] == "h_t")]
    samples = [512, 1024, 2048, 4096]
    for layer, axes in enumerate(panels(figure)[:6], 1):
        bound, *estimates = axes.lines
        assert bound.get_xydata().tolist() == [[sample, np.log2(sample)] for sample in samples]
        for estimator, line in zip(ESTIMATORS, estimates, strict=True):
            rows = last[(last["layer"] == layer) & (last["estimator"] == estimator)]
            assert line.get_xdata().tolist() == samples
            np.testing.assert_allclose(line.get_ydata().astype(float), rows["mean"])


def test_lower_panels_are_saturation_and_codes_over_epochs(study):
    figure = study.draw(figure_spec("reliability"))
    means = average_runs(load_table(study.path("reliability", "fine")), ["h_t", "i_ty", "distinct"])
    counted = means[(means["sample"] == 4096) & (means["estimator"] == "plug-in")]
    for axes, quantity, unit in zip(panels(figure)[-2:], ("h_t", "distinct"), (12, 1), strict=True):
        rows = counted[counted["quantity"] == quantity]
        for layer, line in enumerate(axes.lines[:6], 1):
            own = rows[rows["layer"] == layer]
            np.testing.assert_allclose(line.get_ydata(), own["mean"] / unit)
        edges = np.concatenate([band.get_paths()[0].vertices[:, 1] for band in axes.collections])
        assert edges.min() >= 0 and edges.max() <= 4096 / (4096 if unit == 12 else 1)


@pytest.mark.parametrize("inputs", [1, 2, 7])
def test_too_few_inputs_to_be_divided_are_said_so(study, inputs, tmp_path):
    table, known = read_table(study.path("reliability", "fine"), "reliability")
    known["dataset"] = known["dataset"] | {"inputs": inputs}
    write_table(tmp_path / "few.parquet", table, known)
    spec = figure_spec("reliability")
    tables = read_tables(spec, {"reliability": {"fine": [tmp_path / "few.parquet"]}})
    assert f"{inputs} inputs are too few to be divided by 8" in words(draw_figure(spec, tables))
