"""The numbers of the worked example are those of the run that it follows."""

from pathlib import Path

import numpy as np
import pytest

from infoplane import TrainingSpec, load_dataset, train
from infoplane.information.merging import merging, of_repetition

PAGE = (Path(__file__).parents[2] / "docs" / "worked-example.md").read_text(encoding="utf-8")
INPUTS = 4096
EPOCHS = 0, 100, 1000, 3000
CODES = 90, 89, 88


@pytest.fixture(scope="module")
def table():
    spec = TrainingSpec(
        dataset="synthetic", network="shwartz-ziv", activation="relu", bits=8, epochs=3001, record_every=100
    )
    dataset = load_dataset("synthetic")
    trajectory, _ = train(spec, [3], dataset)
    table = merging(of_repetition(trajectory, 3, EPOCHS), dataset)
    return table.assign(d=table["code_0"] - table["code_1"])


@pytest.fixture(scope="module")
def last(table):
    return table[table["epoch"] == 3000]


def plogp(counts) -> float:
    """Σ n log₂ n."""
    counts = np.asarray(counts)
    return float((counts * np.log2(counts)).sum())


def entropy(counts) -> float:
    return np.log2(INPUTS) - plogp(counts) / INPUTS


def test_codes_of_one_bin(last):
    scale = last["scale"].iloc[0]
    assert f"s = {scale:.6f}" in PAGE
    for d in CODES:
        (n,) = last.loc[last["d"] == d, "count"]
        p = 1 / (1 + np.exp(-scale * d))
        others = f"{p:.6f} | {256 * p:.2f} | 256 | {256 * (1 - p):.2f} | 0 |"
        assert f"| {d} | {n} | {scale * d:.5f} | {others}" in PAGE
        assert f"| d = {d} | {n} | {plogp([n]):.2f} |" in PAGE
    counts = last.loc[last["d"].isin(CODES), "count"]
    whole, parts = plogp([counts.sum()]), plogp(counts)
    assert f"| sum | {counts.sum()} | {parts:.2f} |" in PAGE
    assert f"| as one | {counts.sum()} | {whole:.2f} |" in PAGE
    assert f"({whole:.2f} − {parts:.2f})/4,096 = {(whole - parts) / INPUTS:.4f} bit" in PAGE


def test_bins_at_the_ends(last):
    lost = 0.0
    for ends in ((256, 0), (0, 256)):
        counts = last.loc[(last["bin_0"] == ends[0]) & (last["bin_1"] == ends[1]), "count"]
        whole, parts = plogp([counts.sum()]), plogp(counts)
        lost += (whole - parts) / INPUTS
        sums = f"{parts:,.2f} | {whole:,.2f} | {(whole - parts) / INPUTS:.3f} bit |"
        assert f"| {ends} | {len(counts)} | {counts.sum():,} | {sums}" in PAGE
    bins = last.groupby(["bin_0", "bin_1"])["count"].sum()
    difference = entropy(last["count"]) - entropy(bins)
    assert f"account for {lost:.3f} of the {difference:.3f}" in PAGE


def test_epochs(table):
    for epoch in EPOCHS:
        its = table[table["epoch"] == epoch]
        bins = its.groupby(["bin_0", "bin_1"])["count"].sum()
        row = f"| {len(its)} | {entropy(its['count']):.3f} | {len(bins)} | {entropy(bins):.3f} |"
        assert f"| {epoch:,} {row}" in PAGE
