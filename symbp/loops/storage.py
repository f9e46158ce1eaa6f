"""storage: arrays lose the axes that need no memory, and become registers when none is left.

::

    allocate z[N, 30]                      for n: for j:
    for n: for j:                              register z
        z[n, j] = …              ─►            z = …
        a[n, j] = σ(z[n, j])                   a[n, j] = σ(z)

What is written and read in the same turn of a loop needs no axis for that loop.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symbp.loops.nodes import Allocate, For, Function, If, Statement
from symbp.loops.traverse import map_statements, nested, reads_of, renamed, writes_of
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["storage"]


@dataclass(frozen=True)
class _Use:
    """An element in the loops around it."""

    element: Element
    path: tuple[For, ...]


def storage(function: Function) -> Function:
    """Return an equivalent function whose own arrays have only the axes that they need.

    Parameters
    ----------
    function : Function
        Arguments and views keep their axes.
    """
    viewed = {view.of for view in function.views.values()}
    own = {
        tensor: made
        for tensor, made in function.allocations.items()
        if made.kind != "register" and tensor not in viewed
    }
    uses: dict[Tensor, list[_Use]] = {tensor: [] for tensor in own}
    for use in _uses(function.body, ()):
        if use.element.tensor in uses:
            uses[use.element.tensor].append(use)
    dropped = {tensor: _droppable(found) for tensor, found in uses.items() if found}
    smaller = {tensor: _without(tensor, axes) for tensor, axes in dropped.items() if axes}
    if not smaller and all(uses.values()):
        return function
    mapping = {
        use.element: smaller[use.element.tensor][
            tuple(s for a, s in enumerate(use.element.args) if a not in dropped[use.element.tensor])
        ]
        for found in uses.values()
        for use in found
        if use.element.tensor in smaller
    }
    registers: dict[Index, list[Tensor]] = {}
    for tensor, made in smaller.items():
        if not made.rank:
            place = _common(uses[tensor])[-1]
            registers.setdefault(place.index, []).append(made)

    def change(statement: Statement) -> Statement | tuple[Statement, ...]:
        if isinstance(statement, Allocate) and statement.array in own:
            if not uses[statement.array]:
                return ()  # nothing uses it
            if statement.array in smaller:
                made = smaller[statement.array]
                gone = dropped[statement.array]
                shape = tuple(e for axis, e in enumerate(statement.shape) if axis not in gone)
                return Allocate(made, shape, "member") if made.rank else ()
        return statement

    body = map_statements(function.body, change)
    mapping = nested(mapping)
    body = tuple(renamed(statement, mapping) for statement in body)

    def declare(statement: Statement) -> Statement:
        if isinstance(statement, For) and statement.index in registers:
            own = [Allocate(tensor, (), "register") for tensor in registers[statement.index]]
            return replace(statement, body=(*own, *statement.body))
        return statement

    return function.replace(body=map_statements(body, declare))


def _uses(body: Sequence[Statement], path: tuple[For, ...]) -> Iterator[_Use]:
    for statement in body:
        for element in (*reads_of(statement), *writes_of(statement)):
            yield _Use(element, path)
        if isinstance(statement, For):
            yield from _uses(statement.body, (*path, statement))
        elif isinstance(statement, If):
            yield from _uses(statement.body, path)
            yield from _uses(statement.otherwise, path)


def _common(uses: Sequence[_Use]) -> list[For]:
    """Return the loops that are around all uses."""
    result: list[For] = []
    for loops in zip(*(use.path for use in uses), strict=False):
        if any(other.index is not loops[0].index for other in loops):
            break
        result.append(loops[0])
    return result


def _droppable(uses: Sequence[_Use]) -> frozenset[int]:
    axes: set[int] = set()
    for loop in _common(uses):
        here: set[int] = set.intersection(
            *({a for a, s in enumerate(use.element.args) if s is loop.index} for use in uses)
        )
        if not here:
            break  # the array outlives a turn of this loop
        axes |= here
    return frozenset(axes)


def _without(tensor: Tensor, axes: frozenset[int]) -> Tensor:
    kept = tuple(index for axis, index in enumerate(tensor.indices) if axis not in axes)
    options: dict[str, Any] = {"label": tensor.label, "symbol": tensor.symbol}
    return Tensor(tensor.name, kept, kind=tensor.kind, **options)
