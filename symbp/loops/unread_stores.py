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
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["unread_stores"]

# When it is, in which body, in which loops around it, and the element.
_Use = tuple[int, int, tuple[Index, ...], Element]


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

    def visit(body: Sequence[Statement], here: int, loops: tuple[Index, ...]) -> None:
        nonlocal clock
        for statement in body:
            clock += 1
            now = clock
            for element in reads_of(statement):
                adds = isinstance(statement, Accumulate) and element == statement.target
                if not adds:
                    reads.setdefault(element.tensor, []).append((now, here, loops, element))
            for element in writes_of(statement):
                writes.setdefault(element.tensor, []).append((now, here, loops, element))
            if isinstance(statement, For):
                visit(statement.body, id(statement.body), (*loops, statement.index))
            elif isinstance(statement, If):
                visit(statement.body, 0, loops)
                visit(statement.otherwise, 0, loops)

    visit(function.body, 0, ())
    chosen: dict[int, Element] = {}
    for tensor in own:
        found = writes.get(tensor, [])
        if not found:
            continue
        when, body, loops, element = max(found, key=lambda use: use[0])
        # Outside of loops, or under a condition, a later statement reads from memory.
        if not body or not element.is_plain:
            continue
        later = [use for use in reads.get(tensor, []) if use[0] > when]
        earlier = [use for use in reads.get(tensor, []) if use[0] <= when]
        if any(_in_a_later_turn(use, body, loops, element) for use in earlier):
            continue
        if later and all((use[1], use[3]) == (body, element) for use in later):
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


def _in_a_later_turn(use: _Use, body: int, loops: tuple[Index, ...], written: Element) -> bool:
    """Whether what stands before a store may read, in a later turn of a loop, what it stored."""
    _, where, around, read = use
    if where == body:
        return True
    shared = [index for index, other in zip(loops, around, strict=False) if index is other]
    # A turn that reads elements of its own alone reads none of an earlier turn.
    own = [
        any(a is index and b is index for a, b in zip(written.args, read.args, strict=True))
        for index in shared
    ]
    return not all(own)
