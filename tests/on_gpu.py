"""A plugin of pytest by which a GPU computes whatever the tests ask of PyTorch:

    PYTHONPATH=tests pytest -p on_gpu tests/networks tests/test_training.py

Arrays become tensors on the GPU and come back from there, and what runs on `cpu` runs there too.
"""

import sys
from importlib import import_module

import torch

PLACE = torch.device("cuda")
from_numpy, to_numpy = torch.from_numpy, torch.Tensor.numpy


class Generator(torch.Generator):
    """On the GPU, as the tensors that are drawn by it."""

    def __new__(cls):
        return super().__new__(cls, PLACE)


def pytest_configure() -> None:
    torch.set_default_device(PLACE)
    torch.from_numpy = lambda values: from_numpy(values).to(PLACE)
    torch.Tensor.numpy = lambda tensor: to_numpy(tensor.cpu())
    torch.Generator = Generator
    for name in ("infoplane.training", "infoplane.networks.replay"):
        import_module(name)
        sys.modules[name].device_of = lambda _: PLACE
