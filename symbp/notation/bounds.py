"""Whether a subscript stays inside its tensor, found by evaluating it over its indices.

Only what can be decided before any data is seen is decided here: subscripts that are affine in
indices, under the conditions of the ``where`` that guards them.
"""

import math
from typing import Any

import numpy as np
import sympy
from sympy.core.expr import Expr
from sympy.logic.boolalg import And, Boolean, Not, Or

from symbp.notation.axes import swapped
from symbp.notation.equation import indices_of
from symbp.notation.errors import NotationError, UnsupportedError
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.phase import Phase
from symbp.notation.tensor import Element

__all__ = ["COMPARISONS", "check_bounds"]

LARGEST_GRID = 20_000_000

Guard = tuple[Boolean, bool]


def check_bounds(lhs: Element, body: Expr) -> None:
    """Raise :class:`NotationError` if an element of the body can be read outside its tensor.

    A read inside ``where(condition, a, b)`` counts only where the condition lets it happen, as
    far as the condition speaks of indices.
    """
    _visit(lhs, body, ())


def _visit(lhs: Element, node: Any, guards: tuple[Guard, ...]) -> None:
    if isinstance(node, Element):
        for position, subscript in enumerate(node.args):
            _check(lhs, node, position, subscript, guards)
    if isinstance(node, where):
        condition, chosen, other = node.args
        _visit(lhs, condition, guards)
        _visit(lhs, chosen, (*guards, *_parts(condition, True)))
        _visit(lhs, other, (*guards, *_parts(condition, False)))
        return
    for argument in node.args:
        _visit(lhs, argument, guards)


def _parts(condition: Boolean, truth: bool) -> list[Guard]:
    """Return what a condition says as separate conditions, so that each can be used or not."""
    if isinstance(condition, Not):
        return _parts(condition.args[0], not truth)
    if isinstance(condition, And if truth else Or):
        return [part for argument in condition.args for part in _parts(argument, truth)]
    return [(condition, truth)]


def _check(
    lhs: Element, node: Element, position: int, subscript: Expr, guards: tuple[Guard, ...]
) -> None:
    extent = node.tensor.indices[position].extent
    if isinstance(subscript, Element):
        return  # data-dependent: checked at run time, where the data comes in
    if subscript.atoms(Element):
        raise UnsupportedError(
            f"{lhs}: subscript {subscript} of {node.tensor.name} mixes data and indices; only an "
            f"element of an integer tensor by itself can be a subscript"
        )
    if isinstance(subscript, Index) and subscript.extent == extent:
        return
    name = f"{lhs}: subscript {subscript} of {node.tensor.name}"
    symbolic = [i for i in indices_of(subscript) if not isinstance(i.extent, int)]
    if isinstance(subscript, Index) and (not guards or symbolic or not isinstance(extent, int)):
        # A guarded index of another extent may stay inside.
        question = swapped(node)
        if question:
            raise NotationError(
                f"{lhs}: {node}: the index {subscript} has extent {subscript.extent}, axis "
                f"{position} of {node.tensor.name} has {extent}{question}"
            )
    if symbolic or not isinstance(extent, int):
        raise NotationError(
            f"{name}: an axis or index of extent {extent if not symbolic else symbolic[0].extent} "
            f"takes plain indices of that extent only"
        )
    if isinstance(subscript, Index) and not guards:
        raise NotationError(
            f"{name}: extents disagree, the index has {subscript.extent}, axis {position} has "
            f"{extent}"
        )
    _refuse_unless_guarded(name, node, position, extent, guards)


def _refuse_unless_guarded(
    name: str, node: Element, position: int, extent: int, guards: tuple[Guard, ...]
) -> None:
    subscript = node.args[position]
    used = set(indices_of(subscript))
    conditions = [(c, t) for c, t in guards if not c.atoms(Element, Phase) and _finite(c)]
    for condition, _ in conditions:
        used |= set(indices_of(condition))
    ordered = sorted(used, key=lambda index: index.dummy_index)
    size = math.prod(int(index.extent) for index in ordered)
    if size > LARGEST_GRID:
        raise UnsupportedError(f"{name}: {size} index values are too many to check")
    grid = {
        index: np.arange(int(index.extent)).reshape(
            [-1 if other is index else 1 for other in ordered]
        )
        for index in ordered
    }
    allowed: Any = np.asarray(True)
    for condition, truth in conditions:
        allowed = allowed & (np.asarray(_value(condition, grid)) == truth)
    value = np.asarray(_value(subscript, grid))
    value, allowed = np.broadcast_arrays(value, allowed)
    reached = value[allowed]
    if reached.size and (reached.min() < 0 or reached.max() >= extent):
        if subscript.is_Integer:
            last = node.tensor[(*node.args[:position], extent - 1, *node.args[position + 1 :])]
            raise NotationError(
                f"{name.partition(':')[0]}: {node} is outside of {node.tensor.name}: axis "
                f"{position} has {extent} elements, counted from 0 and never from the end; the "
                f"last is {last}"
            )
        raise NotationError(
            f"{name} runs from {reached.min()} to {reached.max()}, its axis from 0 to "
            f"{extent - 1}: guard it with where(condition, …)"
        )


def _finite(condition: Boolean) -> bool:
    return all(isinstance(index.extent, int) for index in indices_of(condition))


def _value(node: Any, grid: dict[Index, Any]) -> Any:
    """Evaluate an expression or condition of indices over the grid."""
    if isinstance(node, Index):
        return grid[node]
    if node.is_Number:
        return int(node) if node.is_Integer else float(node)
    if node in (sympy.true, sympy.false):
        return bool(node)
    values = [_value(argument, grid) for argument in node.args]
    if isinstance(node, sympy.Add):
        return sum(values[1:], values[0])
    if isinstance(node, sympy.Mul):
        return math.prod(values[1:], start=values[0])
    if isinstance(node, And):
        return np.logical_and.reduce(np.broadcast_arrays(*values))
    if isinstance(node, Or):
        return np.logical_or.reduce(np.broadcast_arrays(*values))
    if isinstance(node, Not):
        return np.logical_not(values[0])
    for kind, evaluate in _VALUES.items():
        if isinstance(node, kind):
            return evaluate(*values)
    raise UnsupportedError(f"condition {node}: expected comparisons of indices")


# What a comparison of SymPy is in NumPy; the interpreter evaluates by it too.
COMPARISONS: dict[Any, Any] = {
    sympy.Eq: np.equal,
    sympy.Ne: np.not_equal,
    sympy.Lt: np.less,
    sympy.Le: np.less_equal,
    sympy.Gt: np.greater,
    sympy.Ge: np.greater_equal,
}
_VALUES: dict[Any, Any] = {
    **COMPARISONS,
    sympy.Mod: np.mod,
    sympy.floor: np.floor,
    sympy.Pow: np.power,
    sympy.Abs: np.abs,
}
