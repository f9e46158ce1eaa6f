"""The graph along which paths lead from the cost to an entry of the gradient.

Its vertices are elements of adjoints; each adjoint is linear in those that come before it, and
the coefficient is the local derivative of that step.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import sympy
from sympy.core.expr import Expr

from symbp.calculus.partial import partial
from symbp.calculus.per_example import whole_body
from symbp.calculus.unroll import Components
from symbp.notation.collected import product_of, sum_of
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["Path", "PathGraph"]

Place = tuple[int, ...]
Vertex = tuple[Tensor, Place]
# Whether the cost is read, and which adjoints under which sums.
Reads = tuple[bool, list[tuple[Element, tuple[Index, ...]]]]


@dataclass(frozen=True)
class Path:
    """One path from the cost to an entry.

    Attributes
    ----------
    vertices : tuple of Tensor
        The cost, the scalars passed on the way (see `Tensor.component_of`), and the entry.
    factors : tuple of SymPy expression
        For each step the derivative of a vertex by the next one.
    direct : bool
        Whether the first step is only the direct dependence of the cost on the next vertex, on
        which it depends through others too.
    """

    vertices: tuple[Tensor, ...]
    factors: tuple[Expr, ...]
    direct: bool = False

    @property
    def product(self) -> Expr:
        """The product of the local derivatives."""
        return product_of(*self.factors)


class PathGraph:
    """The steps from each adjoint towards the cost, found when they are asked for."""

    def __init__(self, elements: Components, cost: Tensor) -> None:
        self.elements = elements
        self.cost = cost
        self._steps: dict[Tensor, list[tuple[Tensor | None, Expr]]] = {}
        self._plain: dict[Tensor, Reads | None] = {}

    def steps(self, adjoint: Tensor) -> list[tuple[Tensor | None, Expr]]:
        """Return the adjoints that one is linear in, None for the cost, with the coefficients."""
        if adjoint not in self._steps:
            whole, place = adjoint.component_of or (adjoint, ())
            body = self.elements.equation(whole, place).body
            direct = sympy.S.Zero
            coefficients: dict[Element, list[Expr]] = {}
            # Term by term: a sum over a thousand units is not searched a thousand times.
            for term in sympy.Add.make_args(body):
                read = {e for e in term.atoms(Element) if e.tensor.adjoint_of is not None}
                direct += term.xreplace(dict.fromkeys(read, sympy.S.Zero)) if read else term
                for element in read:
                    coefficients.setdefault(element, []).append(partial(term, element))
            found: list[tuple[Tensor | None, Expr]] = [(None, direct)] if direct != 0 else []
            for element in sorted(coefficients, key=lambda e: (e.serial, e.tensor.serial)):
                coefficient = sum_of(*coefficients[element])
                if coefficient != 0:
                    found.append((element.tensor, coefficient))
            self._steps[adjoint] = found
        return self._steps[adjoint]

    def count(self, adjoint: Tensor, place: Place) -> int:
        """Return how many paths lead from the cost to an entry; each vertex is visited once.

        Nothing is written out for it, unless a condition or a shifted read decides what is read.
        """
        counts: dict[Vertex, int] = {}
        stack = [(adjoint, place)]
        found: dict[Vertex, tuple[bool, frozenset[Vertex]]] = {}
        while stack:
            vertex = stack[-1]
            if vertex not in found:
                found[vertex] = self._before(*vertex)
            direct, before = found[vertex]
            waiting = [other for other in before if other not in counts]
            if waiting:
                stack.extend(waiting)
                continue
            counts[stack.pop()] = direct + sum(counts[other] for other in before)
        return counts[adjoint, place]

    def _before(self, adjoint: Tensor, place: Place) -> tuple[bool, frozenset[Vertex]]:
        """Return whether the cost itself comes before a vertex, and which vertices do."""
        reads = self._reads(adjoint)
        if reads is None:
            steps = self.steps(self.elements.component(adjoint, place))
            before = [tensor.component_of or (tensor, ()) for tensor, _ in steps if tensor]
            return any(tensor is None for tensor, _ in steps), frozenset(before)
        direct, elements = reads
        (equation,) = self.elements.defined[adjoint]
        fixed = dict(zip(equation.lhs.args, place, strict=True))
        found: set[Vertex] = set()
        for element, bound in elements:
            summed = [index for index in bound if element.has(index)]
            for values in itertools.product(*(range(self.elements.size(i.extent)) for i in summed)):
                point = {**fixed, **dict(zip(summed, values, strict=True))}
                found.add((element.tensor, tuple(point[index] for index in element.args)))
        return direct, frozenset(found)

    def _reads(self, adjoint: Tensor) -> Reads | None:
        """Return which adjoints an equation reads, and under which sums; None if not plainly."""
        if adjoint not in self._plain:
            equations = self.elements.defined[adjoint]
            plain = len(equations) == 1 and not equations[0].is_scatter
            self._plain[adjoint] = _plain_reads(whole_body(equations[0])) if plain else None
        return self._plain[adjoint]

    def paths(self, adjoint: Tensor) -> tuple[Path, ...]:
        """Return every path from the cost to the tensor whose adjoint is given."""
        source = adjoint.adjoint_of
        assert source is not None, "an adjoint is the adjoint of a tensor"
        found: list[Path] = []
        stack: list[tuple[Tensor, Path]] = [(adjoint, Path((source,), ()))]
        while stack:
            tensor, path = stack.pop()
            for before, factor in reversed(self.steps(tensor)):
                above = self.cost if before is None else before.adjoint_of
                assert above is not None, "an adjoint is the adjoint of a tensor"
                direct = before is None and len(self.steps(tensor)) > 1
                longer = Path((above, *path.vertices), (factor, *path.factors), direct)
                if before is None:
                    found.append(longer)
                else:
                    stack.append((before, longer))
        return tuple(found)


def _plain_reads(body: Expr) -> Reads | None:
    """Return what a sum of products reads; None where a condition or subscript has a say."""
    if body.has(where):
        return None
    elements = list(_occurrences(body, ()))
    adjoints = [(element, bound) for element, bound in elements if _is_adjoint(element)]
    if not all(isinstance(index, Index) for element, _ in adjoints for index in element.args):
        return None
    return _is_direct(body), adjoints


def _is_direct(node: Expr) -> bool:
    """Whether something is left of what is linear in adjoints where all of these are 0."""
    if not any(map(_is_adjoint, node.atoms(Element))):
        return bool(node != 0)
    if isinstance(node, sympy.Add):
        return any(map(_is_direct, node.args))
    if isinstance(node, sympy.Mul):  # (Σ … + g)/10, a quotient of sums
        return all(map(_is_direct, node.args))
    return isinstance(node, Reduction) and _is_direct(node.body)


def _occurrences(
    node: Expr, bound: tuple[Index, ...]
) -> Iterator[tuple[Element, tuple[Index, ...]]]:
    if isinstance(node, Element):
        yield node, bound
    elif isinstance(node, Reduction):
        yield from _occurrences(node.body, (*bound, *node.bound))
    else:
        for argument in node.args:
            yield from _occurrences(argument, bound)


def _is_adjoint(element: Element) -> bool:
    return element.tensor.adjoint_of is not None
