"""What SciPy's OpenBLAS runs on: its kernel family and its number of threads.

The wheels of SciPy bring a private OpenBLAS under prefixed names; it is found next to the package
and asked through ctypes. Other builds of SciPy have other BLAS libraries: the answer is then None.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import scipy


def openblas_library() -> ctypes.CDLL | None:
    """Return SciPy's own OpenBLAS, or None where SciPy was built with another library."""
    package = Path(scipy.__file__).parent
    folders = (package.parent / "scipy.libs", package / ".dylibs")
    for path in (path for folder in folders for path in sorted(folder.glob("*openblas*"))):
        try:
            return ctypes.CDLL(str(path))
        except OSError:  # a library for another platform, or a broken installation
            continue
    return None


def openblas_function(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of OpenBLAS's own interface, such as `get_num_threads`, or None."""
    library = openblas_library()
    for prefix in ("scipy_openblas_", "openblas_"):
        if library is not None and hasattr(library, prefix + name):
            function: ctypes._NamedFuncPointer = getattr(library, prefix + name)
            return function
    return None


def kernel_family() -> str | None:
    """Return the processor that the kernels were written for, for example 'SkylakeX'."""
    function = openblas_function("get_corename")
    if function is None:
        return None
    function.restype = ctypes.c_char_p
    return str(function().decode())


def number_of_threads() -> int | None:
    """Return the largest number of threads that one BLAS call may use."""
    function = openblas_function("get_num_threads")
    return None if function is None else int(function())


def set_number_of_threads(count: int) -> bool:
    """Limit BLAS calls to `count` threads for the whole process; return whether that was possible.

    OpenBLAS runs small products in one thread by itself, so a limit is seldom needed: where several
    processes or threads train at the same time, give each one.
    """
    if count < 1:
        raise ValueError(f"count: expected at least 1 thread, got {count}")
    function = openblas_function("set_num_threads")
    if function is None:
        return False
    function.argtypes, function.restype = [ctypes.c_int], None
    function(count)
    return True
