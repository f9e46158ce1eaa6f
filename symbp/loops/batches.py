"""batches: an epoch, the loop over the batches of all examples around one step.

::

    for start from 0 to examples step batch_size:
        let N = min(batch_size, examples - start)
        … the step …
        total += N · cost
    return total / examples
"""

from collections.abc import Sequence

import sympy

from symbp.loops.gather import BATCH_SIZE, EXAMPLES, START
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Assign,
    Barrier,
    For,
    Function,
    Let,
    Return,
    Statement,
    View,
    smaller,
)
from symbp.loops.traverse import elements_in, reads_of
from symbp.notation.tensor import Tensor

__all__ = ["batches"]


def batches(function: Function, batch: sympy.Symbol) -> Function:
    """Return the function that runs another for each batch in turn.

    Parameters
    ----------
    function : Function
        Of one batch, whose examples it gathers (see :mod:`symbp.loops.gather`); it returns the
        batch's cost.
    batch : Symbol
        The number of rows of a batch.

    Returns
    -------
    Function
        Returns the mean of the cost over all examples. Memory is allocated once.
    """
    before, step = _split(function.body, batch)
    last = step[-1]
    assert isinstance(last, Return), "a step ends with its cost"
    assert last.value is not None
    total = Tensor("total")[()]
    body = (
        Let(batch, smaller(BATCH_SIZE, EXAMPLES - START)),
        *step[:-1],
        Accumulate(total, batch * last.value),
        # The next batch overwrites what others may still read.
        *([Barrier()] if function.team else []),
    )
    return function.replace(
        sizes=tuple(size for size in function.sizes if size not in (batch, START)),
        body=(
            *before,
            Allocate(total.tensor, (), "register"),
            Assign(total, sympy.S.Zero),
            For(START, 0, EXAMPLES, body, BATCH_SIZE),
            Return(total / EXAMPLES),
        ),
    )


def _split(
    body: Sequence[Statement], batch: sympy.Symbol
) -> tuple[list[Statement], list[Statement]]:
    """Return what is done once, and what is done for each batch.

    Once: memory, views, and numbers that never change.
    """
    written: dict[Tensor, int] = {}
    for element, writes in elements_in(body):
        if writes:
            written[element.tensor] = written.get(element.tensor, 0) + 1
    once: list[Statement] = []
    each: list[Statement] = []
    constants = {
        statement.target.tensor
        for statement in body
        if isinstance(statement, Assign)
        and not statement.target.args
        and written[statement.target.tensor] == 1
        and not list(reads_of(statement))
        and not statement.value.free_symbols
    }
    for statement in body:
        memory = isinstance(statement, Allocate) and (
            statement.kind != "register" or statement.array in constants
        )
        fixed = isinstance(statement, Assign) and statement.target.tensor in constants
        viewed = isinstance(statement, View) and batch not in (statement.shape or ())
        (once if memory or fixed or viewed else each).append(statement)
    return once, each
