"""common_sums: what several sums have in common is summed once.

::

    v̄[j] = Σ_n -a[n, j] γ[j] s[j]³ (x[n, j] - m[j]) / 2        S[j] = Σ_n a[n, j] (x[n, j] - m[j])
    γ̄[j] = Σ_n  a[n, j] s[j] (x[n, j] - m[j])            ─►    v̄[j] = -γ[j] s[j]³ S[j] / 2
                                                              γ̄[j] = s[j] S[j]

A factor that does not vary in a sum stands in front of it. It is taken out only where what is left
is a sum that stands elsewhere too: a matrix product takes a number in front of it as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sympy.core.expr import Expr

from symbp.calculus.share import canonical
from symbp.notation.collected import factors, product_of
from symbp.notation.equation import Equation, Origin, indices_of
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["common_sums"]


@dataclass(frozen=True)
class _Sum:
    """An equation's sum: what stands in front, what is summed, and its indices in order."""

    equation: Equation
    in_front: Expr
    body: Expr
    key: object
    """The form of what is summed, and which of its indices are summed over."""
    kept: tuple[Index, ...]


def common_sums(program: Program) -> Program:
    """Return an equivalent program in which equal sums, but for factors in front, are one.

    Parameters
    ----------
    program : Program
        A normalised program.
    """
    sums = {found.equation: found for found in _sums(program)}
    alike: dict[object, list[_Sum]] = {}
    for found in sums.values():
        alike.setdefault(found.key, []).append(found)
    alike = {
        key: group
        for key, group in alike.items()
        if len(group) > 1 and any(found.in_front.has(Element) for found in group)
    }
    if not alike:
        return program
    names = {tensor.name for tensor in program.tensors}
    totals: dict[object, Element] = {}
    result: list[Equation] = []
    for equation in program.equations:
        if equation not in sums or sums[equation].key not in alike:
            result.append(equation)
            continue
        found = sums[equation]
        if found.key not in totals:
            # The first of its places: what it reads is there by then.
            total = _total(found, names)
            result.append(total)
            totals[found.key] = total.lhs
        read = totals[found.key].tensor[found.kept]
        result.append(equation.replace(body=product_of(found.in_front, read), reduce=()))
    return program.replace(equations=tuple(result))


def _sums(program: Program) -> Iterator[_Sum]:
    for equation in program.equations:
        if equation.operation != "sum" or not equation.reduce or not equation.lhs.is_plain:
            continue
        reduced = set(equation.reduce)
        inside: list[Expr] = []
        in_front: list[Expr] = []
        for part in factors(equation.body):
            (in_front if reduced.isdisjoint(indices_of(part)) else inside).append(part)
        # In an order of their own: the same sum may be written with its factors in another.
        body = product_of(*sorted(inside, key=str))
        form, order = canonical(body)
        if reduced <= set(order):  # else it is a sum of equal terms
            kept = tuple(index for index in order if index not in reduced)
            key = form, tuple(index in reduced for index in order)
            yield _Sum(equation, product_of(*in_front), body, key, kept)


def _total(found: _Sum, names: set[str]) -> Equation:
    fresh = {index: index.fresh() for index in found.equation.domain}
    tensor = Tensor(
        fresh_name(f"{found.equation.tensor.name}_common", names),
        tuple(fresh[index] for index in found.kept),
    )
    over = tuple(fresh[index] for index in found.equation.reduce)
    origin = Origin("common_sums", found.equation)
    return Equation(tensor.element, found.body.xreplace(fresh), over, origin=origin)
