"""quotients: the terms of a derivative over one denominator, where they cancel.

The quotient rule gives the derivative of ``z/(1 + |z|)`` as ``1/(1 + |z|) - z·sign(z)/(1 + |z|)²``,
whose two terms are nearly equal for large ``z``: their difference has lost its digits at 1e15, and
is negative at 1e100. Over one denominator the numerator is ``(1 + |z|) - z·sign(z)``, which is 1.

A sum of quotients is brought over one denominator, its numerator multiplied out with exact
numbers, and kept in that form if terms of the numerator cancel and what is left is nowhere larger
than what stood there before. A square of a denominator becomes two divisions, because it leaves
the range of floats long before the quotient does. Only derived expressions go this way, and in
them no sum that a user wrote.
"""

import functools
import math
import random
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.polynomials import Polynomial, constant, powers_of, product
from symbp.notation.arithmetic import Plus, power
from symbp.notation.collected import factors, product_of, sum_of, terms
from symbp.notation.functions import where
from symbp.notation.singular import absorbing_product
from symbp.notation.tensor import Element

__all__ = ["over_one_denominator"]

# Beyond these it is no formula that a person wrote, and multiplying out takes long.
_MOST_TERMS, _MOST_MONOMIALS = 16, 200
# A numerator of a higher degree overflows before the quotient does.
_HIGHEST_DEGREE = 4
_SAMPLES = 200


def over_one_denominator(expression: Expr, written: Collection[Expr] = ()) -> Expr:
    """Return a derived expression with its sums of quotients over one denominator.

    Parameters
    ----------
    expression : SymPy expression
        What differentiation made.
    written : collection of SymPy expressions
        Sums that are left as they are, because a user wrote them.

    Returns
    -------
    SymPy expression
        Equal to the given one wherever that is defined.

    Examples
    --------
    >>> import symbp as bp
    >>> z = bp.parameter("z")[()]
    >>> over_one_denominator(1 / (1 + abs(z)) - z * bp.sign(z) / (1 + abs(z)) ** 2)
    (1 + Abs(z))**(-2)
    """
    if isinstance(expression, where):
        condition, chosen, other = expression.args
        branches = (over_one_denominator(branch, written) for branch in (chosen, other))
        return where(condition, *branches)
    if isinstance(expression, absorbing_product):
        hiding, hidden = expression.args
        return absorbing_product(hiding, over_one_denominator(hidden, written))
    if isinstance(expression, sympy.Add):
        if expression in written:
            return expression
        combined = _combined_beside(expression)
        if combined is None:
            combined = _combined_below_zeros(expression)
        if combined is not None:
            return combined
        parts = [over_one_denominator(term, written) for term in terms(expression)]
        same = all(new is old for new, old in zip(parts, expression.args, strict=True))
        return expression if same else sum_of(*parts)
    if isinstance(expression, sympy.Mul):
        parts = [over_one_denominator(factor, written) for factor in factors(expression)]
        return _divided(product_of(*parts))
    return expression


def _combined_beside(node: Expr) -> Expr | None:
    """Return a sum in which the quotients are over one denominator and the other terms are not.

    ``x + 1/d - z/d²`` is ``x + 1/d²`` where ``z`` is ``d - 1``: x need not be divided.
    """
    divided = [term for term in terms(node) if _divisors_below(term)]
    if len(divided) < 2 or len(divided) == len(node.args):
        return None
    combined = _combined_below_zeros(Plus(*divided))
    if combined is None:
        return None
    first = divided[0]
    return sum_of(
        *(combined if term is first else term for term in terms(node)
          if term is first or not any(term is other for other in divided))
    )  # fmt: skip


def _divisors_below(term: Expr) -> bool:
    return any(isinstance(part, sympy.Pow) and part.args[1].is_negative for part in factors(term))


def _divided(quotient: Expr) -> Expr:
    """Return ``n/d²`` as ``(n/d)/d`` and ``n·m/d²`` as ``(n/d)·(m/d)``."""
    parts = factors(quotient)
    below = [part for part in parts if _is_square_below(part)]
    above = [part for part in parts if part not in below]
    read = {element for part in below for element in part.atoms(Element)}
    if not any(_varies_with(part, read) for part in above):
        return quotient  # it is no larger than 1/d², which is 0 when d² overflows
    rest = []
    for part in below:
        base, count = part.args[0], int(-part.args[1])
        read = base.atoms(Element)
        for place, factor in enumerate(above):
            if count and _varies_with(factor, read):
                above[place] = factor / base
                count -= 1
        rest += [base] * count
    result: Expr = sympy.S.One
    for factor in above:
        result = result * factor
    for base in rest:
        result = result / base
    return result


def _varies_with(factor: Expr, read: Collection[Expr]) -> bool:
    return not isinstance(factor, sympy.sign) and not factor.atoms(Element).isdisjoint(read)


def _is_square_below(factor: Expr) -> bool:
    return (
        isinstance(factor, sympy.Pow)
        and bool(factor.args[1].is_Integer)
        and -4 <= factor.args[1] <= -2
    )


def _combined_below_zeros(node: Expr) -> Expr | None:
    """Return a sum over one denominator, what hides all of its terms where it is 0 in front."""
    hiding = [_hiding(term) for term in terms(node)]
    common = set.intersection(*hiding)
    opened = [_opened(term, common) for term in terms(node)]
    # What hides some terms only hides nothing of the whole if another term divides by the same:
    # u of u/v stands in the term of v', and the other divides by v as well.
    seen = [_divisors(term) for term, hides in zip(opened, hiding, strict=True) if hides <= common]
    hidden = [_divisors(term) for term, hides in zip(opened, hiding, strict=True) if hides - common]
    if set().union(*hidden) - set().union(*seen):
        return None
    combined = _combined(Plus(*opened))
    if combined is None:
        return None
    for factor in common:
        combined = absorbing_product(factor, combined)
    return combined


def _divisors(term: Expr) -> set[Expr]:
    return {part.args[0] for part in factors(term) if isinstance(part, sympy.Pow)}


def _hiding(term: Expr) -> set[Expr]:
    parts = [part for part in factors(term) if isinstance(part, absorbing_product)]
    return {part.args[0] for part in parts}.union(*(_hiding(part.args[1]) for part in parts))


def _opened(term: Expr, common: set[Expr]) -> Expr:
    """Return a term with plain products, without those factors that hide all terms."""
    parts: list[Expr] = []
    for part in factors(term):
        if isinstance(part, absorbing_product):
            hiding, hidden = part.args
            parts += [_opened(hidden, common), *([] if hiding in common else [hiding])]
        else:
            parts.append(part)
    return product_of(*parts)


def _combined(node: Expr) -> Expr | None:
    """Return a sum over one denominator, None where nothing cancels in its numerator."""
    if len(node.args) > _MOST_TERMS:
        return None
    parts = [powers_of(term) for term in terms(node)]
    common = _common([exponents for _, exponents in parts])
    if common is None or not any(exponent.is_negative for exponent in common.values()):
        return None
    for _, exponents in parts:
        if any(isinstance(base, sympy.sign) and exponents[base] > 1 for base in exponents):
            return None  # sign(z)² of a user's own is 0 at 0
    shares = [
        (number, {b: exponents.get(b, sympy.S.Zero) - least for b, least in common.items()})
        for number, exponents in parts
    ]
    before = [
        product_of(number, *(power(b, e) for b, e in share.items())) for number, share in shares
    ]
    denominators = {base for base, exponent in common.items() if exponent.is_negative}
    found: list[tuple[float, Polynomial]] = []
    for opened in (denominators, None):
        numerator = _numerator(shares, opened)
        growth = None if numerator is None else _growth(before, terms(numerator.expression()))
        if numerator is not None and growth is not None:
            found.append((growth, numerator))
    if not found:
        return None
    _, numerator = min(found, key=lambda pair: pair[0])
    below = product_of(*_powers(common))
    for base in denominators:
        divided = _divided_by(numerator, base)
        if divided is not None:
            return product_of(divided, _divided(product_of(base, below)))
    return _divided(product_of(numerator.expression(), below))


def _divided_by(numerator: Polynomial, base: Expr) -> Expr | None:
    """Return ``n/d`` as ``c + r/d`` with a number c, which overflows no earlier than ``1/d``."""
    divisor = product({base: sympy.S.One}, {base})
    if not isinstance(base, sympy.Add) or not len(numerator) > 1 or not divisor.degree:
        return None
    ratio = numerator.ratio_of_highest(divisor)
    if ratio is None:
        return None
    rest = numerator + constant(-ratio) * divisor
    if rest.degree >= numerator.degree:
        return None
    whole = constant(ratio).expression()
    parts = (product_of(whole, base), *terms(rest.expression()))
    if _growth(terms(numerator.expression()), parts) is None:
        return None
    return sum_of(whole, rest.expression() / base)


def _numerator(
    shares: Iterable[tuple[Expr, Mapping[Expr, Expr]]], opened: set[Expr] | None
) -> Polynomial | None:
    """Return the numerator multiplied out, None where nothing cancels or it is too large.

    Opened are the given sums; if there are none given, all sums and absolute values.
    """
    total = Polynomial()
    size = 0
    for number, share in shares:
        expanded = constant(number)
        for base, exponent in share.items():
            inside = product({base: sympy.S.One}, opened)
            for _ in range(int(exponent)):
                expanded = expanded * inside
                if len(expanded) > _MOST_MONOMIALS:
                    return None
        size += len(expanded)
        total = total + expanded
    if len(total) == size or total.degree > _HIGHEST_DEGREE:
        return None
    return total


def _powers(common: Mapping[Expr, Expr]) -> list[Expr]:
    """Return the powers of the common denominator, ``b**(-3/2)`` as one with a square root."""
    result = []
    for base, exponent in common.items():
        whole = sympy.Integer(math.trunc(exponent))
        result += [power(base, part) for part in (whole, exponent - whole) if part != 0]
    return result


def _common(parts: Collection[Mapping[Expr, Expr]]) -> dict[Expr, Expr] | None:
    """Return the lowest exponent of each base, None where two are not a whole number apart."""
    lowest: dict[Expr, Expr] = {}
    for base in dict.fromkeys(base for exponents in parts for base in exponents):
        found = [exponents.get(base, sympy.S.Zero) for exponents in parts]
        lowest[base] = min(found)
        if not all((exponent - lowest[base]).is_Integer for exponent in found):
            return None
    return lowest


def _growth(before: Iterable[Expr], after: Iterable[Expr]) -> float | None:
    """Return how large the terms after are beside those before, None where they are larger.

    Rounding errors are in proportion to the terms that are added. They are compared at random
    points of all magnitudes, functions being as good as numbers of their own.
    """
    unknowns: dict[Expr, int] = {}
    old, new = (tuple(_form(term, unknowns) for term in side) for side in (before, after))
    return _growth_of(old, new)


# Nested tuples: what is done, and with what; numbers are values, or numbers of unknowns.
_Form = tuple[Any, ...]


def _form(node: Expr, unknowns: dict[Expr, int]) -> _Form:
    """Return how an expression is computed, whatever the names are in it."""
    if node.is_number:
        return "number", float(node)
    if isinstance(node, sympy.Add):
        return "sum", *(_form(term, unknowns) for term in node.args)
    if isinstance(node, sympy.Mul):
        return "product", *(_form(factor, unknowns) for factor in node.args)
    if isinstance(node, sympy.Pow) and node.args[1].is_Rational:
        return "power", _form(node.args[0], unknowns), float(node.args[1])
    if isinstance(node, sympy.Abs):
        return "abs", _form(node.args[0], unknowns)
    if isinstance(node, sympy.sign):
        return "sign", _form(node.args[0], unknowns)
    positive = isinstance(node, (sympy.exp, sympy.cosh))
    return "unknown", unknowns.setdefault(node, len(unknowns)), positive


# Long programs have many quotients of few forms.
@functools.lru_cache(maxsize=1024)
def _growth_of(before: tuple[_Form, ...], after: tuple[_Form, ...]) -> float | None:
    generator = random.Random(0)
    total = 0.0
    for _ in range(_SAMPLES):
        drawn: dict[int, float] = {}
        old = sum(abs(_value(term, drawn, generator)) for term in before)
        new = sum(abs(_value(term, drawn, generator)) for term in after)
        if not new <= 4 * old or not math.isfinite(old):
            return None
        total += math.log(max(new, 1e-300) / max(old, 1e-300))
    return total / _SAMPLES


def _value(form: _Form, drawn: dict[int, float], generator: random.Random) -> float:
    kind, first = form[0], form[1]
    if kind == "number":
        return float(first)
    if kind == "sum":
        return math.fsum(_value(term, drawn, generator) for term in form[1:])
    if kind == "product":
        return math.prod(_value(factor, drawn, generator) for factor in form[1:])
    if kind == "power":
        base = _value(first, drawn, generator)
        return float(abs(base) ** form[2]) if base or form[2] > 0 else math.inf
    if kind == "abs":
        return abs(_value(first, drawn, generator))
    if kind == "sign":
        return math.copysign(1.0, _value(first, drawn, generator))
    if first not in drawn:
        size = math.exp(generator.uniform(-12.0, 12.0))
        drawn[first] = size if form[2] or generator.random() < 0.5 else -size
    return drawn[first]
