"""expand_products: a matrix product as the loops that it stands for.

What a product means is said here once: the interpreter runs these loops, and a target writes them
where a product is too small to be worth more.
"""

import sympy

from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Assign,
    For,
    Function,
    Product,
    Span,
    Statement,
)
from symbp.loops.traverse import map_statements
from symbp.notation.tensor import Tensor

__all__ = ["as_loops", "expand_products"]


def expand_products(function: Function, wanted: "frozenset[Product] | None" = None) -> Function:
    """Return an equivalent function whose products are loops.

    Parameters
    ----------
    function : Function
        A loop program.
    wanted : frozenset of Product, optional
        Those to be written as loops; by default all.
    """

    def change(statement: Statement) -> Statement | tuple[Statement, ...]:
        if isinstance(statement, Product) and (wanted is None or statement in wanted):
            return as_loops(statement)
        return statement

    return function.replace(body=map_statements(function.body, change))


def as_loops(product: Product) -> tuple[Statement, ...]:
    """Return the loops of a product: for each row and column, a sum in a register.

    ::

        target = addend + alpha Σ_k first · second

        for m: for n: total = 0; for k: total += first · second
                      target = addend + alpha · total
    """
    total = Tensor(f"{product.target.tensor.name}_total", ())[()]
    term = product.second if product.first is None else product.first * product.second
    body: tuple[Statement, ...] = (
        Accumulate(total, term, equation=product.equation, free_order=True),
    )
    body = _nested(product.summed, body)
    value = total if product.alpha == 1 else product.alpha * total
    if product.addend == product.target:
        last: Statement = Accumulate(product.target, value, equation=product.equation)
    else:
        if product.addend is not None:
            value = product.addend + value
        last = Assign(product.target, value, equation=product.equation)
    body = (
        Allocate(total.tensor, (), "register"),
        Assign(total, sympy.S.Zero, equation=product.equation),
        *body,
        last,
    )
    return _nested((*product.rows, *product.columns), body)


def _nested(spans: tuple[Span, ...], body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    for span in reversed(spans):
        body = (For(span.index, span.start, span.end, body),)
    return body
