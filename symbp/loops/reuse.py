"""reuse: an array takes over the memory of one that is not needed any more.

::

    allocate z[N, 30]; allocate a[N, 30]           allocate z[N, 30]; view a of z
    for n: for j: a[n, j] = relu(z[n, j])    ─►    for n: for j: a[n, j] = relu(z[n, j])

Fewer buffers stay in the cache. In the loop that reads the old array for the last time the new one
may be written already, if each turn reads the element that it then overwrites.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Assign,
    For,
    Function,
    If,
    Statement,
    View,
)
from symbp.loops.traverse import map_statements, reads_of, writes_of
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["reuse"]


@dataclass
class _Life:
    """Where an array is first and last used, by the number of a statement of the function."""

    first: int
    last: int
    places: dict[int, list[tuple[int, int, tuple[object, ...]]]] = field(default_factory=dict)
    """By statement, of each use: its body, the position in it and the subscripts.

    A use has body 0 unless an assignment in loops makes it, of another element in each turn.
    """


def reuse(function: Function, kept: Iterable[Tensor] = ()) -> Function:
    """Return an equivalent function with fewer buffers.

    Parameters
    ----------
    function : Function
        Its statements run in their order; loops over steps are one statement.
    kept : iterable of Tensor
        Arrays that keep memory of their own.
    """
    keep = {*kept, *(view.of for view in function.views.values()), *function.views}
    lives: dict[Tensor, _Life] = {}
    for number, statement in enumerate(function.body):
        _visit(statement, number, (), 0, 0, lives)
    made = {
        tensor: allocation
        for tensor, allocation in function.allocations.items()
        if allocation.kind == "heap" and tensor in lives and tensor not in keep
    }
    owners: dict[Tensor, Tensor] = {}
    occupant: dict[Tensor, Tensor] = {}
    for tensor in sorted(made, key=lambda t: (lives[t].first, t.serial)):
        for owner, current in occupant.items():
            if (
                made[owner].shape == made[tensor].shape
                and owner.kind == tensor.kind
                and _follows(lives[tensor], lives[current])
            ):
                owners[tensor] = owner
                occupant[owner] = tensor
                break
        else:
            occupant[tensor] = tensor

    def change(statement: Statement) -> Statement | tuple[Statement, ...]:
        if isinstance(statement, Allocate) and statement.array in owners:
            return ()
        if isinstance(statement, Allocate):
            users = [t for t, owner in owners.items() if owner is statement.array]
            return (statement, *(View(t, statement.array, 0, statement.shape) for t in users))
        return statement

    return function.replace(body=map_statements(function.body, change)) if owners else function


def _follows(new: _Life, old: _Life) -> bool:
    """Whether the new array is first written when the old one is not read any more."""
    if old.last != new.first:
        return old.last < new.first
    before, after = old.places[old.last], new.places[new.first]
    bodies = {place[0] for place in (*before, *after)}
    subscripts = {place[2] for place in (*before, *after)}
    return (
        len(bodies) == 1
        and 0 not in bodies
        and len(subscripts) == 1
        and max(place[1] for place in before) <= min(place[1] for place in after)
    )


def _visit(
    statement: Statement,
    number: int,
    loops: tuple[Index, ...],
    body: int,
    position: int,
    lives: dict[Tensor, _Life],
) -> None:
    if isinstance(statement, For):
        for inner, child in enumerate(statement.body):
            _visit(child, number, (*loops, statement.index), id(statement.body), inner, lives)
        return
    if isinstance(statement, If):
        for child in (*statement.body, *statement.otherwise):
            _visit(child, number, loops, 0, position, lives)
    simple = isinstance(statement, Assign | Accumulate)
    for element in (*reads_of(statement), *writes_of(statement)):
        life = lives.setdefault(element.tensor, _Life(number, number))
        life.last = number
        # What several turns read must not be overwritten by the first of them.
        once = simple and element.is_plain and set(loops) <= set(element.args)
        place = (body if once else 0, position, element.args)
        life.places.setdefault(number, []).append(place)
