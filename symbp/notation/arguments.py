"""What a user hands to the notation, checked to be a formula."""

from typing import Any

import sympy
from sympy.core.expr import Expr
from sympy.logic.boolalg import Boolean

from symbp.notation.errors import NotationError

__all__ = ["argument_of", "expression_of"]


def expression_of(value: Any, name: str) -> Expr:
    """Return a value as a SymPy expression; ``name`` opens the message when it is none."""
    expression = argument_of(value, name)
    if not isinstance(expression, Expr):
        raise NotationError(f"{name}: expected an expression, got {_short(value)}")
    return expression


def argument_of(value: Any, name: str) -> Expr | Boolean:
    """Return a value as a SymPy expression or condition."""
    try:
        argument = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        argument = None
    if not isinstance(argument, (Expr, Boolean)):
        raise NotationError(f"{name}: expected an expression, got {_short(value)}")
    return argument


def _short(value: Any) -> str:
    return " ".join(repr(value).split())
