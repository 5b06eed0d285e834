"""One place where functions are compiled, for one thread or for a GPU, and for fixed shapes."""

import shutil
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch._inductor.runtime.cache_dir_utils import cache_dir
from torch.utils._pytree import tree_map

from infoplane.devices import CPU

__all__ = ["compiled", "compiles"]

COMPILERS = ("c++", "g++", "clang++")
SECONDS_TO_LINK = 30
OPTIONS: dict[str, Any] = {
    "cpp.threads": 1,
    # What has more operations is computed once, not anew wherever it is used: the grids of the quantizers.
    "realize_opcount_threshold": 16,
    # The calls of the kernels are compiled too: they take as long as the kernels of a small network.
    "cpp_wrapper": True,
}
OPTIONS_ON_GPU: dict[str, Any] = {
    # A small network's kernels take less time than their launches: all of a call are one launch.
    "triton.cudagraphs": True,
    # No kernel is chosen by its speed, which would have sums taken in another order on another day.
    "deterministic": True,
    # A symmetric range's zero lies between two levels, and its rounding must not hang on the last bit.
    "eager_numerics.division_rounding": True,
}


def compiles(device: torch.device = CPU) -> bool:
    """Whether there is a C++ compiler, and for a GPU also Triton."""
    return any(map(shutil.which, COMPILERS)) and (device.type == "cpu" or find_spec("triton") is not None)


def compiled(function: Callable[..., Any], wanted: bool, device: torch.device = CPU) -> Callable[..., Any]:
    """`function` compiled by PyTorch for a device, or itself where that is not wanted.

    Without a C++ compiler it warns and returns `function` itself, which gives the same results up to
    rounding, in 1.0 ms instead of 0.033 ms a step and repetition of the `shwartz-ziv` network. What is
    compiled is cached between processes.
    """
    if not wanted:
        return function
    if not compiles(device):
        missing = "C++ compiler" if device.type == "cpu" else "C++ compiler or no Triton"
        warnings.warn(
            f"no {missing} found: running eagerly; a step of a small network takes 30 times as long",
            stacklevel=2,
        )
        return function
    torch._dynamo.config.recompile_limit = 1000  # one process may train many kinds of networks
    remove_unwritten_libraries()
    if device.type == "cpu":
        return torch.compile(function, fullgraph=True, dynamic=False, options=OPTIONS)
    return kept(torch.compile(function, fullgraph=True, dynamic=False, options=OPTIONS_ON_GPU))


def kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is a CUDA graph, whose next call would write over the tensors that this one returns."""

    def call(*inputs: Any) -> Any:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return tree_map(torch.clone, function(*inputs))

    return call


def remove_unwritten_libraries() -> None:
    """Remove empty libraries that a killed linker has left in the cache, but none that is being linked."""
    for library in Path(cache_dir()).glob("**/*.so"):
        with suppress(FileNotFoundError):  # another job was quicker
            state = library.stat()
            if state.st_size == 0 and time.time() - state.st_mtime > SECONDS_TO_LINK:
                library.unlink()
