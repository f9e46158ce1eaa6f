"""evaluate: a scalar expression of a loop program as a Python function of the machine that runs it.

Sums and products go from left to right, a conditional reads only the branch that it takes, and a
function's value is its reference in NumPy or a user's own formula.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import sympy

from symbp.notation.bounds import COMPARISONS
from symbp.notation.collected import denominator
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Index
from symbp.notation.prime import Prime
from symbp.notation.tensor import Element
from symbp.notation.whole_numbers import quotient_of

__all__ = ["Closure", "Machine", "closure"]


class Machine(Protocol):
    """What knows the values of elements, and of whole numbers by symbol or index."""

    whole: dict[Any, int]

    def read(self, element: Element) -> Any:
        """Return the value of an element."""


Closure = Callable[[Machine], Any]


def closure(node: Any) -> Closure:
    """Return what evaluates an expression, its parts from left to right."""
    if isinstance(node, Element):
        return lambda member: member.read(node)
    if isinstance(node, Index | sympy.Symbol):
        return lambda member: member.whole[node]
    if node in (sympy.true, sympy.false):
        truth = bool(node)
        return lambda member: truth
    if node.is_Integer:
        number: Any = int(node)
        return lambda member: number
    if node.is_Number or node.is_NumberSymbol:
        number = np.float64(node)
        return lambda member: number
    if node is sympy.zoo:
        return lambda member: np.inf
    if isinstance(node, Prime):
        return closure(node.rule("accurate"))
    if isinstance(node, sympy.Mul):
        return _product(node)
    if isinstance(node, sympy.Pow):
        return _power(node)
    if isinstance(node, sympy.floor | sympy.ceiling):
        return _rounded(node)
    parts = [closure(argument) for argument in node.args]
    if isinstance(node, where):
        condition, chosen, other = parts
        # Only the chosen branch is read.
        return lambda member: (chosen if condition(member) else other)(member)
    if isinstance(node, sympy.Add):
        return lambda member: _added(member, parts)
    if isinstance(node, sympy.Min | sympy.Max):
        choose = min if isinstance(node, sympy.Min) else max
        return lambda member: choose(part(member) for part in parts)
    if isinstance(node, sympy.And):
        return lambda member: all(part(member) for part in parts)
    if isinstance(node, sympy.Or):
        return lambda member: any(part(member) for part in parts)
    for kind, evaluate in _PLAIN.items():
        if isinstance(node, kind):
            return _applied(evaluate, parts)
    record = operation_of(type(node))
    if record.value is None:
        assert record.definition is not None, "a user's function has a definition"
        return closure(record.definition(*node.args))
    reference = record.value
    return lambda member: reference(*(np.float64(part(member)) for part in parts))


def _rounded(node: Any) -> Closure:
    """Divide whole numbers: i * (1/49) would not be 1 at 49."""
    above, below = quotient_of(node.args[0])
    if above is None:  # of sizes of a schedule
        choose = math.floor if isinstance(node, sympy.floor) else math.ceil
        return _applied(choose, [closure(node.args[0])])
    inner = closure(above)
    sign = 1 if isinstance(node, sympy.floor) else -1
    return lambda member: sign * (sign * inner(member) // below)


def _applied(evaluate: Callable[..., Any], parts: Sequence[Closure]) -> Closure:
    return lambda member: evaluate(*(part(member) for part in parts))


def _added(member: Machine, parts: Sequence[Closure]) -> Any:
    total = parts[0](member)
    for part in parts[1:]:
        total = total + part(member)
    return total


def _product(node: sympy.Mul) -> Closure:
    """Multiply from left to right; a factor with a negative power divides."""
    parts = [
        (closure(factor if below is None else below), below is not None)
        for factor in node.args
        for below in [denominator(factor)]
    ]

    def multiplied(member: Machine) -> Any:
        result: Any = None
        for part, divides in parts:
            value = part(member)
            if divides:
                result = (1.0 if result is None else result) / np.float64(value)
            else:
                result = value if result is None else result * value
        return result

    return multiplied


def _power(node: sympy.Pow) -> Closure:
    base, exponent = (closure(argument) for argument in node.args)
    if node.args[1] == -1:
        return lambda member: 1.0 / np.float64(base(member))
    return lambda member: np.float64(base(member)) ** exponent(member)


_PLAIN: dict[Any, Callable[..., Any]] = {
    **COMPARISONS,
    sympy.Not: np.logical_not,
    sympy.Mod: np.mod,
}
