"""Sums and products that passes derive: nobody wrote their terms and factors beside one another.

They are flat, equal terms are counted and what cancels is gone; what stays is a sum or product of
:mod:`symbp.notation.arithmetic`, whose order is then kept.
"""

import operator
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Plus, Times, power

__all__ = ["denominator", "factors", "product_of", "sum_of", "terms"]


def terms(node: Expr) -> tuple[Expr, ...]:
    """Return the terms of a sum as they stand, or the expression alone."""
    return tuple(node.args) if isinstance(node, sympy.Add) else (node,)


def factors(node: Expr) -> tuple[Expr, ...]:
    """Return the factors of a product, those of products inside it among them."""
    if not isinstance(node, sympy.Mul):
        return (node,)
    return tuple(inner for factor in node.args for inner in factors(factor))


def denominator(factor: Expr) -> Expr | None:
    """Return what a factor divides by: of ``1/x`` and ``1/sqrt(x)``, but not of ``x**-2``.

    The square of a small divisor may be 0 where the square of its reciprocal is in range.
    """
    if not isinstance(factor, sympy.Pow):
        return None
    base, exponent = factor.args
    if not exponent.could_extract_minus_sign() or (exponent.is_Integer and exponent != -1):
        return None
    return power(base, -exponent)


def sum_of(*given: Expr) -> Expr:
    """Return a sum that a pass derives: equal terms are counted, what cancels is gone.

    Unlike ``+`` it is for terms that nobody wrote beside one another.
    """
    counted: dict[object, Expr] = {}
    shown: dict[object, Expr] = {}
    for term in given:
        number, rest = _number_and_rest(sympy.sympify(term, strict=True))
        key = frozenset(_counted(factors(rest)).items()) if rest != 1 else None
        counted[key] = counted.get(key, sympy.S.Zero) + number
        shown.setdefault(key, rest)
    parts = [number * shown[key] for key, number in counted.items() if number != 0]
    if any(isinstance(factor, sympy.Add) for part in parts for factor in factors(part)):
        return reduce(operator.add, parts, sympy.S.Zero)  # one may be what the others add up to
    return Plus(*parts)


def product_of(*given: Expr) -> Expr:
    """Return a product that a pass derives: flat, numbers in front, ``x · x⁻¹`` gone."""
    number: Expr = sympy.S.One
    exponents: dict[Expr, Expr] = {}
    for factor in _flat(given):
        if factor.is_Number:
            number = number * factor
            continue
        base, exponent = factor.args if isinstance(factor, sympy.Pow) else (factor, sympy.S.One)
        if not exponent.is_Integer:
            base, exponent = factor, sympy.S.One
        exponents[base] = exponents.get(base, sympy.S.Zero) + exponent
    # What varies with no index stands in front, where it is computed before any loop.
    bases = sorted((b for b in exponents if exponents[b] != 0), key=_varies)
    parts = [power(base, exponents[base]) for base in bases]
    return number * Times(*parts) if parts and number != 0 else number


def _varies(node: Expr) -> bool:
    left: list[Any] = [node]
    while left:
        part = left.pop()
        if isinstance(part, sympy.Dummy):  # an Index is one
            return True
        left.extend(part.args)
    return False


def _flat(given: Iterable[Expr]) -> Iterator[Expr]:
    for value in given:
        yield from factors(sympy.sympify(value, strict=True))


def _number_and_rest(term: Expr) -> tuple[Expr, Expr]:
    parts = factors(term)
    numbers = [part for part in parts if part.is_Number]
    if not numbers:
        return sympy.S.One, term
    rest = [part for part in parts if not part.is_Number]
    return sympy.Mul(*numbers), Times(*rest)


def _counted(parts: Iterable[Expr]) -> dict[Expr, int]:
    result: dict[Expr, int] = {}
    for part in parts:
        result[part] = result.get(part, 0) + 1
    return result
