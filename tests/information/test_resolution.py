"""Tables of resolution are the estimates at each number of bits, of a few epochs of the main part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small_networks import DATASET, NETWORKS, trained

from infoplane import EstimatorSpec, estimate
from infoplane.artifacts import read_table
from infoplane.cli import main
from infoplane.datasets import save_dataset
from infoplane.information.resolution import READINGS, resolution
from infoplane.trajectory import save_trajectory

VALUES = ["repetition", "part", "epoch", "layer", "h_t", "i_ty", "distinct"]


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_are_the_estimates_of_a_quantizer_of_so_many_bits_and_the_exact_value(name):
    table = resolution(trained(name), DATASET)
    assert [*table["bits"].unique()] == [*map(str, range(1, 17)), "exact"]
    for bits, rows in table.groupby("bits"):
        quantizer = {"kind": "quantized", "range": "layer", "bits": int(bits) if bits != "exact" else None}
        spec = EstimatorSpec(**{"kind": "exact"} if bits == "exact" else quantizer)
        expected = estimate(spec, trained(name), DATASET).query("part == 'main'")
        pd.testing.assert_frame_equal(
            rows[VALUES].reset_index(drop=True), expected[VALUES].reset_index(drop=True)
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_no_resolution_tells_more_than_the_exact_value(name):
    """Codes are a function of the activations, and there are 2ᵇ for each neuron."""
    table = resolution(trained(name), DATASET)
    exact = table[table["bits"] == "exact"].drop(columns="bits")
    both = table[table["bits"] != "exact"].merge(exact, on=VALUES[:4], suffixes=("", "_exact"))
    for quantity in ("h_t", "i_ty", "distinct"):
        assert (both[quantity] <= both[f"{quantity}_exact"] + 1e-12).all()


def test_snapshots_that_failed_are_missing():
    trajectory = trained("relu")
    parameters = trajectory.parameters.copy()
    parameters[0, -1, 0] = np.nan
    table = resolution(replace(trajectory, parameters=parameters), DATASET)
    failed = (table["repetition"] == 0) & (table["epoch"] == 6)
    assert (
        table.loc[failed, ["h_t", "i_ty"]].isna().all(axis=None) and not table.loc[failed, "distinct"].any()
    )
    whole = resolution(trajectory, DATASET)
    pd.testing.assert_frame_equal(table[~failed], whole[~failed])


def test_file(tmp_path):
    trajectory = trained("relu")
    save_dataset(tmp_path / "data.npz", DATASET)
    save_trajectory(tmp_path / "t.safetensors", replace(trajectory, dataset=DATASET.description))
    paths = {"dataset": "data.npz", "trajectory": "t.safetensors", "output": "table.parquet"}
    options = [part for name, path in paths.items() for part in (f"--{name}", f"{tmp_path}/{path}")]
    assert main(["resolution", *options]) == 0
    table, description = read_table(tmp_path / "table.parquet", "resolution")
    pd.testing.assert_frame_equal(table, resolution(trajectory, DATASET))
    assert description["spec"] == {"training": trajectory.spec.differences()}
    assert len(READINGS) == 17
