"""Products, powers and roots whose value at a singular point is a stated convention.

On paper ``0 · (1/0)`` has no value, nor has ``y x^(y-1)`` at ``x = y = 0``. What differentiation
makes of an equation meets such points, and there a number has to stand: it is the one that each
function here states, and its textbook formula everywhere else. They print as that formula
(:func:`plainly`); ``docs/notation.md`` lists the conventions.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy
import sympy
from sympy.core.expr import Expr

from symbp.notation.announced import announce
from symbp.notation.arithmetic import power
from symbp.notation.collected import product_of
from symbp.notation.functions import _Elementwise, log1p, where
from symbp.notation.operation import Operation, register
from symbp.notation.standard import log, sqrt

__all__ = [
    "absorbing_product", "conventions", "half_reciprocal", "norm", "plainly", "power_log",
    "power_slope", "root", "root_slope", "xlog1py", "xlogy",
]  # fmt: skip


class _Stated(_Elementwise):
    """Base of functions that are their formula but for what is stated at singular points."""

    def formula(self) -> Expr:
        """Return the textbook formula, as it prints."""
        raise NotImplementedError

    def _sympystr(self, printer: Any) -> str:
        return str(printer._print(plainly(self)))


class absorbing_product(_Stated):  # noqa: N801 - functions are written in lower case
    """``a·b``, and exactly 0 where ``a`` is 0, whatever ``b`` is: infinite or NaN.

    Zero is the absorbing element of multiplication; with it a branch that ``where`` did not
    choose passes no NaN back, and a target of 0 hides a logarithm of 0.
    """

    nargs = 2

    def formula(self) -> Expr:
        """Return the product."""
        return product_of(*self.args)


class xlogy(_Stated):  # noqa: N801
    """``x·log(y)``, and 0 at ``x = 0`` unless ``y`` is NaN, as ``scipy.special.xlogy``.

    The derivatives are ``log(y)``, 0 at ``x = 0`` for ``y ≤ 0``, and ``x/y``, 0 at ``x = 0``.
    """

    nargs = 2

    def formula(self) -> Expr:
        """Return the product."""
        return product_of(self.args[0], log(self.args[1]))


class xlog1py(_Stated):  # noqa: N801
    """``x·log(1 + y)``, and 0 at ``x = 0`` unless ``y`` is NaN, as ``scipy.special.xlog1py``.

    The derivatives are ``log(1 + y)``, 0 at ``x = 0`` for ``y ≤ -1``, and ``x/(1 + y)``, 0 at
    ``x = 0``.
    """

    nargs = 2

    def formula(self) -> Expr:
        """Return the product."""
        return product_of(self.args[0], log1p(self.args[1]))


class power_slope(_Stated):  # noqa: N801
    """``y x^(y-1)``, the derivative of ``x^y`` by ``x``; 0 at ``y = 0``, where ``x^y`` is 1."""

    nargs = 2

    @classmethod
    def eval(cls, x: Expr, y: Expr) -> Expr | None:
        """Write out the derivative where the exponent is a number."""
        return product_of(y, power(x, y - 1)) if y.is_number else None

    def formula(self) -> Expr:
        """Return the derivative as it is for a number in the exponent."""
        x, y = self.args
        return product_of(y, power(x, y - 1))


class power_log(_Stated):  # noqa: N801
    """``x^y log x``, the derivative of ``x^y`` by ``y``; 0 at ``x = 0`` for ``y ≥ 0``."""

    nargs = 2

    def formula(self) -> Expr:
        """Return the product."""
        x, y = self.args
        return product_of(power(x, y), log(x))


announce(power_slope, power_log)


class norm(_Stated):  # noqa: N801
    """``√s`` of a sum of squares ``s``: its gradient is 0 where it is 0."""

    nargs = 1

    def formula(self) -> Expr:
        """Return the root."""
        return sqrt(self.args[0])


class half_reciprocal(_Stated):  # noqa: N801
    """``1/(2r)``, the derivative of the norm ``r = √s`` by ``s``; 0 at ``r = 0``."""

    nargs = 1

    def formula(self) -> Expr:
        """Return the quotient."""
        return product_of(sympy.S.Half, power(self.args[0], sympy.S.NegativeOne))


class root(_Stated):  # noqa: N801
    """``s^q`` of a sum ``s`` of powers that are not negative: its gradient is 0 where it is 0."""

    nargs = 2

    def formula(self) -> Expr:
        """Return the power."""
        return power(*self.args)


class root_slope(_Stated):  # noqa: N801
    """``q s^(q-1)``, the derivative of the root ``s^q`` by ``s``; 0 at ``s = 0``."""

    nargs = 2

    def formula(self) -> Expr:
        """Return the derivative of the power."""
        s, q = self.args
        return product_of(q, power(s, q - 1))


def plainly(expression: Expr) -> Expr:
    """Return an expression with the textbook formulas of the functions of this file.

    Parameters
    ----------
    expression : SymPy expression
        With or without reductions.

    Examples
    --------
    >>> import symbp as bp
    >>> y, a = bp.tensor("y"), bp.tensor("a")
    >>> plainly(absorbing_product(y, bp.log(a)))
    y*log(a)
    """
    done: dict[Any, Any] = {}

    def visit(node: Any) -> Any:
        if node.is_Atom or not node.has(_Stated):
            return node
        if node not in done:
            result = node.func(*(visit(argument) for argument in node.args))
            done[node] = result.formula() if isinstance(result, _Stated) else result
        return done[node]

    return visit(expression)


# What a derivation says of each, in words.
_SAID = {
    half_reciprocal: "by convention, the derivative of a norm is 0 where the norm is 0",
    root_slope: "by convention, the derivative of a root of a sum of powers is 0 where it is 0",
    power_slope: "by convention, the derivative of a power by its base is 0 at exponent 0",
    power_log: (
        "by convention, the derivative of a power by its exponent is 0 at base 0, "
        "unless the exponent is negative"
    ),
    absorbing_product: "by convention, an exact 0 times a derivative that is not finite is 0",
    xlogy: "by convention, x log(y) and its derivatives are 0 at x = 0, also where y = 0",
    xlog1py: "by convention, x log(1 + y) and its derivatives are 0 at x = 0, also where y = -1",
}


def conventions(bodies: Iterable[Expr], *kinds: type) -> tuple[str, ...]:
    """Return in words the conventions that some expressions rely on; of some functions, or all."""
    found = {type(node) for body in bodies for node in body.atoms(*(kinds or (_Stated,)))}
    return tuple(said for kind, said in _SAID.items() if kind in found)


def _slope_of_slope(x: Expr, y: Expr) -> tuple[Expr, ...]:
    lower = absorbing_product(y, power_slope(x, y - 1))
    return lower, power(x, y - 1) + absorbing_product(y, power_log(x, y - 1))


def _slope_of_log(x: Expr, y: Expr) -> tuple[Expr, ...]:
    by_base = power(x, y - 1) + absorbing_product(y, power_log(x, y - 1))
    return by_base, absorbing_product(power_log(x, y), log(x))


def _slope_of_root_slope(s: Expr, q: Expr) -> tuple[Expr, ...]:
    by_exponent = _zero_where(sympy.Eq(s, 0), power(s, q - 1) * (1 + q * log(s)))
    return product_of(q, root_slope(s, q - 1)), by_exponent


def _zero_where(condition: Any, value: Expr) -> Expr:
    return where(condition, 0, value)


def _unless_hidden(x: Expr, y: Expr, slope: Expr) -> Expr:
    """Return the logarithm, the derivative by ``x``, but 0 where ``x`` hides that it is none."""
    return where(sympy.And(sympy.Eq(x, 0), sympy.Le(y, 0)), 0, slope)


_STATED = [
    Operation(
        "absorbing_product", absorbing_product, lambda a, b: np.where(a == 0, 0.0, a * b),
        lambda a, b: (b, a), r"{0} {1}", "{0} {1}", False,
        lambda a, b: _zero_where(sympy.Eq(a, 0), a * b),
        domain="all real numbers; 0 at a = 0 for every b",
    ),
    Operation(
        "power_slope", power_slope, lambda x, y: np.where(y == 0, 0.0, y * x ** (y - 1)),
        _slope_of_slope, r"{1} {0}^{{{1}-1}}", "{1} {0}^({1}-1)", False,
        lambda x, y: _zero_where(sympy.Eq(y, 0), y * power(x, y - 1)),
        domain="x > 0, or x < 0 with an integer y; 0 at y = 0",
    ),
    Operation(
        "power_log", power_log,
        lambda x, y: np.where((x == 0) & (y >= 0), 0.0, x**y * np.log(x)), _slope_of_log,
        r"{0}^{{{1}}} \ln {0}", "{0}^({1}) ln {0}", False,
        lambda x, y: _zero_where(
            sympy.And(sympy.Eq(x, 0), sympy.Ge(y, 0)), power(x, y) * log(x)
        ),
        domain="x > 0; 0 at x = 0 for y >= 0, -inf there for y < 0, nan for x < 0",
    ),
    Operation(
        "norm", norm, np.sqrt, lambda s: (half_reciprocal(norm(s)),), r"\sqrt{{{0}}}", "√({0})",
        False, sqrt, domain="s >= 0; derivative 0 at 0",
    ),
    Operation(
        "half_reciprocal", half_reciprocal, lambda r: np.where(r == 0, 0.0, 0.5 / r),
        lambda r: (-2 * half_reciprocal(r) ** 2,),
        r"1/(2 {0})", "1/(2 {0})", False, lambda r: _zero_where(sympy.Eq(r, 0), 1 / (2 * r)),
        domain="all real numbers; 0 at 0",
    ),
    Operation(
        "root", root, lambda s, q: s**q, lambda s, q: (root_slope(s, q), power_log(s, q)),
        r"{0}^{{{1}}}", "{0}^({1})", False, power,
        domain="s >= 0, q > 0; derivative 0 at 0",
    ),
    Operation(
        "root_slope", root_slope, lambda s, q: np.where(s == 0, 0.0, q * s ** (q - 1)),
        _slope_of_root_slope, r"{1} {0}^{{{1}-1}}", "{1} {0}^({1}-1)", False,
        lambda s, q: _zero_where(sympy.Eq(s, 0), q * power(s, q - 1)),
        domain="s >= 0; 0 at 0",
    ),
]  # fmt: skip

_NAMED = [
    Operation(
        "xlogy", xlogy, lambda x, y: scipy.special.xlogy(x, y),
        lambda x, y: (_unless_hidden(x, y, log(y)), absorbing_product(x, 1 / y)),
        r"{0} \ln {1}", "{0} ln {1}", False,
        domain="y > 0; 0 at x = 0 unless y is nan",
    ),
    Operation(
        "xlog1py", xlog1py, lambda x, y: scipy.special.xlog1py(x, y),
        lambda x, y: (_unless_hidden(x, 1 + y, log1p(y)), absorbing_product(x, 1 / (1 + y))),
        r"{0} \ln(1 + {1})", "{0} ln(1 + {1})", False,
        lambda x, y: _zero_where(sympy.Eq(x, 0), x * log1p(y)),
        domain="y > -1; 0 at x = 0 unless y is nan",
    ),
]  # fmt: skip

for _operation in _STATED:
    # Passes make them; they have no name that a user could write.
    register(_operation, listed=False)
for _operation in _NAMED:
    register(_operation)
