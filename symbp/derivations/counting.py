"""counting: from where places are counted in what is printed, 1 as in books or 0 as in programs.

A printer asks :func:`first_place`; who prints a whole page says it once with :func:`counted_from`,
so that all on a page is counted alike: subscripts, entries, conditions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import sympy
from sympy.core.expr import Expr

from symbp.notation.errors import SymbpError
from symbp.notation.index import Index
from symbp.notation.tensor import Element

__all__ = ["checked_first", "counted_from", "first_place", "place", "relation_of_places"]

_FIRST: ContextVar[int] = ContextVar("first place", default=1)


def first_place() -> int:
    """Return what the first place of an axis is called: 1 or 0."""
    return _FIRST.get()


@contextmanager
def counted_from(first: int | None) -> Iterator[None]:
    """Print with places counted from 1 or 0; None changes nothing."""
    token = _FIRST.set(_FIRST.get() if first is None else first)
    try:
        yield
    finally:
        _FIRST.reset(token)


def checked_first(value: object) -> int:
    """Return 0 or 1; raise :class:`SymbpError` for anything else."""
    if value is True or value is False or value not in (0, 1):
        raise SymbpError(f"count_from={value!r}: expected 1, as in books, or 0, as in programs")
    return 1 if value == 1 else 0


def place(subscript: Expr) -> Expr:
    """Return a subscript in indices that are counted as places are.

    ``i + p``, which counts from 0, is ``i + p - 1`` where i and p count from 1. An index, or an
    element of given numbers, that is a subscript by itself is called what it is called.
    """
    if isinstance(subscript, (Index, Element)) or not first_place():
        return subscript
    shifted: Expr = sympy.expand(_in_values(subscript)) + first_place()
    return shifted


def relation_of_places(left: Expr, right: Expr, named: bool) -> tuple[Expr, Expr] | None:
    """Return both sides of a comparison of places; the numbers stand on the right.

    None where other things than places are compared. With ``named`` an element of given numbers
    names a place, as in ``k = y_n``; else it is a number, as in ``t ≤ length_n``.
    """
    if not (_is_place(left) and _is_place(right) and (left.has(Index) or right.has(Index))):
        return None
    plain = (Index, Element)
    if not first_place() or (named and isinstance(left, plain) and isinstance(right, plain)):
        return left, right
    number, rest = sympy.expand(_in_values(left)).as_coeff_Add()
    if rest == 0:  # 0 = t - 1, the place on the right
        number, rest = sympy.expand(_in_values(right)).as_coeff_Add()
        return sympy.expand(_in_values(left)) - number, rest
    return rest, sympy.expand(_in_values(right)) - number


def _is_place(node: Expr) -> bool:
    if isinstance(node, Element):
        return node.tensor.kind == "integer"
    if isinstance(node, (sympy.Add, sympy.Mul, sympy.Mod, sympy.floor)):
        return all(map(_is_place, node.args))
    return isinstance(node, Index) or node.is_number or node.is_Symbol


def _in_values(node: Expr) -> Expr:
    """Return an expression in which each index stands for the place it names, less the first."""
    if isinstance(node, Element):
        return node
    if isinstance(node, Index):
        return sympy.Add(node, -first_place())
    if not node.args:
        return node
    return node.func(*map(_in_values, node.args))
