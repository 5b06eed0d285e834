"""Where tensors are computed with: on the processor, or on a GPU."""

import torch

from infoplane.errors import UserError

__all__ = ["CPU", "device_of", "name_of"]

CPU = torch.device("cpu")


def device_of(name: str) -> torch.device:
    """The device `cpu` or `cuda`; `auto` is the second where there is a GPU, and else the first.

    Raises:
        UserError: there is no GPU.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UserError(
            "device cuda: PyTorch finds no GPU; use cpu, or install its driver and a PyTorch with CUDA"
        )
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if there else "cpu")


def name_of(device: torch.device) -> str:
    """What artifacts say of a device: `cpu`, or the model of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
