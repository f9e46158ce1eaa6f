"""A graph of ONNX under construction: nodes, the arrays that are written into it, and names.

A node that is asked for twice is written once. What is computed inside of a ``Scan`` is a graph of
its own, which sees the names of the graph around it; its arrays are written into the outermost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.interop.onnx.library import library

__all__ = ["Body", "Graph", "Node"]


@dataclass
class Node:
    """A node: the operator, the names that it reads and gives, its attributes, and a remark."""

    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    remark: str = ""


class Graph:
    """Nodes in the order in which they run.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Of real numbers.
    outer : Graph, optional
        The graph around this one.
    """

    def __init__(self, dtype: str, outer: "Graph | None" = None) -> None:
        self.dtype = np.dtype(dtype)
        self.outer = outer
        self.root: Graph = self if outer is None else outer.root
        self.nodes: list[Node] = []
        self.remark = ""
        self._made: dict[Any, str] = {}
        if outer is None:
            self.arrays: dict[str, NDArray[Any]] = {}
            self._constants: dict[Any, str] = {}
            self._count = 0
            self._renamed: dict[str, str] = {}

    def fresh(self, wanted: str) -> str:
        """Return a name that nothing has; no tensor's name has a point."""
        self.root._count += 1
        return f"{wanted}.{self.root._count}"

    def add(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node of one output, unless there is one like it, and return the output's name."""
        inputs = self._current(inputs)
        key = (operator, *inputs, *sorted((k, repr(v)) for k, v in attributes.items()))
        found = self._found(key)
        if found is None:
            found = self._made[key] = self.fresh(operator.lower())
            self.nodes.append(Node(operator, inputs, [found], attributes, self.remark))
        return found

    def append(self, operator: str, inputs: list[str], outputs: list[str]) -> None:
        """Add a node whose outputs have names already."""
        self.nodes.append(Node(operator, self._current(inputs), outputs, {}, self.remark))

    def scan(self, inputs: list[str], outputs: list[str], body: "Body", incoming: int) -> None:
        """Add a ``Scan``; the last inputs, as many as `incoming`, come in step by step."""
        attributes = {"body": body, "num_scan_inputs": incoming}
        self.nodes.append(Node("Scan", self._current(inputs), outputs, attributes, self.remark))

    def _current(self, names: Sequence[str]) -> list[str]:
        return [self.root._renamed.get(name, name) for name in names]

    def _found(self, key: Any) -> str | None:
        graph: Graph | None = self
        while graph is not None:
            if key in graph._made:
                return graph._made[key]
            graph = graph.outer
        return None

    def constant(self, value: Any, name: str = "constant") -> str:
        """Return the name of an array of numbers; equal ones are written once."""
        array = np.asarray(value)
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):  # the largest number of float64 is infinite then
                array = array.astype(self.dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        root = self.root
        if key not in root._constants:
            root._constants[key] = root.fresh(name)
            root.arrays[root._constants[key]] = array
        return root._constants[key]

    def named(self, value: str, name: str) -> str:
        """Give what a node of this graph computes the name of the tensor that it is."""
        (value,) = self._current([value])
        if "." in value and any(value in node.outputs for node in self.nodes):
            self._rename(value, name)
            self.root._renamed[value] = name
            return name
        # It is an input, an array, or another tensor itself.
        self.append("Identity", [value], [name])
        return name

    def _rename(self, old: str, new: str) -> None:
        for node in self.nodes:
            node.inputs = [new if each == old else each for each in node.inputs]
            node.outputs = [new if each == old else each for each in node.outputs]
            inner = node.attributes.get("body")
            if isinstance(inner, Body):
                inner.graph._rename(old, new)
        for key, made in self._made.items():
            if made == old:
                self._made[key] = new

    def protos(self) -> list[Any]:
        """Return the nodes as the library's."""
        helper = library("helper")
        made = []
        for node in self.nodes:
            attributes = {
                key: value.proto() if isinstance(value, Body) else value
                for key, value in node.attributes.items()
            }
            proto = helper.make_node(node.operator, node.inputs, node.outputs, **attributes)
            proto.name = node.outputs[0]
            if node.remark:
                proto.doc_string = node.remark
            made.append(proto)
        return made

    def used_arrays(self) -> list[Any]:
        """Return those arrays that a node reads, as the library's."""
        read: set[str] = set()
        _gather(self, read)
        to_proto = library("numpy_helper").from_array
        return [to_proto(array, name) for name, array in self.arrays.items() if name in read]


@dataclass
class Body:
    """What a ``Scan`` does in each step: a graph, and the names that go in and come out."""

    graph: Graph
    inputs: list[str]
    outputs: list[str]
    kinds: dict[str, int]

    def proto(self) -> Any:
        """Return it as the library's."""
        helper = library("helper")

        def declared(name: str) -> Any:
            return helper.make_tensor_value_info(name, self.kinds[name], None)

        return helper.make_graph(
            self.graph.protos(),
            "step",
            [declared(name) for name in self.inputs],
            [declared(name) for name in self.outputs],
        )


def _gather(graph: Graph, read: set[str]) -> None:
    for node in graph.nodes:
        read.update(node.inputs)
        for value in node.attributes.values():
            if isinstance(value, Body):
                read.update(value.outputs)
                _gather(value.graph, read)
