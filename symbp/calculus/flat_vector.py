"""flat_vector: several tensors as one vector, their elements one after another.

The vector of all parameters has the elements of the first, row after row, then those of the
second; element ``W[j, k]`` of a matrix with K columns stands at ``offset + K j + k``. That place is
an affine subscript, so a basis of directions, and the gathering of results, are equations.
"""

from collections.abc import Sequence

import sympy
from sympy.core.expr import Expr

from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import where
from symbp.notation.index import Extent, Index
from symbp.notation.tensor import Tensor

__all__ = ["basis", "gathered", "length"]


def length(tensors: Sequence[Tensor]) -> int:
    """Return how many elements the vector of some tensors has.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of shapes known when they are declared.
    """
    return sum(_product(tensor.shape, tensor) for tensor in tensors)


def basis(tensors: Sequence[Tensor], direction: Index) -> list[Equation]:
    """Return the equations that let tensors be all unit vectors of their common flat vector.

    Parameters
    ----------
    tensors : sequence of Tensor
        Their last axis counts the unit vectors.
    direction : Index
        Which unit vector.

    Examples
    --------
    >>> import symbp as bp
    >>> j, k, r = bp.indices("j k r", 2, 3, 8)
    >>> for equation in basis([bp.tensor("W", j, k, r), bp.tensor("b", j, r)], r):
    ...     print(equation)
    W[j, k, r] = where(Eq(r, 3*j + k), 1, 0)
    b[j, r] = where(Eq(r, j + 6), 1, 0)
    """
    equations = []
    offset = 0
    for tensor in tensors:
        own = tuple(index.fresh() for index in tensor.indices[:-1])
        unit = where(sympy.Eq(direction, _place(own, offset)), 1, 0)
        equations.append(Equation(tensor[(*own, direction)], unit, origin=Origin("basis")))
        offset += _product(tensor.shape[:-1], tensor)
    return equations


def gathered(
    target: Tensor, parts: Sequence[Tensor], others: Sequence[Index], axis: int
) -> list[Equation]:
    """Return the equations that put tensors one after another along an axis of the target.

    Parameters
    ----------
    target : Tensor
        Has one axis for the flat vector, and `others`.
    parts : sequence of Tensor
        Each has its own axes and, before or after them as in the target, those of `others` on
        which it depends.
    others : sequence of Index
        The other axes of the target, in its order.
    axis : int
        Which axis of the target is that of the flat vector.

    Examples
    --------
    >>> import symbp as bp
    >>> n, j, k, r = bp.indices("n j k r", "N", 2, 3, 8)
    >>> J, W, b = bp.tensor("J", n, r), bp.tensor("W", n, j, k), bp.tensor("b", j)
    >>> for equation in gathered(J, [W, b], [n], 1):
    ...     print(equation)
    J[n, 3*j + k] = W[n, j, k]
    J[n, j + 6] += b[j]
    """
    equations: list[Equation] = []
    offset = 0
    for part in parts:
        places = [index if index in others else index.fresh() for index in part.indices]
        own = [index for index in places if index not in others]
        subscripts: list[Expr] = list(others)
        subscripts.insert(axis, _place(own, offset))
        equations.append(
            Equation(
                target[tuple(subscripts)],
                part[tuple(places)],
                accumulate=bool(equations),
                origin=Origin("gathered"),
            )
        )
        offset += _product([index.extent for index in own], part)
    return equations


def _place(own: Sequence[Index], offset: int) -> Expr:
    place: Expr = sympy.S.Zero
    for index in own:
        place = place * index.extent + index
    return sympy.expand(place) + offset


def _product(extents: Sequence[Extent], tensor: Tensor) -> int:
    size = 1
    for extent in extents:
        if not isinstance(extent, int):
            raise UnsupportedError(
                f"{tensor.name}: expected a known number of elements, not {extent}"
            )
        size *= extent
    return size
