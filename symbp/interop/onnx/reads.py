"""Reading a tensor at subscripts: slices, gathers along an axis, and gathers of single elements.

Subscripts that share no index are taken one axis at a time: ``x[n, c, 2*h + p]`` is a gather along
the last axis by the matrix of places ``2*h + p``. Those that share one, as in ``q[n, label[n]]``
and ``A[i, i]``, are taken together, element by element. A place outside of a tensor is one that a
``where`` does not choose; the nearest inside stands for it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symbp.interop.onnx.values import Value, Values
from symbp.notation.index import Index

__all__ = ["read"]

Evaluate = Callable[[Any], Value]


def read(v: Values, source: Value, subscripts: Sequence[Any], evaluate: Evaluate) -> Value:
    """Return a tensor's elements at subscripts.

    Parameters
    ----------
    v : Values
        What adds nodes.
    source : Value
        The tensor, its axes in order.
    subscripts : sequence of expression
        One for each axis.
    evaluate : callable
        Of a subscript.
    """
    if not subscripts:
        return source
    # What each axis is by now: a subscript that is still to be read at, or an index.
    labels: list[Any] = [*range(len(subscripts))]
    places: dict[int, Value] = {}
    for position, (subscript, index) in enumerate(zip(subscripts, source.axes, strict=True)):
        if not (isinstance(subscript, Index) and subscript.extent == index.extent):
            places[position] = _places(v, subscript, index, evaluate)
    data, extents = v.name(source), [index.extent for index in source.axes]
    for group in _groups(subscripts, places):
        if len(group) > 1:
            found = [places.get(p) or v.positions(subscripts[p]) for p in group]
            data, labels = _elements(v, data, labels, group, found)
        elif group[0] in places:
            place = places[group[0]]
            data, labels = _along(v, data, labels, group[0], place, extents[group[0]])
    axes = tuple(subscripts[each] if isinstance(each, int) else each for each in labels)
    return Value(data, axes, source.kind)


def _places(v: Values, subscript: Any, index: Index, evaluate: Evaluate) -> Value:
    value = evaluate(subscript)
    if isinstance(value.data, np.ndarray) and isinstance(index.extent, int):
        whole = np.clip(value.data, 0, index.extent - 1).astype(np.int64)
        return Value(whole, value.axes, "int")
    return v.cast(value, "int")


def _groups(subscripts: Sequence[Any], places: dict[int, Value]) -> list[list[int]]:
    """Return the positions in groups of those that share an index, those with data last."""
    groups: list[tuple[set[Index], list[int]]] = []
    for position, subscript in enumerate(subscripts):
        used = set(places[position].axes) if position in places else {subscript}
        together = [position]
        rest = []
        for indices, members in groups:
            if indices & used:
                used, together = used | indices, members + together
            else:
                rest.append((indices, members))
        groups = [*rest, (used, together)]
    return [sorted(members) for _, members in groups]


def _along(
    v: Values, data: str, labels: list[Any], position: int, place: Value, extent: Any
) -> tuple[str, list[Any]]:
    """Take the places of one axis."""
    axis = labels.index(position)
    labels = [*labels[:axis], *place.axes, *labels[axis + 1 :]]
    numbers = place.data
    if isinstance(numbers, np.ndarray) and numbers.ndim == 1 and numbers.size > 1:
        steps = np.diff(numbers)
        if np.all(steps == steps[0]) and steps[0] > 0:
            whole = np.asarray([[numbers[0]], [numbers[-1] + 1], [axis], [steps[0]]])
            if numbers[0] == 0 and steps[0] == 1 and numbers.size == extent:
                return data, labels
            bounds = [v.graph.constant(each.astype(np.int64)) for each in whole]
            return v.graph.add("Slice", [data, *bounds]), labels
    return v.graph.add("Gather", [data, v.name(place)], axis=axis), labels


def _elements(
    v: Values, data: str, labels: list[Any], group: list[int], places: list[Value]
) -> tuple[str, list[Any]]:
    """Take single elements: the axes of a group stand in front, and tuples of places select."""
    inner = [labels.index(position) for position in group]
    order = [*inner, *(axis for axis in range(len(labels)) if axis not in inner)]
    if order != [*range(len(labels))]:
        data = v.graph.add("Transpose", [data], perm=order)
    axes = v.sorted([index for place in places for index in place.axes])
    wide = [v.full(place, axes) for place in places]
    if all(isinstance(place.data, np.ndarray) for place in wide):
        tuples = v.graph.constant(np.stack([np.asarray(place.data) for place in wide], axis=-1))
    else:
        last = v.graph.constant(np.asarray([len(axes)], dtype=np.int64))
        columns = [v.graph.add("Unsqueeze", [v.name(place), last]) for place in wide]
        tuples = v.graph.add("Concat", columns, axis=len(axes))
    found = v.graph.add("GatherND", [data, tuples])
    return found, [*axes, *(labels[axis] for axis in order[len(inner) :])]
