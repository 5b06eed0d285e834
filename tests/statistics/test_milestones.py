"""Milestones are told where they were recorded."""

import numpy as np
import pandas as pd
import simulation
from hypothesis import given
from hypothesis import strategies as st

from infoplane.statistics.aggregates import INFORMATION, aggregate
from infoplane.statistics.milestones import MILESTONES, at_milestones, reached


def test_values_at_milestones():
    rows = simulation.information(range(4), 1200, 20)
    means = aggregate(rows, ["part", "epoch", "layer"], INFORMATION, [], pd.Series(dtype="boolean"))
    table = at_milestones(means)
    assert table["epoch"].unique().tolist() == [-1, 0, 20, 100, 200, 300, 500, 1000, 1180]
    row = table.query("epoch == 300 and layer == 5").iloc[0]
    values = rows.query("epoch == 300 and layer == 5")
    for quantity in ("h_t", "i_ty", "distinct"):
        np.testing.assert_allclose(row[f"{quantity}_mean"], values[quantity].mean())
        np.testing.assert_allclose(row[f"{quantity}_std"], values[quantity].std(ddof=1))
    assert row["count"] == 4


@given(st.lists(st.integers(-1, 8000), min_size=1, unique=True))
def test_what_was_reached_is_the_last_up_to_each_milestone(epochs):
    expected = {
        max(before) for each in MILESTONES if (before := [epoch for epoch in epochs if epoch <= each])
    }
    assert reached(epochs) == sorted({*expected, max(epochs)})
