"""Real numbers of many digits: what :mod:`symbp.calculus.precise` computes with.

mpmath's numbers have an exponent of any size, so that ``exp(1000)`` is a number like any other.
Infinities and NaN are as IEEE 754 and NumPy have them, where mpmath would raise an exception or
return a complex number.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy

from symbp.notation import philox
from symbp.notation.errors import UnsupportedError
from symbp.notation.operation import Operation

__all__ = ["ManyDigits"]

# Beyond this, the exponential of a number is taken for infinite, or zero.
_LARGEST_EXPONENT = 10**400
_LARGEST_POWER = 10**6
_LARGEST_FLOAT = float(np.finfo(np.float64).max)


class ManyDigits:
    """Arithmetic with a number of decimal digits; a context of its own, not mpmath's global one.

    Parameters
    ----------
    digits : int
        How many decimal digits a number has.
    """

    def __init__(self, digits: int) -> None:
        self.digits = digits
        self.context = mpmath.MPContext()
        self.context.dps = digits
        self.zero = self.context.mpf(0)
        self.nan, self.infinity = self.context.nan, self.context.inf

    def number(self, node: Any) -> Any:
        """Return a number of SymPy's, an int or a float."""
        if isinstance(node, sympy.Rational):
            return self.context.mpf(int(node.p)) / int(node.q)
        if node in (sympy.S.Infinity, sympy.S.ComplexInfinity):  # a negative power of 0
            return self.infinity
        if node is sympy.S.NegativeInfinity:
            return -self.infinity
        if node is sympy.S.NaN:
            return self.nan
        if isinstance(node, sympy.NumberSymbol):
            node = node.evalf(self.digits + 10)
        return self.context.mpf(node)

    def given(self, value: float) -> Any:
        """Return a number that is handed in, such as a parameter's."""
        return self.context.mpf(value)

    def value(self, number: Any) -> Any:
        """Return what a number of this arithmetic stands for."""
        return number

    def total(self, terms: Sequence[Any]) -> Any:
        """Return a sum."""
        return functools.reduce(lambda a, b: a + b, terms)

    def product(self, factors: Sequence[Any]) -> Any:
        """Return a product."""
        return functools.reduce(lambda a, b: a * b, factors)

    def quotient(self, a: Any, b: Any) -> Any:
        """Return a / b; a division by zero gives an infinity, or NaN."""
        if b == 0:
            return self.nan if a == 0 or a != a else (self.infinity if a > 0 else -self.infinity)
        return a / b

    def power(self, base: Any, exponent: Any) -> Any:
        """Return base to the exponent; NaN for a root of a negative number."""
        context = self.context
        if not (context.isfinite(base) and context.isfinite(exponent)):
            with np.errstate(all="ignore"):
                return context.mpf(float(np.float64(_float(base)) ** np.float64(_float(exponent))))
        if base == 0:
            if exponent == 0:
                return context.mpf(1)
            return self.zero if exponent > 0 else self.infinity
        if exponent == 0.5:
            return context.sqrt(base) if base > 0 else self.nan
        if context.isint(exponent):
            n = int(exponent)
            if abs(n) <= _LARGEST_POWER:
                return base**n if n > 0 else self.quotient(context.mpf(1), base**-n)
            size = self._exp(exponent * context.log(abs(base)))
            return -size if base < 0 and n % 2 else size
        return self._exp(exponent * context.log(base)) if base > 0 else self.nan

    def apply(self, record: Operation, arguments: Sequence[Any]) -> Any:
        """Return an elementwise function of the notation."""
        mixed = record.name in _OF_INFINITIES and all(a == a for a in arguments)
        if not mixed and not all(map(self.context.isfinite, arguments)):
            return self._at_infinity(record, arguments)
        function = FUNCTIONS.get(record.name)
        if function is not None:
            return function(self, *arguments)
        numbers = [sympy.Float(argument, self.digits + 10) for argument in arguments]
        value = record.function(*numbers).evalf(self.digits + 10)
        if not isinstance(value, sympy.Number):
            raise UnsupportedError(f"{record.name}: it has no value in {self.digits} digits")
        return self.number(value)

    def knows(self, record: Operation) -> bool:
        """Whether a function has a value here without its formula."""
        return record.name in FUNCTIONS and record.value is not None

    def compare(self, relation: Any, a: Any, b: Any) -> tuple[bool, bool]:
        """Return whether a relation holds, and whether rounding could not change that."""
        return relation(a, b), True

    def either(self, a: Any, b: Any) -> Any:
        """Return the first of two, of which rounding decides which is chosen."""
        return a

    def rounded(self, function: str, value: Any) -> Any:
        """Return the floor or the ceiling."""
        return getattr(self.context, function)(value)

    def remainder(self, a: Any, b: Any) -> Any:
        """Return a - b·floor(a/b)."""
        return a - b * self.context.floor(self.quotient(a, b))

    def largest(self, values: Sequence[Any]) -> Any:
        """Return the largest, NaN if one of them is."""
        result = values[0]
        for value in values[1:]:
            if value > result or value != value:
                result = value
        return result

    def log_sum_exp(self, values: Sequence[Any]) -> Any:
        """Return log Σ exp."""
        top = self.largest(values)
        if not self.context.isfinite(top):
            return top
        return top + self.context.log(self.total([self._exp(value - top) for value in values]))

    def _exp(self, x: Any) -> Any:
        if abs(x) > _LARGEST_EXPONENT:
            return self.infinity if x > 0 else self.zero
        return self.context.exp(x)

    def _log(self, x: Any) -> Any:
        return self.context.log(x) if x > 0 else (-self.infinity if x == 0 else self.nan)

    def _log1p(self, x: Any) -> Any:
        return self.context.log1p(x) if x > -1 else (-self.infinity if x == -1 else self.nan)

    def _sigmoid(self, x: Any) -> Any:
        if x >= 0:
            return 1 / (1 + self._exp(-x))
        e = self._exp(x)
        return e / (1 + e)

    def _gelu(self, x: Any) -> Any:
        return x * self.context.erfc(-x / self.context.sqrt(2)) / 2

    def _gelu_tanh(self, x: Any) -> Any:
        inner = self.context.sqrt(2 / self.context.pi) * (x + 44715 * x**3 / 1000000)
        return x * self._sigmoid(2 * inner)

    def _turn(self, function: str, x: Any) -> Any:
        return getattr(self.context, function)(x) if abs(x) < _LARGEST_EXPONENT else self.nan

    def _hyperbolic(self, function: str, x: Any) -> Any:
        if abs(x) > _LARGEST_EXPONENT:
            return -self.infinity if x < 0 and function == "sinh" else self.infinity
        return getattr(self.context, function)(x)

    def _inside(self, function: str, x: Any, low: float, high: float) -> Any:
        """Return an inverse function between two ends, NaN beyond."""
        return getattr(self.context, function)(x) if low <= x <= high else self.nan

    def _atanh(self, x: Any) -> Any:
        if abs(x) == 1:
            return self.infinity * x
        return self._inside("atanh", x, -1, 1)

    def _atan2(self, y: Any, x: Any) -> Any:
        return self.zero if x == y == 0 else self.context.atan2(y, x)

    def _log_ndtr(self, x: Any) -> Any:
        root = self.context.sqrt(2)
        if x > 0:
            return self.context.log1p(-self.context.erfc(x / root) / 2)
        return self.context.log(self.context.erfc(-x / root) / 2)

    def _inverse_mills_ratio(self, x: Any) -> Any:
        density = self._exp(-x * x / 2) / self.context.sqrt(2 * self.context.pi)
        return density / (self.context.erfc(-x / self.context.sqrt(2)) / 2)

    def _gamma(self, order: int, x: Any) -> Any:
        """Return the logarithm of the gamma function, or a derivative of it: NaN below 0."""
        if x <= 0:
            infinite = -self.infinity if order == 0 else self.infinity
            return infinite if x == 0 else self.nan
        return self.context.loggamma(x) if order < 0 else self.context.psi(order, x)

    def _mod(self, a: Any, b: Any) -> Any:
        return self.remainder(a, b) if b != 0 else self.nan

    def _heaviside(self, x: Any, at_zero: Any) -> Any:
        return at_zero if x == 0 else self.context.mpf(x > 0)

    def _at_infinity(self, record: Operation, arguments: Sequence[Any]) -> Any:
        """Return what NumPy's function gives, one argument at least being infinite or NaN."""
        if record.value is None:
            return self.nan
        with np.errstate(all="ignore"):
            value = record.value(*(np.asarray(_float(a)) for a in arguments))
        return self.context.mpf(float(value))


# What they are of numbers and infinities has all digits of a number that they choose or add up.
_OF_INFINITIES = ("maximum", "minimum", "largest", "log_sum_exp")


def _float(x: Any) -> float:
    """Return a number as a float; a finite one that is too large stays finite."""
    value = float(x)
    if value in (float("inf"), -float("inf")) and abs(x) < float("inf"):
        return _LARGEST_FLOAT if value > 0 else -_LARGEST_FLOAT
    return value


def _random(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what draws: whole numbers go in, and what comes out is a float."""
    return lambda m, *key: m.context.mpf(float(function(*map(float, key))))


# By name, so that a class of the notation that stands for SymPy's function finds it, too.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "identity": lambda m, x: x,
    "stop_gradient": lambda m, x: x,
    "sigmoid": ManyDigits._sigmoid,
    "tanh": lambda m, x: m.context.tanh(x),
    "relu": lambda m, x: x if x > 0 else m.zero,
    "leaky_relu": lambda m, x, slope: x if x > 0 else slope * x,
    "elu": lambda m, x, alpha: x if x > 0 else alpha * m.context.expm1(x),
    "gelu": ManyDigits._gelu,
    "gelu_tanh": ManyDigits._gelu_tanh,
    "silu": lambda m, x: x * m._sigmoid(x),
    "softplus": lambda m, x: m.context.log1p(m._exp(-abs(x))) + (x if x > 0 else m.zero),
    "sin": lambda m, x: m._turn("sin", x),
    "cos": lambda m, x: m._turn("cos", x),
    "exp": ManyDigits._exp,
    "expm1": lambda m, x: m.context.expm1(x) if abs(x) < 1 else m._exp(x) - 1,
    "log": ManyDigits._log,
    "log1p": ManyDigits._log1p,
    "sqrt": lambda m, x: m.context.sqrt(x) if x >= 0 else m.nan,
    "erf": lambda m, x: m.context.erf(x),
    "erfc": lambda m, x: m.context.erfc(x),
    "tan": lambda m, x: m._turn("tan", x),
    "sinh": lambda m, x: m._hyperbolic("sinh", x),
    "cosh": lambda m, x: m._hyperbolic("cosh", x),
    "asin": lambda m, x: m._inside("asin", x, -1, 1),
    "acos": lambda m, x: m._inside("acos", x, -1, 1),
    "atan": lambda m, x: m.context.atan(x),
    "atan2": ManyDigits._atan2,
    "asinh": lambda m, x: m.context.asinh(x),
    "acosh": lambda m, x: m._inside("acosh", x, 1, float("inf")),
    "atanh": ManyDigits._atanh,
    "log_ndtr": ManyDigits._log_ndtr,
    "inverse_mills_ratio": ManyDigits._inverse_mills_ratio,
    "gammaln": lambda m, x: m._gamma(-1, x),
    "digamma": lambda m, x: m._gamma(0, x),
    "trigamma": lambda m, x: m._gamma(1, x),
    "floor": lambda m, x: m.context.floor(x),
    "ceil": lambda m, x: m.context.ceil(x),
    "round": lambda m, x: m.context.nint(x),
    "mod": ManyDigits._mod,
    "heaviside": ManyDigits._heaviside,
    "abs": lambda m, x: abs(x),
    "sign": lambda m, x: m.context.sign(x),
    "maximum": lambda m, a, b: a if a >= b else b,
    "minimum": lambda m, a, b: a if a <= b else b,
    "largest": lambda m, *x: m.largest(x),
    "log_sum_exp": lambda m, *x: m.log_sum_exp(x),
    "random_unit": _random(philox.unit),
    "random_turn": _random(philox.turn),
    "random_coarse": _random(philox.coarse),
    "xlogy": lambda m, x, y: m.zero if x == 0 and y == y else x * m._log(y),
}
