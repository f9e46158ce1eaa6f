"""through: the local derivative through a quantity that a derivation introduced only to compute.

A softmax ``p = exp(z - ξ)`` reaches ``z`` by two ways, one of them through ``ξ``. A book has one,
with all of ``∂p_k/∂z_j = p_k ([k = j] - p_j)``: the two ways, added.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.derivations.boundary import decided
from symbp.derivations.local import LocalDerivative
from symbp.notation.arithmetic import Plus
from symbp.notation.collected import factors, product_of
from symbp.notation.equation import Equation, Origin
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Element, Tensor

__all__ = ["Through", "composed", "through"]


@dataclass(frozen=True)
class Through:
    """A chain rule of one way.

    Attributes
    ----------
    of : Tensor
        What is differentiated, ``p``.
    name : LocalDerivative
        ``∂p_k/∂z_j``.
    value : SymPy expression
        What that is.
    rule, substituted : SymPy expression
        The sum over k of the adjoint of ``p_k`` times the name, and times the value.
    """

    of: Tensor
    name: LocalDerivative
    value: Expr
    rule: Expr
    substituted: Expr


def through(
    like: Element,
    contributions: Sequence[Equation],
    of_between: Sequence[Equation],
    defining: Equation,
) -> Through | None:
    """Return the two ways to an adjoint as one, or None where they are not of this kind.

    Parameters
    ----------
    like : Element
        What is differentiated by, with the indices that the left side is printed with.
    contributions : sequence of Equation
        To its adjoint: of ``p`` and of what stands between, ``ξ``.
    of_between : sequence of Equation
        To the adjoint of ``ξ``: of ``p`` only.
    defining : Equation
        That of ``p``.
    """
    if len(contributions) != 2 or len(of_between) != 1 or defining.is_scatter:
        return None
    if any(contribution.is_scatter for contribution in (*contributions, *of_between)):
        return None
    p = defining.tensor
    direct = _split(contributions, p, like)
    last = next((c for c in contributions if _source_tensor(c) is not p), None)
    if direct is None or last is None:
        return None
    here, by_itself = direct
    reached = _source_tensor(last)
    second = _split([last], reached, like)
    if second is None:
        return None
    at, onward = second
    # ξ's own adjoint, with its indices named as they stand at z.
    apart = {index: index.fresh() for index in of_between[0].domain}
    step = of_between[0].rename(apart)
    names = dict(zip(step.lhs.args, at.args, strict=True))
    step_body = step.body.xreplace(names)
    upstream = [e for e in step_body.atoms(Element) if e.tensor.adjoint_of is p]
    if len(upstream) != 1:
        return None
    there = upstream[0]
    inward = step_body.xreplace({there: sympy.S.One})
    differing = [(k, j) for k, j in zip(there.args, here.args, strict=True) if k != j]
    if len(differing) != 1 or tuple(step.reduce) != (differing[0][0],):
        return None
    k, j = differing[0]
    if not isinstance(k, Index) or not isinstance(j, Index) or j not in like.args:
        return None
    body = whole_body(defining)

    def named(value: Expr) -> Expr:
        at_both = {}
        for place in (here.args, there.args):
            whole = body.xreplace(dict(zip(defining.lhs.args, place, strict=True)))
            at_both[whole] = p[place]
        return value.xreplace(at_both)

    own, other = named(by_itself.xreplace({j: k})), product_of(named(inward), named(onward))
    shared = [factor for factor in factors(own) if factor in factors(other)]
    if not shared:
        return None
    same = where(sympy.Eq(k, j), _without(own, shared), 0)
    value = product_of(*shared, Plus(same, _without(other, shared)))
    name = LocalDerivative(p[there.args], like)
    return Through(p, name, value, Sum(there * name, k), Sum(product_of(there, value), k))


def _source_tensor(contribution: Equation) -> Tensor:
    source = contribution.origin.source
    assert source is not None, "the rule notes what it was applied to"
    return source.tensor


def _split(
    contributions: Sequence[Equation], source: Tensor, like: Element
) -> tuple[Element, Expr] | None:
    """Return the adjoint that comes down from a tensor, and what it is multiplied with."""
    own = [c for c in contributions if _source_tensor(c) is source]
    if len(own) != 1 or own[0].reduce:
        return None
    body = own[0].body.xreplace(dict(zip(own[0].lhs.args, like.args, strict=True)))
    found = [e for e in body.atoms(Element) if e.tensor.adjoint_of is source]
    if len(found) != 1 or not found[0].is_plain:
        return None
    return found[0], body.xreplace({found[0]: sympy.S.One})


def _without(node: Expr, shared: Sequence[Expr]) -> Expr:
    left = list(factors(node))
    for factor in shared:
        left.remove(factor)
    return product_of(*left)


def composed(contribution: Equation, of_between: Equation, adjoint: Tensor) -> Equation | None:
    """Return a contribution that comes through a sum, as one of the equation that holds the sum.

    Parameters
    ----------
    contribution : Equation
        ``W̄ += τ̄ h``, of the equation ``τ = Σ W h``.
    of_between : Equation
        ``τ̄ = z̄``, the only one, of ``z = τ + b``.
    adjoint : Tensor
        ``τ̄``.

    Returns
    -------
    Equation or None
        ``W̄ += z̄ h``, whose source is the equation of ``z``.
    """
    use = of_between.origin.source
    own = contribution.origin.source
    if use is None or own is None or of_between.is_scatter or of_between.reduce:
        return None
    found = [e for e in contribution.body.atoms(Element) if e.tensor is adjoint]
    if len(found) != 1 or found[0].args != own.lhs.args or not of_between.lhs.is_plain:
        return None
    names = dict(zip(of_between.lhs.args, found[0].args, strict=True))
    value, condition = of_between.body.xreplace(names), None
    if isinstance(value, where) and value.args[2] == 0:
        condition, value = value.args[0], value.args[1]
    elif any(isinstance(part, where) for part in factors(value)):
        parts = factors(value)
        choices = [part for part in parts if isinstance(part, where)]
        if len(choices) != 1 or choices[0].args[2] != 0:
            return None
        condition = choices[0].args[0]
        value = product_of(*(p for p in parts if p is not choices[0]), choices[0].args[1])
    upstream = [e for e in value.atoms(Element) if e.tensor.adjoint_of is use.tensor]
    source = use.rename(names)
    if len(upstream) != 1 or upstream[0].args != source.lhs.args:
        return None
    body = contribution.body.xreplace({found[0]: value})
    if condition is not None:
        body = decided(where(condition, body, 0))
    # Of that equation, with what the sum runs over.
    origin = Origin(contribution.origin.rule, own.replace(lhs=source.lhs))
    return contribution.replace(body=body, origin=origin)
