"""What is traced, as a program of scalars with their numbers: here, a small program.

Each element of its arrays becomes a scalar of its own (see :mod:`symbp.calculus.unroll`). A batch
of one example is taken as a textbook writes it, without an index of the example.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symbp.calculus.per_example import per_example
from symbp.calculus.unroll import unroll
from symbp.derivations.trace_values import Scalars, check_size, key_name, number_array
from symbp.notation.errors import NotationError, suggest
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.reductions import Reduction
from symbp.notation.tensor import Element, Tensor

__all__ = ["of_program"]


def of_program(program: Program, values: Mapping[Any, Any]) -> Scalars:
    """Return a program with each element of its arrays a scalar.

    Parameters
    ----------
    program : Program
        With a cost, or whose output is a scalar.
    values : mapping
        An array for each input, target, parameter and state, by name or by tensor.
    """
    cost = program.cost if program.cost is not None else program.output
    if cost is None or cost.rank:
        raise NotationError("trace: the program has no cost, and no output that is a scalar")
    known = {tensor.name: tensor for tensor in program.tensors if tensor.role != "intermediate"}
    program = program.replace(cost=cost).prune([cost])
    given = [tensor for tensor in program.tensors if tensor.role != "intermediate"]
    given.sort(key=lambda tensor: tensor.serial)
    named: dict[str, Any] = {}
    for key, value in values.items():
        name = key_name(key)
        if name not in known:
            raise NotationError(f"trace: values: no {name!r} to be given; {suggest(name, known)}")
        if name in named:
            raise NotationError(f"trace: values: {name} is given twice")
        named[name] = value
    arrays: dict[Tensor, NDArray[np.float64]] = {}
    sizes: dict[sympy.Symbol, int] = {}
    for tensor in given:
        if tensor.name not in named and tensor.value is None:
            raise NotationError(f"trace: values: no value for the {tensor.role} {tensor.name}")
        arrays[tensor] = _array_of(tensor, named.get(tensor.name, tensor.value), sizes)
    check_size(_count_operations(program, sizes))
    program, whole = _written_out(program, arrays, sizes)
    parts = [tensor for tensor in program.tensors if tensor.role != "intermediate"]
    parts.sort(key=lambda part: (whole[part][0].serial, whole[part][1]))
    varying = [
        part for part in parts
        if part.role in ("parameter", "input") and whole[part][0].kind == "real"
    ]  # fmt: skip
    keys = dict.fromkeys(whole[part][0].name for part in varying)
    meaning: dict[Any, Tensor] = {}
    for part, (tensor, place) in whole.items():
        meaning |= {part.name: part, part: part, tensor[tuple(map(sympy.Integer, place))]: part}
    return Scalars(
        program,
        {part.name: float(arrays[whole[part][0]][whole[part][1]]) for part in parts},
        tuple(parts),
        tuple(varying),
        tuple(keys),
        meaning,
        {part: where for part, where in whole.items() if where[1]},
        {tensor: array for tensor, array in arrays.items() if tensor.rank},
    )


def _written_out(
    program: Program, arrays: Mapping[Tensor, NDArray[np.float64]], sizes: dict[sympy.Symbol, int]
) -> tuple[Program, dict[Tensor, tuple[Tensor, tuple[int, ...]]]]:
    """Return the program of scalars, and for each the user's tensor and the place in it."""
    own = {tensor.name: tensor for tensor in program.tensors}
    integers = {t.name: a.astype(np.int64) for t, a in arrays.items() if t.kind == "integer"}
    batch: dict[Tensor, int] = {}
    if list(sizes.values()) == [1] and (single := per_example(program)) is not None:
        # A single example needs no number: a textbook writes a_j, not a_1j.
        program = single
        batch = {t: t.shape.index(n) for t in own.values() for n in sizes if n in t.shape}
        integers = {
            name: array.squeeze(batch[own[name]]) if own[name] in batch else array
            for name, array in integers.items()
        }
    scalars = unroll(program, sizes, integers)
    whole = {}
    for part in scalars.tensors:
        tensor, place = part.component_of or (part, ())
        tensor = own[tensor.name]
        if tensor in batch:
            place = (*place[: batch[tensor]], 0, *place[batch[tensor] :])
        whole[part] = (tensor, place)
    return scalars, whole


def _array_of(tensor: Tensor, value: Any, sizes: dict[sympy.Symbol, int]) -> NDArray[np.float64]:
    """Return a tensor's array, its shape checked; the batch size is that of the first array."""
    if tensor.kind in ("classes", "distribution") and np.ndim(value) == tensor.rank - 1:
        labels = number_array(tensor.name, value, tensor.rank - 1)
        classes = tensor.shape[-1]
        if not isinstance(classes, int) or not np.all(np.isin(labels, np.arange(classes))):
            raise NotationError(
                f"trace: values: {tensor.name}: expected labels from 0 to {classes - 1}"
            )
        value = np.eye(classes)[labels.astype(np.int64)]
    array = number_array(tensor.name, value, tensor.rank)
    for extent, size in zip(tensor.shape, array.shape, strict=True):
        expected = extent if isinstance(extent, int) else sizes.setdefault(extent, size)
        if size != expected or not size:
            shape = ", ".join(str(sizes.get(e, e)) for e in tensor.shape)
            raise NotationError(
                f"trace: values: {tensor.name}: expected shape ({shape}), got {array.shape}"
            )
    if tensor.kind == "integer" and not np.all(array == np.floor(array)):
        raise NotationError(f"trace: values: {tensor.name}: expected integers")
    return array


def _count_operations(program: Program, sizes: Mapping[sympy.Symbol, int]) -> int:
    """Return about how many operations the program has, element by element."""

    def size(index: Index) -> int:
        return index.extent if isinstance(index.extent, int) else sizes[index.extent]

    def count(node: Any, points: int) -> int:
        if isinstance(node, Element) or not node.args or node.is_number:
            return 0
        if isinstance(node, Reduction):
            inner = points * math.prod(size(index) for index in node.bound)
            return points + count(node.body, inner)
        return points + sum(count(argument, points) for argument in node.args)

    total = 0
    for equation in program.equations:
        points = math.prod(size(index) for index in equation.domain)
        total += count(equation.body, points)
    return total
