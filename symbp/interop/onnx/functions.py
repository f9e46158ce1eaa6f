"""Each function of the notation in operators of the format.

A function without an operator of its own is written in others, by a formula that keeps its digits
in both ends of its range, or else by its definition in the notation.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from symbp.interop.onnx.values import Value, Values

__all__ = ["FUNCTIONS", "power"]

Rule = Callable[..., Value]


def _unary(operator: str) -> Rule:
    return lambda v, x: v.apply(operator, x)


def _binary(operator: str) -> Rule:
    return lambda v, x, y: v.apply(operator, x, y)


def _where(v: Values, condition: Value, a: Value, b: Value) -> Value:
    return v.apply("Where", condition, a, b, known=np.where)


def _less(v: Values, a: Value, b: Value) -> Value:
    return v.apply("Less", a, b, kind="bool")


def _equal(v: Values, a: Value, b: Value) -> Value:
    return v.apply("Equal", a, b, kind="bool")


def power(v: Values, base: Value, exponent: Value) -> Value:
    """Return a power; squares, roots and reciprocals have shorter forms."""
    number = exponent.data if isinstance(exponent.data, np.ndarray) and not exponent.axes else None
    if number is not None:
        if number == 2:
            return v.apply("Mul", base, base, known=np.multiply)
        if number == 0.5:
            return v.apply("Sqrt", base, known=np.sqrt)
        if number == -1:
            return v.apply("Reciprocal", base, known=np.reciprocal)
    return v.apply("Pow", base, exponent, known=np.power)


def _leaky_relu(v: Values, x: Value, slope: Value) -> Value:
    # Attributes are of single precision, whatever the file is of.
    if _is_single(v) and isinstance(slope.data, np.ndarray) and not slope.axes:
        return v.apply("LeakyRelu", x, alpha=float(slope.data))
    below = v.apply("Mul", slope, x)
    return _where(v, _less(v, v.number(0.0), x), x, below)


def _elu(v: Values, x: Value, alpha: Value) -> Value:
    below = v.apply("Mul", alpha, _expm1(v, v.apply("Min", x, v.number(0.0))))
    return _where(v, _less(v, v.number(0.0), x), x, below)


def _expm1(v: Values, x: Value) -> Value:
    # tanh(x/2) = (exp(x) - 1)/(exp(x) + 1)
    half = v.apply("Tanh", v.apply("Mul", v.number(0.5), x))
    return v.apply("Mul", half, v.apply("Add", v.apply("Exp", x), v.number(1.0)))


def _log1p(v: Values, x: Value) -> Value:
    # Kahan: the error of 1 + x is that of the divisor, too.
    one = v.number(1.0)
    u = v.apply("Add", one, x)
    log = v.apply("Log", u)
    corrected = v.apply("Mul", log, v.apply("Div", x, v.apply("Sub", u, one)))
    infinite = v.apply("IsInf", u, kind="bool")
    return _where(v, _equal(v, u, one), x, _where(v, infinite, log, corrected))


def _gelu_tanh(v: Values, x: Value) -> Value:
    # The logistic function keeps digits that 1 + tanh loses.
    cube = v.apply("Mul", v.apply("Mul", x, x), x)
    inner = v.apply("Add", x, v.apply("Mul", v.number(0.044715), cube))
    return v.apply(
        "Mul", x, v.apply("Sigmoid", v.apply("Mul", v.number(np.sqrt(8 / np.pi)), inner))
    )


def _mod(v: Values, a: Value, b: Value) -> Value:
    # The format's has the sign of the dividend for real numbers.
    left = v.apply("Mod", a, b, fmod=1)
    other = _less(v, v.apply("Mul", left, b), v.number(0.0))
    return _where(v, other, v.apply("Add", left, b), left)


def _heaviside(v: Values, x: Value, at_zero: Value) -> Value:
    zero = v.number(0.0)
    above = _where(v, _less(v, zero, x), v.number(1.0), zero)
    return _where(v, _equal(v, x, zero), at_zero, above)


def _atan2(v: Values, y: Value, x: Value) -> Value:
    # From the half angle, except on the negative half of the axis.
    zero = v.number(0.0)
    angle = v.apply("Atan", v.apply("Div", y, x))
    turn = _where(v, _less(v, y, zero), v.number(-np.pi), v.number(np.pi))
    on_axis = v.apply("Mul", v.number(np.pi / 2), v.apply("Sign", y))
    left = _where(v, _less(v, x, zero), v.apply("Add", angle, turn), angle)
    return _where(v, _equal(v, x, zero), on_axis, left)


def _xlogy(v: Values, x: Value, y: Value) -> Value:
    zero = v.number(0.0)
    product = v.apply("Mul", x, v.apply("Log", y))
    return _where(v, _equal(v, x, zero), zero, product)


# The coefficients B(2k)/(2k(2k - 1)) of Stirling's series, and those of its derivatives.
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_SHIFT = 10


def _shifted(v: Values, x: Value) -> tuple[list[Value], Value, Value]:
    """Return x, x + 1, …, and beyond them z with 1/z²: large enough for Stirling's series."""
    steps = [x, *(v.apply("Add", x, v.number(float(k))) for k in range(1, _SHIFT + 1))]
    z = steps.pop()
    reciprocal = v.apply("Reciprocal", z)
    return steps, z, v.apply("Mul", reciprocal, reciprocal)


def _series(v: Values, coefficients: tuple[float, ...], square: Value) -> Value:
    result = v.number(coefficients[-1])
    for each in reversed(coefficients[:-1]):
        result = v.apply("Add", v.number(each), v.apply("Mul", result, square))
    return result


def _of_positive(v: Values, x: Value, found: Value, infinite: int) -> Value:
    # Elsewhere the logarithm is what it shall be: infinite at 0, and no number below.
    log = v.apply("Log", x)
    below = v.apply("Neg", log) if infinite > 0 else log
    return _where(v, _less(v, v.number(0.0), x), found, below)


def _gammaln(v: Values, x: Value) -> Value:
    # Γ(x) = Γ(x + 10)/(x (x + 1) … (x + 9)), and Stirling's series.
    steps, z, square = _shifted(v, x)
    logs = v.apply("Log", steps[0])
    for each in steps[1:]:
        logs = v.apply("Add", logs, v.apply("Log", each))
    rest = v.apply("Div", _series(v, _STIRLING, square), z)
    main = v.apply("Mul", v.apply("Sub", z, v.number(0.5)), v.apply("Log", z))
    main = v.apply("Add", v.apply("Sub", main, z), v.number(0.5 * np.log(2 * np.pi)))
    return _of_positive(v, x, v.apply("Sub", v.apply("Add", main, rest), logs), 1)


def _digamma(v: Values, x: Value) -> Value:
    steps, z, square = _shifted(v, x)
    sum_ = v.apply("Reciprocal", steps[0])
    for each in steps[1:]:
        sum_ = v.apply("Add", sum_, v.apply("Reciprocal", each))
    slopes = tuple(-(2 * k + 1) * each for k, each in enumerate(_STIRLING))
    rest = v.apply("Mul", square, _series(v, slopes, square))
    main = v.apply("Sub", v.apply("Log", z), v.apply("Div", v.number(0.5), z))
    return _of_positive(v, x, v.apply("Sub", v.apply("Add", main, rest), sum_), -1)


def _trigamma(v: Values, x: Value) -> Value:
    steps, z, square = _shifted(v, x)
    sum_: Value | None = None
    for each in steps:
        inverse = v.apply("Reciprocal", each)
        term = v.apply("Mul", inverse, inverse)
        sum_ = term if sum_ is None else v.apply("Add", sum_, term)
    assert sum_ is not None
    slopes = tuple((2 * k + 1) * (2 * k + 2) * each for k, each in enumerate(_STIRLING))
    cubed = v.apply("Div", v.apply("Mul", square, _series(v, slopes, square)), z)
    main = v.apply("Add", v.apply("Reciprocal", z), v.apply("Mul", v.number(0.5), square))
    return _of_positive(v, x, v.apply("Add", v.apply("Add", main, cubed), sum_), 1)


@functools.cache
def _tail() -> tuple[float, ...]:
    """Return the Chebyshev series of ``log(exp(z²) erfc(z)/t)`` in ``t = 2/(2 + z)``, z ≥ 0.

    The form is that of Press and others, "Numerical Recipes", 3rd ed., section 6.2.2.
    """

    def value(s: Any) -> Any:
        t = np.maximum((s + 1) / 2, 1e-12)
        return np.log(scipy.special.erfcx(2 / t - 2) / t)

    interpolate: Any = np.polynomial.chebyshev.chebinterpolate  # older releases leave its type open
    return tuple(interpolate(value, 30))


def _log_tail(v: Values, z: Value) -> tuple[Value, Value]:
    """Return t, and the logarithm of ``exp(z²) erfc(z)/t``, for z ≥ 0."""
    two = v.number(2.0)
    t = v.apply("Div", two, v.apply("Add", two, z))
    s = v.apply("Sub", v.apply("Mul", two, t), v.number(1.0))
    double = v.apply("Mul", two, s)
    first, *rest = _tail()
    after, last = v.number(0.0), v.number(rest[-1])
    for each in reversed(rest[:-1]):  # Clenshaw
        term = v.apply("Sub", v.apply("Mul", double, last), after, known=np.subtract)
        last, after = v.apply("Add", v.number(each), term), last
    product = v.apply("Sub", v.apply("Mul", s, last), after)
    return t, v.apply("Add", v.number(first), product)


def _erfc(v: Values, x: Value) -> Value:
    z = v.apply("Abs", x)
    t, log = _log_tail(v, z)
    beyond = v.apply("Mul", t, v.apply("Exp", v.apply("Sub", log, v.apply("Mul", z, z))))
    below = _less(v, x, v.number(0.0))
    return _where(v, below, v.apply("Sub", v.number(2.0), beyond), beyond)


def _log_ndtr(v: Values, x: Value) -> Value:
    z = v.apply("Mul", v.number(np.sqrt(0.5)), v.apply("Abs", x))
    t, log = _log_tail(v, z)
    square = v.apply("Mul", v.apply("Mul", v.number(0.5), x), x)
    # log(erfc(z)/2), and log(1 - erfc(z)/2)
    below = v.apply(
        "Sub", v.apply("Add", v.apply("Log", v.apply("Mul", v.number(0.5), t)), log), square
    )
    above = _log1p(v, v.apply("Neg", v.apply("Exp", below)))
    return _where(v, _less(v, x, v.number(0.0)), below, above)


def _inverse_mills_ratio(v: Values, x: Value) -> Value:
    # φ(x)/Φ(x): the logarithm of the density minus that of the distribution function.
    square = v.apply("Mul", v.apply("Mul", v.number(0.5), x), x)
    z = v.apply("Mul", v.number(np.sqrt(0.5)), v.apply("Abs", x))
    t, log = _log_tail(v, z)
    scale = v.number(np.sqrt(2 / np.pi))
    below = v.apply("Div", scale, v.apply("Mul", t, v.apply("Exp", log)))
    density = v.apply(
        "Mul", v.number(1 / np.sqrt(2 * np.pi)), v.apply("Exp", v.apply("Neg", square))
    )
    half = v.apply("Mul", v.number(0.5), _erfc(v, z))
    above = v.apply("Div", density, v.apply("Sub", v.number(1.0), half))
    return _where(v, _less(v, x, v.number(0.0)), below, above)


def _is_single(v: Values) -> bool:
    """Whether a file is of float32.

    In float64 operators are avoided that ONNX Runtime has no code for, such as Erf, Softplus and
    Conv, or whose reference evaluator computes in single precision, as Erf's does.
    """
    return v.graph.dtype == np.float32


def _erf(v: Values, x: Value) -> Value:
    if _is_single(v):
        return v.apply("Erf", x)
    beyond = v.apply("Sub", v.number(1.0), _erfc(v, v.apply("Abs", x)))
    return v.apply("Mul", v.apply("Sign", x), beyond)


def _gelu(v: Values, x: Value) -> Value:
    if _is_single(v):
        return v.apply("Gelu", x)
    turned = v.apply("Mul", v.number(-np.sqrt(0.5)), x)
    return v.apply("Mul", v.apply("Mul", v.number(0.5), x), _erfc(v, turned))


def _softplus(v: Values, x: Value) -> Value:
    if _is_single(v):
        return v.apply("Softplus", x)
    small = _log1p(v, v.apply("Exp", v.apply("Neg", v.apply("Abs", x))))
    return v.apply("Add", v.apply("Max", x, v.number(0.0)), small)


FUNCTIONS: dict[str, Rule] = {
    "sigmoid": _unary("Sigmoid"),
    "tanh": _unary("Tanh"),
    "relu": _unary("Relu"),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": lambda v, x: v.apply("Mul", x, v.apply("Sigmoid", x)),
    "softplus": _softplus,
    "sin": _unary("Sin"),
    "cos": _unary("Cos"),
    "tan": _unary("Tan"),
    "asin": _unary("Asin"),
    "acos": _unary("Acos"),
    "atan": _unary("Atan"),
    "sinh": _unary("Sinh"),
    "cosh": _unary("Cosh"),
    "asinh": _unary("Asinh"),
    "acosh": _unary("Acosh"),
    "atanh": _unary("Atanh"),
    "exp": _unary("Exp"),
    "log": _unary("Log"),
    "erf": _erf,
    "abs": _unary("Abs"),
    "sign": _unary("Sign"),
    "floor": _unary("Floor"),
    "ceil": _unary("Ceil"),
    "round": _unary("Round"),
    "norm": _unary("Sqrt"),
    "maximum": _binary("Max"),
    "minimum": _binary("Min"),
    "expm1": _expm1,
    "log1p": _log1p,
    "mod": _mod,
    "heaviside": _heaviside,
    "atan2": _atan2,
    "xlogy": _xlogy,
    "gammaln": _gammaln,
    "digamma": _digamma,
    "trigamma": _trigamma,
    "erfc": _erfc,
    "log_ndtr": _log_ndtr,
    "inverse_mills_ratio": _inverse_mills_ratio,
    "where": _where,
}
"""By the name of a function's record: what computes it from its arguments."""
