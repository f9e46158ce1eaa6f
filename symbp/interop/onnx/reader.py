"""Reading the graph of a file: its inputs, its nodes in order, and graphs inside of nodes.

What depends on no data and on no parameter, such as a shape, is computed at once.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from symbp.interop.onnx.call import (
    OPERATORS,
    Call,
    ConstantNeededError,
    Given,
    array_of,
    identifier,
)
from symbp.interop.onnx.evaluated import evaluated_node
from symbp.interop.onnx.library import library
from symbp.interop.onnx.scans import read_scan
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError, UnsupportedError, suggest
from symbp.notation.index import Index, batch_extent
from symbp.notation.naming import fresh_name
from symbp.notation.tensor import Kind, Tensor

__all__ = ["READ_HERE", "Reader"]

# Operators that have no function among the others: they need more than the inputs of a node.
READ_HERE = ("Constant", "Shape", "Size", "If", "Scan")
_REAL = {1, 10, 11, 16}
_WHOLE = {2, 3, 4, 5, 6, 7, 12, 13}
_BOOL = 9


class Reader:
    """Reads a file's graph.

    Parameters
    ----------
    model : onnx.ModelProto
        Without functions.
    constants : mapping of str to array
        Inputs that are known.
    sizes : mapping of str to int
        Numbers for dimensions that are names.
    costs : bool
        Whether a cost is to be added, which has names of its own.
    """

    def __init__(
        self, model: Any, constants: Mapping[str, Any], sizes: Mapping[str, int], costs: bool
    ) -> None:
        self.model = model
        self.graph = model.graph
        self.opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
        self.sizes = dict(sizes)
        self.names: set[str] = {"C", "y"} if costs else set()
        # What each value of the file is called; what else is made is called otherwise.
        self.own: dict[str, str] = {}
        for name in _names_of(self.graph):
            self.own[name] = fresh_name(identifier(name), self.names)
        self.values: dict[str, Given] = {}
        self.equations: list[Equation] = []
        self.types = self._types()
        self.initial: dict[str, Any] = {}
        to_array = library("numpy_helper").to_array
        for initializer in self.graph.initializer:
            self.initial[initializer.name] = to_array(initializer)
        given = {each.name for each in self.graph.input} - set(self.initial)
        for name in constants:
            if name not in given:
                raise SymbpError(f"constants: no input {name!r}; {suggest(name, given)}")
            self.values[name] = np.asarray(constants[name])
        self.makers = {name: node for node in self.graph.node for name in node.output if name}
        for each in self.graph.input:
            if each.name in given and each.name not in constants:
                self._input(each)

    def _types(self) -> dict[str, int]:
        try:
            inferred = library("shape_inference").infer_shapes(self.model, data_prop=True).graph
        except Exception:  # nothing but the types of some values is missing then
            inferred = self.graph
        found = {each.name: each.data_type for each in self.graph.initializer}
        for each in (*inferred.input, *inferred.value_info, *inferred.output):
            found[each.name] = each.type.tensor_type.elem_type
        return found

    def _input(self, given: Any) -> None:
        code = given.type.tensor_type.elem_type
        if not given.type.HasField("tensor_type") or code not in _REAL | _WHOLE | {_BOOL}:
            raise UnsupportedError(f"input {given.name}: expected a tensor of numbers")
        if not given.type.tensor_type.HasField("shape"):
            raise UnsupportedError(f"input {given.name}: the file does not say its shape")
        shape: list[Any] = []
        for axis, dimension in enumerate(given.type.tensor_type.shape.dim):
            name = dimension.dim_param
            if dimension.HasField("dim_value"):
                shape.append(dimension.dim_value)
            elif name in self.sizes:
                shape.append(self.sizes[name])
            elif axis:
                raise UnsupportedError(
                    f"input {given.name}: axis {axis} has no number: pass sizes={{{name!r}: …}}"
                )
            else:
                shape.append(batch_extent(identifier(name or "N")))
        if 0 in shape:
            raise UnsupportedError(f"input {given.name}: it has no elements")
        letters = iter("ijklmpqrsuvw")
        indices = [Index("n" if not isinstance(e, int) else next(letters), e) for e in shape]
        name = self.own[given.name]
        kind: Kind = "integer" if code in _WHOLE else "real"
        self.values[given.name] = Tensor(name, tuple(indices), "input", kind=kind)

    def outputs(self, wanted: str | None) -> list[Tensor]:
        """Read what an output needs, and return it; by default all outputs."""
        outputs = [each.name for each in self.graph.output]
        if wanted is not None:
            known = {*self.makers, *self.values}
            if wanted not in known:
                raise SymbpError(f"output: no value {wanted!r}; {suggest(wanted, known)}")
            outputs = [wanted]
        for node in self._needed(outputs):
            self._read(node)
        return [self._defined(name) for name in outputs]

    def _defined(self, name: str) -> Tensor:
        """Return an output as a tensor that an equation defines."""
        value = self.value(name)
        # What comes out of the branch of an ``If`` has another name.
        own = isinstance(value, Tensor) and value.name == self.own.get(name)
        if own and isinstance(value, Tensor) and value.role == "intermediate":
            return value
        if name in self.own and name not in self.makers:  # an input that is an output
            self.own[name] = fresh_name(f"{self.own[name]}_out", self.names)
        call = self._call("Identity", name, [value], [name], [name], {})
        OPERATORS["Identity"](call)
        self.equations += call.equations
        result = call.results[0]
        assert isinstance(result, Tensor), "an equation defines one"
        return result

    def _needed(self, outputs: list[str]) -> list[Any]:
        wanted: set[str] = set()
        left = list(outputs)
        while left:
            node = self.makers.get(left.pop())
            if node is not None and node.output[0] not in wanted:
                wanted.add(node.output[0])
                left.extend(node.input)
                left.extend(_captured(node))
        return [node for node in self.graph.node if node.output[0] in wanted]

    def _inputs_of(self, name: str) -> list[str]:
        """Return the inputs of whole numbers that a value depends on."""
        found: dict[str, None] = {}
        left, seen = [name], set()
        while left:
            each = left.pop()
            if each in self.makers and each not in seen:
                left.extend(self.makers[each].input)
            seen.add(each)
            value = self.values.get(each)
            if each not in self.makers and isinstance(value, Tensor) and value.kind == "integer":
                found[each] = None
        return list(found)

    def value(self, name: str) -> Given:
        """Return a value; an initializer becomes a parameter when it is first asked for."""
        if name not in self.values and name in self.initial:
            array = self.initial[name]
            if (array.dtype.kind == "f" and array.ndim) or array.dtype.name == "bfloat16":
                self.values[name] = array_of(self.own[name], array, trainable=True)
            else:
                self.values[name] = array
        if name not in self.values:
            raise UnsupportedError(f"{name}: a value that the file does not define")
        return self.values[name]

    def _call(
        self, operator: str, name: str, inputs: Any, given: Any, outputs: Any, attributes: Any
    ) -> Call:
        whole = [self.types.get(each, 1) in _WHOLE for each in given]
        return Call(
            operator, name, inputs, given, outputs, attributes, self.opset, whole, self.names,
            self.own, {equation.tensor: equation for equation in self.equations},
        )  # fmt: skip

    def _read(self, node: Any) -> None:
        name = node.name or node.output[0]
        inputs = [self.value(each) if each else None for each in node.input]
        attributes = {each.name: _attribute(each) for each in node.attribute}
        if self._folded(node, inputs):
            return
        first = inputs[0] if inputs else None
        if (
            isinstance(first, np.ndarray)
            and not first.size
            and node.op_type in ("Cast", "CastLike", "Identity")
        ):
            self.values[node.output[0]] = first
            return
        if node.op_type == "If":
            self._branch(node, inputs[0])  # type: ignore[arg-type]
            return
        function = OPERATORS.get(node.op_type)
        readable = function is not None or node.op_type == "Scan"
        if not readable or node.domain not in ("", "ai.onnx"):
            domain = f"{node.domain}." if node.domain else ""
            raise UnsupportedError(
                f"{domain}{node.op_type} {name}: the operator has no counterpart"
            )
        if node.op_type == "CastLike":
            attributes["like"] = self.types.get(node.input[1], 1)
        if node.op_type == "QuantizeLinear":
            own = self.types.get(node.input[2], 2) if len(node.input) > 2 else 2
            attributes["zero_point_kind"] = attributes.get("output_dtype") or own
        call = self._call(
            node.op_type, name, inputs, list(node.input), list(node.output), attributes
        )
        try:
            if function is None:
                read_scan(call, self._graph)
            else:
                function(call)
        except ConstantNeededError as error:
            if error.name in self.makers:  # no input: perhaps it follows from one
                for each in self._inputs_of(error.name):
                    raise ConstantNeededError(
                        f"{node.op_type} {name}: {error.name} has to be known when the file is "
                        f"read; it depends on the input {each}: from_onnx(…, "
                        f"constants={{{each!r}: …}})",
                        each,
                    ) from error
                raise UnsupportedError(
                    f"{node.op_type} {name}: {error.name} is computed, and has to be known when "
                    f"the file is read; if it depends on the number of examples, pass sizes="
                ) from error
            raise
        except UnsupportedError:
            raise
        except SymbpError as error:
            raise UnsupportedError(f"{node.op_type} {name}: {error}") from error
        self.equations += call.equations
        for place, made in call.results.items():
            self.values[node.output[place]] = made

    def _folded(self, node: Any, inputs: list[Given | None]) -> bool:
        """Compute what is known already: shapes, and what follows from constants alone."""
        if node.op_type in ("Shape", "Size") and isinstance(inputs[0], Tensor):
            shape = inputs[0].shape
            if node.op_type == "Size":
                if any(not isinstance(each, int) for each in shape):
                    raise UnsupportedError(
                        f"Size {node.name or node.output[0]}: the shape {shape} is not known; pass "
                        f"sizes= for a file with a number of examples"
                    )
                self.values[node.output[0]] = np.asarray(int(np.prod(shape)))
                return True
            first = next((a.i for a in node.attribute if a.name == "start"), 0)
            last = next((a.i for a in node.attribute if a.name == "end"), len(shape))
            kind = np.int64 if all(isinstance(each, int) for each in shape) else object
            self.values[node.output[0]] = np.asarray(shape[first:last], dtype=kind)
            return True
        if any(isinstance(each, Tensor) for each in inputs) or node.op_type in _DRAWN:
            return False
        if any(each.HasField("g") for each in node.attribute):
            return False
        feeds = {n: v for n, v in zip(node.input, inputs, strict=True) if n}
        if any(v is not None and v.dtype == object for v in feeds.values()):
            return self._symbolic(node, inputs)
        try:
            found = evaluated_node(node, feeds, self.model.opset_import)
        except Exception as error:  # whatever the evaluator of others raises
            name = node.name or node.output[0]
            raise UnsupportedError(f"{node.op_type} {name}: {error}") from error
        for name, value in zip((n for n in node.output if n), found, strict=True):
            if not isinstance(value, np.ndarray) and not np.isscalar(value):
                raise UnsupportedError(f"{node.op_type} {name}: it gives no tensor")
            self.values[name] = np.asarray(value)
        return True

    def _graph(self, graph: Any, given: list[Given]) -> tuple[list[Equation], list[Tensor]]:
        """Read a graph inside of a node; return its equations and its outputs."""
        to_array = library("numpy_helper").to_array
        for initializer in graph.initializer:
            self.initial[initializer.name] = to_array(initializer)
        for each, value in zip(graph.input, given, strict=True):
            self.values[each.name] = value
        outer, self.equations = self.equations, []
        for node in graph.node:
            self._read(node)
        inner = {equation.tensor for equation in self.equations}
        results: list[Tensor] = []
        for each in graph.output:
            value = self.value(each.name)
            if not isinstance(value, Tensor) or value not in inner:
                call = self._call(
                    "Identity", each.name, [value], [each.name], [f"{each.name}_out"], {}
                )
                OPERATORS["Identity"](call)
                self.equations += call.equations
                value = call.results[0]
            assert isinstance(value, Tensor), "an equation defines one"
            results.append(value)
        made, self.equations = self.equations, outer
        return made, results

    def _symbolic(self, node: Any, inputs: list[Any]) -> bool:
        """Move the symbols of a shape; what is neither moved nor known later says so."""
        rule = _MOVED.get(node.op_type)
        if rule is None:
            return False
        attributes = {each.name: _attribute(each) for each in node.attribute}
        self.values[node.output[0]] = np.asarray(rule(inputs, attributes), dtype=object)
        return True

    def _branch(self, node: Any, condition: Given) -> None:
        """Read the branch of an ``If`` whose condition is known."""
        if isinstance(condition, Tensor):
            raise ConstantNeededError(
                f"If {node.name or node.output[0]}: its condition {node.input[0]} is computed; it "
                f"has to be known when the file is read: pass constants=",
                node.input[0],
            )
        wanted = "then_branch" if bool(np.asarray(condition).all()) else "else_branch"
        graph = next(each.g for each in node.attribute if each.name == wanted)
        to_array = library("numpy_helper").to_array
        for initializer in graph.initializer:
            self.initial[initializer.name] = to_array(initializer)
        for inner in graph.node:
            self._read(inner)
        for outer, each in zip(node.output, graph.output, strict=True):
            self.values[outer] = self.value(each.name)


def _sliced(inputs: Any, attributes: Any) -> Any:
    starts, ends, *more = (np.asarray(each).astype(int).ravel() for each in inputs[1:])
    step = int(more[1][0]) if len(more) > 1 else 1
    return inputs[0][slice(int(starts[0]), int(ends[0]), step)]


# What moves the elements of a shape.
_MOVED: dict[str, Any] = {
    "Identity": lambda inputs, attributes: inputs[0],
    "Cast": lambda inputs, attributes: inputs[0],
    "Concat": lambda inputs, attributes: np.concatenate([np.atleast_1d(x) for x in inputs]),
    "Gather": lambda inputs, attributes: inputs[0][inputs[1]],
    "Squeeze": lambda inputs, attributes: inputs[0].reshape(()),
    "Unsqueeze": lambda inputs, attributes: inputs[0].reshape(1),
    "Reshape": lambda inputs, attributes: inputs[0].reshape([int(s) for s in inputs[1]]),
    "Slice": _sliced,
    "Mul": lambda inputs, attributes: inputs[0] * inputs[1],
    "Add": lambda inputs, attributes: inputs[0] + inputs[1],
    "Sub": lambda inputs, attributes: inputs[0] - inputs[1],
}

_DRAWN = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli",
          "Multinomial"}  # fmt: skip


def _names_of(graph: Any) -> list[str]:
    """Return the names of all values, those of graphs inside of nodes last."""
    found = [each.name for each in (*graph.input, *graph.initializer)]
    inner: list[str] = []
    for node in graph.node:
        found += [name for name in node.output if name]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                inner += _names_of(attribute.g)
    return list(dict.fromkeys([*found, *inner]))


def _captured(node: Any) -> list[str]:
    """Return the names that graphs inside of a node read."""
    graphs = [each.g for each in node.attribute if each.HasField("g")]
    found = [each.name for graph in graphs for each in graph.output]
    for graph in graphs:
        for inner in graph.node:
            found += [*inner.input, *_captured(inner)]
    return found


def _attribute(given: Any) -> Any:
    value = library("helper").get_attribute_value(given)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, tuple)):
        return [each.decode() if isinstance(each, bytes) else each for each in value]
    return value
