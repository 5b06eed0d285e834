"""Compilation of kernels by Numba: for this processor, once on a machine.

Machine code is cached in a folder that is named after the sources of all kernels. Numba alone compares the
file of a function only: it would take code for current whose callees have changed in another file. Where no
folder can be written, every process compiles the kernels anew.

A kernel that others call becomes part of their code. Numba would optimise it and make machine code of it by
itself, and once more with each of its callers, with each of theirs, and so on. Here, it is left to the
kernels that Python calls: this halves the time that compilation takes.
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
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

__all__ = ["compiled", "inlined"]


FOLDER = Path(__file__).parent
# The kernels, and the modules whose code or constants are compiled into them
SOURCES = ("kernels/*.py", "activations.py", "compilation.py", "random.py", "ranges.py")


@cache
def sources_digest() -> str:
    """SHA-256 (hex) of the sources of all kernels."""
    total = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in FOLDER.glob(pattern)):
        total.update(path.read_bytes())
    return total.hexdigest()


def candidates() -> Iterator[Path]:
    """Folders in which machine code may be cached, the best first."""
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
    """The first candidate in which this user can write; None if there is none."""
    for candidate in candidates():
        folder = candidate / "infoplane" / sources_digest()[:16]
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if folder.stat().st_uid == os.getuid():  # nobody else's machine code is run
                with tempfile.TemporaryFile(dir=folder):
                    return folder
    return None


class Locator:
    """Folder in which Numba caches the code of a function, and what identifies its version."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        self.folder, self.name = folder, f"{function.__module__}-{function.__code__.co_firstlineno}"
        self._py_file = function.__code__.co_filename
        self.stamp = sources_digest() + hashlib.sha256(Path(self._py_file).read_bytes()).hexdigest()

    def get_cache_path(self) -> str:
        return str(self.folder)

    def ensure_cache_path(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def get_source_stamp(self) -> str:
        return self.stamp

    def get_disambiguator(self) -> str:
        return self.name

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> "Locator | None":
        folder = cache_folder()
        return None if folder is None else cls(function, folder)


class KernelCacheImpl(CompileResultCacheImpl):
    _locator_classes = (Locator,)


class CodeFiles(IndexDataCacheFile):
    """Files of machine code, named after its types and processor.

    Numba numbers them. Two processes at a time may give one number to two types or processors: each would
    then run the code of the other.
    """

    def save(self, key: Any, data: Any) -> None:
        name = f"{Path(self._index_path).stem}.{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.nbc"
        self._save_data(name, data)
        self._save_index(self._load_index() | {key: name})


class KernelCache(FunctionCache):
    """Cache of machine code: what cannot be read is compiled anew, what cannot be written is not cached."""

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


class PartLibrary(JITCodeLibrary):
    """Code of a kernel that is part of others: its own, and that of all that it calls."""

    def finalize(self) -> None:
        for library in dict.fromkeys(self._linking_libraries):
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True


class PartCompiler(Compiler):
    """Numba's compiler of a kernel that is part of others; it makes no machine code."""

    def define_pipelines(self) -> Any:
        self.state.flags.no_compile = True
        self.state.library = PartLibrary(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        return super().define_pipelines()


# Kernels make no arrays, so they need not count references: that would take half the time of a training step
OPTIONS = {"nogil": True, "_nrt": False, "no_cfunc_wrapper": True}


def compiled(function: Callable[..., Any]) -> Any:
    """A kernel: a function in machine code, compiled for the types of its arguments at its first call.

    Its machine code is cached where Python calls it.
    """
    from_python = kernel(function, forceinline=False)
    if cache_folder() is not None:
        from_python._cache = KernelCache(function)
    return from_python


def inlined(function: Callable[..., Any]) -> Any:
    """A kernel whose code takes the place of each call. It is not cached where Python calls it."""
    return kernel(function, forceinline=True)


def kernel(function: Callable[..., Any], forceinline: bool) -> Any:
    """What compiles a function, one way for Python and another way for kernels that call it."""
    from_python = numba.njit(function, **OPTIONS)
    part = numba.njit(
        function,
        pipeline_class=PartCompiler,
        no_cpython_wrapper=True,
        forceinline=forceinline,
        **OPTIONS,
    )

    def add_overload(result: Any) -> None:
        part.overloads[tuple(result.signature.args)] = result
        part.targetctx.insert_user_function(result.library, result.fndesc, [result.library])

    def get_call_template(args: Any, kws: Any) -> Any:
        """One machine code for all numbers: Numba would compile a kernel anew for each 0 that it is given."""
        named = {name: types.unliteral(each) for name, each in kws.items()}
        return part.get_call_template(tuple(map(types.unliteral, args)), named)

    part.add_overload = add_overload
    from_python.get_call_template = get_call_template
    from_python.get_overload = lambda arguments: part.overloads[tuple(arguments)].library
    return from_python
