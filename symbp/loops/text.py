"""text: a loop program as indented lines, to be read."""

from collections.abc import Iterator, Sequence
from typing import Any

from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    AllReduce,
    Assign,
    Barrier,
    Call,
    Divide,
    For,
    Function,
    If,
    Let,
    Product,
    Return,
    Span,
    Statement,
    View,
)

__all__ = ["text"]


def text(function: Function) -> str:
    """Return a function as text.

    Parameters
    ----------
    function : Function
        A loop program.

    Returns
    -------
    str
        A header with the arguments, and a line for each statement.
    """
    arguments = [f"{a.role} {a.array.name}{_shape(a.array.shape)}" for a in function.arguments]
    sizes = [symbol.name for symbol in function.sizes]
    team = " by a team" if function.team else ""
    header = f"function {function.name}({', '.join([*arguments, *sizes])}){team}:"
    return "\n".join([header, *_lines(function.body, "    ")])


def _lines(body: Sequence[Statement], indent: str) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, For):
            kind = "" if statement.kind == "sequential" else f" ({statement.kind})"
            step = "" if statement.step == 1 else f" step {statement.step}"
            span = f"{statement.start} to {statement.end}{step}"
            yield f"{indent}for {statement.index} from {span}{kind}:"
            yield from _lines(statement.body, f"{indent}    ")
        elif isinstance(statement, If):
            yield f"{indent}if {statement.condition}:"
            yield from _lines(statement.body, f"{indent}    ")
            if statement.otherwise:
                yield f"{indent}else:"
                yield from _lines(statement.otherwise, f"{indent}    ")
        else:
            yield indent + _line(statement)


def _line(statement: Statement) -> str:
    if isinstance(statement, Assign):
        return f"{statement.target} = {statement.value}"
    if isinstance(statement, Accumulate):
        if statement.operation == "max":
            return f"{statement.target} max= {statement.value}"
        return f"{statement.target} += {statement.value}"
    if isinstance(statement, Product):
        return _product(statement)
    if isinstance(statement, Allocate):
        wide = "wide " if statement.wide else ""
        if statement.kind == "register":
            return f"{wide}register {statement.array.name}"
        whose = " of each member" if statement.kind == "member" else ""
        return f"allocate {wide}{statement.array.name}{_shape(statement.shape)}{whose}"
    if isinstance(statement, View):
        shape = statement.shape if statement.shape is not None else statement.array.shape
        at = "" if statement.offset == 0 else f" from {statement.offset} on"
        return f"view {statement.array.name}{_shape(shape)} of {statement.of.name}{at}"
    if isinstance(statement, Let):
        return f"let {statement.symbol} = {statement.value}"
    if isinstance(statement, Divide):
        whole = f"{statement.start} to {statement.end}"
        return f"let {statement.first}, {statement.last} = this member's part of {whole}"
    if isinstance(statement, Barrier):
        return "barrier"
    if isinstance(statement, AllReduce):
        return f"sum {statement.array.name} over the members"
    if isinstance(statement, Call):
        names = ", ".join(array.name for array in statement.arguments)
        return f"call {statement.function.name}({names})"
    assert isinstance(statement, Return), "loops and branches have lines of their own"
    return "return" if statement.value is None else f"return {statement.value}"


def _product(product: Product) -> str:
    term = str(product.second) if product.first is None else f"{product.first} {product.second}"
    alpha = "" if product.alpha == 1 else f"{product.alpha} "
    summed = ", ".join(map(_span, product.summed))
    value = f"{alpha}sum({term}; {summed})"
    over = ", ".join(map(_span, (*product.rows, *product.columns)))
    if product.addend == product.target:
        return f"product {product.target} += {value} for {over}"
    start = "" if product.addend is None else f"{product.addend} + "
    return f"product {product.target} = {start}{value} for {over}"


def _span(span: Span) -> str:
    return f"{span.index} from {span.start} to {span.end}"


def _shape(shape: Sequence[Any]) -> str:
    return f"[{', '.join(map(str, shape))}]" if shape else ""
