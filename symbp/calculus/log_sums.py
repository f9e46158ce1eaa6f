"""Logarithms of sums of exponentials over indices, as equations of their own.

``L = log Σ_k exp(u_k)`` is a ``logsumexp`` equation, made once for all sums that have one value;
the numerators of a softmax add up to its denominator. ``log(1 - p)`` of an entry p of a softmax
near 1 is the logarithm of what the others have.
"""

import math
from abc import abstractmethod

import sympy
from sympy.core.expr import Expr

from symbp.calculus.by_definition import is_mixed
from symbp.calculus.cancelling import Cancelling
from symbp.calculus.log_form import (
    Form,
    build,
    combined,
    computed_log_sum,
    is_nonnegative,
    linear,
    log1m_exp,
)
from symbp.calculus.scaled import Scaled
from symbp.calculus.share import canonical
from symbp.notation.equation import Equation
from symbp.notation.functions import (
    log1p,
    log_sum_exp,
    maximum,
    softplus,
    stop_gradient,
    where,
)
from symbp.notation.index import Index
from symbp.notation.standard import log
from symbp.notation.tensor import Element

__all__ = ["LogSums"]

_ONE = sympy.S.One


class LogSums(Cancelling):
    """Makes the equations of logarithms of sums, and says what their complements are."""

    def body_of(self, node: Element) -> Expr | None:
        """Return what an element is by definition, unless it is a reduction."""
        equation = self.defined.get(node.tensor)
        if equation is None or equation.reduce:
            return None
        return equation.body.xreplace(dict(zip(equation.lhs.args, node.args, strict=True)))

    def add(self, equation: Equation) -> None:
        """Append an equation; what it is the logarithm of need not be made again."""
        super().add(equation)
        if equation.tensor in self.defined and equation.operation == "logsumexp":
            key = self.key(tuple(equation.lhs.args), equation.reduce, equation.body)
            self.same[equation.tensor] = self.known.setdefault(key, equation.tensor)

    def same_as(self, node: Element) -> Element:
        """Return the first log-sum-exp of those that have one value."""
        tensor = self.same.get(node.tensor, node.tensor)
        return node if tensor is node.tensor else Element(tensor, *node.args)

    def definition(self, node: Expr) -> Expr:
        """Return what an expression is by definition, as far as that can be followed."""
        while isinstance(node, Element):
            body = self.body_of(node)
            if body is None or is_mixed([body]):
                break
            node = body
        return node

    def log_sum(self, equation: Equation, form: Form) -> Form:
        """Return ``log Σ exp(form)`` over the bound indices of an equation."""
        indices = tuple(equation.lhs.args)
        exponent = build(form)
        tail = self.denominator_of(exponent, equation.reduce)
        if tail is not None:
            # The numerators of a softmax add up to its denominator.
            more = set(equation.reduce) & set(exponent.free_symbols)
            times = math.prod(
                sympy.sympify(index.extent, strict=True)
                for index in equation.reduce
                if index not in more
            )
            return combined({tail: _ONE}, {} if times == 1 else {_ONE: sympy.log(times)})
        key = self.key(indices, equation.reduce, exponent)
        if key not in self.known:
            name = f"{equation.tensor.name}_log"
            made = self.make(name, indices, exponent, equation.reduce, "logsumexp", equation)
            self.known[key] = made.tensor
        return {Element(self.known[key], *indices): _ONE}

    def denominator_of(self, exponent: Expr, bound: tuple[Index, ...]) -> Expr | None:
        """Return the tail of a softmax whose entries the bound indices run through."""
        parts = self.parts_of(exponent)
        if parts is None or exponent.tensor is not parts.below.tensor:
            return None
        names = dict(zip(parts.below.args, exponent.args, strict=True))
        over = {names[index] for index in self.defined[self.source[exponent.tensor]].reduce}
        if not over <= set(bound):
            return None
        tail = parts.tail.xreplace(names)
        return None if set(tail.free_symbols) & set(bound) else tail

    def log_complement(self, u: Expr) -> Expr:
        """Return ``log(1 - exp(u))`` for negative ``u``.

        Of an entry p of a softmax near 1, ``1 - p`` is what the others have, by their logarithm.
        """
        u = self._followed(u)
        form = linear(u)
        sizes = [self.scaled(atom) for atom in form]
        if all(c.is_number and c < 0 for c in form.values()) and all(
            size.is_positive and size.log for size in sizes
        ):
            # 1 - exp(-r), also where r itself is below the range
            logs = [
                build(combined(self.log_form(size), {} if c == -1 else {_ONE: log(-c)}))
                for size, c in zip(sizes, form.values(), strict=True)
            ]
            return log1m_exp(u, computed_log_sum(*logs) if len(logs) > 1 else logs[0])
        entry = next((a for a in form if form[a] == 1 and self.parts_of(a) is not None), None)
        parts = None if entry is None else self.parts_of(entry)
        if entry is None or parts is None or entry.tensor is not parts.below.tensor:
            return log1m_exp(u)
        names = dict(zip(parts.below.args, entry.args, strict=True))
        tail = parts.tail.xreplace(names)
        if form != {entry: _ONE, tail: -_ONE}:
            return log1m_exp(u)
        if parts.others is None:
            equation = self.defined[self.source[entry.tensor]]
            body = where(parts.at_top, -sympy.oo, parts.below)
            parts.others = self.make(f"{equation.tensor.name}_others", tuple(equation.lhs.args),
                                     body, equation.reduce, "logsumexp", equation)  # fmt: skip
        rest = parts.others.xreplace(names) - tail
        return where(parts.at_top.xreplace(names), rest, log1m_exp(u))

    def _followed(self, u: Expr) -> Expr:
        """Return a multiple of a tensor by what the tensor is a multiple of, and so on."""
        coefficient, rest = u.as_coeff_Mul()
        while isinstance(rest, Element) and (inner := self.definition(rest)) != rest:
            more, rest = inner.as_coeff_Mul()
            coefficient = coefficient * more
        return rest if coefficient == 1 else coefficient * rest

    def is_tail(self, atom: Expr) -> bool:
        """Whether an atom is the tail of a softmax's denominator."""
        parts = self.parts_of(atom)
        return parts is not None and atom.tensor is parts.tail.tensor

    def key(self, indices: tuple[Index, ...], bound: tuple[Index, ...], body: Expr) -> object:
        """Return what reductions that have one value have in common."""
        form, _ = canonical(sympy.Tuple(*indices, *bound, body))
        return form, len(indices)

    def has_logs(self, form: Form) -> bool:
        """Whether a form holds logarithms of sums."""
        kinds = (softplus, log_sum_exp, sympy.log, log1p)
        return any(
            isinstance(atom, kinds)
            or self.is_log_sum(atom)
            or (isinstance(atom, Element) and atom.tensor in self.source)
            for atom in form
        )

    def is_nonpositive(self, form: Form) -> bool:
        """Whether a form cannot be positive, as far as can be seen."""
        for atom, c in self.without_cancellation(form, every=True).items():
            if self._is_small(atom):
                c = -c
            elif self.parts_of(atom) is None and not is_nonnegative(atom):
                return False
            if c > 0:
                return False
        return True

    def _is_small(self, atom: Expr) -> bool:
        """Whether an atom is not positive: what an exponent is below the largest, a scale."""
        parts = self.parts_of(atom)
        if parts is not None:
            return atom.tensor is parts.below.tensor
        return isinstance(atom, stop_gradient) and self._is_scale_of_small(atom.args[0])

    def _is_scale_of_small(self, top: Expr) -> bool:
        """Whether the scale of a weighted sum is the largest of exponents that are not positive."""
        if isinstance(top, Element):
            return top.tensor in self.small
        if isinstance(top, maximum):
            return all(map(self._is_scale_of_small, top.args))
        if isinstance(top, where):
            return all(map(self._is_scale_of_small, top.args[1:]))
        return bool(top <= 0) if top.is_number else self.is_nonpositive(linear(top))

    def split(self, form: Form, bound: tuple[Index, ...]) -> tuple[Form, Form]:
        """Split off the logarithms of sums that do not depend on bound indices."""
        outside = {
            atom: c
            for atom, c in form.items()
            if not set(atom.free_symbols) & set(bound)
            and (
                self.is_log_sum(atom)
                or isinstance(atom, stop_gradient)
                or self.parts_of(atom) is not None
            )
        }
        return {atom: c for atom, c in form.items() if atom not in outside}, outside

    def is_scaled_sum(self, factor: Expr, scale: Expr) -> bool:
        """Whether a factor is the weighted sum that belongs to a scale."""
        (top,) = scale.args
        if not isinstance(factor, Element) or factor.args != top.args:
            return False
        return any(
            top in equation.body.atoms(Element)
            for equation in self.equations
            if equation.tensor is factor.tensor and equation.tensor in self.made
        )

    def inverted(self, node: Element) -> Form | None:
        """Return what an element of ``below`` or ``tail`` is a difference of."""
        parts = self.parts_of(node)
        if parts is None or not self.inverting:
            return None
        tensor = self.source[node.tensor]
        equation = self.defined[tensor]
        if node.tensor is parts.top.tensor:
            return None
        if node.tensor is parts.tail.tensor:
            names = dict(zip(parts.tail.args, node.args, strict=True))
            whole: Form = {equation.lhs.xreplace(names): _ONE}
        else:
            names = dict(zip(parts.below.args, node.args, strict=True))
            whole = self.renamed(self.form(equation.body), names)
        return combined(whole, {parts.top.xreplace(names): -_ONE})

    @abstractmethod
    def scaled(self, node: Expr) -> Scaled:
        """Return an expression as a factor times an exponential."""

    @abstractmethod
    def value(self, quantity: Scaled) -> Expr:
        """Return a quantity as an expression that is in range wherever its value is."""

    @abstractmethod
    def log_form(self, quantity: Scaled) -> Form:
        """Return the logarithm of a quantity."""
