"""What moves values and computes none: shapes, slices, padding, what stands beside one another."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from symbp.interop.onnx.call import Call, array_of, identifier, operator, pieces, reduced
from symbp.interop.onnx.evaluated import evaluated
from symbp.notation.functions import where
from symbp.notation.index import Extent, Index
from symbp.notation.naming import fresh_name
from symbp.notation.reductions import Sum

__all__: list[str] = []


@operator("Transpose")
def transpose(call: Call) -> None:
    """Axes in another order."""
    rank = call.rank(0)
    order = call.attribute("perm") or [*reversed(range(rank))]
    indices = call.indices([call.shape(0)[axis] for axis in order])
    source = [indices[order.index(axis)] for axis in range(rank)]
    call.define(indices, call.element(0, source))


@operator("Reshape")
def reshape(call: Call) -> None:
    """The same values in another shape."""
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
            raise call.refuse(f"{shape} as {tuple(wanted or ())} puts the batch beside other axes")
        result[place] = symbols[0] if symbols else whole // known
    reshaped(call, result)


@operator("Flatten")
def flatten(call: Call) -> None:
    """Two axes."""
    shape = call.shape(0)
    axis = call.axis(call.attribute("axis", 1), len(shape))
    reshaped(call, [_product(call, shape[:axis]), _product(call, shape[axis:])])


def _product(call: Call, extents: Sequence[Extent]) -> Extent:
    symbols = [extent for extent in extents if not isinstance(extent, int)]
    numbers = math.prod(extent for extent in extents if isinstance(extent, int))
    if symbols and (numbers != 1 or len(symbols) > 1):
        raise call.refuse(f"the batch beside other axes, {tuple(extents)}, would be one axis")
    return symbols[0] if symbols else numbers


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
                raise call.refuse(f"{tuple(old)} as {tuple(new)} mixes the batch with other axes")
        groups.append((left, right))
    return groups


def _size(extents: Sequence[Extent]) -> tuple[tuple[Any, ...], int]:
    symbols = tuple(each for each in extents if not isinstance(each, int))
    return symbols, math.prod(each for each in extents if isinstance(each, int))


def _fewer(p: Any, q: Any) -> bool:
    if len(p[0]) != len(q[0]):
        return len(p[0]) < len(q[0])
    return bool(p[1] < q[1])


@operator("Squeeze", "Unsqueeze")
def ones(call: Call) -> None:
    """Axes of one element come or go."""
    axes = call.attribute("axes")
    if call.has(1):
        axes = call.whole_numbers(1)
    shape: list[Any] = [*call.shape(0)]
    if call.operator == "Unsqueeze":
        rank = len(shape) + len(axes)
        for axis in sorted(call.axis(axis, rank) for axis in axes):
            shape.insert(axis, 1)
    elif axes is None:
        shape = [each for each in shape if each != 1]
    else:
        gone = {call.axis(axis, len(shape)) for axis in axes}
        shape = [each for axis, each in enumerate(shape) if axis not in gone]
    indices = call.indices(shape)
    rest = [index for index in indices if index.extent != 1]
    source = [rest.pop(0) if each != 1 else 0 for each in call.shape(0)]
    call.define(indices, call.element(0, source))


@operator("Expand")
def expand(call: Call) -> None:
    """Repeated along axes of one element."""
    wanted = call.whole_numbers(1) or []
    shape = [*call.shape(0)]
    rank = max(len(shape), len(wanted))
    shape = [1] * (rank - len(shape)) + shape
    wanted = [1] * (rank - len(wanted)) + wanted
    indices = call.indices([b if a == 1 else a for a, b in zip(shape, wanted, strict=True)])
    call.define(indices, call.at(0, indices))


@operator("Tile")
def tile(call: Call) -> None:
    """Several times one after another."""
    repeats = call.whole_numbers(1) or []
    sizes = call.shape(0)
    inner, left, shape = call.indices(sizes), [], []
    for index, count in zip(inner, repeats, strict=True):
        if count == 1:
            left.append(index)
            shape.append(index.extent)
        else:
            turn = Index("t", count)
            left.append(index + int(index.extent) * turn)
            shape.append(int(index.extent) * count)
    plain = all(isinstance(each, Index) for each in left)
    call.define(left, call.element(0, inner), shape=None if plain else shape)


@operator("Concat")
def concat(call: Call) -> None:
    """End to end along an axis."""
    places = [place for place in range(len(call.inputs)) if call.has(place)]
    axis = call.axis(call.attribute("axis"), call.rank(places[0]))
    places = [place for place in places if call.shape(place)[axis] != 0]
    sizes = [call.size(place, axis) for place in places]
    shape = [*call.shape(places[0])]
    shape[axis] = sum(sizes)
    indices = call.indices(shape)
    j, end = indices[axis], sum(sizes)
    body: Any = None
    for place, size in zip(reversed(places), reversed(sizes), strict=True):
        start = end - size
        value = call.element(place, [j - start if a == axis else i for a, i in enumerate(indices)])
        body = value if body is None else where(j < end, value, body)
        end = start
    call.define(indices, body)


@operator("Split")
def split(call: Call) -> None:
    """Parts along an axis."""
    axis = call.axis(call.attribute("axis", 0), call.rank(0))
    size = call.size(0, axis)
    parts = call.attribute("split") or call.whole_numbers(1)
    if parts is None:
        count = call.attribute("num_outputs", len(call.outputs))
        each = -(-size // count)
        parts = [min(each, size - each * place) for place in range(count)]
    start = 0
    for place, extent in enumerate(parts):
        if not extent:
            call.results[place] = np.zeros(
                [extent if a == axis else e for a, e in enumerate(call.shape(0))]
            )
        elif call.outputs[place]:
            shape = [*call.shape(0)]
            shape[axis] = extent
            indices = call.indices(shape)
            source = [i + start if a == axis else i for a, i in enumerate(indices)]
            call.define(indices, call.element(0, source), place)
        start += extent


@operator("Slice")
def slice_(call: Call) -> None:
    """Every so many values of an axis, in either direction."""
    rank = call.rank(0)
    if call.opset < 10:
        starts, ends = call.attribute("starts"), call.attribute("ends")
        axes, steps = call.attribute("axes"), None
    else:
        starts, ends, axes, steps = (call.whole_numbers(place) for place in range(1, 5))
    axes = [*range(len(starts))] if axes is None else [call.axis(axis, rank) for axis in axes]
    steps = [1] * len(starts) if steps is None else steps
    shape, chosen = [*call.shape(0)], {}
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if not isinstance(shape[axis], int) and (start, step) == (0, 1) and end >= 2**31 - 1:
            continue  # all examples
        places = range(call.size(0, axis))[slice(start, end, step)]
        shape[axis], chosen[axis] = len(places), places
    if 0 in shape:
        call.results[0] = np.zeros(shape)
        return
    indices = call.indices(shape)
    source = [
        chosen[axis].step * index + chosen[axis].start if axis in chosen else index
        for axis, index in enumerate(indices)
    ]
    call.define(indices, call.element(0, source))


def _mirrored(place: int, size: int, mode: str) -> int:
    if mode == "edge":
        return min(max(place, 0), size - 1)
    if mode == "wrap":
        return place % size
    period = max(2 * (size - 1), 1)
    place = place % period
    return min(place, period - place)


@operator("Pad")
def pad(call: Call) -> None:
    """More values at the ends of axes: a number, or those that are there."""
    rank, mode = call.rank(0), call.attribute("mode", "constant")
    pads = call.attribute("pads") if call.opset < 11 else call.whole_numbers(1)
    axes = call.whole_numbers(3) or [*range(rank)]
    axes = [call.axis(axis, rank) for axis in axes]
    shape, moved = [*call.shape(0)], {}
    for place, axis in enumerate(axes):
        before, after = pads[place], pads[place + len(axes)]
        if before or after:
            size = call.size(0, axis)
            shape[axis] = size + before + after
            moved[axis] = (before, size)
    indices = call.indices(shape)
    source: list[Any] = [*indices]
    inside = []
    for axis, (before, size) in moved.items():
        j = indices[axis]
        if mode == "constant":
            source[axis] = j - before
            inside += [j >= before] if before > 0 else []
            inside += [j < before + size] if int(j.extent) > before + size else []
    if mode == "constant":
        value = call.attribute("value", 0.0)
        fill: Any = sympy.sympify(value, strict=True)
        if call.has(2):
            fill = call.element(2, [0] * call.rank(2))
        body = call.element(0, source)
        call.define(indices, where(sympy.And(*inside), body, fill) if inside else body)
        return

    def read(done: dict[int, Any]) -> Any:
        left = [axis for axis in moved if axis not in done]
        if not left:
            return call.element(0, [done.get(a, i) for a, i in enumerate(indices)])
        axis = left[0]
        before, size = moved[axis]
        places = [_mirrored(p - before, size, mode) for p in range(int(indices[axis].extent))]
        return pieces(places, indices[axis], lambda at: read({**done, axis: at}))

    call.define(indices, read({}))


@operator("DepthToSpace", "SpaceToDepth")
def blocks(call: Call) -> None:
    """Channels as blocks of places, and the other way."""
    size = call.attribute("blocksize")
    n, channels, height, width = call.shape(0)
    channels, height, width = (call.size(0, axis) for axis in (1, 2, 3))
    b, y, x = Index("n", n), Index("y", size), Index("x", size)
    if call.operator == "DepthToSpace":
        depth = channels // size**2
        c, h, w = call.indices([depth, height, width])
        if call.attribute("mode", "DCR") == "DCR":
            channel = c + depth * x + depth * size * y
        else:
            channel = x + size * y + size**2 * c
        left = [b, c, size * h + y, size * w + x]
        shape = [n, depth, height * size, width * size]
        call.define(left, call.element(0, [b, channel, h, w]), shape=shape)
        return
    c, h, w = call.indices([channels, height // size, width // size])
    channel = c + channels * x + channels * size * y
    if call.attribute("mode", "DCR") == "CRD":
        channel = x + size * y + size**2 * c
    left = [b, channel, h, w]
    shape = [n, channels * size**2, height // size, width // size]
    call.define(left, call.element(0, [b, c, size * h + y, size * w + x]), shape=shape)


@operator("Trilu")
def trilu(call: Call) -> None:
    """One side of a diagonal."""
    k = int(call.whole_numbers(1)[0]) if call.has(1) else 0  # type: ignore[index]
    indices = call.indices(call.shape(0))
    i, j = indices[-2:]
    kept = j >= i + k if call.attribute("upper", 1) else j <= i + k
    call.define(indices, where(kept, call.at(0, indices), 0))


@operator("Resize", "Upsample")
def resize(call: Call) -> None:
    """Another resolution: along each axis, a product with a matrix of weights."""
    rank = call.rank(0)
    if call.attribute("extrapolation_value", 0.0):
        raise call.refuse("extrapolation_value: expected 0")
    axes = [call.axis(axis, rank) for axis in call.attribute("axes") or range(rank)]
    place = 1 if len(call.inputs) < 3 else 2
    scales = call.attribute("scales") or call.known(place)
    sizes = call.whole_numbers(3)
    region = call.known(1) if call.has(1) and len(call.inputs) > 2 else None
    shape, weights = [*call.shape(0)], {}
    found = _resolutions(call, axes, scales, sizes)
    for position, axis in enumerate(axes):
        scale, size = found[position]
        if call.shape(0)[axis] == size and scale == 1 and region is None:
            continue
        roi = None
        if region is not None and np.asarray(region).size:
            roi = np.asarray(region).reshape(2, -1)[:, position]
        weights[axis] = _weights(call, call.size(0, axis), scale, size, roi)
        shape[axis] = weights[axis].shape[0]
    inner = call.indices(call.shape(0))
    left = [Index(f"{i.name}0", shape[a]) if a in weights else i for a, i in enumerate(inner)]
    body = call.element(0, inner)
    for axis, matrix in weights.items():
        name = fresh_name(f"{identifier(call.outputs[0])}_weights", call.names)
        made = array_of(name, matrix, trainable=False)
        body = made[left[axis], inner[axis]] * body
    summed = [inner[axis] for axis in weights]
    call.define(left, reduced(Sum, body, *summed) if summed else body)


def _resolutions(call: Call, axes: list[int], scales: Any, sizes: Any) -> list[tuple[float, Any]]:
    """Return the factor and the new size of each axis."""
    old = [call.shape(0)[axis] for axis in axes]
    if sizes is None:
        factors = [float(each) for each in scales]
        new = [e if f == 1 else math.floor(e * f) for e, f in zip(old, factors, strict=True)]
        return list(zip(factors, new, strict=True))
    factors = [1.0 if n == o else n / o for n, o in zip(sizes, old, strict=True)]
    policy = call.attribute("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        factor = min(factors) if policy == "not_larger" else max(factors)
        factors = [factor] * len(factors)
        sizes = [math.floor(o * factor + 0.5) for o in old]
    return list(zip(factors, sizes, strict=True))


def _weights(call: Call, size: int, scale: float, new: int, roi: Any) -> Any:
    """Return the matrix of one axis: what the format's evaluator makes of each unit vector."""
    kept = ("mode", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside",
            "nearest_mode", "antialias")  # fmt: skip
    attributes = {name: call.attributes[name] for name in kept if name in call.attributes}
    if call.operator == "Upsample":
        attributes["coordinate_transformation_mode"] = "asymmetric"
        attributes["nearest_mode"] = "floor"
    constants = {"x": np.eye(size, dtype=np.float64)}
    names = ["x", "", "scales"]
    constants["scales"] = np.asarray([1.0, scale], dtype=np.float32)
    if scale != np.float32(scale) or math.floor(size * np.float32(scale)) != new:
        names = ["x", "", "", "sizes"]
        constants["sizes"] = np.asarray([size, new], dtype=np.int64)
    if roi is not None:
        names[1] = "roi"
        constants["roi"] = np.asarray([0, roi[0], 1, roi[1]], dtype=np.float64)
    return evaluated("Resize", names, constants, attributes).T


@operator("CenterCropPad")
def center_crop_pad(call: Call) -> None:
    """The middle of an axis, or an axis in the middle of zeros."""
    rank = call.rank(0)
    wanted = call.whole_numbers(1) or []
    axes = [call.axis(axis, rank) for axis in call.attribute("axes") or range(rank)]
    shape, source, inside = [*call.shape(0)], {}, []
    sizes = {axis: call.size(0, axis) for axis in axes}
    for axis, extent in zip(axes, wanted, strict=True):
        shape[axis] = extent
    indices = call.indices(shape)
    for axis, extent in zip(axes, wanted, strict=True):
        size, j = sizes[axis], indices[axis]
        if extent <= size:
            source[axis] = j + (size - extent) // 2
        else:
            before = (extent - size) // 2
            source[axis] = j - before
            inside += [j >= before] if before else []
            inside += [j < before + size]
    body = call.element(0, [source.get(axis, index) for axis, index in enumerate(indices)])
    call.define(indices, where(sympy.And(*inside), body, 0) if inside else body)
