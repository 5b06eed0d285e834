"""One place where functions are compiled, for one thread and for fixed shapes."""

import shutil
import warnings
from collections.abc import Callable
from typing import Any

import torch

__all__ = ["compiled"]


def compiled(function: Callable[..., Any], wanted: bool) -> Callable[..., Any]:
    """`function` compiled for CPU by PyTorch, or itself where that is not wanted.

    Without a C++ compiler it warns and returns `function` itself, which gives the same results up to
    rounding.
    """
    if not wanted:
        return function
    if shutil.which("c++") is None and shutil.which("g++") is None and shutil.which("clang++") is None:
        warnings.warn("no C++ compiler found: running eagerly, which is many times slower", stacklevel=2)
        return function
    torch._inductor.config.cpp.threads = 1
    torch._dynamo.config.recompile_limit = 1000  # a session may train many kinds of networks
    return torch.compile(function, fullgraph=True, dynamic=False)
