"""Sums of exponentials with weights of which nobody knows the sign, by a common scale.

A sum of positive exponentials is known by its logarithm. With weights that are data or parameters
it may be 0 or negative; then it is ``Σ w·exp(u - s)`` times ``exp(s)``, where s is the largest u
of a weight that is not 0. The scale cancels, so that nothing is differentiated through it.
"""

from dataclasses import replace

import sympy
from sympy.core.expr import Expr

from symbp.calculus.log_form import build, combined
from symbp.calculus.log_sums import LogSums
from symbp.calculus.scaled import Scaled, is_one_minus_exp, powers_in
from symbp.notation.collected import factors, product_of
from symbp.notation.equation import Equation
from symbp.notation.functions import maximum, minimum, stop_gradient, where
from symbp.notation.standard import exp, log
from symbp.notation.tensor import Element

__all__ = ["WeightedSums"]

_ONE = sympy.S.One
# For a term whose weight is 0: below every exponent, and finite in single precision.
_NOTHING = sympy.Float(-3e38)
# A weight of 0 times the exponential of this is 0, also in single precision.
_CLIP = 80


class WeightedSums(LogSums):
    """Makes the equations of weighted sums, and finds where they are divided by what they hold."""

    def reduced(self, equation: Equation, term: Scaled) -> Scaled:
        """Return the sum of a quantity over the bound indices of an equation."""
        if term.factor.is_number and term.factor.is_negative:
            found = self.reduced(equation, replace(term, factor=-term.factor))
            return replace(found, factor=-found.factor)
        bound, lhs = equation.reduce, equation.lhs
        term = self._without_complements(term)
        logarithm = self.without_cancellation(term.log, every=True)
        inside, outside = self.split(logarithm, bound)
        name = lhs.tensor.name
        if not inside:
            total = self.make(f"{name}_sum", tuple(lhs.args), term.factor, bound, source=equation)
            return Scaled(total, outside)
        if term.is_positive:
            factor = term.factor
            if set(factor.free_symbols) & set(bound):
                inside, factor = combined(inside, {log(factor): _ONE}), _ONE
            made = self.log_sum(equation, inside)
            return Scaled(factor, combined(outside, made))
        exponent, factor = build(inside), term.factor
        counted = exponent
        if not factor.is_number:
            counted = where(sympy.Ne(factor, 0), exponent, _NOTHING)
        indices = tuple(lhs.args)
        key = self.key(indices, bound, sympy.Tuple(factor, exponent))
        if key in self.weighted:
            top, total = (Element(tensor, *indices) for tensor in self.weighted[key])
            return Scaled(total, combined({stop_gradient(top): _ONE}, outside))
        top = self.make(f"{name}_scale", indices, counted, bound, "max", equation)
        scale = stop_gradient(top)
        body = factor * exp(minimum(exponent - scale, _CLIP))
        total = self.make(f"{name}_scaled", indices, body, bound, "sum", equation)
        self.sums[top.tensor] = equation, replace(term, log=logarithm)
        if self.is_nonpositive(inside):
            self.small.add(top.tensor)
        self.weighted[key] = top.tensor, total.tensor
        tail = self.denominator_of(exponent, bound)
        whole = set(bound) <= set(exponent.free_symbols)
        if tail is not None and whole and outside == {tail: -_ONE}:
            # The probabilities add up to 1, so this is what the sum differs from 1 by.
            body = (factor - 1) * exp(exponent - tail)
            self.above_one[total.tensor] = self.make(
                f"{name}_above_one", indices, body, bound, source=equation
            )
        return Scaled(total, combined({scale: _ONE}, outside))

    def _without_complements(self, term: Scaled) -> Scaled:
        """Return a quantity with 1 - p as its logarithm: it is in range where 1 - p is not."""
        factor, logarithm = _ONE, term.log
        for base, n in powers_in(term.factor):
            if is_one_minus_exp(base):
                logarithm = combined(logarithm, self.log_form(Scaled(base)), n)
            else:
                factor = factor * (base if n == 1 else base**n)
        return term if logarithm is term.log else Scaled(factor, logarithm)

    def pushed(self, product: Scaled) -> Scaled:
        """Take a softmax's denominator into a weighted sum of its numerators.

        ``Σ w·exp(z) / Σ exp(z)`` is ``Σ w·p`` with the softmax p.
        """
        for atom, count in product.log.items():
            if not isinstance(atom, stop_gradient) or not isinstance(atom.args[0], Element):
                continue
            top = atom.args[0].tensor
            if top not in self.sums or count != 1:
                continue
            equation, term = self.sums[top]
            names = dict(zip(equation.lhs.args, atom.args[0].args, strict=True))
            below = [a for a, c in product.log.items() if self.is_log_sum(a) and c < 0]
            for denominator in below:
                whole = combined(self.renamed(term.log, names), {denominator: -_ONE})
                if self.without_cancellation(whole, every=True) == whole:
                    continue
                if any(index not in equation.lhs.args for index in denominator.args):
                    continue
                if any(names[index] != index for index in equation.lhs.args):
                    continue
                made = self.reduced(equation, replace(term, log=whole))
                total = next(f for f in factors(product.factor) if self.is_scaled_sum(f, atom))
                rest = [f for f in factors(product.factor) if f != total]
                logarithm = combined(product.log, {atom: -_ONE, denominator: _ONE})
                return Scaled(product_of(*rest, made.factor), combined(logarithm, made.log))
        return product

    def mixed(self, node: Expr, parts: list[Scaled]) -> Scaled:
        """Return a sum of terms whose signs nobody knows, by the largest exponent of them."""
        forms = [self.without_cancellation(part.log, every=True) for part in parts]
        if any(not form for form in forms) and all(self.is_nonpositive(form) for form in forms):
            return Scaled(node)
        exponents = [build(form) for form in forms]
        top: Expr | None = None
        for part, exponent in zip(parts, exponents, strict=True):
            counted = exponent
            if not part.factor.is_number:
                counted = where(sympy.Ne(part.factor, 0), exponent, _NOTHING)
            top = counted if top is None else maximum(top, counted)
        scale = stop_gradient(top)
        total = sympy.S.Zero
        for part, exponent in zip(parts, exponents, strict=True):
            total += part.factor * exp(minimum(exponent - scale, _CLIP))
        ones = [part for part in parts if part.is_plain and part.factor == 1]
        if len(ones) == 1:
            others = [self.value(part) for part in parts if part is not ones[0]]
            self.beyond_one[total] = sum(others[1:], others[0]), scale
        return Scaled(total, {scale: _ONE})
