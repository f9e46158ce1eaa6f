"""SciPy's BLAS, loaded with the kernels that suit the processor, and what OpenBLAS says of itself.

OpenBLAS chooses its kernels once, when it is loaded, by the processor's model; one that it does not
know gets those of an old one. The features tell better. A setting in the environment is the user's
and stays. Other BLAS libraries than OpenBLAS are left alone: questions are then answered by None.
"""

from __future__ import annotations

import ctypes
import functools
import glob
import importlib
import importlib.util
import os
import sys
import warnings
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from typing import Any

import scipy
from llvmlite import binding

KERNELS_VARIABLE = "OPENBLAS_CORETYPE"
# Processors, as LLVM names them, that OpenBLAS has long known and may have kernels of their own
# for; these are no slower than the ones chosen by features.
OWN_KERNELS = frozenset({"bdver4", "znver1", "znver2", "znver3", "cooperlake", "sapphirerapids"})
# Families that do without AVX2, and without AVX-512. A name that is not here is a newer one.
WITHOUT_AVX2 = frozenset(
    [
        "generic",
        "katmai",
        "coppermine",
        "northwood",
        "prescott",
        "banias",
        "atom",
        "core2",
        "penryn",
        "dunnington",
        "nehalem",
        "athlon",
        "opteron",
        "opteron_sse3",
        "barcelona",
        "nano",
        "sandybridge",
        "bobcat",
        "bulldozer",
        "piledriver",
        "steamroller",
    ]
)
WITHOUT_AVX512 = WITHOUT_AVX2 | {"haswell", "zen", "excavator"}


def widest_kernels() -> str | None:
    """Return the kernel family for the processor's widest vectors; None without AVX2.

    On one core of a Zen 4, OpenBLAS 0.3.30, times of Haswell / SkylakeX for what is left to BLAS:
    products with up to 4 columns 2.1 to 4.1, large products 0.9 to 1.05; on a Zen 5 with full-width
    AVX-512 large products, too, take half the time. Nehalem / SkylakeX: 1.2 to 8.
    """
    features = binding.get_host_cpu_features()
    if all(features.get(f"avx512{part}") for part in ("f", "cd", "bw", "dq", "vl")):
        return "SkylakeX"
    return "Haswell" if features.get("avx2") and features.get("fma") else None


def kernels_to_request() -> str | None:
    """Return the kernel family to ask OpenBLAS for when it is loaded; None leaves it the choice."""
    if KERNELS_VARIABLE in os.environ or binding.get_host_cpu_name() in OWN_KERNELS:
        return None
    return widest_kernels()


def better_kernels(family: str) -> str | None:
    """Return the family that has wider vectors than this one, and suits the processor, if any."""
    widest = widest_kernels()
    slower = {"SkylakeX": WITHOUT_AVX512, "Haswell": WITHOUT_AVX2}.get(widest or "", frozenset())
    return widest if family.lower() in slower else None


@functools.cache
def load_cython_blas() -> Any:
    """Return the module `scipy.linalg.cython_blas`.

    The package `scipy.linalg` takes 0.1 s to import and is not needed: the extension module is
    loaded alone (2 ms). Numba imports it too, when it compiles or loads its first function, only to
    see that it exists; that is brought forward, to find it in `sys.modules`. It is then taken out
    again, so that a later import of `scipy.linalg` proceeds as usual; it gets the same module.
    """
    name = "scipy.linalg.cython_blas"
    if name in sys.modules or "scipy.linalg" in sys.modules:
        return importlib.import_module(name)
    kernels = kernels_to_request()
    if kernels:
        os.environ[KERNELS_VARIABLE] = kernels  # OpenBLAS reads it once, when it is loaded
    try:
        folder = os.path.join(os.path.dirname(scipy.__file__), "linalg")
        finder = FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES))
        specification = finder.find_spec("cython_blas")
        module = importlib.util.module_from_spec(specification)  # type: ignore[arg-type]
        specification.loader.exec_module(module)  # type: ignore[union-attr]
        module.__pyx_capi__["dgemm"]
        sys.modules[name] = module
        importlib.import_module("numba.np.arraymath")
        del sys.modules[name]
    except Exception:  # another SciPy or Numba may be laid out in another way
        sys.modules.pop(name, None)
        return importlib.import_module(name)
    finally:
        if kernels:
            del os.environ[KERNELS_VARIABLE]
    return module


def openblas_function(name: str, prototype: Any) -> Any:
    """Return a function of OpenBLAS's own interface, such as `get_num_threads`, or None."""
    # Found through SciPy's extension, which is linked to the library wherever that lies; Windows
    # does not look beyond the file, but there the library can only be the one in the wheel.
    files = [load_cython_blas().__file__]
    if os.name == "nt":
        folder = os.path.join(os.path.dirname(os.path.dirname(scipy.__file__)), "scipy.libs")
        files = sorted(glob.glob(os.path.join(folder, "*openblas*")))
    for library in map(ctypes.CDLL, files):
        for prefix in ("scipy_openblas_", "openblas_"):
            for suffix in ("", "64_"):
                if hasattr(library, prefix + name + suffix):
                    return ctypes.cast(getattr(library, prefix + name + suffix), prototype)
    return None


def openblas_text(name: str) -> str:
    """Return what OpenBLAS says of itself: `get_corename` or `get_config`; '' without OpenBLAS."""
    function = openblas_function(name, ctypes.CFUNCTYPE(ctypes.c_char_p))
    return "" if function is None else (function() or b"").decode(errors="replace")


def kernel_family() -> str | None:
    """Return the processor that the kernels in use were written for, for example 'SkylakeX'."""
    return openblas_text("get_corename") or None


def chooses_kernels() -> bool:
    """Return whether the library has kernels to choose from, not those of one processor only."""
    return "DYNAMIC_ARCH" in openblas_text("get_config").split()


def warn_of_slow_kernels() -> None:
    """Say so if OpenBLAS runs kernels that are slow for this processor, unless the user chose."""
    family = kernel_family()
    if KERNELS_VARIABLE in os.environ or family is None or not chooses_kernels():
        return
    better = better_kernels(family)
    if better is not None:
        # Whoever loaded SciPy's or a shared OpenBLAS first left it the choice.
        earlier = ", or import this module before SciPy" if "scipy.linalg" in sys.modules else ""
        warnings.warn(
            f"OpenBLAS was loaded with its {family} kernels; those of {better} suit this processor "
            f"and are faster: set {KERNELS_VARIABLE}={better} in the environment before Python "
            f"starts{earlier}",
            RuntimeWarning,
            stacklevel=4,  # whoever imports the module
        )
