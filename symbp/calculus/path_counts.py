"""How many paths lead from the cost to the parameters, and what multiplying along them costs.

The derivative of the cost with respect to one entry is the sum over all paths from the cost to
it, each the product of the local derivatives on its edges. An edge leads from an element to each
element that its equation reads; two reads of one tensor that meet on a diagonal, as in
``X[m, i] X[m, j]``, are two edges, and a read under a condition is an edge whether the condition
holds or not. Nothing is enumerated: one sweep from the cost counts the paths to all elements of a
tensor together, because each element on the left of an equation reads equally many (Griewank and
Walther, "Evaluating Derivatives", 2nd ed., 2008, on Bauer's formula; Nielsen, chapter 2).

A path costs a multiplication for every factor after its first; an edge whose local derivative is
identically 1 or -1, as that of a bias or of a term in a sum, is no factor.

In a recurrence the number of paths differs from step to step: it is swept step by step, reads
before the first step do not exist, and conditions on the step, such as ``t > 0``, are obeyed.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy
from sympy.core.expr import Expr
from sympy.polys.rings import PolyElement

from symbp.calculus.counts import Counts, Size
from symbp.calculus.per_example import whole_body
from symbp.calculus.schedule import schedule
from symbp.notation.dependence import time_axis
from symbp.notation.equation import Equation
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Index
from symbp.notation.linear_algebra import Implicit, Unknown
from symbp.notation.prime import Prime
from symbp.notation.program import Program
from symbp.notation.reductions import Reduction, Sum
from symbp.notation.tensor import Element, Tensor

__all__ = ["PathCounts", "count_paths", "is_recurrent"]

# A condition and whether it has to hold.
Guard = tuple[Any, bool]


@dataclass(frozen=True)
class _Read:
    """An element that an equation reads.

    Attributes
    ----------
    element : Element
        What is read.
    bound : tuple of Index
        The indices in it that a sum around it runs over.
    guards : tuple of tuples of (condition, bool)
        Each place where it stands, by the conditions around it.
    unit : bool
        Whether the local derivative is 1 or -1, wherever it is read: nothing is multiplied.
    """

    element: Element
    bound: tuple[Index, ...]
    guards: tuple[tuple[Guard, ...], ...]
    unit: bool


@dataclass(frozen=True)
class PathCounts:
    """The paths to each parameter.

    Attributes
    ----------
    paths : dict of Tensor to (int or polynomial)
        The number of paths from the cost to all entries of a parameter together.
    factors : dict of Tensor to (int or polynomial)
        The number of edges of these paths, added up, without those whose local derivative is 1.
    operations : Counts
        A path with L such edges costs L - 1 multiplications; the products for one entry are added.
    """

    paths: dict[Tensor, Any]
    factors: dict[Tensor, Any]
    operations: Counts

    @property
    def total(self) -> Any:
        """The number of all paths."""
        return sum(self.paths.values())


def is_recurrent(program: Program) -> bool:
    """Whether equations of the program need each other from step to step."""
    return any(stage.steps for stage in schedule(program.equations))


def count_paths(program: Program, size: Size, most: int | None = None) -> PathCounts:
    """Count the paths from the cost to every entry of every parameter.

    Parameters
    ----------
    program : Program
        A program with a cost, its bodies as they are to be read.
    size : callable
        The size of an index, as a number or a polynomial; numbers for a recurrence.
    most : int, optional
        How many terms a polynomial may have: shortcuts over blocks double it with each block.

    Raises
    ------
    UnsupportedError
        In a recurrence, a step that depends on data or on an index that is not of time; a
        polynomial with too many terms.

    Examples
    --------
    >>> import symbp as bp
    >>> net = bp.derive(bp.mlp(3, 3, 3)).printed_program
    >>> counts = count_paths(net, lambda index: index.extent)
    >>> {tensor.name: paths for tensor, paths in counts.paths.items()}
    {'W1': 27, 'b1': 9, 'W2': 9, 'b2': 3}
    """
    sweep = _Sweep(program, size, most)
    parameters = [p for p in program.parameters if p in sweep.paths]
    paths = {p: sum(sweep.paths[p].values()) for p in parameters}
    factors = {p: sum(sweep.factors[p].values()) for p in parameters}
    # On a path without any factor there is nothing to multiply.
    bare = sum(sum(sweep.bare[p].values()) for p in parameters)
    additions: Any = 0
    for parameter in parameters:
        additions += paths[parameter]
        if parameter in sweep.covered:
            # The first product for an entry is not added to anything.
            entries: Any = 1
            for index in parameter.indices:
                entries *= size(index)
            additions -= entries
    products = sum(factors.values()) - sum(paths.values()) + bare
    return PathCounts(paths, factors, Counts(products, additions))


class _Sweep:
    """Carries the number of paths, of their factors, and of paths without any factor.

    From the cost to the parameters; all are kept for each step of a tensor with time where there
    is a recurrence, else under one key, None.
    """

    def __init__(self, program: Program, size: Size, most: int | None) -> None:
        assert program.cost is not None, "a program without a cost is refused before"
        self.size, self.most = size, most
        self.paths: dict[Tensor, dict[int | None, Any]] = {program.cost: {None: 1}}
        self.factors: dict[Tensor, dict[int | None, Any]] = {program.cost: {None: 0}}
        self.bare: dict[Tensor, dict[int | None, Any]] = {program.cost: {None: 1}}
        # Parameters of which every entry is known to be read.
        self.covered: set[Tensor] = set()
        parameters = set(program.parameters)
        stages = schedule(program.equations)
        self.by_step = any(stage.steps for stage in stages)
        reads = {
            equation: _reads(equation)
            for stage in stages
            for equation in stage.equations
            if program.depends_on([equation.tensor]) & parameters
        }
        for stage in reversed(stages):
            members = [e for e in reversed(stage.equations) if e in reads]
            if not stage.steps:
                for equation in members:
                    for step in list(self.paths.get(equation.tensor, ())):
                        self._leave(equation, reads[equation], step)
                continue
            steps = range(int(size(stage.steps[0])))
            for step in reversed(steps) if stage.upwards else steps:
                for equation in members:
                    self._leave(equation, reads[equation], step)

    def _leave(self, equation: Equation, reads: Sequence[_Read], step: int | None) -> None:
        """Carry the paths that end at one step of an equation's tensor on to what it reads."""
        paths = self.paths.get(equation.tensor, {}).get(step)
        if paths is None:
            return
        if self.most is not None and isinstance(paths, PolyElement) and len(paths) > self.most:
            raise UnsupportedError(f"the number of paths is a polynomial of over {self.most} terms")
        factors, bare = self.factors[equation.tensor][step], self.bare[equation.tensor][step]
        for read in reads:
            element = read.element
            if not _exists(read, equation, step):
                continue
            axis = time_axis(element.tensor) if self.by_step else None
            places: Iterable[int | None] = (None,)
            inside = read.bound
            if axis is not None:
                inside = tuple(i for i in read.bound if not element.args[axis].has(i))
                places = self._steps(equation, read, axis, step)
            ways: Any = 1
            for index in inside:
                ways = ways * self.size(index)
            carried = (
                (self.paths, paths),
                (self.factors, factors + (0 if read.unit else paths)),
                (self.bare, bare if read.unit else 0),
            )
            for place in places:
                for counted, number in carried:
                    to = counted.setdefault(element.tensor, {})
                    to[place] = to.get(place, 0) + number * ways
            if element.is_plain:
                self.covered.add(element.tensor)

    def _steps(self, equation: Equation, read: _Read, axis: int, step: int | None) -> Iterator[int]:
        """Yield the steps at which an element is read, those that exist."""
        element, bound = read.element, read.bound
        subscript = element.args[axis]
        now = _now(equation)
        if subscript.atoms(Element) or any(
            index not in bound and index is not now for index in subscript.atoms(Index)
        ):
            raise UnsupportedError(
                f"{equation.lhs}: the step of {element} is not one that can be counted"
            )
        length = int(self.size(element.tensor.indices[axis]))
        running = [index for index in bound if subscript.has(index)]
        terms = sympy.expand(subscript).as_coefficients_dict()
        start = int(terms.get(sympy.S.One, 0))
        if step is not None and now is not None:
            start += int(terms.get(now, 0)) * step
        factors = [int(terms[index]) for index in running]
        for values in itertools.product(*(range(int(self.size(i))) for i in running)):
            place = start + sum(f * v for f, v in zip(factors, values, strict=True))
            if 0 <= place < length:
                yield place


def _now(equation: Equation) -> Any:
    """Return the index of the step on the left of an equation, or None."""
    axis = time_axis(equation.tensor)
    return None if axis is None else equation.lhs.args[axis]


def _exists(read: _Read, equation: Equation, step: int | None) -> bool:
    """Whether some place of a read is reached at a step, as far as the step alone decides."""
    now = _now(equation)
    if step is None or now is None:
        return True

    def fails(guard: Guard) -> bool:
        condition, wanted = guard
        if condition.free_symbols != {now} or condition.has(Element):
            return False
        return bool(condition.xreplace({now: sympy.Integer(step)})) is not wanted

    return any(not any(map(fails, guards)) for guards in read.guards)


def _reads(equation: Equation) -> list[_Read]:
    """Return what an equation's derivative runs over.

    Where one read is among those of another, as ``z[j]`` is among the ``z[k]`` of the sum in a
    softmax, both lead to the same elements and only the larger is kept.
    """
    found: dict[Element, _Read] = {}
    for element, bound, guards, unit in _occurrences(whole_body(equation), (), (), unit=True):
        # A sum in a sum over the same index hides the outer one.
        inside = tuple(index for index in dict.fromkeys(bound) if element.has(index))
        # The derivatives of several occurrences are added, so they are no longer 1.
        alone = unit and element not in found
        places = found[element].guards if element in found else ()
        found[element] = _Read(element, inside, (*places, guards), alone)
    kept: list[_Read] = []
    for read in found.values():
        if not any(_is_among(read, other) for other in kept):
            among = [other for other in kept if _is_among(other, read)]
            merged = replace(read, unit=read.unit and not among)
            kept = [*(other for other in kept if other not in among), merged]
        else:
            kept = [
                replace(other, unit=False) if _is_among(read, other) else other for other in kept
            ]
    return kept


def _is_among(read: _Read, other: _Read) -> bool:
    if read.element.tensor is not other.element.tensor or not (
        () in other.guards or set(read.guards) <= set(other.guards)
    ):
        return False
    return all(
        mine == theirs
        or (
            theirs in other.bound
            and theirs.extent == extent
            and sum(argument.has(theirs) for argument in other.element.args) == 1
        )
        for mine, theirs, extent in zip(
            read.element.args, other.element.args, read.element.tensor.shape, strict=True
        )
    )


def _occurrences(
    node: Expr, bound: tuple[Index, ...], guards: tuple[Guard, ...], unit: bool
) -> Iterator[tuple[Element, tuple[Index, ...], tuple[Guard, ...], bool]]:
    """Yield the elements with a derivative, the indices bound around each, and its guards.

    And whether that derivative is 1 or -1; a sign is free.
    """
    if isinstance(node, Element):
        yield node, bound, guards, unit
    elif isinstance(node, Implicit):
        # Each unknown depends on the whole matrix, and on the right-hand side of every row.
        matrix = getattr(node.body, "matrix", node.body)
        yield from _occurrences(matrix, (*bound, *node.bound), guards, False)
        if isinstance(node.body, Unknown):
            yield from _occurrences(node.body.right, (*bound, node.rows), guards, False)
    elif isinstance(node, Reduction):
        # Of a sum, an element that not all its indices stand in is read once for each of them.
        inside = unit and isinstance(node, Sum)
        around = (*bound, *node.bound)
        for element, within, under, alone in _occurrences(node.body, around, guards, inside):
            every = all(element.has(index) for index in node.bound)
            yield element, within, under, alone and every
    elif isinstance(node, sympy.Add):
        for argument in node.args:
            yield from _occurrences(argument, bound, guards, unit)
    elif isinstance(node, sympy.Mul):
        only = unit and len(node.args) == 2 and node.args[0] == -1
        for argument in node.args:
            yield from _occurrences(argument, bound, guards, only)
    elif isinstance(node, sympy.Pow):
        for argument in node.args:
            yield from _occurrences(argument, bound, guards, False)
    elif isinstance(node, where):
        condition, chosen, other = node.args
        yield from _occurrences(chosen, bound, (*guards, (condition, True)), unit)
        yield from _occurrences(other, bound, (*guards, (condition, False)), unit)
    elif isinstance(node, Prime):
        yield from _occurrences(node.application, bound, guards, False)
    elif isinstance(node, sympy.Function) and node.has(Element):
        rules = operation_of(type(node)).derivative(*node.args)
        for argument, rule in zip(node.args, rules, strict=True):
            if rule != 0:
                yield from _occurrences(argument, bound, guards, False)
