"""epoch_parts: an epoch that is written out by element, taken apart.

What is done once, at the start of a step, for each example and at its end: a pass that puts loops
around each of them needs them one by one. An epoch that has anything else in it has no parts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import sympy

from symbp.loops.gather import START
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Assign,
    For,
    Function,
    Let,
    Return,
    Statement,
    View,
)
from symbp.loops.traverse import elements_of
from symbp.notation.tensor import Element, Tensor

__all__ = ["Parts", "parts_of"]


@dataclass
class Parts:
    """An epoch of one network, taken apart.

    Attributes
    ----------
    views : dict of Tensor to View
        Where the elements of packed arguments lie.
    registers : dict of Tensor to Tensor
        Those that hold such an element, and its view.
    before : list of Statement
        What is computed once.
    let : list of Statement
        The size of a batch.
    first : list of Statement
        What a step begins with.
    data : dict of Tensor to Assign
        What an example is copied into, and from where.
    examples : For
        The sum over the examples of a batch.
    powers, last : list of Statement
        The update: what ends with powers that no vector instruction computes, and the rest.
    total : Tensor
        The sum of the costs of all batches.
    added : Accumulate
        What adds to it.
    """

    views: dict[Tensor, View] = field(default_factory=dict)
    registers: dict[Tensor, Tensor] = field(default_factory=dict)
    before: list[Statement] = field(default_factory=list)
    let: list[Statement] = field(default_factory=list)
    powers: list[Statement] = field(default_factory=list)
    first: list[Statement] = field(default_factory=list)
    data: dict[Tensor, Assign] = field(default_factory=dict)
    examples: For | None = None
    last: list[Statement] = field(default_factory=list)
    total: Tensor | None = None
    added: Accumulate | None = None


def parts_of(function: Function) -> Parts | None:
    """Return the parts of an epoch, or None if there is anything else in it.

    Parameters
    ----------
    function : Function
        Written out by element.
    """
    found = Parts()
    returned = function.body[-1]
    assert isinstance(returned, Return)
    assert returned.value is not None
    totals = {element.tensor for element in elements_of(returned.value)}
    after = False
    for statement in function.body:
        if isinstance(statement, View) and not statement.array.rank:
            found.views[statement.array] = statement
        elif isinstance(statement, For) and statement.index == START and not after:
            after = True
            if not _batch(statement, found, totals):
                return None
        elif isinstance(statement, Allocate) and statement.array.rank:
            continue  # the rows of a batch
        elif isinstance(statement, Allocate | Assign) and not after:
            found.before.append(statement)
        elif isinstance(statement, Return):
            continue
        elif not (isinstance(statement, Assign) and statement.target.tensor in found.views):
            return None
    loads = [s for s in found.before if isinstance(s, Assign) and s.value in _elements(found.views)]
    found.registers = {s.target.tensor: s.value.tensor for s in loads}
    once = {*found.registers, *totals}
    found.before = [
        s
        for s in found.before
        if (s.array if isinstance(s, Allocate) else s.target.tensor) not in once  # type: ignore
    ]
    made = {s.array for s in function.statements if isinstance(s, Allocate) and s.array.rank}
    known = {*found.data, *(argument.array for argument in function.arguments)}
    if found.examples is None or found.total is None or not made <= known:
        return None
    found.powers, found.last = _with_powers(found.last)
    straight = [*found.before, *found.first, *found.examples.body, *found.last]
    return found if all(isinstance(s, _STRAIGHT) for s in straight) else None


def _with_powers(statements: list[Statement]) -> tuple[list[Statement], list[Statement]]:
    """Return the statements up to the last power whose exponent is no number, and the rest."""
    ends = [
        place + 1
        for place, statement in enumerate(statements)
        if isinstance(statement, Assign | Accumulate)
        and any(not power.exp.is_number for power in statement.value.atoms(sympy.Pow))
    ]
    end = ends[-1] if ends else 0
    return statements[:end], statements[end:]


_STRAIGHT = (Allocate, Assign, Accumulate)


def _elements(tensors: Iterable[Tensor]) -> set[Element]:
    return {tensor[()] for tensor in tensors}


def _batch(loop: For, found: Parts, totals: set[Tensor]) -> bool:
    """Take apart the step of a batch."""
    for statement in loop.body:
        if isinstance(statement, For):
            body = statement.body
            if all(isinstance(s, Assign) and s.target.args == (statement.index,) for s in body):
                found.data |= {s.target.tensor: s for s in body}  # type: ignore[union-attr,misc]
            elif found.examples is None and (statement.start, statement.step) == (0, 1):
                found.examples = statement
            else:
                return False
        elif isinstance(statement, Let):
            found.let.append(statement)
        elif found.examples is None:
            found.first.append(statement)
        elif isinstance(statement, Accumulate) and statement.target.tensor in totals:
            found.added, found.total = statement, statement.target.tensor
        else:
            found.last.append(statement)
    return found.examples is not None
