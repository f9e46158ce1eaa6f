"""ranges: what values an expression has, and whether it is finite wherever the data are.

``1/x`` and ``log x`` are not finite everywhere, ``1/(1 + x²)`` and ``exp(-x²)`` are.
Differentiation asks, because an adjoint that is exactly 0 must stay 0 when it is multiplied by a
derivative that is not finite, and a product with one that always is needs no care. An interval is
kept for each expression and, through the equations, for each tensor; what overflows only because
its arguments are huge, as polynomials do, counts as finite, what overflows at arguments of some
hundreds does not.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.implicit import is_implicit
from symbp.calculus.intervals import (
    ANY,
    BOUNDED,
    GROWING,
    RULES,
    SLOPES,
    UNKNOWN,
    ZERO,
    Range,
    exponential,
    power,
    widened,
)
from symbp.calculus.share import canonical
from symbp.notation.collected import factors, product_of, sum_of
from symbp.notation.equation import Equation
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Index
from symbp.notation.prime import Prime
from symbp.notation.program import Program
from symbp.notation.reductions import Reduction
from symbp.notation.singular import absorbing_product, plainly, power_log, power_slope
from symbp.notation.tensor import Element, Tensor

__all__ = ["Range", "Ranges"]


class Ranges:
    """The ranges of the tensors and expressions of a program.

    Parameters
    ----------
    program : Program
        Normalised; derived equations may stand in it.

    Examples
    --------
    >>> import symbp as bp
    >>> x, y = bp.parameter("x"), bp.tensor("y")
    >>> ranges = Ranges(bp.Program([bp.Equation(y, x**2 + 1)], cost=y))
    >>> ranges.of(1 / y.element).finite, ranges.of(1 / x.element).finite
    (True, False)
    """

    def __init__(self, program: Program) -> None:
        self.tensors: dict[Tensor, Range] = {}
        self.known: dict[Any, Range] = {}
        self.reductions = {
            equation.tensor: equation
            for equation in program.equations
            if equation.operation in ("logsumexp", "max") and equation.lhs.is_plain
        }
        late = _read_before_written(program)
        for tensor in late:
            self.tensors[tensor] = ZERO  # as memory starts
        rounds = 0
        while True:
            before = {tensor: self.tensors[tensor] for tensor in late}
            self._sweep(program, late, widen=rounds > 1)
            if before == {tensor: self.tensors[tensor] for tensor in late}:
                break
            rounds += 1

    def _sweep(self, program: Program, late: set[Tensor], widen: bool) -> None:
        self.known = {}
        started: dict[Tensor, Range] = {}
        for equation in program.equations:
            tensor = equation.tensor
            found = self.of_equation(equation)
            if tensor in started:
                found = started[tensor] + found
            started[tensor] = found
            if tensor in late:
                found = found | self.tensors[tensor]
                if widen:
                    found = widened(self.tensors[tensor], found)
            if self.tensors.get(tensor) != found:
                self.tensors[tensor] = found
                if tensor in late:
                    self.known = {}
        self.known = {}

    def learn(self, equations: Iterable[Equation]) -> None:
        """Take in equations that are added to the program, of tensors that it did not have."""
        for equation in equations:
            found = self.of_equation(equation)
            if equation.accumulate and equation.tensor in self.tensors:
                found = self.tensors[equation.tensor] + found
            if self.tensors.get(equation.tensor) != found:
                self.tensors[equation.tensor] = found
                self.known = {}

    def of_equation(self, equation: Equation) -> Range:
        """Return the range of what an equation gives, or adds."""
        if equation.origin.rule == "ties":
            return Range(1.0, math.inf, self.of(equation.body).finite)
        if is_implicit(equation):
            return ANY
        body = self.of(equation.body)
        if equation.reduce and equation.operation == "sum":
            # At least one term, and no more is known of their number.
            low = body.low if body.low >= 0 else -math.inf
            body = Range(low, body.high if body.high <= 0 else math.inf, body.finite)
        elif equation.reduce and equation.operation == "logsumexp":
            body = Range(body.low, math.inf, body.finite or body.masked)
        elif equation.reduce:  # a maximum; a mask hides no whole row
            body = Range(body.low, body.high, body.finite or body.masked)
        if equation.lhs.is_plain:
            return body
        # Any number of them may add up in one place, and none may come there.
        low, high = -math.inf if body.low < 0 else 0.0, math.inf if body.high > 0 else 0.0
        return Range(low, high, body.finite)

    def of(self, node: Any) -> Range:
        """Return the range of a scalar expression."""
        if node not in self.known:
            self.known[node] = self._of(node)
        return self.known[node]

    def product(self, first: Expr, p: Expr) -> Expr:
        """Return ``first · p``, which an exact 0 makes 0 where a factor of p is not finite.

        The zero may be the first or another factor of p: the derivative of ``m·√x`` at 0 is 0 for
        ``m = 0``, whether the root has an equation of its own or not.
        """
        if self.of(p).finite:
            return p if first == 1 else product_of(first, p)
        if isinstance(p, sympy.Add):
            return sum_of(*(self.product(first, term) for term in p.args))
        if isinstance(p, where):  # beside terms without a condition
            condition, *branches = p.args
            return where(condition, *(self.product(first, branch) for branch in branches))
        parts = [*factors(first), *factors(p)]
        singular = [part for part in parts[len(factors(first)) :] if not self.of(part).finite]
        rest = [part for part in parts if part not in singular]
        weights = [part for part in rest if part.has(Element) or part.atoms(Index)]
        vanishing = [part for part in singular if self._vanishes(part)]
        large = [part for part in singular if part not in vanishing]
        inner = product_of(*singular)
        if vanishing and large and all(part.has(sympy.exp) for part in large):
            # The derivative of exp(-exp(u)): where exp(u) is out of range, the first factor is 0.
            inner = absorbing_product(product_of(*vanishing), product_of(*large))
        elif not weights or not singular:
            return p if first == 1 else product_of(first, p)
        numbers = [part for part in rest if part not in weights]
        if weights:
            inner = absorbing_product(product_of(*weights), inner)
        return product_of(*numbers, inner)

    def _vanishes(self, part: Expr) -> bool:
        """Whether a factor is small, or 0, where an exponential in it is out of range."""
        found = self.of(part)
        is_bounded = math.isfinite(found.low) and math.isfinite(found.high)
        if isinstance(part, sympy.exp):
            return bool(part.args[0].has(sympy.exp))
        return is_bounded and bool(part.has(sympy.exp))

    def relaxed(self, node: Expr) -> Expr:
        """Return an expression with plain products where both factors are always finite."""
        if node.is_Atom or not node.has(absorbing_product):
            return node
        arguments = [self.relaxed(argument) for argument in node.args]
        if isinstance(node, absorbing_product) and self.of(arguments[1]).finite:
            return product_of(*arguments)
        return node.func(*arguments)

    def _of(self, node: Any) -> Range:
        if isinstance(node, Element):
            return self._of_element(node)
        if isinstance(node, Index):
            extent = node.extent
            return Range(0.0, float(extent) - 1 if isinstance(extent, int) else math.inf)
        if node.is_Symbol:
            return Range(1.0)
        if node.is_Number or node.is_NumberSymbol:
            value = float(node)
            return Range(value, value, math.isfinite(value))
        if isinstance(node, sympy.Add):
            total = self.of(node.args[0])
            for term in node.args[1:]:
                total = total + self.of(term)
            return total
        if isinstance(node, sympy.Mul):
            total = self.of(node.args[0])
            for factor in node.args[1:]:
                total = total * self.of(factor)
            return total
        if isinstance(node, sympy.Pow):
            return self._of_power(*node.args)
        if isinstance(node, where):
            return self._of_choice(*node.args)
        if isinstance(node, Prime):
            return self._of_slope(node)
        if isinstance(node, Reduction):
            body = self.of(node.body)
            return Range(finite=body.finite)
        if isinstance(node, sympy.Function):
            return self._of_function(node)
        return UNKNOWN

    def _of_element(self, element: Element) -> Range:
        tensor = element.tensor
        if tensor in self.tensors:
            return self.tensors[tensor]
        if tensor.role == "constant" and tensor.value is not None:
            return Range(float(tensor.value), float(tensor.value))
        return Range(0.0) if tensor.kind == "integer" else ANY

    def _of_power(self, base: Expr, exponent: Expr) -> Range:
        x = self.of(base)
        if exponent.is_Number:
            value = float(exponent)
            above = power(x, abs(value), whole=bool(exponent.is_Integer))
            return above if value >= 0 else above.reciprocal()
        y = self.of(exponent)
        if base.is_Number and base.is_positive:
            size = math.log(float(base))
            return exponential(y * Range(size, size))
        low = 0.0 if x.low >= 0 else -math.inf
        inside = x.low > 0 or (y.low >= 0 and (x.low >= 0 or _is_whole(exponent)))
        return Range(low, math.inf, x.finite and y.finite and inside)

    def _of_choice(self, condition: Any, chosen: Expr, other: Expr) -> Range:
        branches = [self._where(condition, True, chosen), self._where(condition, False, other)]
        if not condition.atoms(Element):
            # A mask by indices: no data can hide all of a row.
            branches = [
                replace(branch, masked=True) if branch.high == -math.inf else branch
                for branch in branches
            ]
        return branches[0] | branches[1]

    def _where(self, condition: Any, holds: bool, branch: Expr) -> Range:
        """Return the range of a branch, of values where the condition holds, or does not.

        The exponential in ``where(z > 0, 1, exp(z))`` is at most 1.
        """
        bound = _bound(condition, holds)
        # A branch that holds a choice of its own is not gone through once more for each.
        if bound is None or branch.has(where) or not branch.has(bound[0]):
            return self.of(branch)
        quantity, low, high = bound
        known, whole = self.known, self.of(quantity)
        narrowed = replace(whole, low=max(whole.low, low), high=min(whole.high, high))
        if narrowed.low > narrowed.high:  # never chosen
            return self.of(branch)
        self.known = {quantity: narrowed}
        try:
            return self.of(branch)
        finally:
            self.known = known

    def _of_slope(self, node: Prime) -> Range:
        name = operation_of(type(node.application)).name
        if name in SLOPES:
            return Range(*SLOPES[name], self.of(node.application.args[0]).finite)
        return self.of(node.rule())

    def _of_function(self, node: Any) -> Range:
        if isinstance(node, (sympy.floor, sympy.ceiling, sympy.Mod)):  # arithmetic of indices
            return ANY
        record = operation_of(type(node))
        given = [self.of(argument) for argument in node.args]
        finite = all(argument.finite for argument in given)
        if record.name in BOUNDED:
            return Range(*BOUNDED[record.name], finite)
        if record.name in GROWING:
            return Range(GROWING[record.name], math.inf, finite)
        rule = RULES.get(record.name)
        if rule is not None:
            return rule(*given)
        if isinstance(node, sympy.exp):
            return self._of_exponential(node.args[0], given[0])
        if isinstance(node, absorbing_product):
            return replace(given[0] * given[1], finite=finite)
        if isinstance(node, power_slope):
            x, y = given
            return Range(finite=finite and _is_smooth(x, y, _is_whole(node.args[1])))
        if isinstance(node, power_log):
            return Range(finite=finite and given[0].low >= 0 and given[1].low >= 0)
        if record.definition is not None:
            return self.of(record.definition(*node.args))
        opened = plainly(node)
        return UNKNOWN if opened == node else self.of(opened)

    def _of_exponential(self, exponent: Expr, given: Range) -> Range:
        if self._is_below_reduction(exponent):
            return Range(0.0, 1.0, given.finite or given.masked)
        return exponential(given)

    def _is_below_reduction(self, exponent: Expr) -> bool:
        """Whether an exponent is ``u - logsumexp(u)`` or ``u - max(u)``: it is not positive."""
        terms = exponent.args if isinstance(exponent, sympy.Add) else ()
        for place, term in enumerate(terms):
            number, element = term.as_coeff_Mul()
            equation = (
                self.reductions.get(element.tensor)
                if number == -1 and isinstance(element, Element)
                else None
            )
            if equation is None:
                continue
            rest = exponent.func(*terms[:place], *terms[place + 1 :])
            names = dict(zip(equation.lhs.args, element.args, strict=True))
            form, order = canonical(rest)
            body, own = canonical(equation.body.xreplace(names))
            if form == body and all(
                a is b or b in equation.reduce for a, b in zip(order, own, strict=True)
            ):
                return True
        return False


def _bound(condition: Any, holds: bool) -> tuple[Expr, float, float] | None:
    """Return a quantity and its bounds where a comparison with a number holds, or does not."""
    if not isinstance(condition, (sympy.Gt, sympy.Ge, sympy.Lt, sympy.Le)):
        return None
    left, right = condition.args
    above = isinstance(condition, (sympy.Gt, sympy.Ge)) == holds
    if left.is_number:
        left, right, above = right, left, not above
    if not right.is_number or left.is_number:
        return None
    number = float(right)
    return (left, number, math.inf) if above else (left, -math.inf, number)


def _is_smooth(x: Range, y: Range, whole: bool) -> bool:
    """Whether ``y x^(y-1)`` is finite for all x and y of the ranges."""
    if x.low > 0:
        return True
    return (whole and y.low >= 0) or (x.low >= 0 and y.low >= 1)


def _is_whole(exponent: Expr) -> bool:
    """Whether an exponent holds integers only: indices, integer tensors and their sums."""
    return bool(exponent.is_integer) or (
        isinstance(exponent, Element) and exponent.tensor.kind == "integer"
    )


def _read_before_written(program: Program) -> set[Tensor]:
    """Return the tensors of which an equation reads what a later one, or itself, writes."""
    last = {equation.tensor: place for place, equation in enumerate(program.equations)}
    return {
        element.tensor
        for place, equation in enumerate(program.equations)
        for element in equation.reads()
        if last.get(element.tensor, -1) >= place
    }
