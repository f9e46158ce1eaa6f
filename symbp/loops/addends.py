"""addends: a product begins with what it is added to.

::

    product z[n, j] = Σ_k x[n, k] W[j, k]
    for n: for j: z[n, j] += b[j]           ─►    product z[n, j] = b[j] + Σ_k x[n, k] W[j, k]

The sums are added to the biases while they are in registers; otherwise every z would be written,
read and written once more.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from symbp.calculus.matrix_products import group_at, is_innermost
from symbp.loops.dependence import Dependence
from symbp.loops.nodes import Accumulate, Assign, For, Function, If, Product, Statement
from symbp.loops.traverse import indices_of, statements_in, writes_of
from symbp.notation.tensor import Element

__all__ = ["addends"]


def addends(function: Function, wanted: Callable[[Product], bool] = lambda _: True) -> Function:
    """Return an equivalent function whose products take over the one addend of their target.

    Parameters
    ----------
    function : Function
        Its products stand outside of loops; what is added stands in loops of its own or of others.
    wanted : callable
        Which products may begin with something else than zero.
    """
    dependence = Dependence(function)
    result = list(function.body)
    writers: dict[object, list[tuple[int, Statement]]] = {}
    for where, statement in enumerate(function.body):
        for leaf in statements_in([statement]):
            for element in writes_of(leaf):
                memory = dependence.memory(element.tensor)
                writers.setdefault(memory, []).append((where, leaf))
    for place, statement in enumerate(function.body):
        if not isinstance(statement, Product) or not wanted(statement):
            continue
        memory = dependence.memory(statement.target.tensor)
        others = [(where, leaf) for where, leaf in writers[memory] if leaf is not statement]
        if len(others) != 1:
            continue
        ((where, leaf),) = others
        addend = _addend(statement, leaf)
        if addend is None or function.memory(statement.target.tensor) in _inout(function):
            continue
        # What is read sooner or later than before must not change in between.
        source = dependence.memory(addend.tensor)
        between = result[min(where, place) : max(where, place) + 1]
        if any(source in dependence.uses(other).writes for other in between):
            continue
        assert isinstance(leaf, Assign | Accumulate)
        result[place] = replace(statement, addend=addend, added=leaf.equation)
        result[where] = _without(result[where], leaf)
    return function.replace(body=tuple(s for s in result if not _is_empty(s)))


def _inout(function: Function) -> set[object]:
    return {argument.array for argument in function.arguments if argument.role == "inout"}


def _addend(product: Product, leaf: Statement) -> Element | None:
    """Return what a statement adds, in the product's indices, if its rows are rows in memory."""
    if (
        not isinstance(leaf, Assign | Accumulate)
        or (isinstance(leaf, Accumulate) and leaf.operation != "sum")
        or not isinstance(leaf.value, Element)
        or not leaf.target.is_plain
        or not product.target.is_plain
        or leaf.target.tensor is not product.target.tensor
        or product.first is None
        or not product.columns
        or product.addend not in (None, product.target)
        or {*indices_of(product.rows), *indices_of(product.columns)} != set(product.target.args)
    ):
        return None
    names = dict(zip(leaf.target.args, product.target.args, strict=True))
    read = leaf.value.xreplace(names)
    rows, columns = indices_of(product.rows), indices_of(product.columns)
    across = tuple(index for index in read.args if index in rows)
    if (
        not isinstance(read, Element)
        or not read.is_plain
        or read.tensor.kind == "integer"
        or set(read.args) - {*rows, *columns}
        or set(columns) - set(read.args)
        or across not in ((), rows)
    ):
        return None
    in_rows = not across or group_at(read, rows) is not None
    return read if in_rows and is_innermost(read, columns) else None


def _without(statement: Statement, leaf: Statement) -> Statement:
    """Return a statement without one of those in it, and without loops that are then empty."""
    if isinstance(statement, For):
        return replace(statement, body=_rest(statement.body, leaf))
    if isinstance(statement, If):
        return replace(
            statement,
            body=_rest(statement.body, leaf),
            otherwise=_rest(statement.otherwise, leaf),
        )
    return statement


def _rest(body: Sequence[Statement], leaf: Statement) -> tuple[Statement, ...]:
    kept = (_without(child, leaf) for child in body if child is not leaf)
    return tuple(child for child in kept if not _is_empty(child))


def _is_empty(statement: Statement) -> bool:
    if isinstance(statement, For):
        return not statement.body
    return isinstance(statement, If) and not statement.body and not statement.otherwise
