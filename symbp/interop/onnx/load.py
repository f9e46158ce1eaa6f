"""from_onnx: a file of somebody else's network as equations, to be derived, checked and trained.

Each node is read by the function of its operator; what depends on no data and on no parameter is
computed at once, by the format's reference evaluator.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from symbp.interop.onnx import operators as operators_that_register  # noqa: F401
from symbp.interop.onnx.call import OPERATORS, Call, ConstantNeeded, Given, array_of, identifier
from symbp.interop.onnx.library import library
from symbp.networks.costs import CostFunction, cost
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError, UnsupportedError, suggest
from symbp.notation.index import Index, batch_extent
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor, tensor

__all__ = ["from_onnx"]

_REAL = {1, 10, 11, 16}
_WHOLE = {2, 3, 4, 5, 6, 7, 12, 13}
_BOOL = 9


def from_onnx(
    path: Any,
    loss: str | CostFunction | None = None,
    output: str | None = None,
    constants: Mapping[str, Any] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Program:
    """Read the network of an ONNX file as a program.

    Parameters
    ----------
    path : path
        The file; an ``onnx.ModelProto`` is taken, too.
    loss : str or callable, optional
        A cost as `Network` takes it, of the output and a target of its shape; without it the
        program has an output and no cost.
    output : str, optional
        The name of a value in the file that is to be the output; by default the first output. So
        the softmax at the end is left out for ``loss="softmax_cross_entropy"``, which has its own.
    constants : mapping of str to array, optional
        Inputs of the file that are known: those that shapes and axes depend on must be.
    sizes : mapping of str to int, optional
        Numbers for dimensions that the file only names. The first axis of the inputs may stay a
        name: it is that of the examples.

    Returns
    -------
    Program
        Its parameters are the initializers of real numbers with at least one axis, and start from
        their values; what else is constant in the file is a constant. Names that are no
        identifiers have an underscore in the place of what is none.

    Raises
    ------
    SymbpError
        The package onnx is not installed, or the file is none of ONNX.
    UnsupportedError
        An operator or an attribute has no counterpart; the message names the node.

    Examples
    --------
    >>> import pathlib, tempfile, symbp as bp
    >>> network = bp.mlp(2, 4, 1, activation="tanh")
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "xor.onnx"
    >>> path = bp.to_onnx(network, bp.compile(network).parameters, path)
    >>> again = bp.from_onnx(path, loss="quadratic")
    >>> [parameter.name for parameter in again.parameters]
    ['W1', 'b1', 'W2', 'b2']
    """
    model = _loaded(path)
    reader = _Reader(model, constants or {}, sizes or {}, loss is not None)
    result = reader.output(output)
    equations = list(reader.equations)
    program = Program(equations, output=result)
    if loss is None:
        return program
    record = cost(loss)
    kept = list(program.prune([result]).equations)
    target = record.target(result)
    of_cost, body = record.parts(result, target)
    C = tensor("C")
    return Program([*kept, *of_cost, Equation(C, body)], cost=C, output=result)


def _loaded(path: Any) -> Any:
    onnx = library()
    if isinstance(path, onnx.ModelProto):
        model = path
    else:
        try:
            model = onnx.load(os.fspath(path))
        except OSError as error:
            raise SymbpError(f"{path}: cannot be read: {error.strerror or error}") from error
        except Exception as error:  # the library's errors have no class in common
            raise SymbpError(f"{Path(path)}: expected an ONNX file: {error}") from error
    inliner = library("inliner")
    if model.functions:
        model = inliner.inline_local_functions(model)
    opaque = [
        (node.domain, node.op_type)
        for node in model.graph.node
        if node.op_type not in OPERATORS and node.op_type not in ("Constant", "Shape", "Size")
    ]
    if opaque:
        # Operators that the format defines by others.
        try:
            model = inliner.inline_selected_functions(model, opaque, inline_schema_functions=True)
        except Exception as error:  # as above
            raise UnsupportedError(f"{opaque[0][1]}: its definition is not read: {error}") from error
    return model


class _Reader:
    """Reads the nodes of a graph."""

    def __init__(
        self, model: Any, constants: Mapping[str, Any], sizes: Mapping[str, int], costs: bool
    ) -> None:
        self.model = model
        self.graph = model.graph
        self.opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
        self.sizes = dict(sizes)
        self.names: set[str] = {"C", "y"} if costs else set()
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
        name = fresh_name(identifier(given.name), self.names)
        kind = "integer" if code in _WHOLE else "real"
        self.values[given.name] = Tensor(name, tuple(indices), "input", kind=kind)

    def output(self, wanted: str | None) -> Tensor:
        """Read what an output needs, and return it; by default all outputs, and the first."""
        outputs = [each.name for each in self.graph.output]
        if wanted is not None:
            known = {*self.makers, *self.values}
            if wanted not in known:
                raise SymbpError(f"output: no value {wanted!r}; {suggest(wanted, known)}")
            outputs = [wanted]
        for node in self._needed(outputs):
            self._read(node)
        results = [self._defined(name) for name in outputs]
        return results[0]

    def _defined(self, name: str) -> Tensor:
        """Return an output as a tensor that an equation defines."""
        value = self.value(name)
        if isinstance(value, Tensor) and value.role == "intermediate":
            return value
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
                for attribute in node.attribute:
                    left.extend(n for inner in attribute.g.node for n in inner.input)
        return [node for node in self.graph.node if node.output[0] in wanted]

    def value(self, name: str) -> Given:
        """Return a value; an initializer becomes a parameter when it is first asked for."""
        if name not in self.values and name in self.initial:
            array = self.initial[name]
            if array.dtype.kind == "f" and array.ndim or array.dtype.name == "bfloat16":
                own = fresh_name(identifier(name), self.names)
                self.values[name] = array_of(own, array, trainable=True)
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
            operator, name, inputs, given, outputs, attributes, self.opset, whole, self.names
        )

    def _read(self, node: Any) -> None:
        name = node.name or node.output[0]
        inputs = [self.value(each) if each else None for each in node.input]
        attributes = {each.name: _attribute(each) for each in node.attribute}
        if self._folded(node, inputs):
            return
        function = OPERATORS.get(node.op_type)
        if function is None or node.domain not in ("", "ai.onnx"):
            domain = f"{node.domain}." if node.domain else ""
            raise UnsupportedError(f"{domain}{node.op_type} {name}: the operator has no counterpart")
        if node.op_type == "CastLike":
            attributes["like"] = self.types.get(node.input[1], 1)
        if node.op_type == "QuantizeLinear":
            own = self.types.get(node.input[2], 2) if len(node.input) > 2 else 2
            attributes["zero_point_kind"] = attributes.get("output_dtype") or own
        call = self._call(
            node.op_type, name, inputs, list(node.input), list(node.output), attributes
        )
        try:
            function(call)
        except (UnsupportedError, ConstantNeeded):
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
            if node.op_type == "Size" or any(not isinstance(each, int) for each in shape):
                if any(not isinstance(each, int) for each in shape):
                    raise UnsupportedError(
                        f"{node.op_type} {node.name or node.output[0]}: the shape {shape} is not "
                        f"known; pass sizes= for a file with a number of examples"
                    )
                self.values[node.output[0]] = np.asarray(int(np.prod(shape)))
                return True
            first = next((a.i for a in node.attribute if a.name == "start"), 0)
            last = next((a.i for a in node.attribute if a.name == "end"), len(shape))
            self.values[node.output[0]] = np.asarray(shape[first:last], dtype=np.int64)
            return True
        if any(isinstance(each, Tensor) for each in inputs) or node.op_type in _DRAWN:
            return False
        graph = library("helper").make_graph([node], "one", [], [])
        for each in node.input:
            if each:
                graph.input.add().name = each
        for each in node.output:
            if each:
                graph.output.add().name = each
        model = library("helper").make_model(graph, opset_imports=self.model.opset_import)
        feeds = {n: v for n, v in zip(node.input, inputs, strict=True) if n}
        try:
            found = library("reference").ReferenceEvaluator(model).run(None, feeds)
        except Exception as error:  # whatever the evaluator of others raises
            name = node.name or node.output[0]
            raise UnsupportedError(f"{node.op_type} {name}: {error}") from error
        for name, value in zip((n for n in node.output if n), found, strict=True):
            if not isinstance(value, np.ndarray) and not np.isscalar(value):
                raise UnsupportedError(f"{node.op_type} {name}: it gives no tensor")
            self.values[name] = np.asarray(value)
        return True


_DRAWN = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli",
          "Multinomial"}  # fmt: skip


def _attribute(given: Any) -> Any:
    value = library("helper").get_attribute_value(given)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (list, tuple)):
        return [each.decode() if isinstance(each, bytes) else each for each in value]
    return value

