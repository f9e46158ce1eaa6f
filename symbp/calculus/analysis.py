"""What each expression of a program is, as far as it is made of exponentials.

The one place that knows the functions of the notation, and what products and powers of quantities
are; sums are in :mod:`symbp.calculus.sums_of_scaled`, logarithms in
:mod:`symbp.calculus.logarithms`.
"""

import sympy
from sympy.core.expr import Expr

from symbp.calculus.by_definition import is_mixed
from symbp.calculus.log_form import (
    Form,
    build,
    combined,
    linear,
    log_of_softplus,
)
from symbp.calculus.logarithms import Logarithms
from symbp.calculus.scaled import Scaled, is_log_of_softplus, is_one_minus_exp
from symbp.notation.arithmetic import power
from symbp.notation.collected import factors, product_of
from symbp.notation.equation import Equation
from symbp.notation.functions import expm1, log1p, sigmoid, softplus, where
from symbp.notation.standard import exp
from symbp.notation.tensor import Element, Tensor

__all__ = ["Analysis"]

_ONE = sympy.S.One
# A tensor whose logarithm has more parts than this is not looked through: what it is would be
# written out wherever it is read, and again where that is read.
_LARGEST = 100


class Analysis(Logarithms):
    """Says of each expression what it is by definition, as :class:`Scaled` and as a form."""

    def scaled(self, node: Expr) -> Scaled:
        """Return an expression as a factor times an exponential; the factor alone if it is none."""
        if node not in self.cache:
            self.cache[node] = self._scaled(node)
        return self.cache[node]

    def _scaled(self, node: Expr) -> Scaled:
        if node.is_number:
            return Scaled(node)
        if isinstance(node, Element):
            return self._of_element(node)
        if isinstance(node, sympy.exp):
            return Scaled(_ONE, self.form(node.args[0]))
        if isinstance(node, sigmoid):
            return Scaled(_ONE, {softplus(-node.args[0]): -_ONE})
        if isinstance(node, softplus):
            return Scaled(_ONE, {log_of_softplus(node.args[0]): _ONE})
        if isinstance(node, expm1):
            return self.difference(self.form(node.args[0]), {})
        if isinstance(node, sympy.Mul):
            return self._product(node)
        if isinstance(node, sympy.Pow):
            return self._power(node)
        if isinstance(node, sympy.Add):
            return self.sum_of(node)
        if isinstance(node, where):
            return self._choice(node)
        return Scaled(node)

    def form(self, node: Expr) -> Form:
        """Return an expression as a sum of terms, with the logarithms in it taken apart."""
        if isinstance(node, sympy.Add):
            result: Form = {}
            for term in node.args:
                more = self.form(term)
                whole = combined(result, more)
                self.cancelled |= any(atom not in whole for atom in (*result, *more))
                result = whole
            return result
        if isinstance(node, sympy.Mul):
            coefficient, rest = node.as_coeff_Mul()
            if coefficient != 1:
                inner = self.form(rest)
                if coefficient == -1 or not isinstance(rest, sympy.Add) or self.has_logs(inner):
                    return combined({}, inner, coefficient)
        if isinstance(node, sympy.log):
            return self.log_of(node.args[0], node)
        if isinstance(node, log1p):
            return self.log_of(1 + node.args[0], node)
        if isinstance(node, Element):
            node = self.same_as(node)
            inverted = self.inverted(node)
            if inverted is not None:
                return inverted
            looked_through = self._form_of_tensor(node)
            if looked_through is not None:
                return looked_through
        return linear(node)

    def _form_of_tensor(self, node: Element) -> Form | None:
        """Return the form of what an element is by definition, if there are logarithms in it."""
        tensor = node.tensor
        if tensor not in self.defined or self.defined[tensor].reduce:
            return None
        key = tensor, self.inverting
        if key not in self.forms:
            found = self.form(self.defined[tensor].body)
            small = self.has_logs(found) and self.size(*found) <= _LARGEST
            self.forms[key] = found if small else None
        known = self.forms[key]
        if known is None:
            return None
        result = self.renamed(known, dict(zip(self.arguments(tensor), node.args, strict=True)))
        return None if is_mixed(result) else result

    def size(self, *nodes: Expr) -> int:
        """Return how many parts expressions have, written out."""
        total = 0
        for node in nodes:
            if node not in self.sizes:
                parts = () if isinstance(node, Element) else node.args
                self.sizes[node] = 1 + self.size(*parts)
            total += self.sizes[node]
        return total

    # What there is to be known of each kind of expression --------------------------------------

    def _of_element(self, node: Element) -> Scaled:
        found = self.of_tensor(node.tensor)
        if found is None:
            return Scaled(node)
        names = dict(zip(self.arguments(node.tensor), node.args, strict=True))
        factor = found.factor.xreplace(names)
        logarithm = {atom.xreplace(names): c for atom, c in found.log.items()}
        self.remember(found.factor, names)
        if is_mixed([factor, *logarithm]):
            return Scaled(node)
        return Scaled(factor, logarithm)

    def of_tensor(self, tensor: Tensor) -> Scaled | None:
        """Return what a tensor is, at the indices of its equation; None if nothing is known."""
        contributions = self.contributions(tensor)
        if any(equation.operation != "sum" for equation in contributions) or not contributions:
            return None
        if tensor not in self.tensors:
            parts = [self._contribution(equation) for equation in contributions]
            there = [part for part in parts if part is not None]
            if len(there) < len(parts):
                self.tensors[tensor] = None
            else:
                element = contributions[0].lhs
                found = there[0] if len(there) == 1 else self.total(element, there)
                small = self.size(found.factor, *found.log) <= _LARGEST
                self.tensors[tensor] = found if small and found.factor != element else None
        return self.tensors[tensor]

    def _contribution(self, equation: Equation) -> Scaled | None:
        """Return what an equation adds to its tensor, None if it is nothing special."""
        found = self.scaled(equation.body)
        if not equation.reduce:
            alone = found.is_plain and found.factor == equation.body
            known = found.factor.is_number or is_one_minus_exp(found.factor)
            alone = alone and not known
            several = len(self.contributions(equation.tensor)) > 1
            return None if alone and not several else found
        if found.is_plain and found.factor == equation.body:
            return None
        return self.reduced(equation, found)

    def _choice(self, node: Expr) -> Scaled:
        condition, chosen, other = node.args
        if isinstance(condition, sympy.logic.boolalg.BooleanAtom):
            return Scaled(node)
        first, second = self.scaled(chosen), self.scaled(other)
        if first.is_plain and second.is_plain:
            return Scaled(node)
        one, two = (
            build(self.without_cancellation(self.log_form(s), every=True))
            if s.is_positive
            else None
            for s in (first, second)
        )
        if one is not None and (other == 0 or two is not None):
            return Scaled(_ONE, {where(condition, one, -sympy.oo if two is None else two): _ONE})
        if two is not None and chosen == 0:
            return Scaled(_ONE, {where(condition, -sympy.oo, two): _ONE})
        return Scaled(node)

    def _power(self, node: Expr) -> Scaled:
        base, exponent = self.scaled(node.args[0]), node.args[1]
        if node.args[0].is_number and node.args[0].is_positive and exponent.atoms(Element):
            # A number of its own, so that it is known again in front of a product.
            natural = sympy.log(node.args[0]).evalf(17)
            return Scaled(_ONE, combined({}, self.form(exponent), natural))
        if base.is_plain:
            same = base.factor == node.args[0]
            return Scaled(node if same else power(base.factor, exponent))
        if exponent.is_number:
            powers = combined({}, base.log, exponent)
            return Scaled(_ONE if base.factor == 1 else base.factor**exponent, powers)
        if not base.is_positive:
            return Scaled(node)
        logarithm = build(self.without_cancellation(self.log_form(base), every=True))
        return Scaled(_ONE, {exponent * logarithm: _ONE})

    def _product(self, node: Expr) -> Scaled:
        parts = [self.scaled(factor) for factor in factors(node)]
        given = zip(parts, factors(node), strict=True)
        if all(part.is_plain and part.factor == factor for part, factor in given):
            return Scaled(node)
        logarithm: Form = {}
        for part in parts:
            logarithm = combined(logarithm, part.log)
        plain = [part.factor for part in parts if part.factor != 1]
        for position, factor in enumerate(plain):
            found = self.differences.get(factor)
            if found is None or logarithm.get(found.maximum) != 1:
                continue
            if logarithm.get(found.log_of_sum, sympy.S.Zero) < 0:
                # (e^a - e^b) / (e^a + e^b)
                plain[position] = found.half_tanh
                change = {found.maximum: -_ONE, found.log_of_sum: _ONE}
                logarithm = combined(logarithm, change)
        return self.pushed(Scaled(product_of(*plain) if plain else _ONE, logarithm))

    # How it is written where it has to be -------------------------------------------------------

    def value_of_difference(self, node: Expr) -> Expr | None:
        """Return a difference of exponentials as an expression that does not cancel."""
        quantity = self.scaled(node)
        (found,) = [f for f in factors(quantity.factor) if f in self.differences] or [None]
        if found is None:
            return None if quantity.factor == node else self.value(quantity)
        if quantity.log != {self.differences[found].maximum: _ONE}:
            return self.value(quantity)
        known = self.differences[found]
        coefficient = product_of(*(f for f in factors(quantity.factor) if f != found))
        a, b = build(known.larger), build(known.smaller)
        if not known.smaller:
            result = expm1(a)
        elif not known.larger:
            result = -expm1(b)
        else:
            result = where(sympy.Gt(a, b), -exp(a) * expm1(b - a), exp(b) * expm1(a - b))
        result = result if coefficient == 1 else coefficient * result
        self.cache.setdefault(result, quantity)
        return result

    def is_difference(self, added: list[Equation]) -> bool:
        """Whether equations add quantities of both signs, all of them known."""
        parts = [self._contribution(equation) for equation in added]
        signs = {part.is_positive for part in parts if part is not None and part.is_constant_times}
        return len(signs) == 2 and all(p is not None and p.is_constant_times for p in parts)

    def is_bounded(self, quantity: Scaled) -> bool:
        """Whether the exponential of a quantity is at most 1, or no exponential by itself."""
        return self.is_nonpositive(quantity.log) or self.is_softplus(quantity)

    def is_softplus(self, *quantities: Scaled) -> bool:
        """Whether quantities are plain, or positive powers of softplus, which are not large."""
        return all(
            c > 0 and is_log_of_softplus(atom)
            for quantity in quantities
            for atom, c in quantity.log.items()
        )

    def value(self, quantity: Scaled) -> Expr:
        """Return a quantity as an expression that is in range wherever its value is."""
        logarithm = self.without_cancellation(quantity.log, every=True)
        if not logarithm:
            return quantity.factor
        if all(
            isinstance(atom, softplus) and c.is_Integer and c < 0 for atom, c in logarithm.items()
        ):
            parts = [sigmoid(-atom.args[0]) ** -c for atom, c in logarithm.items()]
            result = product_of(*parts)
        else:
            result = exp(build(logarithm))
        result = result if quantity.factor == 1 else quantity.factor * result
        self.cache.setdefault(result, quantity)
        return result
