"""threads: the choice of BLAS's threads around a function that calls BLAS."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from symbp.calculus.contract import typical_size
from symbp.loops.nodes import Product

__all__ = ["with_threads"]


def with_threads(
    lines: Sequence[str], start: int, products: Sequence[Product], names: Mapping[Any, str]
) -> list[str]:
    """Return a function's lines with the threads of BLAS limited by its largest product.

    Parameters
    ----------
    lines : sequence of str
        The last one returns.
    start : int
        Where every size of the function is known.
    products : sequence of Product
        All of the function.
    names : mapping
        What sizes are called.
    """
    extents = [
        [span.index.extent for span in product.spans]
        for product in products
        if product.routine == "blas"
    ]
    if not extents:
        return list(lines)
    largest = max(extents, key=typical_size)
    number = math.prod(extent for extent in largest if isinstance(extent, int))
    sizes = [names[extent] for extent in largest if isinstance(extent, sympy.Symbol)]
    call = f"threads = limit_threads({' * '.join([*sizes, str(number)])})"
    return [*lines[:start], call, *lines[start:-1], "restore_threads(threads)", lines[-1]]
