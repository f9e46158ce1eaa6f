"""applied: a function of SymPy's kind applied to arguments of the notation.

SymPy looks for an equal application among those that it has seen, and whether it should evaluate
numbers; of what holds elements there is nothing to find and nothing to evaluate.
"""

import functools
from collections.abc import Sequence
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Written

__all__ = ["applied"]


def applied(function: Any, arguments: Sequence[Any]) -> Any:
    """Return an application, or what it is known to be.

    Parameters
    ----------
    function : type
        A subclass of SymPy's Function.
    arguments : sequence of SymPy expression or condition
        Checked, but for how many they are.
    """
    counts = function._nargs
    fits = counts is None or len(arguments) in counts
    if not fits or not any(isinstance(each, Written) for each in arguments):
        return sympy.Function.__new__(function, *arguments)
    known = function.eval(*arguments)
    if known is not None:
        return known
    made: Any = Expr.__new__(function, *arguments)
    made.nargs = sympy.S.Naturals0 if counts is None else _set_of(counts)
    return made


@functools.lru_cache(maxsize=64)
def _set_of(counts: tuple[int, ...]) -> Any:
    return sympy.FiniteSet(*counts)
