r"""Where the logarithm of a sum and what it is a sum of cancel.

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

from symbp.calculus.by_definition import Definitions, unified
from symbp.calculus.log_form import Form, build, combined, linear, ratio, without_cancellation
from symbp.calculus.scaled import Difference, Scaled
from symbp.notation.dependence import components, predecessors
from symbp.notation.equation import Equation
from symbp.notation.functions import log1p, softplus, where
from symbp.notation.program import Program
from symbp.notation.standard import exp
from symbp.notation.tensor import Element, Tensor

__all__ = ["Cancelling"]

_ONE = sympy.S.One


class _Parts:
    """The tensors that a log-sum-exp is taken apart into, at the indices of its equation."""

    def __init__(self, top: Element, below: Element, tail: Element, at_top: Any) -> None:
        self.top, self.below, self.tail, self.at_top = top, below, tail, at_top
        # The logarithm of what tail has beside 1, which can be out of range; made when needed.
        self.others: Element | None = None


class Cancelling(Definitions, ABC):
    """Takes log-sum-exps apart where one of their exponents is subtracted from them."""

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
        # The scales among them that are not positive.
        self.small: set[Tensor] = set()
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

    def is_log_sum(self, atom: Expr) -> bool:
        """Whether an atom is a log-sum-exp that an equation defines."""
        if not isinstance(atom, Element) or atom.tensor not in self.defined:
            return False
        return self.defined[atom.tensor].operation == "logsumexp"

    def renamed(self, form: Form, names: dict[Expr, Expr]) -> Form:
        """Return a form with indices replaced."""
        return {atom.xreplace(names): c for atom, c in form.items()}

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

    @abstractmethod
    def form(self, node: Expr) -> Form:
        """Return an expression as a sum of terms, with the logarithms in it taken apart."""

    def parts_of(self, atom: Expr) -> _Parts | None:
        """Return what the log-sum-exp was taken apart into that an expression is a part of."""
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
        parts = self.parts_of(atom)
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
