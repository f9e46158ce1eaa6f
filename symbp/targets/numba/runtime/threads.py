"""The number of BLAS threads while a kernel runs: one for small products.

OpenBLAS's threads wait for each other in a loop. On an idle machine a second one helps products
from some millions of multiplications on; on a busy one it can make a step ten times as slow. So
small products get one thread, large ones what BLAS is set to, and the setting is put back.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import binding
from numba import types

from symbp.targets.numba.runtime.cache import always_njit
from symbp.targets.numba.runtime.openblas import openblas_function


def thread_function(name: str, prototype: Any, otherwise: Callable[..., Any]) -> Any:
    """Return a function of OpenBLAS's thread settings; without OpenBLAS, one that does nothing."""
    return openblas_function(name, prototype) or prototype(otherwise)


# Kept here because machine code holds their addresses.
THREAD_FUNCTIONS = {
    "symbp_blas_get_threads": thread_function(
        "get_num_threads", ctypes.CFUNCTYPE(ctypes.c_int), lambda: 1
    ),
    "symbp_blas_set_threads": thread_function(
        "set_num_threads", ctypes.CFUNCTYPE(None, ctypes.c_int), lambda count: None
    ),
}
for symbol, function in THREAD_FUNCTIONS.items():
    binding.add_symbol(symbol, ctypes.cast(function, ctypes.c_void_p).value)

get_threads = types.ExternalFunction("symbp_blas_get_threads", types.int32())
set_threads = types.ExternalFunction("symbp_blas_set_threads", types.void(types.int32))
# Multiplications of a product: about half a millisecond in one thread.
LARGE_PRODUCT = 32_000_000


@always_njit()
def limit_threads(multiplications: int) -> int:
    """Use one thread for products of this size or smaller; return the setting to put back.

    Zero says that nothing was changed. Two kernels at once may each see the other's limit; then
    one of them runs in fewer or more threads, and the setting still comes back.
    """
    threads = get_threads()
    if threads > 1 and multiplications < LARGE_PRODUCT:
        set_threads(types.int32(1))
        return int(threads)
    return 0


@always_njit()
def blas_threads() -> int:
    """Return how many threads a product of BLAS has now."""
    return int(get_threads())


@always_njit()
def restore_threads(threads: int) -> None:
    """Put back what `limit_threads` returned."""
    if threads > 0:
        set_threads(threads)
