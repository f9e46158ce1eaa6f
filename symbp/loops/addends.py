"""addends: a product begins with what it is added to.

::

    product z[n, j] = Σ_k x[n, k] W[j, k]
    for n: for j: z[n, j] += b[j]           ─►    product z[n, j] = b[j] + Σ_k x[n, k] W[j, k]

The sums are added to the biases while they are in registers; otherwise every z would be written,
read and written once more.
"""

from collections.abc import Callable
from dataclasses import replace

from symbp.calculus.matrix_products import group_at, is_innermost
from symbp.loops.dependence import Dependence
from symbp.loops.nodes import Accumulate, Assign, For, Function, Product, Statement
from symbp.loops.traverse import indices_of, reads_of, statements_in, writes_of
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
        if not _is_beside(statement, place, leaf, where) or not _is_whole(
            result[where], leaf, statement
        ):
            continue
        # What is read sooner or later than before must not change in between, and nothing may
        # look at a part of the sum.
        source = dependence.memory(addend.tensor)
        between = result[min(where, place) : max(where, place) + 1]
        if any(source in dependence.uses(other).writes for other in between):
            continue
        if any(memory in dependence.uses(other).reads for other in between[1:-1]):
            continue
        if _is_seen(result[where], leaf, memory, dependence, place < where):
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


def _is_beside(product: Product, place: int, leaf: Statement, where: int) -> bool:
    """Whether a product adds to what was set before it, or something is added to it later."""
    if where < place:
        return isinstance(leaf, Assign) and product.addend == product.target
    return isinstance(leaf, Accumulate) and product.addend is None


def _is_whole(nest: Statement, leaf: Statement, product: Product) -> bool:
    """Whether a nest does something once for each row and column of a product."""
    loops: list[For] = []
    while nest is not leaf:
        if not isinstance(nest, For):
            return False
        loops.append(nest)
        nest = next(s for s in nest.body if any(i is leaf for i in statements_in([s])))
    assert isinstance(leaf, Assign | Accumulate)
    spans = {span.index: span for span in product.spans}
    ranges = {
        index: (spans[axis].start, spans[axis].end, 1)
        for index, axis in zip(leaf.target.args, product.target.args, strict=True)
    }
    return {loop.index: (loop.start, loop.end, loop.step) for loop in loops} == ranges


def _is_seen(
    nest: Statement, leaf: Statement, memory: object, dependence: Dependence, added: bool
) -> bool:
    """Whether a nest reads what one of its statements changes before that, or of other turns."""
    assert isinstance(leaf, Assign | Accumulate)
    after = False
    for statement in statements_in([nest]):
        if statement is leaf:
            after = added
            continue
        for element in reads_of(statement):
            same = after and element == leaf.target
            if dependence.memory(element.tensor) == memory and not same:
                return True
    return False


def _without(statement: Statement, leaf: Statement) -> Statement:
    """Return a statement without one of those in it, and without loops that are then empty."""
    if not isinstance(statement, For):
        return statement
    kept = (_without(child, leaf) for child in statement.body if child is not leaf)
    return replace(statement, body=tuple(child for child in kept if not _is_empty(child)))


def _is_empty(statement: Statement) -> bool:
    return isinstance(statement, For) and not statement.body
