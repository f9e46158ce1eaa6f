"""evaluate: a program in many digits, by default sixty; what it gives is right.

Any program can be evaluated: a user's own, with its reductions inside of formulas as they were
written, and what the passes made of it. Unlike :mod:`symbp.calculus.interpreter`, which works in
double precision on whole arrays, it reads and computes nothing that a ``where`` does not choose,
and it is exact to the last digits where doubles overflow or cancel. It takes some microseconds an
operation.
"""

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from symbp.calculus.derivative import has_derivatives
from symbp.calculus.grid import Grid
from symbp.calculus.implicit import is_implicit
from symbp.calculus.interpreter import bind
from symbp.calculus.many_digits import ManyDigits
from symbp.calculus.noise import values_of
from symbp.calculus.normalise import normalise
from symbp.calculus.precise_matrices import solve_for
from symbp.calculus.rounding import Rounding
from symbp.calculus.schedule import schedule
from symbp.notation.equation import Equation
from symbp.notation.errors import NotationError, SymbpError
from symbp.notation.functions import operation_of, stop_gradient, where
from symbp.notation.index import Extent, Index
from symbp.notation.linear_algebra import Implicit
from symbp.notation.prime import Prime
from symbp.notation.program import Program
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import values_at

__all__ = ["DIGITS", "evaluate"]

DIGITS = 60

Array = NDArray[Any]
Stopped = dict[tuple[Any, ...], Any]


@functools.lru_cache(maxsize=8)
def _ordinary(program: Program) -> Program:
    """Return a program in which derivatives and what is solved are equations of their own.

    Differences evaluate it many times.
    """
    implicit = any(equation.body.has(Implicit) for equation in program.equations)
    return normalise(program) if implicit or has_derivatives(program) else program


def evaluate(
    program: Program,
    values: Mapping[str, ArrayLike],
    arithmetic: ManyDigits | Rounding | None = None,
    *,
    stopped: Stopped | None = None,
) -> dict[str, Array]:
    """Evaluate a program in many digits.

    Parameters
    ----------
    program : Program
        Any program: as a user wrote it, normalised, or with derived equations.
    values : mapping of str to array_like
        An array for each input, target, parameter and state, by name; a constant's default value
        can be replaced. Entries may be floats or numbers of many digits.
    arithmetic : ManyDigits or Rounding, optional
        What to compute with; by default ``ManyDigits(60)``.
    stopped : dict, optional
        Filled with what stands inside ``stop_gradient``, when it is empty; else, these are the
        values that are taken. So what differentiation holds constant can be held constant.

    Returns
    -------
    dict of str to ndarray
        The value of every tensor that an equation defines: arrays of objects, mpmath's numbers.

    Examples
    --------
    >>> import symbp as bp
    >>> x, f = bp.parameter("x"), bp.tensor("f")
    >>> program = bp.Program([bp.Equation(f, bp.log(bp.exp(x) / (1 + bp.exp(x))))], cost=f)
    >>> print(evaluate(program, {"x": -5000.0})["f"])
    -5000.0
    """
    program = _ordinary(program)
    run = _Run(program, values, arithmetic or ManyDigits(DIGITS), stopped)
    for stage in schedule(program.equations):
        if not stage.steps:
            for equation in stage.equations:
                run.equation(equation, {})
            continue
        length = run.size(stage.steps[0].extent)
        for step in range(length) if stage.upwards else reversed(range(length)):
            for equation, index in zip(stage.equations, stage.steps, strict=True):
                run.equation(equation, {index: step})
    return {equation.tensor.name: run.values[equation.tensor] for equation in program.equations}


class _Run:
    """The arrays of a program under evaluation."""

    def __init__(
        self,
        program: Program,
        values: Mapping[str, ArrayLike],
        arithmetic: Any,
        stopped: Stopped | None,
    ) -> None:
        self.arithmetic = arithmetic
        self.values: dict[Tensor, Array] = {}
        self.extents: dict[Any, int] = {}
        self.stopped = stopped
        self.records_stopped = stopped is not None and not stopped
        self.free_indices: dict[Any, frozenset[Index]] = {}
        self.formulas: dict[Any, Any] = {}
        self.running: Equation
        # Noise that nobody gave has as many rows as the data say.
        for tensor in sorted(program.tensors, key=lambda tensor: tensor.role == "noise"):
            if tensor.role != "intermediate":
                self.values[tensor] = self._given(tensor, values)
        for tensor in program.tensors:
            if tensor not in self.values:
                shape = [self.size(extent) for extent in tensor.shape]
                self.values[tensor] = np.full(shape, arithmetic.zero, dtype=object)

    def _given(self, tensor: Tensor, values: Mapping[str, ArrayLike]) -> Array:
        given = values.get(tensor.name, tensor.value)
        if given is None and tensor.role == "noise":
            given = values_of(tensor, self.extents)
        if given is None:
            raise NotationError(f"no value given for the {tensor.role} {tensor.name}")
        array = np.asarray(given)
        bind(tensor, array, self.extents)
        if tensor.kind == "integer":
            if not np.all(array == np.floor(array)):
                raise NotationError(f"{tensor.name}: expected integers")
            return array.astype(np.int64)
        if array.dtype != object:
            array = array.astype(np.float64)
        flat = [self.arithmetic.given(x) for x in array.reshape(-1).tolist()]
        return _objects(flat).reshape(array.shape)

    def size(self, extent: Extent) -> int:
        """Return an extent as a number."""
        return extent if isinstance(extent, int) else self.extents[extent]

    def equation(self, equation: Equation, fixed: dict[Index, int]) -> None:
        """Evaluate one equation over its domain and add the result to its tensor."""
        self.running = equation
        grid = Grid({index: np.array([step]) for index, step in fixed.items()}, 1)
        left = [i for i in equation.domain if i not in fixed and i not in equation.reduce]
        if is_implicit(equation):
            solve_for(self, equation, grid)
            return
        grid = grid.product(tuple(left), [self.size(i.extent) for i in left])
        if equation.reduce:
            amounts = self._reduced(equation.operation, equation.body, equation.reduce, grid)
        else:
            amounts = self.evaluate(equation.body, grid)
        target = self.values[equation.tensor]
        places = [self.places(subscript, grid) for subscript in equation.lhs.args]
        for point, amount in enumerate(amounts):
            place = tuple(int(at[point]) for at in places)
            if any(not 0 <= p < size for p, size in zip(place, target.shape, strict=True)):
                if self.arithmetic.value(amount) != 0:
                    raise SymbpError(f"{equation.lhs}: writes outside of its tensor")
                continue
            before = target[place]
            add = before is not self.arithmetic.zero
            target[place] = self.arithmetic.total([before, amount]) if add else amount

    def _reduced(self, operation: str, body: Any, bound: tuple[Index, ...], grid: Grid) -> Array:
        sizes = [self.size(index.extent) for index in bound]
        terms = self.evaluate(body, grid.product(bound, sizes)).reshape(grid.points, -1)
        reduce = {
            "sum": self.arithmetic.total,
            "max": self.arithmetic.largest,
            "logsumexp": self.arithmetic.log_sum_exp,
        }[operation]
        return _objects([reduce(row) for row in terms])

    def free(self, node: Any) -> frozenset[Index]:
        """Return the indices that an expression varies with."""
        found = self.free_indices.get(node)
        if found is None:
            found = frozenset(s for s in node.free_symbols if isinstance(s, Index))
            self.free_indices[node] = found
        return found

    def evaluate(self, node: Any, grid: Grid) -> Array:
        """Return the values of a scalar expression, one a point."""
        found = grid.known.get(node)
        if found is None:
            free = self.free(node)
            if grid.points != 1 and len(free) < len(grid.indices):
                narrow, inverse = grid.onto(free)
                found = self.evaluate(node, narrow)[inverse]
            else:
                found = self._evaluated(node, grid)
            grid.known[node] = found
        return found

    def _evaluated(self, node: Any, grid: Grid) -> Array:
        if isinstance(node, Element):
            return self._read(node, grid)
        if isinstance(node, Reduction):
            free = {i: at for i, at in grid.indices.items() if i not in node.bound}
            return self._reduced(node.operation, node.body, node.bound, Grid(free, grid.points))
        if isinstance(node, Index):
            return _objects([self.arithmetic.number(int(at)) for at in grid.indices[node]])
        if node.is_Symbol:
            return self._constant(self.extents[node], grid)
        if node.is_Number or node.is_NumberSymbol or node is sympy.S.ComplexInfinity:
            return self._constant(node, grid)
        if isinstance(node, where):
            return self._where(node, grid)
        if isinstance(node, sympy.Mul):
            return self._product(node, grid)
        if isinstance(node, _ROUNDING):
            return _objects([self.arithmetic.number(int(at)) for at in self.places(node, grid)])
        formula = self._formula(node)
        if formula is not None:
            return self.evaluate(formula, grid)
        if isinstance(node, stop_gradient) and self.stopped is not None:
            return self._stop(node, grid)
        columns = [self.evaluate(argument, grid) for argument in node.args]
        function = self._function(node)
        return _objects([function(*values) for values in zip(*columns, strict=True)])

    def _constant(self, value: Any, grid: Grid) -> Array:
        return _objects([self.arithmetic.number(value)] * grid.points)

    def _function(self, node: Any) -> Callable[..., Any]:
        """Return what computes the outermost operation of an expression."""
        arithmetic = self.arithmetic
        if isinstance(node, sympy.Add):
            return lambda *terms: arithmetic.total(terms)
        if isinstance(node, sympy.Pow):
            if node.args[1] == -1:
                one = arithmetic.number(1)
                return lambda base, _: arithmetic.quotient(one, base)
            power: Callable[..., Any] = arithmetic.power
            return power
        record = operation_of(type(node))
        return lambda *values: arithmetic.apply(record, values)

    def _formula(self, node: Any) -> Any:
        """Return what an expression is by definition, None if it is an operation."""
        if node not in self.formulas:
            formula = None
            if isinstance(node, Prime):
                formula = node.rule()
            elif isinstance(node, sympy.Function):
                record = operation_of(type(node))
                if record.definition is not None and not self.arithmetic.knows(record):
                    formula = record.definition(*node.args)
            self.formulas[node] = formula
        return self.formulas[node]

    def _product(self, node: Any, grid: Grid) -> Array:
        """Multiply by the numerator of a fraction first, so that 3·(1/3) is 1."""
        factors, below = [], 1
        for factor in node.args:
            if isinstance(factor, sympy.Rational) and factor.q != 1:
                below *= int(factor.q)
                factor = sympy.Integer(factor.p)
            if factor != 1 or len(node.args) == 1:
                factors.append(self.evaluate(factor, grid))
        product = self.arithmetic.product
        result = [product(values) for values in zip(*factors, strict=True)]
        if below != 1:
            divisor = self.arithmetic.number(below)
            result = [self.arithmetic.quotient(value, divisor) for value in result]
        return _objects(result)

    def _stop(self, node: Any, grid: Grid) -> Array:
        assert self.stopped is not None
        rows = zip(*grid.indices.values(), strict=True) if grid.indices else [()] * grid.points
        keys = [(node, *map(int, row)) for row in rows]
        if self.records_stopped:
            inside = self.evaluate(node.args[0], grid)
            self.stopped.update(zip(keys, inside, strict=True))
        return _objects([self.stopped[key] for key in keys])

    def _where(self, node: Any, grid: Grid) -> Array:
        """Evaluate each branch at the points where it is chosen, or may be."""
        condition, *branches = node.args
        holds, sure = self.condition(condition, grid)
        result = np.empty(grid.points, dtype=object)
        found = []
        for branch, chosen in zip(branches, (holds, ~holds), strict=True):
            needed = chosen | ~sure
            values = np.empty(grid.points, dtype=object)
            if needed.any():
                everywhere = needed.all()
                values[needed] = self.evaluate(branch, grid if everywhere else grid.where(needed))
            result[chosen] = values[chosen]
            found.append(values)
        for point in np.flatnonzero(~sure):
            first, second = (values[point] for values in found)
            pair = (first, second) if holds[point] else (second, first)
            result[point] = self.arithmetic.either(*pair)
        return result

    def condition(self, node: Any, grid: Grid) -> tuple[Array, Array]:
        """Return where a condition holds, and where rounding could not change that."""
        if node in (sympy.true, sympy.false):
            return np.full(grid.points, bool(node)), np.full(grid.points, True)
        if isinstance(node, sympy.Not):
            holds, sure = self.condition(node.args[0], grid)
            return ~holds, sure
        if isinstance(node, (sympy.And, sympy.Or)):
            deciding = isinstance(node, sympy.Or)
            parts = [self.condition(argument, grid) for argument in node.args]
            decided = np.any([sure & (holds == deciding) for holds, sure in parts], axis=0)
            reached = np.any([holds == deciding for holds, _ in parts], axis=0)
            sure = decided | np.all([sure for _, sure in parts], axis=0)
            return reached == deciding, sure
        for kind, relation in _RELATIONS.items():
            if isinstance(node, kind):
                a, b = (self.evaluate(argument, grid) for argument in node.args)
                found = [
                    self.arithmetic.compare(relation, *pair) for pair in zip(a, b, strict=True)
                ]
                holds, sure = (np.array(column, dtype=bool) for column in zip(*found, strict=True))
                return holds, sure
        raise NotationError(f"{self.running.lhs}: condition {node}: expected a comparison")

    def _read(self, node: Element, grid: Grid) -> Array:
        array = self.values[node.tensor]
        places = []
        for subscript, size in zip(node.args, array.shape, strict=True):
            at = self.places(subscript, grid)
            outside = (at < 0) | (at >= size)
            if outside.any():
                raise SymbpError(
                    f"{self.running.lhs}: subscript {subscript} of {node.tensor.name} is "
                    f"{at[outside][0]}, expected 0 to {size - 1}"
                )
            places.append(at)
        if not places:
            return _objects([array[()]] * grid.points)
        if node.tensor.kind == "integer":
            return _objects([self.arithmetic.number(int(i)) for i in array[tuple(places)]])
        read: Array = array[tuple(places)]
        return read

    def places(self, node: Any, grid: Grid) -> Array:
        """Return the values of a subscript: integers."""
        if isinstance(node, Index):
            return grid.indices[node]
        if isinstance(node, Element):
            inner = [self.places(subscript, grid) for subscript in node.args]
            inside = all(
                ((at >= 0) & (at < size)).all()
                for at, size in zip(inner, self.values[node.tensor].shape, strict=True)
            )
            if not inside:
                raise SymbpError(f"{self.running.lhs}: {node} is read outside of its tensor")
            found = self.values[node.tensor][tuple(inner)]
            return np.broadcast_to(found, (grid.points,))
        if node.is_Symbol:
            return np.full(grid.points, self.extents[node])
        found = values_at(node, lambda leaf: self.places(leaf, grid))
        return np.broadcast_to(found, (grid.points,))


_RELATIONS: dict[Any, Callable[[Any, Any], Any]] = {
    sympy.Eq: operator.eq,
    sympy.Ne: operator.ne,
    sympy.Lt: operator.lt,
    sympy.Le: operator.le,
    sympy.Gt: operator.gt,
    sympy.Ge: operator.ge,
}
_ROUNDING = (sympy.floor, sympy.ceiling, sympy.Mod)


def _objects(values: list[Any]) -> Array:
    """Return a list as an array of objects of one axis."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result
