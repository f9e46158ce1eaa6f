"""Elementwise functions: one record an operation.

The classes that users write, and below them the record of each: everything that symbp knows of
it. What a record holds, and functions of a user's own, are in :mod:`symbp.notation.operation`.
"""

import functools
from typing import Any

import numpy as np
import scipy  # scipy.special loads when it is used: it takes longer than all of this file
import sympy
from sympy.core.expr import Expr
from sympy.logic.boolalg import Boolean

from symbp.notation.applied import applied
from symbp.notation.arguments import argument_of
from symbp.notation.arithmetic import Plus, Written
from symbp.notation.conditions import compared, settled
from symbp.notation.errors import NotationError
from symbp.notation.operation import OPERATIONS, Operation, function, operation_of, register
from symbp.notation.standard import Abs, cos, erf, exp, log, sign, sin, sqrt, tanh

__all__ = [
    "OPERATIONS", "Operation", "elu", "expm1", "function", "gelu", "gelu_tanh", "identity",
    "largest", "leaky_relu", "log1p", "log_sum_exp", "maximum", "minimum", "operation_of", "relu",
    "shares", "sigmoid", "silu", "softplus", "stop_gradient", "taken_of", "where",
]  # fmt: skip


class _Elementwise(Written, sympy.Function):
    """Base of symbp's own functions: real-valued, with the derivative of the record."""

    is_real = True
    is_commutative = True

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        """Return the application to checked arguments."""
        name = cls.__name__
        given = [a if isinstance(a, Written) else argument_of(a, name) for a in arguments]
        return super().__new__(cls, *given, **options) if options else applied(cls, given)

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the partial derivative with respect to one argument, from the record."""
        return operation_of(type(self)).derivative(*self.args)[argindex - 1]


class identity(_Elementwise):  # noqa: N801 - functions are written in lower case
    """The identity: ``identity(x) = x``."""

    nargs = 1

    @classmethod
    def eval(cls, x: Expr) -> Expr:
        """Vanish at once: the identity leaves no trace in an equation."""
        return x


class sigmoid(_Elementwise):  # noqa: N801
    """The logistic function ``1 / (1 + exp(-x))``."""

    nargs = 1


class relu(_Elementwise):  # noqa: N801
    """The rectifier ``max(0, x)``; its derivative at 0 is 0."""

    nargs = 1


class leaky_relu(_Elementwise):  # noqa: N801
    """``x`` for positive ``x``, ``slope·x`` otherwise."""

    nargs = 2

    def __new__(cls, x: Any, slope: Any = 0.01, **options: Any) -> Any:
        """Return the application; the slope is 0.01 unless given."""
        return super().__new__(cls, x, slope, **options)


class elu(_Elementwise):  # noqa: N801
    """``x`` for positive ``x``, ``alpha·(exp(x) - 1)`` otherwise."""

    nargs = 2

    def __new__(cls, x: Any, alpha: Any = 1, **options: Any) -> Any:
        """Return the application; alpha is 1 unless given."""
        return super().__new__(cls, x, alpha, **options)


class gelu(_Elementwise):  # noqa: N801
    """The exact Gaussian error linear unit ``x·Φ(x)``."""

    nargs = 1


class gelu_tanh(_Elementwise):  # noqa: N801
    """The tanh approximation of the Gaussian error linear unit."""

    nargs = 1


class silu(_Elementwise):  # noqa: N801
    """``x·sigmoid(x)``, also called swish."""

    nargs = 1


class softplus(_Elementwise):  # noqa: N801
    """``log(1 + exp(x))``."""

    nargs = 1


class log1p(_Elementwise):  # noqa: N801
    """``log(1 + x)``, exact for small ``x``."""

    nargs = 1


class expm1(_Elementwise):  # noqa: N801
    """``exp(x) - 1``, exact for small ``x``."""

    nargs = 1


class _Extremum(_Elementwise):
    """Base of maximum and minimum, which share their gradient equally, nested or not."""

    nargs = 2

    def _eval_derivative(self, symbol: Any) -> Expr:
        parts = [share * each.diff(symbol) for each, share in shares(self)]
        return sum(parts[1:], parts[0])


class maximum(_Extremum):  # noqa: N801
    """The larger of two values; at a tie each has half of the gradient.

    Of three or more, ``maximum(a, maximum(b, c))`` in one formula, each has an equal share.
    """


class minimum(_Extremum):  # noqa: N801
    """The smaller of two values; at a tie each has half of the gradient.

    Of three or more, ``minimum(a, minimum(b, c))`` in one formula, each has an equal share.
    """


class log_sum_exp(_Elementwise):  # noqa: N801
    """``log Σ exp(x_i)`` of any number of values: what a ``LogSumExp`` is, written out."""


class largest(_Elementwise):  # noqa: N801
    """The largest of any number of values, written out; its gradient is shared among ties."""


class where(_Elementwise):  # noqa: N801
    """``where(condition, a, b)``: ``a`` where the condition holds, else ``b``.

    Only the chosen branch is read, so a condition on the indices guards against reading
    outside of a tensor: ``where(t > 0, h[n, t - 1], 0)``.
    """

    nargs = 3

    def __new__(cls, condition: Any, a: Any, b: Any, **options: Any) -> Any:
        """Return the application; the condition must be one of SymPy's, not a Python bool."""
        if isinstance(condition, (bool, np.bool_)):
            # ``i == j`` compares the symbols themselves, at once.
            raise NotationError(
                f"where({condition}, {a}, {b}): the condition is a Python bool; write an "
                f"equality as sympy.Eq(i, j) and its negation as sympy.Ne(i, j)"
            )
        if not isinstance(condition, Boolean):
            raise NotationError(
                f"where({condition}, {a}, {b}): expected a condition such as i <= j, got "
                f"{condition!r}"
            )
        return super().__new__(cls, settled(condition), a, b, **options)

    @classmethod
    def eval(cls, condition: Any, a: Expr, b: Expr) -> Expr | None:
        """Choose at once when the condition is known."""
        if condition is sympy.true:
            return a
        if condition is sympy.false:
            return b
        return a if a == b else None

    def _eval_derivative(self, symbol: Any) -> Expr:
        # SymPy would differentiate the condition, too.
        condition, a, b = self.args
        return where(condition, a.diff(symbol), b.diff(symbol))


class stop_gradient(_Elementwise):  # noqa: N801
    """The value of ``x``, treated as a constant by differentiation."""

    nargs = 1


_half = sympy.Rational(1, 2)
_zero, _one = sympy.S.Zero, sympy.S.One


def _sigmoid_value(x: Any) -> Any:
    return scipy.special.expit(x)


def _gelu_derivative(x: Expr) -> tuple[Expr]:
    cdf = (1 + erf(x / sqrt(2))) / 2
    return (cdf + x * exp(-(x**2) / 2) / sqrt(2 * sympy.pi),)


def _gelu_tanh_parts(x: Expr) -> tuple[Expr, Expr]:
    scale = sqrt(2 / sympy.pi)
    cubic = sympy.Rational(44715, 1000000)
    return scale * (x + cubic * x**3), scale * (1 + 3 * cubic * x**2)


def _gelu_tanh_definition(x: Expr) -> Expr:
    return x * (1 + tanh(_gelu_tanh_parts(x)[0])) / 2


def _gelu_tanh_derivative(x: Expr) -> tuple[Expr]:
    inner, slope = _gelu_tanh_parts(x)
    t = tanh(inner)
    return ((1 + t) / 2 + x * (1 - t**2) * slope / 2,)


def _greater(a: Expr, b: Expr) -> Expr:
    """Return 1 where a > b, 1/2 at a tie, 0 elsewhere."""
    tie = where(compared(sympy.Eq, a, b), _half, 0)
    return where(compared(sympy.Gt, a, b), 1, tie)


def _largest_derivative(*x: Expr) -> tuple[Expr, ...]:
    """Return for each value 1 where it is the largest, in equal shares at a tie, 0 elsewhere."""
    greatest = largest(*x)
    # Whether two values are equal is not for SymPy to find out, which would try for long.
    hits = [where(sympy.Eq(each, greatest, evaluate=False), 1, 0) for each in x]
    ties = Plus(*hits)
    return tuple(hit / ties for hit in hits)


def shares(node: Expr) -> list[tuple[Expr, Expr]]:
    """Return what a maximum or minimum is taken of, nested ones included, each with its share.

    The share is 1 for the one that is taken, equal parts of it at a tie, 0 elsewhere.
    """
    parts = taken_of(node)
    if len(parts) <= 2:
        a, b = parts[0], parts[-1]
        first, second = (a, b) if isinstance(node, maximum) else (b, a)
        if a == b:
            return [(a, _one)]
        return [(a, _greater(first, second)), (b, _greater(second, first))]
    relation = sympy.Ge if isinstance(node, maximum) else sympy.Le
    result = []
    for each in parts:
        others = [other for other in parts if other is not each]
        # Compared with one another and not with the result: a value that is computed again in
        # another equation need not be equal to it.
        ties = sum((where(sympy.Eq(other, each), 1, 0) for other in others), _one)
        best = sympy.And(*(relation(each, other) for other in others))
        result.append((each, where(best, 1 / ties, 0)))
    return result


def taken_of(node: Expr) -> list[Expr]:
    """Return what a maximum or minimum is taken of, each once, those of nested ones included."""
    kind, found, stack = type(node), [], [node]
    while stack:
        each = stack.pop()
        if isinstance(each, kind):
            stack.extend(reversed(each.args))
        else:
            found.append(each)
    return list(dict.fromkeys(found))


_OPERATIONS = [
    Operation("identity", identity, lambda x: x, lambda x: (_one,), "{0}", "{0}"),
    Operation(
        "sigmoid", sigmoid, _sigmoid_value, lambda x: (sigmoid(x) * (1 - sigmoid(x)),),
        r"\sigma", "σ", definition=lambda x: 1 / (1 + exp(-x)),
    ),
    Operation(
        "tanh", tanh, np.tanh, lambda x: (1 - tanh(x) ** 2,),
        r"\tanh", "tanh",
    ),
    Operation(
        "relu", relu, lambda x: np.where(x <= 0, 0.0, x),
        lambda x: (where(relu(x) > 0, 1, 0),),
        r"\operatorname{relu}", "relu",
        definition=lambda x: where(x > 0, x, 0), domain="all real numbers; derivative 0 at 0",
    ),
    Operation(
        "leaky_relu", leaky_relu, lambda x, slope: np.where(x > 0, x, slope * x),
        lambda x, slope: (where(x > 0, 1, slope), where(x > 0, 0, x)),
        r"\operatorname{lrelu}", "lrelu",
        definition=lambda x, slope: where(x > 0, x, slope * x),
        domain="all real numbers; derivative slope at 0",
    ),
    Operation(
        "elu", elu,
        lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
        lambda x, alpha: (
            where(x > 0, 1, alpha * exp(x)),
            where(x > 0, 0, expm1(minimum(x, 0))),
        ),
        r"\operatorname{elu}", "elu",
        definition=lambda x, alpha: where(x > 0, x, alpha * (exp(x) - 1)),
        domain="all real numbers; derivative alpha at 0",
    ),
    Operation(
        "gelu", gelu, lambda x: np.maximum(x, -40) * scipy.special.ndtr(x), _gelu_derivative,
        r"\operatorname{gelu}", "gelu",
        definition=lambda x: x * (1 + erf(x / sqrt(2))) / 2,
    ),
    Operation(
        "gelu_tanh", gelu_tanh,
        lambda x: (
            np.maximum(x, -40)
            * scipy.special.expit(np.sqrt(8 / np.pi) * (x + 0.044715 * x**3))
        ),
        _gelu_tanh_derivative, r"\operatorname{gelu_t}", "gelu_t",
        definition=_gelu_tanh_definition,
    ),
    Operation(
        "silu", silu, lambda x: np.maximum(x, -800) * scipy.special.expit(x),
        lambda x: (sigmoid(x) + silu(x) * (1 - sigmoid(x)),),
        r"\operatorname{silu}", "silu",
        definition=lambda x: x / (1 + exp(-x)),
    ),
    Operation(
        "softplus", softplus, lambda x: np.logaddexp(0, x), lambda x: (sigmoid(x),),
        r"\operatorname{softplus}", "softplus",
        definition=lambda x: log(1 + exp(x)),
    ),
    Operation("sin", sin, np.sin, lambda x: (cos(x),), r"\sin", "sin", False),
    Operation("cos", cos, np.cos, lambda x: (-sin(x),), r"\cos", "cos", False),
    Operation("exp", exp, np.exp, lambda x: (exp(x),), r"\exp", "exp", False),
    Operation(
        "expm1", expm1, np.expm1, lambda x: (exp(x),),
        r"\operatorname{expm1}", "expm1", False,
        definition=lambda x: exp(x) - 1,
    ),
    Operation(
        "log", log, np.log, lambda x: (1 / x,), r"\ln", "ln", False,
        domain="x > 0; -inf at 0, nan below",
    ),
    Operation(
        "log1p", log1p, np.log1p, lambda x: (1 / (1 + x),),
        r"\operatorname{log1p}", "log1p", False,
        definition=lambda x: log(1 + x), domain="x > -1; -inf at -1, nan below",
    ),
    Operation(
        "erf", erf, lambda x: scipy.special.erf(x),
        lambda x: (2 * exp(-(x**2)) / sqrt(sympy.pi),),
        r"\operatorname{erf}", "erf",
    ),
    Operation(
        "abs", Abs, np.abs, lambda x: (sign(x),), r"\left|{0}\right|",
        "|{0}|", False, domain="all real numbers; derivative 0 at 0",
    ),
    Operation(
        "sign", sign, np.sign, lambda x: (_zero,),
        r"\operatorname{sign}", "sign", False, domain="all real numbers; 0 at 0",
    ),
    Operation(
        "maximum", maximum, np.maximum, lambda a, b: (_greater(a, b), _greater(b, a)),
        r"\max", "max", False,
        domain="all real numbers; the gradient is shared equally among ties",
    ),
    Operation(
        "minimum", minimum, np.minimum, lambda a, b: (_greater(b, a), _greater(a, b)),
        r"\min", "min", False,
        domain="all real numbers; the gradient is shared equally among ties",
    ),
    Operation(
        "largest", largest,
        lambda *x: np.maximum.reduce(np.broadcast_arrays(*x), axis=0),
        _largest_derivative,
        r"\max", "max", False,
        definition=lambda *x: functools.reduce(maximum, x), written_out=True,
        domain="all real numbers; the gradient is shared equally among ties",
    ),
    Operation(
        "log_sum_exp", log_sum_exp,
        lambda *x: np.logaddexp.reduce(np.broadcast_arrays(*x), axis=0),
        lambda *x: tuple(exp(each - log_sum_exp(*x)) for each in x),
        r"\operatorname{logsumexp}", "logsumexp", False,
        definition=lambda *x: log(Plus(*(exp(each) for each in x))), written_out=True,
    ),
    Operation(
        "where", where, np.where,
        lambda condition, a, b: (_zero, where(condition, 1, 0), where(condition, 0, 1)),
        r"\operatorname{where}", "where", False,
    ),
    Operation(
        "stop_gradient", stop_gradient, lambda x: x, lambda x: (_zero,),
        r"\operatorname{sg}", "sg", False,
    ),
]  # fmt: skip

for _operation in _OPERATIONS:
    register(_operation)
