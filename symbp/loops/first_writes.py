"""first_writes: what is set to 0 and then written part by part is not set to 0.

::

    for t: for n: for g: s[t, n, g] = 0
    for t: for n: for j: s[t, n, j] += a         ─►   for t: for n: for j: s[t, n, j] = a
                         s[t, n, j + 64] += b                              s[t, n, j + 64] = b

Right where the parts do not overlap and are all there is, as those of the gates of a recurrent
cell.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from symbp.loops.nodes import Accumulate, Assign, For, Function, If, Product, Statement
from symbp.loops.traverse import map_statements
from symbp.notation.dependence import offset
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["first_writes"]

# For each axis the first and the last place that are written; None for all of them.
Box = tuple[tuple[int, int] | None, ...]


def first_writes(function: Function) -> Function:
    """Return an equivalent function that sets fewer arrays to 0.

    Parameters
    ----------
    function : Function
        As it was built: no element is read before all that is added to it is there.
    """
    fills: dict[Tensor, list[Statement]] = {}
    parts: dict[Tensor, list[tuple[Statement, Box | None]]] = {}
    _visit(function.body, (), False, fills, parts)
    viewed = {view.of for view in function.views.values()}
    filled: set[int] = set()
    added: set[int] = set()
    for tensor, found in fills.items():
        boxes = [box for _, box in parts.get(tensor, [])]
        own = tensor in function.allocations and tensor not in viewed
        known = [box for box in boxes if box is not None]
        if own and len(found) == 1 and len(known) == len(boxes) and _are_all(tensor, known):
            filled.update(map(id, found))
            added.update(id(statement) for statement, _ in parts.get(tensor, []))

    def change(statement: Statement) -> Statement | Sequence[Statement]:
        if id(statement) in filled:
            return ()
        if id(statement) in added:
            assert isinstance(statement, Accumulate)
            return Assign(statement.target, statement.value, statement.equation)
        return () if isinstance(statement, For) and not statement.body else statement

    return function.replace(body=map_statements(function.body, change)) if filled else function


def _visit(
    body: Sequence[Statement],
    loops: tuple[For, ...],
    sometimes: bool,
    fills: dict[Tensor, list[Statement]],
    parts: dict[Tensor, list[tuple[Statement, Box | None]]],
) -> None:
    """Note what sets an array to 0, and what else writes it."""
    for statement in body:
        if isinstance(statement, For):
            _visit(statement.body, (*loops, statement), sometimes, fills, parts)
        elif isinstance(statement, If):
            for inner in (statement.body, statement.otherwise):
                _visit(inner, loops, True, fills, parts)
        elif isinstance(statement, Assign | Accumulate | Product):
            target = statement.target
            box = None if sometimes else _box(target, loops)
            is_fill = isinstance(statement, Assign) and statement.value == 0
            if is_fill and box is not None and all(part is None for part in box):
                fills.setdefault(target.tensor, []).append(statement)
                continue
            sums = isinstance(statement, Accumulate) and statement.operation == "sum"
            parts.setdefault(target.tensor, []).append((statement, box if sums else None))


def _box(element: Element, loops: Sequence[For]) -> Box | None:
    """Return which places are written, each once, or None."""
    ranges: dict[Index, Any] = {loop.index: _range(loop) for loop in loops}
    left = set(ranges)
    box: list[tuple[int, int] | None] = []
    for subscript, extent in zip(element.args, element.tensor.shape, strict=True):
        found = subscript.atoms(Index) & left
        if len(found) != 1 or subscript.atoms(Element):
            return None
        (index,) = found
        left.remove(index)
        distance = offset(subscript, index)
        if distance is None or ranges[index] is None:
            return None
        if (distance, ranges[index]) == (0, extent):
            box.append(None)
        elif isinstance(ranges[index], int):
            box.append((distance, distance + ranges[index] - 1))
        else:
            return None
    return None if left else tuple(box)


def _range(loop: For) -> Any:
    """Return how many turns a loop has, where its index takes all values from 0 on."""
    if (loop.start, loop.step) == (0, 1):
        return loop.end
    if (loop.end, loop.step) == (-1, -1) and isinstance(loop.start, int):
        return loop.start + 1
    return None


def _are_all(tensor: Tensor, boxes: Sequence[Box]) -> bool:
    """Whether parts of an array do not overlap and are the whole."""
    whole = [extent if isinstance(extent, int) else 1 for extent in tensor.shape]
    sizes = [
        math.prod(e if part is None else part[1] - part[0] + 1
                  for part, e in zip(box, whole, strict=True))
        for box in boxes
    ]  # fmt: skip
    inside = all(
        part is None or (isinstance(extent, int) and part[0] >= 0 and part[1] < extent)
        for box in boxes
        for part, extent in zip(box, tensor.shape, strict=True)
    )
    apart = all(_are_apart(one, other) for one, other in itertools.combinations(boxes, 2))
    return bool(boxes) and inside and apart and sum(sizes) == math.prod(whole)


def _are_apart(one: Box, other: Box) -> bool:
    return any(
        a is not None and b is not None and (a[1] < b[0] or b[1] < a[0])
        for a, b in zip(one, other, strict=True)
    )
