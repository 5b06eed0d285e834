"""Devices: the processor (`cpu`) or a GPU (`cuda`)."""

from typing import TYPE_CHECKING

from infoplane.config import NO_DEVICE
from infoplane.errors import UserError
from infoplane.refusals import refuse_other_names

if TYPE_CHECKING:
    import torch

__all__ = ["device_of", "name_of", "refuse_auto", "refuse_other_devices"]

# PyTorch is imported inside of functions: a training by kernels does without it.


def refuse_auto(name: str) -> str:
    """Refuse `auto`, which would let the machine decide what a result is."""
    if name == "auto":
        raise UserError(f"device: {NO_DEVICE}")
    return name


def refuse_other_devices(name: str) -> None:
    """Refuse `auto`, and all that names no device."""
    if isinstance(name, str):
        refuse_auto(name)
    refuse_other_names("device", name, ("cpu", "cuda"))


def device_of(name: str) -> "torch.device":
    """PyTorch device of a name, `cpu` or `cuda`.

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
    """Name of a device for an artifact: `cpu`, or the model of the GPU."""
    if name != "cuda":
        return name
    import torch

    return torch.cuda.get_device_name(device_of(name))
