"""What a user hands to the notation, checked to be a formula."""

import re
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.expr import Expr
from sympy.logic.boolalg import Boolean, BooleanAtom

from symbp.notation.errors import NotationError, SymbpError
from symbp.notation.numpy_operands import plain_number, short

__all__ = ["SIZES", "argument_of", "expression_of", "no_equation", "no_program", "numbers_for"]

#: The sizes of a network's layers as text, such as ``64-30-10``.
SIZES = re.compile(r"\d+(-\d+)+", re.ASCII)


def expression_of(value: Any, name: str) -> Expr:
    """Return a value as a SymPy expression; ``name`` opens the message when it is none."""
    expression = argument_of(value, name)
    if not isinstance(expression, Expr):
        raise NotationError(f"{name}: expected an expression, got {_short(value)}")
    return expression


def argument_of(value: Any, name: str) -> Expr | Boolean:
    """Return a value as a SymPy expression or condition."""
    number = plain_number(value)
    value = value if number is None else number
    try:
        argument = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        argument = None
    if not isinstance(argument, (Expr, Boolean)):
        raise NotationError(f"{name}: expected an expression, got {_short(value)}")
    return argument


def no_equation(value: Any) -> str:
    """Return what came where an equation is expected, and how one is written."""
    if isinstance(value, sympy.Equality):
        return f"got SymPy's {short(value)}: write bp.Equation({', '.join(map(short, value.args))})"
    if isinstance(value, (bool, np.bool_, BooleanAtom)):
        return f"got {value}: == compares at once; write bp.Equation(z[n, j], …) for z[n, j] == …"
    if isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], Expr):
        return f"got a {type(value).__name__}: write bp.Equation({', '.join(map(short, value))})"
    if isinstance(value, (tuple, list)):
        return f"got a {type(value).__name__}: put them all into one list"
    if isinstance(value, Expr):
        return f"got {short(value)}: write bp.Equation(left, right), such as bp.Equation(C, …)"
    if hasattr(value, "equations"):
        return f"got {_short(value)}: put its own into the list, with *"
    return f"got {_short(value)}"


def no_program(value: Any) -> str:
    """Return what came where a program is expected, and how one is made."""
    came = type(value).__name__
    if isinstance(value, str) and SIZES.fullmatch(value):
        return f"{came}: a network of these sizes is bp.mlp({value!r})"
    if isinstance(value, (list, tuple, Expr)) or hasattr(value, "lhs"):
        return f"{came}: make a program of the equations, bp.Program([bp.Equation(…), …], cost=C)"
    return came


def _short(value: Any) -> str:
    return short(repr(value))


def numbers_for(shape: tuple[Any, ...], value: Any, what: str) -> NDArray[Any]:
    """Return a value as an array of numbers of a shape; ``what`` opens the message."""
    array = np.asarray(value)
    if array.shape != shape or array.dtype.kind not in "fiu":
        raise SymbpError(
            f"{what}: expected numbers of shape {shape}, got shape {array.shape} of {array.dtype}"
        )
    return array
