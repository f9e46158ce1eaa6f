"""A recurrence as a ``Scan``: what a step reads of earlier steps are the states that it carries.

What does not depend on earlier steps is computed for all steps at once, before, and comes in step
by step; so are the products with the inputs of an LSTM one product. A recurrence that runs
downwards runs upwards over what is turned around.
"""

from typing import Any

import numpy as np

from symbp.calculus.schedule import Stage
from symbp.interop.onnx.equations import written
from symbp.interop.onnx.expressions import Expressions
from symbp.interop.onnx.graph import Body, Graph
from symbp.interop.onnx.reads import read
from symbp.interop.onnx.values import Value, Values
from symbp.notation.dependence import offset, time_axis
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor

__all__ = ["scanned"]


def scanned(outer: Expressions, stage: Stage, wanted: set[Tensor]) -> list[Tensor]:
    """Add the ``Scan`` of a recurrence; return its tensors that are read afterwards, now known.

    Parameters
    ----------
    outer : Expressions
        What is computed before the recurrence.
    stage : Stage
        Its equations, in the order in which they run in a step.
    wanted : set of Tensor
        What is read afterwards.
    """
    t = stage.steps[0]
    equations = [
        equation.rename({step: t})
        for equation, step in zip(stage.equations, stage.steps, strict=True)
    ]
    step = _Step(outer, equations, t, stage.upwards)
    for equation in equations:
        step.run(equation)
    return step.finish(wanted)


class _Step(Expressions):
    """What happens in one step."""

    def __init__(
        self, outer: Expressions, equations: list[Equation], t: Index, upwards: bool
    ) -> None:
        graph = Graph(outer.values.graph.dtype.name, outer.values.graph)
        super().__init__(Values(graph, outer.values.extents), {})
        self.outer, self.t, self.upwards = outer, t, upwards
        self.code = 11 if graph.dtype == np.float64 else 1
        self.kinds: dict[str, int] = {}
        # What comes in for each step: the name inside by that outside.
        self.incoming: dict[str, str] = {}
        # The names of earlier values of each tensor, the last first.
        self.earlier: dict[Tensor, list[str]] = {equation.tensor: [] for equation in equations}
        for equation in equations:
            for element in equation.body.atoms(Element):
                if element.tensor in self.earlier:
                    names = self.earlier[element.tensor]
                    for _ in range(abs(self.distance(element)) - len(names)):
                        names.append(graph.fresh(f"{element.tensor.name}_before"))
                        self.kinds[names[-1]] = self.code

    def distance(self, element: Element) -> int:
        """Return how many steps before the present one an element is of, or after it."""
        axis = time_axis(element.tensor)
        assert axis is not None, "checked by the schedule"
        found = offset(element.args[axis], self.t)
        assert found is not None, "checked by the schedule"
        return found

    def run(self, equation: Equation) -> None:
        """Add an equation to the step."""
        self.values.graph.remark = str(equation)
        domain = [index for index in equation.domain if index is not self.t]
        self.domain = tuple(equation.domain)
        value = written(self, equation, domain)
        earlier = self.tensors.get(equation.tensor) or self.before(equation.tensor)
        if earlier is not None:
            self.values.order = equation.tensor.indices
            value = self.values.apply("Add", earlier, value)
        self.tensors[equation.tensor] = self.values.full(value, _rest(equation.tensor))

    def before(self, tensor: Tensor) -> Value | None:
        """Return what equations that read no earlier step have given a tensor of the recurrence."""
        value = self.outer.tensors.get(tensor)
        return None if value is None else self.of_step(value, time_axis(tensor))

    def evaluate(self, node: Any) -> Value:
        """Return what an expression is in a step."""
        if any(element.tensor in self.earlier for element in node.atoms(Element)):
            return super().evaluate(node)
        # It needs no earlier step, so it is computed for all of them.
        self.outer.values.order = self.domain
        self.outer.running = self.running
        self.outer.values.graph.remark = self.values.graph.remark
        value = self.outer.evaluate(node)
        place = value.axes.index(self.t) if self.t in value.axes else None
        return self.of_step(value, place)

    def of_step(self, value: Value, place: int | None) -> Value:
        """Return one step of a value that is known for all of them."""
        if place is None:
            return value
        t = value.axes[place]
        axes = tuple(index for index in value.axes if index is not t)
        value = self.outer.values.transposed(value, (t, *axes))
        name = self.outer.values.name(value)
        if name not in self.incoming:
            inner = self.incoming[name] = self.values.graph.fresh("step")
            self.kinds[inner] = {"float": self.code, "int": 7, "bool": 9}[value.kind]
        return Value(self.incoming[name], axes, value.kind)

    def element(self, node: Element) -> Value:
        """Return an element of this step, or of an earlier one."""
        tensor, distance = node.tensor, abs(self.distance(node))
        axis = time_axis(tensor)
        if distance:
            source = Value(self.earlier[tensor][distance - 1], _rest(tensor))
        else:
            source = self.tensors[tensor]
        subscripts = [each for place, each in enumerate(node.args) if place != axis]
        return read(self.values, source, subscripts, self.evaluate)

    def finish(self, wanted: set[Tensor]) -> list[Tensor]:
        """Add the ``Scan`` around the step."""
        values, graph = self.outer.values, self.outer.values.graph
        tensors = [tensor for tensor in self.earlier if tensor in wanted]
        starts, states_in, states_out = [], [], []
        for tensor, names in self.earlier.items():
            if not names:
                continue
            axes = self.tensors[tensor].axes
            start = values.full(values.number(0.0), axes) if axes else values.number(0.0)
            starts += [values.name(start)] * len(names)
            states_in += names
            states_out += [self.output(self.values.name(self.tensors[tensor]))]
            states_out += [self.output(name) for name in names[:-1]]
        if not self.incoming:  # the steps have to be counted by something
            name = values.name(values.positions(self.t))
            self.incoming[name] = self.values.graph.fresh("step")
            self.kinds[self.incoming[name]] = 7
        outputs = [self.output(self.values.name(self.tensors[tensor])) for tensor in tensors]
        body = Body(
            self.values.graph,
            [*states_in, *self.incoming.values()],
            [*states_out, *outputs],
            self.kinds,
        )
        given = [*starts, *(self.turned(name) for name in self.incoming)]
        names = [graph.fresh("scan") for _ in body.outputs]
        graph.scan(given, names, body, len(self.incoming))
        for tensor, name in zip(tensors, names[len(states_out) :], strict=True):
            axis = time_axis(tensor)
            assert axis is not None, "checked by the schedule"
            found = Value(self.turned(name), (tensor.indices[axis], *_rest(tensor)))
            self.outer.tensors[tensor] = values.transposed(found, tensor.indices)
        return tensors

    def output(self, name: str) -> str:
        """Return a name for what comes out: a node of its own for each."""
        made = self.values.graph.fresh("next")
        self.values.graph.append("Identity", [name], [made])
        self.kinds[made] = self.code
        return made

    def turned(self, name: str) -> str:
        """Return an array with its steps in the order in which they run."""
        if self.upwards:
            return name
        graph = self.outer.values.graph
        bounds = [
            graph.constant(np.asarray([each], dtype=np.int64))
            for each in (-1, np.iinfo(np.int64).min, 0, -1)
        ]
        return graph.add("Slice", [name, *bounds])


def _rest(tensor: Tensor) -> tuple[Index, ...]:
    """Return the indices of a tensor without time."""
    axis = time_axis(tensor)
    return tuple(each for place, each in enumerate(tensor.indices) if place != axis)
