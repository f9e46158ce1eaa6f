"""unrolled: write out every index whose extent is known, so that only the batch is looped over.

``z[n, j] = Σ_k W[j, k] x[n, k]`` becomes ``z_0[n] = W_0_0 x_0[n] + W_0_1 x_1[n]``, ``z_1[n] = …``.
The parameters are then scalars, which a compiled function keeps in registers, the sums over the
batch are scalar accumulators of one loop, and everything else in that loop is a local variable.
Small programs only: the text, and the time that it takes to compile, grow with every element.
"""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.implicit import is_implicit
from symbp.notation.arithmetic import Plus
from symbp.notation.by_identity import noted
from symbp.notation.equation import Equation, Origin
from symbp.notation.functions import maximum, where
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["MOST_OPERATIONS", "Unrolled", "operations", "unrolled"]

# Numba compiles an epoch in 0.3 s and 3 ms an operation, faster than linearly growing beyond this:
# 0.8 s for 3-3-3 (255 operations), 2 s for 600, which is what the loops of such a network take as
# well; 6 s for 1400. The step is 2 to 5 times as fast as the loops' up to here, and gains little
# beyond, where the sums over the batch do not fit in registers.
MOST_OPERATIONS = 600
# What a call of an elementary function counts as: its polynomial is inlined.
FUNCTION_OPERATIONS = 10

Place = tuple[int, ...]
Point = dict[Index, sympy.Integer]


@dataclass(frozen=True)
class Unrolled:
    """A program over the batch alone, and what became of the tensors.

    Attributes
    ----------
    program : Program
        Its tensors have axes with run-time extents only; the program's cost and its updates
        are among them, its output and gradients are not (see `components`).
    components : dict of Tensor to tuple of Tensor
        For each tensor, one for each combination of the subscripts that are written out, the last
        fastest. `Tensor.component_of` tells the tensor and those subscripts.
    """

    program: Program
    components: dict[Tensor, tuple[Tensor, ...]]

    def of(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the components of some tensors, in the order of their memory."""
        return tuple(component for tensor in tensors for component in self.components[tensor])


class _NotByElementError(Exception):
    """Which elements an equation reads or writes is known at run time only."""


def unrolled(
    program: Program, tensors: Sequence[Tensor], most: int = MOST_OPERATIONS
) -> Unrolled | None:
    """Return the program written out over everything but the batch, if it is small enough.

    Parameters
    ----------
    program : Program
        Normalised and differentiated, with reductions that are sums and maxima.
    tensors : sequence of Tensor
        Those of which the components are asked for, whether the program uses them or not.
    most : int
        How many scalar operations there may be.

    Returns
    -------
    Unrolled or None
        None if there are more operations than `most`, or if the data decides which elements
        are read (an embedding, integer labels, the pivots of a matrix).

    Examples
    --------
    >>> import symbp as bp
    >>> n, j, k = bp.indices("n j k", "N", 2, 2)
    >>> W, x, z = bp.parameter("W", j, k), bp.input("x", n, k), bp.tensor("z", n, j)
    >>> program = bp.Program([bp.Equation(z[n, j], bp.Sum(W[j, k] * x[n, k], k))])
    >>> from symbp.calculus.normalise import normalise
    >>> small = unrolled(normalise(program), [W])
    >>> print(small.program)
    z_0[n] = W_0_0*x_0[n] + W_0_1*x_1[n]
    z_1[n] = W_1_0*x_0[n] + W_1_1*x_1[n]
    >>> small.components[W]
    (W_0_0, W_0_1, W_1_0, W_1_1)
    """
    if any(is_implicit(equation) for equation in program.equations):
        return None  # pivots are known at run time
    if any(number > most for number in itertools.accumulate(_operations(program))):
        return None
    writer = _Components(program)
    try:
        equations = writer.equations()
    except _NotByElementError:
        return None
    known = dict.fromkeys([*program.tensors, *tensors])
    components = {tensor: writer.all_of(tensor) for tensor in known}
    updates = tuple(
        pair
        for old, new in program.updates
        for pair in zip(components[old], components[new], strict=True)
    )
    small = program.replace(equations=equations, output=None, gradients=(), updates=updates)
    return Unrolled(small, components)


def operations(program: Program) -> int:
    """Return how many scalar operations the program has when it is written out.

    A body counts once for each combination of the indices that are written out; a function
    counts as ten operations.
    """
    return sum(_operations(program))


def _operations(program: Program) -> Iterator[int]:
    return map(_operations_of, program.equations)


# It is asked whether there are too many, and then how many there are.
@noted
def _operations_of(equation: Equation) -> int:
    indices = {*equation.domain, *equation.body.atoms(Index)}
    points = math.prod(i.extent for i in indices if isinstance(i.extent, int))
    functions = sum(1 for node in equation.body.atoms(sympy.Function) if _is_costly(node))
    simple = int(sympy.count_ops(equation.body)) + bool(equation.reduce)
    return points * (max(1, simple) + FUNCTION_OPERATIONS * functions)


def _is_costly(node: sympy.Basic) -> bool:
    return not isinstance(node, where | maximum)


class _Components:
    """Rewrites the equations, and makes the components of tensors as they occur."""

    def __init__(self, program: Program) -> None:
        self.given = program.equations
        self.names = {tensor.name for tensor in program.tensors}
        self.made: dict[tuple[Tensor, Place], Tensor] = {}
        self.written: set[Tensor] = set()

    def all_of(self, tensor: Tensor) -> tuple[Tensor, ...]:
        """Return the components of a tensor, the last subscript fastest."""
        return tuple(self.component(tensor, place) for place in _places(tensor))

    def component(self, tensor: Tensor, place: Place) -> Tensor:
        """Return the tensor of some of the subscripts, without their axes."""
        if not place:
            return tensor
        made = self.made.get((tensor, place))
        if made is None:
            made = Tensor(
                fresh_name("_".join([tensor.name, *map(str, place)]), self.names),
                tuple(index for index in tensor.indices if not isinstance(index.extent, int)),
                role=tensor.role,
                label=tensor.label,
                value=tensor.value,
                kind="integer" if tensor.kind == "integer" else "real",
                component_of=(tensor, place),
            )
            self.made[tensor, place] = made
        return made

    def equations(self) -> tuple[Equation, ...]:
        """Return what each equation gives for each component that it writes."""
        result: list[Equation] = []
        for position, equation in enumerate(self.given):
            result.extend(self._written_out(equation))
            if any(later.tensor is equation.tensor for later in self.given[position + 1 :]):
                continue
            # A scatter need not reach every element.
            for missing in self.all_of(equation.tensor):
                if missing not in self.written:
                    origin = Origin("unroll", equation)
                    result.append(Equation(missing.element, sympy.S.Zero, origin=origin))
        return tuple(result)

    def _written_out(self, equation: Equation) -> Iterator[Equation]:
        outside = [i for i in equation.domain if isinstance(i.extent, int)]
        terms: dict[Element, list[Expr]] = {}
        for values in itertools.product(*(range(int(i.extent)) for i in outside)):
            point = dict(zip(outside, map(sympy.Integer, values), strict=True))
            if not _exists(equation.lhs, point):
                continue  # a guarded read's adjoint: there is no place to add it to
            target = self._element(equation.lhs, point)
            terms.setdefault(target, []).append(self._body(equation.body, point))
        summed = tuple(index for index in equation.reduce if not isinstance(index.extent, int))
        for target, parts in terms.items():
            if set(target.args) & set(summed):
                raise _NotByElementError
            join = Plus.apart if equation.operation == "sum" else _largest
            yield Equation(
                target,
                join(*parts),
                summed,
                equation.operation if summed else "sum",
                accumulate=target.tensor in self.written,
                origin=Origin("unroll", equation),
            )
            self.written.add(target.tensor)

    def _body(self, node: Any, point: Point) -> Any:
        if isinstance(node, Element):
            return self._element(node, point)
        if isinstance(node, Index):
            if node in point:
                return point[node]
            if isinstance(node.extent, int):
                raise _NotByElementError
            return node
        if isinstance(node, where):
            condition = self._body(node.args[0], point)
            # A guard that speaks of indices is decided here; what it hides is not even read.
            if condition in (sympy.true, sympy.false):
                return self._body(node.args[1 if condition == sympy.true else 2], point)
            return where(condition, *(self._body(argument, point) for argument in node.args[1:]))
        if not node.args:
            return node
        return node.func(*(self._body(argument, point) for argument in node.args))

    def _element(self, node: Element, point: Point) -> Element:
        place: list[int] = []
        kept: list[Index] = []
        for subscript, extent in zip(node.args, node.tensor.shape, strict=True):
            value = subscript.xreplace(point)
            if isinstance(extent, int):
                if not value.is_Integer or not 0 <= int(value) < extent:
                    raise _NotByElementError
                place.append(int(value))
            elif isinstance(value, Index) and value.extent == extent and value not in kept:
                kept.append(value)
            else:
                raise _NotByElementError
        # Terms keep the order in which they were written, then that of their places.
        rank = 0
        extents = [extent for extent in node.tensor.shape if isinstance(extent, int)]
        for number, extent in zip(place, extents, strict=True):
            rank = rank * extent + number
        serial = node.serial + rank / (1 + math.prod(extents))
        return Element(self.component(node.tensor, tuple(place)), *kept, serial=serial)


def _exists(element: Element, point: Point) -> bool:
    """Whether the subscripts that are numbers by now are inside of the tensor."""
    values = (subscript.xreplace(point) for subscript in element.args)
    return all(
        not (isinstance(extent, int) and value.is_Integer) or 0 <= int(value) < extent
        for value, extent in zip(values, element.tensor.shape, strict=True)
    )


def _places(tensor: Tensor) -> Iterator[Place]:
    return itertools.product(*(range(e) for e in tensor.shape if isinstance(e, int)))


def _largest(*values: Expr) -> Expr:
    return functools.reduce(maximum, values)
