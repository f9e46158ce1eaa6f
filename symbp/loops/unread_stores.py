"""unread_stores: a value that only the same turn of a loop reads is not stored.

::

    for j: for n: z[j, n] += b[j]                   for j: for n: register s
                  a[j, n] = σ(z[j, n])        ─►                  s = z[j, n] + b[j]
                                                                  a[j, n] = σ(s)

The array keeps its memory for what was written to it before; nothing loads this last value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from symbp.loops.nodes import Accumulate, Allocate, Assign, For, Function, If, Statement
from symbp.loops.traverse import reads_of, renamed, with_body, writes_of
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["unread_stores"]


@dataclass(frozen=True)
class _Use:
    """A read or a write of an element."""

    when: int
    body: int
    """Which body it stands in; 0 outside of loops and under a condition."""
    element: Element
    top: int
    """Which statement of the function it is in."""
    loops: tuple[Index, ...]
    sure: bool
    """Whether no condition is around it."""
    adds: bool = False


def unread_stores(function: Function) -> Function:
    """Return an equivalent function with fewer stores.

    Parameters
    ----------
    function : Function
        Before arrays take over the memory of others.
    """
    viewed = {view.of for view in function.views.values()}
    own = {
        tensor
        for tensor, made in function.allocations.items()
        if made.kind != "register" and tensor not in viewed
    }
    reads: dict[Tensor, list[_Use]] = {}
    writes: dict[Tensor, list[_Use]] = {}
    clock = 0

    def visit(
        body: Sequence[Statement], here: int, loops: tuple[Index, ...], top: int, sure: bool = True
    ) -> None:
        nonlocal clock
        for statement in body:
            clock += 1
            adds = isinstance(statement, Accumulate)
            for element in reads_of(statement):
                # What is added to is read by that alone.
                if not (adds and element in writes_of(statement)):
                    use = _Use(clock, here, element, top, loops, sure)
                    reads.setdefault(element.tensor, []).append(use)
            for element in writes_of(statement):
                use = _Use(clock, here, element, top, loops, sure, adds)
                writes.setdefault(element.tensor, []).append(use)
            if isinstance(statement, For):
                visit(statement.body, id(statement.body), (*loops, statement.index), top, sure)
            elif isinstance(statement, If):
                visit(statement.body, 0, loops, top, False)
                visit(statement.otherwise, 0, loops, top, False)

    for number, statement in enumerate(function.body):
        visit((statement,), 0, (), number)
    chosen: dict[int, Element] = {}
    for tensor in own:
        found = writes.get(tensor, [])
        if not found:
            continue
        last = found[-1]
        # Outside of loops, or under a condition, a later statement reads from memory.
        if not last.body or not last.element.is_plain or _adds_again(found):
            continue
        later = [use for use in reads.get(tensor, []) if use.when > last.when]
        # What stands above it in the same loops is read again in their next turn.
        earlier = [u for u in reads.get(tensor, []) if u.when <= last.when and u.top == last.top]
        if (
            later
            and not earlier
            and all((u.body, u.element) == (last.body, last.element) for u in later)
        ):
            register = Tensor(f"{tensor.name}_", (), label=tensor.label, kind=tensor.kind)
            chosen[last.when] = register[()]
    if not chosen:
        return function
    clock = 0

    def change(body: Sequence[Statement]) -> tuple[Statement, ...]:
        nonlocal clock
        result: list[Statement] = []
        names: dict[Element, Element] = {}
        for statement in body:
            clock += 1
            register = chosen.get(clock)
            if isinstance(statement, For):
                result.append(with_body(statement, change(statement.body)))
                continue
            if isinstance(statement, If):
                then = change(statement.body)
                statement = with_body(statement, then, change(statement.otherwise))
            statement = renamed(statement, dict(names)) if names else statement
            simple = isinstance(statement, Assign) or (
                isinstance(statement, Accumulate) and statement.operation == "sum"
            )
            if register is None or not simple:
                result.append(statement)
                continue
            assert isinstance(statement, Assign | Accumulate)
            value = statement.value
            if isinstance(statement, Accumulate):
                value = statement.target + value
            result += [
                Allocate(register.tensor, (), "register"),
                Assign(register, value, statement.equation),
            ]
            names[statement.target] = register
        return tuple(result)

    return function.replace(body=change(function.body))


def _adds_again(writes: Sequence[_Use]) -> bool:
    """Whether the last of some writes adds to what it added in an earlier turn of a loop.

    It does not where each turn sets the element anew.
    """
    first, last = writes[0], writes[-1]
    again = [loop for loop in last.loops if loop not in last.element.args]
    anew = not first.adds and all(write.sure and set(again) <= set(write.loops) for write in writes)
    return last.adds and bool(again) and not anew
