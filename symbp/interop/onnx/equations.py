"""An equation as nodes: its body, what it is reduced by, and where its values are put."""

import math
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symbp.calculus.contract import is_contraction, split_scalars
from symbp.interop.onnx.expressions import Expressions
from symbp.interop.onnx.values import Value, Values
from symbp.notation.equation import Equation
from symbp.notation.errors import UnsupportedError
from symbp.notation.index import Extent, Index
from symbp.notation.tensor import Element

__all__ = ["written"]

_REDUCED = {"sum": "ReduceSum", "max": "ReduceMax", "logsumexp": "ReduceLogSumExp"}


def written(
    expressions: Expressions,
    equation: Equation,
    domain: Sequence[Index],
    rule: Callable[[Expressions, Sequence[Index]], Value] | None = None,
) -> Value:
    """Return what an equation gives its tensor, with the tensor's own indices as axes.

    An axis that it does not vary with is left out.

    Parameters
    ----------
    expressions : Expressions
        What evaluates bodies.
    equation : Equation
        Normalised, with a body in functions that have code.
    domain : sequence of Index
        What it ranges over: in a recurrence, without the step.
    rule : callable, optional
        What writes the equation, where it is known as one operator.
    """
    v = expressions.values
    v.order = tuple(domain)
    expressions.running = str(equation.lhs)
    left = [index for index in domain if index not in equation.reduce]
    if rule is not None:
        value = rule(expressions, left)
    elif is_contraction(equation):
        value = _contraction(expressions, equation, left)
    else:
        value = v.cast(expressions.evaluate(equation.body), "float")
        reduced = [index for index in domain if index in equation.reduce]
        value = _reduced(v, value, left, reduced, equation.operation)
    return _placed(expressions, value, equation.lhs, domain)


def _reduced(
    v: Values, value: Value, left: Sequence[Index], reduced: Sequence[Index], operation: str
) -> Value:
    if not reduced:
        return value
    inside = [index for index in reduced if index in value.axes]
    repeated = [index for index in reduced if index not in value.axes]
    if inside:
        kept = [index for index in left if index in value.axes]
        value = v.transposed(value, [*kept, *inside])
        axes = v.graph.constant(np.arange(len(kept), len(kept) + len(inside)))
        name = v.graph.add(_REDUCED[operation], [v.name(value), axes], keepdims=0)
        value = Value(name, tuple(kept))
    # A body that does not vary with an index is added as often as the index has values.
    if operation != "max":
        for index in repeated:
            count = Value(v.scalar(index.extent), (), "int")
            count = v.cast(count, "float")
            if operation == "sum":
                value = v.apply("Mul", count, value)
            else:
                value = v.apply("Add", value, v.apply("Log", count))
    return value


def _contraction(expressions: Expressions, equation: Equation, left: Sequence[Index]) -> Value:
    """Return a sum of products of two plain tensors: a matrix product where it is one."""
    v = expressions.values
    scalar, factors = split_scalars(equation.body)
    first, second = (v.cast(expressions.evaluate(factor), "float") for factor in factors)
    reduced = equation.reduce
    result = _matrix_product(v, first, second, left, reduced)
    if result is None:
        result = _matrix_product(v, second, first, left, reduced)
    if result is None:
        result = _einsum(v, (first, second), left)
    if scalar == 1:
        return result
    return v.apply("Mul", v.cast(expressions.evaluate(scalar), "float"), result)


def _matrix_product(
    v: Values, rows: Value, matrix: Value, left: Sequence[Index], reduced: Sequence[Index]
) -> Value | None:
    """Return rows times a matrix, ``…k, kj → …j``, or None if it is none."""
    if len(reduced) != 1 or len(matrix.axes) != 2 or rows.axes[-1:] != tuple(reduced):
        return None
    (k,) = reduced
    other = [index for index in matrix.axes if index is not k]
    if len(other) != 1 or [*rows.axes[:-1], *other] != [*left]:
        return None
    if len(rows.axes) == 2:
        turned = int(matrix.axes[1] is k)
        return Value(
            v.graph.add("Gemm", [v.name(rows), v.name(matrix)], transB=turned), tuple(left)
        )
    matrix = v.transposed(matrix, (k, *other))
    return Value(v.graph.add("MatMul", [v.name(rows), v.name(matrix)]), tuple(left))


def _einsum(v: Values, factors: Sequence[Value], left: Sequence[Index]) -> Value:
    letters: dict[Index, str] = {}
    for index in [*left, *(index for factor in factors for index in factor.axes)]:
        letters.setdefault(index, string.ascii_letters[len(letters)])
    given = ",".join("".join(letters[index] for index in factor.axes) for factor in factors)
    formula = f"{given}->{''.join(letters[index] for index in left)}"
    names = [v.name(factor) for factor in factors]
    return Value(v.graph.add("Einsum", names, equation=formula), tuple(left))


def _placed(expressions: Expressions, value: Value, lhs: Element, domain: Sequence[Index]) -> Value:
    """Return values at the places that the left-hand side says, with the tensor's axes.

    A scatter whose places are known is a gather: of the values that come to each place.
    """
    v = expressions.values
    tensor = lhs.tensor
    plain = [subscript for subscript in lhs.args if subscript in domain]
    axes = tuple(
        index
        for index, subscript in zip(tensor.indices, lhs.args, strict=True)
        if subscript in domain or not isinstance(subscript, Index)
    )
    if len(plain) == len(axes):
        own = dict(zip(plain, axes, strict=True))
        value = v.transposed(value, [index for index in plain if index in value.axes])
        return Value(value.data, tuple(own[index] for index in value.axes), value.kind)
    if len(set(plain)) != len(plain):
        raise UnsupportedError(f"{lhs}: the left-hand side has an index twice, ONNX has no such")
    groups: list[tuple[Any, tuple[Index, ...]]] = []
    for subscript in lhs.args:
        if subscript in domain:
            groups.append((subscript, (subscript,)))
        elif not isinstance(subscript, Index):
            groups.append((subscript, _static(lhs, subscript, v)))
    value = v.full(value, [index for _, group in groups for index in group])
    name = v.name(value)
    merged = [_merged(group) for _, group in groups]
    open_ = [extent for extent in merged if not isinstance(extent, int)]
    # One size that is known at run time only follows from the others.
    shape = v.shape(
        [-1 if each in open_ else each for each in merged] if len(open_) == 1 else merged
    )
    name = v.graph.add("Reshape", [name, shape])
    for axis, ((subscript, _), index) in enumerate(zip(groups, axes, strict=True)):
        if subscript not in domain:
            places = np.asarray(expressions.evaluate(subscript).data).ravel().astype(np.int64)
            name = _collected(v, name, axis, places, int(index.extent))
    return Value(name, axes, value.kind)


def _static(lhs: Element, subscript: Any, v: Values) -> tuple[Index, ...]:
    if subscript.atoms(Element):
        raise UnsupportedError(f"{lhs}: places on the left that are data have no form in ONNX")
    return v.sorted(list(subscript.atoms(Index)))


def _merged(group: Sequence[Index]) -> Extent:
    extents = [index.extent for index in group]
    if len(extents) == 1:
        return extents[0]
    return math.prod(int(extent) for extent in extents)  # of the left: sums of known indices


def _collected(v: Values, name: str, axis: int, places: Any, extent: int) -> str:
    """Return, for each place of an axis, the sum of the values that come to it."""
    sources: list[list[int]] = [[] for _ in range(extent)]
    for source, place in enumerate(places):
        sources[place].append(source)
    most = max(map(len, sources))
    if places.size == extent and np.array_equal(places, np.arange(extent)):
        return name
    if any(len(each) < most for each in sources):
        # One place more, which is 0.
        pads = v.graph.constant(np.asarray([0, 1], dtype=np.int64))
        along = v.graph.constant(np.asarray([axis], dtype=np.int64))
        zero = v.graph.constant(np.asarray(0.0))
        name = v.graph.add("Pad", [name, pads, zero, along])
    table = np.full((extent, most), places.size)
    for place, each in enumerate(sources):
        table[place, : len(each)] = each
    if most == 1:
        return v.graph.add("Gather", [name, v.graph.constant(table[:, 0])], axis=axis)
    name = v.graph.add("Gather", [name, v.graph.constant(table)], axis=axis)
    over = v.graph.constant(np.asarray([axis + 1], dtype=np.int64))
    return v.graph.add("ReduceSum", [name, over], keepdims=0)
