"""unroll_windows: the places of a small window are written out, inside the innermost loop.

::

    for p from 0 to 2:                                 for o from 0 to 8:
        for q from 0 to 2:                                 a[i, l, o] max= z[2 i, 2 l, o]
            for o from 0 to 8:                    ─►       a[i, l, o] max= z[2 i, 2 l + 1, o]
                a[i, l, o] max= z[2 i + p, 2 l + q, o]     a[i, l, o] max= z[2 i + 1, 2 l, o]
                                                           a[i, l, o] max= z[2 i + 1, 2 l + 1, o]

What is kept for an element then stays in a register from one place to the next, and a loop of four
short loops is one. An element still takes the places in their order.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import sympy

from symbp.loops.nodes import Accumulate, Assign, For, Function, Statement
from symbp.loops.set_once import covers
from symbp.loops.traverse import elements_in, renamed, with_body
from symbp.notation.index import Index
from symbp.notation.tensor import Element

__all__ = ["MOST_PLACES", "unroll_windows"]

# Of a window of 3 × 3, the text and the registers that it takes are still small.
MOST_PLACES = 9


def unroll_windows(function: Function, most: int = MOST_PLACES) -> Function:
    """Return an equivalent function without loops over the places of small windows.

    Parameters
    ----------
    function : Function
        As it was built: each nest computes one equation. What a loop adds may be added in any
        order where it says so.
    most : int
        How many places a window has at most.
    """
    return function.replace(body=_body(function.body, most))


def _body(given: Sequence[Statement], most: int) -> tuple[Statement, ...]:
    result: list[Statement] = []
    for statement in given:
        if isinstance(statement, For):
            unrolled = _nest(statement, most)
            if unrolled is None:
                unrolled = with_body(statement, _body(statement.body, most))
            result.append(unrolled)
        else:
            result.append(statement)
    return tuple(result)


def _nest(outermost: For, most: int) -> Statement | None:
    """Return a nest of one sum or maximum with its windows written out, or None."""
    loops = [outermost]
    while len(loops[-1].body) == 1 and isinstance(loops[-1].body[0], For):
        loops.append(loops[-1].body[0])
    if len(loops[-1].body) != 1:
        return None
    (leaf,) = loops[-1].body
    if not isinstance(leaf, Assign | Accumulate) or not _in_any_order(loops, leaf):
        return None
    inner = loops[-1].index
    elements = [element for element, _ in elements_in([leaf])]
    windows = [loop for loop in loops[:-1] if _is_window(loop, elements)]
    if not windows or not _is_apart(leaf, elements, inner):
        return None
    places = list(itertools.product(*(range(int(loop.end)) for loop in windows)))
    if len(places) > most:
        return None
    indices = [loop.index for loop in windows]
    body: Statement = replace(
        loops[-1],
        body=tuple(
            renamed(leaf, dict(zip(indices, map(sympy.Integer, place), strict=True)))
            for place in places
        ),
    )
    for loop in reversed(loops[:-1]):
        if loop not in windows:
            body = with_body(loop, (body,))
    return body


def _is_window(loop: For, elements: Sequence[Element]) -> bool:
    """Whether a loop over few places is one along which a window has them."""
    if (loop.start, loop.step) != (0, 1) or not isinstance(loop.end, int):
        return False
    return any(
        subscript is not loop.index and subscript.has(loop.index) and not subscript.atoms(Element)
        for element in elements
        for subscript in element.args
    )


def _in_any_order(loops: Sequence[For], leaf: Assign | Accumulate) -> bool:
    """Whether the turns of a nest may be done in any order, for all that is written."""
    if isinstance(leaf, Accumulate):
        return leaf.free_order
    return not leaf.target.is_plain and covers(loops, leaf.target) is not None


def _is_apart(leaf: Assign | Accumulate, elements: Sequence[Element], inner: Index) -> bool:
    """Whether the turns of the innermost loop write elements that no other turn uses."""
    own = [element for element in elements if element.tensor is leaf.target.tensor]
    axes = [axis for axis, subscript in enumerate(leaf.target.args) if subscript is inner]
    return any(all(element.args[axis] is inner for element in own) for axis in axes)
