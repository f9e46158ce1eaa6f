"""unswitch: a nest under a condition that does not vary in it becomes two nests.

::

    for t: for n: for j:                         for t: if t > 0: for n: for j:
        z[n, j] = where(t > 0, h[t - 1], 0)  ─►                       z[n, j] = h[t - 1]
                                                        else:    for n: for j:
                                                                      z[n, j] = 0

A loop whose reads depend on a condition is not vectorised, or only with masks. Conditions that the
ranges of loops decide vanish.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import sympy

from symbp.loops.nodes import Accumulate, Allocate, Assign, For, Function, If, Product, Statement
from symbp.loops.traverse import decided, map_statements, reads_of, statements_in
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["unswitch"]

# Each doubles the code of its nest.
_MOST = 2

Ranges = Mapping[Index, tuple[int, int]]
# A comparison of whole numbers: an expression that is not negative, or its negation.
_Form = tuple[Any, bool]


def unswitch(function: Function) -> Function:
    """Return an equivalent function whose inner loops have fewer conditions.

    Parameters
    ----------
    function : Function
        In its final order: what two nests have in common has the same indices and registers.
    """
    return function.replace(body=_body(function.body, {}, _MOST))


def _body(given: Sequence[Statement], ranges: Ranges, most: int) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in given:
        if isinstance(statement, For):
            result += _loop(statement, ranges, most)
        elif isinstance(statement, If):
            chosen = _body(statement.body, ranges, most)
            result.append(
                replace(statement, body=chosen, otherwise=_body(statement.otherwise, ranges, most))
            )
        else:
            result.append(statement)
    return tuple(result)


def _loop(loop: For, ranges: Ranges, most: int) -> tuple[Statement, ...]:
    """Return what stands for a loop in the place of it."""
    single = not any(isinstance(inner, Product) for inner in statements_in(loop.body))
    if single:
        for relation, (form, holds) in _invariant(loop):
            decided = _decided(form, ranges)
            if decided is not None:
                return _body(_with(loop, form, decided), ranges, most)
            if most:
                yes, no = (_with(loop, form, truth) for truth in (holds, not holds))
                chosen = _body(yes, ranges, most - 1)
                return (If(relation, chosen, _body(no, ranges, most - 1)),)
    inside = ranges
    if all(isinstance(bound, int) for bound in (loop.start, loop.end, loop.step)):
        turns = range(loop.start, loop.end, loop.step)
        if turns:
            inside = {**ranges, loop.index: (min(turns[0], turns[-1]), max(turns[0], turns[-1]))}
    body = _body(loop.body, inside, most)
    return (replace(loop, body=body),) if body else ()


def _invariant(loop: For) -> Iterator[tuple[Any, _Form]]:
    """Yield the comparisons in a nest of what does not vary in it, each with its form."""
    own = {loop.index}
    for inner in statements_in(loop.body):
        if isinstance(inner, For):
            own.add(inner.index)
    for inner in statements_in(loop.body):
        conditions: list[Any] = []
        if isinstance(inner, If):
            conditions = [inner.condition]
        elif isinstance(inner, Assign | Accumulate):
            # In the order in which they stand, the same in every process.
            nodes = sympy.preorder_traversal(inner.value)
            conditions = [node.args[0] for node in nodes if isinstance(node, where)]
        for condition in conditions:
            for relation in _comparisons(condition):
                indices = relation.atoms(Index)
                form = _form(relation)
                if indices and not indices & own and form is not None:
                    yield relation, form


def _comparisons(condition: Any) -> Iterator[Any]:
    if isinstance(condition, sympy.And | sympy.Or | sympy.Not):
        for part in sorted(condition.args, key=sympy.default_sort_key):
            yield from _comparisons(part)
    elif isinstance(condition, sympy.core.relational.Relational):
        yield condition


def _form(relation: Any) -> _Form | None:
    """Return an affine expression of one index, and whether the comparison says that it is ≥ 0."""
    if relation.atoms(Element) or not isinstance(
        relation, sympy.Gt | sympy.Ge | sympy.Lt | sympy.Le
    ):
        return None
    left, right = relation.args
    if isinstance(relation, sympy.Lt | sympy.Le):
        left, right = right, left
    difference = sympy.expand(left - right)
    if isinstance(relation, sympy.Gt | sympy.Lt):
        difference -= 1
    indices = difference.atoms(Index)
    if len(indices) != 1 or difference.free_symbols != indices:
        return None
    (index,) = indices
    slope = difference.coeff(index)
    if not slope.is_Integer or not (difference - slope * index).is_Integer:
        return None
    if slope < 0:  # not (e ≥ 0) is -e - 1 ≥ 0
        return -difference - 1, False
    return difference, True


def _decided(form: Any, ranges: Ranges) -> bool | None:
    """Whether an expression is not negative, where the range of its index says so."""
    (index,) = form.atoms(Index)
    if index not in ranges:
        return None
    low, high = (form.subs(index, bound) for bound in ranges[index])
    if low >= 0:
        return True
    return False if high < 0 else None


def _with(loop: For, form: Any, truth: bool) -> tuple[Statement, ...]:
    """Return a nest in which it is known whether an expression is not negative."""
    mapping: dict[Any, Any] = {}
    for relation, (other, holds) in _invariant(loop):
        if other == form:
            mapping[relation] = sympy.true if holds == truth else sympy.false
    return _without_unread(decided((loop,), mapping))


def _without_unread(nest: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """Return a nest without the registers of its own that nothing in it reads any more."""
    while True:
        inner = list(statements_in(nest))
        own = {s.array for s in inner if isinstance(s, Allocate) and s.kind == "register"}
        read = {
            element.tensor
            for statement in inner
            for element in reads_of(statement)
            if not (isinstance(statement, Accumulate) and element == statement.target)
        }
        unread = own - read
        if not unread:
            return nest

        def change(
            statement: Statement, unread: Set[Tensor] = unread
        ) -> Statement | tuple[Statement, ...]:
            if isinstance(statement, Allocate) and statement.array in unread:
                return ()
            if isinstance(statement, Assign | Accumulate) and statement.target.tensor in unread:
                return ()
            if isinstance(statement, For) and not statement.body:
                return ()
            return statement

        nest = map_statements(nest, change)
