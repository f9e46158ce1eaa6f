"""Numbers as expressions, and exponents added."""

from fractions import Fraction

from symbp.matrices.normal import plus
from symbp.matrices.terms import Expression, Power, Term

__all__ = ["added", "constant"]


def added(p: Power, q: Power) -> Power:
    """Return the sum of two exponents."""
    if isinstance(p, Fraction) and isinstance(q, Fraction):
        return p + q
    total = plus(*(
        e if isinstance(e, Expression) else constant((), e) for e in (p, q)
    ))  # fmt: skip
    return total if total.number is None else total.number


def constant(extents: tuple[str, ...], value: Fraction | int) -> Expression:
    """Return a number, at each place of the extents."""
    value = Fraction(value)
    return Expression.of(extents, [Term(value, [], len(extents))] if value else [])
