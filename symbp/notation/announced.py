"""Functions that operators and derivatives make, although their classes inherit the operators.

``abs(x)`` is an application of a function, and so is the derivative of ``x**y``; but the classes of
functions are made from those of expressions. So the module that defines such a function announces
it here, and :mod:`symbp.notation.arithmetic` asks for it by name when it is needed.
"""

from collections.abc import Callable

from sympy.core.expr import Expr

__all__ = ["announce", "application"]

_FUNCTIONS: dict[str, Callable[..., Expr]] = {}


def announce(*functions: Callable[..., Expr]) -> None:
    """Make functions known by their names."""
    _FUNCTIONS.update((function.__name__, function) for function in functions)


def application(name: str, *arguments: Expr) -> Expr:
    """Return a function, known by its name, of some arguments."""
    assert name in _FUNCTIONS, f"the module that defines {name} is not imported"
    return _FUNCTIONS[name](*arguments)
