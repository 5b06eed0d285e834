"""Bins against NumPy's histogram and quantiles, re-binning and the quantizer against their formulas."""

from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import floor, frexp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane import EstimatorSpec, TrainingSpec, estimate, exact_information, train
from infoplane.information.binning import adaptive_bins, quantized, rebinned, uniform_bins
from infoplane.information.estimators import counted_inputs, estimator_of
from infoplane.information.layers import Layer
from infoplane.information.replay import replay


def ends(low, high):
    """A range for one snapshot."""
    return np.full((1, 1, 1), low, dtype=float), np.full((1, 1, 1), high, dtype=float)


def extremes(layers):
    """The ends of the range of each layer (S, width, N)."""
    return layers.min((1, 2), keepdims=True), layers.max((1, 2), keepdims=True)


def binned(values, low, high, bins):
    return uniform_bins(np.asarray(values, dtype=float)[None, None], *ends(low, high), bins)[0, 0]


@given(
    st.lists(st.floats(-3, 3), min_size=1, max_size=50),
    st.floats(-2, 1),
    st.floats(0.01, 3),
    st.integers(1, 300),
)
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
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.1, 0.7), (-0.3, 1e-3), (1e6, 1e6 + 1)])
def test_there_are_exactly_n_bins_and_the_last_one_is_closed(bins, low, high):
    below, above = np.nextafter(high, low), np.nextafter(high, 2 * high + 1)
    assert binned([low, below, high, above, high + 5], low, high, bins).tolist() == [0] + 4 * [bins - 1]
    assert binned([np.nextafter(low, low - 1), low - 5], low, high, bins).tolist() == [0, 0]
    middles = low + (np.arange(bins) + 0.5) * (high - low) / bins
    np.testing.assert_array_equal(binned(middles, low, high, bins), np.arange(bins))


def test_edges_belong_to_the_bin_on_their_right():
    assert binned([-1.0, -0.5, 0.0, 0.5, 1.0], -1.0, 1.0, 4).tolist() == [0, 1, 2, 3, 3]


def test_a_range_of_one_point_is_one_bin():
    assert binned([0.25, 0.25], 0.25, 0.25, 30).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 5])
def test_uniform_bins_are_their_formula_over_the_range_of_each_row(dtype, width):
    """Also of the last few inputs, which fill no vector; and of layers that lie otherwise in memory."""
    generator = np.random.default_rng(width)
    layers = generator.normal(size=(3, 75, 5)).astype(dtype).swapaxes(1, 2)
    low, high = generator.normal(-1, 0.2, (3, width, 1)), generator.normal(1, 0.2, (3, width, 1))
    expected = np.floor((layers.astype(float) - low) * 100 / (high - low)).clip(0, 99)
    found = uniform_bins(layers, low, high, 100)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("bins", [2, 5, 30])
def test_adaptive_bins_have_equal_mass(bins):
    values = np.random.default_rng(bins).normal(size=(6, 100))
    codes = adaptive_bins(values, bins)
    np.testing.assert_array_equal(np.bincount(codes.ravel()), 600 // bins)
    order = np.argsort(values.ravel())
    assert (np.diff(codes.ravel()[order].astype(int)) >= 0).all()


@pytest.mark.parametrize("scale", [1, 10, 100])
def test_adaptive_bins_are_bounded_by_the_quantiles_of_the_layer(scale):
    values = np.random.default_rng(scale).normal(size=(4, 50)) * scale
    edges = np.quantile(values, np.arange(1, 7) / 7)
    np.testing.assert_array_equal(adaptive_bins(values, 7), np.searchsorted(edges, values, side="right"))


def test_adaptive_edges_belong_to_the_bin_on_their_right():
    """Of 0 … 8 the quartiles are 2, 4 and 6."""
    assert adaptive_bins(np.arange(9.0), 4).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3]


def test_equal_edges_merge():
    """Where 90 % of the values are equal they share one code, and the others keep their order."""
    values = np.concatenate([np.zeros(90), np.arange(1.0, 11.0)])
    codes = adaptive_bins(values, 20)
    assert len(set(codes[:90])) == 1
    assert codes[90:].min() > codes[0]
    assert sorted(np.unique(codes[90:], return_counts=True)[1]) == [5, 5]
    assert len(np.unique(adaptive_bins(np.ones((2, 10)), 5))) == 1


def test_adaptive_bins_of_a_layer_of_any_size():
    """As many values as a convolution of some ten thousand images has."""
    layer = np.arange(2**24 + 64, dtype=np.float32)[::-1].reshape(64, -1)
    np.testing.assert_allclose(np.bincount(adaptive_bins(layer, 4).ravel()), layer.size / 4, rtol=1e-6)


def test_rebinned_rounds_half_to_even_over_the_range_of_each_layer():
    halves = np.array([[[0.0, 0.5, 1.5, 2.5, 3.5, 4.0]], [[10.0, 15.0, 25.0, 35.0, 45.0, 50.0]]])
    assert rebinned(halves, *extremes(halves), 2).tolist() == [[[0, 0, 2, 2, 4, 4]], [[0, 0, 2, 2, 4, 4]]]


@pytest.mark.parametrize("bits", [2, 8, 16])
def test_rebinned_is_its_formula(bits):
    values = np.random.default_rng(bits).normal(size=(2, 3, 200))
    codes = rebinned(values, *extremes(values), bits)
    for layer, its_codes in zip(values, codes, strict=True):
        low, high = layer.min(), layer.max()
        np.testing.assert_array_equal(its_codes, np.rint((layer - low) * 2**bits / (high - low)))
    assert codes.min() == 0
    assert codes.max() == 2**bits  # one level more than the bits can count


@pytest.mark.parametrize("value", [0.0, -3.5])
@pytest.mark.parametrize("bits", [8, 32])
def test_a_constant_layer_is_one_code(value, bits):
    assert not rebinned(np.full((1, 2, 5), value), *ends(value, value), bits).any()


def test_rebinned_to_32_bits_in_float32():
    values = np.random.default_rng(3).uniform(-1, 1, (1, 4, 300)).astype(np.float32)
    codes = rebinned(values, *extremes(values.astype(float)), 32)
    low, high = values.min(), values.max()
    expected = np.rint((values - low) * np.float32(2**32) / (high - low))
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(codes, expected.astype(np.int64))
    assert codes.max() == 2**32


@pytest.mark.parametrize("bits", [2, 8, 16])
@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.7), (0.0, 1.0), (-1.0, 1.0), (0.5, 2.0), (-3.0, -1.0)])
def test_quantized_are_the_codes_of_rational_arithmetic(bits, low, high):
    """Of the numbers beside the edges of levels, rounding would give some to the other side."""
    top, below, above = 2**bits - 1, Fraction(min(low, 0)), Fraction(max(high, 0))
    scale = (above - below) / top
    zero = min(floor(-below / scale + Fraction(1, 2)), top)
    some = np.unique(np.linspace(0, top - 1, 300).astype(int))
    edges = np.float32([float((code + Fraction(1, 2) - zero) * scale) for code in some.tolist()])
    beside = np.concatenate([np.nextafter(edges, np.float32(-9)), edges, np.nextafter(edges, np.float32(9))])
    beside = np.append(beside, [-100, 100]).astype(np.float32)
    codes = [
        min(max(floor(Fraction(value) / scale + zero + Fraction(1, 2)), 0), top) for value in beside.tolist()
    ]
    assert quantized(beside[None, None], *ends(low, high), bits).tolist() == [[codes]]


def test_a_quantizer_over_nothing_has_one_code():
    assert not quantized(np.array([[[-1.0, 0.0, 3.0]]]), *ends(0.0, 0.0), 8).any()


# Of each kind of bins: its codes, where a value lies among them exactly, numbers, and the codes they make
def positions_of_uniform(value, low, high, bins):
    return (value - low) * bins / (high - low)


def positions_of_rebinned(value, low, high, bits):
    return (value - low) * 2**bits / (high - low) + Fraction(1, 2)


BINNINGS = {
    "uniform": (uniform_bins, positions_of_uniform, (2, 30, 65_536), lambda bins: bins),
    "rebinned": (rebinned, positions_of_rebinned, (2, 8, 32), lambda bits: 2**bits + 1),
}
ANY_FLOAT = {width: st.floats(width=width, allow_nan=False, allow_infinity=False) for width in (32, 64)}


@pytest.mark.parametrize("name", BINNINGS)
@pytest.mark.parametrize("width", [32, 64])
@given(st.data())
def test_bins_of_any_finite_floats_are_those_of_rational_arithmetic(name, width, data):
    """Four roundings, of relative error u each, decide nothing unless an edge is as near as that."""
    codes_of, position_of, numbers, number_of_codes = BINNINGS[name]
    number = data.draw(st.sampled_from(numbers))
    values = data.draw(st.lists(ANY_FLOAT[width], min_size=2, max_size=20, unique=True))
    layer = np.array(values, f"f{width // 8}")[None, None]
    found = codes_of(layer, *extremes(layer.astype(float)), number)[0, 0].tolist()
    in_float32 = (name, number) == ("rebinned", 32)
    if in_float32:
        values = rounded_to_24_bits(values)
    low, high = Fraction(min(values)), Fraction(max(values))
    if low == high:
        assert not any(found)
        return
    error = Fraction(6 * float(np.finfo(np.float32 if in_float32 else np.float64).eps))
    for value, code in zip(values, found, strict=True):
        position = position_of(Fraction(value), low, high, number)
        lowest, highest = (floor(position * (1 + sign * error)) for sign in (-1, 1))
        last = number_of_codes(number) - 1
        assert min(lowest, last) <= code <= min(highest, last)


def rounded_to_24_bits(values):
    """To the significant bits of float32, whatever the exponent."""
    return [
        Fraction(float(np.float32(mantissa))) * Fraction(2) ** exponent
        for mantissa, exponent in map(frexp, values)
    ]


def test_values_that_float32_cannot_tell_apart_are_one_code():
    layer = np.array([[[1.0, 1 + 2.0**-30, 1 + 2.0**-40]]])
    assert not rebinned(layer, *extremes(layer), 32).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("codes_of", "number"), [(uniform_bins, 30), (rebinned, 8), (rebinned, 32), (quantized, 8)]
)
@given(st.integers(0, 2**32), st.integers(-1000, 1024))
def test_a_power_of_two_changes_no_code(codes_of, number, dtype, seed, exponent):
    """Up to the largest number, and down to where numbers lose bits."""
    exponent = int(np.clip(exponent, np.finfo(dtype).minexp + 24, np.finfo(dtype).maxexp))
    layer = np.random.default_rng(seed).uniform(-1, 1, (1, 3, 50)).astype(dtype)
    scaled = np.ldexp(layer, exponent)
    assert np.isfinite(scaled).all()
    expected = codes_of(layer, *extremes(layer.astype(float)), number)
    np.testing.assert_array_equal(codes_of(scaled, *extremes(scaled.astype(float)), number), expected)
    np.testing.assert_array_equal(adaptive_bins(scaled, 30), adaptive_bins(layer, 30))


@given(st.integers(0, 2**32), st.floats(-35, 27))
def test_codes_are_those_of_the_formula_where_it_does_not_overflow(seed, magnitude):
    layer = (np.random.default_rng(seed).normal(size=(1, 3, 50)) * 10**magnitude).astype(np.float32)
    low, high = layer.min(), layer.max()
    expected = np.rint((layer - low) * np.float32(2**32) / (high - low)).clip(0, 2**32)
    np.testing.assert_array_equal(
        rebinned(layer, *extremes(layer.astype(float)), 32), expected.astype(np.uint64)
    )


def test_snapshots_of_one_layer_of_all_magnitudes():
    """Each has its own range: the largest one changes no code of the others."""
    layer = np.random.default_rng(0).normal(size=(4, 3, 50)).astype(np.float32)
    scaled = layer * np.float32([1e37, 1, 1e-37, 1e30])[:, None, None]
    for codes_of, number in ((uniform_bins, 30), (rebinned, 32), (quantized, 16)):
        together = codes_of(scaled, *extremes(scaled.astype(float)), number)
        alone = [codes_of(each[None], *extremes(each[None].astype(float)), number)[0] for each in scaled]
        np.testing.assert_array_equal(together, alone)


SPECS = [
    EstimatorSpec(kind="rebinned"),
    EstimatorSpec(kind="uniform", bins=30, range="layer"),
    EstimatorSpec(kind="uniform", bins=30, range="neuron"),
    EstimatorSpec(kind="uniform", bins=30, range="global"),
    EstimatorSpec(kind="adaptive", bins=30),
    EstimatorSpec(kind="quantized", bits=8, range="layer"),
    EstimatorSpec(kind="kde", noise=0.01),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.kind}-{spec.range}")
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_code(spec, odd):
    """The snapshot alone: the information of the others is what it would be without it."""
    values = np.random.default_rng(1).normal(size=(3, 2, 20)).astype(np.float32)
    layer = Layer(32, None, np.zeros(3), np.zeros(3), values, False)
    labels, inputs = np.arange(20) % 2, counted_inputs(np.arange(20), 20, 2)
    expected = estimator_of(spec, 32).information(layer, (-3.0, 3.0), labels, inputs)
    values[1, 0, 7] = odd
    found = estimator_of(spec, 32).information(layer, (-3.0, 3.0), labels, inputs)
    for name, own, without in zip(found._fields, found, expected, strict=True):
        np.testing.assert_array_equal(own[[0, 2]], without[[0, 2]])
        assert own[1] == 0 if name == "distinct" else np.isnan(own[1])


@pytest.mark.parametrize("odd", [np.inf, -np.inf])
def test_infinity_has_the_code_of_an_end_of_a_given_range(odd):
    values = np.random.default_rng(1).normal(size=(1, 2, 20)).astype(np.float32)
    labels, inputs = np.arange(20) % 2, counted_inputs(np.arange(20), 20, 2)
    estimator = estimator_of(EstimatorSpec(kind="uniform", bins=30, range=(-1.0, 1.0)), 32)
    found = []
    for value in (odd, np.copysign(9, odd)):
        values[0, 0, 7] = value
        layer = Layer(32, None, np.zeros(1), np.zeros(1), values.copy(), False)
        found.append(np.array(estimator.information(layer, (0.0, 0.0), labels, inputs)))
    np.testing.assert_array_equal(*found)


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
@pytest.mark.parametrize("bits", [8, 4, 2])
def test_rebinned_is_exact_in_every_quantized_hidden_layer(synthetic, activation, bits):
    trajectory = trained(activation, bits)
    exact, again = (
        estimate(EstimatorSpec(kind=kind), trajectory, synthetic) for kind in ("exact", "rebinned")
    )
    hidden = exact["layer"] < 6
    assert exact[hidden].equals(again[hidden])
    outputs = exact[~hidden].merge(again[~hidden], on=["repetition", "epoch"])
    assert (outputs["distinct_y"] <= outputs["distinct_x"]).all()


def test_rebinned_float32_networks_are_binned_as_published(synthetic):
    trajectory = trained("tanh", "float32")
    table = estimate(EstimatorSpec(kind="rebinned"), trajectory, synthetic)
    for repetition, times, layers in replay(trajectory, synthetic):
        for number, layer in enumerate(layers, start=1):
            its = table[
                (table["repetition"] == trajectory.repetitions[repetition]) & (table["layer"] == number)
            ]
            for time, values in zip(times, layer.activations.astype(np.float32), strict=True):
                low, high = values.min(), values.max()
                codes = np.rint((values - low) * np.float32(2**32) / (high - low)).astype(np.int64)
                expected = exact_information(codes.T, synthetic.labels)
                row = its.iloc[time]
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
