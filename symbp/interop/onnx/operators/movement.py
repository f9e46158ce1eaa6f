"""What moves values and computes none: shapes, slices, padding, what stands beside one another."""

from typing import Any

import numpy as np
import sympy

from symbp.interop.onnx.call import Call, operator, pieces
from symbp.notation.functions import where
from symbp.notation.index import Index

__all__: list[str] = []


@operator("Transpose")
def transpose(call: Call) -> None:
    """Put axes in another order."""
    rank = call.rank(0)
    order = call.attribute("perm") or [*reversed(range(rank))]
    indices = call.indices([call.shape(0)[axis] for axis in order])
    source = [indices[order.index(axis)] for axis in range(rank)]
    call.define(indices, call.element(0, source))


@operator("Squeeze", "Unsqueeze")
def ones(call: Call) -> None:
    """Add or remove axes of one element."""
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
    """Repeat along axes of one element."""
    wanted = call.whole_numbers(1) or []
    shape = [*call.shape(0)]
    rank = max(len(shape), len(wanted))
    shape = [1] * (rank - len(shape)) + shape
    wanted = [1] * (rank - len(wanted)) + wanted
    indices = call.indices([b if a == 1 else a for a, b in zip(shape, wanted, strict=True)])
    call.define(indices, call.at(0, indices))


@operator("Tile")
def tile(call: Call) -> None:
    """Repeat several times, one after another."""
    repeats = call.whole_numbers(1) or []
    sizes = call.shape(0)
    inner = call.indices(sizes)
    left: list[Any] = []
    shape: list[Any] = []
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
    """Put end to end along an axis."""
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
    """Take parts along an axis."""
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
    """Take every so many values of an axis, in either direction."""
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
    """Add values at the ends of axes: a number, or those that are there."""
    rank, mode = call.rank(0), call.attribute("mode", "constant")
    pads = call.attribute("pads") if call.opset < 11 else call.whole_numbers(1)
    axes = call.whole_numbers(3) or [*range(rank)]
    axes = [call.axis(axis, rank) for axis in axes]
    shape, moved = [*call.shape(0)], {}
    if pads is None:
        raise call.refuse("expected how much to pad")
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
    """Make channels blocks of places, or the other way."""
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
    """Keep one side of a diagonal."""
    k = int(call.whole_numbers(1)[0]) if call.has(1) else 0  # type: ignore[index]
    indices = call.indices(call.shape(0))
    i, j = indices[-2:]
    kept = j >= i + k if call.attribute("upper", 1) else j <= i + k
    call.define(indices, where(kept, call.at(0, indices), 0))


@operator("CenterCropPad")
def center_crop_pad(call: Call) -> None:
    """Take the middle of an axis, or put it in the middle of zeros."""
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
