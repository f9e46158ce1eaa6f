"""Subscripts in the wrong order: found by their extents."""

import itertools

from symbp.notation.index import Index
from symbp.notation.tensor import Element

__all__ = ["swapped"]

# With more axes there are too many orders to try, and to read.
_MOST = 5


def swapped(element: Element) -> str:
    """Return a question for an element whose subscripts would fit in another order, else ``""``.

    Examples
    --------
    >>> import symbp as bp
    >>> j, k = bp.indices("j k", 3, 4)
    >>> swapped(bp.parameter("W", j, k)[k, j])
    ': swapped? write W[j, k]'
    """
    shape = element.tensor.shape
    if len(shape) > _MOST or not all(isinstance(index, Index) for index in element.args):
        return ""
    for order in itertools.permutations(element.args):
        if all(index.extent == extent for index, extent in zip(order, shape, strict=True)):
            return f": swapped? write {element.tensor[order]}"
    return ""
