"""deviations: a sum of deviations from the mean is 0, and is not computed.

::

    m[j]  = Σ_n x[n, j] / N                        m[j]  = Σ_n x[n, j] / N
    m̄[j]  = -Σ_n s[j] a[n, j]               ─►     m̄[j]  = -Σ_n s[j] a[n, j]
    m̄[j] += -2/N Σ_n v̄[j] (x[n, j] - m[j])

The derivative of a variance by the mean is such a sum. What rounding leaves of it is no part of a
gradient.
"""

from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr

from symbp.notation.collected import factors, product_of, terms
from symbp.notation.equation import Equation, indices_of
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["without_deviations"]


@dataclass(frozen=True)
class _Mean:
    """What a tensor is the mean of, and over which indices."""

    lhs: Element
    body: Expr
    over: tuple[Index, ...]


def without_deviations(program: Program) -> Program:
    """Return an equivalent program without sums of deviations from a mean.

    Parameters
    ----------
    program : Program
        A normalised program.
    """
    means = _means(program)
    if not means:
        return program
    result: list[Equation] = []
    changed = False
    for equation in program.equations:
        if _vanishes(equation, means):
            changed = True
            # What is 0 adds nothing; alone it stands, as the tensor has to have a value.
            if not equation.accumulate:
                result.append(equation.replace(body=sympy.S.Zero, reduce=()))
            continue
        result.append(equation)
    return program.replace(equations=tuple(result)) if changed else program


def _means(program: Program) -> dict[Tensor, _Mean]:
    count: dict[Tensor, int] = {}
    for equation in program.equations:
        count[equation.tensor] = count.get(equation.tensor, 0) + 1
    found: dict[Tensor, _Mean] = {}
    for equation in program.equations:
        if (
            count[equation.tensor] > 1
            or equation.operation != "sum"
            or not equation.reduce
            or not equation.lhs.is_plain
        ):
            continue
        parts = factors(equation.body)
        weights = [part for part in parts if not part.atoms(Element) and not indices_of(part)]
        rest = [part for part in parts if part not in weights]
        size = product_of(*(index.extent for index in equation.reduce))
        if len(rest) == 1 and isinstance(rest[0], Element) and product_of(size, *weights) == 1:
            found[equation.tensor] = _Mean(equation.lhs, rest[0], equation.reduce)
    return found


def _vanishes(equation: Equation, means: dict[Tensor, _Mean]) -> bool:
    if equation.operation != "sum" or not equation.reduce or not equation.lhs.is_plain:
        return False
    reduced = set(equation.reduce)
    for factor in factors(equation.body):
        over = _deviation(factor, means)
        if over is None or not over <= reduced:
            continue
        others = [part for part in factors(equation.body) if part is not factor]
        if not any(over & set(indices_of(part)) for part in others):
            return True
    return False


def _deviation(factor: Expr, means: dict[Tensor, _Mean]) -> set[Index] | None:
    """Return the indices over which a factor is a value less its mean, or None."""
    parts = terms(factor)
    if len(parts) != 2:
        return None
    for one, other in (parts, reversed(parts)):
        mean = -other
        known = means.get(mean.tensor) if isinstance(mean, Element) else None
        if known is None or not isinstance(one, Element) or one.tensor is not known.body.tensor:
            continue
        names = dict(zip(known.lhs.args, mean.args, strict=True))
        # The indices of the mean are those of the value, and the others are all summed over.
        over: dict[Index, Index] = {}
        for place, given in zip(known.body.args, one.args, strict=True):
            if place in known.over and isinstance(given, Index) and given not in mean.args:
                over[place] = given
            elif place.xreplace(names) != given:
                break
        else:
            if len(set(over.values())) == len(known.over):
                return set(over.values())
    return None
