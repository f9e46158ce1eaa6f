"""Derivatives that are functions of their own, because the textbook's form of them loses digits.

``1 - tanh(x)**2`` is 0 where the derivative is 1e-17, and ``Φ(x) + x·φ(x)`` has few right digits
for negative ``x`` and is NaN at infinity. Derivations print such a rule; what is computed is one
function, whose code has full accuracy over the whole range. Here are these functions, and which
derivative each is; the forms are told apart by :data:`~symbp.notation.operation.Form`.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import scipy
import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Written
from symbp.notation.functions import sigmoid
from symbp.notation.operation import OPERATIONS, Operation, operation_of, register
from symbp.notation.standard import erf, exp, sqrt, tanh

__all__ = ["erf_prime", "gelu_prime", "gelu_tanh_prime", "silu_prime", "tanh_prime"]


class _Derivative(Written, sympy.Function):
    """Base of the functions of one argument below."""

    is_real = True
    is_commutative = True
    nargs = 1

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the derivative, from the record."""
        return operation_of(type(self)).derivative(*self.args)[argindex - 1]


class tanh_prime(_Derivative):  # noqa: N801 - functions are written in lower case
    """The derivative of ``tanh``: ``1 / cosh(x)**2``."""


class erf_prime(_Derivative):  # noqa: N801
    """The derivative of ``erf``: ``2·exp(-x**2) / sqrt(pi)``."""


class gelu_prime(_Derivative):  # noqa: N801
    """The derivative of ``gelu``: ``Φ(x) + x·φ(x)``."""


class gelu_tanh_prime(_Derivative):  # noqa: N801
    """The derivative of ``gelu_tanh``."""


class silu_prime(_Derivative):  # noqa: N801
    """The derivative of ``silu``: ``σ(x)·(1 + x·σ(-x))``."""


_CUBIC = sympy.Rational(44715, 1000000)
_LINEAR = 2 * sympy.sqrt(2 / sympy.pi)


def _tanh_prime_value(x: Any) -> Any:
    e = np.exp(-2 * np.abs(x))
    return 4 * e / (1 + e) ** 2


def _gelu_prime_value(x: Any) -> Any:
    t = np.minimum(np.abs(x), 40.0)
    tail = scipy.special.ndtr(-t) - t * np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    # Beyond 3 both terms are exp(-t²/2) times a rational function, and so is their difference.
    scaled = scipy.special.erfcx(t / np.sqrt(2)) / 2 - t / np.sqrt(2 * np.pi)
    tail = np.where(t > 3, scaled * np.exp(-(t**2) / 2), tail)
    return np.where(x > 0, 1 - tail, tail)


def _logistic_unit_value(x: Any, inner: Any, slope: Any) -> Any:
    """Return the derivative of ``x·σ(u)`` from |u| and ``|x|·u'``."""
    e = np.exp(-inner)
    tail = e * ((1 - slope) + e) / (1 + e) ** 2
    return np.where(x > 0, 1 - tail, tail)


def _silu_prime_value(x: Any) -> Any:
    t = np.minimum(np.abs(x), 800.0)
    return _logistic_unit_value(x, t, t)


def _gelu_tanh_prime_value(x: Any) -> Any:
    t = np.minimum(np.abs(x), 40.0)
    linear, cubic = float(_LINEAR), float(_LINEAR * _CUBIC)
    return _logistic_unit_value(x, t * (linear + cubic * t**2), t * (linear + 3 * cubic * t**2))


def _gelu_tanh_prime_derivative(x: Expr) -> tuple[Expr]:
    u = _LINEAR * (x + _CUBIC * x**3)
    first, second = _LINEAR * (1 + 3 * _CUBIC * x**2), 6 * _LINEAR * _CUBIC * x
    both = sigmoid(u) * sigmoid(-u)
    return (both * (2 * first + x * second - x * first**2 * tanh(u / 2)),)


def _gelu_tanh_prime_definition(x: Expr) -> Expr:
    u = _LINEAR * (x + _CUBIC * x**3)
    return sigmoid(u) * (1 + x * _LINEAR * (1 + 3 * _CUBIC * x**2) * sigmoid(-u))


def _record(function: Any, value: Any, derivative: Any, of: str, definition: Any) -> Operation:
    name = function.__name__
    plain = OPERATIONS[of]
    return Operation(
        name, function, value, derivative, f"{plain.latex}'", f"{plain.text}′",
        definition=definition,
    )  # fmt: skip


_RECORDS = (
    _record(
        tanh_prime, _tanh_prime_value, lambda x: (-2 * tanh(x) * tanh_prime(x),), "tanh",
        lambda x: 4 * sigmoid(2 * x) * sigmoid(-2 * x),
    ),
    _record(
        erf_prime, lambda x: 2 * np.exp(-(x**2)) / np.sqrt(np.pi),
        lambda x: (-2 * x * erf_prime(x),), "erf", lambda x: 2 * exp(-(x**2)) / sqrt(sympy.pi),
    ),
    _record(
        gelu_prime, _gelu_prime_value,
        lambda x: ((2 - x**2) * exp(-(x**2) / 2) / sqrt(2 * sympy.pi),), "gelu",
        lambda x: (1 + erf(x / sqrt(2))) / 2 + x * exp(-(x**2) / 2) / sqrt(2 * sympy.pi),
    ),
    _record(
        gelu_tanh_prime, _gelu_tanh_prime_value, _gelu_tanh_prime_derivative, "gelu_tanh",
        _gelu_tanh_prime_definition,
    ),
    _record(
        silu_prime, _silu_prime_value,
        lambda x: (sigmoid(x) * sigmoid(-x) * (2 - x * tanh(x / 2)),), "silu",
        lambda x: sigmoid(x) * (1 + x * sigmoid(-x)),
    ),
)  # fmt: skip

for _operation in _RECORDS:
    register(_operation, listed=False)

for _name, _function in {
    "erf": erf_prime, "gelu": gelu_prime, "gelu_tanh": gelu_tanh_prime, "silu": silu_prime,
}.items():  # fmt: skip
    register(replace(OPERATIONS[_name], computed=lambda x, f=_function: (f(x),)))

# Read from the output these two cost next to nothing; from the input, an exponential.
register(replace(OPERATIONS["sigmoid"], accurate=lambda x: (sigmoid(x) * sigmoid(-x),)))
register(replace(OPERATIONS["tanh"], accurate=lambda x: (tanh_prime(x),)))
