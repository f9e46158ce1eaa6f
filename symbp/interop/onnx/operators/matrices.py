"""Products: Gemm, MatMul and Einsum."""

from typing import Any

from symbp.interop.onnx.call import Call, operator, reduced
from symbp.notation.index import Index
from symbp.notation.reductions import Sum

__all__: list[str] = []


@operator("Gemm")
def gemm(call: Call) -> None:
    """Define ``alpha·A·B + beta·C``, either matrix turned."""
    turned_a, turned_b = call.attribute("transA", 0), call.attribute("transB", 0)
    m, k = (call.shape(0)[axis] for axis in ((1, 0) if turned_a else (0, 1)))
    columns = call.shape(1)[0 if turned_b else 1]
    i, j = call.indices([m, columns])
    q = Index("k", k)
    a = call.element(0, (q, i) if turned_a else (i, q))
    b = call.element(1, (j, q) if turned_b else (q, j))
    body: Any = reduced(Sum, b * a, q)
    alpha, beta = call.attribute("alpha", 1.0), call.attribute("beta", 1.0)
    body = body if alpha == 1 else alpha * body
    if call.has(2) and beta != 0:
        addend = call.at(2, (i, j))
        body = body + (addend if beta == 1 else beta * addend)
    call.define((i, j), body)


@operator("MatMul")
def matmul(call: Call) -> None:
    """Multiply matrices; the axes in front broadcast."""
    product(call, 0, 1)


def product(call: Call, first: int, second: int) -> None:
    """Define the output as a product, as NumPy's ``matmul``."""
    left, right = list(call.shape(first)), list(call.shape(second))
    rows = [] if len(left) == 1 else [left[-2]]
    columns = [] if len(right) == 1 else [right[-1]]
    k = Index("k", left[-1])
    outer: list[Any] = []
    for axis in range(max(len(left), len(right)) - 2):
        place = axis - (max(len(left), len(right)) - 2)
        extents = [s[place - 2] for s in (left, right) if len(s) - 2 >= -place]
        outer.append(next((e for e in extents if e != 1), 1))
    indices = call.indices([*outer, *rows, *columns])
    batch = indices[: len(outer)]
    i, j = indices[len(outer) : len(outer) + len(rows)], indices[len(outer) + len(rows) :]
    a = call.at(first, [*batch, *i, k])
    b = call.at(second, [*batch, k, *j])
    call.define(indices, reduced(Sum, a * b, k))


@operator("Einsum")
def einsum(call: Call) -> None:
    """Sum products, as NumPy writes them."""
    formula = call.attribute("equation").replace(" ", "")
    given, _, result = formula.partition("->")
    operands = given.split(",")
    dots = max(
        (call.rank(p) - len(o.replace("...", "")) for p, o in enumerate(operands) if "..." in o),
        default=0,
    )
    extra = [chr(ord("0") + place) for place in range(dots)]

    def letters(operand: str, place: int | None) -> list[str]:
        before, has_dots, after = operand.partition("...")
        count = dots if place is None else call.rank(place) - len(before) - len(after)
        inner = extra[dots - count :] if has_dots else []
        return [*before, *inner, *after]

    named = [letters(operand, place) for place, operand in enumerate(operands)]
    extents: dict[str, Any] = {}
    for place, names in enumerate(named):
        for name, extent in zip(names, call.shape(place), strict=True):
            if extents.get(name, 1) == 1:
                extents[name] = extent
    if "->" not in formula:
        used = [name for names in named for name in names]
        result = "".join(sorted(n for n in extents if used.count(n) == 1 and n not in extra))
        result = ("..." if dots else "") + result
    out = letters(result, None)
    indices = {name: Index(name if name.isalpha() else "b", extents[name]) for name in extents}
    parts = [
        call.element(place, [indices[name] for name in names]) for place, names in enumerate(named)
    ]
    body: Any = parts[0]
    for part in parts[1:]:
        body = body * part
    summed = [indices[name] for name in extents if name not in out]
    call.define([indices[name] for name in out], reduced(Sum, body, *summed) if summed else body)
