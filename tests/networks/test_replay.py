"""The sums of a replay in PyTorch: exact where they are of whole numbers, and in one order where not."""

import numpy as np
import pytest
import torch

from infoplane.networks.forward import matrix_product
from infoplane.networks.replay import ordered_product


@pytest.mark.parametrize(("weights", "activations"), [(2, 2), (8, 8), (8, 16), (16, 16)])
@pytest.mark.parametrize("fan_in", [1, 258, 784])
def test_whole_numbers_are_summed_exactly(weights, activations, fan_in):
    """Also where all of them are as large as they can be, but for a few."""
    generator = np.random.default_rng(fan_in)
    kernel = np.full((2, fan_in, 3), 2**weights - 1)
    columns = np.full((2, fan_in, 5), 2**activations - 1)
    kernel[:, ::7] -= generator.integers(0, 3, kernel[:, ::7].shape)
    columns[:, ::5] -= generator.integers(0, 3, columns[:, ::5].shape)
    kernel *= generator.choice([-1, 1], (2, 1, 3))
    product = matrix_product(torch.from_numpy(kernel).double(), torch.from_numpy(columns).double())
    np.testing.assert_array_equal(product.numpy(), np.einsum("mio,min->mon", kernel, columns))


@pytest.mark.parametrize("fan_in", [1, 12, 784])
def test_floats_are_summed_in_the_order_of_their_index(fan_in):
    """Of float32 numbers of all sizes, and of steps of a grid."""
    generator = np.random.default_rng(fan_in)
    for power in (0, 1, 30):
        kernel, columns = (
            (generator.normal(size=shape) * 2.0 ** generator.integers(-power, power + 1, shape)).astype(
                np.float32
            )
            for shape in ((3, fan_in, 5), (3, fan_in, 130))
        )
        for each in (kernel, np.round(100 * kernel)):
            expected = np.zeros((3, 5, 130))
            for weights, terms in zip(np.moveaxis(each, 1, 0), np.moveaxis(columns, 1, 0), strict=True):
                expected += weights[:, :, None].astype(float) * terms[:, None, :].astype(float)
            found = ordered_product(torch.from_numpy(each).double(), torch.from_numpy(columns).double())
            assert found.numpy().tobytes() == expected.tobytes()
