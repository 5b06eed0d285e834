"""Compression from a few epochs, against plain loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from infoplane.statistics.few_epochs import compressions

# Runs, epochs, layers and numbers of bits
CURVES = arrays(np.float64, (2, 5, 3, 2), elements=st.floats(0, 12))


def table_of(curves):
    axes = {"repetition": [3, 8], "epoch": [-1, 0, 4, 30, 99], "layer": [1, 2, 3], "bits": ["2", "16"]}
    product = pd.MultiIndex.from_product(axes.values(), names=axes)
    return pd.DataFrame({"h_t": curves.ravel()}, index=product).reset_index()


@given(curves=CURVES, shuffled=st.booleans())
def test_compression_is_the_peak_before_the_last_epoch_less_the_last_value(curves, shuffled):
    table = table_of(curves)
    found = compressions(table.sample(frac=1, random_state=0) if shuffled else table, ["bits"])
    assert len(found) == 2 * 3 * 2
    for row in found.itertuples():
        run = [3, 8].index(row.repetition), slice(None), row.layer - 1, ["2", "16"].index(row.bits)
        *before, last = curves[run]
        assert row.peak == max(before) and row.compression == pytest.approx(max(before) - last, abs=1e-15)


@pytest.mark.parametrize("epoch", range(5))
def test_a_run_that_fails_at_any_epoch_has_no_compression(epoch):
    curves = np.random.default_rng(0).uniform(0, 12, (2, 5, 3, 2))
    curves[1, epoch:] = np.nan
    found = compressions(table_of(curves), ["bits"]).set_index("repetition")
    assert found.loc[8, ["peak", "compression"]].isna().all(axis=None)
    assert found.loc[3, ["peak", "compression"]].notna().all(axis=None)
