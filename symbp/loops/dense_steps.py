"""dense_steps: arrays with steps before examples have no gaps where a batch is short.

::

    allocate h[T, batch_size, 64]            allocate memory[batch_size, T 64]
    …                                  ─►    let N = …; view h of memory as [T, N, 64]

The rows of all steps then lie one after another for each number of examples, so that what is
computed of all steps at once is one product.
"""

import math
from collections.abc import Sequence

import sympy

from symbp.loops.nodes import Allocate, Function, Statement, View
from symbp.loops.traverse import map_statements
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.tensor import Tensor

__all__ = ["dense_steps", "has_steps_outermost"]


def dense_steps(function: Function, batch: sympy.Symbol) -> Function:
    """Return an equivalent function whose arrays of steps have a view for the batch's size.

    Parameters
    ----------
    function : Function
        Of one batch, with memory for larger ones.
    batch : Symbol
        The number of rows of the batch.
    """
    names = {tensor.name for tensor in (*function.allocations, *function.views)}
    whole: set[Tensor] = set()

    def change(statement: Statement) -> Statement | Sequence[Statement]:
        if isinstance(statement, Allocate) and _is_dense(statement.array, batch):
            array, capacity = statement.array, statement.shape[1]
            if capacity == batch or statement.kind != "heap":
                return statement
            rest = math.prod(e for e in array.shape if e != batch)
            axes = (Index("n", batch), Index("i", rest))
            memory = Tensor(fresh_name(f"{array.name}_memory", names), axes)
            whole.add(array)
            return (
                _memory(statement, memory, (capacity, rest)),
                View(array, memory, 0, array.shape),
            )
        if isinstance(statement, View) and statement.of in whole:
            whole.add(statement.array)
            return View(statement.array, statement.of, statement.offset, statement.array.shape)
        return statement

    return function.replace(body=map_statements(function.body, change))


def has_steps_outermost(function: Function) -> bool:
    """Whether some arrays have their steps before anything else."""
    own = (*function.allocations, *function.views)
    return any(tensor.rank > 1 and tensor.indices[0].sequential for tensor in own)


def _memory(made: Allocate, memory: Tensor, shape: tuple[object, ...]) -> Allocate:
    """Return memory of the same kind for another array."""
    return Allocate(memory, shape, made.kind, made.wide)


def _is_dense(tensor: Tensor, batch: sympy.Symbol) -> bool:
    return tensor.rank > 1 and tensor.indices[0].sequential and tensor.shape[1] == batch
