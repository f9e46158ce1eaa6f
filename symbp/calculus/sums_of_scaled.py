"""Sums and differences of quantities made of exponentials.

A sum of positive ones is known by its logarithm, ``log Σ exp(log q)``. A difference is
``exp(max(a, b))`` times a factor in ``expm1``, which has its digits where the two are near each
other: ``1 - sigmoid(x)``, ``1 - p`` with a softmax p, ``exp(x) - exp(-x)``.
"""

from dataclasses import replace

import sympy
from sympy.core.expr import Expr

from symbp.calculus.log_form import (
    Form,
    build,
    combined,
    linear,
    log_of_sum,
    log_sech_squared,
)
from symbp.calculus.scaled import Difference, Scaled, powers_in
from symbp.calculus.weighted_sums import WeightedSums
from symbp.notation.functions import expm1, log1p, maximum, softplus, where
from symbp.notation.standard import Abs, tanh

__all__ = ["Sums"]

_ONE = sympy.S.One
_LARGEST_INTEGER = 2**53


class Sums(WeightedSums):
    """Says what sums of quantities are."""

    def sum_of(self, node: Expr) -> Scaled:
        """Return what a sum is."""
        special = self._of_tanh(node)
        if special is not None:
            return special
        return self.total(node, [self.scaled(term) for term in node.args])

    def _of_tanh(self, node: Expr) -> Scaled | None:
        """Return ``1 - tanh(u)**2``, ``1 - tanh(u)`` or ``1 + tanh(u)`` in exponentials."""
        if len(node.args) != 2 or 1 not in node.args:
            return None
        found = self.tanh_in(next((term for term in node.args if term != 1), _ONE))
        if found is None:
            return None
        sign, exponent, u = found
        if exponent == 1 and abs(sign) == 1:
            return Scaled(sympy.Integer(2), {softplus(-2 * sign * u): -_ONE})
        if exponent == 2 and sign == -1:
            return Scaled(_ONE, {log_sech_squared(u): _ONE})
        return None

    def tanh_in(self, term: Expr) -> tuple[Expr, Expr, Expr] | None:
        """Return c, n and u of ``c·tanh(u)**n``, through definitions."""
        sign, rest = self.definition(term).as_coeff_Mul()
        rest, exponent = self.definition(rest), _ONE
        if isinstance(rest, sympy.Pow):
            rest, exponent = self.definition(rest.args[0]), rest.args[1]
        return (sign, exponent, rest.args[0]) if isinstance(rest, sympy.tanh) else None

    def total(self, node: Expr, parts: list[Scaled]) -> Scaled:
        """Return the sum of quantities; ``node`` is how it was written."""
        if all(part.is_plain for part in parts):
            return Scaled(node)
        constant = sum((p.factor for p in parts if p.is_plain and p.factor.is_number), sympy.S.Zero)
        if constant.is_Rational and max(abs(constant.p), constant.q) > _LARGEST_INTEGER:
            constant = sympy.Float(constant, 17)  # exact numbers can grow without end
        parts = [p for p in parts if not (p.is_plain and p.factor.is_number)]
        parts += [Scaled(constant)] if constant != 0 else []
        if len(parts) == 1:
            return parts[0]
        if not all(part.is_constant_times for part in parts):
            return self.mixed(node, parts)
        return self._of_constants(node, parts)

    def _of_constants(self, node: Expr, parts: list[Scaled]) -> Scaled:
        """Return a sum of exponentials with numbers as coefficients."""
        signs = [bool(part.factor.is_positive) for part in parts]
        sizes = {abs(part.factor) for part in parts}
        common = sizes.pop() if len(sizes) == 1 else _ONE
        logs = [self.log_form(replace(part, factor=abs(part.factor) / common)) for part in parts]
        positive = [f for f, sign in zip(logs, signs, strict=True) if sign]
        negative = [f for f, sign in zip(logs, signs, strict=True) if not sign]
        if not positive or not negative:
            if (
                any(part.is_plain for part in parts)
                and all(self.is_nonpositive(part.log) for part in parts)
                and self.is_far_from_one(parts)
            ):
                return Scaled(node)
            common = common if positive else -common
            forms = positive or negative
            near_one = self._near_one(*forms) if len(forms) == 2 else None
            return Scaled(common, near_one or self.sum_of_forms(forms))
        if (
            common == 1
            and len(parts) == 2
            and any(part.is_plain for part in parts)
            and all(self.is_nonpositive(part.log) for part in parts)
            and any(abs(part.factor) != 1 for part in parts)
        ):
            return Scaled(node)  # 2 - sigmoid(x) is neither large nor small
        made = self.difference(self.sum_of_forms(positive), self.sum_of_forms(negative))
        return replace(made, factor=made.factor if common == 1 else common * made.factor)

    def is_far_from_one(self, parts: list[Scaled]) -> bool:
        """Whether the constant of a sum is not 1, of which a logarithm would need the rest."""
        return any(part.is_plain and part.factor != 1 for part in parts)

    def sum_of_forms(self, forms: list[Form]) -> Form:
        """Return the logarithm of a sum of exponentials."""
        if len(forms) == 1:
            return forms[0]
        made = log_of_sum(build(self.without_cancellation(f, every=True)) for f in forms)
        return {made: _ONE}

    def _near_one(self, first: Form, second: Form) -> Form | None:
        """Return the logarithm of ``σ(x) + q`` by what q is more than ``1 - σ(x)``.

        Where the two are alike, as in ``σ(x) + exp(-x)``, the sum is nearer to 1 than either.
        """
        first, second = (self.without_cancellation(f, every=True) for f in (first, second))
        for one, other in ((first, second), (second, first)):
            x = _of_sigmoid(one)
            if x is None or not other:
                continue
            complement: Form = {softplus(x): -_ONE}
            apart = combined(other, complement, -_ONE)
            if self.without_cancellation(apart, every=True) == apart:
                continue
            rest = self.value(self.difference(other, complement))
            near = sympy.Lt(Abs(rest), sympy.S.Half)
            return {where(near, log1p(rest), build(self.sum_of_forms([first, second]))): _ONE}
        return None

    def difference(self, first: Form, second: Form) -> Scaled:
        """Return ``exp(first) - exp(second)``."""
        first, second = (self.without_cancellation(f, every=True) for f in (first, second))
        apart = combined(first, second, -_ONE)
        if not apart:
            return Scaled(sympy.S.Zero)
        for one, other, sign in ((second, first, _ONE), (first, second, -_ONE)):
            # ±(1 - exp(u)) where u is negative
            if other or not self.is_nonpositive(one):
                continue
            atom = next(iter(one))
            if len(one) == 1 and isinstance(atom, softplus) and one[atom] == -1:
                return Scaled(sign, {softplus(-atom.args[0]): -_ONE})
            return Scaled(-sign * expm1(build(one)))
        x, y = _of_sigmoid(first), _of_sigmoid(second)
        if x is not None and y is not None:
            # σ(x) - σ(y) = (e^x - e^y) σ(-x) σ(-y)
            made = self.difference(linear(x), linear(y))
            both = {softplus(x): -_ONE, softplus(y): -_ONE}
            return replace(made, log=combined(made.log, both))
        delta = build(self.without_cancellation(apart, every=True))
        a, b = build(first), build(second)
        factor = where(sympy.Gt(delta, 0), -expm1(-delta), expm1(delta))
        self.differences[factor] = Difference(
            first, second, maximum(a, b), log_of_sum((a, b)), tanh(delta / 2)
        )
        return Scaled(factor, {maximum(a, b): _ONE})

    def remember(self, factor: Expr, names: dict[Expr, Expr]) -> None:
        """Note what the factors of a quantity are under other indices."""
        for base, _ in powers_in(factor):
            known = self.differences.get(base)
            if known is not None:
                self.differences[base.xreplace(names)] = Difference(
                    self.renamed(known.larger, names),
                    self.renamed(known.smaller, names),
                    *(
                        e.xreplace(names)
                        for e in (known.maximum, known.log_of_sum, known.half_tanh)
                    ),
                )
            if base in self.beyond_one:
                above, scale = (e.xreplace(names) for e in self.beyond_one[base])
                self.beyond_one[base.xreplace(names)] = above, scale


def _of_sigmoid(form: Form) -> Expr | None:
    """Return x if a form is the logarithm of ``sigmoid(x)``."""
    atom = next(iter(form), None)
    if len(form) == 1 and isinstance(atom, softplus) and form[atom] == -1:
        return -atom.args[0]
    return None
