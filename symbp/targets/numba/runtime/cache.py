"""Compilation of the kernels, and the cache of their machine code.

Numba keeps machine code in files, so that the next process need not compile. Where no file can be
written a kernel is compiled all the same, and one line says so; a file that was damaged is replaced
instead of failing in each later process.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from numba import njit
from numba.core import caching, config
from numba.core.compiler_lock import global_compiler_lock

# At the end of a file, before its checksum. What unpickles the file stops before it.
SEAL = b"symbp-sha256"
# A product and a sum may be rounded at once; nothing else departs from what is written. No kernel
# is called from C.
OPTIONS: Any = {
    "nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "no_cfunc_wrapper": True,
}  # fmt: skip
# What was said already: it concerns all kernels.
SAID: set[str] = set()


def say(message: str) -> None:
    """Warn of something once, in one line."""
    if message not in SAID:
        SAID.add(message)
        # Line 0, as no line of this file is to blame, and none is printed below the message. Text
        # that is executed without having been a file has no name.
        warnings.warn_explicit(message, RuntimeWarning, globals().get("__file__", "<text>"), 0)


def checksum(content: bytes) -> bytes:
    """Return what stands at the end of a file with this content."""
    return SEAL + hashlib.sha256(content).digest()


def check_seal(path: str) -> None:
    """Raise a ValueError if a file has a checksum that is not that of its content."""
    if not os.path.exists(path):
        return
    with open(path, "rb") as file:
        content, length = file.read(), len(checksum(b""))
    # Without one, what is left of the file cannot be unpickled.
    if content[-length:].startswith(SEAL) and content[-length:] != checksum(content[:-length]):
        raise ValueError(f"{path}: its checksum differs")


def stamp_of(path: str) -> str | None:
    """Return what tells one text of a file from another, whenever it was written."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:  # it is in an archive, or was never in a file
        return None


class SealedFiles(caching.IndexDataCacheFile):
    """The files of a kernel; damaged machine code would end the process, not in an exception."""

    @contextlib.contextmanager
    def _open_for_write(self, path: str) -> Iterator[io.BytesIO]:
        with super()._open_for_write(path) as file:
            yield (content := io.BytesIO())
            file.write(content.getvalue() + checksum(content.getvalue()))

    def _load_index(self) -> Any:
        check_seal(self._index_path)
        return super()._load_index()

    def _load_data(self, name: str) -> Any:
        check_seal(self._data_path(name))
        return super()._load_data(name)


class ReadOnly(caching.InTreeCacheLocator):
    """The folder beside the module, where no folder takes files: there may be some in it."""

    @classmethod
    def from_function(cls, function: Any, file: str) -> Any:
        """Return it for any function."""
        return cls(function, file)

    def ensure_cache_path(self) -> None:
        """Refuse to write."""
        raise OSError("no folder takes it")

    def get_source_stamp(self) -> Any:
        """Return what tells one state of the module's file from another."""
        try:
            return super().get_source_stamp()
        except OSError:  # it is in an archive, or was never in a file
            return None


class Places(caching.CompileResultCacheImpl):
    """Where Numba looks for a folder, and one more place."""

    _locator_classes = [*caching.CacheImpl._locator_classes, ReadOnly]  # noqa: RUF012


class KernelCache(caching.FunctionCache):
    """The cache of one kernel, which never stands in the way of compiling it."""

    _impl_class = Places

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self.module = function.__module__
        stamp = stamp_of(function.__code__.co_filename) or self._impl.locator.get_source_stamp()
        self._cache_file = self._files_in(self._cache_path, stamp)
        # Machine code that came with a module is used, also where new code would go elsewhere.
        self.folder = os.path.dirname(function.__code__.co_filename)
        beside = os.path.join(self.folder, "__pycache__")
        self._beside = None if beside == self._cache_path else self._files_in(beside, stamp)

    def _files_in(self, folder: str, stamp: Any) -> SealedFiles:
        return SealedFiles(folder, self._impl.filename_base, stamp)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the machine code for a signature, or None."""
        found = self._loaded(self._cache_file, self._cache_path, signature, context)
        if found is None and self._beside is not None:
            found = self._loaded(self._beside, None, signature, context)
        return found

    def _loaded(self, files: SealedFiles, folder: str | None, signature: Any, context: Any) -> Any:
        before = self._cache_file
        self._cache_file = files
        # Numba imports the module that it loads code for: it may have been loaded without a trace.
        name = self.module
        nameless = sys.modules.setdefault(name, stand_in := ModuleType(name)) is stand_in
        try:
            return super().load_overload(signature, context)
        except OSError:  # there are none, or none that may be read
            return None
        except Exception:  # a damaged file can fail anywhere in pickle
            if folder is not None:
                self._remove(folder)
            return None
        finally:
            self._cache_file = before
            if nameless:
                del sys.modules[name]

    def _remove(self, folder: str) -> None:
        """Remove the files, so that they are written anew; of many processes, one succeeds."""
        start = os.path.join(glob.escape(folder), glob.escape(self._impl.filename_base))
        say(
            f"{folder}: damaged files in Numba's cache, {self._impl.filename_base}.*: they are "
            f"removed and compiled anew"
        )
        for path in [*glob.glob(f"{start}.nbi"), *glob.glob(f"{start}.*.nbc")]:
            with contextlib.suppress(OSError):
                os.unlink(path)

    def save_overload(self, signature: Any, data: Any) -> None:
        """Keep the machine code for a signature, if that is possible."""
        try:
            super().save_overload(signature, data)
        except Exception as error:  # the machine code is there, whatever happens to its file
            reason = getattr(error, "strerror", None) or error
            say(
                f"{self.folder}: compiled code cannot be kept "
                f"({reason}), so that each start compiles anew; set NUMBA_CACHE_DIR to a folder "
                f"that can be written to"
            )


@contextlib.contextmanager
def existing_folder() -> Iterator[None]:
    """Leave a working folder that was removed for a while: Numba asks for its name."""
    try:
        os.getcwd()
    except OSError:
        removed = os.open(os.curdir, os.O_RDONLY)
        os.chdir(os.sep)
        try:
            yield
        finally:
            os.fchdir(removed)
            os.close(removed)
        return
    yield


@contextlib.contextmanager
def compilation() -> Iterator[None]:
    """Let Numba compile, also where NUMBA_DISABLE_JIT leaves functions to Python.

    Python cannot run those that are used here; the user's own are left as they were.
    """
    with global_compiler_lock, existing_folder():
        before, config.DISABLE_JIT = config.DISABLE_JIT, False
        try:
            yield
        finally:
            config.DISABLE_JIT = before


def always_njit(**options: Any) -> Callable[[Any], Any]:
    """Return Numba's decorator, at work also where it is switched off."""

    def decorate(function: Any) -> Any:
        with compilation():
            return njit(**options)(function)

    return decorate


def drop_annotations(names: dict[str, Any]) -> None:
    """Drop what tells the types of compiled functions: through it, Numba keeps them for ever."""
    for function in [*names.values(), *globals().values()]:
        overloads = getattr(function, "overloads", {}) if hasattr(function, "py_func") else {}
        for types, result in list(overloads.items()):
            if hasattr(result, "type_annotation"):
                overloads[types] = result._replace(type_annotation=None)


def compiled_kernel(function: Any) -> Any:
    """Return a kernel that is compiled, or loaded, when it is first called."""
    # Numba keeps code by this name, and needs the module that compiled it under that module's own
    # name: if one file has two names, each compiles its own.
    function.__qualname__ += f"@{function.__module__}"
    kernel = always_njit(**OPTIONS)(function)
    if not hasattr(kernel, "enable_caching"):
        return kernel  # another decorator stands in for Numba's
    compile_for = kernel._compile_for_args

    def compile_for_args(*arguments: Any, **named: Any) -> Any:
        with compilation():
            result = compile_for(*arguments, **named)
            drop_annotations(function.__globals__)
        return result

    kernel._compile_for_args = compile_for_args
    try:
        kernel._cache = KernelCache(function)
    except Exception as error:  # another Numba may keep its files in another way
        file = function.__code__.co_filename
        say(f"{file}: compiled code is not kept ({error}), each start compiles anew")
    return kernel
