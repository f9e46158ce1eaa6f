"""More elementwise functions: trigonometric, hyperbolic and special ones, and steps.

Each is a class that users write and a record of it, as in :mod:`symbp.notation.functions`. Where
SymPy has the function, an equation translates SymPy's into it (see
:mod:`symbp.notation.standard`); what SymPy can write in known functions is rewritten there.
"""

from typing import Any

import numpy as np
import scipy
import sympy
from sympy.core.expr import Expr

from symbp.notation.announced import announce
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import _Elementwise, where
from symbp.notation.operation import Operation, register
from symbp.notation.standard import exp, sin, sqrt, translate

__all__ = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "cosh", "digamma", "erfc",
    "floor", "gammaln", "heaviside", "inverse_mills_ratio", "log_ndtr", "mod", "round",
    "sinh", "tan", "trigamma",
]  # fmt: skip


class _OfSymPy(_Elementwise):
    """Base of functions that SymPy has, too: of numbers they are SymPy's."""

    nargs = 1
    of_numbers: Any = None

    @classmethod
    def eval(cls, *arguments: Expr) -> Expr | None:
        """Leave numbers to SymPy, which has any number of their digits."""
        if cls.of_numbers is None or not all(each.is_number for each in arguments):
            return None
        value: Expr = cls.of_numbers(*arguments)
        return value


class tan(_OfSymPy):  # noqa: N801 - functions are written in lower case
    """The tangent of an angle in radians."""

    of_numbers = sympy.tan


class sinh(_OfSymPy):  # noqa: N801
    """The hyperbolic sine ``(exp(x) - exp(-x))/2``."""

    of_numbers = sympy.sinh


class cosh(_OfSymPy):  # noqa: N801
    """The hyperbolic cosine ``(exp(x) + exp(-x))/2``."""

    of_numbers = sympy.cosh


class asin(_OfSymPy):  # noqa: N801
    """The angle from ``-π/2`` to ``π/2`` whose sine is ``x``; NaN beyond -1 and 1."""

    of_numbers = sympy.asin


class acos(_OfSymPy):  # noqa: N801
    """The angle from 0 to ``π`` whose cosine is ``x``; NaN beyond -1 and 1."""

    of_numbers = sympy.acos


class atan(_OfSymPy):  # noqa: N801
    """The angle between ``-π/2`` and ``π/2`` whose tangent is ``x``."""

    of_numbers = sympy.atan


class atan2(_OfSymPy):  # noqa: N801
    """``atan2(y, x)``: the angle of the point ``(x, y)``, from ``-π`` to ``π``.

    At the origin it is 0, or ``±π`` for ``x = -0``, as in IEEE 754; its derivatives there are 0 by
    convention.
    """

    nargs = 2
    of_numbers = sympy.atan2


class asinh(_OfSymPy):  # noqa: N801
    """The number whose hyperbolic sine is ``x``: ``log(x + sqrt(x**2 + 1))``."""

    of_numbers = sympy.asinh


class acosh(_OfSymPy):  # noqa: N801
    """The number from 0 on whose hyperbolic cosine is ``x``; NaN below 1."""

    of_numbers = sympy.acosh


class atanh(_OfSymPy):  # noqa: N801
    """The number whose hyperbolic tangent is ``x``; infinite at -1 and 1, NaN beyond."""

    of_numbers = sympy.atanh


class erfc(_OfSymPy):  # noqa: N801
    """``1 - erf(x)``, with all its digits where ``erf(x)`` is nearly 1."""

    of_numbers = sympy.erfc


class log_ndtr(_Elementwise):  # noqa: N801
    """The logarithm of the normal distribution function, ``log Φ(x)``."""

    nargs = 1


class inverse_mills_ratio(_Elementwise):  # noqa: N801
    """``φ(x)/Φ(x)``, the derivative of ``log Φ(x)``."""

    nargs = 1


class gammaln(_OfSymPy):  # noqa: N801
    """The logarithm of the gamma function, for ``x > 0``."""

    of_numbers = sympy.loggamma


class digamma(_OfSymPy):  # noqa: N801
    """The derivative of ``gammaln``, for ``x > 0``."""

    of_numbers = sympy.digamma


class trigamma(_OfSymPy):  # noqa: N801
    """The derivative of ``digamma``, for ``x > 0``."""

    of_numbers = sympy.trigamma


class floor(_OfSymPy):  # noqa: N801
    """The largest whole number that is not above ``x``; its derivative is 0."""

    of_numbers = sympy.floor


class ceil(_OfSymPy):  # noqa: N801
    """The smallest whole number that is not below ``x``; its derivative is 0."""

    of_numbers = sympy.ceiling


class round(_Elementwise):  # noqa: N801 - and the name is NumPy's
    """The nearest whole number, of two the even one, as NumPy's; its derivative is 0."""

    nargs = 1


class mod(_OfSymPy):  # noqa: N801
    """``a - b·floor(a/b)``: what is left of ``a``, with the sign of ``b``, as NumPy's."""

    nargs = 2
    of_numbers = sympy.Mod


class heaviside(_OfSymPy):  # noqa: N801
    """0 below 0, 1 above; at 0 the second argument, 1/2 unless given. Its derivative is 0."""

    nargs = 2
    of_numbers = sympy.Heaviside

    def __new__(cls, x: Any, at_zero: Any = sympy.S.Half, **options: Any) -> Any:
        """Return the application; the value at 0 is 1/2 unless given."""
        return super().__new__(cls, x, at_zero, **options)


def _polygamma(order: Expr, x: Expr) -> Expr:
    """Return SymPy's polygamma; without those that have no code."""
    if order in (0, 1):
        return (digamma if order == 0 else trigamma)(x)
    raise UnsupportedError(f"polygamma({order}, x): only those of order 0 and 1 have code")


_zero, _one = sympy.S.Zero, sympy.S.One


def _atan2_derivative(y: Expr, x: Expr) -> tuple[Expr, Expr]:
    square = x**2 + y**2
    origin = sympy.Eq(square, 0, evaluate=False)
    return where(origin, 0, x / square), where(origin, 0, -y / square)


def _inverse_mills_ratio_value(x: Any) -> Any:
    with np.errstate(all="ignore"):
        below = np.sqrt(2 / np.pi) / scipy.special.erfcx(-np.minimum(x, 0) / np.sqrt(2))
        density = np.exp(-(np.maximum(x, 0) ** 2) / 2) / np.sqrt(2 * np.pi)
        return np.where(x < 0, below, density / scipy.special.ndtr(np.maximum(x, 0)))


def _of_positive(function: str, *order: int) -> Any:
    """Return a function of SciPy's that is infinite at 0 and NaN below."""
    at_zero = -np.inf if function == "digamma" else np.inf

    def value(x: Any) -> Any:
        inside = np.where(x > 0, x, 1.0)
        found = getattr(scipy.special, function)(*order, inside)
        return np.where(x > 0, found, np.where(x == 0, at_zero, np.nan))

    return value


def _no_derivative(x: Expr) -> tuple[Expr]:
    raise UnsupportedError(f"trigamma({x}): its derivative, polygamma(2, x), has no code")


def _heaviside_value(x: Any, at_zero: Any) -> Any:
    return np.heaviside(x, at_zero)


_POSITIVE = "x > 0"
_RECORDS = [
    Operation(
        "tan", tan, np.tan, lambda x: (1 + tan(x) ** 2,), r"\tan", "tan", False,
        domain="all real numbers",
    ),
    Operation("sinh", sinh, np.sinh, lambda x: (cosh(x),), r"\sinh", "sinh", False),
    Operation("cosh", cosh, np.cosh, lambda x: (sinh(x),), r"\cosh", "cosh", False),
    Operation(
        "asin", asin, np.arcsin, lambda x: (1 / sqrt((1 - x) * (1 + x)),),
        r"\arcsin", "arcsin", False, domain="-1 <= x <= 1; nan beyond",
    ),
    Operation(
        "acos", acos, np.arccos, lambda x: (-1 / sqrt((1 - x) * (1 + x)),),
        r"\arccos", "arccos", False, domain="-1 <= x <= 1; nan beyond",
    ),
    Operation(
        "atan", atan, np.arctan, lambda x: (1 / (1 + x**2),), r"\arctan", "arctan", False,
    ),
    Operation(
        "atan2", atan2, np.arctan2, _atan2_derivative,
        r"\operatorname{atan2}", "atan2", False, domain="all points; derivatives 0 at the origin",
    ),
    Operation(
        "asinh", asinh, np.arcsinh, lambda x: (1 / sqrt(1 + x**2),),
        r"\operatorname{arsinh}", "arsinh", False,
    ),
    Operation(
        "acosh", acosh, np.arccosh, lambda x: (1 / (sqrt(x - 1) * sqrt(x + 1)),),
        r"\operatorname{arcosh}", "arcosh", False, domain="x >= 1; nan below",
    ),
    Operation(
        "atanh", atanh, np.arctanh, lambda x: (1 / ((1 - x) * (1 + x)),),
        r"\operatorname{artanh}", "artanh", False,
        domain="-1 < x < 1; infinite at both ends, nan beyond",
    ),
    Operation(
        "erfc", erfc, lambda x: scipy.special.erfc(x),
        lambda x: (-2 * exp(-(x**2)) / sqrt(sympy.pi),),
        r"\operatorname{erfc}", "erfc",
    ),
    Operation(
        "log_ndtr", log_ndtr, lambda x: scipy.special.log_ndtr(x),
        lambda x: (exp(-(x**2) / 2 - log_ndtr(x)) / sqrt(2 * sympy.pi),),
        r"\operatorname{log\_ndtr}", "log_ndtr", computed=lambda x: (inverse_mills_ratio(x),),
    ),
    Operation(
        "gammaln", gammaln, _of_positive("gammaln"), lambda x: (digamma(x),),
        r"\ln\Gamma", "ln Γ", False, domain=f"{_POSITIVE}; inf at 0, nan below",
    ),
    Operation(
        "digamma", digamma, _of_positive("digamma"), lambda x: (trigamma(x),),
        r"\psi", "ψ", False, domain=f"{_POSITIVE}; -inf at 0, nan below",
    ),
    Operation(
        "trigamma", trigamma, _of_positive("polygamma", 1), _no_derivative,
        r"\psi_1", "ψ₁", False, domain=f"{_POSITIVE}; inf at 0, nan below",
    ),
    Operation(
        "floor", floor, np.floor, lambda x: (_zero,),
        r"\left\lfloor {0} \right\rfloor", "⌊{0}⌋", False, domain="all real numbers; derivative 0",
    ),
    Operation(
        "ceil", ceil, np.ceil, lambda x: (_zero,),
        r"\left\lceil {0} \right\rceil", "⌈{0}⌉", False, domain="all real numbers; derivative 0",
    ),
    Operation(
        "round", round, np.rint, lambda x: (_zero,),
        r"\operatorname{round}", "round", False,
        domain="all real numbers; halves to the even number; derivative 0",
    ),
    Operation(
        "mod", mod, np.mod, lambda a, b: (_one, -floor(a / b)),
        r"\operatorname{mod}", "mod", False,
        domain="b != 0; the sign of b; the derivative by a is 1, that by b is -floor(a/b)",
    ),
    Operation(
        "heaviside", heaviside, _heaviside_value,
        lambda x, at_zero: (_zero, where(sympy.Eq(x, 0), 1, 0)),
        r"\operatorname{H}", "H", False, domain="all real numbers; derivative by x 0",
    ),
]  # fmt: skip

announce(mod)

for _operation in _RECORDS:
    register(_operation)

register(
    Operation(
        "inverse_mills_ratio", inverse_mills_ratio, _inverse_mills_ratio_value,
        lambda x: (-inverse_mills_ratio(x) * (x + inverse_mills_ratio(x)),),
        r"\operatorname{log\_ndtr}'", "log_ndtr′", False,
    ),
    listed=False,
)  # fmt: skip

_TRANSLATIONS: dict[type, Any] = {
    sympy.tan: tan, sympy.sinh: sinh, sympy.cosh: cosh, sympy.asin: asin, sympy.acos: acos,
    sympy.atan: atan, sympy.atan2: atan2, sympy.asinh: asinh, sympy.acosh: acosh,
    sympy.atanh: atanh, sympy.erfc: erfc, sympy.loggamma: gammaln, sympy.digamma: digamma,
    sympy.trigamma: trigamma, sympy.polygamma: _polygamma, sympy.floor: floor,
    sympy.ceiling: ceil, sympy.Mod: mod, sympy.Heaviside: heaviside,
    sympy.gamma: lambda x: exp(gammaln(x)),
    sympy.beta: lambda x, y: exp(gammaln(x) + gammaln(y) - gammaln(x + y)),
    sympy.sinc: lambda x: where(sympy.Eq(x, 0), 1, sin(x) / x),
}  # fmt: skip

for _kind, _function in _TRANSLATIONS.items():
    translate(_kind, _function)
