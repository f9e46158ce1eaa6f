"""products: a loop nest that sums products of two arrays becomes a matrix product.

::

    for n: for j: total = 0                          Product(z[n, j], x[n, k], W[j, k],
                  for k: total += x[n, k] W[j, k]  ─►        rows n, columns j, summed k)
                  z[n, j] = total

Which contraction is a product, and over which indices it has to be repeated, is found by
:mod:`symbp.calculus.matrix_products` from the equation that the nest computes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy

from symbp.calculus.contract import split_scalars
from symbp.calculus.matrix_products import MatrixProduct, as_column_sum, as_product
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Assign,
    For,
    Function,
    Product,
    Span,
    Statement,
)
from symbp.loops.traverse import with_body
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Element

__all__ = ["products"]


def products(function: Function) -> Function:
    """Return an equivalent function with its contractions as products.

    Parameters
    ----------
    function : Function
        As it was built: each nest computes one equation.
    """
    return function.replace(body=_products(function.body, frozenset()))


def _products(body: Sequence[Statement], fixed: frozenset[Index]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in body:
        nest = _nest(statement)
        found = None
        if nest is not None:
            found = as_product(nest.equation, fixed)
            if found is None and not fixed:
                found = as_column_sum(nest.equation)
        if nest is None or found is None:
            if isinstance(statement, For):
                inner = _products(statement.body, fixed | {statement.index})
                statement = with_body(statement, inner)
            result.append(statement)
            continue
        adds = nest.adds
        partial = any(index in nest.equation.reduce for index in found.loops)
        if nest.fills and result and _is_fill(result[-1], nest.equation):
            # Each turn of a loop adds a part of the sum; else the product itself starts from 0.
            adds = partial
            if not partial:
                result.pop()
        elif partial and not adds:
            result.append(_fill(nest.target, found))
            adds = True
        result.append(_as_loops(found, nest.target, adds))
    return tuple(result)


@dataclass(frozen=True)
class _Nest:
    """A loop nest that computes one reduction of plain elements."""

    equation: Equation
    target: Element
    adds: bool
    """Whether the sum is added to what the target holds."""
    fills: bool
    """Whether a nest before it may have set the target to 0."""


def _nest(statement: Statement) -> _Nest | None:
    loops = set()
    body: Sequence[Statement] = (statement,)
    while len(body) == 1 and isinstance(body[0], For):
        if body[0].step != 1 or body[0].start != 0:
            return None
        loops.add(body[0].index)
        body = body[0].body
    if not loops:
        return None
    if len(body) == 1:
        (leaf,) = body
        if not isinstance(leaf, Accumulate) or leaf.operation != "sum" or leaf.equation is None:
            return None
        if set(leaf.equation.reduce) and loops >= set(leaf.equation.reduce):
            return _Nest(leaf.equation, leaf.target, True, True)
        return None
    if len(body) != 4 or not isinstance(body[0], Allocate):
        return None
    last = body[3]
    if not isinstance(last, Assign | Accumulate) or last.equation is None:
        return None
    if last.equation.operation != "sum" or not isinstance(body[2], For):
        return None
    return _Nest(last.equation, last.target, isinstance(last, Accumulate), False)


def _is_fill(statement: Statement, equation: Equation) -> bool:
    body: Sequence[Statement] = (statement,)
    while len(body) == 1 and isinstance(body[0], For):
        body = body[0].body
    return (
        len(body) == 1
        and isinstance(body[0], Assign)
        and body[0].equation is equation
        and body[0].value == 0
    )


def _fill(target: Element, product: MatrixProduct) -> Statement:
    loops = [index for index in target.args if isinstance(index, Index)]
    fresh = {index: index.fresh() for index in loops}
    statement: Statement = Assign(target.xreplace(fresh), sympy.S.Zero, product.equation)
    for index in reversed(loops):
        statement = For(fresh[index], 0, index.extent, (statement,))
    return statement


def _as_loops(found: MatrixProduct, target: Element, adds: bool) -> Statement:
    def spans(group: tuple[Index, ...]) -> tuple[Span, ...]:
        return tuple(Span(index, 0, index.extent) for index in group)

    alpha, _ = split_scalars(found.equation.body)
    statement: Statement = Product(
        target,
        found.first,
        found.second,
        spans(found.rows),
        spans(found.columns),
        spans(found.summed),
        alpha,
        target if adds else None,
        equation=found.equation,
    )
    for index in reversed(found.loops):
        statement = For(index, 0, index.extent, (statement,))
    return statement
