"""forward_copies: who reads a copy of some steps reads what was copied.

::

    for t: for n: for k: o[t, n, k] = where(t > 0, h[t - 1, n, k], 0)
    for t: z[t, n, g] = Σ_k o[t, n, k] U[g, k]
    W[g, k] = Σ_tn s[t, n, g] o[t, n, k]
                                                ─►
    for t: if t > 0: z[t, n, g] = Σ_k h[t - 1, n, k] U[g, k]
           else:     z[t, n, g] = 0
    W[g, k] = Σ_tn s[t, n, g] h[t - 1, n, k]  with t from 1 on

The step before is read where it is: a product takes its first number and the distance of its rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy
from sympy.core.expr import Expr

from symbp.loops.nodes import Allocate, Assign, For, Function, If, Product, Span, Statement
from symbp.loops.traverse import elements_in, map_statements, renamed, writes_of
from symbp.notation.conditions import compared
from symbp.notation.dependence import offset
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["forward_copies"]


@dataclass(frozen=True)
class _Copy:
    """What an array holds: elements of another for some values of an index, 0 for the others."""

    target: Element
    source: Element
    step: Index
    first: int
    last: int


def forward_copies(function: Function) -> Function:
    """Return an equivalent function that makes fewer copies.

    Parameters
    ----------
    function : Function
        Each array is complete before it is read, and keeps what it holds; products are found.
    """
    for tensor in list(function.allocations):
        copy = _copy_in(function, tensor)
        if copy is not None:
            function = _forwarded(function, copy)
    return function


def _copy_in(function: Function, tensor: Tensor) -> _Copy | None:
    """Return what an array is a copy of, if it is one."""
    allocated = function.allocations
    writers = [s for s in function.statements if any(e.tensor is tensor for e in writes_of(s))]
    if len(writers) != 1 or tensor in {view.of for view in function.views.values()}:
        return None
    (writer,) = writers
    if not isinstance(writer, Assign) or not writer.target.is_plain:
        return None
    value, conditions = writer.value, []
    while isinstance(value, where) and value.args[2] == 0:
        conditions.append(value.args[0])
        value = value.args[1]
    if not isinstance(value, Element) or value.tensor not in allocated or not conditions:
        return None
    steps = {i for c in conditions for i in c.free_symbols}
    if len(steps) != 1 or any(c.atoms(Element) for c in conditions):
        return None
    (step,) = steps
    if step not in writer.target.args or not isinstance(getattr(step, "extent", None), int):
        return None
    for subscript in value.args:
        if isinstance(subscript, Index):
            continue
        if offset(subscript, step) is None:
            return None
    if set(writer.target.args) != {s if isinstance(s, Index) else step for s in value.args}:
        return None
    holds = [all(bool(c.subs(step, at)) for c in conditions) for at in range(step.extent)]
    if True not in holds:
        return None
    first, last = holds.index(True), step.extent - 1 - holds[::-1].index(True)
    if not all(holds[first : last + 1]):
        return None
    return _Copy(writer.target, value, step, first, last)


def _forwarded(function: Function, copy: _Copy) -> Function:
    tensor = copy.target.tensor

    def change(statement: Statement) -> Statement | Sequence[Statement]:
        if isinstance(statement, Product):
            return _product(statement, copy)
        reads = [e for e, writes in elements_in((statement,)) if e.tensor is tensor and not writes]
        if reads and not isinstance(statement, For | If):
            return renamed(statement, {element: _value(element, copy) for element in reads})
        return statement

    body = map_statements(function.body, change)
    if any(e.tensor is tensor and not writes for e, writes in elements_in(body)):
        return function.replace(body=body)

    def drop(statement: Statement) -> Statement | Sequence[Statement]:
        if isinstance(statement, Allocate) and statement.array is tensor:
            return ()
        if isinstance(statement, Assign) and statement.target.tensor is tensor:
            return ()
        return () if isinstance(statement, For) and not statement.body else statement

    return function.replace(body=map_statements(body, drop))


def _source(element: Element, copy: _Copy) -> Element:
    source: Element = copy.source.xreplace(dict(zip(copy.target.args, element.args, strict=True)))
    return source


def _value(element: Element, copy: _Copy) -> Expr:
    """Return the value of an element."""
    step = dict(zip(copy.target.args, element.args, strict=True))[copy.step]
    condition = _within(step, copy)
    source = _source(element, copy)
    return source if condition is sympy.true else where(condition, source, 0)


def _within(step: Expr, copy: _Copy) -> Expr:
    parts = []
    if copy.first > 0:
        parts.append(compared(sympy.Gt, step, sympy.Integer(copy.first - 1)))
    if copy.last < copy.step.extent - 1:
        parts.append(compared(sympy.Lt, step, sympy.Integer(copy.last + 1)))
    return sympy.And(*parts)


def _product(product: Product, copy: _Copy) -> Statement | Sequence[Statement]:
    """Return a product that reads what was copied, if it can."""
    tensor = copy.target.tensor
    operands = (product.first, product.second)
    found = [e for e in operands if e is not None and e.tensor is tensor]
    if not found:
        return product
    if len(found) > 1 or (product.addend is not None and product.addend.tensor is tensor):
        return product
    (element,) = found
    step = dict(zip(copy.target.args, element.args, strict=True))[copy.step]
    changes = {
        name: _source(element, copy)
        for name, operand in zip(("first", "second"), operands, strict=True)
        if operand is element
    }
    made = replace(product, **changes)
    spans = {span.index: span for span in product.spans}
    if step not in spans:
        if not isinstance(step, Index):
            return product
        condition = _within(step, copy)
        if condition is sympy.true:
            return made
        otherwise = () if product.addend is not None else (_zeros(product),)
        return If(condition, (made,), otherwise)
    span = spans[step]
    if span not in product.summed or not (
        isinstance(span.start, int) and isinstance(span.end, int)
    ):
        return product
    less = Span(span.index, max(span.start, copy.first), min(span.end, copy.last + 1))
    return replace(made, summed=tuple(less if s is span else s for s in product.summed))


def _zeros(product: Product) -> Statement:
    """Return the loops that set a product's target to 0."""
    spans = (*product.rows, *product.columns)
    fresh = {span.index: span.index.fresh() for span in spans}
    result: Statement = Assign(product.target.xreplace(fresh), sympy.S.Zero, product.equation)
    for span in reversed(spans):
        result = For(fresh[span.index], span.start, span.end, (result,))
    return result
