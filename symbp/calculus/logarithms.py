"""Logarithms of quantities: what each factor of a quantity has for one.

The logarithm of an exponential is its exponent. Of a factor beside it the digits are lost where the
logarithm of its value is taken: of ``1 - p`` where p is small or near 1, of ``exp(a) - exp(b)``
where one of the two hardly counts, of ``1 + x`` for small x, of ``tanh(w)`` at either end. Each of
these has a form of its own here, and so have their powers.
"""

import sympy
from sympy.core.expr import Expr

from symbp.calculus.log_form import Form, build, combined
from symbp.calculus.scaled import Scaled, is_one_minus_exp, powers_in
from symbp.calculus.sums_of_scaled import Sums
from symbp.notation.collected import product_of
from symbp.notation.functions import log1p, softplus, stop_gradient, where
from symbp.notation.standard import Abs, log
from symbp.notation.tensor import Element

__all__ = ["Logarithms"]

_ONE = sympy.S.One


class Logarithms(Sums):
    """Says what logarithms of quantities are."""

    def log_of(self, argument: Expr, written: Expr) -> Form:
        """Return the logarithm of an expression; as it was written where nothing is known."""
        quantity = self.scaled(argument)
        form = self.log_form(quantity)
        if quantity.factor == argument and form == {log(argument): _ONE}:
            return {written: _ONE}
        return form

    def log_form(self, quantity: Scaled) -> Form:
        """Return the logarithm of a quantity."""
        result, others, number = quantity.log, [], _ONE
        for base, n in powers_in(quantity.factor):
            if base.is_number:
                number = number * base**n
                continue
            taken = self._with_positive(base, n, result)
            if taken is None:
                others.append((base, n))
            else:
                result = taken
        if len(others) == 1 and number != 0:
            taken = self._with_only(*others[0], number, result)
            if taken is not None:
                return taken
        if others or number.is_negative:
            rest = product_of(number, *(base if n == 1 else base**n for base, n in others))
            # As it was written, if that is all.
            rest = rest if result != quantity.log else quantity.factor
            return combined(result, {log(rest): _ONE})
        return combined(result, _log_of_number(number))

    def _with_positive(self, base: Expr, n: Expr, beside: Form) -> Form | None:
        """Return a logarithm with n times that of a factor; None if the factor may be negative."""
        if is_one_minus_exp(base):
            return combined(beside, {self.log_complement(base.args[-1].args[0]): n})
        if base in self.differences and n.is_even:
            found = self.differences[base]
            apart = build(combined(found.smaller, found.larger, -_ONE))
            if beside.get(found.maximum) == n:
                return combined(beside, {self.log_complement(-Abs(apart)): n})
        inside = self.definition(base)
        if isinstance(inside, sympy.tanh):
            (u,) = inside.args
            known = self.scaled(u)
            is_positive = known.is_positive and not known.is_plain
            if is_positive or n.is_even:
                u = u if is_positive else Abs(u)
                form = combined(beside, {self.log_complement(-2 * u): n})
                return combined(form, {softplus(-2 * u): -n})
        return None

    def _with_only(self, base: Expr, n: Expr, number: Expr, beside: Form) -> Form | None:
        """Return a logarithm with that of ``number · base**n``, which is positive as a whole."""
        if base in self.differences:
            found = self.differences[base]
            if beside.get(found.maximum) != n:
                return None
            larger, smaller = found.larger, found.smaller
            if number.is_negative:
                larger, smaller = smaller, larger
            rest = combined(combined(beside, {found.maximum: -n}), larger, n)
            below = build(combined(smaller, larger, -_ONE))
            form = combined(rest, {self.log_complement(below): n})
            return combined(form, _log_of_number(abs(number)))
        near_one = self._above_one(base, n, beside)
        if near_one is None or number.is_negative:
            return None
        above, plain = near_one
        rest = combined(combined(beside, plain, -n), _log_of_number(number))
        if not plain:
            return combined(rest, {log1p(above): n})
        near = sympy.And(sympy.Gt(above, -sympy.S.Half), sympy.Lt(above, 1))
        if n.is_even:
            whole = build(combined(combined({}, plain, n), {log(base**n): _ONE}))
            return combined(rest, {where(near, n * log1p(above), whole): _ONE})
        whole = build(combined(plain, {log(base): _ONE}))
        return combined(rest, {where(near, log1p(above), whole): n})

    def _above_one(self, base: Expr, n: Expr, beside: Form) -> tuple[Expr, Form] | None:
        """Return what ``base·exp(form)`` differs from 1 by, and the form, of which n are there."""
        if base in self.beyond_one:
            above, scale = self.beyond_one[base]
            return (above, {scale: _ONE}) if beside.get(scale) == n else None
        if isinstance(base, Element) and base.tensor in self.above_one:
            total = self.above_one[base.tensor]
            above = total.xreplace(dict(zip(total.args, base.args, strict=True)))
            plain = {atom: c / n for atom, c in beside.items() if self._is_of_softmax(atom, c / n)}
            return (above, plain) if len(plain) == 2 else None
        inside = self.definition(base)
        if n != 1 and not n.is_even and isinstance(inside, sympy.Add):
            constant, rest = inside.as_coeff_Add()
            return (rest, {}) if constant == 1 else None
        return None

    def _is_of_softmax(self, atom: Expr, coefficient: Expr) -> bool:
        """Whether an atom is the scale of a weighted sum, or the denominator below it."""
        if isinstance(atom, stop_gradient):
            return bool(coefficient == 1)
        return bool(coefficient == -1) and self.is_tail(atom)


def _log_of_number(number: Expr) -> Form:
    return {} if number == 1 else {_ONE: sympy.log(number)}
