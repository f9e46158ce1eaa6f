"""Whether a subscript stays inside its tensor, found by evaluating it over its indices.

Only what can be decided before any data is seen is decided here: subscripts that are affine in
indices, under the conditions of the ``where`` that guards them.
"""

import math
from collections.abc import Iterator
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
from symbp.notation.symbolic_bounds import is_inside, limit_inside
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import Limit, data_of, quotient_of, span_of, values_at

__all__ = ["COMPARISONS", "check_bounds", "limit_of", "limits_in"]

LARGEST_GRID = 20_000_000

Guard = tuple[Boolean, bool]


def check_bounds(lhs: Element, body: Expr, batch: sympy.Symbol | None = None) -> None:
    """Raise :class:`NotationError` if an element of the body can be read outside its tensor.

    A read inside ``where(condition, a, b)`` counts only where the condition lets it happen, as
    far as the condition speaks of indices.
    """
    for element, guards in _guarded(body, ()):
        for position, subscript in enumerate(element.args):
            _check(lhs, element, position, subscript, guards, batch)


def _guarded(node: Any, guards: tuple[Guard, ...]) -> Iterator[tuple[Element, tuple[Guard, ...]]]:
    """Yield every element that is read, with the conditions under which it is."""
    if isinstance(node, Element):
        yield node, guards
    if isinstance(node, where):
        condition, chosen, other = node.args
        yield from _guarded(condition, guards)
        yield from _guarded(chosen, (*guards, *_parts(condition, True)))
        yield from _guarded(other, (*guards, *_parts(condition, False)))
        return
    for argument in node.args:
        yield from _guarded(argument, guards)


def _parts(condition: Boolean, truth: bool) -> list[Guard]:
    """Return what a condition says as separate conditions, so that each can be used or not."""
    if isinstance(condition, Not):
        return _parts(condition.args[0], not truth)
    if isinstance(condition, And if truth else Or):
        return [part for argument in condition.args for part in _parts(argument, truth)]
    return [(condition, truth)]


def _check(
    lhs: Element, node: Element, position: int, subscript: Expr, guards: tuple[Guard, ...],
    batch: sympy.Symbol | None,
) -> None:  # fmt: skip
    extent = node.tensor.indices[position].extent
    if data_of(subscript):
        limit_of(lhs, node, position, guards, batch)
        return  # checked at run time, where the data come in
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
    if symbolic or not isinstance(extent, int) or subscript.free_symbols - {*indices_of(subscript)}:
        if batch is not None and batch in (extent, *(i.extent for i in symbolic)):
            # Examples come in any order, and a batch has as many of them as the user says.
            raise NotationError(
                f"{name}: an axis or index of extent {batch} takes plain indices of that extent "
                f"only"
            )
        if not is_inside(subscript, extent, guards):
            shown = f"{guards[-1][0]} holds" if guards else "it is read"
            raise NotationError(
                f"{name}: it cannot be shown to lie between 0 and {extent} - 1 wherever {shown}, "
                f"for every size that is known at run time only; guard it with where(condition, …)"
            )
        return
    if isinstance(subscript, Index) and not guards:
        raise NotationError(
            f"{name}: extents disagree, the index has {subscript.extent}, axis {position} has "
            f"{extent}"
        )
    _refuse_unless_guarded(name, node, position, extent, guards)


def limit_of(
    lhs: Element, node: Element, position: int, guards: tuple[Guard, ...] = (),
    batch: sympy.Symbol | None = None,
) -> tuple[Tensor, Limit] | None:  # fmt: skip
    """Return what an integer tensor must be for a subscript of it to stay inside, if anything.

    Parameters
    ----------
    lhs : Element
        Of the equation, for messages.
    node : Element
        What is read.
    position : int
        Of the subscript.
    guards : tuple of (Boolean, bool)
        The conditions under which it is read, and whether they hold.
    batch : Symbol, optional
        The number of examples: which of them data mean is not checked, a batch has but some.

    Raises
    ------
    NotationError
        No value of the data keeps it inside.
    UnsupportedError
        Several data stand in one subscript, or the axis has an extent known at run time.
    """
    subscript, extent = node.args[position], node.tensor.indices[position].extent
    (datum, *others) = data_of(subscript)
    if subscript is datum:
        return None if extent == batch else (datum.tensor, Limit(0, extent))
    name = f"{lhs}: subscript {subscript} of {node.tensor.name}"
    if not isinstance(extent, int):
        found = None if others else limit_inside(subscript, extent, guards, datum)
        if found is None:
            raise UnsupportedError(
                f"{name}: which data keep it inside of an axis of {extent} elements, for every "
                f"{extent}, is not found; write it as {datum} - 1 or {datum}, or guard it"
            )
        return datum.tensor, found
    span = span_of(subscript)
    if span.is_within(0, extent - 1):
        return None
    if others or any(not isinstance(i.extent, int) for i in _outside_of_data(subscript)):
        raise UnsupportedError(
            f"{name}: which data keep it inside of axis {position}, of {extent} elements, is known "
            f"of one datum and indices of known extents; write ({subscript}) % {extent}, or put "
            f"one number in the place of {' and '.join(map(str, (datum, *others)))}"
        )
    allowed = _allowed(name, subscript, datum, extent, guards)
    if allowed is None:
        raise NotationError(
            f"{name}: no value of {datum} keeps it inside of axis {position}, of {extent} elements"
        )
    return datum.tensor, allowed


def _outside_of_data(subscript: Expr) -> list[Index]:
    return indices_of(subscript.xreplace(dict.fromkeys(data_of(subscript), sympy.S.Zero)))


def _allowed(
    name: str, subscript: Expr, datum: Element, extent: int, guards: tuple[Guard, ...]
) -> Limit | None:
    """Return which values of a datum keep a subscript inside, wherever guards let it be read."""
    outside = {datum: sympy.S.Zero}
    conditions = [
        (c, t)
        for c, t in guards
        if not c.atoms(Element, Phase) - {datum} - datum.atoms(Element)
        and all(isinstance(i.extent, int) for i in indices_of(c.xreplace(outside)))
    ]
    used = {*_outside_of_data(subscript)}
    for condition, _ in conditions:
        used |= set(indices_of(condition.xreplace(outside)))
    ordered = sorted(used, key=lambda index: index.dummy_index)
    rest = span_of(subscript.xreplace(outside))
    assert rest.low is not None
    assert rest.high is not None
    # A coefficient of the datum is at least 1: further out, the subscript is outside.
    reach = max(abs(rest.low), abs(rest.high)) + extent + 1
    divisors = [
        int(part.args[1]) if isinstance(part, sympy.Mod) else quotient_of(part.args[0])[1]
        for part in subscript.atoms(sympy.Mod, sympy.floor)
    ]
    reach *= max(divisors, default=1)
    size = math.prod([2 * reach + 1, *(int(index.extent) for index in ordered)])
    if size > LARGEST_GRID:
        raise UnsupportedError(f"{name}: {size} values of data and indices are too many to check")
    values = np.arange(-reach, reach + 1)
    grid: dict[Any, Any] = {datum: values.reshape([-1, *[1] * len(ordered)])}
    for place, index in enumerate(ordered, 1):
        shape = [-1 if at == place else 1 for at in range(len(ordered) + 1)]
        grid[index] = np.arange(int(index.extent)).reshape(shape)
    reached: Any = np.asarray(True)
    for condition, truth in conditions:
        reached = reached & (np.asarray(_value(condition, grid)) == truth)
    at = np.asarray(_value(subscript, grid))
    fine = ~reached | ((at >= 0) & (at < extent))
    full = np.broadcast_shapes(fine.shape, [1 + 2 * reach, *[1] * len(ordered)])
    kept = np.broadcast_to(fine, full).all(axis=tuple(range(1, len(ordered) + 1)))
    # The longest run of values; one that reaches the end of those tried has no limit there.
    edges = np.flatnonzero(np.diff(np.concatenate([[0], kept.view(np.int8), [0]])))
    runs = sorted(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[0] - run[1])
    if not runs:
        return None
    first, last = (int(end) for end in runs[0])
    return Limit(
        None if first == 0 else int(values[first]),
        None if last == len(values) else int(values[last]),
    )


def limits_in(
    lhs: Element, body: Expr, batch: sympy.Symbol | None
) -> Iterator[tuple[Tensor, Limit]]:
    """Yield what the integer tensors in the subscripts of an equation must be."""
    for inner, guards in _guarded(body, ()):
        for position, subscript in enumerate(inner.args):
            if data_of(subscript):
                found = limit_of(lhs, inner, position, guards, batch)
                if found is not None:
                    yield found
    for position, subscript in enumerate(lhs.args):
        if isinstance(subscript, Element):
            found = limit_of(lhs, lhs, position, (), batch)
            if found is not None:
                yield found


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
    if node in grid:
        return grid[node]
    if node.is_Number:
        return int(node) if node.is_Integer else float(node)
    if node in (sympy.true, sympy.false):
        return bool(node)
    if isinstance(node, sympy.floor | sympy.ceiling | sympy.Mod):
        return values_at(node, lambda leaf: _value(leaf, grid))
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
    sympy.Pow: np.power,
    sympy.Abs: np.abs,
}
