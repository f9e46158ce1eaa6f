"""shares: along which index each statement of a function can be divided, and what that touches.

A statement is divided along an index of everything that it writes: rows of a batch, or one axis of
a parameter. An element is then computed by one member of a team, in the same order of summation
whatever the number of members. What writes nothing but registers is computed by every member.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symbp.loops.dependence import Dependence
from symbp.loops.nodes import Accumulate, Allocate, Assign, For, If, Product, Span, Statement
from symbp.loops.traverse import statements_in, with_spans, writes_of
from symbp.notation.index import Extent, Index
from symbp.notation.tensor import Element

__all__ = ["Phase", "Share", "ends_of", "multiplies_rows", "restricted", "share_of"]


@dataclass(frozen=True)
class Use:
    """A statement's use of memory: the axis of its division, and whether it writes."""

    memory: Any
    axis: int | None
    writes: bool


@dataclass(frozen=True)
class Share:
    """A statement, and the division of it.

    Attributes
    ----------
    statement : Statement
        What is to be done.
    along : frozenset of Index
        The indices of its loops and products of which each member has a range; none when every
        member computes the whole for itself.
    extent : Extent or None
        The extent that is divided.
    uses : tuple of Use
        What it reads and writes of the arrays that the members share.
    """

    statement: Statement
    along: frozenset[Index] = frozenset()
    extent: Extent | None = None
    uses: tuple[Use, ...] = ()

    @property
    def by_rows(self) -> bool:
        """Whether each member has some of the batch's examples."""
        return self.extent is not None and not isinstance(self.extent, int)


def share_of(statement: Statement, dependence: Dependence) -> Share | None:
    """Return how a statement can be divided, or None when it cannot be.

    What writes both arrays and registers that others read has no division; nor has what reads
    elements of another member's part of what it writes. What a turn of its loop keeps for itself
    (see :mod:`symbp.loops.scratch`) is each member's own.
    """
    if not isinstance(statement, For | If | Product | Assign | Accumulate):
        return Share(statement)
    found = list(_leaves(statement, ()))
    own = {s.array for s in statements_in([statement]) if isinstance(s, Allocate)}
    found = [leaf for leaf in found if leaf[0].tensor not in own]
    scratch = dependence.scratch(statement)
    if scratch:
        # What a turn has for itself need not be divided, where turns are.
        rest = [leaf for leaf in found if leaf[0].tensor not in scratch]
        share = _divided(statement, rest, dependence, own | set(scratch))
        if share is not None and all(share.along & loops for loops in scratch.values()):
            return share
    return _divided(statement, found, dependence, own)


def _divided(
    statement: Statement, found: Sequence["_Leaf"], dependence: Dependence, own: set[Any]
) -> Share | None:
    """Return a division along an index of all that is written, but for what is a turn's own."""
    arrays = [leaf for leaf in found if leaf[0].tensor.rank]
    if not arrays:
        return _with_uses(Share(statement), dependence, own)
    if len(arrays) < len(found):
        return None
    extents = dict.fromkeys(index.extent for index in _candidates(*found[0]))
    for extent in sorted(extents, key=_rank):
        along: set[Index] = set()
        for element, path in found:
            fitting = [i for i in _candidates(element, path) if i.extent == extent]
            if not fitting:
                break
            along.add(fitting[0])
        else:
            if all(len(along.intersection(path)) == 1 for _, path in found):
                share = Share(statement, frozenset(along), extent)
                share = _with_uses(share, dependence, own)
                alone = Phase()
                alone.add(share)
                if not alone.clashes(share):
                    return share
    return None


def ends_of(share: Share) -> tuple[Any, Any] | None:
    """Return where what is divided of a share begins and ends, if all of its loops agree."""
    found: set[tuple[Any, Any]] = set()

    def visit(statement: Statement) -> None:
        if isinstance(statement, For):
            if statement.index in share.along:
                found.add((statement.start, statement.end))
            for child in statement.body:
                visit(child)
        elif isinstance(statement, If):
            for child in (*statement.body, *statement.otherwise):
                visit(child)
        elif isinstance(statement, Product):
            found.update((s.start, s.end) for s in statement.spans if s.index in share.along)

    visit(share.statement)
    return found.pop() if len(found) == 1 else None


def multiplies_rows(share: Share) -> bool:
    """Whether a share is of matrix products, each member's with its own rows."""
    return share.by_rows and any(isinstance(s, Product) for s in statements_in([share.statement]))


class Phase:
    """How the statements between two meetings of the members use the memory of arrays."""

    def __init__(self) -> None:
        self.uses: dict[Any, set[tuple[int | None, bool]]] = {}

    def add(self, share: Share) -> None:
        """Take in a statement."""
        for use in share.uses:
            self.uses.setdefault(use.memory, set()).add((use.axis, use.writes))

    def clashes(self, share: Share) -> bool:
        """Whether one member's part of a statement may touch what another's part of these writes.

        Not if both are divided along the same axis: a plain subscript runs over the whole axis, so
        the two divisions are one.
        """
        return any(
            (writes or use.writes) and (axis is None or axis != use.axis)
            for use in share.uses
            for axis, writes in self.uses.get(use.memory, ())
        )


def restricted(statement: Statement, along: Iterable[Index], start: Any, end: Any) -> Statement:
    """Return a statement whose loops over some indices run from `start` to `end` only."""
    chosen = frozenset(along)

    def visit(given: Statement) -> Statement:
        if isinstance(given, For):
            body = tuple(visit(child) for child in given.body)
            if given.index in chosen:
                return replace(given, start=start, end=end, body=body)
            return replace(given, body=body)
        if isinstance(given, If):
            return replace(
                given,
                body=tuple(visit(child) for child in given.body),
                otherwise=tuple(visit(child) for child in given.otherwise),
            )
        if isinstance(given, Product):
            return with_spans(given, bounded)
        return given

    def bounded(span: Span) -> Span:
        return Span(span.index, start, end) if span.index in chosen else span

    return visit(statement)


def _with_uses(share: Share, dependence: Dependence, own: set[Any]) -> Share:
    def axis(element: Element) -> int | None:
        places = [a for a, s in enumerate(element.args) if s in share.along]
        return places[0] if len(places) == 1 else None

    uses = {
        Use(dependence.memory(a.element.tensor), axis(a.element), a.writes): None
        for a in dependence.uses(share.statement).accesses
        if a.element.tensor.rank and a.element.tensor not in own
    }
    return replace(share, uses=tuple(uses))


_Leaf = tuple[Element, tuple[Index, ...]]


def _leaves(statement: Statement, path: tuple[Index, ...]) -> Iterator[_Leaf]:
    """Yield each write of a statement with the loops around it."""
    if isinstance(statement, For):
        # A range can be divided if its turns go up one by one.
        path = (*path, statement.index) if statement.step == 1 else path
        for child in statement.body:
            yield from _leaves(child, path)
    elif isinstance(statement, If):
        for child in (*statement.body, *statement.otherwise):
            yield from _leaves(child, path)
    elif isinstance(statement, Product):
        # Of a group of indices in one dimension only the first has a range of its own.
        first = [group[0].index for group in (statement.rows, statement.columns) if group]
        yield statement.target, (*path, *first)
    else:
        for element in writes_of(statement):
            yield element, path


def _candidates(element: Element, path: Sequence[Index]) -> list[Index]:
    return [index for index in path if index in element.args]


def _rank(extent: Extent) -> tuple[bool, int]:
    """Return what puts the batch first, then the longest axis."""
    return isinstance(extent, int), -extent if isinstance(extent, int) else 0
