r"""Logarithms of sums of exponentials over indices, as equations of their own.

``L = log Σ_k exp(u_k)`` is a ``logsumexp`` equation. Where a ``u_j`` is subtracted from it, as in
the logarithm of a softmax, the difference of the two large numbers has no digits for the largest
``u_j``, nor has its derivative. So ``u_j - L`` is written as ``below_j - tail``::

    top   = u_a                                a is the first of the largest
    below = u_k - top                          0 at a, as a constant
    tail  = log1p(Σ_{k ≠ a} exp(below_k))

Both are small where the softmax is near 1, and their derivatives, too: that of ``top`` is the sum
of what the others get, not ``1 - p``.
"""

import math
from abc import ABC, abstractmethod
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.by_definition import Definitions, is_mixed, unified
from symbp.calculus.log_form import (
    Form,
    build,
    combined,
    computed_log_sum,
    is_nonnegative,
    linear,
    log1m_exp,
    ratio,
    without_cancellation,
)
from symbp.calculus.scaled import Difference, Scaled
from symbp.calculus.share import canonical
from symbp.notation.dependence import components, predecessors
from symbp.notation.equation import Equation
from symbp.notation.functions import log1p, log_sum_exp, softplus, stop_gradient, where
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.standard import exp, log
from symbp.notation.tensor import Element, Tensor

__all__ = ["LogSums"]

_ONE = sympy.S.One


class _Parts:
    """The tensors that a log-sum-exp is taken apart into, at the indices of its equation."""

    def __init__(self, top: Element, below: Element, tail: Element, at_top: Any) -> None:
        self.top, self.below, self.tail, self.at_top = top, below, tail, at_top
        # The logarithm of what tail has beside 1, which can be out of range; made when needed.
        self.others: Element | None = None


class LogSums(Definitions, ABC):
    """Makes the equations of logarithms of sums, and finds where they cancel."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        # What an expression is, a tensor, a difference of exponentials (see Analysis).
        self.cache: dict[Expr, Scaled] = {}
        self.tensors: dict[Tensor, Scaled | None] = {}
        self.forms: dict[tuple[Tensor, bool], Form | None] = {}
        self.differences: dict[Expr, Difference] = {}
        self.sizes: dict[Expr, int] = {}
        # Weighted sums, by the tensor of their scale: the equation, and what is summed.
        self.sums: dict[Tensor, tuple[Equation, Scaled]] = {}
        self.known: dict[object, Tensor] = {}
        self.same: dict[Tensor, Tensor] = {}
        # For a weighted sum of probabilities, what it differs from 1 by.
        self.above_one: dict[Tensor, Element] = {}
        # For a sum of 1 and terms of any sign: what it differs from 1 by, and its scale.
        self.beyond_one: dict[Expr, tuple[Expr, Expr]] = {}
        self.weighted: dict[object, tuple[Tensor, Tensor]] = {}
        self.parts: dict[Tensor, _Parts] = {}
        self.source: dict[Tensor, Tensor] = {}
        self.inverting = True
        # Whether terms cancelled while a form was put together.
        self.cancelled = False
        self._leave_recurrences(program)

    def _leave_recurrences(self, program: Program) -> None:
        """Look through no tensor that needs itself."""
        needs = predecessors(program.equations)
        for component in components(needs):
            if len(component) > 1 or component[0] in needs[component[0]]:
                for tensor in {program.equations[i].tensor for i in component}:
                    self.single.discard(tensor)
                    self.several.pop(tensor, None)

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
        parts = self._parts_of(exponent)
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
        entry = next((a for a in form if form[a] == 1 and self._parts_of(a) is not None), None)
        parts = None if entry is None else self._parts_of(entry)
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
        parts = self._parts_of(atom)
        return parts is not None and atom.tensor is parts.tail.tensor

    def key(self, indices: tuple[Index, ...], bound: tuple[Index, ...], body: Expr) -> object:
        """Return what reductions that have one value have in common."""
        form, _ = canonical(sympy.Tuple(*indices, *bound, body))
        return form, len(indices)

    def is_log_sum(self, atom: Expr) -> bool:
        """Whether an atom is a log-sum-exp that an equation defines."""
        if not isinstance(atom, Element) or atom.tensor not in self.defined:
            return False
        return self.defined[atom.tensor].operation == "logsumexp"

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
            parts = self._parts_of(atom)
            if parts is not None and atom.tensor is parts.below.tensor:
                c = -c
            elif parts is None and not is_nonnegative(atom):
                return False
            if c > 0:
                return False
        return True

    def split(self, form: Form, bound: tuple[Index, ...]) -> tuple[Form, Form]:
        """Split off the logarithms of sums that do not depend on bound indices."""
        outside = {
            atom: c
            for atom, c in form.items()
            if not set(atom.free_symbols) & set(bound)
            and (
                self.is_log_sum(atom)
                or isinstance(atom, stop_gradient)
                or self._parts_of(atom) is not None
            )
        }
        return {atom: c for atom, c in form.items() if atom not in outside}, outside

    def renamed(self, form: Form, names: dict[Expr, Expr]) -> Form:
        """Return a form with indices replaced."""
        return {atom.xreplace(names): c for atom, c in form.items()}

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

    # Where a log-sum-exp and one of its exponents cancel -------------------------------------

    def without_cancellation(self, form: Form, every: bool = False) -> Form:
        """Return a form in which no logarithm of a sum cancels against what it is a sum of.

        Parameters
        ----------
        form : Form
            A logarithm as a sum of terms.
        every : bool
            Whether log-sum-exps that the user wrote are taken apart, too.
        """
        for atom in list(form):
            if self.is_log_sum(atom) and (every or atom.tensor in self.made):
                contested = self._contested(form, atom)
                if contested is not None:
                    # x cancels against either; for one sign of x against both.
                    return self._by_sign(form, atom, contested)
                form = self._apart(form, atom)
        for atom in [a for a in form if isinstance(a, Element) and a in form]:
            form = self._collected(form, atom)
        return without_cancellation(form)[0]

    def _contested(self, form: Form, total: Element) -> Expr | None:
        """Return a ``softplus`` and a log-sum-exp that could both cancel one plain term."""
        found = self._member(form, total, form[total])
        if found is None:
            return None
        for atom in form:
            held = ratio(form, linear(atom.args[0])) if isinstance(atom, softplus) else 0
            if held * form[atom] < 0 and ratio(found[0], linear(atom.args[0])) != 0:
                return atom
        return None

    def _by_sign(self, form: Form, total: Element, atom: Expr) -> Form:
        """Return the form with the log-sum-exp taken apart where softplus(w) is small, else not."""
        apart = self._apart(form, total)
        apart = without_cancellation(apart)[0]
        together = without_cancellation(form)[0]
        condition = sympy.Gt(atom.args[0], 0)
        return {where(condition, build(together), build(apart)): _ONE}

    def inverted(self, node: Element) -> Form | None:
        """Return what an element of ``below`` or ``tail`` is a difference of."""
        parts = self._parts_of(node)
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
    def form(self, node: Expr) -> Form:
        """Return an expression as a sum of terms, with the logarithms in it taken apart."""

    @abstractmethod
    def scaled(self, node: Expr) -> Scaled:
        """Return an expression as a factor times an exponential."""

    @abstractmethod
    def value(self, quantity: Scaled) -> Expr:
        """Return a quantity as an expression that is in range wherever its value is."""

    @abstractmethod
    def log_form(self, quantity: Scaled) -> Form:
        """Return the logarithm of a quantity."""

    def _parts_of(self, atom: Expr) -> _Parts | None:
        if not isinstance(atom, Element) or atom.tensor not in self.source:
            return None
        return self.parts[self.source[atom.tensor]]

    def _apart(self, form: Form, atom: Element) -> Form:
        """Return a form with ``u_j - L`` as ``below_j - tail``, as often as it is in there."""
        found = self._member(form, atom, form[atom])
        while found is not None:
            member, places, size = found
            parts = self._made_parts(atom.tensor)
            form = combined(form, {atom: size})
            form = combined(form, member, -size)
            form = combined(form, {parts.below.xreplace(places): size})
            form = combined(form, {parts.tail.xreplace(places): -size})
            if atom not in form:
                break
            found = self._member(form, atom, form[atom])
        return form

    def _collected(self, form: Form, atom: Element) -> Form:
        """Return a form with ``u_j - top`` and ``L - top`` as ``below_j`` and ``tail``."""
        parts = self._parts_of(atom)
        if parts is None or atom.tensor is not parts.top.tensor:
            return form
        tensor = self.source[atom.tensor]
        whole = Element(tensor, *atom.args)
        while atom in form:
            found = self._member(form, whole, form[atom])
            if found is not None:
                member, places, size = found
                form = combined(form, member, -size)
                form = combined(form, {atom: size, parts.below.xreplace(places): size})
            elif form.get(whole, 0) * form[atom] < 0:
                size = min(abs(form[whole]), abs(form[atom])) * sympy.sign(form[whole])
                places = dict(zip(parts.tail.args, atom.args, strict=True))
                form = combined(form, {whole: -size, atom: size})
                form = combined(form, {parts.tail.xreplace(places): size})
            else:
                break
        return form

    def _member(
        self, form: Form, total: Element, coefficient: Expr
    ) -> tuple[Form, dict[Expr, Expr], Expr] | None:
        """Return an exponent of a log-sum-exp that a form holds with the other sign."""
        equation = self.defined[total.tensor]
        names = dict(zip(equation.lhs.args, total.args, strict=True))
        general = self.renamed(self.form(equation.body), names)
        bound = equation.reduce
        keys = [atom for atom in general if set(bound) <= set(atom.free_symbols)]
        for key in keys[:1]:
            for atom in form:
                # What a mask lets through is an exponent where its condition holds.
                masked = isinstance(key, where) and key.args[2] == -sympy.oo
                places = unified(key, atom, bound)
                if places is None and masked:
                    places = unified(key.args[1], atom, bound)
                if places is None or len(places) < len(bound):
                    continue
                member = self.renamed(general, places)
                held = ratio(form, member)
                if held * coefficient < 0:
                    size = min(abs(held), abs(coefficient)) * sympy.sign(held)
                    return member, {**names, **places}, size
        return None

    def _made_parts(self, tensor: Tensor) -> _Parts:
        """Return the tensors of a log-sum-exp's parts; their equations are made when needed."""
        if tensor not in self.parts:
            equation = self.defined[tensor]
            bound, indices = equation.reduce, tuple(equation.lhs.args)
            name, both = tensor.name, (*indices, *bound)
            exponent: Expr = equation.body
            if not isinstance(exponent, Element):
                exponent = self.make(f"{name}_exponent", both, exponent, source=equation)
            largest = self.make(f"{name}_max", indices, exponent, bound, "max", equation)
            place = sympy.S.Zero
            for index in bound:
                place = place * index.extent + index
            beyond = math.prod(sympy.sympify(index.extent, strict=True) for index in bound)
            equal = where(sympy.Eq(exponent, largest), -place, -beyond)
            first = self.make(f"{name}_first", indices, equal, bound, "max", equation)
            at_top = sympy.Eq(first, -place)
            top = self.make(f"{name}_top", indices, where(at_top, exponent, 0), bound,
                            source=equation)  # fmt: skip
            below = self.make(f"{name}_below", both, where(at_top, 0, exponent - top),
                              source=equation)  # fmt: skip
            rest = self.make(f"{name}_rest", indices, where(at_top, 0, exp(below)), bound,
                             source=equation)  # fmt: skip
            tail = self.make(f"{name}_tail", indices, log1p(rest), source=equation)
            self.parts[tensor] = _Parts(top, below, tail, at_top)
            for element in (top, below, tail):
                self.source[element.tensor] = tensor
        return self.parts[tensor]
