"""Convolutions and pooling: windows that slide over the last axes, beyond whose ends there is 0."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symbp.interop.onnx.call import Call, operator, reduced
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.reductions import Max, Mean, Sum
from symbp.notation.standard import Abs

__all__: list[str] = []


@dataclass(frozen=True)
class _Axis:
    """How a window slides along one axis."""

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    out: int

    def place(self, i: Any, p: Any) -> Any:
        """Return where an element of a window lies."""
        return self.stride * i + self.dilation * p - self.before

    def inside(self, i: Any, p: Any, low: int = 0, high: int | None = None) -> list[Any]:
        """Return the conditions that it lies between two places, if windows reach beyond them."""
        high = self.size if high is None else high
        first, last = self.place(0, 0), self.place(self.out - 1, self.kernel - 1)
        place = self.place(i, p)
        found = [place >= low] if first < low else []
        return [*found, place < high] if last >= high else found


def _axes(call: Call, kernel: Sequence[int], place: int = 0) -> list[_Axis]:
    """Return how windows slide, from the attributes that all of these operators have."""
    count = len(kernel)
    sizes = [call.size(place, axis) for axis in range(2, 2 + count)]
    strides = call.attribute("strides") or [1] * count
    dilations = call.attribute("dilations") or [1] * count
    pads = call.attribute("pads") or [0] * (2 * count)
    auto = call.attribute("auto_pad", "NOTSET")
    ceil = call.attribute("ceil_mode", 0)
    found = []
    for axis, (size, k, s, d) in enumerate(zip(sizes, kernel, strides, dilations, strict=True)):
        before, after = (0, 0) if auto == "VALID" else (pads[axis], pads[count + axis])
        reach = d * (k - 1) + 1
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            out = -(-size // s)
            total = max((out - 1) * s + reach - size, 0)
            before, after = total // 2, total - total // 2
            if auto == "SAME_LOWER":
                before, after = after, before
        room = size + before + after - reach
        out = (-(-room // s) if ceil else room // s) + 1
        if ceil and (out - 1) * s >= size + before:  # no window begins beyond the end
            out -= 1
        found.append(_Axis(size, k, s, d, before, after, out))
    return found


def _padded(conditions: list[Any], value: Any, other: Any) -> Any:
    return where(sympy.And(*conditions), value, other) if conditions else value


@operator("Conv")
def conv(call: Call) -> None:
    """Convolve along any number of axes, in groups."""
    channels, *kernel = call.sizes(1)[1:]
    axes = _axes(call, kernel)
    filters, groups = call.sizes(1)[0], call.attribute("group", 1)
    n, g, o = call.indices([call.shape(0)[0], groups, filters // groups])
    c = Index("c", channels)
    i, p = call.indices([a.out for a in axes]), call.indices(kernel)
    places = [a.place(x, y) for a, x, y in zip(axes, i, p, strict=True)]
    inside = [c for a, x, y in zip(axes, i, p, strict=True) for c in a.inside(x, y)]
    row: Any = o + filters // groups * g
    channel: Any = c + channels * g
    if groups == 1:
        o = Index("o", filters)
        row, channel = o, c
    read = _padded(inside, call.element(0, [n, channel, *places]), 0)
    body = reduced(Sum, call.element(1, [row, c, *p]) * read, c, *p)
    shape = [call.shape(0)[0], filters, *(a.out for a in axes)]
    if groups == 1:
        call.define([n, o, *i], body + call.element(2, [o]) if call.has(2) else body)
        return
    parts = call.define([n, g, o, *i], body, None, "groups")
    call.define(
        [n, row, *i],
        parts[(n, g, o, *i)] + call.element(2, [row]) if call.has(2) else parts[(n, g, o, *i)],
        shape=shape,
    )


@operator("ConvTranspose")
def conv_transpose(call: Call) -> None:
    """Spread each value over a window of the result: the adjoint of a convolution."""
    channels, per_group, *kernel = call.sizes(1)
    count, groups = len(kernel), call.attribute("group", 1)
    sizes = [call.size(0, axis) for axis in range(2, 2 + count)]
    strides = call.attribute("strides") or [1] * count
    dilations = call.attribute("dilations") or [1] * count
    more = call.attribute("output_padding") or [0] * count
    pads = list(call.attribute("pads") or [0] * (2 * count))
    auto = call.attribute("auto_pad", "NOTSET")
    wanted = call.attribute("output_shape")
    whole, out, start = [], [], []
    for axis, (size, k, s, d) in enumerate(zip(sizes, kernel, strides, dilations, strict=True)):
        reach = (size - 1) * s + d * (k - 1) + 1
        before, after = pads[axis], pads[count + axis]
        length = reach + more[axis] - before - after
        if wanted is not None or auto in ("SAME_UPPER", "SAME_LOWER"):
            length = wanted[-count:][axis] if wanted is not None else size * s
            total = max(reach + more[axis] - length, 0)
            before = total // 2 if auto == "SAME_UPPER" or wanted is None else total - total // 2
            if auto != "SAME_UPPER":
                before = total - total // 2 if auto == "SAME_LOWER" else total // 2
        whole.append(max(reach, before + length))
        out.append(length)
        start.append(before)
    n = Index("n", call.shape(0)[0])
    g, c, o = call.indices([groups, channels // groups, per_group])
    i, p = call.indices(sizes), call.indices(kernel)
    shape: list[Any] = [call.shape(0)[0], groups * per_group, *whole]
    row = c if groups == 1 else c + channels // groups * g
    filters = o if groups == 1 else o + per_group * g
    body = reduced(Sum, call.element(1, [row, o, *p]) * call.element(0, [n, row, *i]), c)
    if groups == 1 and body.has(g):
        body = body.xreplace({g: 0})
    left = [
        n,
        filters,
        *(s * a + d * b for s, d, a, b in zip(strides, dilations, i, p, strict=True)),
    ]
    spread = call.define(left, body, None, "spread", shape=shape)
    j = call.indices(out)
    f = Index("o", groups * per_group)
    value: Any = spread[(n, f, *(a + b for a, b in zip(j, start, strict=True)))]
    # The first few of an axis: the notation asks for a condition that says so.
    fewer = [
        a < a.extent
        for a, b, size in zip(j, start, whole, strict=True)
        if not b and a.extent < size
    ]
    value = where(sympy.And(*fewer), value, 0) if fewer else value
    call.define([n, f, *j], value + call.element(2, [f]) if call.has(2) else value)


@operator("MaxPool")
def max_pool(call: Call) -> None:
    """Take the largest value of each window."""
    if len(call.outputs) > 1 and call.outputs[1]:
        raise call.refuse("its second output, the places of the values, is not read")
    kernel = call.attribute("kernel_shape")
    axes = _axes(call, kernel)
    n, c, i, p, places, inside = _window(call, axes)
    read = _padded(inside, call.element(0, [n, c, *places]), -sympy.oo)
    call.define([n, c, *i], reduced(Max, read, *p))


def _window(call: Call, axes: list[_Axis]) -> Any:
    n, c = call.indices(call.shape(0)[:2])
    i, p = call.indices([a.out for a in axes]), call.indices([a.kernel for a in axes])
    places = [a.place(x, y) for a, x, y in zip(axes, i, p, strict=True)]
    inside = [c for a, x, y in zip(axes, i, p, strict=True) for c in a.inside(x, y)]
    return n, c, i, p, places, inside


@operator("AveragePool", "LpPool")
def average_pool(call: Call) -> None:
    """Take the mean of each window, or a norm of it."""
    axes = _axes(call, call.attribute("kernel_shape"))
    n, c, i, p, places, inside = _window(call, axes)
    x = call.element(0, [n, c, *places])
    if call.operator == "LpPool":
        power = call.attribute("p", 2)
        total = reduced(Sum, _padded(inside, Abs(x) ** power, 0), *p)
        call.define([n, c, *i], total ** (sympy.S.One / power))
        return
    # Beyond the padding, where the last windows of ceil_mode reach, nothing counts.
    counted = []
    for a, x_, y in zip(axes, i, p, strict=True):
        if call.attribute("count_include_pad", 0):
            counted += a.inside(x_, y, -a.before, a.size + a.after)
        else:
            counted += a.inside(x_, y)
    total = reduced(Sum, _padded(inside, x, 0), *p)
    count: Any = math.prod(a.kernel for a in axes)
    if counted:
        count = reduced(Sum, where(sympy.And(*counted), 1, 0), *p)
    call.define([n, c, *i], total / count)


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(call: Call) -> None:
    """Reduce each channel to one number."""
    n, c, *inner = call.indices(call.shape(0))
    reduction: Any = Mean if call.operator == "GlobalAveragePool" else Max
    ones = [Index("o", 1) for _ in inner]
    call.define([n, c, *ones], reduction(call.at(0, [n, c, *inner]), *inner))
