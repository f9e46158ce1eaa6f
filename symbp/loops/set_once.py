"""set_once: what adds to each element once, after it was set to zero, sets it.

::

    for k: a[k] = 0                                        for o: for i: a[5 o + i] = z[o, i]
    for o from 0 to 16: for i from 0 to 5:          ─►
        a[5 o + i] += z[o, i]

Where some elements get nothing, the zeros stay.
"""

from collections.abc import Sequence
from dataclasses import replace

import sympy

from symbp.loops.nodes import Accumulate, Assign, For, Function, Statement
from symbp.loops.traverse import elements_in, with_body
from symbp.notation.index import Index
from symbp.notation.tensor import Element

__all__ = ["set_once"]


def set_once(function: Function) -> Function:
    """Return an equivalent function that sets what it need not add to.

    Parameters
    ----------
    function : Function
        As it was built: what is added up by a nest is set to zero by the one before it.
    """
    return function.replace(body=_body(function.body))


def _body(given: Sequence[Statement]) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in given:
        if not isinstance(statement, For):
            result.append(statement)
            continue
        loops, leaf = _nest(statement)
        before = _nest(result[-1]) if result and isinstance(result[-1], For) else ([], None)
        if (
            isinstance(leaf, Accumulate)
            and leaf.operation == "sum"
            and _fills(*before, leaf.target)
        ):
            covered = None if _reads_itself(leaf) else _covers(loops, leaf.target)
            if covered is not None:
                if covered:
                    result.pop()
                statement = _with_leaf(loops, Assign(leaf.target, leaf.value, leaf.equation))
                result.append(statement)
                continue
        result.append(with_body(statement, _body(statement.body)))
    return tuple(result)


def _nest(statement: Statement) -> tuple[list[For], Statement | None]:
    loops: list[For] = []
    while isinstance(statement, For):
        loops.append(statement)
        if len(statement.body) != 1:
            return loops, None
        (statement,) = statement.body
    return loops, statement


def _with_leaf(loops: Sequence[For], leaf: Statement) -> Statement:
    body = leaf
    for loop in reversed(loops):
        body = replace(loop, body=(body,))
    return body


def _fills(loops: Sequence[For], leaf: Statement | None, target: Element) -> bool:
    """Whether a nest sets a whole array to zero."""
    if not isinstance(leaf, Assign) or leaf.value != 0 or leaf.target.tensor is not target.tensor:
        return False
    ends = {loop.index: loop.end for loop in loops if (loop.start, loop.step) == (0, 1)}
    places = leaf.target.args
    return (
        len(set(places)) == len(places) == len(ends) == len(loops)
        and all(isinstance(place, Index) for place in places)
        and tuple(ends.get(place) for place in places) == target.tensor.shape
    )


def _reads_itself(leaf: Accumulate) -> bool:
    """Whether a value is computed from elements of the array that it is added to."""
    return any(
        element.tensor is leaf.target.tensor and element != leaf.target
        for element, _ in elements_in([leaf])
    ) or leaf.value.has(leaf.target)


def _covers(loops: Sequence[For], target: Element) -> bool | None:
    """Return whether a nest writes all elements of an array; None if one of them perhaps twice.

    Parameters
    ----------
    loops : sequence of For
        A nest, from outside to inside.
    target : Element
        What is written in the innermost.
    """
    ends = {loop.index: loop.end for loop in loops}
    if any((loop.start, loop.step) != (0, 1) for loop in loops):
        return None
    seen: set[Index] = set()
    whole = True
    for subscript, extent in zip(target.args, target.tensor.shape, strict=True):
        found = _digits(subscript, ends)
        if found is None or seen & set(found):
            return None
        seen.update(found)
        if subscript in ends:
            whole = whole and ends[subscript] == extent
            continue
        reach = 1
        for index, step in sorted(found.items(), key=lambda pair: pair[1]):
            if step < reach:
                return None  # two places of the other indices may be one
            whole = whole and step == reach
            reach = step * (int(ends[index]) - 1) + reach
        whole = whole and reach == extent
    return whole if seen == set(ends) else None


def _digits(subscript: sympy.Basic, ends: dict[Index, object]) -> dict[Index, int] | None:
    """Return by which number each index is multiplied in a sum of them that begins at 0."""
    if isinstance(subscript, Index):
        return {subscript: 1} if subscript in ends else None
    if subscript.atoms(Element):
        return None
    found = {s: subscript.coeff(s) for s in subscript.free_symbols if isinstance(s, Index)}
    if sympy.expand(subscript - sum(step * s for s, step in found.items())) != 0:
        return None
    if any(s not in ends or not isinstance(ends[s], int) for s in found):
        return None
    if any(not step.is_Integer or step < 1 for step in found.values()):
        return None
    return {s: int(step) for s, step in found.items()}
