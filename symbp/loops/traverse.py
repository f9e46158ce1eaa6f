"""traverse: walk over the statements of a loop program, and rewrite them.

What every pass needs: all statements, what each reads and writes, and a copy in which some
statements, indices or elements are replaced.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import sympy

from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    AllReduce,
    Assign,
    Barrier,
    Call,
    Divide,
    For,
    If,
    Let,
    Product,
    Return,
    Span,
    Statement,
    View,
    statements_in,
)  # fmt: skip
from symbp.notation.by_identity import noted, remembered
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = [
    "decided", "elements_in", "elements_of", "indices_of", "map_statements", "nested", "reads_of",
    "renamed", "statements_in", "with_body", "with_spans", "writes_of",
]  # fmt: skip


# Every pass asks, of mostly the same statements.
@noted
def reads_of(statement: Statement) -> tuple[Element, ...]:
    """Return every element that a statement itself reads, those inside of subscripts too."""
    return tuple(_reads_of(statement))


def _reads_of(statement: Statement) -> Iterator[Element]:
    if isinstance(statement, Assign | Accumulate):
        yield from elements_of(statement.value)
        yield from _inside(statement.target)
        if isinstance(statement, Accumulate):
            yield statement.target
    elif isinstance(statement, Product):
        for element in (statement.first, statement.second, statement.addend):
            if element is not None:
                yield element
                yield from _inside(element)
        yield from _inside(statement.target)
        yield from elements_of(statement.alpha)
    elif isinstance(statement, If):
        yield from elements_of(statement.condition)
    elif isinstance(statement, Return) and statement.value is not None:
        yield from elements_of(statement.value)


@remembered(8192)
def elements_of(expression: sympy.Basic) -> tuple[Element, ...]:
    """Return the distinct elements in an expression, those inside of subscripts too.

    The order is that of their serials.
    """
    return tuple(sorted(expression.atoms(Element), key=lambda element: element.serial))


def writes_of(statement: Statement) -> tuple[Element, ...]:
    """Return every element that a statement itself writes."""
    return (statement.target,) if isinstance(statement, Assign | Accumulate | Product) else ()


def elements_in(body: Iterable[Statement]) -> Iterator[tuple[Element, bool]]:
    """Yield every element that statements use, and whether they write it."""
    for statement in statements_in(body):
        for element in reads_of(statement):
            yield element, False
        for element in writes_of(statement):
            yield element, True


def indices_of(spans: Iterable[Span]) -> tuple[Index, ...]:
    """Return the indices of a group of ranges of a product, in their order."""
    return tuple(span.index for span in spans)


def _inside(element: Element) -> Iterator[Element]:
    for subscript in element.args:
        if not isinstance(subscript, Index):
            yield from elements_of(subscript)


def map_statements(
    body: Iterable[Statement], change: Callable[[Statement], Statement | Iterable[Statement]]
) -> tuple[Statement, ...]:
    """Return statements with each replaced by what a function gives, from the inside out.

    Parameters
    ----------
    body : iterable of Statement
        In their order.
    change : callable
        Given a statement whose own body is changed already; returns a statement, or several.
    """
    result: list[Statement] = []
    for statement in body:
        if isinstance(statement, For):
            statement = with_body(statement, map_statements(statement.body, change))
        elif isinstance(statement, If):
            chosen = map_statements(statement.body, change)
            statement = with_body(statement, chosen, map_statements(statement.otherwise, change))
        changed = change(statement)
        if isinstance(changed, Iterable):
            result.extend(changed)
        else:
            result.append(changed)
    return tuple(result)


def with_spans(product: Product, change: Callable[[Span], Span]) -> Product:
    """Return a product with each of its spans changed."""
    rows, columns, summed = (
        tuple(map(change, group)) for group in (product.rows, product.columns, product.summed)
    )
    return replace(product, rows=rows, columns=columns, summed=summed)


def with_body(
    statement: For | If, body: Sequence[Statement], otherwise: Sequence[Statement] = ()
) -> For | If:
    """Return a loop or a condition with another body; itself where the statements are the same."""
    new, old = (*body, *otherwise), statement.body
    if isinstance(statement, If):
        old += statement.otherwise
    # Of a condition, no statement stands in both of its bodies.
    if len(new) == len(old) and all(map(operator.is_, new, old)):
        return statement
    if isinstance(statement, If):
        return replace(statement, body=tuple(body), otherwise=tuple(otherwise))
    return replace(statement, body=tuple(body))


def renamed(statement: Statement, mapping: dict[Any, Any]) -> Statement:
    """Return a statement with indices, symbols or elements replaced throughout.

    Loops over a replaced index run over its replacement.
    """
    if not mapping:
        return statement

    def put(value: Any) -> Any:
        if isinstance(value, sympy.Basic):
            return value.xreplace(mapping)
        if isinstance(value, Span):
            return Span(mapping.get(value.index, value.index), put(value.start), put(value.end))
        if isinstance(value, tuple):
            parts = tuple(map(put, value))
            return value if all(map(operator.is_, parts, value)) else parts
        if isinstance(value, _NODES):
            return renamed(value, mapping)
        return value

    changes = {}
    for name in statement.__dataclass_fields__:
        value = getattr(statement, name)
        if name not in _KEPT and not isinstance(value, Tensor | int):
            changed = put(value)
            if changed is not value:
                changes[name] = changed
    return replace(statement, **changes) if changes else statement


def decided(body: Sequence[Statement], known: dict[Any, Any]) -> tuple[Statement, ...]:
    """Return statements in which it is known whether some comparisons hold; no loop is empty.

    Parameters
    ----------
    body : sequence of Statement
        Of a function.
    known : dict
        For each comparison SymPy's true or false.
    """

    def change(statement: Statement) -> Statement | Sequence[Statement]:
        if isinstance(statement, Assign | Accumulate):
            return replace(statement, value=statement.value.xreplace(known))
        if isinstance(statement, If):
            condition = statement.condition.xreplace(known)
            if condition is sympy.true:
                return statement.body
            if condition is sympy.false:
                return statement.otherwise
            return replace(statement, condition=condition)
        return () if isinstance(statement, For) and not statement.body else statement

    return map_statements(body, change)


def nested(mapping: dict[Element, Any]) -> dict[Element, Any]:
    """Return a mapping whose values have the elements in their own subscripts replaced, too."""
    result: dict[Element, Any] = {}
    for element in sorted(mapping, key=lambda element: len(elements_of(element))):
        inside = len(elements_of(element)) > 1
        result[element] = mapping[element].xreplace(result) if inside else mapping[element]
    return result


# The equation that a statement computes is a label: it keeps the indices that it came with.
_KEPT = frozenset({"equation", "added", "function", "arguments", "kind", "operation", "routine"})
_NODES = (
    Allocate, View, Let, Divide, For, If, Assign, Accumulate, Product, Barrier, AllReduce, Call,
    Return,
)  # fmt: skip
