"""inline_calls: a function without calls, the statements of what it calls in their place.

The arrays of the caller take the place of arguments; what the called function makes for itself
has a name of its own in each call.
"""

from dataclasses import replace
from typing import Any

from symbp.loops.nodes import (
    Allocate,
    AllReduce,
    Call,
    Divide,
    For,
    Function,
    Let,
    Product,
    Return,
    Statement,
    View,
)
from symbp.loops.traverse import elements_in, map_statements, nested, renamed
from symbp.notation.tensor import Element, Tensor

__all__ = ["inline_calls"]


def inline_calls(function: Function) -> Function:
    """Return an equivalent function that calls no other.

    Parameters
    ----------
    function : Function
        What it calls has arguments of as many axes as the arrays that are passed.
    """
    if not any(isinstance(statement, Call) for statement in function.statements):
        return function

    def change(statement: Statement) -> Statement | tuple[Statement, ...]:
        return _written_out(statement) if isinstance(statement, Call) else statement

    return function.replace(body=map_statements(function.body, change))


def _written_out(call: Call) -> tuple[Statement, ...]:
    called = inline_calls(call.function)
    arrays: dict[Tensor, Tensor] = {
        argument.array: tensor
        for argument, tensor in zip(called.arguments, call.arguments, strict=True)
    }
    names: dict[Any, Any] = {}
    for statement in called.statements:
        if isinstance(statement, Allocate | View):
            arrays[statement.array] = statement.array.like(
                statement.array.name, kind=statement.array.kind
            )
        elif isinstance(statement, For):
            names[statement.index] = statement.index.fresh()
        elif isinstance(statement, Product):
            names |= {span.index: span.index.fresh() for span in statement.spans}
        elif isinstance(statement, Let):
            names[statement.symbol] = statement.symbol.as_dummy()
        elif isinstance(statement, Divide):
            names |= {s: s.as_dummy() for s in (statement.first, statement.last)}
    body = [statement for statement in called.body if not isinstance(statement, Return)]
    return tuple(_with_arrays(renamed(statement, names), arrays) for statement in body)


def _with_arrays(statement: Statement, arrays: dict[Tensor, Tensor]) -> Statement:
    """Return a statement about other arrays."""
    elements: dict[Any, Any] = {
        element: Element(arrays[element.tensor], *element.args, serial=element.serial)
        for element, _ in elements_in((statement,))
        if element.tensor in arrays
    }

    def change(inner: Statement) -> Statement:
        if isinstance(inner, Allocate | AllReduce):
            return replace(inner, array=arrays.get(inner.array, inner.array))
        if isinstance(inner, View):
            return replace(
                inner,
                array=arrays.get(inner.array, inner.array),
                of=arrays.get(inner.of, inner.of),
            )
        return inner

    (changed,) = map_statements((renamed(statement, nested(elements)),), change)
    return changed
