"""Phases from a few epochs, against plain loops, and what may be compared with exact values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from infoplane import EstimatorSpec, TrainingSpec
from infoplane.statistics.few_epochs import compressions
from infoplane.statistics.observations import Observation
from infoplane.statistics.phases import phases

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
        assert row.peak == max(before) and row.compression == max(before) - last
        assert row.compresses == (row.compression > 0.1)


@pytest.mark.parametrize("epoch", range(5))
def test_a_run_that_fails_at_any_epoch_has_no_compression(epoch):
    curves = np.random.default_rng(0).uniform(0, 12, (2, 5, 3, 2))
    curves[1, epoch:] = np.nan
    found = compressions(table_of(curves), ["bits"]).set_index("repetition")
    measures = ["peak", "compression", "compresses"]
    assert found.loc[8, measures].isna().all(axis=None)
    assert found.loc[3, measures].notna().all(axis=None)


@given(curves=CURVES)
def test_phases_of_an_estimator_of_a_few_epochs_are_measured_alike(curves):
    table = table_of(curves).query("bits == '2'").rename(columns={"h_t": "i_xt"})
    table = table.assign(part="main", i_ty=table["i_xt"] / 12, distinct=1)
    found = phases(table, 4096, 1.0, [], pd.Series(False, index=[3, 8]), False, length=1)
    expected = compressions(table.rename(columns={"i_xt": "h_t"}), [])
    both = found.merge(expected, on=["repetition", "layer"], suffixes=("", "_expected"))
    assert len(both) == 6 and (both["peak"] == both["peak_expected"]).all()
    assert (both["compresses"] == both["compresses_expected"]).all()
    np.testing.assert_allclose(both["compression"], both["compression_expected"], rtol=0, atol=1e-14)
    fitting = (curves[:, 1:, :, 0].max(1) - curves[:, 0, :, 0]) / 12
    np.testing.assert_allclose(both["fitting"], fitting.ravel(), rtol=0, atol=1e-14)


def observed(by, protocol="published", bits=8):
    training = TrainingSpec(
        dataset="synthetic",
        network="shwartz-ziv",
        activation="tanh",
        bits=bits,
        protocol=protocol,
        epochs=9,
        record_every=1,
    )
    layers = [6] if by.get("layers") == "output" else by.get("layers", range(1, 7))
    return Observation("tanh", "by", training, EstimatorSpec(**by), pd.DataFrame({"layer": layers}))


@pytest.mark.parametrize("bits", [8, "float32"])
def test_exact_is_what_counts_all_inputs_at_all_epochs_in_all_layers(bits):
    exact = {"kind": "exact"}
    assert observed(exact, bits=bits).exact_reading == ("codes" if bits == 8 else "float32")
    for part in ({"subset": "test"}, {"epochs": 32}, {"layers": [5, 6]}):
        assert observed(exact | part, bits=bits).exact_reading is None


def test_the_softmax_is_read_by_the_bits_of_the_network_at_all_epochs():
    softmax = {"kind": "quantized", "range": [0, 1]}
    for layers in ({}, {"layers": "output"}):
        assert observed(softmax | layers).output_reading == "softmax"
        assert observed(softmax | layers).reading_of(6) == "softmax"
    for other in ({"bits": 4}, {"range": [0, 2]}, {"epochs": 32}, {"layers": [6]}, {"range": "layer"}):
        assert observed(softmax | other).output_reading is None
    assert observed(softmax, "controlled").output_reading is None
    assert observed({"kind": "exact", "layers": [2, 3]}).reading_of(3) == "exact"
