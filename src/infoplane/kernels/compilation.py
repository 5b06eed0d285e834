"""How kernels are compiled: by Numba, for this processor, once on a machine.

Machine code is kept in a folder that is named after the sources of all kernels. Numba alone would look at the
file of a function only, and take code for current whose callees have changed in another file. Where no folder
can be written, kernels are compiled anew by every process.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile

__all__ = ["compiled", "inlined"]


@cache
def sources_digest() -> str:
    """SHA-256 (hex) of the sources of all kernels."""
    total = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()


def candidates() -> Iterator[Path]:
    """Where machine code may be kept, the best first."""
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(named)
    if named := os.environ.get("XDG_CACHE_HOME"):
        yield Path(named)
    with suppress(RuntimeError):  # a user without a home
        yield Path.home() / ".cache"
    with suppress(OSError):  # nor a folder for temporary files
        yield Path(tempfile.gettempdir()) / f"cache-{os.getuid()}"


@cache
def cache_folder() -> Path | None:
    """The first of the candidates in which this user can write; None if there is none."""
    for candidate in candidates():
        folder = candidate / "infoplane" / sources_digest()[:16]
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if folder.stat().st_uid == os.getuid():  # machine code of somebody else is not run
                with tempfile.TemporaryFile(dir=folder):
                    return folder
    return None


class Locator:
    """Where Numba keeps the code of a function, and by what it is known."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        self.folder, self.place = folder, f"{function.__module__}-{function.__code__.co_firstlineno}"
        self._py_file = function.__code__.co_filename
        self.stamp = sources_digest() + hashlib.sha256(Path(self._py_file).read_bytes()).hexdigest()

    def get_cache_path(self) -> str:
        return str(self.folder)

    def ensure_cache_path(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def get_source_stamp(self) -> str:
        return self.stamp

    def get_disambiguator(self) -> str:
        return self.place

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> "Locator | None":
        folder = cache_folder()
        return None if folder is None else cls(function, folder)


class KernelCacheImpl(CompileResultCacheImpl):
    _locator_classes = (Locator,)


class CodeFiles(IndexDataCacheFile):
    """Files named after what they hold.

    Numba numbers them, and two processes at a time may give one number to two signatures or processors: each
    would then run the code of the other.
    """

    def save(self, key: Any, data: Any) -> None:
        name = f"{Path(self._index_path).stem}.{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.nbc"
        self._save_data(name, data)
        self._save_index(self._load_index() | {key: name})


class KernelCache(FunctionCache):
    """Machine code in files; what cannot be read is compiled anew, and what cannot be written is not kept."""

    _impl_class = KernelCacheImpl

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = CodeFiles(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, *arguments: Any) -> Any:
        try:
            return super().load_overload(*arguments)
        except Exception:  # a damaged file may raise anything
            with suppress(OSError):
                self.flush()
        return None

    def save_overload(self, *arguments: Any) -> None:
        with suppress(OSError):
            super().save_overload(*arguments)


def compiled(function: Callable[..., Any]) -> Any:
    """A kernel in machine code, which is compiled at its first call or read from the cache.

    It can make no arrays, and so need not count who refers to one: that took half the time of a step of
    training.
    """
    dispatcher = numba.njit(function, nogil=True, _nrt=False)
    if cache_folder() is not None:
        dispatcher._cache = KernelCache(function)
    template_of = dispatcher.get_call_template

    def without_literals(args: Any, kws: Any) -> Any:
        """One machine code for all numbers: Numba would compile a kernel anew for each 0 that it is given."""
        plain = {name: types.unliteral(each) for name, each in kws.items()}
        return template_of(tuple(map(types.unliteral, args)), plain)

    dispatcher.get_call_template = without_literals
    return dispatcher


def inlined(function: Callable[..., Any]) -> Any:
    """A part of kernels, which becomes part of their machine code."""
    return numba.njit(function, nogil=True, forceinline=True, _nrt=False)
