"""peel_steps: the first and the last steps of a recurrence run before and behind the others.

::

    for t from 0 to T:                              for t from 0 to 1:  c[t] = a[t]
        c[t] = a[t] + where(t > 0, f c[t - 1], 0)  ─►  for t from 1 to T:  c[t] = a[t] + f c[t - 1]

What a condition on the step decides is decided once, and the loops inside of a step have none:
they are vectorised.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy

from symbp.loops.nodes import Accumulate, Assign, For, Function, If, Statement
from symbp.loops.traverse import decided, map_statements, statements_in
from symbp.notation.index import Index
from symbp.notation.tensor import Element

__all__ = ["peel_steps"]

# Each part of a loop is code of its own.
_MOST = 4


def peel_steps(function: Function) -> Function:
    """Return an equivalent function without conditions on the steps of a recurrence.

    Parameters
    ----------
    function : Function
        In its final order: the parts of a loop have the same indices and registers.
    """
    return function.replace(body=map_statements(function.body, _peeled))


def _peeled(statement: Statement) -> Statement | Sequence[Statement]:
    if not isinstance(statement, For) or not statement.index.sequential:
        return statement
    bounds = (statement.start, statement.end, statement.step)
    if not all(isinstance(bound, int) for bound in bounds) or abs(statement.step) != 1:
        return statement
    relations = _relations(statement)
    parts: list[tuple[list[int], tuple[bool, ...]]] = []
    for turn in range(*bounds):
        truths = tuple(bool(relation.subs(statement.index, turn)) for relation in relations)
        if parts and parts[-1][1] == truths:
            parts[-1][0].append(turn)
        else:
            parts.append(([turn], truths))
    if not relations or not 0 < len(parts) <= _MOST:
        return statement
    result: list[Statement] = []
    for turns, truths in parts:
        values = (sympy.true if truth else sympy.false for truth in truths)
        body = decided(statement.body, dict(zip(relations, values, strict=True)))
        body = tuple(inner for inner in body if not _adds_nothing(inner))
        if body:
            end = turns[-1] + statement.step
            result.append(replace(statement, start=turns[0], end=end, body=body))
    return result


def _relations(loop: For) -> list[Any]:
    """Return the comparisons in a loop that its index decides, in the order of the text."""
    found: dict[Any, None] = {}
    for inner in statements_in(loop.body):
        values: tuple[Any, ...] = ()
        if isinstance(inner, If):
            values = (inner.condition,)
        elif isinstance(inner, Assign | Accumulate):
            values = (inner.value,)
        for value in values:
            for node in sympy.preorder_traversal(value):
                if isinstance(node, sympy.core.relational.Relational) and _is_of(node, loop.index):
                    found.setdefault(node)
    return list(found)


def _is_of(relation: Any, index: Index) -> bool:
    return relation.free_symbols == {index} and not relation.atoms(Element)


def _adds_nothing(statement: Statement) -> bool:
    return isinstance(statement, Accumulate) and statement.value == 0
