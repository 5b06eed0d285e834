"""Bins against NumPy's histogram and quantiles, re-binning against its formula."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from infoplane import EstimatorSpec, TrainingSpec, exact_information, load_dataset, train
from infoplane.binning import adaptive_bins, range_ends, rebinned, uniform_bins
from infoplane.information import estimate
from infoplane.replay import replay


def binned(values, low, high, bins):
    ends = (torch.tensor(end, dtype=torch.float64) for end in (low, high))
    return uniform_bins(torch.tensor(values, dtype=torch.float64), *ends, bins).numpy()


@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=50),
    st.floats(-2, 1),
    st.floats(0.01, 3),
    st.integers(1, 300),
)
@settings(deadline=None)
def test_uniform_bins_are_those_of_a_histogram(values, low, width, bins):
    high = low + width
    edges = np.linspace(low, high, bins + 1)
    values = np.array(values)
    safe = np.abs(values[:, None] - edges).min(axis=1) > 1e-9 * width
    counts, _ = np.histogram(np.clip(values[safe], low, high), edges)
    codes = binned(values, low, high, bins)
    np.testing.assert_array_equal(np.bincount(codes[safe], minlength=bins), counts)
    assert codes.min() >= 0
    assert codes.max() < bins


@pytest.mark.parametrize("bins", [2, 3, 30, 100, 256, 65536])
@pytest.mark.parametrize("ends", [(-1.0, 1.0), (0.1, 0.7), (-0.3, 1e-3), (1e6, 1e6 + 1)])
def test_there_are_exactly_n_bins_and_the_last_one_is_closed(bins, ends):
    low, high = ends
    below, above = np.nextafter(high, low), np.nextafter(high, 2 * high + 1)
    assert binned([low, below, high, above, high + 5], low, high, bins).tolist() == [0] + 4 * [bins - 1]
    assert binned([np.nextafter(low, low - 1), low - 5], low, high, bins).tolist() == [0, 0]
    middles = low + (np.arange(bins) + 0.5) * (high - low) / bins
    np.testing.assert_array_equal(binned(middles, low, high, bins), np.arange(bins))


def test_edges_belong_to_the_bin_on_their_right():
    assert binned([-1.0, -0.5, 0.0, 0.5, 1.0], -1.0, 1.0, 4).tolist() == [0, 1, 2, 3, 3]


def test_a_range_of_one_point_is_one_bin():
    assert binned([0.25, 0.25], 0.25, 0.25, 30).tolist() == [0, 0]


def test_ends_of_the_ranges():
    activations = torch.arange(24.0).reshape(2, 3, 4)
    for chosen, low, high in [
        ("global", [[[0]]], [[[23]]]),
        ("layer", [[[0]], [[12]]], [[[11]], [[23]]]),
        ("neuron", [[[0], [4], [8]], [[12], [16], [20]]], [[[3], [7], [11]], [[15], [19], [23]]]),
    ]:
        ends = range_ends(activations, chosen)
        assert [end.tolist() for end in ends] == [low, high]
    assert [float(end) for end in range_ends(activations, (-1.0, 2.0))] == [-1.0, 2.0]


@pytest.mark.parametrize("bins", [2, 5, 30])
def test_adaptive_bins_have_equal_mass(bins):
    values = np.random.default_rng(bins).normal(size=(1, 6, 100))
    codes = adaptive_bins(torch.from_numpy(values), bins).numpy()
    np.testing.assert_array_equal(np.bincount(codes.ravel()), 600 // bins)
    order = np.argsort(values.ravel())
    assert (np.diff(codes.ravel()[order]) >= 0).all()


def test_adaptive_bins_are_taken_over_the_layer_of_each_snapshot():
    generator = np.random.default_rng(0)
    values = generator.normal(size=(3, 4, 50)) * np.array([1, 10, 100])[:, None, None]
    codes = adaptive_bins(torch.from_numpy(values), 7)
    for snapshot, its_codes in zip(values, codes, strict=True):
        edges = np.quantile(snapshot, np.arange(1, 7) / 7)
        np.testing.assert_array_equal(its_codes, np.searchsorted(edges, snapshot, side="right"))


def test_adaptive_edges_belong_to_the_bin_on_their_right():
    """Of 0 … 8 the quartiles are 2, 4 and 6."""
    assert adaptive_bins(torch.arange(9.0).view(1, 1, 9), 4).tolist() == [[[0, 0, 1, 1, 2, 2, 3, 3, 3]]]


def test_equal_edges_merge():
    """Where 90 % of the values are equal they share one code, and the others keep their order."""
    values = np.concatenate([np.zeros(90), np.arange(1.0, 11.0)])
    codes = adaptive_bins(torch.from_numpy(values).reshape(1, 1, 100), 20).numpy().ravel()
    assert len(set(codes[:90])) == 1
    assert codes[90:].min() > codes[0]
    assert sorted(np.unique(codes[90:], return_counts=True)[1]) == [5, 5]
    constant = adaptive_bins(torch.ones(1, 2, 10), 5)
    assert len(constant.unique()) == 1


def test_rebinned_rounds_half_to_even_over_the_range_of_each_layer():
    halves = torch.tensor([[[0.0, 0.5, 1.5, 2.5, 3.5, 4.0]], [[10.0, 15.0, 25.0, 35.0, 45.0, 50.0]]])
    assert rebinned(halves.double(), 4).tolist() == [[[0, 0, 2, 2, 4, 4]], [[0, 0, 2, 2, 4, 4]]]


@pytest.mark.parametrize("bits", [2, 8, 16])
def test_rebinned_is_its_formula(bits):
    values = np.random.default_rng(bits).normal(size=(2, 3, 200))
    codes = rebinned(torch.from_numpy(values), 2.0**bits).numpy()
    for layer, its_codes in zip(values, codes, strict=True):
        low, high = layer.min(), layer.max()
        np.testing.assert_array_equal(its_codes, np.rint((layer - low) * 2**bits / (high - low)))
    assert codes.min() == 0
    assert codes.max() == 2**bits  # one level more than the bits can count


def test_a_constant_layer_is_one_code():
    for value in (0.0, -3.5):
        assert len(rebinned(torch.full((1, 2, 5), value), 256.0).unique()) == 1


def test_rebinned_to_32_bits_in_float32():
    values = np.random.default_rng(3).uniform(-1, 1, (1, 4, 300)).astype(np.float32)
    codes = rebinned(torch.from_numpy(values), torch.tensor(2.0**32)).numpy()[0]
    low, high = values.min(), values.max()
    expected = np.rint((values[0] - low) * np.float32(2**32) / (high - low))
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(codes, expected.astype(np.int64))


@pytest.fixture(scope="module")
def synthetic():
    return load_dataset("synthetic")


@cache
def trained(activation, bits):
    spec = TrainingSpec(
        dataset="synthetic",
        network="shwartz-ziv",
        activation=activation,
        bits=bits,
        epochs=11,
        record_every=5,
        learning_rate=4e-3,
        batch_size=1024,
    )
    return train(spec, [0, 1])[0]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("bits", [8, 4])
def test_rebinned_is_exact_in_every_quantized_hidden_layer(synthetic, activation, bits):
    trajectory = trained(activation, bits)
    exact, re_binned = (
        estimate(EstimatorSpec(kind=kind), trajectory, synthetic) for kind in ("exact", "rebinned")
    )
    hidden = exact["layer"] < 6
    assert exact[hidden].equals(re_binned[hidden])
    outputs = exact[~hidden].merge(re_binned[~hidden], on=["repetition", "epoch"])
    assert (outputs["distinct_y"] <= outputs["distinct_x"]).all()


def test_rebinned_float32_networks_are_binned_as_published(synthetic):
    trajectory = trained("tanh", "float32")
    table = estimate(EstimatorSpec(kind="rebinned"), trajectory, synthetic)
    places, layers = next(iter(replay(trajectory, synthetic)))
    assert places.start == 0
    for number, activations in enumerate(layers.activations, start=1):
        of_layer = table[table["layer"] == number]
        for place, values in enumerate(activations.numpy().astype(np.float32)):
            low, high = values.min(), values.max()
            codes = np.rint((values - low) * np.float32(2**32) / (high - low)).astype(np.int64)
            expected = exact_information(codes.T, synthetic.labels)
            row = of_layer.iloc[place]
            assert (row["h_t"], row["i_ty"]) == (float(expected.h_t), float(expected.i_ty))


def test_entropy_grows_as_bins_are_split(synthetic):
    trajectory = trained("tanh", "float32")
    tables = [
        estimate(EstimatorSpec(kind="uniform", bins=bins, range=(-1.0, 1.0)), trajectory, synthetic)
        for bins in (32, 128, 512)
    ]
    tables.append(estimate(EstimatorSpec(kind="exact"), trajectory, synthetic))
    for less, more in pairwise(tables):
        assert (less["h_t"] <= more["h_t"] + 1e-12).all()
        assert (less["i_ty"] <= more["i_ty"] + 1e-12).all()
