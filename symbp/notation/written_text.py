"""Sums and products as plain text, their terms and factors in the written order.

A term that is subtracted stands after a minus, a reciprocal after a slash; sums and products inside
keep their parentheses, because they are computed first.
"""

from collections.abc import Iterable
from typing import Any

import sympy
from sympy.core.expr import Expr

__all__ = ["text_of_product", "text_of_sum"]


def text_of_sum(terms: Iterable[Expr], printer: Any) -> str:
    """Return a sum as text."""
    text = ""
    for position, term in enumerate(terms):
        shown = printer._print(term)
        if isinstance(term, sympy.Add):
            shown = f"({shown})"
        if position:
            shown = f" - {shown[1:]}" if shown.startswith("-") else f" + {shown}"
        text += shown
    return text


def text_of_product(number: Expr, factors: Iterable[Expr], printer: Any) -> str:
    """Return a product as text, the number in front; a fraction's denominator at the end."""
    text, end = "", ""
    if number.is_Rational and not number.is_Integer:
        number, end = sympy.Integer(number.p), f"/{number.q}"
    if number != 1:
        text = "-" if number == -1 else f"{printer._print(number)}*"
    for position, factor in enumerate(factors):
        below = position > 0 and isinstance(factor, sympy.Pow) and factor.args[1] == -1
        shown = factor.args[0] if below else factor
        piece = printer._print(shown)
        if isinstance(shown, (sympy.Add, sympy.Mul)):
            piece = f"({piece})"
        text += ("" if not position else "/" if below else "*") + piece
    return text + end
