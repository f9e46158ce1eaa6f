"""Reductions, and what counts along an axis."""

from collections.abc import Callable
from typing import Any

import sympy

from symbp.interop.onnx.call import Call, operator
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.reductions import LogSumExp, Max, Mean, Prod, Sum, cumprod, cumsum
from symbp.notation.standard import Abs, log, sqrt
from symbp.notation.statistics import Min

__all__: list[str] = []

_REDUCED: dict[str, Callable[..., Any]] = {
    "ReduceSum": Sum,
    "ReduceMean": Mean,
    "ReduceMax": Max,
    "ReduceMin": Min,
    "ReduceProd": Prod,
    "ReduceL1": lambda x, *axes: Sum(Abs(x), *axes),
    "ReduceL2": lambda x, *axes: sqrt(Sum(x**2, *axes)),
    "ReduceLogSum": lambda x, *axes: log(Sum(x, *axes)),
    "ReduceLogSumExp": LogSumExp,
    "ReduceSumSquare": lambda x, *axes: Sum(x**2, *axes),
}
_ALONE: dict[str, Callable[[Any], Any]] = {
    "ReduceL1": Abs,
    "ReduceL2": Abs,
    "ReduceLogSum": log,
    "ReduceSumSquare": lambda x: x**2,
}


@operator(*_REDUCED)
def reduced(call: Call) -> None:
    """Reduce axes."""
    rank, shape = call.rank(0), call.shape(0)
    axes = call.attribute("axes")
    if call.has(1):
        axes = call.whole_numbers(1)
    if axes is None or not len(axes):
        if call.attribute("noop_with_empty_axes", 0):
            indices = call.indices(shape)
            x = call.at(0, indices)
            call.define(indices, _ALONE.get(call.operator, lambda each: each)(x))
            return
        axes = range(rank)
    over = {call.axis(axis, rank) for axis in axes}
    keep = call.attribute("keepdims", 1)
    inner = call.indices(shape)
    x = call.at(0, inner)
    # An axis of one element is not summed over: its element does not hold the index.
    bound = [inner[axis] for axis in sorted(over) if inner[axis] in x.free_symbols]
    alone = _ALONE.get(call.operator, lambda each: each)
    body = _REDUCED[call.operator](x, *bound) if bound else alone(x)
    outer = [
        Index("o", 1) if axis in over else inner[axis]
        for axis in range(rank)
        if axis not in over or keep
    ]
    call.define(outer, body)


@operator("ArgMax", "ArgMin")
def place_of_extremum(call: Call) -> None:
    """Find the first place of the largest or smallest value, or the last."""
    rank, shape = call.rank(0), call.shape(0)
    axis = call.axis(call.attribute("axis", 0), rank)
    extent = call.size(0, axis)
    inner = call.indices(shape)
    rest = [index for place, index in enumerate(inner) if place != axis]
    reduction: Any = Max if call.operator == "ArgMax" else Min
    bound = Index("k", extent)
    x = call.at(0, [bound if place == axis else index for place, index in enumerate(inner)])
    best = call.define(rest, reduction(x, bound), None, "best")
    j = inner[axis]
    hit = sympy.Eq(call.at(0, inner), best[tuple(rest)])
    body: Any = Min(where(hit, j, extent), j)
    if call.attribute("select_last_index", 0):
        body = Max(where(hit, j, -1), j)
    outer = [
        Index("o", 1) if place == axis else index
        for place, index in enumerate(inner)
        if place != axis or call.attribute("keepdims", 1)
    ]
    call.define(outer, body)


@operator("CumSum", "CumProd")
def running(call: Call) -> None:
    """Sum or multiply up, from either end, with or without the value itself."""
    rank = call.rank(0)
    axis = call.axis(int(call.whole_numbers(1)[0]), rank)  # type: ignore[index]
    last = call.size(0, axis) - 1
    inner = call.indices(call.shape(0))
    j = inner[axis]
    backwards, exclusive = call.attribute("reverse", 0), call.attribute("exclusive", 0)
    turned = [last - j if place == axis and backwards else i for place, i in enumerate(inner)]
    scan: Any = cumsum if call.operator == "CumSum" else cumprod
    start = 0 if call.operator == "CumSum" else 1
    body = scan(call.at(0, turned), j)
    if not exclusive and not backwards:
        call.define(inner, body)
        return
    total = call.define(inner, body, None, "running")
    k = call.indices(call.shape(0))
    place = last - k[axis] if backwards else k[axis]

    def read(at: Any) -> Any:
        return total[tuple(at if p == axis else i for p, i in enumerate(k))]

    if exclusive:
        inside = k[axis] < last if backwards else k[axis] > 0
        call.define(k, where(inside, read(place - 1), start) if last else sympy.Integer(start))
    else:
        call.define(k, read(place))
