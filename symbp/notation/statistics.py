"""Reductions that are formulas of sums and maxima: the minimum, norms, variances.

Each is a function that returns an expression, so that derivations print what it is.
"""

from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.arguments import expression_of
from symbp.notation.errors import NotationError
from symbp.notation.index import Index
from symbp.notation.reductions import Max, Mean, Sum
from symbp.notation.standard import Abs, sqrt

__all__ = ["Min", "norm", "std", "var"]


def Min(body: Any, *bound: Index) -> Expr:
    """Return the smallest value of ``body`` over the indices, ``-Max(-body)``.

    Its gradient is shared among ties.

    Examples
    --------
    >>> import symbp as bp
    >>> n, k = bp.indices("n k", "N", 3)
    >>> x = bp.input("x", n, k)
    >>> bp.Min(x[n, k], k)
    -Max(-x[n, k], k)
    """
    return -Max(-expression_of(body, "Min"), *bound)


def norm(body: Any, *bound: Index, ord: float = 2) -> Expr:
    """Return a norm of ``body`` over the indices.

    Parameters
    ----------
    body : expression
        The components.
    bound : Index
        What they are numbered by.
    ord : float, default 2
        The exponent p of ``(Σ |x|^p)^(1/p)``: a number from 1 on, or ``math.inf`` for the largest
        magnitude. The gradient is 0 where the norm is 0.

    Examples
    --------
    >>> import symbp as bp
    >>> n, k = bp.indices("n k", "N", 3)
    >>> x = bp.input("x", n, k)
    >>> bp.norm(x[n, k], k)
    sqrt(Sum(x[n, k]**2, k))
    """
    expression = expression_of(body, "norm")
    if isinstance(ord, bool) or not isinstance(ord, (int, float, sympy.Number)) or not ord >= 1:
        raise NotationError(f"norm: ord: expected a number from 1 on or math.inf, got {ord!r}")
    if ord == 2:
        return sqrt(Sum(expression**2, *bound))
    if ord == float("inf"):
        return Max(Abs(expression), *bound)
    if ord == 1:
        return Sum(Abs(expression), *bound)
    exponent = sympy.nsimplify(ord) if float(ord) == int(ord) else sympy.Float(ord)
    return Sum(Abs(expression) ** exponent, *bound) ** (1 / exponent)


def var(body: Any, *bound: Index, ddof: int = 0) -> Expr:
    """Return the variance of ``body`` over the indices: the mean square distance from the mean.

    Parameters
    ----------
    body : expression
        The values.
    bound : Index
        What they are numbered by.
    ddof : int, default 0
        The sum of squares is divided by the number of values less this, as ``numpy.var``'s.

    Examples
    --------
    >>> import symbp as bp
    >>> n, k = bp.indices("n k", "N", 3)
    >>> x = bp.input("x", n, k)
    >>> bp.var(x[n, k], k)
    Sum((x[n, k] - Sum(x[n, k], k)/3)**2, k)/3
    """
    expression = expression_of(body, "var")
    if isinstance(ddof, bool) or not isinstance(ddof, int):
        raise NotationError(f"var: ddof: expected a whole number, got {ddof!r}")
    mean = Mean(expression, *bound)  # checks the indices
    count = sympy.Mul(*(index.extent for index in bound))
    if count.is_number and count <= ddof:
        raise NotationError(f"var: ddof: {count} values less {ddof} are none")
    fresh = {index: index.fresh() for index in bound}
    squares = Sum((expression - mean.xreplace(fresh)) ** 2, *bound)
    return squares / (count - ddof)


def std(body: Any, *bound: Index, ddof: int = 0) -> Expr:
    """Return the standard deviation of ``body`` over the indices: the root of its variance.

    Its gradient is 0 where all values are equal.

    Parameters
    ----------
    body, bound, ddof
        As for :func:`var`.

    Examples
    --------
    >>> import symbp as bp
    >>> n, k = bp.indices("n k", "N", 3)
    >>> x = bp.input("x", n, k)
    >>> print(bp.std(x[n, k], k))
    sqrt(Sum((x[n, k] - Sum(x[n, k], k)/3)**2, k)/3)
    """
    return sqrt(var(body, *bound, ddof=ddof))
