"""step_parts: what the steps of a derivation ask of its lines."""

from collections.abc import Iterable, Mapping, Sequence

import sympy
from sympy.core.expr import Expr

from symbp.calculus.implicit import residual
from symbp.derivations.equations import DerivedEquation
from symbp.derivations.printing import equation_sides, style_of
from symbp.notation.equation import Equation
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Element, Tensor

__all__ = [
    "adjoints",
    "by_age",
    "by_key",
    "is_solved",
    "reads_alike",
    "residual_of",
    "summed",
    "summed_when_put_in",
]


def summed(bodies: Sequence[Expr]) -> set[Tensor]:
    """Return the tensors whose rows sum to one that stand under a sum."""
    return {
        element.tensor
        for body in bodies
        for node in body.atoms(Sum)
        for element in node.body.atoms(Element)
        if element.tensor.kind == "distribution"
    }


def by_age(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return tensors in the order in which they were made."""
    return sorted(tensors, key=lambda tensor: tensor.serial)


def by_key(nodes: Iterable[Expr]) -> list[Expr]:
    """Return expressions in SymPy's order."""
    return sorted(nodes, key=sympy.default_sort_key)


def reads_alike(one: DerivedEquation, other: DerivedEquation) -> bool:
    """Whether two lines are the same in one of the forms: nothing is to be said between them."""
    style = style_of("text")
    return any(
        equation_sides(one, form, style) == equation_sides(other, form, style)
        for form in ("index", "matrix")
    )


def adjoints(line: DerivedEquation) -> dict[Tensor, None]:
    """Return the adjoints that a line reads, in the order in which they were written."""
    elements = {e for equation in line.equations for e in equation.body.atoms(Element)}
    ordered = sorted(elements, key=lambda element: element.serial)
    return {e.tensor: None for e in ordered if e.tensor.adjoint_of is not None}


def is_solved(equation: Equation) -> bool:
    """Whether an equation gives the adjoint of what another, solved for something, makes zero."""
    return equation.origin.rule == "implicit" and equation.tensor.adjoint_of is not None


def residual_of(implicit: Equation, zero: Tensor) -> list[Equation]:
    """Return the equations of what an implicit equation makes zero, by its tensor's name."""
    made = residual(implicit, set()).whole
    return [equation.replace(lhs=zero[equation.lhs.args]) for equation in made]


def summed_when_put_in(
    values: DerivedEquation, put_in: Sequence[Tensor], links: Mapping[Tensor, DerivedEquation]
) -> set[Tensor]:
    """Return the distributions that come under a sum with what is put in there."""
    inside = {
        element.tensor
        for equation in values.equations
        for node in equation.body.atoms(Sum)
        for element in node.body.atoms(Element)
    }
    return {
        element.tensor
        for tensor in put_in
        if tensor in inside and tensor in links
        for equation in links[tensor].equations
        for element in equation.body.atoms(Element)
        if element.tensor.kind == "distribution"
    }
