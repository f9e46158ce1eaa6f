"""strips: a function whose rows are independent works through any number of them.

::

    predict(x[N, 64], a[N, 10])  ─►  predict(x_all[rows, 64], a_all[rows, 10]):
                                         for first from 0 to rows step capacity:
                                             let N = min(capacity, rows - first)
                                             view x of x_all from 64 first on; …
"""

from collections.abc import Sequence
from typing import Any

import sympy

from symbp.entries.entry import Entry
from symbp.loops.nodes import (
    Allocate,
    Argument,
    For,
    Function,
    Let,
    Return,
    Statement,
    View,
    smaller,
)
from symbp.notation.index import Index
from symbp.notation.tensor import Tensor

__all__ = ["ROWS", "rows_are_independent", "strips"]

#: All rows of a call.
ROWS = sympy.Symbol("rows", integer=True, positive=True)
_FIRST = Index("first", ROWS)


def rows_are_independent(entry: Entry) -> bool:
    """Whether each row of what an entry writes is computed from the same row of what it reads."""
    program = entry.program
    extents = {e for t in program.tensors for e in t.shape if isinstance(e, sympy.Symbol)}
    if len(extents) != 1 or entry.returns is not None or program.updates:
        return False
    written = [t for slot in entry.slots if slot.role == "out" for t in slot.tensors]
    if any(not t.rank or isinstance(t.shape[0], int) for t in written):
        return False
    if any(not isinstance(extent, int) for t in program.tensors for extent in t.shape[1:]):
        return False
    for equation in program.equations:
        if extents & equation.body.free_symbols:
            return False  # such as a mean over the rows
        rows = {i for i in equation.body.atoms(Index) if not isinstance(i.extent, int)}
        if any(not isinstance(index.extent, int) for index in equation.reduce):
            return False
        if rows - {equation.lhs.args[0] if equation.lhs.args else None}:
            return False
    return True


def strips(function: Function, batch: sympy.Symbol, capacity: sympy.Symbol) -> Function:
    """Return the function that runs another for as many rows at a time as it has memory for.

    Parameters
    ----------
    function : Function
        Its rows are independent.
    batch : Symbol
        The number of its rows: the extent of the first axis of some arguments.
    capacity : Symbol
        The most rows.
    """
    arguments: list[Argument] = []
    views: list[Statement] = []
    for argument in function.arguments:
        tensor = argument.array
        if not tensor.rank or tensor.shape[0] != batch:
            arguments.append(argument)
            continue
        rest = tuple(index.fresh() for index in tensor.indices[1:])
        whole = Tensor(tensor.name, (Index("i", ROWS), *rest), tensor.role, kind=tensor.kind)
        arguments.append(Argument(whole, argument.role))
        views.append(View(tensor, whole, _FIRST * _size(tensor.shape[1:]), tensor.shape))
    once, each = _split(function.body)
    body = (Let(batch, smaller(capacity, ROWS - _FIRST)), *views, *each)
    limits = {
        whole.array if inner.array in function.limits else inner.array: limit
        for inner, whole in zip(function.arguments, arguments, strict=True)
        for limit in [function.limits.get(inner.array)]
        if limit is not None
    }
    return function.replace(
        arguments=tuple(arguments),
        sizes=(ROWS,),
        body=(*once, For(_FIRST, 0, ROWS, body, capacity)),
        limits=limits,
    )


def _split(body: Sequence[Statement]) -> tuple[list[Statement], list[Statement]]:
    """Return the memory, which is allocated once, and what is done for each strip."""
    once: list[Statement] = []
    each: list[Statement] = []
    for statement in body:
        if isinstance(statement, Return):
            continue
        memory = isinstance(statement, Allocate) and statement.kind != "register"
        (once if memory else each).append(statement)
    return once, each


def _size(shape: Sequence[Any]) -> int:
    size = 1
    for extent in shape:
        size *= int(extent)
    return size
