"""unroll: give every element of every tensor a scalar tensor of its own.

``z[j] = Σ_k W[j, k] x[k]`` becomes ``z_0 = W_0_0 x_0 + W_0_1 x_1``, ``z_1 = …``. Elements are
made when they are asked for, so that one entry of a large network costs no more than what it
depends on.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike
from sympy.core.expr import Expr

from symbp.calculus.per_example import whole_body
from symbp.notation.arithmetic import Plus
from symbp.notation.dependence import components, definitions, predecessors
from symbp.notation.equation import Equation, Origin
from symbp.notation.errors import NotationError, SymbpError, UnsupportedError
from symbp.notation.functions import largest, log_sum_exp, where
from symbp.notation.index import Extent, Index
from symbp.notation.linear_algebra import Implicit
from symbp.notation.naming import fresh_name
from symbp.notation.numpy_operands import short
from symbp.notation.program import Program
from symbp.notation.reductions import LogSumExp, Max, Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["MOST_TERMS", "Components", "unroll"]

# About ten seconds of SymPy's time.
MOST_TERMS = 100_000

Place = tuple[int, ...]
Point = dict[Index, sympy.Integer]


def unroll(
    program: Program,
    sizes: Mapping[sympy.Symbol, int] | None = None,
    integers: Mapping[str, ArrayLike] | None = None,
    most: int = MOST_TERMS,
) -> Program:
    """Return the program with a scalar tensor for each element of its tensors.

    Parameters
    ----------
    program : Program
        Any program, also a differentiated one.
    sizes : mapping of Symbol to int, optional
        The value of each extent that is known at run time only, such as ``{N: 1}``.
    integers : mapping of str to array_like, optional
        The values of the integer tensors that stand in subscripts, by name.
    most : int
        How many terms there may be in all equations.

    Returns
    -------
    Program
        Its tensors have no indices; `Tensor.component_of` tells whose element each one is.
        Tensors without indices are kept as they are.

    Raises
    ------
    SymbpError
        There are more terms than `most`, or an extent has no known size.

    Examples
    --------
    >>> import symbp as bp
    >>> j, k = bp.indices("j k", 2)
    >>> W, x, z = bp.parameter("W", j, k), bp.parameter("x", k), bp.tensor("z", j)
    >>> print(unroll(bp.Program([bp.Equation(z[j], bp.Sum(W[j, k] * x[k], k))])))
    z_0 = W_0_0*x_0 + W_0_1*x_1
    z_1 = W_1_0*x_0 + W_1_1*x_1
    """
    elements = Components(program.equations, program.tensors, sizes, integers)
    terms = elements.terms()
    if terms > most:
        raise SymbpError(
            f"written out element by element, this program has {terms:,} terms, more than "
            f"{most:,}: use smaller sizes"
        )
    equations = [
        elements.equation(tensor, place)
        for tensor in elements.defined
        for place in elements.places(tensor)
    ]
    order = [position for group in components(predecessors(equations)) for position in group]

    def pairs(given: Sequence[tuple[Tensor, Tensor]]) -> tuple[tuple[Tensor, Tensor], ...]:
        return tuple(
            (elements.component(one, place), elements.component(other, place))
            for one, other in given
            for place in elements.places(one)
        )

    return program.replace(
        equations=tuple(equations[position] for position in order),
        output=None if program.output is None or program.output.rank else program.output,
        gradients=pairs(program.gradients),
        updates=pairs(program.updates),
    )


class Components:
    """The elements of the tensors of some equations, each a scalar tensor of its own.

    Parameters
    ----------
    equations : iterable of Equation
        With or without reductions; a tensor is the sum of what its equations give.
    tensors : iterable of Tensor
        All that stand there: their names are taken.
    sizes, integers
        See :func:`unroll`.
    """

    def __init__(
        self,
        equations: Iterable[Equation],
        tensors: Iterable[Tensor],
        sizes: Mapping[sympy.Symbol, int] | None = None,
        integers: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self.given = tuple(equations)
        self.sizes = dict(sizes or {})
        self.integers = {name: np.asarray(array) for name, array in (integers or {}).items()}
        self.defined: dict[Tensor, list[Equation]] = {
            tensor: [self.given[position] for position in positions]
            for tensor, positions in definitions(self.given).items()
        }
        self._names = {tensor.name for tensor in tensors}
        self._made: dict[tuple[Tensor, Place], Tensor] = {}
        self._equations: dict[tuple[Tensor, Place], Equation] = {}
        self._scattered: dict[Equation, dict[Place, list[Point]]] = {}

    def size(self, extent: Extent) -> int:
        """Return an extent as a number."""
        if isinstance(extent, int):
            return extent
        if extent not in self.sizes:
            raise SymbpError(
                f"the size {extent} is known at run time only: element by element there is no "
                f"formula without it"
            )
        return int(self.sizes[extent])

    def terms(self) -> int:
        """Return how many terms all the equations have when they are written out."""
        total = 0
        for equation in self.given:
            indices = {*equation.domain, *equation.body.atoms(Index)}
            total += math.prod(self.size(index.extent) for index in indices)
        return total

    def places(self, tensor: Tensor) -> Iterator[Place]:
        """Yield the places of a tensor's elements, the last index fastest."""
        return itertools.product(*(range(self.size(extent)) for extent in tensor.shape))

    def component(self, tensor: Tensor, place: Place) -> Tensor:
        """Return the scalar tensor that stands for one element."""
        if not tensor.rank:
            return tensor
        made = self._made.get((tensor, place))
        if made is None:
            source = tensor.adjoint_of
            made = Tensor(
                fresh_name("_".join([tensor.name, *map(str, place)]), self._names),
                role=tensor.role,
                label=tensor.label,
                value=tensor.value,
                kind="integer" if tensor.kind == "integer" else "real",
                adjoint_symbol=tensor.adjoint_symbol,
                adjoint_of=None if source is None else self.component(source, place),
                component_of=(tensor, place),
            )
            self._made[tensor, place] = made
        return made

    def equation(self, tensor: Tensor, place: Place) -> Equation:
        """Return what defines one element: the sum of what the tensor's equations give there."""
        made = self._equations.get((tensor, place))
        if made is None:
            terms: list[Expr] = []
            for equation in self.defined[tensor]:
                body = whole_body(equation)
                terms += [self._written_out(body, point) for point in self._points(equation, place)]
            origin = Origin("unroll", self.defined[tensor][0])
            made = Equation(self.component(tensor, place)[()], Plus(*terms), origin=origin)
            self._equations[tensor, place] = made
        return made

    def _points(self, equation: Equation, place: Place) -> list[Point]:
        """Return the values of the left side's indices with which it writes to a place."""
        if not equation.is_scatter:
            return [dict(zip(equation.lhs.args, map(sympy.Integer, place), strict=True))]
        if equation not in self._scattered:
            found: dict[Place, list[Point]] = {}
            free = [index for index in equation.domain if index not in equation.reduce]
            for values in itertools.product(*(range(self.size(i.extent)) for i in free)):
                point = dict(zip(free, map(sympy.Integer, values), strict=True))
                target = tuple(self._subscript(s, point) for s in equation.lhs.args)
                found.setdefault(target, []).append(point)
            self._scattered[equation] = found
        return self._scattered[equation].get(place, [])

    def _subscript(self, subscript: Expr, point: Point) -> int:
        mapping: dict[Expr, Expr] = dict(point)
        for element in subscript.atoms(Element):
            values = self.integers.get(element.tensor.name)
            if values is None:
                raise UnsupportedError(
                    f"{element.tensor.name} decides which elements are read: without its values "
                    f"there is no formula element by element"
                )
            place = tuple(self._subscript(s, point) for s in element.args)
            mapping[element] = sympy.Integer(int(values[place]))
        value: int = int(subscript.xreplace(mapping))
        return value

    def _written_out(self, node: Expr, point: Point) -> Expr:
        if isinstance(node, Element):
            return self._element(node, point)
        if isinstance(node, Index):
            return point[node]
        if isinstance(node, where):
            condition = self._written_out(node.args[0], point)
            # A guard that speaks of indices is decided here; what it hides is not even read.
            if condition in (sympy.true, sympy.false):
                return self._written_out(node.args[1 if condition == sympy.true else 2], point)
            return where(condition, *(self._written_out(a, point) for a in node.args[1:]))
        if isinstance(node, Reduction):
            return self._reduction(node, point)
        if node.is_Symbol:
            return sympy.Integer(self.size(node))
        if not node.args:
            return node
        return node.func(*(self._written_out(argument, point) for argument in node.args))

    def _element(self, node: Element, point: Point) -> Expr:
        tensor = node.tensor
        place = tuple(self._subscript(subscript, point) for subscript in node.args)
        shape = [self.size(extent) for extent in tensor.shape]
        if not all(0 <= p < size for p, size in zip(place, shape, strict=True)):
            raise NotationError(f"{node}: at {place} it is read outside of {tensor.name}")
        # Terms print in the order in which they were written, then in that of their places.
        rank = 0
        for p, size in zip(place, shape, strict=True):
            rank = rank * size + p
        serial = node.serial + rank / (1 + math.prod(shape))
        return Element(self.component(tensor, place), serial=serial)

    def _reduction(self, node: Reduction, point: Point) -> Expr:
        if isinstance(node, Implicit):
            raise UnsupportedError(
                f"{short(node)}: an equation defines it: element by element there is no formula; "
                f"the forms 'matrix' and 'index' have one"
            )
        ranges = [range(self.size(index.extent)) for index in node.bound]
        values: list[Any] = [
            self._written_out(
                node.body,
                {**point, **dict(zip(node.bound, map(sympy.Integer, bound), strict=True))},
            )
            for bound in itertools.product(*ranges)
        ]
        if isinstance(node, LogSumExp):
            # Masked entries are exp(-oo) = 0.
            return log_sum_exp(*(value for value in values if value != -sympy.oo))
        if isinstance(node, Max):
            return largest(*values)
        return Plus(*values)
