"""The derivative of a function, kept by name.

The reverse rule leaves ``σ'(z)`` in an equation as ``Prime(sigmoid(z), 1)``, so that a
derivation can print the step before the function's own rule is applied.
"""

from typing import Any

import sympy
from sympy.core.expr import Expr

import symbp.notation.derivative_functions  # noqa: F401 - they complete the functions' records
from symbp.notation.arithmetic import Written
from symbp.notation.functions import operation_of
from symbp.notation.operation import DerivativeForm
from symbp.notation.standard import translated

__all__ = ["Prime", "expand_primes"]


class Prime(Written, Expr):
    """The partial derivative of a function application, not yet written out.

    Parameters
    ----------
    application : sympy.Function
        For example ``sigmoid(z[n, j])``.
    argument : int
        Which argument it is differentiated with respect to, counted from 1.
    """

    is_commutative = True
    is_real = True
    is_number = False

    def __new__(cls, application: Any, argument: Any = 1) -> "Prime":
        """Return the derivative with respect to one argument."""
        sign, function = application.as_coeff_Mul()
        if sign == -1 and isinstance(function, sympy.Function):
            # A substitution made SymPy write tanh(-u) as -tanh(u); tanh' is the same for both.
            application = function
        prime: Prime = super().__new__(cls, application, sympy.Integer(argument))
        return prime

    @property
    def application(self) -> Any:
        """The function application that is differentiated."""
        return self.args[0]

    @property
    def argument(self) -> int:
        """Which argument it is differentiated with respect to, counted from 1."""
        return int(self.args[1])

    def rule(self, form: DerivativeForm = "textbook") -> Expr:
        """Return the derivative written out by the function's rule, in one of its forms."""
        record = operation_of(type(self.application))
        rule = record.rule(form)(*self.application.args)[self.argument - 1]
        return translated(sympy.sympify(rule, strict=True))

    def _sympystr(self, printer: Any) -> str:
        application = self.application
        marks = "'" if len(application.args) == 1 else f"'{self.argument}"
        arguments = ", ".join(printer._print(a) for a in application.args)
        return f"{type(application).__name__}{marks}({arguments})"


def expand_primes(expression: Expr, form: DerivativeForm = "textbook") -> Expr:
    """Return the expression with every :class:`Prime` written out by its function's rule.

    Parameters
    ----------
    expression : SymPy expression
        Any.
    form : {"textbook", "fast", "accurate"}
        As it is printed, or as it is computed.
    """
    while True:
        primes = expression.atoms(Prime)
        if not primes:
            return expression
        # Innermost first: a rule's result never holds a Prime of its own argument.
        mapping = {p: p.rule(form) for p in primes if not any(a.has(Prime) for a in p.args)}
        expression = expression.xreplace(mapping)
