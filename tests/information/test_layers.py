"""What a layer's codes and grids stand for, against plain loops."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane.information.layers import Layer

GENERATOR = np.random.default_rng(0)
SCALE, ZERO = np.array([0.1, 3e-7, 40.0]), np.array([0.0, 2.0, 7.0])


def quantized(bits, is_logits=False, values=None):
    """A layer of five neurons at three snapshots, some codes of which are not in use."""
    dtype = np.uint8 if bits <= 8 else np.uint16
    codes = GENERATOR.integers(1, 2**bits - 1, (3, 5, 40)).astype(dtype)
    return Layer(bits, codes, SCALE, ZERO, values, is_logits)


def unquantized():
    values = GENERATOR.normal(size=(3, 5, 40)).astype(np.float32)
    return Layer(32, None, np.ones(3), np.zeros(3), values, False)


def of_logits():
    return quantized(8, True, GENERATOR.dirichlet(np.ones(5), (3, 40)).swapaxes(1, 2).astype(np.float32))


@pytest.mark.parametrize("bits", [3, 8, 12, 16])
def test_activations_of_a_quantized_layer_are_those_of_its_grid(bits):
    layer = quantized(bits)
    found = layer.activations
    assert found.shape == layer.shape == (3, 5, 40) and found.dtype == np.float64
    for place in np.ndindex(found.shape):
        assert found[place] == (int(layer.codes[place]) - ZERO[place[0]]) * SCALE[place[0]]
    assert layer.table.shape == (3, 2**bits)
    for snapshot in range(3):
        np.testing.assert_array_equal(found[snapshot], layer.table[snapshot][layer.codes[snapshot]])


def test_activations_of_other_layers_are_their_values():
    for layer in (unquantized(), of_logits()):
        assert layer.activations.dtype == np.float64 and layer.shape == (3, 5, 40)
        np.testing.assert_array_equal(layer.activations, layer.values)


@pytest.mark.parametrize("axes", [(1, 2), (2,)])
@pytest.mark.parametrize("make", [partial(quantized, 4), partial(quantized, 16), unquantized, of_logits])
def test_extremes_are_those_of_the_activations(make, axes):
    layer = make()
    for found, extreme in zip(layer.extremes(axes), (np.min, np.max), strict=True):
        expected = extreme(layer.activations, axis=axes, keepdims=True)
        assert found.dtype == np.float64 and found.shape == expected.shape
        np.testing.assert_array_equal(found, expected)


def test_t_of_a_quantized_layer_is_its_codes():
    layer = quantized(8)
    np.testing.assert_array_equal(layer.t, layer.codes)


def test_t_of_a_layer_that_is_not_quantized_is_its_bits():
    layer = unquantized()
    assert layer.t.dtype == np.uint32 and layer.t.tobytes() == layer.values.tobytes()


@given(st.sampled_from([2, 8, 9, 16]), st.integers(1, 4), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_logits_have_equal_t_where_they_differ_by_a_common_shift_alone(bits, classes, count, seed):
    """As by the tuples of their distances to the largest."""
    dtype = np.uint8 if bits <= 8 else np.uint16
    codes = np.random.default_rng(seed).integers(0, min(2**bits, 4), (1, classes, count))
    codes = (codes + np.arange(count) % (2**bits - 3)).astype(dtype)
    layer = Layer(bits, codes, np.ones(1), np.zeros(1), np.zeros(codes.shape, np.float32), True)
    assert layer.t.dtype == dtype
    rows = codes[0].T.astype(int)
    distances = [tuple(row - row.max()) for row in rows]
    of_t = [tuple(row) for row in layer.t[0].T.tolist()]
    assert len(set(distances)) == len(set(of_t)) == len(set(zip(distances, of_t, strict=True)))
