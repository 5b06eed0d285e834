"""The state of a model and of the random numbers, which a recording leaves as it was."""

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import nn

__all__ = ["preserved", "unwrapped"]


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
        for name, buffer in module.named_buffers(recurse=False)
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
                buffer.copy_(value)
                module._buffers[name] = buffer
            random.setstate(of_python)
            np.random.set_state(of_numpy)
