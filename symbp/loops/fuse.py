"""fuse: neighbouring loops over the same range become one, level by level.

::

    for n: z[n] = f(x[n])              for n: z[n] = f(x[n])
    for n: a[n] = g(z[n])       ─►            a[n] = g(z[n])

Right where every value is complete when it is read: a turn reads only what the same turn wrote.
What stands between the two loops moves in front of them or behind them, if nothing forbids it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symbp.loops.dependence import Dependence, Uses, aligned, apart
from symbp.loops.nodes import Allocate, For, Function, If, Statement
from symbp.loops.traverse import renamed, with_body
from symbp.notation.index import Index
from symbp.notation.tensor import Element

__all__ = ["fuse"]

# How far back a partner is looked for: beyond, loops seldom share what they have loaded.
FARTHEST = 24


def fuse(function: Function, rows_apart: bool = False, farthest: int = FARTHEST) -> Function:
    """Return an equivalent function with fewer loops.

    Parameters
    ----------
    function : Function
        Its loops have an index each.
    rows_apart : bool
        Keep what is computed for each row apart from what is summed over the rows, so that the
        rows can be divided and strip-mined.
    farthest : int
        How many statements back a loop may move to join another.
    """
    fuser = _Fuser(function, rows_apart, farthest)
    return function.replace(body=fuser.body(function.body, 0))


class _Fuser:
    """Fuses the loops of one function."""

    def __init__(self, function: Function, rows_apart: bool, farthest: int) -> None:
        self.dependence = Dependence(function)
        self.farthest = farthest
        self.rows_apart = rows_apart

    def body(self, given: Sequence[Statement], depth: int) -> tuple[Statement, ...]:
        """Return statements with their loops fused, the loops within them too."""
        result: list[Statement] = []
        for statement in given:
            if not isinstance(statement, For) or not self.merge(result, statement, depth):
                result.append(statement)
        return tuple(self.inside(statement, depth) for statement in result)

    def inside(self, statement: Statement, depth: int) -> Statement:
        """Return a statement with the loops within it fused."""
        if isinstance(statement, For):
            return with_body(statement, self.body(statement.body, depth + 1))
        if isinstance(statement, If):
            body = self.body(statement.body, depth + 1)
            return with_body(statement, body, self.body(statement.otherwise, depth + 1))
        return statement

    def merge(self, done: list[Statement], loop: For, depth: int) -> bool:
        """Put a loop into one of those that are done, if there is one for it."""
        before: list[int] = []
        own = self.dependence.uses(loop)
        needed: list[Uses] = []  # by those that have to stay in front of the loop
        for place in range(len(done) - 1, max(-1, len(done) - 1 - self.farthest), -1):
            other = done[place]
            uses = self.dependence.uses(other)
            stays = any(map(uses.conflicts, needed))
            if (
                isinstance(other, For)
                and not stays
                and _same_range(other, loop)
                and self.may_share(other, loop, depth)
                and self.is_worth_sharing(other, loop)
            ):
                moved = [done[p] for p in reversed(before)]
                kept = [s for p, s in enumerate(done) if p > place and p not in before]
                names: dict[Any, Any] = {loop.index: other.index}
                body = tuple(renamed(child, names) for child in loop.body)
                done[place:] = [*moved, replace(other, body=(*other.body, *body)), *kept]
                return True
            # What the loop needs, and what these need, would have to move in front of `other`.
            if stays or uses.conflicts(own):
                before.append(place)
                needed.append(uses)
        return False

    def is_worth_sharing(self, earlier: For, later: For) -> bool:
        """Whether two loops are alike inside, or one finds what the other has loaded.

        The update of a bias inside a loop over rows of weights would run number by number.
        """
        if _shape(earlier) == _shape(later):
            return True
        used, uses = (
            {
                self.dependence.memory(a.element.tensor)
                for a in self.dependence.uses(loop).accesses
                if a.element.args
            }
            for loop in (earlier, later)
        )
        return not used.isdisjoint(uses)

    def may_share(self, earlier: For, later: For, depth: int) -> bool:
        """Whether two loops over one range may run turn by turn."""
        first, second = self.dependence.uses(earlier), self.dependence.uses(later)
        if first.fixed or second.fixed:
            return False
        i, j = earlier.index, later.index
        if self.rows_apart and not depth and _written(first, i) != _written(second, j):
            return False
        copies = _looks_up(first), _looks_up(second)
        if copies[0] != copies[1]:
            # What copies examples from anywhere stays apart: the rest then runs along memory.
            return False
        if all(copies) and any(isinstance(s, For) for s in (*earlier.body, *later.body)):
            return False  # a whole row is copied at once
        own = {s.array for loop in (earlier, later) for s in loop.body if isinstance(s, Allocate)}
        shared = (first.writes & (second.reads | second.writes)) | (first.reads & second.writes)
        if not shared:
            return True
        for a in first.accesses:
            memory = self.dependence.memory(a.element.tensor)
            if memory not in shared or a.element.tensor in own:
                continue
            for b in second.accesses:
                if self.dependence.memory(b.element.tensor) is not memory:
                    continue
                if not (a.writes or b.writes) or aligned(a.element, i, b.element, j):
                    continue
                turns = earlier.end if (earlier.start, earlier.step) == (0, 1) else None
                if isinstance(turns, int) and apart(a.element, i, b.element, j, turns):
                    continue  # parts of one array that do not overlap
                if a.adds and b.adds and a.element.tensor.rank:
                    continue  # sums into one array: only their order changes
                return False
        return True


def _looks_up(uses: Uses) -> bool:
    """Whether elements are read whose places are known at run time only."""
    return any(
        isinstance(subscript, Element) or subscript.has(Element)
        for access in uses.accesses
        if not access.writes
        for subscript in access.element.args
        if not isinstance(subscript, Index)
    )


def _same_range(one: For, other: For) -> bool:
    return (one.start, one.end, one.step, one.kind) == (
        other.start,
        other.end,
        other.step,
        other.kind,
    )


def _shape(loop: For) -> list[Any]:
    """Return the ends of the loops of a nest, from outside to inside."""
    ends = [loop.end]
    body = loop.body
    while True:
        inner = [statement for statement in body if isinstance(statement, For)]
        if not inner:
            return ends
        ends.append(inner[0].end)
        body = inner[0].body


def _written(uses: Any, index: Index) -> set[object]:
    """Return what a loop over an index computes: parts of rows, other elements, or sums."""
    found: set[object] = set()
    for access in uses.accesses:
        if access.writes and access.element.tensor.rank:
            found.add(_kind(access.element, index))
        elif access.writes:
            found.add(())
    return found


def _kind(element: Any, index: Index) -> object:
    if any(isinstance(s, Index) and not isinstance(s.extent, int) for s in element.args):
        return "rows"
    return "elements" if index in element.args else element.tensor.shape
