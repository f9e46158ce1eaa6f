"""Printed kernels, compiled with the runtime's functions and run on arrays."""

import ast
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numba import njit

from symbp.loops.nodes import Function
from symbp.targets.numba.kernel import Kernel
from symbp.targets.numba.printer import kernel
from symbp.targets.numba.runtime.hosting import hosted
from symbp.targets.numba.runtime_names import files_of

OPTIONS: dict[str, Any] = {
    "nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "no_cfunc_wrapper": True,
}  # fmt: skip


def compiled(printed: Kernel, dtype: str = "float64", emitted: bool = False) -> Callable[..., Any]:
    """Return a kernel as a function, by Numba's front end or by the project's own."""

    def decorate(function: Any) -> Any:
        if emitted:
            (tree,) = ast.parse(printed.text).body
            assert isinstance(tree, ast.FunctionDef)
            function = hosted(function, tree)
        return njit(**OPTIONS)(function)

    namespace: dict[str, Any] = {
        "np": np,
        "real": np.dtype(dtype).type,
        "_compiled": decorate,
    }
    for name in printed.calls:
        file = Path(files_of()[name]).stem.replace("float64", dtype)
        namespace[name] = getattr(import_module(f"symbp.targets.numba.runtime.{file}"), name)
    defined = set(namespace)
    exec(compile(printed.text, "<kernel>", "exec"), namespace)
    (function,) = (value for name, value in namespace.items() if name.startswith("_kernel"))
    assert defined | {"_kernel", "__builtins__"} == set(namespace)
    return function


def run_printed(
    function: Function,
    arrays: Mapping[str, Any],
    sizes: Mapping[str, int] | None = None,
    members: int = 1,
    dtype: str = "float64",
    emitted: bool = False,
) -> float | None:
    """Run a loop program as printed and compiled: what ``interpret`` does, with its arguments."""
    printed = kernel(function, "_kernel")
    run = compiled(printed, dtype, emitted)
    given = [arrays[argument.array.name] for argument in function.arguments]
    told = {extent for argument in function.arguments for extent in argument.array.shape}
    given += [(sizes or {})[size.name] for size in function.sizes if size not in told]
    if not function.team:
        return run(*given)
    rows = (sizes or {}).get("batch_size") or len(given[-1])
    words = [each * rows + besides + 8 for each, besides in printed.buffers]
    offsets = np.cumsum([0, *words])
    memory, team = np.full(offsets[-1] + 1, np.nan, dtype), np.zeros(1, np.int64)
    returned: dict[int, Any] = {}

    def member(number: int) -> None:
        returned[number] = run(*given, memory, offsets, team, number, members)

    threads = [Thread(target=member, args=(number,)) for number in range(members)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({repr(value) for value in returned.values()}) == 1
    return returned[0]
