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

from symbp.loops.nodes import Accumulate, For, Function, Statement
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
    if not isinstance(leaf, Accumulate) or not leaf.free_order:
        return None
    inner = loops[-1].index
    elements = [element for element, _ in elements_in([leaf])]
    windows: list[For] = []
    count = 1
    # The smallest first: a window has fewer places than there are positions of it.
    slid = [loop for loop in loops[:-1] if _is_window(loop, elements)]
    for loop in sorted(slid, key=lambda loop: int(loop.end)):
        count *= int(loop.end)
        if count <= most:
            windows.append(loop)
    windows = [loop for loop in loops if loop in windows]
    if not windows or not _is_apart(leaf, inner):
        return None
    places = list(itertools.product(*(range(int(loop.end)) for loop in windows)))
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


def _is_apart(leaf: Accumulate, inner: Index) -> bool:
    """Whether the turns of the innermost loop write other elements each, and nothing reads them."""
    own = leaf.target.tensor
    read = any(element.tensor is own for element in leaf.value.atoms(Element))
    return inner in leaf.target.args and not read
