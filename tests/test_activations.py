"""Activation functions: their definitions against a second reading, and their bounds."""

import pytest
import torch
from reference import TORCH_ACTIVATIONS

from infoplane.activations import ACTIVATIONS


def test_definitions_are_those_of_the_reference():
    x = torch.linspace(-30, 30, 6001, dtype=torch.float64)
    assert ACTIVATIONS.keys() == TORCH_ACTIVATIONS.keys()
    for name, activation in ACTIVATIONS.items():
        torch.testing.assert_close(activation(x), TORCH_ACTIVATIONS[name](x), rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_bounds_are_the_ends_of_what_it_takes(name):
    """Where both are finite; one that has none exceeds any range."""
    low, high = ACTIVATIONS[name](torch.tensor([-1e9, 1e9], dtype=torch.float64)).tolist()
    assert ACTIVATIONS[name].bounds == (None if high == 1e9 else (low, high))
