"""What a quantity made of exponentials is: a factor times the exponential of a logarithm.

``exp(u)``, ``sigmoid(u)``, a softmax, a sum of exponentials, and what is multiplied, divided,
added and raised to powers from them, are a :class:`Scaled`: a factor of moderate size, often 1,
and a logarithm as a :data:`~symbp.calculus.log_form.Form`. Its logarithm is then a sum, a quotient
of two a difference, and neither has to be inside the range of floating point for the other to be.
"""

from dataclasses import dataclass, field

import sympy
from sympy.core.expr import Expr

from symbp.calculus.log_form import Form
from symbp.notation.collected import factors
from symbp.notation.functions import expm1, softplus, where
from symbp.notation.tensor import Element

__all__ = ["Difference", "Scaled", "is_log_of_softplus", "is_one_minus_exp", "powers_in"]

_ONE = sympy.S.One


@dataclass(frozen=True)
class Difference:
    """``exp(a) - exp(b)``, of which ``exp(max(a, b))`` has been taken out."""

    larger: Form
    smaller: Form
    maximum: Expr
    log_of_sum: Expr
    half_tanh: Expr


@dataclass(frozen=True)
class Scaled:
    """A quantity ``factor · exp(log)``."""

    factor: Expr = _ONE
    log: Form = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether nothing of it is known as an exponential."""
        return not self.log

    @property
    def is_constant_times(self) -> bool:
        """Whether the factor is a number that does not depend on any tensor."""
        return self.factor.is_number or bool(
            self.factor.is_positive and not self.factor.atoms(Element)
        )

    @property
    def is_positive(self) -> bool:
        """Whether it is positive for sure."""
        return self.is_constant_times and bool(self.factor.is_positive)


def is_log_of_softplus(atom: Expr) -> bool:
    """Whether an expression is the logarithm of ``softplus(u)``."""
    return any(
        isinstance(part, sympy.log) and isinstance(part.args[0], softplus)
        for part in (atom, atom.args[-1] if isinstance(atom, where) else atom)
    )


def is_one_minus_exp(factor: Expr) -> bool:
    """Whether an expression is ``-expm1(u)``, or a power of it with a number as exponent."""
    if isinstance(factor, sympy.Pow) and factor.args[1].is_number:
        factor = factor.args[0]
    return (
        isinstance(factor, sympy.Mul)
        and len(factor.args) == 2
        and factor.args[0] == -1
        and isinstance(factor.args[1], expm1)
    )


def powers_in(product: Expr) -> list[tuple[Expr, Expr]]:
    """Return the factors of a product as bases and exponents, those of a power among them.

    A number is one of them, if it is not 1. Its sign is that of ``-expm1(u)``, if that is there.
    """
    number, parts = _ONE, []
    for factor in factors(product):
        base, n = _base_and_exponent(factor)
        inside = [(base, _ONE)] if n == 1 else powers_in(base)
        # (a·b)**n is a**n · b**n for whole n, or where all but one are positive numbers;
        # the root of x² is not x.
        unknown = [m for b, m in inside if not (b.is_number and b.is_positive)]
        if not n.is_Integer and (len(unknown) > 1 or any(m.is_even for m in unknown)):
            inside = [(base, _ONE)]
        for base, m in inside:
            if base.is_number:
                number = number * base ** (m * n)
            else:
                parts.append((base, m * n))
    for place, (base, n) in enumerate(parts):
        if isinstance(base, expm1) and n.is_Integer and (n.is_even or number.is_negative):
            parts[place] = -base, n
            number = number if n.is_even else -number
    return parts if number == 1 else [(number, _ONE), *parts]


def _base_and_exponent(factor: Expr) -> tuple[Expr, Expr]:
    is_power = isinstance(factor, sympy.Pow) and factor.args[1].is_number
    return factor.args if is_power else (factor, _ONE)
