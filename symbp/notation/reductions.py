"""Reductions over indices: sum, maximum and log-sum-exp, and what is built on them.

A reduction is written ``Sum(body, k)`` inside a formula; :mod:`symbp.calculus.normalise` later
gives each of them an equation of its own.
"""

from typing import Any, Literal

import sympy
from sympy.core.expr import Expr

from symbp.notation.arguments import expression_of
from symbp.notation.arithmetic import Written
from symbp.notation.errors import NotationError
from symbp.notation.index import Index
from symbp.notation.numpy_operands import short
from symbp.notation.standard import exp

__all__ = [
    "REDUCTIONS",
    "LogSumExp",
    "Max",
    "Mean",
    "Prod",
    "ReduceOperation",
    "Reduction",
    "Scan",
    "Sum",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logsumexp",
    "softmax",
]

ReduceOperation = Literal[
    "sum", "max", "logsumexp", "solve", "solve_lower", "solve_upper", "cholesky", "logdet"
]


class Reduction(Written, Expr):
    """A reduction of ``body`` over bound indices; use one of the subclasses."""

    is_commutative = True
    is_real = True
    is_number = False
    binds = True
    operation: ReduceOperation

    def __new__(cls, body: Any, *bound: Index) -> "Reduction":
        """Return the reduction of a checked body over distinct indices."""
        if not bound:
            raise NotationError(f"{cls.__name__}({body}): expected an index to reduce over")
        for index in bound:
            if not isinstance(index, Index):
                raise NotationError(f"{cls.__name__}: expected indices, got {index!r}")
        if len(set(bound)) != len(bound):
            raise NotationError(f"{cls.__name__}: an index is reduced over twice")
        made: Reduction = super().__new__(cls, expression_of(body, cls.__name__), *bound)
        return made

    @property
    def body(self) -> Expr:
        """What is reduced."""
        return self.args[0]

    @property
    def bound(self) -> tuple[Index, ...]:
        """The indices that the reduction runs over."""
        return tuple(self.args[1:])

    @property
    def free_symbols(self) -> set[Any]:
        """The symbols of the body without the bound indices."""
        return set(self.body.free_symbols) - set(self.bound)

    def _sympystr(self, printer: Any) -> str:
        bound = ", ".join(index.name for index in self.bound)
        return f"{type(self).__name__}({printer._print(self.body)}, {bound})"


class Sum(Reduction):
    """The sum of ``body`` over the indices.

    Examples
    --------
    >>> import symbp as bp
    >>> j, k = bp.indices("j k", 3, 2)
    >>> W, x = bp.parameter("W", j, k), bp.input("x", k)
    >>> bp.Sum(W[j, k] * x[k], k)
    Sum(W[j, k]*x[k], k)
    """

    operation = "sum"


class Max(Reduction):
    """The largest value of ``body`` over the indices; its gradient is shared among ties."""

    operation = "max"


class LogSumExp(Reduction):
    """``log Σ exp(body)``, computed without overflow; its derivative is the softmax."""

    operation = "logsumexp"


REDUCTIONS: dict[str, type[Reduction]] = {"sum": Sum, "max": Max, "logsumexp": LogSumExp}


class Prod(Reduction):
    """The product of ``body`` over the indices, none of them that of the examples.

    Its derivative by a factor is the product of the others, also where one or more are 0.

    Examples
    --------
    >>> import symbp as bp
    >>> n, i = bp.indices("n i", "N", 4)
    >>> x, p = bp.input("x", n, i), bp.tensor("p", n)
    >>> print(bp.Equation(p[n], bp.Prod(x[n, i], i)))
    p[n] = Prod(x[n, i], i)
    """

    operation = "prod"  # type: ignore[assignment]


class Scan(Written, Expr):
    """What is summed or multiplied up along an index: a value for each of its places."""

    is_commutative = True
    is_real = True
    is_number = False

    def __new__(cls, body: Any, index: Any) -> "Scan":
        """Return the running sum or product of a checked body."""
        name = cls.__name__
        if not isinstance(index, Index):
            raise NotationError(f"bp.{name}({short(body)}, …): expected an index, got {index!r}")
        expression = expression_of(body, name)
        if index not in expression.free_symbols:
            raise NotationError(f"bp.{name}({short(expression)}, {index}): {index} is not in it")
        made: Scan = super().__new__(cls, expression, index)
        return made

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({printer._print(self.args[0])}, {self.args[1].name})"


class cumsum(Scan):  # noqa: N801 - the names are NumPy's
    """The sum of ``body`` over the values of an index up to its own, as ``numpy.cumsum``.

    Parameters
    ----------
    body : expression
        Reads the index.
    index : Index
        Not that of the examples; it stands on the left of the equation, or is summed over.

    Examples
    --------
    >>> import symbp as bp
    >>> n, t = bp.indices("n t", "N", 5)
    >>> x, s = bp.input("x", n, t), bp.tensor("s", n, t)
    >>> print(bp.Equation(s[n, t], bp.cumsum(x[n, t], t)))
    s[n, t] = cumsum(x[n, t], t)
    """


class cumprod(Scan):  # noqa: N801
    """The product of ``body`` over the values of an index up to its own, as ``numpy.cumprod``.

    Parameters
    ----------
    body : expression
        Reads the index.
    index : Index
        Not that of the examples; it stands on the left of the equation, or is summed over.

    Examples
    --------
    >>> import symbp as bp
    >>> t = bp.Index("t", 5)
    >>> x, p = bp.parameter("x", t), bp.tensor("p", t)
    >>> print(bp.Equation(p[t], bp.cumprod(x[t], t)))
    p[t] = cumprod(x[t], t)
    """


def Mean(body: Any, *bound: Index) -> Expr:
    """Return the mean of ``body`` over the indices."""
    return Sum(body, *bound) / sympy.Mul(*(index.extent for index in bound))


def logsumexp(body: Any, *bound: Index) -> Expr:
    """Return ``log Σ exp(body)`` over the indices, stable for large arguments."""
    return LogSumExp(body, *bound)


def _shifted(body: Any, over: tuple[Index, ...]) -> Expr:
    body = expression_of(body, "softmax")
    bound = tuple(index.fresh() for index in over)
    return body - LogSumExp(body.xreplace(dict(zip(over, bound, strict=True))), *bound)


def log_softmax(body: Any, *over: Index) -> Expr:
    """Return ``body - logsumexp(body)``: the logarithm of the softmax over the indices."""
    return _shifted(body, over)


def softmax(body: Any, *over: Index) -> Expr:
    """Return ``exp(body) / Σ exp(body)`` over the indices, as ``exp(log_softmax(body))``."""
    return exp(_shifted(body, over))
