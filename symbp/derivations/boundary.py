"""boundary: guards that say nothing more than that before the first step there is 0.

``c[t - 1] if t > 0 else 0`` is read as ``c[t-1]`` where c is 0 before its first place, which a
page says once. So is the sum that a shifted index leaves, ``Σ_{u: u-1 = t}``: it is the one term
at ``t + 1``, which is 0 after the last.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr

from symbp.notation.collected import factors
from symbp.notation.equation import Equation
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.reductions import Reduction, Sum
from symbp.notation.tensor import Element, Tensor

__all__ = [
    "Boundary", "boundaries", "decided", "gathered", "guarded", "shifts", "unguarded",
]  # fmt: skip


@dataclass(frozen=True)
class Boundary:
    """Where a tensor is read outside of its places, as 0.

    Attributes
    ----------
    tensor : Tensor
        What is read.
    axis : int
        The axis along which a place is outside.
    place : SymPy expression
        The place, counted from 0: -1 before the first.
    """

    tensor: Tensor
    axis: int
    place: Expr


def unguarded(node: where) -> tuple[Expr, tuple[Boundary, ...]] | None:
    """Return what a choice stands for without its condition, and what is then 0 outside.

    None where the condition is not that all of it can be read.
    """
    condition, value, other = node.args
    bounds = _range(condition) if other == 0 else None
    if bounds is None:
        return None
    index, low, high = bounds
    found = _outside(value, index, low, high)
    return None if found is None else (value, tuple(dict.fromkeys(found)))


def gathered(lhs: Element, equation: Equation) -> Expr | None:
    """Return a contribution at a shifted place as a formula for the place that is asked for.

    Parameters
    ----------
    lhs : Element
        The left side as it prints, with indices.
    equation : Equation
        ``T[u - 1] += body``, its indices none of those of the left side.

    Returns
    -------
    SymPy expression or None
        ``body`` at ``u = t + 1``, with a condition where not all places have one; None where
        the places are others.
    """
    found = shifts(lhs, equation)
    if found is None:
        return None
    names, conditions = found
    bound = tuple(index for index in equation.domain if index not in names)
    body = decided(equation.body.xreplace(names))
    return guarded(Sum(body, *bound) if bound else body, conditions)


def shifts(lhs: Element, equation: Equation) -> tuple[dict[Index, Expr], tuple[Expr, ...]] | None:
    """Return what the indices of a contribution are, by those of the left side, and where."""
    names: dict[Index, Expr] = {}
    conditions: list[Expr] = []
    for asked, subscript in zip(lhs.args, equation.lhs.args, strict=True):
        own = list(subscript.atoms(Index))
        if len(own) != 1 or own[0] in names:
            return None
        shift = sympy.sympify(subscript - own[0], strict=True)
        if not shift.is_Integer:
            return None
        names[own[0]] = asked - shift
        if shift > 0:
            conditions.append(asked > shift - 1)
        last = own[0].extent + shift  # the first place that is none
        if sympy.sympify(last - asked.extent, strict=True).is_nonnegative is not True:
            conditions.append(asked < last)
    return names, tuple(conditions)


def guarded(body: Expr, conditions: Iterable[Expr]) -> Expr:
    """Return an expression that is 0 where not all conditions hold."""
    for condition in conditions:
        body = where(condition, body, 0)
    return body


def boundaries(bodies: Iterable[Expr]) -> tuple[Boundary, ...]:
    """Return all that is 0 outside in formulas, each once, in the order of the formulas."""
    found: dict[Boundary, None] = {}
    for body in bodies:
        for node in sympy.preorder_traversal(body):
            if isinstance(node, where):
                without = unguarded(node)
                found.update(dict.fromkeys(without[1] if without else ()))
    return tuple(found)


def _range(condition: Expr) -> tuple[Index, Expr | None, Expr | None] | None:
    """Return the index that a condition bounds, with its least or greatest place."""
    kinds = (sympy.StrictGreaterThan, sympy.GreaterThan, sympy.StrictLessThan, sympy.LessThan)
    if not isinstance(condition, kinds):
        return None
    left, right = condition.args
    if isinstance(condition, (sympy.StrictLessThan, sympy.LessThan)):
        left, right = right, left
    strict = 1 if isinstance(condition, (sympy.StrictGreaterThan, sympy.StrictLessThan)) else 0
    difference = sympy.expand(left - right) - strict  # not negative where it holds
    indices = list(difference.atoms(Index))
    if len(indices) != 1 or difference.has(Element):
        return None
    index = indices[0]
    rest = difference - index
    if not rest.has(Index):
        return index, -rest, None
    rest = difference + index
    return None if rest.has(Index) else (index, None, rest)


def _outside(
    value: Expr, index: Index, low: Expr | None, high: Expr | None
) -> list[Boundary] | None:
    """Return what is outside exactly where a bound is broken: in every term a factor, or None."""
    if isinstance(value, sympy.Add):
        each = [_outside(term, index, low, high) for term in value.args]
        return None if None in each else [found for part in each for found in part or ()]
    candidates: list[Boundary] = []
    for factor in factors(value):
        if isinstance(factor, Sum):
            inner = _outside(factor.body, index, low, high)
            if inner is not None:
                return inner
        if isinstance(factor, Element):
            candidates += _of_element(factor, index, low, high)
    if not candidates:
        return None
    return [min(candidates, key=lambda found: found.tensor.adjoint_of is None)]


def _of_element(
    element: Element, index: Index, low: Expr | None, high: Expr | None
) -> Iterator[Boundary]:
    tensor = element.tensor
    if tensor.role != "intermediate" and tensor.adjoint_of is None:
        return
    for axis, (subscript, extent) in enumerate(zip(element.args, tensor.shape, strict=True)):
        shift = sympy.sympify(subscript - index, strict=True)
        if not shift.is_Integer or extent != index.extent:
            continue
        if low is not None and shift < 0 and low == -shift == 1:
            yield Boundary(tensor, axis, sympy.Integer(-1))
        if high is not None and shift > 0 and shift == 1 and sympy.expand(extent - 2 - high) == 0:
            yield Boundary(tensor, axis, sympy.sympify(extent, strict=True))


def decided(node: Expr, known: frozenset[Expr] = frozenset()) -> Expr:
    """Return an expression without conditions that hold at every place, or that hold around it."""
    if not node.has(where):
        return node
    if isinstance(node, where):
        if node.args[0] in known:
            return decided(node.args[1], known)
        bounds = _range(node.args[0])
        if bounds is not None:
            index, low, high = bounds
            always = (low is None or low <= 0) == True and (  # noqa: E712 - SymPy's own truth
                high is None
                or sympy.sympify(high - index.extent + 1, strict=True).is_nonnegative is True
            )
            if always:
                return decided(node.args[1], known)
        inside = known | {node.args[0]}
        return where(node.args[0], decided(node.args[1], inside), decided(node.args[2], known))
    if isinstance(node, Reduction):
        return type(node)(decided(node.body, known), *node.bound)
    return node.func(*(decided(part, known) for part in node.args)) if node.args else node
