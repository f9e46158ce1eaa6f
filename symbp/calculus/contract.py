"""contract: bring every sum of products to contractions of two plain tensors.

A sum of a product whose factors fall into groups of indices is a matrix product in disguise. The
groups that are not plain tensors already (``σ'(z)·δ``, a shifted view ``x[n, c, 2*i + d]``, an
embedding's rows ``E[token[n], d]``, a masked read) get an equation of their own, after which the
contraction is plain. More than two groups are contracted pairwise in ``opt_einsum``'s order. A
scatter of a contraction becomes the contraction and then the scatter.
"""

import math
from collections.abc import Iterable, Sequence

import opt_einsum
import sympy
from sympy.core.expr import Expr

from symbp.calculus.ranges import Ranges
from symbp.calculus.share import canonical
from symbp.notation.by_identity import noted
from symbp.notation.collected import factors, product_of
from symbp.notation.equation import Equation, Origin, indices_of
from symbp.notation.functions import where
from symbp.notation.index import Extent, Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["contract", "is_contraction", "split_scalars", "typical_size"]

# Expressions that have a tensor of their own: by form, the tensor and the order of its indices.
Operands = dict[Expr, tuple[Tensor, tuple[int, ...]]]

# Adjoints that may be not finite: their product with a 0 that stands for a guard is not 0.
Unsafe = frozenset[Tensor]

# What a run-time extent counts as when contraction orders are compared.
TYPICAL_BATCH = 64


def contract(program: Program) -> Program:
    """Return an equivalent program whose contractions are of two plain tensors."""
    names = {tensor.name for tensor in program.tensors}
    equations: list[Equation] = []
    operands: Operands = {}
    unsafe = _unsafe(program)
    for equation in program.equations:
        for part in _linear_parts(equation, unsafe):
            equations.extend(_Contractor(part, names, operands, unsafe).equations())
    return program.replace(equations=tuple(equations))


def _unsafe(program: Program) -> Unsafe:
    if not any(equation.body.has(where) for equation in program.equations):
        return frozenset()
    ranges = Ranges(program)
    return frozenset(
        equation.tensor
        for equation in program.equations
        if equation.tensor.adjoint_of is not None and not ranges.tensors[equation.tensor].finite
    )


def split_scalars(body: Expr, unsafe: Unsafe = frozenset()) -> tuple[Expr, list[Expr]]:
    """Split a product into what varies with no index, and the factors that do."""
    scalar: list[Expr] = []
    varying: list[Expr] = []
    for factor in _factors(body, unsafe):
        (varying if factor.atoms(Index) else scalar).append(factor)
    return product_of(*scalar), varying


def _factors(body: Expr, unsafe: Unsafe) -> list[Expr]:
    """Return the factors of a product, those of a guarded product among them.

    ``where(t > 0, U·h[t - 1], 0)`` is ``U · where(t > 0, h[t - 1], 0)``: what can be read anyway
    and is a parameter or an adjoint need not stand under the guard. An adjoint that may be not
    finite gets the guard for itself, too.
    """
    result: list[Expr] = []
    for factor in factors(body):
        if isinstance(factor, where) and factor.args[2] == 0:
            parts = factors(factor.args[1])
            outside = [part for part in parts if _needs_no_guard(part)]
            inside = [part for part in parts if part not in outside]
            guarded = [p for p in outside if isinstance(p, Element) and p.tensor in unsafe]
            if guarded:
                outside = [part for part in outside if part not in guarded]
                rest = [product_of(*inside)] if inside else []
                result += outside
                result += [where(factor.args[0], part, 0) for part in (*guarded, *rest)]
                continue
            if outside:
                # With nothing left inside, the condition itself is a factor of ones and zeros.
                result += [*outside, where(factor.args[0], product_of(*inside), 0)]
                continue
        result.append(factor)
    return result


def _needs_no_guard(part: Expr) -> bool:
    return part.is_number or (
        isinstance(part, Element)
        and part.is_plain
        and (part.tensor.role == "parameter" or part.tensor.adjoint_of is not None)
    )


# Many equations stand in several functions of a module, and several passes ask.
@noted
def is_contraction(equation: Equation) -> bool:
    """Whether the equation sums products of two plain tensors over indices that both have."""
    if equation.operation != "sum" or not equation.reduce or not equation.lhs.is_plain:
        return False
    _, factors = split_scalars(equation.body)
    if len(factors) != 2 or not all(isinstance(f, Element) and f.is_plain for f in factors):
        return False
    first, second = (set(factor.args) for factor in factors)
    reduced, out = set(equation.reduce), set(equation.lhs.args)
    return (
        reduced <= first & second
        and first | second == reduced | out
        and (bool(first - second) or bool(second - first))
    )


def _linear_parts(equation: Equation, unsafe: Unsafe) -> list[Equation]:
    """Split ``Σ (A·B + C·D)`` where a part of it is a product worth contracting."""
    if equation.operation != "sum" or not equation.reduce:
        return [equation]
    terms = sympy.Add.make_args(equation.body)
    if len(terms) < 2 or not any(len(_groups(term, unsafe)) > 1 for term in terms):
        return [equation]
    return [
        equation.replace(body=term, accumulate=equation.accumulate or position > 0)
        for position, term in enumerate(terms)
    ]


def _without_repetition(equation: Equation) -> Equation:
    """Write a sum over an index that the body does not depend on as a multiplication."""
    used = {*indices_of(equation.body), *indices_of(equation.lhs)}
    repeated = [index for index in equation.reduce if index not in used]
    if equation.operation != "sum" or not repeated:
        return equation
    return equation.replace(
        body=product_of(equation.body, *(index.extent for index in repeated)),
        reduce=tuple(index for index in equation.reduce if index in used),
    )


def _groups(term: Expr, unsafe: Unsafe) -> list[tuple[frozenset[Index], Expr]]:
    """Group the factors of a product by their indices; no group's are a subset of another's."""
    merged: dict[frozenset[Index], Expr] = {}
    for factor in split_scalars(term, unsafe)[1]:
        key = frozenset(indices_of(factor))
        merged[key] = product_of(merged.get(key, sympy.S.One), factor)
    groups: list[tuple[frozenset[Index], Expr]] = []
    for key in sorted(merged, key=_order):
        host = [other for other in merged if key < other]
        if host:
            smallest = min(host, key=_order)
            merged[smallest] = product_of(merged[smallest], merged[key])
            continue
        groups.append((key, merged[key]))
    return groups


def _order(key: frozenset[Index]) -> tuple[int, list[int]]:
    return len(key), sorted(index.dummy_index for index in key)


def typical_size(extents: Iterable[Extent]) -> int:
    """Return the product of extents, with a usual number for the batch size."""
    return math.prod(extent if isinstance(extent, int) else TYPICAL_BATCH for extent in extents)


class _Contractor:
    """Rewrites one equation."""

    def __init__(
        self, equation: Equation, names: set[str], operands: Operands, unsafe: Unsafe
    ) -> None:
        self.operands = operands
        self.unsafe = unsafe
        self.equation = equation
        self.names = names
        self.made: list[Equation] = []
        self.out = set(indices_of(equation.lhs))

    def equations(self) -> Sequence[Equation]:
        equation = self.equation = _without_repetition(self.equation)
        if equation.operation != "sum" or not equation.reduce or is_contraction(equation):
            return [equation]
        groups = _groups(equation.body, self.unsafe)
        if len(groups) < 2:
            return [equation]
        scalar, _ = split_scalars(equation.body, self.unsafe)
        while len(groups) > 2:
            groups = self._contract_pair(groups)
        (first, a), (second, b) = groups
        first, a = self._presum(first, a, second)
        second, b = self._presum(second, b, first)
        shared = first & second & set(equation.reduce)
        if not shared or not (first - second or second - first):
            # An outer product or a plain dot product: a loop serves it best.
            body = product_of(scalar, a, b)
            kept = tuple(i for i in equation.reduce if i in first | second)
            return [*self.made, equation.replace(body=body, reduce=kept)]
        a = self._as_element(first, a, second)
        b = self._as_element(second, b, first)
        if equation.lhs.is_plain:
            return [
                *self.made,
                equation.replace(
                    body=product_of(scalar, a, b), reduce=self._reduced(first | second)
                ),
            ]
        # Contract first, then scatter the result over what is left of the domain.
        left = [index for index in equation.domain if index in (first | second) - shared]
        target = self._tensor("contracted", left)
        contraction = Equation(
            target,
            product_of(a, b),
            tuple(i for i in equation.reduce if i in shared),
            origin=Origin("contract", equation),
        )
        rest = self._reduced((first | second) - shared)
        scatter = equation.replace(body=product_of(scalar, target), reduce=rest)
        return [*self.made, contraction, scatter]

    def _reduced(self, used: frozenset[Index]) -> tuple[Index, ...]:
        return tuple(index for index in self.equation.reduce if index in used)

    def _contract_pair(
        self, groups: list[tuple[frozenset[Index], Expr]]
    ) -> list[tuple[frozenset[Index], Expr]]:
        letters: dict[Index, str] = {}
        for key, _ in groups:
            for index in sorted(key, key=lambda i: i.dummy_index):
                letters.setdefault(index, opt_einsum.get_symbol(len(letters)))
        ordered = [sorted(key, key=lambda i: i.dummy_index) for key, _ in groups]
        inputs = ",".join("".join(letters[i] for i in key) for key in ordered)
        output = "".join(letters[i] for i in letters if i in self.out)
        shapes = [tuple(typical_size([i.extent]) for i in key) for key in ordered]
        path, _ = opt_einsum.contract_path(
            f"{inputs}->{output}", *shapes, shapes=True, optimize="auto"
        )
        chosen = [groups[position] for position in path[0]]
        others = [group for position, group in enumerate(groups) if position not in path[0]]
        union = frozenset().union(*(key for key, _ in chosen))
        needed = self.out.union(*(key for key, _ in others))
        kept = [i for i in self.equation.domain if i in union & needed]
        gone = tuple(i for i in self.equation.reduce if i in union - needed)
        body = product_of(*(expression for _, expression in chosen))
        if not gone:
            return [*others, (union, body)]
        element = self._tensor("product", kept)
        inner = Equation(element, body, gone, origin=Origin("contract", self.equation))
        self.made.extend(_Contractor(inner, self.names, self.operands, self.unsafe).equations())
        return [*others, (frozenset(kept), element)]

    def _presum(
        self, key: frozenset[Index], expression: Expr, other: frozenset[Index]
    ) -> tuple[frozenset[Index], Expr]:
        """Sum over the reduced indices that only this factor has."""
        alone = tuple(i for i in self.equation.reduce if i in key - other)
        if not alone:
            return key, expression
        kept = [index for index in self.equation.domain if index in key and index not in alone]
        element = self._tensor("partial", kept)
        self.made.append(
            Equation(element, expression, alone, origin=Origin("contract", self.equation))
        )
        return frozenset(kept), element

    def _as_element(self, key: frozenset[Index], expression: Expr, other: frozenset[Index]) -> Expr:
        if isinstance(expression, Element) and expression.is_plain:
            return expression
        form, order = canonical(expression)
        if form in self.operands and set(order) == key:
            # The forward pass made it already; the product is free to read it transposed.
            tensor, places = self.operands[form]
            return tensor[tuple(order[place] for place in places)]
        # Batch indices first, then the rows of the result, then what is summed over, so that
        # each of the three is one contiguous run.
        shared = [i for i in self.equation.domain if i in key & other and i in self.out]
        free = [i for i in self.equation.domain if i in key - other]
        summed = [i for i in self._summed_order(key & other) if i not in self.out]
        element = self._tensor("operand", [*shared, *free, *summed])
        if set(order) == key:
            self.operands[form] = element.tensor, tuple(order.index(i) for i in element.args)
        self.made.append(Equation(element, expression, origin=Origin("contract", self.equation)))
        return element

    def _summed_order(self, shared: frozenset[Index]) -> list[Index]:
        """Return the shared indices in the order in which a plain factor already has them."""
        for _, expression in _groups(self.equation.body, self.unsafe):
            if isinstance(expression, Element) and expression.is_plain:
                order = [i for i in expression.args if i in shared]
                if len(order) == len(shared):
                    return order
        return [index for index in self.equation.domain if index in shared]

    def _tensor(self, suffix: str, indices: Sequence[Index]) -> Element:
        name = fresh_name(f"{self.equation.tensor.name}_{suffix}", self.names)
        return Tensor(name, tuple(index.fresh() for index in indices))[tuple(indices)]
