"""Each kind of estimator against plain NumPy on the activations of a layer, and the room of its codes."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from infoplane import EstimatorSpec
from infoplane.config.kinds import ESTIMATORS as KINDS_OF_CONFIG
from infoplane.errors import UserError
from infoplane.information.estimators import KINDS, Adaptive, Exact, Quantized, Uniform, estimator_of
from infoplane.information.layers import Layer

GLOBAL = -1.5, 2.0
INPUTS = 300


def quantized_layer(bits, values=None):
    """Five neurons at three snapshots, whose codes are some of their grids'."""
    generator = np.random.default_rng(bits)
    lowest, highest = generator.integers(0, 2**bits // 3, 3), generator.integers(2**bits // 2, 2**bits, 3)
    codes = generator.integers(lowest, highest + 1, (5, INPUTS, 3)).transpose(2, 0, 1)
    codes[:, :, ::3] = codes[:, :, [0]]
    dtype = np.uint8 if bits <= 8 else np.uint16
    scale, zero = np.array([0.5, 1.0, 3.0]) / 2**bits, np.array([0, 1, 2**bits // 3])
    return Layer(bits, np.ascontiguousarray(codes.astype(dtype)), scale, zero, values, values is not None)


def layer_of(kind):
    generator = np.random.default_rng(0)
    if kind == "float32":
        values = generator.normal(size=(3, 5, INPUTS)).astype(np.float32)
        values[:, :, ::3] = values[:, :, [0]]
        return Layer(32, None, np.ones(3), np.zeros(3), values, False)
    if kind == "logits":
        shares = generator.dirichlet(np.ones(5), (3, INPUTS)).swapaxes(1, 2).astype(np.float32)
        shares[:, :, ::3] = shares[:, :, [0]]
        return quantized_layer(8, shares)
    return quantized_layer(kind)


def codes_by_numpy(estimator, bits, layer, snapshot):
    """The codes of one snapshot's activations, (outputs, N)."""
    values = layer.activations[snapshot]
    low, high = values.min(), values.max()
    match estimator:
        case EstimatorSpec(kind="exact") if layer.is_logits:
            codes = layer.codes[snapshot].astype(int)
            return codes - codes.max(0)
        case EstimatorSpec(kind="exact"):
            return values
        case EstimatorSpec(kind="rebinned"):
            number = np.float32 if bits == 32 else np.float64
            values = values.astype(number)
            return np.rint((values - values.min()) * number(2**bits) / (values.max() - values.min()))
        case EstimatorSpec(kind="adaptive", bins=bins):
            return np.searchsorted(np.quantile(values, np.arange(1, bins) / bins), values, side="right")
        case EstimatorSpec(kind="quantized"):
            low, high = (low, high) if estimator.range == "layer" else estimator.range
            low, high = min(low, 0), max(high, 0)
            top = 2 ** (estimator.bits or bits) - 1
            zero = np.floor(-low / (high - low) * top + 0.5)
            return np.floor(values / ((high - low) / top) + zero + 0.5).clip(0, top)
        case EstimatorSpec(range="global"):
            low, high = GLOBAL
        case EstimatorSpec(range="neuron"):
            low, high = values.min(1, keepdims=True), values.max(1, keepdims=True)
        case EstimatorSpec(range=(low, high)):
            pass
    span = np.where(low == high, 1, high - low)
    return np.floor((values - low) * estimator.bins / span).clip(0, estimator.bins - 1)


def partition(columns):
    """The number of each column's part, in the order of appearance, (N,)."""
    numbers = {}
    return [numbers.setdefault(tuple(column), len(numbers)) for column in columns.T.tolist()]


ESTIMATORS = [
    EstimatorSpec(kind="exact"),
    EstimatorSpec(kind="rebinned"),
    *(EstimatorSpec(kind="adaptive", bins=bins) for bins in (2, 30, 65536)),
    *(
        EstimatorSpec(kind="uniform", bins=bins, range=chosen)
        for bins, chosen in product((2, 30, 65536), ("global", "layer", "neuron", (-0.2, 0.6)))
    ),
    *(
        EstimatorSpec(kind="quantized", range=chosen, bits=bits)
        for bits, chosen in product((None, 1, 4, 16), ("layer", (0.0, 1.0), (-0.2, 0.6)))
    ),
    EstimatorSpec(kind="quantized", range=(-0.5, 2.0)),
]


def name_of(estimator):
    return "-".join(map(str, estimator.model_dump(exclude_defaults=True).values()))


# A float32 network gives no bits to a quantizer
PAIRS = [
    pytest.param(estimator, kind, id=f"{name_of(estimator)}-{kind}")
    for estimator, kind in product(ESTIMATORS, (3, 8, 9, 16, "logits", "float32"))
    if kind != "float32" or not estimator.of_network
]


def first_neurons(layer, width):
    parts = {name: getattr(layer, name) for name in ("codes", "values")}
    return replace(layer, **{name: its if its is None else its[:, :width] for name, its in parts.items()})


@pytest.mark.parametrize("width", [1, 5])
@pytest.mark.parametrize(("estimator", "kind"), PAIRS)
def test_words_are_equal_where_the_codes_of_numpy_are(estimator, kind, width):
    """Of a single neuron, and of several, few inputs of which share all codes."""
    bits = {"logits": 8, "float32": 32}.get(kind, kind)
    layer = first_neurons(layer_of(kind), width)
    words = estimator_of(estimator, bits).words(layer, GLOBAL)
    assert words.dtype == np.uint64 and words.shape[::2] == (3, INPUTS)
    parts = [partition(codes_by_numpy(estimator, bits, layer, snapshot)) for snapshot in range(3)]
    assert [partition(own) for own in words] == parts
    assert any(max(own) > 0 for own in parts) or (estimator.kind, kind, width) == ("exact", "logits", 1)


def words_of(estimator, bits, layer):
    (words,) = estimator_of(EstimatorSpec(**estimator), bits).words(layer, GLOBAL)
    return words


def of_values(values):
    """A layer of the given values: of one snapshot, (outputs, N)."""
    return Layer(32, None, np.ones(1), np.zeros(1), np.float32(values)[None], False)


def of_codes(bits, scale=1.0):
    """A layer of one neuron that takes every code of its grid."""
    codes = np.arange(2**bits).astype(np.uint8 if bits <= 8 else np.uint16)
    return Layer(bits, codes[None, None], np.array([scale]), np.zeros(1), None, False)


EVERY_CODE = {
    "exact, 8 bits": ({"kind": "exact"}, 8, of_codes(8), 2**8),
    "exact, 9 bits": ({"kind": "exact"}, 9, of_codes(9), 2**9),
    "exact, 16 bits": ({"kind": "exact"}, 16, of_codes(16), 2**16),
    "rebinned, 8 bits": ({"kind": "rebinned"}, 8, of_values([np.arange(2**8 + 1)]), 2**8 + 1),
    "rebinned, 16 bits": ({"kind": "rebinned"}, 16, of_values([np.arange(2**16 + 1)]), 2**16 + 1),
    "quantized, 16 bits": ({"kind": "quantized", "range": [0, 2**16 - 1]}, 16, of_codes(16), 2**16),
    "quantized, 16 bits of its own": (
        {"kind": "quantized", "range": [0, 2**16 - 1], "bits": 16},
        32,
        of_values([np.arange(2**16)]),
        2**16,
    ),
    "quantized, 18 bits of a network": (
        {"kind": "quantized", "range": [0, 2**18 - 1]},
        18,
        of_values([np.arange(2**18)]),
        2**18,
    ),
    "quantized, 1 bit": ({"kind": "quantized", "range": "layer", "bits": 1}, 8, of_codes(8), 2),
    "adaptive": ({"kind": "adaptive", "bins": 2**16}, 16, of_values([np.arange(2**17)]), 2**16),
    "uniform": (
        {"kind": "uniform", "bins": 2**16, "range": [0, 2**16]},
        32,
        of_values([np.arange(2**16)]),
        2**16,
    ),
    "uniform, looked up": (
        {"kind": "uniform", "bins": 2**16, "range": [0, 2**16]},
        16,
        of_codes(16),
        2**16,
    ),
    "uniform, looked up by neuron": (
        {"kind": "uniform", "bins": 2**16, "range": "neuron"},
        16,
        of_codes(16),
        2**16,
    ),
}


@pytest.mark.parametrize("name", EVERY_CODE)
def test_words_hold_every_code_that_there_can_be(name):
    estimator, bits, layer, number = EVERY_CODE[name]
    assert len(np.unique(words_of(estimator, bits, layer), axis=1).T) == number


# The bits of a network, and the ends of the range of one neuron's codes
ENDS = {
    "exact": ({"kind": "exact"}, 32, [np.nan, -0.0, 0.0, np.inf, -np.inf, 2**-149]),
    "rebinned, 2 bits": ({"kind": "rebinned"}, 2, [0, 1, 2, 3, 4]),
    "rebinned, 16 bits": ({"kind": "rebinned"}, 16, [0, 1, 2**15, 2**16 - 1, 2**16]),
    "rebinned, float32": ({"kind": "rebinned"}, 32, [0, 2**-32, 2**-15, 0.5, 1 - 2**-24, 1]),
    "quantized": ({"kind": "quantized", "range": [0, 3]}, 2, [0, 1, 2, 3]),
    "quantized, 16 bits": ({"kind": "quantized", "range": [0, 2**16 - 1]}, 16, [0, 1, 2**15, 2**16 - 1]),
    "quantized, 16 bits of its own": (
        {"kind": "quantized", "range": "layer", "bits": 16},
        32,
        [0, 1, 2**15, 2**16 - 1],
    ),
    "uniform": ({"kind": "uniform", "bins": 3, "range": [0, 3]}, 8, [0, 1, 2]),
    "uniform, 65,536 bins": ({"kind": "uniform", "bins": 2**16, "range": [0, 2**16]}, 8, [0, 1, 2**16 - 1]),
    "adaptive": ({"kind": "adaptive", "bins": 5}, 8, [0, 1, 2, 3, 4]),
}


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ENDS)
def test_no_code_reaches_into_the_field_of_a_neighbour(name, width):
    """All tuples of the least and the greatest codes differ."""
    estimator, bits, values = ENDS[name]
    tuples = list(product(values, repeat=width))
    words = words_of(estimator, bits, of_values(np.transpose(tuples)))
    assert len(np.unique(words, axis=1).T) == len(tuples)


def test_rebinned_values_fall_into_one_more_bin_than_there_are_levels():
    words = words_of({"kind": "rebinned"}, 8, of_values([np.linspace(0, 1, 4 * 2**8 + 1)]))
    assert len(np.unique(words)) == 2**8 + 1


def test_what_a_code_that_is_not_in_use_stands_for_has_no_effect():
    """The table of a layer reaches beyond its range."""
    codes = np.array([[[3, 4, 4, 5]]], dtype=np.uint8)
    layer = Layer(8, codes, np.array([1e30]), np.array([200.0]), None, False)
    for estimator in ({"kind": "rebinned"}, {"kind": "uniform", "bins": 3, "range": "layer"}):
        assert partition(words_of(estimator, 8, layer)) == [0, 1, 1, 2]


def test_every_kind_of_the_config_has_its_estimator():
    assert list(KINDS) == list(KINDS_OF_CONFIG)


# Kinds, specs and layers with as many codes as there can be
SHRUNK = {
    "uniform": (Uniform, {"kind": "uniform", "bins": 64, "range": "layer"}),
    "adaptive": (Adaptive, {"kind": "adaptive", "bins": 64}),
    "quantized": (Quantized, {"kind": "quantized", "range": "layer", "bits": 6}),
}


@pytest.mark.parametrize("tabled", [False, True])
@pytest.mark.parametrize("name", SHRUNK)
def test_codes_that_do_not_fit_into_their_field_are_refused_and_not_merged(name, tabled):
    kind, spec = SHRUNK[name]

    class Shrunk(kind):
        field = 5

    layer = of_codes(8) if tabled else of_values([np.arange(64)])
    with pytest.raises(ValueError, match="do not fit into 5 bits"):
        Shrunk(EstimatorSpec(**spec), 8).words(layer, GLOBAL)


def test_a_quantizer_without_bits_is_refused_for_a_float32_network():
    """By whichever way it comes: a table of 2³² codes would be merged into 2¹⁶."""
    with pytest.raises(UserError, match=r"takes its bits from a network, .* float32 .* give bits"):
        estimator_of(EstimatorSpec(kind="quantized", range=(0, 1)), 32)


@pytest.mark.parametrize("kind", [3, 8, 16])
def test_a_quantizer_of_the_bits_and_range_of_a_layer_gives_its_codes(kind):
    """Whose lowest or highest code is 0 or the last: else its range is another."""
    layer = quantized_layer(kind)
    codes = layer.codes.copy()
    codes[:, 0, 0], codes[:, 0, 1] = 0, 2**kind - 1
    layer = replace(layer, codes=codes)
    spec = EstimatorSpec(kind="quantized", range="layer")
    own = [partition(each) for each in estimator_of(spec, kind).words(layer, GLOBAL)]
    assert own == [partition(each) for each in Exact(EstimatorSpec(kind="exact"), kind).words(layer)]
