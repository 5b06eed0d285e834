"""Where tensors are computed with: on the processor, or on a GPU."""

from typing import TYPE_CHECKING

from infoplane.config import NO_DEVICE
from infoplane.errors import UserError

if TYPE_CHECKING:
    import torch

__all__ = ["device_of", "name_of", "refuse_auto"]

# PyTorch is imported by who needs it: a training by kernels does not.


def refuse_auto(name: str) -> str:
    """The name of a device, unless it leaves the device to the machine."""
    if name == "auto":
        raise UserError(f"device: {NO_DEVICE}")
    return name


def device_of(name: str) -> "torch.device":
    """The device `cpu` or `cuda`.

    Raises:
        UserError: there is no GPU.
    """
    import torch

    refuse_auto(name)
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "device cuda: PyTorch finds no GPU; use cpu, or install its driver and a PyTorch with CUDA"
        )
    return torch.device(name)


def name_of(name: str) -> str:
    """What artifacts say of a device: `cpu`, or the model of the GPU."""
    if name != "cuda":
        return name
    import torch

    return torch.cuda.get_device_name(device_of(name))
