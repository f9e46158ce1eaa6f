"""An expression with what is assumed of its symbols, put in normal form again.

A variable is differentiated as if its entries were independent, and what is assumed of it holds
where the derivative is then evaluated: so it is said afterwards.
"""

from collections.abc import Mapping

from symbp.matrices.algebra import (
    contracted,
    determinant,
    function,
    inverse,
    logdet,
    power,
    softmax,
)
from symbp.matrices.build import symbol_expression
from symbp.matrices.normal import plus
from symbp.matrices.powers import constant
from symbp.matrices.terms import Atom, Expression, Factor, alone

__all__ = ["restated"]


def restated(e: Expression, facts: Mapping[str, frozenset[str]]) -> Expression:
    """Return an expression in which each symbol has the facts given."""
    return _Restater(facts).expression(e)


class _Restater:
    def __init__(self, facts: Mapping[str, frozenset[str]]) -> None:
        self.facts = facts
        self.memo: dict[str, Expression] = {}

    def expression(self, e: Expression) -> Expression:
        parts = [Expression.of(e.extents, [])]
        for term in e.terms:
            number = constant((), term.coefficient)
            pieces: list[tuple[Expression, tuple[int, ...]]] = [(number, ())]
            for f in term.factors:
                pieces.append((self.factor(f), f.indices))
            parts.append(contracted(pieces, e.extents))
        return plus(*parts)

    def factor(self, f: Factor) -> Expression:
        p = f.power
        base = self.atom(f.atom)
        if p == 1:
            return base
        return power(base, self.expression(p) if isinstance(p, Expression) else p)

    def atom(self, atom: Atom) -> Expression:
        if atom.key in self.memo:
            return self.memo[atom.key]
        made = self._atom(atom)
        self.memo[atom.key] = made
        return made

    def _atom(self, atom: Atom) -> Expression:
        if atom.kind == "symbol":
            if "extent" in atom.facts:
                return symbol_expression(atom.name, atom.extents, atom.facts)
            facts = self.facts.get(atom.name, frozenset())
            if "diagonal" in atom.facts:
                return alone(atom)
            return symbol_expression(atom.name, atom.extents, facts)
        if atom.kind == "eye":
            return alone(atom)
        inner = atom.inner
        assert inner is not None
        inner = self.expression(inner)
        if atom.kind == "sum":
            return inner
        if atom.kind == "function":
            return function(atom.name, inner)
        return {"inverse": inverse, "softmax": softmax, "det": determinant, "logdet": logdet}[
            atom.kind
        ](inner)
