"""unread_stores: a value that only the same turn of a loop reads is not stored.

::

    for j: for n: z[j, n] += b[j]                   for j: for n: register s
                  a[j, n] = σ(z[j, n])        ─►                  s = z[j, n] + b[j]
                                                                  a[j, n] = σ(s)

The array keeps its memory for what was written to it before; nothing loads this last value.
"""

from collections.abc import Sequence
from dataclasses import replace

from symbp.loops.nodes import Accumulate, Allocate, Assign, For, Function, If, Statement
from symbp.loops.traverse import reads_of, renamed, writes_of
from symbp.notation.tensor import Element, Tensor

__all__ = ["unread_stores"]

# When it happens, the body that it is in, the element, and which statement of the function.
_Use = tuple[int, int, Element, int]


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

    def visit(body: Sequence[Statement], here: int, outermost: int | None) -> None:
        nonlocal clock
        for number, statement in enumerate(body):
            top = number if outermost is None else outermost
            clock += 1
            now = clock
            for element in reads_of(statement):
                adds = isinstance(statement, Accumulate) and element == statement.target
                if not adds:
                    reads.setdefault(element.tensor, []).append((now, here, element, top))
            for element in writes_of(statement):
                writes.setdefault(element.tensor, []).append((now, here, element, top))
            if isinstance(statement, For):
                visit(statement.body, id(statement.body), top)
            elif isinstance(statement, If):
                visit(statement.body, 0, top)
                visit(statement.otherwise, 0, top)

    visit(function.body, 0, None)
    chosen: dict[int, Element] = {}
    for tensor in own:
        found = writes.get(tensor, [])
        if not found:
            continue
        when, body, element, top = max(found, key=lambda use: use[0])
        # Outside of loops, or under a condition, a later statement reads from memory.
        if not body or not element.is_plain:
            continue
        later = [use for use in reads.get(tensor, []) if use[0] > when]
        # What stands above it in the same loops is read again in their next turn.
        earlier = [use for use in reads.get(tensor, []) if use[0] <= when and use[3] == top]
        if later and not earlier and all(use[1:3] == (body, element) for use in later):
            chosen[when] = Tensor(f"{tensor.name}_", (), label=tensor.label)[()]
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
                inner = change(statement.body)
                same = all(a is b for a, b in zip(inner, statement.body, strict=False))
                if not same or len(inner) != len(statement.body):
                    statement = replace(statement, body=inner)
                result.append(statement)
                continue
            if isinstance(statement, If):
                statement = replace(
                    statement, body=change(statement.body), otherwise=change(statement.otherwise)
                )
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
