"""propagate_copies: a register that only passes on what another one holds is done without.

::

    total = …                              total = …
    C = total          ─►  … total …       W_next = W - …     ─►  W = W - …
    … C …                                  W = W_next

Known as copy propagation; the second form, in which a result is written where it is copied to, as
coalescing.
"""

from collections.abc import Sequence
from dataclasses import replace

from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Assign,
    For,
    Function,
    If,
    Statement,
    statements_in,
)
from symbp.loops.traverse import map_statements, reads_of, renamed, with_body, writes_of
from symbp.notation.tensor import Element, Tensor

__all__ = ["propagate_copies"]


def propagate_copies(function: Function) -> Function:
    """Return an equivalent function with fewer copies of registers.

    Parameters
    ----------
    function : Function
        A loop program.
    """
    changed = _Copies(function)
    body = changed.block(function.body)
    gone = changed.gone
    if not gone:
        return function

    def kept(statement: Statement) -> Statement | Sequence[Statement]:
        return () if isinstance(statement, Allocate) and statement.array in gone else statement

    return function.replace(body=map_statements(body, kept))


class _Copies:
    """Knows how often each register is written, and which are done without."""

    def __init__(self, function: Function) -> None:
        self.registers = {
            s.array for s in function.statements if isinstance(s, Allocate) and not s.array.rank
        }
        self.writes: dict[Tensor, int] = {}
        self.reads: dict[Tensor, int] = {}
        for statement in function.statements:
            for element in writes_of(statement):
                self.writes[element.tensor] = self.writes.get(element.tensor, 0) + 1
            for element in reads_of(statement):
                self.reads[element.tensor] = self.reads.get(element.tensor, 0) + 1
        self.gone: set[Tensor] = set()

    def block(self, body: Sequence[Statement]) -> tuple[Statement, ...]:
        """Return statements in their order without the copies among them."""
        result = [self.inside(statement) for statement in body]
        position = 0
        while position < len(result):
            changed = self.forwards(result, position) or self.backwards(result, position)
            position += not changed
        return tuple(result)

    def inside(self, statement: Statement) -> Statement:
        """Return a statement with the blocks in it changed."""
        if isinstance(statement, For):
            return with_body(statement, self.block(statement.body))
        if isinstance(statement, If):
            chosen = self.block(statement.body)
            return with_body(statement, chosen, self.block(statement.otherwise))
        return statement

    def forwards(self, body: list[Statement], at: int) -> bool:
        """Let what reads a copy read what was copied, if that stays as it is until then."""
        copy = self.copied(body[at])
        if copy is None:
            return False
        target, source = copy
        # Written once, so that nothing before it, of an earlier turn of a loop either, is read.
        if not self.is_temporary(target.tensor):
            return False
        last = self.last_read(body, at, target.tensor)
        if last is None or _is_written(body[at + 1 : last + 1], source.tensor):
            return False
        self.put(body, at + 1, target, source)
        del body[at]
        return True

    def backwards(self, body: list[Statement], at: int) -> bool:
        """Let what is copied be computed where it is copied to, if that is not read until then."""
        copy = self.copied(body[at])
        if copy is None:
            return False
        target, source = copy
        if not self.is_temporary(source.tensor):
            return False
        start = next(
            (
                place
                for place in range(at)
                if isinstance(body[place], Assign)
                and any(e.tensor is source.tensor for e in writes_of(body[place]))
            ),
            None,
        )
        if start is None or self.last_read(body, start, source.tensor) != at:
            return False
        between = body[start + 1 : at]
        if _is_written(between, target.tensor) or _is_read(between, target.tensor):
            return False
        first = body[start]
        assert isinstance(first, Assign)
        body[start] = replace(first, target=target)
        self.put(body, start + 1, source, target)
        del body[at]
        return True

    def copied(self, statement: Statement) -> tuple[Element, Element] | None:
        """Return what a copy sets and the register that it reads, or None for anything else."""
        if not isinstance(statement, Assign) or not isinstance(statement.value, Element):
            return None
        target, source = statement.target, statement.value
        same_kind = source.tensor.kind == target.tensor.kind
        if target.tensor.rank or target.tensor is source.tensor or not same_kind:
            return None
        return (target, source) if source.tensor in self.registers else None

    def is_temporary(self, tensor: Tensor) -> bool:
        """Whether a tensor is a register that is written once."""
        return tensor in self.registers and self.writes.get(tensor) == 1

    def last_read(self, body: Sequence[Statement], after: int, tensor: Tensor) -> int | None:
        """Return which statement of a block is the last to read a register, if all of them do."""
        found = [
            sum(e.tensor is tensor for inner in statements_in((s,)) for e in reads_of(inner))
            for s in body
        ]
        places = [place for place, count in enumerate(found) if count]
        all_after = sum(found[after + 1 :]) == self.reads.get(tensor, 0)
        return places[-1] if places and all_after else None

    def put(self, body: list[Statement], start: int, old: Element, new: Element) -> None:
        """Replace a register from a statement of a block on."""
        for place in range(start, len(body)):
            body[place] = renamed(body[place], {old: new})
        self.gone.add(old.tensor)


def _is_written(body: Sequence[Statement], tensor: Tensor) -> bool:
    return any(e.tensor is tensor for s in statements_in(body) for e in writes_of(s))


def _is_read(body: Sequence[Statement], tensor: Tensor) -> bool:
    return any(
        e.tensor is tensor
        for s in statements_in(body)
        for e in reads_of(s)
        if not (isinstance(s, Accumulate) and e == s.target)
    )
