"""runtime_names: the functions that kernels may call, read off the files that define them."""

import re
from functools import cache

from symbp.targets.numba.functions import FUNCTIONS
from symbp.targets.numba.paste import functions_of, names_used

__all__ = ["called_functions", "files_of", "reserved_names"]

# Without the files that are the same in every module; of the vector maths, either precision's.
_FILES = (
    "views.py", "sums.py", "gather.py", "tiles.py", "tile_blocks.py", "blas.py", "threads.py",
    "team.py", "vector_maths_float64.py", "activations_float64.py", "trigonometry_float64.py",
    "special_functions_float64.py", "random_float64.py",
)  # fmt: skip


# A name and a bracket; not a method's, and not where a function is defined.
_CALLS = re.compile(r"(?<!def )(?<![\w.])(\w+)\(")


@cache
def files_of() -> dict[str, str]:
    """Return the file of each function that a kernel may call."""
    return {name: file for file in _FILES for name in functions_of(file)}


@cache
def reserved_names() -> frozenset[str]:
    """Return what the texts of kernels mean something else by than a tensor or an index."""
    templates = [code.format("real", "real") for code in FUNCTIONS.values()]
    used = set().union(*(names_used(template) for template in templates))
    return frozenset({*files_of(), *used, "np", "real"})


def called_functions(text: str) -> frozenset[str]:
    """Return the functions of the runtime that a text calls.

    Parameters
    ----------
    text : str
        Statements, in which no variable has the name of such a function; a comment has a line of
        its own.
    """
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return frozenset(files_of().keys() & _CALLS.findall(code))
