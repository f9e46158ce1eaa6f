"""dependence: which statements of a loop program may change places.

Two statements depend on each other when one writes what the other reads or writes. Arrays are told
apart by the memory in which they lie: views of one array that do not overlap are independent.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import sympy

from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    AllReduce,
    Assign,
    Barrier,
    Call,
    Divide,
    For,
    Function,
    If,
    Let,
    Product,
    Return,
    Statement,
    View,
)
from symbp.loops.scratch import scratch_in
from symbp.loops.traverse import indices_of, reads_of
from symbp.notation.by_identity import noted
from symbp.notation.dependence import offset
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["Access", "Dependence", "Uses", "aligned", "apart"]


class Access(NamedTuple):
    """One use of an element: whether it is written, and whether it is only added to."""

    element: Element
    writes: bool
    adds: bool = False


class Uses(NamedTuple):
    """What a statement, with all that is in it, reads and writes."""

    accesses: tuple[Access, ...]
    tensors: frozenset[Tensor]
    """Those of the accesses."""
    reads: frozenset[Any]
    """The memory of arrays, the places where arrays lie, and symbols."""
    writes: frozenset[Any]
    fixed: bool
    """Whether nothing may pass it: a barrier, a call, a return."""

    def conflicts(self, other: "Uses") -> bool:
        """Whether what uses this must stay in its order with what uses the other."""
        return (
            self.fixed
            or other.fixed
            or not self.writes.isdisjoint(other.writes)
            or not self.writes.isdisjoint(other.reads)
            or not self.reads.isdisjoint(other.writes)
        )


class Dependence:
    """Answers for the statements of one function."""

    def __init__(self, function: Function) -> None:
        places = _places(function)
        self.places = {tensor: place for tensor, place in places.items() if place is not tensor}
        self.known: dict[int, tuple[Uses, Uses]] = {}
        self.kept = scratch_in(function)

    def scratch(self, statement: Statement) -> dict[Tensor, frozenset[Index]]:
        """Return the arrays that only a loop uses and its turns keep for themselves.

        Each with the loops around all of its uses; see :mod:`symbp.loops.scratch`.
        """
        if not isinstance(statement, For):
            return {}
        return {t: loops for t, loops in self.kept.items() if statement.index in loops}

    def memory(self, tensor: Tensor) -> Any:
        """Return what stands for the memory of an array; the same for arrays that may overlap."""
        return self.places.get(tensor, tensor)

    def uses(self, statement: Statement) -> Uses:
        """Return what a statement uses, with all that is in it."""
        uses = _uses(statement)
        if not self.places:
            return uses
        known = self.known.get(id(uses))
        if known is None:
            reads, writes = (
                frozenset(self.places.get(each, each) for each in part)
                for part in (uses.reads, uses.writes)
            )
            # Both are kept, so that the id stays that of the first.
            known = self.known[id(uses)] = uses, uses._replace(reads=reads, writes=writes)
        return known[1]


# A statement stays the same in most passes, and each of them asks.
@noted
def _uses(statement: Statement) -> Uses:
    """Return what a statement uses where each array has memory of its own."""
    own = tuple(_accesses(statement))
    tensors = {access.element.tensor for access in own}
    reads: set[Any] = {access.element.tensor for access in own if not access.writes}
    reads.update(("place", tensor) for tensor in tensors)
    reads |= _symbols(*(subscript for access in own for subscript in access.element.args))
    writes: set[Any] = {access.element.tensor for access in own if access.writes}
    fixed = isinstance(statement, Barrier | AllReduce | Call | Return)
    if isinstance(statement, For | If):
        children = statement.body
        if isinstance(statement, If):
            children += statement.otherwise
            reads |= _symbols(statement.condition)
        else:
            reads |= _symbols(statement.start, statement.end, statement.step)
        inside = [_uses(child) for child in children]
        own = (*(access for uses in inside for access in uses.accesses), *own)
        tensors.update(*(uses.tensors for uses in inside))
        reads.update(*(uses.reads for uses in inside))
        writes.update(*(uses.writes for uses in inside))
        fixed = any(uses.fixed for uses in inside)
        if isinstance(statement, For):
            reads.discard(statement.index)
    elif isinstance(statement, Assign | Accumulate):
        reads |= _symbols(statement.value)
    elif isinstance(statement, Let):
        reads |= _symbols(statement.value)
        writes.add(statement.symbol)
    elif isinstance(statement, Divide):
        reads |= _symbols(statement.start, statement.end)
        writes |= {statement.first, statement.last}
    elif isinstance(statement, Allocate):
        reads |= _symbols(*statement.shape)
        writes |= {("place", statement.array), statement.array}
    elif isinstance(statement, View):
        reads |= {("place", statement.of), *_symbols(statement.offset)}
        writes.add(("place", statement.array))
    elif isinstance(statement, Product):
        reads |= _symbols(*(part for s in statement.spans for part in (s.start, s.end)))
        reads.difference_update(indices_of(statement.spans))
    return Uses(own, frozenset(tensors), frozenset(reads), frozenset(writes), fixed)


def _accesses(statement: Statement) -> Iterator[Access]:
    adds = isinstance(statement, Accumulate) and statement.operation == "sum"
    for element in reads_of(statement):
        if not (adds and isinstance(statement, Accumulate) and element == statement.target):
            yield Access(element, False)
    if isinstance(statement, Assign | Accumulate | Product):
        yield Access(statement.target, True, adds)
        if adds:
            yield Access(statement.target, False, True)


def _symbols(*values: Any) -> set[Any]:
    found: set[Any] = set()
    for value in values:
        if isinstance(value, sympy.Symbol):
            found.add(value)
        elif isinstance(value, sympy.Basic):
            found |= value.free_symbols
    return found


def _places(function: Function) -> dict[Tensor, Any]:
    """Return what stands for the memory of each view.

    Views of one array are told apart where they are known not to overlap: with whole numbers as
    offsets and sizes, and nobody using the whole array.
    """
    parts: dict[Tensor, list[tuple[int, int, Tensor]]] = {}
    together: set[Tensor] = set()
    for view in function.views.values():
        root, offset = view.of, view.offset
        size = _size(view)
        if size is None or not isinstance(offset, int) or root in function.views:
            together.add(function.memory(view.array))
            continue
        parts.setdefault(root, []).append((offset, offset + size, view.array))
    used: set[Tensor] = set()
    used.update(*(_uses(statement).tensors for statement in function.body))
    result: dict[Tensor, Any] = {}
    for view in function.views.values():
        root = function.memory(view.array)
        if root in together or root in used:
            result[view.array] = root
    for root, ranges in parts.items():
        if root in together or root in used:
            continue
        end, current = -1, None
        for start, stop, tensor in sorted(ranges, key=lambda part: part[:2]):
            # Those that overlap share the first one's name.
            current = tensor if start >= end or current is None else current
            end = max(end, stop)
            result[tensor] = current
    return result


def _size(view: View) -> int | None:
    size = 1
    for extent in view.shape if view.shape is not None else view.array.shape:
        if not isinstance(extent, int):
            return None
        size *= extent
    return size


def aligned(one: Element, i: Index, other: Element, j: Index) -> bool:
    """Whether two accesses meet only in the same turn: one axis has i here and j there."""
    return one.tensor is other.tensor and any(
        a is i and b is j for a, b in zip(one.args, other.args, strict=True)
    )


def apart(one: Element, i: Index, other: Element, j: Index, turns: int) -> bool:
    """Whether two accesses never meet, whatever the turns of loops over i and j from 0 on.

    One axis has ``i + 64`` here and ``j + 128`` there, with 64 turns.
    """
    if one.tensor is not other.tensor:
        return False
    for a, b in zip(one.args, other.args, strict=True):
        first, second = offset(a, i), offset(b, j)
        if first is not None and second is not None and abs(first - second) >= turns:
            return True
    return False
