"""How far rounding can move each result of a program: running error bounds.

An arithmetic for :mod:`symbp.calculus.precise` in which every number carries a bound of what an
evaluation in floating point can be off by, to first order: what its operands are off by, times how
the operation carries that on, and a rounding of its own (Wilkinson; Higham, "Accuracy and Stability
of Numerical Algorithms", 2nd ed., section 3.3). A bound, divided by eps and by the result, is the
condition number of the computation. Where rounding can change which branch of a choice is taken,
the bound covers both.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from symbp.calculus.many_digits import ManyDigits
from symbp.notation.operation import Operation

__all__ = ["Bounded", "Rounding"]

# What a function of the vector maths may be off by, in roundings (see docs/vector_maths.md).
_FUNCTION = 4
# Functions that choose, and round nothing.
_EXACT = {
    "identity", "stop_gradient", "relu", "abs", "sign", "maximum", "minimum", "largest", "floor",
    "ceil", "round", "heaviside", "random_coarse",
}  # fmt: skip
# Cut off after as many digits as a number near 1 has.
_CUT_OFF = {"random_unit", "random_turn"}


class Bounded:
    """A number of many digits, and a bound of the error of its floating-point value."""

    __slots__ = ("bound", "value")

    def __init__(self, value: Any, bound: Any) -> None:
        self.value, self.bound = value, bound


class Rounding:
    """Arithmetic on bounded numbers.

    Parameters
    ----------
    digits : int
        How many decimal digits the numbers themselves have.
    dtype : {"float64", "float32"}
        The floating-point numbers whose rounding is bounded.
    """

    def __init__(self, digits: int, dtype: str) -> None:
        self.exact = ManyDigits(digits)
        self.context = self.exact.context
        limits = np.finfo(np.dtype(dtype).type)
        self.unit = self.context.mpf(float(limits.eps)) / 2
        # As numbers of many digits: a float is made one again for each comparison.
        self.least, self.most = (self.context.mpf(float(x)) for x in (limits.tiny, limits.max))
        self.bits = int(limits.nmant) + 1
        self.zero = Bounded(self.exact.zero, self.exact.zero)
        self.infinity = self.exact.infinity

    def number(self, node: Any) -> Bounded:
        """Return a number of SymPy's, which a module holds rounded."""
        return self.given(self.exact.number(node))

    def given(self, value: Any) -> Bounded:
        """Return a number that is handed in."""
        value = self.context.mpf(value)
        _, _, _, bits = value._mpf_
        return self._rounded(value, self.exact.zero, 0 if bits <= self.bits else 1)

    def value(self, number: Bounded) -> Any:
        """Return what a number stands for."""
        return number.value

    def _rounded(self, value: Any, bound: Any, roundings: float) -> Bounded:
        """Return a number whose last operation rounds so many times."""
        size = abs(value)
        if not size <= self.most:
            # NaN, or beyond the range; an infinity that was written down is exact.
            exact = size == self.infinity and bound == 0
            return Bounded(value, self.exact.zero if exact else self.infinity)
        if bound != bound:
            return Bounded(value, self.infinity)
        if size < self.least and size:
            bound = bound + self.least
        elif roundings:
            bound = bound + roundings * self.unit * size
        return Bounded(value, bound)

    def total(self, terms: Sequence[Bounded]) -> Bounded:
        """Return a sum, in whatever order a module adds."""
        real = [term for term in terms if term.value or term.bound]
        if not real:
            return self.zero
        if len(real) == 1:
            return real[0]
        value = self.exact.total([term.value for term in real])
        bound = self.exact.total([term.bound for term in real])
        # Not relative to the sum: what is added may be much larger.
        sizes = self.exact.total([abs(term.value) for term in real])
        if sizes <= self.most and not (bound == 0 and self._adds_exactly(real, sizes)):
            bound += (len(real) - 1) * self.unit * sizes
        return self._rounded(value, bound, 0)

    def _adds_exactly(self, terms: Sequence[Bounded], sizes: Any) -> bool:
        """Whether every partial sum is a floating-point number, as those of small integers are."""
        last = min(term.value._mpf_[2] for term in terms)
        return bool(sizes < self.context.ldexp(1, self.bits + last))

    def product(self, factors: Sequence[Bounded]) -> Bounded:
        """Return a product; a factor ±2ⁿ rounds nothing."""
        result = factors[0]
        for factor in factors[1:]:
            a, b = result.value, factor.value
            bound = self.exact.zero
            if factor.bound:
                bound = abs(a) * factor.bound
            if result.bound:
                bound = bound + (abs(b) + factor.bound) * result.bound
            value = a * b
            exact = a._mpf_[1] in (0, 1) or b._mpf_[1] in (0, 1)
            exact = exact or (bound == 0 and value._mpf_[3] <= self.bits)
            result = self._rounded(value, bound, 0 if exact else 1)
        return result

    def quotient(self, a: Bounded, b: Bounded) -> Bounded:
        """Return a / b."""
        value = self.exact.quotient(a.value, b.value)
        size = abs(b.value)
        if b.bound >= size and b.bound:
            return Bounded(value, self.infinity)
        bound = self.exact.zero
        if a.bound or b.bound:
            bound = (a.bound + abs(value) * b.bound) / (size - b.bound)
        # A module may multiply by the reciprocal.
        return self._rounded(value, bound, 0 if b.value._mpf_[1] == 1 else 2)

    def power(self, base: Bounded, exponent: Bounded) -> Bounded:
        """Return base to the exponent."""
        value = self.exact.power(base.value, exponent.value)
        if base.bound >= abs(base.value) and base.bound and exponent.value < 0:
            return Bounded(value, self.infinity)  # zero lies within the bound
        moved = [(base, exponent.value, True), (exponent, base.value, False)]
        bound = self.exact.zero
        for operand, other, first in moved:
            if operand.bound:
                bound += self._moved(
                    lambda x, o=other, f=first: self.exact.power(*((x, o) if f else (o, x))),
                    operand,
                    value,
                )
        roundings = 0 if exponent.value == 1 else _FUNCTION
        if self.context.isint(exponent.value):
            roundings = min(roundings, abs(exponent.value))
        return self._rounded(value, bound, roundings)

    def apply(self, record: Operation, arguments: Sequence[Bounded]) -> Bounded:
        """Return an elementwise function of the notation."""
        values = [argument.value for argument in arguments]
        value = self.exact.apply(record, values)
        if record.name in ("identity", "stop_gradient"):
            return arguments[0]
        if record.name in ("maximum", "minimum", "largest") and value == value:
            chosen = next(argument for argument in arguments if argument.value == value)
            if all(argument.bound == chosen.bound for argument in arguments):
                return chosen
        bound = self.exact.zero
        for position, argument in enumerate(arguments):
            if argument.bound:
                bound += self._moved(
                    lambda x, p=position: self.exact.apply(
                        record, [*values[:p], x, *values[p + 1 :]]
                    ),
                    argument,
                    value,
                )
        if record.name in _CUT_OFF:
            return self._rounded(value, 2 * self.unit, 0)
        return self._rounded(value, bound, 0 if record.name in _EXACT else _FUNCTION)

    def _moved(self, function: Any, operand: Bounded, value: Any) -> Any:
        """Return how far a function moves while its operand moves within its bound."""
        above = abs(function(operand.value + operand.bound) - value)
        below = abs(function(operand.value - operand.bound) - value)
        if above != above or below != below:
            return self.infinity
        return max(above, below)

    def knows(self, record: Operation) -> bool:
        """Whether a function has a value here without its formula."""
        return self.exact.knows(record)

    def compare(self, relation: Any, a: Bounded, b: Bounded) -> tuple[bool, bool]:
        """Return whether a relation holds, and whether rounding could not change that."""
        sure = a is b or abs(a.value - b.value) > a.bound + b.bound or not (a.bound or b.bound)
        return relation(a.value, b.value), sure

    def either(self, a: Bounded, b: Bounded) -> Bounded:
        """Return the first of two, of which rounding decides which is chosen."""
        if a is b:
            return a
        gap = abs(a.value - b.value)
        bound = gap + max(a.bound, b.bound)
        return Bounded(a.value, bound if bound == bound else self.infinity)

    def rounded(self, function: str, number: Bounded) -> Bounded:
        """Return the floor or the ceiling."""
        low, value, high = (
            self.exact.rounded(function, number.value + sign * number.bound) for sign in (-1, 0, 1)
        )
        return self._rounded(value, max(high - value, value - low), 0)

    def remainder(self, a: Bounded, b: Bounded) -> Bounded:
        """Return a - b·floor(a/b)."""
        quotient = self.rounded("floor", self.quotient(a, b))
        minus = Bounded(-quotient.value, quotient.bound)
        return self.total([a, self.product([b, minus])])

    def largest(self, values: Sequence[Bounded]) -> Bounded:
        """Return the largest: the number itself, where its bound is the same as the result's."""
        top = values[0]
        for each in values[1:]:
            if each.value > top.value or each.value != each.value:
                top = each
        if top.value != top.value:
            return top
        bound = top.bound
        for each in values:
            reach = each.bound - (top.value - each.value)
            if reach > bound:
                bound = reach
        return top if bound == top.bound else Bounded(top.value, bound)

    def log_sum_exp(self, values: Sequence[Bounded]) -> Bounded:
        """Return log Σ exp, computed with the largest taken out."""
        value = self.exact.log_sum_exp([each.value for each in values])
        if not self.context.isfinite(value):
            return Bounded(value, self.exact.zero if value == -self.infinity else self.infinity)
        top = self.exact.largest([each.value for each in values])
        bound, own = self.exact.zero, self.context.mpf(len(values) + 2 * _FUNCTION)
        for each in values:
            weight = self.exact._exp(each.value - value)
            if weight:
                bound += weight * each.bound
                own += weight * abs(each.value - top)
        return self._rounded(value, bound + own * self.unit, 2)
