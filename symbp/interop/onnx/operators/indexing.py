"""Reading at places that are data, or listed."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from symbp.interop.onnx.call import Call, number, operator, pieces
from symbp.interop.onnx.evaluated import array
from symbp.notation.functions import maximum, minimum, where
from symbp.notation.tensor import Element, Tensor

__all__ = ["data"]

# A list of places is written as that many pieces, each affine in an index.
_MOST_PIECES = 64


def data(call: Call, place: int) -> Callable[[Sequence[Any]], Element] | None:
    """Return what reads an input of integers that is given at run time; None if it is known.

    It may have been moved on its way: what its elements are by then is an element still.
    """
    found = call.given(place)
    if not isinstance(found, Tensor):
        return None

    def read(subscripts: Sequence[Any]) -> Element:
        element = found[tuple(subscripts)]
        while element.tensor.kind != "integer":
            equation = call.defined.get(element.tensor)
            moved = equation is not None and equation.is_elementwise
            if not moved or not isinstance(equation.body, Element):  # type: ignore[union-attr]
                raise call.refuse(
                    f"places {call.input_names[place]} are computed; those that are data are an "
                    f"input of integers, which may be moved and no more"
                )
            assert equation is not None
            own = dict(zip(equation.lhs.args, element.args, strict=True))
            element = equation.body.xreplace(own)
        return element

    return read


@operator("Gather")
def gather(call: Call) -> None:
    """Take rows of an axis."""
    rank = call.rank(0)
    axis = call.axis(call.attribute("axis", 0), rank)
    shape = call.shape(0)
    places = data(call, 1)
    middle = call.indices(call.shape(1))
    rest = call.indices([*shape[:axis], *shape[axis + 1 :]])
    before, after = rest[:axis], rest[axis:]
    indices = [*before, *middle, *after]
    if places is not None:
        call.define(indices, call.element(0, [*before, places(middle), *after]))
        return
    numbers = np.asarray(call.given(1))
    size = call.size(0, axis)
    listed = np.where(numbers < 0, numbers + size, numbers)

    def read(place: Any) -> Any:
        return call.element(0, [*before, place, *after])

    call.define(indices, _listed(call, listed, middle, read))


def _listed(call: Call, listed: Any, indices: Any, read: Any) -> Any:
    """Return what is read at an array of places, one for each value of some indices."""
    if listed.ndim > 1:
        whole = _clipped(listed, indices, read)
        if whole is not None:
            return whole
    if listed.size > _MOST_PIECES:
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


def _clipped(listed: Any, indices: Any, read: Any) -> Any:
    """Return what is read at places that are affine in the indices, kept inside of two bounds.

    Such are the windows of a convolution, with places beyond the ends of a tensor moved inside.
    None if they are not.
    """
    low, high = int(listed.min()), int(listed.max())
    inside = (listed > low) & (listed < high)
    strides = []
    for axis in range(listed.ndim):
        steps = np.diff(listed, axis=axis)
        both = np.diff(inside.astype(int), axis=axis) == 0
        kept = steps[both & np.delete(inside, 0, axis=axis)]
        kept = kept if kept.size else steps.ravel()
        strides.append(int(kept[np.argmax(np.abs(kept))]) if kept.size else 0)
    grid = sum(s * g for s, g in zip(strides, np.indices(listed.shape), strict=True))
    offsets = (listed - grid)[inside] if inside.any() else (listed - grid).ravel()
    offset = int(offsets[0])
    if not np.array_equal(np.clip(grid + offset, low, high), listed):
        return None
    place = sum((s * i for s, i in zip(strides, indices, strict=True)), sympy.Integer(offset))
    body = read(place)
    if (grid + offset).max() > high:
        body = where(place > high, read(sympy.Integer(high)), body)
    if (grid + offset).min() < low:
        body = where(place < low, read(sympy.Integer(low)), body)
    return body


@operator("GatherElements")
def gather_elements(call: Call) -> None:
    """Take one element of an axis for each place."""
    axis = call.axis(call.attribute("axis", 0), call.rank(0))
    places = data(call, 1)
    indices = call.indices(call.shape(1))
    if places is not None:
        source = [places(indices) if a == axis else i for a, i in enumerate(indices)]
        call.define(indices, call.element(0, source))
        return
    numbers = np.asarray(call.given(1))
    listed = np.where(numbers < 0, numbers + call.size(0, axis), numbers)

    def read(place: Any) -> Any:
        return call.element(0, [place if a == axis else i for a, i in enumerate(indices)])

    call.define(indices, _listed(call, listed, indices, read))


@operator("GatherND")
def gather_nd(call: Call) -> None:
    """Take single elements, or what stands behind them."""
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
            at = [
                int(p) + (size if p < 0 else 0)
                for p, size in zip(listed, sizes[batch:], strict=False)
            ]
            return call.element(0, [*outer[:batch], *at, *rest])
        body = None
        for row in reversed(range(listed.shape[0])):
            value = chosen(level + 1, listed[row])
            body = value if body is None else where(outer[level] < row + 1, value, body)
        return body

    call.define([*outer, *rest], chosen(0, numbers))


@operator("OneHot")
def one_hot(call: Call) -> None:
    """Choose one of two values: the second where the place is the index."""
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
    """Replace values at places that are listed, or add to them and the like."""
    numbers, sizes = np.asarray(call.known(1)), call.sizes(0)
    indices = call.indices(sizes)
    body = call.element(0, indices)
    written: list[tuple[list[Any], Any]] = []
    if call.operator == "ScatterND":
        depth = numbers.shape[-1]
        rest = indices[depth:]
        for place in np.ndindex(numbers.shape[:-1]):
            written.append(([int(p) for p in numbers[place]], call.element(2, [*place, *rest])))
    else:
        axis = call.axis(call.attribute("axis", 0), len(sizes))
        for place in np.ndindex(numbers.shape):
            at = [int(numbers[place]) if a == axis else p for a, p in enumerate(place)]
            written.append((at, call.element(2, place)))
    if len(written) > _MOST_PIECES:
        raise call.refuse(f"{len(written)} places that are listed are too many to be written out")
    joined = _JOINED[call.attribute("reduction", "none")]
    for at, value in written:
        here = [
            sympy.Eq(index, p + size if p < 0 else p)
            for index, p, size in zip(indices, at, sizes, strict=False)
            if size > 1
        ]
        new = joined(body, value)
        body = where(sympy.And(*here), new, body) if here else new
    call.define(indices, body)


_JOINED: dict[str, Any] = {
    "none": lambda a, b: b,
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "max": maximum,
    "min": minimum,
}


@operator("Range", "ConstantOfShape")
def known_only(call: Call) -> None:
    """Ask for inputs that are known: then the numbers are computed when the file is read."""
    for place in range(len(call.inputs)):
        call.known(place)
    if call.operator == "ConstantOfShape":  # of a size that is known at run time only
        value = call.attribute("value")
        filled = sympy.S.Zero if value is None else number(array(value).ravel()[0])
        call.define(call.indices(call.whole_numbers(0) or []), filled)
    else:
        raise call.refuse("a size that is known at run time only")


@operator("EyeLike")
def eye_like(call: Call) -> None:
    """Define 1 on a diagonal."""
    i, j = call.indices(call.sizes(0))
    call.define([i, j], where(sympy.Eq(j, i + call.attribute("k", 0)), 1, 0))
