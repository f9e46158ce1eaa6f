"""Numba without `scipy.linalg`, for modules that call no BLAS.

Numba imports `scipy.linalg.cython_blas` when it compiles or loads its first function, only to see
that it exists. That takes 0.1 s, and loads OpenBLAS with the kernels that it chooses by itself,
before a module that calls it can ask for better ones.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys


def start_without_scipy() -> None:
    """Bring forward Numba's look for SciPy's BLAS, and let it find an empty module.

    Functions of Numba that do call BLAS import it again when they are compiled, and find SciPy's.
    """
    name = "scipy.linalg.cython_blas"
    if name in sys.modules or importlib.util.find_spec("scipy") is None:
        return
    sys.modules[name] = type(sys)(name)
    try:
        importlib.import_module("numba.np.arraymath")
    except ImportError:  # another Numba may be laid out in another way
        pass
    finally:
        del sys.modules[name]


start_without_scipy()
