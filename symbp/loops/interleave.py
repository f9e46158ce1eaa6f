"""interleave: the order of straight-line statements that keeps a core's units busy.

A processor looks some 250 instructions ahead. Examples one after another are chains longer than
that, so that it waits for each; the same statement of several examples in turn are short ones side
by side. And what ends in a sum, or in a parameter's next value, stands where it can first be
computed, so that what it reads need not be kept.
"""

from collections.abc import Iterator, Sequence

from symbp.loops.nodes import Accumulate, Allocate, Assign, Statement
from symbp.loops.traverse import reads_of, writes_of
from symbp.notation.tensor import Element

__all__ = ["as_soon_as_possible", "in_turn"]


def in_turn(
    copies: Sequence[tuple[Sequence[Statement], int]],
) -> Iterator[tuple[int, Statement]]:
    """Yield each statement with the place of its copy: of equal copies the same one in turn.

    Parameters
    ----------
    copies : sequence of (sequence of Statement, int)
        What is to be done one after another; copies are equal if their statements are one object.
    """
    start = 0
    while start < len(copies):
        statements, end = copies[start][0], start
        while end < len(copies) and copies[end][0] is statements:
            end += 1
        for statement in statements:
            for place in range(start, end):
                yield place, statement
        start = end


def as_soon_as_possible(
    statements: Sequence[Statement], early: Sequence[bool]
) -> tuple[Statement, ...]:
    """Return the statements in another order that computes the same.

    Parameters
    ----------
    statements : sequence of Statement
        Straight-line code: registers allocated, assigned to and added to, and elements of arrays.
    early : sequence of bool
        Of each, whether it moves forward to where all that it needs is known. The rest keep their
        order.
    """
    waiting: list[int] = []
    followers: list[list[int]] = [[] for _ in statements]
    for place, needed in enumerate(_needed(statements)):
        waiting.append(len(needed))
        for earlier in needed:
            followers[earlier].append(place)
    done: list[Statement] = []
    emitted = [False] * len(statements)

    def emit(place: int) -> None:
        ready = [place]
        while ready:
            now = ready.pop(0)
            emitted[now] = True
            done.append(statements[now])
            for after in followers[now]:
                waiting[after] -= 1
                if not waiting[after] and early[after]:
                    ready.append(after)

    for place in range(len(statements)):
        if not emitted[place]:
            assert not waiting[place], "a statement waits for a later one"
            emit(place)
    return tuple(done)


def _needed(statements: Sequence[Statement]) -> list[set[int]]:
    """Return which statements must come before each."""
    writer: dict[Element, int] = {}
    readers: dict[Element, list[int]] = {}
    found: list[set[int]] = []
    for place, statement in enumerate(statements):
        if isinstance(statement, Allocate):
            read, written = [], [statement.array[()]]
        else:
            assert isinstance(statement, Assign | Accumulate)
            read, written = list(reads_of(statement)), list(writes_of(statement))
        needed = {writer[element] for element in (*read, *written) if element in writer}
        for element in written:
            needed.update(readers.pop(element, ()))
            writer[element] = place
        for element in read:
            readers.setdefault(element, []).append(place)
        found.append(needed - {place})
    return found
