"""Whole numbers in subscripts: sums of indices and integer data, ``%`` and ``//`` by a number.

``x[n, (i + 1) % 5]``, ``x[n, i // 2]`` and ``h[n, length[n] - 1]`` are elements like any other:
what they select is known when the indices and the data are. Which values a subscript takes follows
from the extents of its indices; data are checked where they come in, against the limits that
:func:`limits_in` finds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.announced import announce
from symbp.notation.arithmetic import Written
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Index

__all__ = [
    "Limit",
    "Quotient",
    "Remainder",
    "Span",
    "data_of",
    "quotient_of",
    "span_of",
    "text_of",
    "values_at",
    "whole_number",
]


@dataclass(frozen=True)
class Limit:
    """What the elements of an integer tensor are: at least `low` and below `below`.

    Either may be None, where nothing is known; `below` may be a symbol.
    """

    low: int | None
    below: Any

    def __and__(self, other: "Limit") -> "Limit":
        lows = [low for low in (self.low, other.low) if low is not None]
        ends = [end for end in (self.below, other.below) if end is not None]
        return Limit(max(lows, default=None), _least(ends))

    def __str__(self) -> str:
        if self.low is None:
            return f"below {self.below}"
        return f"at least {self.low}" + ("" if self.below is None else f" and below {self.below}")

    @property
    def given(self) -> Any:
        """How it is written for run time: a number below which data stay, or a pair.

        A size that arrays tell is a pair of its name and what is added to it.
        """
        below = self.below
        if below is not None and not isinstance(below, int):
            (size,) = below.free_symbols
            below = str(size), int(below - size)
        return below if self.low == 0 and not isinstance(below, tuple) else (self.low, below)


def _least(ends: list[Any]) -> Any:
    """Return the smaller of two ends; of a number and a size, which nobody knows, the size."""
    if len(ends) < 2:
        return next(iter(ends), None)
    first, second = ends
    difference = sympy.sympify(first - second, strict=True)
    if difference.is_number:
        return first if difference <= 0 else second
    return second if isinstance(first, int) else first


@dataclass(frozen=True)
class Span:
    """The least and the greatest value of a whole number, None where it is not known."""

    low: int | None
    high: int | None

    def __add__(self, other: "Span") -> "Span":
        return Span(_both(self.low, other.low), _both(self.high, other.high))

    def times(self, number: int) -> "Span":
        """Return the span of a multiple."""
        low, high = (None if end is None else number * end for end in (self.low, self.high))
        return Span(low, high) if number >= 0 else Span(high, low)

    def divided(self, number: int) -> "Span":
        """Return the span of a quotient, rounded down."""
        return Span(*(None if end is None else end // number for end in (self.low, self.high)))

    def is_within(self, low: int, high: int) -> bool:
        """Whether all values are known to lie between two."""
        return (
            self.low is not None and self.high is not None and low <= self.low and self.high <= high
        )


class Remainder(Written, sympy.Mod):
    """A remainder by a number, left as it is: SymPy's looks for common divisors of polynomials."""

    is_integer = True
    is_nonnegative = True

    def _sympystr(self, printer: Any) -> str:
        return f"({text_of(self)})"

    @classmethod
    def eval(cls, number: Any, divisor: Any) -> Any:
        """Return the remainder of numbers, nothing for others."""
        return number % divisor if number.is_Integer and divisor.is_Integer else None


class Quotient(Written, sympy.floor):
    """A quotient rounded down, left as it is."""

    is_integer = True

    def _sympystr(self, printer: Any) -> str:
        return f"({text_of(self)})"

    @classmethod
    def eval(cls, quotient: Any) -> Any:
        """Return the quotient of numbers, nothing for others."""
        return sympy.floor(quotient) if quotient.is_Rational else None


def text_of(number: Any) -> str:
    """Return a whole number as one writes it: ``(i + 1) % 5``, ``i // 2``."""
    if isinstance(number, sympy.Mod):
        return f"{_inner(number.args[0])} % {number.args[1]}"
    if isinstance(number, sympy.floor):
        above, below = quotient_of(number.args[0])
        return f"{_inner(above)} // {below}"
    if isinstance(number, sympy.Add):
        plain = all(
            isinstance(part.as_coeff_Mul()[1], Index | sympy.Integer) for part in number.args
        )
        terms = number.as_ordered_terms() if plain else sorted(number.args, key=_rank)
        # What is added first, the number last, if it is not the only one to be added.
        alone = all(term.is_number or _is_negative(term) for term in terms)
        terms.sort(key=lambda term: (bool(term.is_number) != alone, _is_negative(term)))
        signs = [_is_negative(term) for term in terms]
        parts = [
            text_of(-term if minus else term) for term, minus in zip(terms, signs, strict=True)
        ]
        text = f"-{parts[0]}" if signs[0] else parts[0]
        for minus, part in zip(signs[1:], parts[1:], strict=True):
            text += f" {'-' if minus else '+'} {part}"
        return text
    if isinstance(number, sympy.Mul) and number.as_coeff_Mul()[0] != 1:
        coefficient, rest = number.as_coeff_Mul()
        return f"-{_inner(rest)}" if coefficient == -1 else f"{coefficient}*{_inner(rest)}"
    return str(number)


def _rank(term: Any) -> Any:
    """Return where a term stands in a sum of more than indices: data last."""
    rest = term.as_coeff_Mul()[1]
    return bool(data_of(rest)), sympy.default_sort_key(rest)


def _is_negative(term: Any) -> bool:
    return bool(term.as_coeff_Mul()[0].is_negative)


def _inner(number: Any) -> str:
    text = text_of(number)
    return f"({text})" if isinstance(number, sympy.Add | sympy.Mod | sympy.floor) else text


def _both(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def whole_number(expression: Any) -> Expr | None:
    """Return a whole number in the form in which subscripts hold it, None for what is none.

    Parameters
    ----------
    expression : SymPy expression
        Sums and multiples of indices and of elements of integer tensors, remainders of such by a
        number and quotients rounded.

    Returns
    -------
    Expr or None
        In SymPy's own order, without a remainder or a quotient that changes nothing: with five
        values of i, ``i % 5`` is i and ``i // 5`` is 0.
    """
    is_size = expression.is_Symbol and expression.is_integer
    if is_size or expression.is_Integer or _is_datum(expression):
        return expression
    if isinstance(expression, sympy.Add):
        return _joined(sympy.Add, expression.args)
    if isinstance(expression, sympy.Mul):
        numbers = [part for part in expression.args if part.is_Number]
        if len(expression.args) - len(numbers) > 1 or not all(n.is_Integer for n in numbers):
            return None
        joined = _joined(sympy.Mul, expression.args)
        return None if joined is None else sympy.expand(joined)
    if isinstance(expression, sympy.Mod):
        number, divisor = whole_number(expression.args[0]), expression.args[1]
        if number is None or not (divisor.is_Integer and divisor > 0):
            return None
        inside = span_of(number).is_within(0, int(divisor) - 1)
        return number if inside else Remainder(number, divisor)
    if isinstance(expression, sympy.floor | sympy.ceiling):
        number, divisor = quotient_of(expression.args[0])
        if number is None:
            return None
        if isinstance(expression, sympy.ceiling):
            number = number + divisor - 1
        span = span_of(number).divided(divisor)
        if span.low is not None and span.low == span.high:
            return sympy.Integer(span.low)
        return Quotient(number / divisor)
    return None


announce(whole_number)


def quotient_of(expression: Any) -> tuple[Expr | None, int]:
    """Return a quotient of a whole number and a number, without common factors."""
    parts = sympy.Add.make_args(sympy.expand(expression))
    divisor = math.lcm(*(int(part.as_coeff_Mul()[0].q) if _is_rational(part) else 1
                         for part in parts))  # fmt: skip
    return whole_number(sympy.expand(expression * divisor)), divisor


def _is_rational(part: Any) -> bool:
    return bool(part.as_coeff_Mul()[0].is_Rational)


def _joined(kind: Any, parts: Any) -> Expr | None:
    found = [whole_number(part) for part in parts]
    return None if any(part is None for part in found) else kind(*found)


def _is_datum(node: Any) -> bool:
    return getattr(node, "is_element", False) and node.tensor.kind == "integer"


def values_at(node: Any, value: Callable[[Any], Any]) -> Any:
    """Evaluate a whole number at integers, without rounding.

    Parameters
    ----------
    node : Expr
        In the form of :func:`whole_number`, or with ``ceiling`` in it.
    value : callable
        Returns the integers, in NumPy, that an index, an element or a symbol stands for.
    """
    if node.is_Integer:
        return int(node)
    if isinstance(node, sympy.Add | sympy.Mul):
        first, *rest = (values_at(part, value) for part in node.args)
        for part in rest:
            first = first + part if isinstance(node, sympy.Add) else first * part
        return first
    if isinstance(node, sympy.Mod):
        return values_at(node.args[0], value) % values_at(node.args[1], value)
    if isinstance(node, sympy.floor | sympy.ceiling):
        above, below = quotient_of(node.args[0])
        if above is None:
            raise UnsupportedError(f"{node}: expected a quotient of whole numbers")
        sign = 1 if isinstance(node, sympy.floor) else -1
        return sign * (sign * values_at(above, value) // below)
    return value(node)


def data_of(subscript: Any) -> list[Any]:
    """Return the elements of integer tensors in a subscript, each once, in a fixed order."""
    found: dict[Any, None] = {}
    left = [subscript]
    while left:
        node = left.pop()
        if getattr(node, "is_element", False):
            found.setdefault(node)
        else:
            left += reversed(node.args)
    return list(found)


def span_of(number: Any, limits: Any = None) -> Span:
    """Return the span of a whole number.

    Parameters
    ----------
    number : Expr
        In the form of :func:`whole_number`.
    limits : dict of Tensor to Limit, optional
        What is known of data.
    """
    if isinstance(number, int) or number.is_Integer:
        return Span(int(number), int(number))
    if isinstance(number, Index):
        extent = number.extent
        return Span(0, extent - 1 if isinstance(extent, int) else None)
    if number.is_Symbol:  # an extent
        return Span(1, None)
    if isinstance(number, sympy.Add):
        total = Span(0, 0)
        for part in number.args:
            total = total + span_of(part, limits)
        return total
    if isinstance(number, sympy.Mul):
        coefficient, rest = number.as_coeff_Mul()
        return span_of(rest, limits).times(int(coefficient))
    if isinstance(number, sympy.Mod):
        divisor = int(number.args[1])
        inner = span_of(number.args[0], limits)
        return inner if inner.is_within(0, divisor - 1) else Span(0, divisor - 1)
    if isinstance(number, sympy.floor):
        inside, divisor = quotient_of(number.args[0])
        return span_of(inside, limits).divided(divisor)
    limit = (limits or {}).get(getattr(number, "tensor", None))
    if limit is None:
        return Span(None, None)
    return Span(limit.low, limit.below - 1 if isinstance(limit.below, int) else None)
