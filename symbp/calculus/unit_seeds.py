"""unit_seeds: what a derivative begins with, ones and unit vectors, put in where it is read.

``∂u_n/∂u_n = 1``, and the tangent of x along its first axis is ``[i = 0]``; a sum over i of the
latter times ``W[j, i]`` is ``W[j, 0]``. Equations that say the same as others become one, so that
derivatives of one tensor by several, or of several orders, share what they have in common.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.share import canonical
from symbp.notation.collected import factors, product_of, sum_of
from symbp.notation.equation import Equation, indices_of
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.reductions import Sum
from symbp.notation.singular import absorbing_product
from symbp.notation.tensor import Element, Tensor

__all__ = ["merged", "without_seeds", "without_units"]

_ZERO, _ONE = sympy.S.Zero, sympy.S.One


def without_seeds(equations: Sequence[Equation], kept: Iterable[Tensor]) -> list[Equation]:
    """Return equations with seeds, and tensors that are other names of elements, put in.

    Parameters
    ----------
    equations : sequence of Equation
        Normalised, in an order in which they can be computed; what they define is read by no
        others.
    kept : iterable of Tensor
        These stay, whatever they are.

    Examples
    --------
    >>> import symbp as bp
    >>> i, j = bp.indices("i j", 2, 3)
    >>> W, seed, t = bp.parameter("W", j, i), bp.tensor("seed", i), bp.tensor("t", j)
    >>> unit = bp.Equation(seed[i], bp.where(sympy.Eq(i, 0), 1, 0))
    >>> line = bp.Equation(t[j], W[j, i] * seed[i], reduce=(i,))
    >>> for equation in without_seeds([unit, line], [t]):
    ...     print(equation)
    t[j] = W[j, 0]
    """
    stay = set(kept)
    count: dict[Tensor, int] = {}
    for equation in equations:
        count[equation.tensor] = count.get(equation.tensor, 0) + 1
    known: dict[Tensor, tuple[Element, Expr]] = {}
    started: set[Tensor] = set()
    result: list[Equation] = []
    for equation in equations:
        equation = _as_gather(_resolved(_put_in(equation, known)), count)
        tensor = equation.tensor
        single = count[tensor] == 1 and equation.is_elementwise
        if tensor not in stay and single and _is_seed(equation):
            known[tensor] = (equation.lhs, equation.body)
            continue
        if equation.body == 0 and (count[tensor] > 1 or tensor not in stay):
            count[tensor] -= 1
            if not count[tensor] and tensor not in stay:
                places = tuple(index.fresh() for index in tensor.indices)
                known[tensor] = (tensor[places], _ZERO)
            if count[tensor] or tensor not in stay:
                continue
        result.append(equation.replace(accumulate=tensor in started))
        started.add(tensor)
    return result


def _put_in(equation: Equation, known: dict[Tensor, tuple[Element, Expr]]) -> Equation:
    mapping: dict[Expr, Expr] = {}
    for element in equation.body.atoms(Element):
        found = known.get(element.tensor)
        if found is not None:
            lhs, value = found
            mapping[element] = value.xreplace(dict(zip(lhs.args, element.args, strict=True)))
    if not mapping:
        return equation
    return equation.replace(body=_multiplied(equation.body.xreplace(mapping)))


def _multiplied(body: Expr) -> Expr:
    """Return a product without its ones and, where there is a zero, nothing else."""
    if not isinstance(body, sympy.Mul):
        return body
    parts = [part for part in factors(body) if part != 1]
    return _ZERO if any(part == 0 for part in parts) else product_of(*parts)


def _resolved(equation: Equation) -> Equation:
    """Return a sum over an index of which only one value counts as what is there."""
    while equation.operation == "sum":
        found = _selected(equation.body, equation.reduce)
        if found is None:
            return equation
        index, place, body = found
        equation = equation.replace(
            body=body.xreplace({index: place}),
            reduce=tuple(i for i in equation.reduce if i is not index),
        )
    return equation


def without_units(node: Any) -> Any:
    """Return an expression in which ``Σ_m [k = m] f(m)`` is ``f(k)``."""
    if isinstance(node, Element) or not node.has(Sum):
        return node
    node = node.func(*(without_units(argument) for argument in node.args))
    if not isinstance(node, Sum):
        return node
    if isinstance(node.body, sympy.Add) and any(map(_holds_unit, node.body.args)):
        return sum_of(*(without_units(Sum(term, *node.bound)) for term in node.body.args))
    found = _selected(node.body, node.bound)
    if found is None:
        return node
    index, place, body = found
    body = body.xreplace({index: place})
    rest = tuple(i for i in node.bound if i is not index)
    return without_units(Sum(body, *rest)) if rest else body


def _holds_unit(term: Expr) -> bool:
    return any(map(_is_choice, _all_factors(term)))


def _selected(body: Expr, bound: Sequence[Index]) -> tuple[Index, Expr, Expr] | None:
    if not bound:
        return None
    parts = list(_all_factors(body))
    for position, part in enumerate(parts):
        if not _is_choice(part):
            continue
        conditions = sympy.And.make_args(part.args[0])
        for condition in conditions:
            for index, place in (condition.args, condition.args[::-1]):
                if index in bound and not place.has(index) and _fits(index, place):
                    rest = [c for c in conditions if c is not condition]
                    value = part.args[1]
                    left = where(sympy.And(*rest), value, 0) if rest else value
                    others = [*parts[:position], left, *parts[position + 1 :]]
                    return index, place, product_of(*(p for p in others if p != 1))
    return None


def _all_factors(body: Expr) -> Iterator[Expr]:
    """Yield the factors of a product, and those of products in it."""
    for part in factors(body):
        # Where a choice has chosen, its zero has nothing more to absorb.
        chooses = isinstance(part, absorbing_product) and any(map(_is_choice, part.args))
        if chooses or (isinstance(part, sympy.Mul) and part != body):
            for each in part.args:
                yield from _all_factors(each)
        else:
            yield part


def _fits(index: Index, place: Expr) -> bool:
    """Whether a place is one of the values of an index."""
    if isinstance(place, Index):
        return bool(place.extent == index.extent)
    return bool(place.is_Integer and isinstance(index.extent, int) and 0 <= place < index.extent)


def _is_choice(node: Any) -> bool:
    """Whether an expression is something where indices are equal, and else 0."""
    return (
        isinstance(node, where)
        and node.args[2] == 0
        and not node.args[0].has(Element)
        and all(isinstance(c, sympy.Eq) for c in sympy.And.make_args(node.args[0]))
    )


def _is_unit(node: Any) -> bool:
    """Whether an expression is 1 where indices are equal, and else 0."""
    return _is_choice(node) and node.args[1] == 1


def _is_seed(equation: Equation) -> bool:
    body = equation.body
    if body.is_number or any(map(_is_unit, _all_factors(body))):
        return True
    return isinstance(body, Element) and equation.tensor is not body.tensor


def _as_gather(equation: Equation, count: dict[Tensor, int]) -> Equation:
    """Return ``T[n, 0] += e``, the only thing said of T, as ``T[n, k] = [k = 0] e``."""
    fixed = [position for position, a in enumerate(equation.lhs.args) if a.is_Integer]
    plain = [a for a in equation.lhs.args if not a.is_Integer]
    if not fixed or count[equation.tensor] > 1 or equation.reduce or not equation.body.is_number:
        return equation
    if not all(isinstance(a, Index) for a in plain) or len(set(plain)) != len(plain):
        return equation
    arguments = list(equation.lhs.args)
    conditions = []
    for position in fixed:
        axis = equation.tensor.indices[position]
        index = Index(axis.name, axis.extent)
        conditions.append(sympy.Eq(index, arguments[position]))
        arguments[position] = index
    unit = where(sympy.And(*conditions), 1, 0)
    body = unit if equation.body == 1 else product_of(equation.body, unit)
    return equation.replace(lhs=equation.tensor[tuple(arguments)], body=body)


def merged(
    equations: Sequence[Equation], known: dict[object, Tensor], same: dict[Tensor, Tensor]
) -> list[Equation]:
    """Return the equations of tensors that are not yet known by what is said of them.

    Parameters
    ----------
    equations : sequence of Equation
        Those of one tensor need not stand together.
    known : dict of object to Tensor
        By all that its equations say of it, each tensor that there is; those that are new are
        added.
    same : dict of Tensor to Tensor
        Is given the tensors that are gone, and what they are now.
    """
    groups: dict[Tensor, list[Equation]] = {}
    for equation in equations:
        groups.setdefault(equation.tensor, []).append(equation)
    for tensor, group in groups.items():
        renamed = [_renamed(equation, same) for equation in group]
        key = (tensor.shape, tuple(map(_meaning, renamed)))
        recursive = any(e.tensor is tensor for equation in renamed for e in equation.reads())
        earlier = known.get(key)
        if earlier is not None and not recursive:
            same[tensor] = earlier
            continue
        if not recursive:
            known[key] = tensor
    return [_renamed(equation, same) for equation in equations if equation.tensor not in same]


def _renamed(equation: Equation, same: dict[Tensor, Tensor]) -> Equation:
    mapping = {
        element: same[element.tensor][element.args]
        for element in equation.body.atoms(Element)
        if element.tensor in same
    }
    return equation.replace(body=equation.body.xreplace(mapping)) if mapping else equation


def _meaning(equation: Equation) -> object:
    # Of one form are equations that differ in the names of their indices.
    domain = [*equation.lhs.args, *equation.reduce]
    whole = sympy.Tuple(*domain, equation.body)
    form, _ = canonical(whole)
    return (form, len(equation.reduce), equation.operation, len(indices_of(equation.body)))
