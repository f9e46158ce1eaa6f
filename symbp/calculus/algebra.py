"""Algebra on derived expressions, where no order was written that must be kept.

SymPy's algorithms (``factor_terms``, ``cancel``, …) bring sums and products to SymPy's own normal
form. :func:`ordinary` hands them an expression in symbols, one for each tensor element, function or
reduction, which they cannot look into; :func:`restored` takes what they return back into the
notation. What a user wrote, arguments of functions included, never goes this way.
"""

import functools
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.arithmetic import Plus, power
from symbp.notation.collected import product_of
from symbp.notation.equation import Equation

__all__ = ["Unknowns", "is_derived", "ordinary", "restored"]

# Rules whose equations nobody wrote; what is made from these is derived, too.
_DERIVED = {"reverse", "forward", "ties"}


@functools.cache
def _unknown(number: int) -> sympy.Dummy:
    # The same symbols each time: expressions of one form are then equal, and what an algorithm
    # made of one of them is known for the others. A long program has many of few forms.
    return sympy.Dummy(f"u{number:04d}", real=True)


class Unknowns:
    """The symbols that stand for what algebra does not look into, in the order met."""

    def __init__(self) -> None:
        self.symbols: dict[Expr, sympy.Dummy] = {}

    def symbol(self, node: Expr) -> sympy.Dummy:
        """Return the symbol of an expression, always the same."""
        symbol = self.symbols.get(node)
        if symbol is None:
            symbol = self.symbols[node] = _unknown(len(self.symbols))
        return symbol

    @property
    def back(self) -> dict[sympy.Dummy, Expr]:
        """What each symbol stands for."""
        return {symbol: node for node, symbol in self.symbols.items()}


def is_derived(equation: Equation) -> bool:
    """Whether differentiation made an equation, directly or by way of other passes."""
    found: Equation | None = equation
    while found is not None:
        if found.origin.rule in _DERIVED:
            return True
        found = found.origin.source
    return False


def ordinary(node: Expr, unknowns: Unknowns, *, roots: bool = False) -> Expr:
    """Return sums, products and whole powers as SymPy's own, in symbols.

    Parameters
    ----------
    node : SymPy expression
        Of the notation.
    unknowns : Unknowns
        Gains a symbol for each part that is not arithmetic.
    roots : bool, default False
        Whether ``s**(-3/2)`` is a power of the unknown ``sqrt(s)``; else it is an unknown itself.
    """
    if node.is_Rational:
        return node
    if isinstance(node, sympy.Add):
        return sympy.Add(*(ordinary(term, unknowns, roots=roots) for term in node.args))
    if isinstance(node, sympy.Mul):
        return sympy.Mul(*(ordinary(factor, unknowns, roots=roots) for factor in node.args))
    if isinstance(node, sympy.Pow) and node.args[1].is_Integer:
        return sympy.Pow(ordinary(node.args[0], unknowns, roots=roots), node.args[1])
    if roots and isinstance(node, sympy.Pow) and node.args[1].is_Rational and node.args[1].q == 2:
        root = power(node.args[0], sympy.Rational(1, 2))
        return sympy.Pow(unknowns.symbol(root), 2 * node.args[1])
    return unknowns.symbol(node)


def restored(node: Any, unknowns: Unknowns) -> Expr:
    """Return what algebra made of an expression in the notation, parts in the order first met."""
    back = unknowns.back
    ages = {symbol: age for age, symbol in enumerate(back)}

    def age(part: Any) -> tuple[int, int]:
        met = [ages[symbol] for symbol in part.free_symbols if symbol in ages]
        return min(met, default=-1), len(met)

    def visit(part: Any) -> Expr:
        if part in back:
            return back[part]
        if isinstance(part, sympy.Add):
            positive_first = sorted(part.args, key=lambda t: (t.could_extract_minus_sign(), age(t)))
            return Plus(*map(visit, positive_first))
        if isinstance(part, sympy.Mul):
            return product_of(*map(visit, sorted(part.args, key=age)))
        if isinstance(part, sympy.Pow):
            base, exponent = visit(part.args[0]), part.args[1]
            if isinstance(base, sympy.Pow) and base.args[1] == sympy.Rational(1, 2):
                base, exponent = base.args[0], exponent / 2  # sqrt(s)**3 is s**(3/2)
            return power(base, exponent)
        result: Expr = part
        return result

    return visit(node)
