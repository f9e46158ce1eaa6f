"""The partial derivative of a scalar body with respect to one element that it reads.

SymPy's ``diff`` is not used: it would apply a function's rule at once, where a derivation wants
``σ'(z)`` first, and it knows nothing of conditions.
"""

import functools
from collections.abc import Callable

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import power
from symbp.notation.by_identity import remembered
from symbp.notation.collected import product_of, sum_of, terms
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import maximum, minimum, operation_of, shares, where
from symbp.notation.prime import Prime
from symbp.notation.singular import absorbing_product, power_log, power_slope
from symbp.notation.standard import log, translated
from symbp.notation.tensor import Element

__all__ = ["partial", "scaled"]


def partial(body: Expr, element: Element) -> Expr:
    """Return ∂body/∂element, with every element of other subscripts held constant.

    Parameters
    ----------
    body : SymPy expression
        A scalar body without reductions.
    element : Element
        The occurrence to differentiate with respect to.

    Returns
    -------
    SymPy expression
        Derivatives of named functions are left as :class:`Prime`.
    """
    if body == element:
        return sympy.S.One
    if isinstance(body, sympy.Add):
        # From left to right: what cancels of two terms does so before more is added.
        slopes = (partial(term, element) for term in _readers(body).get(element, ()))
        return sum_of(*(part for slope in slopes for part in terms(slope)))
    if isinstance(body, Element) or not body.has(element):
        return sympy.S.Zero
    if isinstance(body, sympy.Mul):
        factors = body.args
        return sum_of(
            *(
                product_of(*factors[:i], partial(factor, element), *factors[i + 1 :])
                for i, factor in enumerate(factors)
                if factor.has(element)
            )
        )
    if isinstance(body, sympy.Pow):
        return _of_power(body, element)
    if isinstance(body, where):
        condition, chosen, other = body.args
        # Kept under the condition: a guarded read is read only where its guard holds.
        return where(condition, partial(chosen, element), partial(other, element))
    if isinstance(body, absorbing_product):
        # Twice the product rule: a zero absorbs the derivative of what it is multiplied by.
        first, second = body.args
        by_first = product_of(second, partial(first, element))
        by_second = partial(second, element)
        if not by_second.is_number:
            return sum_of(by_first, absorbing_product(first, by_second))
        return sum_of(by_first, product_of(first, by_second))
    if isinstance(body, (maximum, minimum)):
        found = _shares(body)
        return sum_of(*(product_of(share, partial(each, element)) for each, share in found))
    if isinstance(body, Prime):
        return partial(body.rule(), element)
    if isinstance(body, sympy.Function):
        return _of_function(body, element)
    raise UnsupportedError(f"{body}: {type(body).__name__} has no derivative rule")


def scaled(factor: Expr, p: Expr, product: Callable[[Expr, Expr], Expr] = product_of) -> Expr:
    """Return ``factor · p`` with the factor under the conditions of ``p``.

    ``where(t > 0, w, 0) · h[t - 1]`` would read ``h`` outside of its guard, and zero times a value
    that is not finite is not zero; ``where(t > 0, w · h[t - 1], 0)`` does neither. How the factor
    and what stands under no condition are multiplied may be given: by
    :meth:`symbp.calculus.ranges.Ranges.product`, a factor of 0 gives 0 also there.
    """
    if p == 0 or (factor == 1 and product is product_of):
        return p
    if factor == 1 and not _is_guarded(p) and product(factor, p) == p:
        return p
    if isinstance(p, where):
        condition, chosen, other = p.args
        return where(condition, scaled(factor, chosen, product), scaled(factor, other, product))
    if _is_guarded(p) and isinstance(p, sympy.Add):
        return sum_of(*(scaled(factor, term, product) for term in p.args))
    if _is_guarded(p):
        guards = [f for f in p.args if _is_guarded(f)]
        result = product(factor, product_of(*(f for f in p.args if f not in guards)))
        for guard in guards:
            result = scaled(result, guard, product)
        return result
    return product(factor, p)


@functools.lru_cache(maxsize=8)
def _readers(body: sympy.Add) -> dict[Element, list[Expr]]:
    """Return, for each element that a sum reads, the terms that do; a sum can have thousands."""
    result: dict[Element, list[Expr]] = {}
    for term in body.args:
        for element in term.atoms(Element):
            result.setdefault(element, []).append(term)
    return result


def _is_guarded(p: Expr) -> bool:
    """Whether every term of the expression stands under a condition."""
    if isinstance(p, sympy.Add):
        return all(_is_guarded(term) for term in p.args)
    if isinstance(p, sympy.Mul):
        return any(_is_guarded(factor) for factor in p.args)
    return isinstance(p, where)


def _of_power(body: sympy.Pow, element: Element) -> Expr:
    base, exponent = body.args
    slope = (
        product_of(exponent, power(base, exponent - 1))
        if exponent.is_number
        else power_slope(base, exponent)
    )
    inner = partial(base, element)
    by_base = product_of(slope, inner) if inner != 0 else sympy.S.Zero
    if not exponent.has(element):
        return by_base
    # A positive number has a logarithm; of anything else the base may be 0.
    growth = (
        product_of(body, log(base))
        if base.is_number and base.is_positive
        else power_log(base, exponent)
    )
    return sum_of(by_base, product_of(growth, partial(exponent, element)))


@remembered(8)
def _rules(body: sympy.Function) -> tuple[Expr, ...]:
    """Return the partial derivatives of a function; it can have many arguments."""
    rules = operation_of(type(body)).derivative(*body.args)
    return tuple(translated(sympy.sympify(rule, strict=True)) for rule in rules)


_shares = remembered(8)(shares)


def _of_function(body: sympy.Function, element: Element) -> Expr:
    record = operation_of(type(body))
    total: list[Expr] = []
    for position, argument in enumerate(body.args):
        inner = partial(argument, element)
        if inner == 0:
            continue
        if record.named_derivative:
            outer: Expr = Prime(body, position + 1)
        else:
            outer = _rules(body)[position]
        total.append(product_of(outer, inner))
    return sum_of(*total)
