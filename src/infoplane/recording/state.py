"""The state of a model and of the random numbers, which a recording leaves as it was."""

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from infoplane.recording.inputs import dense

__all__ = ["is_expanded", "preserved", "unwrapped"]


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside of `DataParallel`, `DistributedDataParallel` and `torch.compile`."""
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model


@contextmanager
def preserved(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards the model and all random numbers are as they were before.

    Restored are the mode of every module, all buffers, and the random states of Python, NumPy and PyTorch.
    Observers of PyTorch's quantizers, which would also move their ranges in evaluation mode, are disabled.
    Compiled parts run uncompiled, since hooks would have them compiled anew.
    """
    modes = {module: module.training for module in model.modules()}
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in modes
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    devices = [*range(torch.cuda.device_count())] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    of_python, of_numpy = random.getstate(), np.random.get_state()
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices))
        stack.enter_context(torch.no_grad())
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            model.eval()
            for module in modes:
                if callable(disable := getattr(module, "disable_observer", None)):
                    disable()
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
            for module, name, buffer, value in buffers:
                put_back(buffer, value)
                module._buffers[name] = buffer
            random.setstate(of_python)
            np.random.set_state(of_numpy)


def put_back(tensor: Tensor, value: Tensor) -> None:
    """Give a tensor its former value, unless it still has it.

    A write counts even if it changes nothing: it spoils a gradient that needs the tensor.
    """
    if are_same(tensor, value):
        return
    if is_expanded(tensor):  # PyTorch writes to no view in which several elements share their memory
        one = tuple(slice(None if stride else 1) for stride in tensor.stride())
        tensor, value = tensor[one], value[one]
    tensor.copy_(value)


def is_expanded(tensor: Tensor) -> bool:
    """Whether a tensor is a view in which elements share their memory, as `expand` makes it."""
    if tensor.layout != torch.strided:
        return False
    return any(size > 1 and not stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))


def are_same(tensor: Tensor, value: Tensor) -> bool:
    """Whether all bits of two tensors of one type are equal, those of NaN too."""
    if tensor.is_quantized:
        return torch.equal(tensor, value)
    some, others = (dense(each).resolve_conj().resolve_neg().contiguous() for each in (tensor, value))
    return torch.equal(some.flatten().view(torch.uint8), others.flatten().view(torch.uint8))
