"""interpret: a slow, obviously right float64 evaluator of a program in NumPy.

It is what every pass and every generated module is checked against, so it does nothing clever:
each equation is evaluated over its whole domain, then reduced.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray
from sympy.core.expr import Expr

from symbp.calculus.implicit import is_implicit, layout
from symbp.calculus.matrix_values import cholesky_factor, log_abs_det, solution
from symbp.calculus.noise import values_of
from symbp.calculus.schedule import schedule
from symbp.notation.bounds import COMPARISONS
from symbp.notation.collected import denominator
from symbp.notation.equation import Equation
from symbp.notation.errors import NotationError, SymbpError
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Extent, Index, batch_extent
from symbp.notation.linear_algebra import Factor, Unknown
from symbp.notation.prime import Prime
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import values_at

__all__ = ["bind", "interpret"]

Values = dict[Tensor, NDArray[Any]]
Grid = dict[Index, Any]


def interpret(
    program: Program,
    values: Mapping[str, ArrayLike],
    sizes: Mapping[str, int] | None = None,
) -> dict[str, NDArray[Any]]:
    """Evaluate a program.

    Parameters
    ----------
    program : Program
        A normalised program; derived equations may stand in it.
    values : mapping of str to array_like
        An array for each input, target, parameter and state, by name; a constant's default
        value can be replaced, and so can noise, which is drawn for seed 0 and step 0.
    sizes : mapping of str to int, optional
        Extents by name, where no array tells them: nothing of a batch is read by a Jacobian that
        is constant.

    Returns
    -------
    dict of str to ndarray
        The float64 value of every tensor that an equation defines.

    Examples
    --------
    >>> import symbp as bp
    >>> x, f = bp.parameter("x"), bp.tensor("f")
    >>> float(interpret(bp.Program([bp.Equation(f, x**2)], cost=f), {"x": 3.0})["f"])
    9.0
    """
    state = _State(program, values, sizes or {})
    with np.errstate(all="ignore"):
        for stage in schedule(program.equations):
            if not stage.steps:
                for equation in stage.equations:
                    state.run(equation, {})
                continue
            length = int(state.size(stage.steps[0].extent))
            for step in range(length) if stage.upwards else reversed(range(length)):
                for equation, index in zip(stage.equations, stage.steps, strict=True):
                    state.run(equation, {index: step})
    return {equation.tensor.name: state.values[equation.tensor] for equation in program.equations}


def bind(tensor: Tensor, array: NDArray[Any], extents: dict[Any, int]) -> None:
    """Check the shape of a tensor's array, and learn the extents that it is the first to have."""
    if array.ndim != tensor.rank:
        raise NotationError(f"{tensor.name}: expected {tensor.rank} axes, got {array.shape}")
    for extent, size in zip(tensor.shape, array.shape, strict=True):
        expected = extent if isinstance(extent, int) else extents.setdefault(extent, size)
        if size != expected:
            raise NotationError(f"{tensor.name}: expected shape {tensor.shape}, got {array.shape}")


class _State:
    """The arrays of a program under evaluation."""

    def __init__(
        self, program: Program, values: Mapping[str, ArrayLike], sizes: Mapping[str, int]
    ) -> None:
        self.values: Values = {}
        self.extents: dict[Any, int] = {batch_extent(name): n for name, n in sizes.items()}
        # Where the expression under evaluation is used, as its guards leave it.
        self.allowed: NDArray[np.bool_] = np.asarray(True)
        self.running: Equation
        for tensor in program.tensors:
            if tensor.role == "intermediate" or self.is_drawn(tensor, values):
                continue
            if tensor.name in values:
                given = values[tensor.name]
            elif tensor.value is not None:
                given = tensor.value
            else:
                raise NotationError(f"no value given for the {tensor.role} {tensor.name}")
            array = np.asarray(given, dtype=np.float64)
            if tensor.kind == "integer":
                if not np.all(array == np.floor(array)):
                    raise NotationError(f"{tensor.name}: expected integers")
                array = array.astype(np.int64)
            bind(tensor, array, self.extents)
            self.values[tensor] = array
        for tensor in program.tensors:
            if self.is_drawn(tensor, values):
                self.values[tensor] = values_of(tensor, self.extents)
            elif tensor not in self.values:
                self.values[tensor] = np.zeros([self.size(extent) for extent in tensor.shape])

    def is_drawn(self, tensor: Tensor, values: Mapping[str, ArrayLike]) -> bool:
        """Whether a tensor is noise that nobody gave."""
        return tensor.role == "noise" and tensor.name not in values

    def size(self, extent: Extent) -> int:
        """Return an extent as a number."""
        return extent if isinstance(extent, int) else self.extents[extent]

    def run(self, equation: Equation, fixed: dict[Index, int]) -> None:
        """Evaluate one equation over its domain and add the result to its tensor."""
        self.running = equation
        self.scalars: dict[Any, Any] = {}
        if is_implicit(equation):
            self.values[equation.tensor][self.places(equation, fixed)] = self.solved(
                equation, fixed
            )
            return
        domain = [index for index in equation.domain if index not in fixed]
        body = self.array(equation.body, domain, fixed)
        axes = tuple(domain.index(i) for i in equation.reduce if i not in fixed)
        target = self.values[equation.tensor]
        if equation.operation == "sum":
            reduced: Any = body.sum(axis=axes) if axes else body
        elif equation.operation == "max":
            reduced = body.max(axis=axes)
        else:
            largest = body.max(axis=axes, keepdims=True)
            shift = np.where(np.isfinite(largest), largest, 0.0)
            # The largest terms are 1, and apart, so that nothing small beside 1 is lost.
            equal = body == largest
            rest = np.where(equal, 0.0, np.exp(body - shift)).sum(axis=axes)
            above_one = rest + (equal.sum(axis=axes) - 1)
            largest, shift = np.squeeze(largest, axis=axes), np.squeeze(shift, axis=axes)
            reduced = np.where(np.isinf(largest), largest, np.log1p(above_one) + shift)
        # What is left are the indices of the left-hand side, in the order of the domain.
        kept = [index for axis, index in enumerate(domain) if axis not in axes]
        free: Grid = dict(fixed)
        for axis, index in enumerate(kept):
            shape = [1] * len(kept)
            shape[axis] = -1
            free[index] = np.arange(self.size(index.extent)).reshape(shape)
        self.allowed = np.asarray(True)
        places = tuple(
            np.asarray(self.evaluate(s, free)).astype(np.int64) for s in equation.lhs.args
        )
        self._add(equation, target, places, reduced)

    def array(
        self, body: Expr, indices: Sequence[Index], fixed: Mapping[Index, int]
    ) -> NDArray[Any]:
        """Return the values of an expression, with an axis for each of the indices."""
        grid: Grid = dict(fixed)
        for axis, index in enumerate(indices):
            shape = [1] * len(indices)
            shape[axis] = -1
            grid[index] = np.arange(self.size(index.extent)).reshape(shape)
        full = tuple(self.size(index.extent) for index in indices)
        self.allowed = np.asarray(True)
        return np.broadcast_to(self.evaluate(body, grid), full)

    def places(self, equation: Equation, fixed: Mapping[Index, int]) -> tuple[Any, ...]:
        """Return what selects the elements of an implicit equation's left-hand side."""
        return tuple(fixed.get(index, slice(None)) for index in equation.lhs.args)

    def solved(self, equation: Equation, fixed: Mapping[Index, int]) -> NDArray[Any]:
        """Return the left-hand side of an implicit equation, in the order of its indices."""
        parts, body = layout(equation), equation.body
        batch = [index for index in parts.batch if index not in fixed]
        matrix = getattr(body, "matrix", body)
        given = self.array(matrix, [*batch, parts.rows, parts.columns], fixed)
        left = [index for index in equation.lhs.args if index not in fixed]
        if equation.operation == "logdet":
            return log_abs_det(given)
        if isinstance(body, Factor):
            own, found = list(parts.own), cholesky_factor(given)
        else:
            assert isinstance(body, Unknown)
            own = [*parts.own, *(index for index in parts.free if index not in fixed)]
            right = self.array(body.right, [*batch, parts.rows, *own[1:]], fixed)
            shape = right.shape
            right = right.reshape(*shape[: len(batch) + 1], -1)
            found = solution(given, right, equation.operation).reshape(shape)
        order = [*batch, *own]
        return np.transpose(found, [order.index(index) for index in left])

    def _add(
        self, equation: Equation, target: NDArray[Any], places: tuple[Any, ...], reduced: Any
    ) -> None:
        if not places:
            target[...] += reduced
            return
        places = np.broadcast_arrays(*places, np.asarray(reduced))
        *where_to, amounts = places
        inside = np.ones(amounts.shape, dtype=bool)
        for place, size in zip(where_to, target.shape, strict=True):
            inside &= (place >= 0) & (place < size)
        if np.any(amounts[~inside]):
            raise SymbpError(f"{equation.lhs}: writes outside of its tensor")
        np.add.at(target, tuple(p[inside] for p in where_to), amounts[inside])

    def evaluate(self, node: Any, grid: Grid) -> Any:
        """Evaluate a scalar expression over the grid."""
        if isinstance(node, Index):
            return grid[node]
        if isinstance(node, Element):
            array = self.values[node.tensor]
            places = []
            for subscript, size in zip(node.args, array.shape, strict=True):
                place = np.asarray(self.evaluate(subscript, grid)).astype(np.int64)
                outside = self.allowed & ((place < 0) | (place >= size))
                if np.any(outside):
                    wrong = np.broadcast_to(place, outside.shape)[outside].ravel()[0]
                    raise SymbpError(
                        f"{self.running.lhs}: subscript {subscript} of {node.tensor.name} is "
                        f"{wrong}, expected 0 to {size - 1}"
                    )
                places.append(np.clip(place, 0, size - 1))
            return array[tuple(places)] if places else array[()]
        if node.is_Symbol:
            return float(self.extents[node])
        if node in (sympy.true, sympy.false):
            return bool(node)
        if node.is_Number or node.is_NumberSymbol:
            return float(node)
        if node is sympy.zoo:  # a negative power of 0
            return np.inf
        if isinstance(node, Prime):
            return self.evaluate(node.rule("accurate"), grid)
        if isinstance(node, where):
            return self._where(node, grid)
        if isinstance(node, sympy.Mul):
            return self._product(node, grid)
        if isinstance(node, sympy.floor | sympy.ceiling | sympy.Mod):
            return values_at(node, lambda leaf: self._whole(leaf, grid))
        if grid or not isinstance(node, sympy.Function):
            return self._applied(node, grid)
        # A function of many scalars is read again for each of its derivatives.
        if node not in self.scalars:
            self.scalars[node] = self._applied(node, grid)
        return self.scalars[node]

    def _whole(self, node: Any, grid: Grid) -> Any:
        return np.asarray(self.evaluate(node, grid)).astype(np.int64)

    def _applied(self, node: Any, grid: Grid) -> Any:
        values = [self.evaluate(argument, grid) for argument in node.args]
        return _apply(self, node, values, grid)

    def _product(self, node: Any, grid: Grid) -> Any:
        """Multiply from left to right; a factor with a negative power divides."""
        result: Any = None
        for factor in node.args:
            divisor = denominator(factor)
            if divisor is not None:
                divisor = np.asarray(self.evaluate(divisor, grid), dtype=np.float64)
                result = (1.0 if result is None else result) / divisor
            else:
                value = self.evaluate(factor, grid)
                result = value if result is None else result * value
        return result

    def _where(self, node: Any, grid: Grid) -> Any:
        """Evaluate both branches; only where one is chosen must its reads be inside."""
        condition = np.asarray(self.evaluate(node.args[0], grid), dtype=bool)
        before = self.allowed
        self.allowed = before & condition
        chosen = self.evaluate(node.args[1], grid)
        self.allowed = before & ~condition
        other = self.evaluate(node.args[2], grid)
        self.allowed = before
        return np.where(condition, chosen, other)


def _apply(state: _State, node: Any, values: list[Any], grid: Grid) -> Any:
    if isinstance(node, sympy.Add):
        return sum(values[1:], values[0])
    if isinstance(node, sympy.Pow):
        base, exponent = values
        if node.args[1] == -1:
            return 1.0 / np.asarray(base, dtype=np.float64)
        return np.asarray(base, dtype=np.float64) ** exponent
    for kind, evaluate in _LOGIC.items():
        if isinstance(node, kind):
            return evaluate(*values)
    record = operation_of(type(node))
    if record.value is None:
        assert record.definition is not None, "a user's function has a definition"
        return state.evaluate(record.definition(*node.args), grid)
    return record.value(*(np.asarray(v, dtype=np.float64) for v in values))


def _all(*values: Any) -> Any:
    result = values[0]
    for value in values[1:]:
        result = np.logical_and(result, value)
    return result


def _any(*values: Any) -> Any:
    result = values[0]
    for value in values[1:]:
        result = np.logical_or(result, value)
    return result


_LOGIC: dict[Any, Any] = {
    **COMPARISONS,
    sympy.And: _all,
    sympy.Or: _any,
    sympy.Not: np.logical_not,
}
