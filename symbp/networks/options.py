"""Checks of what a user passes to a front end: option names, sizes and numbers."""

import functools
import inspect
import math
import operator
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from symbp.notation.errors import SymbpError, suggest

__all__ = ["checked_number", "checked_options", "checked_size", "checks_options"]

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)


def checked_options(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function so that an unknown keyword is an error that lists the nearest names."""
    label = function.__qualname__.removesuffix(".__init__")
    signature = inspect.signature(function)
    known = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.name != "self"
    ]

    @functools.wraps(function)
    def wrapped(*args: P.args, **options: P.kwargs) -> R:
        for option in options:
            if option not in known:
                raise SymbpError(f"{label}: no option {option!r}; {suggest(option, known)}")
        return function(*args, **options)

    return wrapped


def checks_options(cls: C) -> C:
    """Make a class refuse unknown keywords with an error that lists the nearest names."""
    cls.__init__ = checked_options(cls.__init__)  # type: ignore[misc]
    return cls


def checked_size(name: str, value: Any) -> int:
    """Return a number of units as an int; raise :class:`SymbpError` unless it is one and > 0."""
    try:
        size = operator.index(value)
    except TypeError:
        size = 0
    if size < 1 or isinstance(value, bool):
        raise SymbpError(f"{name}: expected a positive int, got {value!r}")
    return size


def checked_number(
    name: str, value: Any, *, least: float = -math.inf, below: float = math.inf, open: bool = False
) -> float:
    """Return a finite number in ``[least, below)``, or ``(least, below)`` when it is open."""
    wanted = "a finite number"
    if math.isfinite(least):
        wanted = f"a number {'>' if open else '>='} {least:g}"
        wanted += f" and < {below:g}" if math.isfinite(below) else ""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    # Written so that nan fails.
    fits = (number > least if open else number >= least) and number < below
    if isinstance(value, (bool, str)) or not fits or not math.isfinite(number):
        raise SymbpError(f"{name}: expected {wanted}, got {value!r}")
    return number
