"""Reshaping: axes put together are sums of indices on the left, those taken apart on the right."""

import math
from collections.abc import Sequence
from typing import Any

import sympy

from symbp.interop.onnx.call import Call, operator
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Extent, Index

__all__: list[str] = []


@operator("Reshape")
def reshape(call: Call) -> None:
    """Put the same values in another shape."""
    wanted = call.attribute("shape") if call.opset < 5 else call.whole_numbers(1)
    shape = call.shape(0)
    result: list[Any] = [
        shape[axis] if each == 0 and not call.attribute("allowzero", 0) else each
        for axis, each in enumerate(wanted or ())
    ]
    if -1 in result:
        place = result.index(-1)
        rest = [*shape]
        for each in (e for e in result if e != -1):
            if isinstance(each, sympy.Symbol):
                rest.remove(each)
        known = math.prod(each for each in result if isinstance(each, int) and each != -1)
        symbols = [each for each in rest if isinstance(each, sympy.Symbol)]
        whole = math.prod(int(each) for each in rest if not isinstance(each, sympy.Symbol))
        if symbols and (len(symbols) > 1 or whole != known):
            raise _mixed(call, shape, tuple(wanted or ()))
        result[place] = symbols[0] if symbols else whole // known
    reshaped(call, result)


@operator("Flatten")
def flatten(call: Call) -> None:
    """Leave two axes."""
    shape = call.shape(0)
    axis = call.axis(call.attribute("axis", 1), len(shape))
    reshaped(call, [_product(call, shape[:axis]), _product(call, shape[axis:])])


def _product(call: Call, extents: Sequence[Extent]) -> Extent:
    symbols = [extent for extent in extents if not isinstance(extent, int)]
    numbers = math.prod(extent for extent in extents if isinstance(extent, int))
    if symbols and (numbers != 1 or len(symbols) > 1):
        raise call.refuse(f"the batch beside other axes, {tuple(extents)}, would be one axis")
    return symbols[0] if symbols else numbers


def _mixed(call: Call, old: Any, new: Any) -> UnsupportedError:
    symbol = next(each for each in old if not isinstance(each, int))
    return call.refuse(
        f"{old} as {new} puts the examples into one axis with others; it can be read for a number "
        f"of them, sizes={{{str(symbol)!r}: …}}"
    )


def reshaped(call: Call, shape: Sequence[Extent]) -> None:
    """Define the output as the input in another shape."""
    groups = _groups(call, call.shape(0), shape)
    # Axes that are put together are sums of indices on the left, those taken apart on the right.
    apart = any(len(new) > 1 for _, new in groups)
    together = any(len(old) > 1 for old, _ in groups)
    inner = [call.indices(old) for old, _ in groups]
    source = call.element(0, [index for group in inner for index in group])
    if together or not apart:
        flat = [_place(group) for group in inner]
        sizes: list[Any] = [_product(call, old) for old, _ in groups]
        if not apart:
            kept = [f for f, (_, new) in zip(flat, groups, strict=True) if new]
            _defined(call, [*kept], source, shape, 0)
            return
        tensor = _defined(call, flat, source, sizes, None)
        outer = [call.indices(new) for _, new in groups]
        body = tensor[tuple(_place(group) for group in outer)]
    else:
        outer = [call.indices(new) for _, new in groups]
        body = call.element(
            0, [p for g, o in zip(outer, inner, strict=True) for p in ([_place(g)] if o else [])]
        )
    call.define([index for group in outer for index in group], body)


def _defined(
    call: Call, left: list[Any], body: Any, shape: Sequence[Extent], output: int | None
) -> Any:
    # A place that is 0 for an axis of one element is an index of its own.
    indices = [
        Index("o", 1) if not isinstance(each, sympy.Basic) or each == 0 else each for each in left
    ]
    if len(indices) == len(shape) and all(
        isinstance(i, Index) and i.extent == e for i, e in zip(indices, shape, strict=True)
    ):
        return call.define(indices, body, output, "flat")
    return call.define(indices, body, output, "flat", shape=shape)


def _place(group: Sequence[Index]) -> Any:
    result: Any = sympy.S.Zero
    for index in group:
        result = result * index.extent + index if isinstance(index.extent, int) else result + index
    return sympy.expand(result)


def _groups(
    call: Call, old: Sequence[Extent], new: Sequence[Extent]
) -> list[tuple[list[Extent], list[Extent]]]:
    """Return runs of axes of the old and of the new shape that hold the same values."""
    groups: list[tuple[list[Extent], list[Extent]]] = []
    a, b = [*old], [*new]
    while a or b:
        left, right = ([a.pop(0)] if a else []), ([b.pop(0)] if b else [])
        while (p := _size(left)) != (q := _size(right)):
            fewer = _fewer(p, q)
            if fewer and a:
                left.append(a.pop(0))
            elif not fewer and b:
                right.append(b.pop(0))
            else:
                raise _mixed(call, tuple(old), tuple(new))
        groups.append((left, right))
    return groups


def _size(extents: Sequence[Extent]) -> tuple[tuple[Any, ...], int]:
    symbols = tuple(each for each in extents if not isinstance(each, int))
    return symbols, math.prod(each for each in extents if isinstance(each, int))


def _fewer(p: Any, q: Any) -> bool:
    if len(p[0]) != len(q[0]):
        return len(p[0]) < len(q[0])
    return bool(p[1] < q[1])
