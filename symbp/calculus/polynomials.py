"""Polynomials with exact numbers in whatever stands in an expression, ``|z|`` and ``sign(z)`` too.

SymPy's polynomials do not know that ``z·sign(z)`` is ``|z|`` and ``|z|²`` is ``z²``. These do, and
they give back an expression of the notation. See :mod:`symbp.calculus.quotients`.
"""

import itertools
from collections.abc import Mapping

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import power
from symbp.notation.collected import factors, product_of, sum_of, terms
from symbp.notation.standard import Abs, sign

__all__ = ["Polynomial", "constant", "powers_of", "product"]

#: The exponent of each base of a product.
Exponents = dict[Expr, Expr]
Monomial = frozenset[tuple[Expr, Expr]]

_ZERO, _ONE = sympy.S.Zero, sympy.S.One
# What is left of decimal numbers that cancel, beside them: 0.1·0.1 is not quite 0.01.
_ROUNDED = sympy.Rational(1, 2**45)


class Polynomial:
    """A sum of numbers times products of bases.

    Parameters
    ----------
    coefficients : mapping, optional
        The number of each monomial, in the order in which the terms are to stand.
    sizes : mapping, optional
        What the absolute values of the numbers would add up to if nothing had cancelled.
    rounded : bool
        Whether numbers among them were rounded, so that what cancels leaves a rest.
    """

    def __init__(
        self,
        coefficients: Mapping[Monomial, Expr] | None = None,
        sizes: Mapping[Monomial, Expr] | None = None,
        rounded: bool = False,
    ) -> None:
        self.coefficients = dict(coefficients or {})
        self.sizes = dict(sizes or {m: abs(n) for m, n in self.coefficients.items()})
        self.rounded = rounded

    def __len__(self) -> int:
        return len(self.coefficients)

    @property
    def degree(self) -> int:
        """The highest degree of a term; a sign has none."""
        return max(map(_degree, self.coefficients), default=0)

    def ratio_of_highest(self, other: "Polynomial") -> Expr | None:
        """Return the number by which the terms of the highest degree differ from another's."""
        own, others = self._highest(), other._highest()
        if own.keys() != others.keys():
            return None
        ratios = {number / others[monomial] for monomial, number in own.items()}
        return ratios.pop() if len(ratios) == 1 else None

    def _highest(self) -> dict[Monomial, Expr]:
        degree = self.degree
        return {m: number for m, number in self.coefficients.items() if _degree(m) == degree}

    def add(self, monomial: Monomial, number: Expr, size: Expr) -> None:
        """Add a term to this polynomial."""
        value = self.coefficients.pop(monomial, _ZERO) + number
        size = self.sizes.get(monomial, _ZERO) + size
        self.sizes[monomial] = size
        if abs(value) > (size * _ROUNDED if self.rounded else 0):
            self.coefficients[monomial] = value

    def __add__(self, other: "Polynomial") -> "Polynomial":
        result = Polynomial(self.coefficients, self.sizes, self.rounded or other.rounded)
        for monomial, number in other.coefficients.items():
            result.add(monomial, number, other.sizes[monomial])
        return result

    def __mul__(self, other: "Polynomial") -> "Polynomial":
        result = Polynomial(rounded=self.rounded or other.rounded)
        pairs = itertools.product(self.coefficients.items(), other.coefficients.items())
        for (one, number), (another, second) in pairs:
            exponents = dict(one)
            for base, exponent in another:
                exponents[base] = exponents.get(base, _ZERO) + exponent
            factor, monomial = _reduced(exponents)
            size = self.sizes[one] * other.sizes[another] * abs(factor)
            result.add(monomial, factor * number * second, size)
        return result

    def expression(self) -> Expr:
        """Return the polynomial in the notation, with decimal numbers if it was made of such."""

        def shown(number: Expr) -> Expr:
            return sympy.Float(number) if self.rounded and number.q > 1 else number

        return sum_of(
            *(
                product_of(shown(number), *(power(base, exponent) for base, exponent in ordered))
                for monomial, number in self.coefficients.items()
                for ordered in [sorted(monomial, key=lambda p: sympy.default_sort_key(p[0]))]
            )
        )


def constant(number: Expr) -> Polynomial:
    """Return a number as a polynomial."""
    exact = sympy.Rational(number)
    return Polynomial({frozenset(): exact}, rounded=isinstance(number, sympy.Float))


def product(exponents: Mapping[Expr, Expr], opened: set[Expr] | None) -> Polynomial:
    """Return a product of whole powers as a polynomial.

    Parameters
    ----------
    exponents : mapping
        Of each base, 0 or more.
    opened : set of SymPy expressions or None
        The sums that are multiplied out, one level deep; None for all sums, those inside of
        absolute values and of other sums included.
    """
    result = constant(_ONE)
    for base, exponent in exponents.items():
        factor = _base(base, opened)
        for _ in range(int(exponent)):
            result = result * factor
    return result


def _base(base: Expr, opened: set[Expr] | None) -> Polynomial:
    if opened is None and isinstance(base, sympy.Abs) and isinstance(base.args[0], sympy.Add):
        # |w| = sign(w)·w, and the square of this sign is 1, as it comes with a w.
        return _single(sign(base.args[0])) * _base(base.args[0], opened)
    if not isinstance(base, sympy.Add) or not (opened is None or base in opened):
        return _single(base)
    result = Polynomial()
    for term in terms(base):
        number, exponents = powers_of(term)
        if any(not e.is_Integer or e.is_negative for e in exponents.values()):
            return _single(base)
        result = result + constant(number) * product(exponents, None if opened is None else set())
    return result


def _single(base: Expr) -> Polynomial:
    return Polynomial({frozenset({(base, _ONE)}): _ONE})


def powers_of(term: Expr) -> tuple[Expr, Exponents]:
    """Return the number in front of a product, and the exponent of each base in it.

    Parameters
    ----------
    term : SymPy expression
        Of the notation; what is no product or power with a rational exponent is a base.
    """
    number: Expr = _ONE
    exponents: Exponents = {}

    def take(factor: Expr, exponent: Expr) -> None:
        nonlocal number
        if factor.is_Rational and exponent.is_Integer:
            number = number * factor**exponent
        elif isinstance(factor, sympy.Float) and factor.is_finite and exponent.is_Integer:
            number = number * sympy.Float(factor) ** exponent
        elif isinstance(factor, sympy.Mul) and exponent.is_Integer:
            for part in factors(factor):
                take(part, exponent)
        elif _is_plain_power(factor, exponent):
            take(factor.args[0], _exact(factor.args[1]) * exponent)
        else:
            exponents[factor] = exponents.get(factor, _ZERO) + exponent

    take(term, _ONE)
    return number, {base: exponent for base, exponent in exponents.items() if exponent != 0}


def _is_plain_power(factor: Expr, exponent: Expr) -> bool:
    """Whether ``(b**m)**exponent`` is ``b**(m·exponent)`` wherever it is defined."""
    if not isinstance(factor, sympy.Pow) or not _exact(factor.args[1]).is_Rational:
        return False
    return bool(exponent.is_Integer) or not _exact(factor.args[1]).is_Integer


def _exact(exponent: Expr) -> Expr:
    """Return 0.5 or -1.5 as the fraction that it is; what is no half of a number stays."""
    if isinstance(exponent, sympy.Float) and exponent.is_finite:
        doubled = 2 * float(exponent)
        return sympy.Integer(int(doubled)) / 2 if doubled.is_integer() else exponent
    return exponent


def _degree(monomial: Monomial) -> int:
    return sum(int(exponent) for base, exponent in monomial if not _is_sign(base))


def _is_sign(base: Expr) -> bool:
    return isinstance(base, sympy.sign)


def _reduced(exponents: Exponents) -> tuple[Expr, Monomial]:
    """Use ``sign(w)·w = |w|``, ``|w|·|w| = w²``, ``sign(w)·|w| = w`` and ``sign(w)² = 1``.

    The number in front comes first: with ``w = z/2``, ``sign(w)·z`` is ``2·|w|``.
    """
    result = dict(exponents)
    number: Expr = _ONE

    def take(base: Expr, count: Expr) -> None:
        result[base] = result.get(base, _ZERO) + count

    for base in exponents:
        if not _is_sign(base) and not isinstance(base, sympy.Abs):
            continue
        inner = base.args[0]
        signs, sizes = sign(inner), Abs(inner)
        front, parts = powers_of(inner)
        if not front.is_Rational or not isinstance(sizes, sympy.Abs) or not _is_sign(signs):
            continue
        take(signs, -2 * (result.get(signs, _ZERO) // 2))
        if result[signs] == 1 and result.get(sizes, _ZERO) >= 1:
            take(signs, sympy.S.NegativeOne)
            take(sizes, sympy.S.NegativeOne)
            number = number * front
            for part, exponent in parts.items():
                take(part, exponent)
        elif result[signs] == 1 and all(result.get(b, _ZERO) >= e for b, e in parts.items()):
            take(signs, sympy.S.NegativeOne)
            take(sizes, _ONE)
            number = number / front
            for part, exponent in parts.items():
                take(part, -exponent)
        pairs = result.get(sizes, _ZERO) // 2
        take(sizes, -2 * pairs)
        number = number * front ** (2 * pairs)
        for part, exponent in parts.items():
            take(part, 2 * pairs * exponent)
    return number, frozenset((base, e) for base, e in result.items() if e != 0)
