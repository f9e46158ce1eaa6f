"""threads: the choice of BLAS's threads around a function that calls BLAS."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from symbp.calculus.contract import typical_size
from symbp.loops.nodes import Function, Let, Product

__all__ = ["with_threads"]


def with_threads(
    lines: Sequence[str], start: int, function: Function, names: Mapping[Any, str]
) -> list[str]:
    """Return a function's lines with the threads of BLAS limited by its largest product.

    Parameters
    ----------
    lines : sequence of str
        The last one may return.
    start : int
        Where every size of the function is known.
    function : Function
        Which is printed.
    names : mapping
        What its sizes are called.
    """
    extents = [
        [span.index.extent for span in product.spans]
        for product in function.statements
        if isinstance(product, Product) and product.routine == "blas"
    ]
    if not extents:
        return list(lines)
    largest = max(extents, key=typical_size)
    number = math.prod(extent for extent in largest if isinstance(extent, int))
    most = _most(function)
    sizes = [names[most.get(extent, extent)] for extent in largest if not isinstance(extent, int)]
    call = f"threads = limit_threads({' * '.join([*sizes, str(number)])})"
    end = len(lines) - lines[-1].startswith("return")
    return [*lines[:start], call, *lines[start:end], "restore_threads(threads)", *lines[end:]]


def _most(function: Function) -> dict[sympy.Symbol, sympy.Symbol]:
    """Return what a size that is set in a loop, such as the rows of a batch, is at most."""
    return {
        statement.symbol: size
        for statement in function.statements
        if isinstance(statement, Let) and isinstance(statement.value, sympy.Min)
        for size in statement.value.args
        if size in function.sizes
    }
