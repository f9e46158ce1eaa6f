"""Which index a reduction may bind, in the equations that users write.

What is refused here has a meaning, but never the one that is meant: a sum over an index that its
body does not hold, a product of matrices that is summed over its rows too, two indices of one name
where one was meant. Passes may build such sums.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import sympy
from sympy.core.relational import Relational

from symbp.notation.errors import NotationError
from symbp.notation.index import Index
from symbp.notation.numpy_operands import short
from symbp.notation.reductions import REDUCTIONS, Reduction, Sum
from symbp.notation.tensor import Element, Tensor

__all__ = ["check_scopes"]


def check_scopes(lhs: Element, body: Any, reduce: tuple[Index, ...], operation: str) -> None:
    """Raise :class:`NotationError` where a reduction binds what it cannot be meant to bind.

    Parameters
    ----------
    lhs : Element
        What is defined, with distinct plain indices.
    body : SymPy expression
        The right-hand side.
    reduce : tuple of Index
        What the equation itself reduces over.
    operation : str
        How.
    """
    if reduce:
        body = REDUCTIONS[operation](body, *reduce)
    for reduction in _outermost(body):
        _visit(lhs, reduction, body)


def _outermost(node: Any) -> Iterator[Reduction]:
    if isinstance(node, Reduction):
        yield node
        return
    for argument in node.args:
        yield from _outermost(argument)


def _visit(lhs: Element, reduction: Reduction, whole: Any) -> None:
    bound, inner = _flattened(reduction)
    for part in (reduction, *_inside(reduction, inner)):
        _check_unused(lhs, part)
    _check_names(lhs, reduction, bound, inner)
    _check_left(lhs, reduction, bound, inner, whole)
    for nested in _outermost(inner):
        _visit(lhs, nested, whole)


def _flattened(reduction: Reduction) -> tuple[tuple[Index, ...], Any]:
    """Return what a reduction directly of reductions of its kind binds in all, and their body."""
    bound, body = reduction.bound, reduction.body
    while type(body) is type(reduction):
        bound, body = (*bound, *body.bound), body.body
    return bound, body


def _inside(reduction: Reduction, inner: Any) -> Iterator[Reduction]:
    body = reduction.body
    while body is not inner:
        yield body
        body = body.body


def _check_unused(lhs: Element, reduction: Reduction) -> None:
    if not reduction.body.atoms(Element, Tensor, Index):
        return  # a count: Sum(1, k)
    for index in reduction.bound:
        # Another reduction may bind it inside; and who makes a fresh copy means another index.
        if any(other.origin == index.origin for other in reduction.body.atoms(Index)):
            continue
        twin = _named(index.name, reduction.body.free_symbols)
        times = index.extent if isinstance(index.extent, int) else f"{index}.extent"
        advice = f"the {twin} in it is another index of that name" if twin else f"leave {index} out"
        if twin is None and isinstance(reduction, Sum):
            advice += f"; the sum would be {times}*({short(reduction.body)})"
        raise NotationError(
            f"{lhs}: {short(reduction)} runs over {index}, which does not stand in "
            f"{short(reduction.body)}: {advice}"
        )


def _check_names(lhs: Element, reduction: Reduction, bound: tuple[Index, ...], inner: Any) -> None:
    """Refuse two indices of one name, unless it is plain that two are meant.

    One is a fresh copy of the other, or something has both: an element W[j, j'], or j < j'.
    """
    there = _indices(inner)
    places = inner.atoms(Element, Relational)
    for index in bound:
        for twin in there:
            if twin.name != index.name or twin.origin == index.origin:
                continue
            if any({index, twin} <= place.free_symbols for place in places):
                continue
            raise NotationError(
                f"{lhs}: two different indices are called {index} in {short(reduction)}: make "
                f"the index once and use it in both places, or give the two two names"
            )


def _check_left(
    lhs: Element, reduction: Reduction, bound: tuple[Index, ...], inner: Any, whole: Any
) -> None:
    """Refuse to sum an index of the left away.

    ``exp(z[n, j])/Sum(exp(z[n, j]), j)`` and ``x[n, j] - Mean(x[n, j], n, j)`` are meant: the sum
    is over all j, and the j of the left stands outside of it. It is a mistake where nothing
    outside holds j, and where the same sum is a product of matrices, over an index that is not on
    the left, unless what is summed stands outside with that j, too.
    """
    left = [index for index in lhs.args if isinstance(index, Index)]
    names = {index.name: index for index in left}
    inside = set(_indices(inner))
    for index in bound:
        twin = names.get(index.name)
        if twin is None or (twin is not index and twin in inside):
            continue
        if index is twin and twin not in whole.free_symbols:
            raise _summed_away(lhs, reduction, index)
        contracts = any(other.name not in names for other in bound)
        if contracts and not _stands_outside(index, twin, inner, whole):
            raise _summed_away(lhs, reduction, index, other=index is not twin)


def _stands_outside(index: Index, twin: Index, inner: Any, whole: Any) -> bool:
    """Whether a tensor that is summed over an index stands outside with that of the left."""
    places = {
        (element.tensor, axis)
        for element in inner.atoms(Element)
        for axis, subscript in enumerate(element.args)
        if index in subscript.free_symbols
    }
    return any(
        (element.tensor, axis) in places and twin in subscript.free_symbols
        for element in _free_elements(whole, twin)
        for axis, subscript in enumerate(element.args)
    )


def _free_elements(node: Any, index: Index) -> Iterator[Element]:
    """Yield the elements in which an index is not bound by a reduction around them."""
    if isinstance(node, Element):
        yield node
    elif not (isinstance(node, Reduction) and index in node.bound):
        for argument in node.args:
            yield from _free_elements(argument, index)


def _summed_away(
    lhs: Element, reduction: Reduction, index: Index, other: bool = False
) -> NotationError:
    what = f"another index called {index} than that on the left" if other else f"{index}"
    also = "" if other else ", which stands on the left"
    return NotationError(
        f"{lhs}: {short(reduction)} runs over {what}{also}, so it is the same for every {index}: "
        f"leave {index} out of it, or off the left; if it is meant to run over all, give it an "
        f"index of its own, such as i = bp.Index('i', {_extent(index)})"
    )


def _extent(index: Index) -> str:
    return repr(index.extent if isinstance(index.extent, int) else str(index.extent))


def _indices(node: Any) -> list[Index]:
    found: Iterable[Any] = node.free_symbols
    return sorted((s for s in found if isinstance(s, Index)), key=lambda s: s.dummy_index)


def _named(name: str, symbols: Iterable[sympy.Symbol]) -> Index | None:
    return next((s for s in symbols if isinstance(s, Index) and s.name == name), None)
