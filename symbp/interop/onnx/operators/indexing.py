"""Reading at places that are data, or listed."""

from typing import Any

import numpy as np
import sympy

from symbp.interop.onnx.call import Call, number, operator, pieces
from symbp.notation.functions import where
from symbp.notation.tensor import Tensor

__all__: list[str] = []

# A list of places is written as that many pieces, each affine in an index.
_MOST_PIECES = 64


def _data(call: Call, place: int) -> Tensor | None:
    """Return an input of integers that is given at run time, or None if it is known."""
    found = call.given(place)
    if not isinstance(found, Tensor):
        return None
    if found.kind != "integer":
        raise call.refuse(
            f"places {call.input_names[place]} are computed; those that are data are an input of "
            f"integers by itself"
        )
    return found


@operator("Gather")
def gather(call: Call) -> None:
    """Rows of an axis."""
    rank = call.rank(0)
    axis = call.axis(call.attribute("axis", 0), rank)
    shape = call.shape(0)
    places = _data(call, 1)
    middle = call.indices(call.shape(1))
    rest = call.indices([*shape[:axis], *shape[axis + 1 :]])
    before, after = rest[:axis], rest[axis:]
    indices = [*before, *middle, *after]
    if places is not None:
        call.define(indices, call.element(0, [*before, places[tuple(middle)], *after]))
        return
    numbers = np.asarray(call.given(1))
    size = call.size(0, axis)
    listed = np.where(numbers < 0, numbers + size, numbers)

    def read(place: Any) -> Any:
        return call.element(0, [*before, place, *after])

    call.define(indices, _listed(call, listed, middle, read))


def _listed(call: Call, listed: Any, indices: Any, read: Any) -> Any:
    """Return what is read at an array of places, one for each value of some indices."""
    if listed.size > _MOST_PIECES and listed.ndim > 1:
        raise call.refuse(f"{listed.size} places that are listed are too many to be written out")
    if not indices:
        return read(sympy.Integer(int(listed)))
    if len(indices) == 1:
        return pieces([int(each) for each in listed], indices[0], read)
    first, *rest = indices
    body = None
    for row in reversed(range(listed.shape[0])):
        value = _listed(call, listed[row], rest, read)
        body = value if body is None else where(first < row + 1, value, body)
    return body


@operator("GatherElements")
def gather_elements(call: Call) -> None:
    """One element of an axis for each place."""
    axis = call.axis(call.attribute("axis", 0), call.rank(0))
    places = _data(call, 1)
    indices = call.indices(call.shape(1))
    if places is not None:
        source = [places[tuple(indices)] if a == axis else i for a, i in enumerate(indices)]
        call.define(indices, _guarded(call, source, indices))
        return
    numbers = np.asarray(call.given(1))
    listed = np.where(numbers < 0, numbers + call.size(0, axis), numbers)

    def read(place: Any) -> Any:
        return call.element(0, [place if a == axis else i for a, i in enumerate(indices)])

    call.define(indices, _listed(call, listed, indices, read))


def _guarded(call: Call, source: Any, indices: Any) -> Any:
    return call.element(0, source)


@operator("GatherND")
def gather_nd(call: Call) -> None:
    """Single elements, or what stands behind them."""
    batch = call.attribute("batch_dims", 0)
    numbers = np.asarray(call.known(1))
    depth = numbers.shape[-1]
    sizes = call.sizes(0)
    outer = call.indices(numbers.shape[:-1])
    rest = call.indices(sizes[batch + depth :])
    flat = numbers.reshape(-1, depth)
    if len(flat) > _MOST_PIECES:
        raise call.refuse(f"{len(flat)} places that are listed are too many to be written out")

    def chosen(level: int, listed: Any) -> Any:
        if level == len(outer):
            at = [int(p) + (size if p < 0 else 0) for p, size in zip(listed, sizes[batch:], strict=False)]
            return call.element(0, [*outer[:batch], *at, *rest])
        body = None
        for row in reversed(range(listed.shape[0])):
            value = chosen(level + 1, listed[row])
            body = value if body is None else where(outer[level] < row + 1, value, body)
        return body

    call.define([*outer, *rest], chosen(0, numbers))


@operator("OneHot")
def one_hot(call: Call) -> None:
    """One of two values: the second where the place is the index."""
    depth = int(np.asarray(call.known(1)).ravel()[0])
    off, on = (number(each) for each in np.asarray(call.known(2)).ravel())
    rank = call.rank(0) + 1
    axis = call.axis(call.attribute("axis", -1), rank)
    shape = [*call.shape(0)]
    shape.insert(axis, depth)
    indices = call.indices(shape)
    x = call.element(0, [index for place, index in enumerate(indices) if place != axis])
    j = indices[axis]
    hit = sympy.Or(sympy.Eq(x, j), sympy.Eq(x, j - depth))
    call.define(indices, where(hit, on, off) if hit not in (sympy.true, sympy.false) else off)


@operator("ScatterElements", "ScatterND", "Scatter")
def scatter(call: Call) -> None:
    """Values that replace others at places that are listed."""
    raise call.refuse("places on the left that are data have no form in equations")
