"""flatten: a loop nest that runs over whole arrays, element by element, becomes one loop.

::

    for n from 0 to N:                         view flat_a[30 N] of a; view flat_z[30 N] of z
        for j from 0 to 30:              ─►    for i from 0 to 30 N:
            a[n, j] = relu(z[n, j])                flat_a[i] = relu(flat_z[i])

Rows of 32 numbers are two vectors: to begin a row, and to find out again that the arrays do not
overlap, takes longer than the row.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy

from symbp.loops.nodes import Accumulate, Allocate, Assign, For, Function, Statement, View
from symbp.loops.traverse import map_statements, reads_of, renamed, writes_of
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["flatten"]


def flatten(function: Function) -> Function:
    """Return an equivalent function with fewer nested loops.

    Parameters
    ----------
    function : Function
        A nest may become one loop where it reads and writes whole arrays along all of their axes,
        in order, or what does not vary in it.
    """
    flattener = _Flattener(function)
    body = flattener.body(function.body)

    def change(statement: Statement) -> Statement | tuple[Statement, ...]:
        if isinstance(statement, Allocate | View) and statement.array in flattener.views:
            return statement, flattener.views[statement.array]
        return statement

    body = map_statements(body, change)
    arguments = [argument.array for argument in function.arguments]
    first = [view for tensor, view in flattener.views.items() if tensor in arguments]
    return function.replace(body=(*first, *body))


class _Flattener:
    """Flattens the nests of one function, with one flat view for each array."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.views: dict[Tensor, View] = {}

    def body(self, given: Sequence[Statement]) -> tuple[Statement, ...]:
        """Return statements with the nests among them flattened."""
        result: list[Statement] = []
        for statement in given:
            if isinstance(statement, For):
                flat = self.flat(statement)
                inner = statement.body if flat is not None else self.body(statement.body)
                changed = statement if inner == statement.body else replace(statement, body=inner)
                result.append(changed if flat is None else flat)
            else:
                result.append(statement)
        return tuple(result)

    def flat(self, nest: For) -> Statement | None:
        """Return one loop in the place of a nest, or None."""
        loops, body = _nest(nest)
        if len(loops) < 2 or any(loop.start != 0 or loop.step != 1 for loop in loops[1:]):
            return None
        if loops[0].step != 1 or not all(isinstance(loop.end, int) for loop in loops[1:]):
            return None
        places = tuple(loop.index for loop in loops)
        elements: dict[Element, None] = {}  # in the order in which they stand
        for leaf in body:
            if not isinstance(leaf, Assign | Accumulate | Allocate):
                return None
            elements |= dict.fromkeys((*reads_of(leaf), *writes_of(leaf)))
        for element in elements:
            varies = element.atoms(Index) & set(places)
            if varies and not self.is_whole(element, loops):
                return None
        hidden = {element: sympy.Dummy() for element in elements}
        for leaf in body:
            # An index may stand for itself too, as in a condition.
            if isinstance(leaf, Assign | Accumulate):
                rest = leaf.value.xreplace(hidden)
                if rest.atoms(Index) & set(places):
                    return None
        inner = math.prod(int(loop.end) for loop in loops[1:])
        index = Index("i", _extent(loops[0].end, inner))
        names: dict[Any, Any] = {}
        for element in elements:
            if element.args == places:
                names[element] = self.view(element.tensor, inner, index)[index]
        changed = tuple(renamed(leaf, names) for leaf in body)
        return For(index, loops[0].start * inner, loops[0].end * inner, changed)

    def is_whole(self, element: Element, loops: Sequence[For]) -> bool:
        """Whether an element runs over all of its array but for the ends of the first axis."""
        if element.args != tuple(loop.index for loop in loops):
            return False
        return element.tensor.shape[1:] == tuple(loop.end for loop in loops[1:])

    def view(self, tensor: Tensor, inner: int, index: Index) -> Tensor:
        """Return the array as one row."""
        if tensor not in self.views:
            rows = tensor.shape[0]
            made = self.function.allocations.get(tensor)
            viewed = self.function.views.get(tensor)
            if made is not None:
                rows = made.shape[0]
            elif viewed is not None and viewed.shape is not None:
                rows = viewed.shape[0]
            flat = Tensor(f"{tensor.name}_flat", (index.fresh(),), kind=tensor.kind)
            self.views[tensor] = View(flat, tensor, 0, (rows * inner,))
        return self.views[tensor].array


def _nest(loop: For) -> tuple[list[For], Sequence[Statement]]:
    loops = [loop]
    body = loop.body
    while len(body) == 1 and isinstance(body[0], For):
        loops.append(body[0])
        body = body[0].body
    return loops, body


def _extent(end: Any, inner: int) -> Any:
    if isinstance(end, int):
        return end * inner
    return sympy.Symbol(f"{end}_{inner}".replace(" ", ""), integer=True, positive=True)
