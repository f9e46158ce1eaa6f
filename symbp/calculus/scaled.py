"""What a quantity made of exponentials is: a factor times the exponential of a logarithm.

``exp(u)``, ``sigmoid(u)``, a softmax, a sum of exponentials, and what is multiplied, divided,
added and raised to powers from them, are a :class:`Scaled`: a factor of moderate size, often 1,
and a logarithm as a :data:`~symbp.calculus.log_form.Form`. Its logarithm is then a sum, a quotient
of two a difference, and neither has to be inside the range of floating point for the other to be.
"""

from dataclasses import dataclass, field, replace

import sympy
from sympy.core.expr import Expr

from symbp.calculus.by_definition import is_mixed
from symbp.calculus.log_form import (
    Form,
    build,
    combined,
    linear,
    log1m_exp,
    log_of_softplus,
    log_of_sum,
    log_sech_squared,
)
from symbp.calculus.log_sums import LogSums
from symbp.notation.arithmetic import factors, power, product_of
from symbp.notation.equation import Equation
from symbp.notation.functions import (
    expm1,
    log1p,
    maximum,
    minimum,
    sigmoid,
    softplus,
    stop_gradient,
    where,
)
from symbp.notation.standard import exp, log, tanh
from symbp.notation.tensor import Element, Tensor

__all__ = ["Analysis", "Scaled"]

_ONE = sympy.S.One
# For a term whose weight is 0: below every exponent, and finite in single precision.
_NOTHING = sympy.Float(-3e38)
# A tensor that is a longer sum of logarithms is not looked through.
_MOST_TERMS = 40
# A weight of 0 times the exponential of this is 0, also in single precision.
_CLIP = 80


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


class Analysis(LogSums):
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
            return self._sum(node)
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
            inner = self._form_of_tensor(node)
            if inner is not None:
                return inner
        return linear(node)

    def _form_of_tensor(self, node: Element) -> Form | None:
        """Return the form of what an element is by definition, if there are logarithms in it."""
        tensor = node.tensor
        if tensor not in self.defined or self.defined[tensor].reduce:
            return None
        key = tensor, self.inverting
        if key not in self.forms:
            found = self.form(self.defined[tensor].body)
            small = len(found) <= _MOST_TERMS
            self.forms[key] = found if small and self.has_logs(found) else None
        if self.forms[key] is None:
            return None
        names = dict(zip(self.arguments(tensor), node.args, strict=True))
        result = self.renamed(self.forms[key], names)
        return None if is_mixed(result) else result

    def log_of(self, argument: Expr, written: Expr) -> Form:
        """Return the logarithm of an expression; as it was written where nothing is known."""
        quantity = self.scaled(argument)
        return {written: _ONE} if quantity.factor == argument else self.log_form(quantity)

    def log_form(self, quantity: Scaled) -> Form:
        """Return the logarithm of a quantity."""
        factor, result = quantity.factor, quantity.log
        if factor in self.differences:
            found = self.differences[factor]
            if result.get(found.maximum) == 1:
                rest = combined(combined(result, {found.maximum: -_ONE}), found.larger)
                below = build(combined(found.smaller, found.larger, -_ONE))
                return combined(rest, {log1m_exp(below): _ONE})
        if _is_one_minus_exp(factor):
            return combined(result, {log1m_exp(factor.args[-1].args[0]): _ONE})
        if factor == 1:
            return result
        if isinstance(factor, Element) and factor.tensor in self.above_one:
            total, names = self.above_one[factor.tensor], {}
            names = dict(zip(total.args, factor.args, strict=True))
            above = total.xreplace(names)
            plain = {atom: c for atom, c in result.items() if self.is_of_softmax(atom, c)}
            if len(plain) == 2:
                near = sympy.And(sympy.Gt(above, -sympy.S.Half), sympy.Lt(above, 1))
                whole = build(combined(plain, {log(factor): _ONE}))
                rest = combined(result, plain, -_ONE)
                return combined(rest, {where(near, log1p(above), whole): _ONE})
        if factor.is_number and factor.is_positive:
            return combined(result, {_ONE: sympy.log(factor)})
        return combined(result, {log(factor): _ONE})

    def is_of_softmax(self, atom: Expr, coefficient: Expr) -> bool:
        """Whether an atom is the scale of a weighted sum, or the denominator below it."""
        if isinstance(atom, stop_gradient):
            return bool(coefficient == 1)
        return bool(coefficient == -1) and self.is_tail(atom)

    # What there is to be known of each kind of expression --------------------------------------

    def _of_element(self, node: Element) -> Scaled:
        found = self.of_tensor(node.tensor)
        if found is None:
            return Scaled(node)
        names = dict(zip(self.arguments(node.tensor), node.args, strict=True))
        factor = found.factor.xreplace(names)
        logarithm = {atom.xreplace(names): c for atom, c in found.log.items()}
        if found.factor in self.differences:
            self.remember_difference(found.factor, names)
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
            if any(part is None for part in parts):
                self.tensors[tensor] = None
            else:
                element = contributions[0].lhs
                found = parts[0] if len(parts) == 1 else self._total(element, parts)
                known = found.factor != element and len(found.log) <= _MOST_TERMS
                self.tensors[tensor] = found if known else None
        return self.tensors[tensor]

    def _contribution(self, equation: Equation) -> Scaled | None:
        """Return what an equation adds to its tensor, None if it is nothing special."""
        found = self.scaled(equation.body)
        if not equation.reduce:
            alone = found.is_plain and found.factor == equation.body
            several = len(self.contributions(equation.tensor)) > 1
            return None if alone and not several else found
        if found.is_plain and found.factor == equation.body:
            return None
        return self.reduced(equation, found)

    def reduced(self, equation: Equation, term: Scaled) -> Scaled:
        """Return the sum of a quantity over the bound indices of an equation."""
        bound, lhs = equation.reduce, equation.lhs
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

    def _choice(self, node: Expr) -> Scaled:
        condition, chosen, other = node.args
        if isinstance(condition, sympy.logic.boolalg.BooleanAtom):
            return Scaled(node)
        first, second = self.scaled(chosen), self.scaled(other)
        if first.is_plain and second.is_plain:
            return Scaled(node)
        one, two = (
            build(self.without_cancellation(self.log_form(s), every=True)) if s.is_positive else None
            for s in (first, second)
        )
        if one is not None and (other == 0 or two is not None):
            return Scaled(_ONE, {where(condition, one, -sympy.oo if two is None else two): _ONE})
        if two is not None and chosen == 0:
            return Scaled(_ONE, {where(condition, -sympy.oo, two): _ONE})
        return Scaled(node)

    def _power(self, node: Expr) -> Scaled:
        base, exponent = self.scaled(node.args[0]), node.args[1]
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
            if found is not None and logarithm.get(found.maximum) == 1:
                if logarithm.get(found.log_of_sum, 0) < 0:
                    # (e^a - e^b) / (e^a + e^b)
                    plain[position] = found.half_tanh
                    change = {found.maximum: -_ONE, found.log_of_sum: _ONE}
                    logarithm = combined(logarithm, change)
        return self.pushed(Scaled(product_of(*plain) if plain else _ONE, logarithm))

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
                return Scaled(
                    product_of(*rest, made.factor), combined(logarithm, made.log)
                )
        return product

    def _sum(self, node: Expr) -> Scaled:
        special = self._of_tanh(node)
        if special is not None:
            return special
        return self._total(node, [self.scaled(term) for term in node.args])

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

    def _total(self, node: Expr, parts: list[Scaled]) -> Scaled:
        """Return the sum of quantities; ``node`` is how it was written."""
        if all(part.is_plain for part in parts):
            return Scaled(node)
        constant = sum((p.factor for p in parts if p.is_plain and p.factor.is_number), sympy.S.Zero)
        parts = [p for p in parts if not (p.is_plain and p.factor.is_number)]
        parts += [Scaled(constant)] if constant != 0 else []
        if len(parts) == 1:
            return parts[0]
        if not all(part.is_constant_times for part in parts):
            return self._mixed(node, parts)
        return self._of_constants(node, parts)

    def _of_constants(self, node: Expr, parts: list[Scaled]) -> Scaled:
        """Return a sum of exponentials with numbers as coefficients."""
        signs = [bool(part.factor.is_positive) for part in parts]
        sizes = {abs(part.factor) for part in parts}
        common = sizes.pop() if len(sizes) == 1 else _ONE
        logs = [
            self.log_form(replace(part, factor=abs(part.factor) / common)) for part in parts
        ]
        positive = [f for f, sign in zip(logs, signs, strict=True) if sign]
        negative = [f for f, sign in zip(logs, signs, strict=True) if not sign]
        if not positive or not negative:
            if any(part.is_plain for part in parts) and all(
                self.is_nonpositive(part.log) for part in parts
            ) and self.is_far_from_one(parts):
                return Scaled(node)
            common = common if positive else -common
            return Scaled(common, self.sum_of_forms(positive or negative))
        if common == 1 and len(parts) == 2 and any(part.is_plain for part in parts) and all(
            self.is_nonpositive(part.log) for part in parts
        ) and any(abs(part.factor) != 1 for part in parts):
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

    def _mixed(self, node: Expr, parts: list[Scaled]) -> Scaled:
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
        return Scaled(total, {scale: _ONE})

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
        delta, a, b = build(apart), build(first), build(second)
        factor = where(sympy.Gt(delta, 0), -expm1(-delta), expm1(delta))
        self.differences[factor] = Difference(
            first, second, maximum(a, b), log_of_sum((a, b)), tanh(delta / 2)
        )
        return Scaled(factor, {maximum(a, b): _ONE})

    def remember_difference(self, factor: Expr, names: dict[Expr, Expr]) -> None:
        """Note what a difference is under other indices."""
        known = self.differences[factor]
        self.differences[factor.xreplace(names)] = Difference(
            self.renamed(known.larger, names),
            self.renamed(known.smaller, names),
            *(e.xreplace(names) for e in (known.maximum, known.log_of_sum, known.half_tanh)),
        )

    def value_of_difference(self, node: Expr) -> Expr | None:
        """Return a difference of exponentials as an expression that does not cancel."""
        quantity = self.scaled(node)
        (found,) = [f for f in factors(quantity.factor) if f in self.differences] or [None]
        if found is None:
            return None if quantity.factor == node else self.value(quantity)
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

    def is_bounded(self, quantity: Scaled) -> bool:
        """Whether the exponential of a quantity is at most 1, or no exponential by itself."""
        return self.is_nonpositive(quantity.log) or self.is_softplus(quantity)

    def is_softplus(self, *quantities: Scaled) -> bool:
        """Whether quantities are plain, or positive powers of softplus, which are not large."""
        return all(
            c > 0 and _is_log_of_softplus(atom)
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


def _is_log_of_softplus(atom: Expr) -> bool:
    return any(
        isinstance(part, sympy.log) and isinstance(part.args[0], softplus)
        for part in (atom, atom.args[-1] if isinstance(atom, where) else atom)
    )


def _is_one_minus_exp(factor: Expr) -> bool:
    return (
        isinstance(factor, sympy.Mul)
        and len(factor.args) == 2
        and factor.args[0] == -1
        and isinstance(factor.args[1], expm1)
    )
