"""settled: arrays of whole numbers that are written before anything reads them.

In such an array equal subscripts mean equal numbers, so that what stands in ``last[user[n]]`` is
what was put into ``last[user[m]]`` where m is n. One statement writes the array, and all that read
it come later, in the same turns of the loops around both.
"""

from collections.abc import Iterator, Sequence

from symbp.loops.nodes import Assign, For, Function, If, Statement
from symbp.loops.traverse import reads_of, writes_of
from symbp.notation.by_identity import noted
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["settled"]

# For each block around a statement: the block, the place in it, and the loop that it belongs to.
_Path = tuple[tuple[int, int, Index | None], ...]


@noted
def settled(function: Function) -> dict[Tensor, tuple[Index, ...]]:
    """Return the arrays of whole numbers that are settled before they are read.

    Returns
    -------
    dict of Tensor to tuple of Index
        With each array the loops in whose turns it is written anew.
    """
    found: dict[Tensor, tuple[Index, ...]] = {}
    writes: dict[Tensor, list[tuple[Statement, _Path]]] = {}
    reads: dict[Tensor, list[_Path]] = {}
    for statement, path in _statements(function.body, (), None):
        for element in writes_of(statement):
            writes.setdefault(element.tensor, []).append((statement, path))
        for element in reads_of(statement):
            reads.setdefault(element.tensor, []).append(path)
    viewed = {view.of for view in function.views.values()}
    for argument in function.arguments:
        if argument.role == "in" and argument.array.kind == "integer":
            found[argument.array] = ()
    for tensor, made in function.allocations.items():
        written = writes.get(tensor, [])
        private = function.team and made.kind != "heap"
        if tensor.kind != "integer" or tensor in viewed or len(written) != 1 or private:
            continue
        statement, path = written[0]
        levels = {_parting(path, other) for other in reads.get(tensor, [])}
        if not isinstance(statement, Assign) or len(levels) != 1 or None in levels:
            continue
        (level,) = levels
        assert level is not None
        found[tensor] = tuple(loop for _, _, loop in path[: level + 1] if loop is not None)
    return found


def _statements(
    body: Sequence[Statement], around: _Path, loop: Index | None
) -> Iterator[tuple[Statement, _Path]]:
    for place, statement in enumerate(body):
        path = (*around, (id(body), place, loop))
        yield statement, path
        if isinstance(statement, For):
            yield from _statements(statement.body, path, statement.index)
        elif isinstance(statement, If):
            yield from _statements(statement.body, path, None)
            yield from _statements(statement.otherwise, path, None)


def _parting(write: _Path, read: _Path) -> int | None:
    """Return in which of the blocks around both a read comes later, or None."""
    for level, (one, other) in enumerate(zip(write, read, strict=False)):
        if one[0] != other[0]:
            return None
        if one[1] != other[1]:
            return level if one[1] < other[1] else None
    return None
