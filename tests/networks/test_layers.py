"""Layers: their sizes, and where their parameters lie."""

import subprocess
import sys

import pytest

from infoplane import TrainingSpec, UserError
from infoplane.config import ConvSpec, DenseSpec, PoolSpec
from infoplane.networks.layers import NETWORKS, Network, network_of


def spec_of(network):
    return TrainingSpec(dataset="mine", network=network, activation="relu", bits=8, epochs=1, record_every=1)


def test_kernels_lie_before_their_biases_one_layer_after_the_other():
    network = Network.of((3,), [DenseSpec(dense=2)], 2, "relu")
    assert [(layer.start, layer.bias, layer.stop) for layer in network.weighted] == [(0, 6, 8), (8, 12, 14)]
    assert network.size == 14


def test_pools_have_no_parameters():
    layers = [ConvSpec(conv=2, kernel=2), PoolSpec(pool=2), DenseSpec(dense=3)]
    network = Network.of((5, 6), layers, 2, "relu")
    starts = [(layer.start, layer.stop) for layer in network.weighted]
    assert starts == [(0, 10), (10, 10 + 9 * 3), (37, 45)]
    assert network.size == 45
    assert [layer.outputs for layer in network.layers] == [2 * 4 * 5, 2 * 2 * 2, 3, 2]


def test_fans_of_a_convolution_count_the_places_of_its_squares():
    conv, dense = Network.of((3, 9, 8), [ConvSpec(conv=5, kernel=2)], 2, "relu").weighted
    assert (conv.fan_in, conv.fan_out) == (3 * 2 * 2, 5 * 2 * 2)
    assert (dense.fan_in, dense.fan_out) == (5 * 8 * 7, 2)


SIZES = {
    "shwartz-ziv": (294, [10, 7, 5, 4, 3, 2], 12),
    "bottleneck-2": (12_772, [16, 8, 4, 2, 10], 784),
    "bottleneck-4": (12_560 + 204 + 104 + 36 + 50, [16, 12, 8, 4, 10], 784),
    "hourglass": (12_560 + 136 + 36 + 10 + 12 + 40 + 90, [16, 8, 4, 2, 4, 8, 10], 784),
    "4x10": (7_850 + 4 * 110, [10, 10, 10, 10, 10], 784),
    "conv": (20 + 38 + 51 * 16 + 170, [1352, 338, 242, 50, 16, 10], 9 * 26 * 26),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_of_the_named_networks(name):
    shape, classes = ((12,), 2) if name == "shwartz-ziv" else ((28, 28), 10)
    network = network_of(spec_of(name), shape, classes)
    size, outputs, widest = SIZES[name]
    assert network.size == size
    assert [layer.outputs for layer in network.layers] == outputs
    assert network.widest == widest


@pytest.mark.parametrize(
    ("shape", "network", "said"),
    [
        ((12,), "conv", '{"conv":2,"kernel":3}.* 3 × 3, not inputs of shape (12,)'),
        ((12,), [{"pool": 2}], '{"pool":2}.* 2 × 2, not inputs of shape (12,)'),
        ((9, 8), [16, {"conv": 1}], '{"conv":1,"kernel":3}.* 3 × 3, not inputs of shape (16,)'),
        ((2, 9), [{"conv": 1}], "3 × 3, not inputs of shape (1, 2, 9)"),
        ((9, 8), "conv", '{"pool":2}.* 2 × 2, not inputs of shape (2, 1, 1)'),
        ((2, 2, 9, 8), "conv", "not inputs of shape (2, 2, 9, 8)"),
    ],
)
def test_layers_that_find_no_image_are_refused(shape, network, said):
    with pytest.raises(UserError) as error:
        network_of(spec_of(network), shape, 2)
    assert all(part in str(error.value) for part in said.split(".*"))
    assert "; use dense layers, or a data set of images" in str(error.value)
    assert "\n" not in str(error.value)


def test_networks_are_imported_without_torch():
    code = "import sys, infoplane.networks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
