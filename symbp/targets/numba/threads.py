"""threads: the choice of BLAS's threads around a function that calls BLAS."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from symbp.calculus.contract import typical_size
from symbp.loops.nodes import Function, Let, Product
from symbp.targets.numba.names import Names

__all__ = ["with_threads"]


def with_threads(
    lines: Sequence[str], start: int, function: Function, sizes: Mapping[Any, str], names: Names
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
    sizes : mapping
        What its sizes are called.
    names : Names
        The identifiers.
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
    factors = [sizes[most.get(extent, extent)] for extent in largest if not isinstance(extent, int)]
    name = names.unique("threads")
    call = f"{name} = limit_threads({' * '.join([*factors, str(number)])})"
    end = len(lines) - lines[-1].startswith("return")
    return [*lines[:start], call, *lines[start:end], f"restore_threads({name})", *lines[end:]]


def _most(function: Function) -> dict[sympy.Symbol, sympy.Symbol]:
    """Return what a size that is set in a loop, such as the rows of a batch, is at most."""
    return {
        statement.symbol: size
        for statement in function.statements
        if isinstance(statement, Let) and isinstance(statement.value, sympy.Min)
        for size in statement.value.args
        if size in function.sizes
    }
