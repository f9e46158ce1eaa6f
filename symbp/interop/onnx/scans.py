"""A ``Scan`` of a file as a recurrence: what its body computes in a step gets an index of time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from symbp.interop.onnx.call import Call, Given, array_of, number
from symbp.notation.equation import Equation
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.tensor import Element, Tensor

__all__ = ["read_scan"]

# From a graph and the values of its inputs to its equations and the tensors of its outputs.
ReadGraph = Callable[[Any, list[Given]], tuple[list[Equation], list[Tensor]]]


def read_scan(call: Call, read: ReadGraph) -> None:
    """Define the outputs of a ``Scan``.

    Parameters
    ----------
    call : Call
        The node.
    read : callable
        Reads its body.
    """
    if call.opset < 9:
        raise call.refuse("before version 9 of the operators it has an axis of examples")
    body, count = call.attribute("body"), call.attribute("num_scan_inputs")
    first = len(call.inputs) - count
    axes = [
        call.axis(axis, call.rank(first + place))
        for place, axis in enumerate(call.attribute("scan_input_axes") or [0] * count)
    ]
    steps = call.size(first, axes[0])
    turned = call.attribute("scan_input_directions") or [0] * count
    t = Index("t", steps, sequential=True)

    sources: dict[Tensor, tuple[int, int]] = {}
    for place, axis in enumerate(axes):
        source = call.tensor(first + place)
        inside = tuple(index for at, index in enumerate(source.indices) if at != axis)
        name = fresh_name(f"{source.name}_step", call.names)
        sources[Tensor(name, inside, kind=source.kind)] = (first + place, axis)
    states = [_placeholder(call, place) for place in range(first)]
    equations, outputs = read(body, [*states, *sources])

    lifted = {
        equation.tensor: Tensor(
            fresh_name(f"{equation.tensor.name}_steps", call.names), (t, *equation.tensor.indices)
        )
        for equation in equations
    }

    def in_time(node: Any) -> Any:
        if not isinstance(node, Element):
            if not node.has(Element):
                return node
            return node.func(*map(in_time, node.args))
        tensor, args = node.tensor, tuple(map(in_time, node.args))
        if tensor in lifted:
            return lifted[tensor][(t, *args)]
        if tensor in sources:
            place, axis = sources[tensor]
            step = steps - 1 - t if turned[place - first] else t
            return call.tensor(place)[(*args[:axis], step, *args[axis:])]
        if tensor in states:
            place = states.index(tensor)
            start = _start(call, place, args)
            if steps == 1:
                return start
            return where(t > 0, lifted[outputs[place]][(t - 1, *args)], start)
        return node if args == node.args else tensor[args]

    for equation in equations:
        left = lifted[equation.tensor][(t, *equation.lhs.args)]
        call.equations.append(Equation(left, in_time(equation.body)))
    _define(call, [lifted[output] for output in outputs], first, steps)


def _placeholder(call: Call, place: int) -> Tensor:
    indices = call.indices(call.shape(place))
    return Tensor(fresh_name(f"{call.name_of(place)}_before", call.names), tuple(indices))


def _start(call: Call, place: int, args: Sequence[Any]) -> Any:
    given = call.given(place)
    if isinstance(given, np.ndarray):
        if given.size == 1 or np.all(given == given.ravel()[0]):
            return number(given.ravel()[0])
        name = fresh_name(f"{call.name_of(place)}_start", call.names)
        given = call.inputs[place] = array_of(name, given, trainable=False)
    return given[tuple(args)]


def _define(call: Call, results: list[Tensor], states: int, steps: int) -> None:
    count = len(results) - states
    directions = call.attribute("scan_output_directions") or [0] * count
    axes = call.attribute("scan_output_axes") or [0] * count
    for place, tensor in enumerate(results):
        if place >= len(call.outputs) or not call.outputs[place]:
            continue
        inner = call.indices(tensor.shape[1:])
        if place < states:
            call.define(inner, tensor[(sympy.Integer(steps - 1), *inner)], place)
            continue
        step = Index("t", steps)
        axis = call.axis(axes[place - states], len(inner) + 1)
        at = steps - 1 - step if directions[place - states] else step
        left = [*inner[:axis], step, *inner[axis:]]
        call.define(left, tensor[(at, *inner)], place)
