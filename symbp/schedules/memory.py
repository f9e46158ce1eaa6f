"""memory: what a step allocates, counted from its loop program, against what it cannot do without.

That is the parameters, the optimizer's state, the gradient of those parameters whose update has to
have all of it first, and for a batch its examples and what the equations compute of them, once.
"""

import math
from dataclasses import dataclass
from typing import Any

import sympy

from symbp.calculus.derivative import has_derivatives
from symbp.entries.model import Model
from symbp.loops.gather import BATCH_SIZE, EXAMPLES
from symbp.loops.nodes import Allocate, For, Function, Statement
from symbp.notation.tensor import Tensor
from symbp.schedules.schedule import Lowered

__all__ = ["Memory", "memory"]

_WORD = 8


@dataclass(frozen=True)
class Memory:
    """Bytes of a step.

    Attributes
    ----------
    parameters, state : int
        Held between steps.
    gradient : int
        Of the parameters whose gradient is stored.
    activations : int
        The examples of a batch, and what the equations compute of them.
    allocated : dict of str to int
        What an epoch allocates, by the names of its arrays.
    """

    parameters: int
    state: int
    gradient: int
    activations: int
    allocated: dict[str, int]

    @property
    def needed(self) -> int:
        """What a step cannot do without."""
        return self.parameters + self.state + self.gradient + self.activations

    @property
    def total(self) -> int:
        """Parameters, state, and all that is allocated."""
        return self.parameters + self.state + sum(self.allocated.values())

    @property
    def ratio(self) -> float:
        """The total over what is needed."""
        return self.total / max(self.needed, 1)

    @property
    def largest(self) -> list[tuple[str, int]]:
        """What is allocated, the largest first."""
        return sorted(self.allocated.items(), key=lambda item: -item[1])


def memory(model: Model, lowered: Lowered, itemsize: int, batch: int) -> Memory:
    """Count the bytes of a step.

    Parameters
    ----------
    model : Model
        With an optimizer.
    lowered : Lowered
        Its epoch, or its step.
    itemsize : int
        Bytes of a number.
    batch : int
        Examples of a batch.
    """
    program = lowered.entry.program
    parameters = set(model.parameters)
    made = allocated(lowered.function, itemsize, batch)
    stored = {t for t in program.tensors if t.adjoint_of in parameters and t.name in made}
    # Derivatives that are operands are computed by equations that nobody wrote.
    training = model.training
    form = training.form.program
    form = training.plain if has_derivatives(form) else form
    given = [t for t in model.data if t in form.tensors]
    computed = {
        equation.tensor
        for equation in form.equations
        if any(not isinstance(extent, int) for extent in equation.tensor.shape)
        and (form.cost is None or equation.tensor in form.depends_on([form.cost]))
    }
    return Memory(
        _bytes(model.parameters, itemsize, batch),
        _bytes(model.states, itemsize, batch),
        _bytes(stored, itemsize, batch),
        _bytes([*given, *computed], itemsize, batch),
        made,
    )


def allocated(function: Function, itemsize: int, batch: int) -> dict[str, int]:
    """Return the bytes of each array that a function allocates for batches of a size.

    What stands under a condition is for larger batches than are usual, and is not counted.
    """
    found: dict[str, int] = {}
    sizes = {size: batch for size in (*function.sizes, BATCH_SIZE) if size != EXAMPLES}
    for statement in _unconditional(function.body):
        if isinstance(statement, Allocate) and statement.kind != "register":
            numbers = [_number(extent, sizes, batch) for extent in statement.shape]
            whole = statement.wide or statement.array.kind == "integer"
            size = math.prod(numbers) * (_WORD if whole else itemsize)
            found[statement.array.name] = found.get(statement.array.name, 0) + size
    return found


def _unconditional(body: tuple[Statement, ...]) -> list[Statement]:
    found: list[Statement] = []
    for statement in body:
        found.append(statement)
        if isinstance(statement, For):
            found += _unconditional(statement.body)
    return found


def _number(extent: Any, sizes: dict[Any, int], batch: int) -> int:
    if isinstance(extent, int):
        return extent
    # What is no size of the function's is a number of rows of a batch.
    symbols = extent.free_symbols
    return int(extent.xreplace({s: sympy.Integer(sizes.get(s, batch)) for s in symbols}))


def _bytes(tensors: Any, itemsize: int, batch: int) -> int:
    return sum(_size(tensor, batch) * (_WORD if tensor.kind == "integer" else itemsize)
               for tensor in tensors)  # fmt: skip


def _size(tensor: Tensor, batch: int) -> int:
    return math.prod(extent if isinstance(extent, int) else batch for extent in tensor.shape)
