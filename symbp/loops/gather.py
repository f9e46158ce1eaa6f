"""gather: a function of one batch gets its examples out of all of them, by their numbers.

::

    step(x[N, 20])  ─►  step(x_all[examples, 20], order[examples], start, N):
                            for n: for k: x[n, k] = x_all[order[start + n], k]

A gather is an assignment like any other; :func:`inline_gathers` lets the readers of some arrays
read the examples where they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import sympy

from symbp.loops.nodes import Allocate, Argument, Assign, For, Function, Statement, View
from symbp.loops.traverse import elements_in, map_statements, nested, renamed
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import Limit

__all__ = ["BATCH_SIZE", "EXAMPLES", "START", "gather", "inline_gathers"]

BATCH_SIZE = sympy.Symbol("batch_size", integer=True, positive=True)
EXAMPLES = sympy.Symbol("examples", integer=True, positive=True)
# The first of this batch's places in the order; an index, as it stands in subscripts.
START = Index("start", EXAMPLES)


def gather(function: Function, batch: sympy.Symbol) -> Function:
    """Return a function that copies its batch out of all examples.

    Parameters
    ----------
    function : Function
        Built with memory for :data:`BATCH_SIZE` rows.
    batch : Symbol
        The number of rows of a batch: the extent of the first axis of some arguments.

    Returns
    -------
    Function
        Takes all examples, their order, where the batch starts in it and how many rows it has.
    """
    names = {argument.array.name for argument in function.arguments}
    order = Tensor(fresh_name("order", names), (Index("i", EXAMPLES),), kind="integer")
    arguments: list[Argument] = []
    before: list[Statement] = []
    limits = dict(function.limits)
    for argument in function.arguments:
        tensor = argument.array
        if not tensor.rank or tensor.shape[0] != batch:
            arguments.append(argument)
            continue
        rest = tuple(index.fresh() for index in tensor.indices[1:])
        name = fresh_name(f"{tensor.name}_all", names)
        whole = Tensor(name, (Index("i", EXAMPLES), *rest), tensor.role, kind=tensor.kind)
        if tensor in limits:
            limits[whole] = limits[tensor]
        arguments.append(Argument(whole, argument.role))
        row = Index("n", batch)
        before.append(Allocate(tensor, (BATCH_SIZE, *tensor.shape[1:])))
        copied: Statement = Assign(tensor[(row, *rest)], whole[(order[START + row], *rest)])
        for index in reversed((row, *rest)):
            copied = For(index, 0, index.extent, (copied,))
        before.append(copied)
    limits[order] = Limit(0, EXAMPLES)
    others = (size for size in function.sizes if size != batch)
    return function.replace(
        arguments=(*arguments, Argument(order, "in")),
        sizes=(batch, BATCH_SIZE, EXAMPLES, START, *others),
        body=(*before, *function.body),
        limits=limits,
    )


def inline_gathers(function: Function, wanted: Callable[[Tensor], bool]) -> Function:
    """Return an equivalent function that reads some examples where they are, without a copy.

    Parameters
    ----------
    function : Function
        With gathers in front.
    wanted : callable
        Tells for an array of a batch whether its readers are to look up the numbers of its rows.
    """
    found: dict[Tensor, tuple[Statement, Element, Element]] = {}
    for statement in function.body:
        copy = _gather_of(statement)
        if copy is not None and wanted(copy.target.tensor):
            assert isinstance(copy.value, Element)
            found[copy.target.tensor] = statement, copy.target, copy.value
    viewed = {s.of for s in function.statements if isinstance(s, View)}
    found = {tensor: rest for tensor, rest in found.items() if tensor not in viewed}
    dropped = [statement for statement, _, _ in found.values()]
    mapping: dict[Element, Element] = {}
    for element, _ in elements_in(function.body):
        if element.tensor in found:
            _, target, value = found[element.tensor]
            names = dict(zip(target.args, element.args, strict=True))
            mapping[element] = value.xreplace(names)

    def change(statement: Statement) -> Statement | Sequence[Statement]:
        return () if isinstance(statement, Allocate) and statement.array in found else statement

    mapping = nested(mapping)
    rest = [s for s in function.body if not any(s is other for other in dropped)]
    body = (renamed(statement, mapping) for statement in map_statements(rest, change))
    return function.replace(body=tuple(map(_rows_outside, body)))


def _rows_outside(statement: Statement) -> Statement:
    """Return a nest that copies examples with the loop over these outside: each is found once."""
    copy = _gather_of(statement)
    if copy is None:
        return statement
    loops: list[For] = []
    while isinstance(statement, For):
        loops.append(statement)
        (statement,) = statement.body
    found = copy.value.args[0].atoms(Index)
    # The others keep their order, the innermost first.
    places = {loop.index: place for place, loop in enumerate(loops)}
    for loop in sorted(loops, key=lambda loop: (loop.index in found, -places[loop.index])):
        statement = replace(loop, body=(statement,))
    return statement


def _gather_of(statement: Statement) -> Assign | None:
    """Return the assignment of a loop nest that copies examples, or None."""
    while isinstance(statement, For) and len(statement.body) == 1:
        statement = statement.body[0]
    if isinstance(statement, Assign) and isinstance(statement.value, Element):
        subscripts = statement.value.args
        if subscripts and isinstance(subscripts[0], sympy.Expr) and subscripts[0].has(START):
            return statement
    return None
