"""to_onnx: the inference of a network as a file that other runtimes read.

The file is written from equations, as every target's code is, and knows no layer: products are
``Gemm``, ``MatMul`` and ``Einsum``, subscripts are ``Slice`` and ``Gather``, conditions ``Where``,
recurrences ``Scan``.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symbp.calculus.contract import contract
from symbp.calculus.lower_logsumexp import lower_logsumexp
from symbp.calculus.normalise import normalise
from symbp.calculus.phases import inference_form
from symbp.calculus.schedule import schedule
from symbp.entries.model import Model
from symbp.interop.onnx.equations import written
from symbp.interop.onnx.expressions import Expressions, kind_of
from symbp.interop.onnx.graph import Graph
from symbp.interop.onnx.library import library
from symbp.interop.onnx.recognised import Rule, recognised
from symbp.interop.onnx.recurrences import scanned
from symbp.interop.onnx.values import Value, Values
from symbp.notation.arguments import no_program, numbers_for
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError, UnsupportedError, suggest
from symbp.notation.files import require_writable, write_bytes
from symbp.notation.program import Program
from symbp.notation.tensor import Tensor

__all__ = ["OPSET", "onnx_model", "to_onnx"]

# Gelu is of opset 20. Those from 22 on only add types to the operators that are used here.
OPSET, IR_VERSION = 21, 10
DTYPES = ("float32", "float64")


def to_onnx(
    program: Program,
    parameters: Any,
    path: str | os.PathLike[str],
    dtype: str = "float32",
    state: Any = None,
    outputs: Sequence[str | Tensor] = (),
) -> Path:
    """Write the inference of a network to an ONNX file.

    Parameters
    ----------
    program : Program
        A network, or your own equations with an output.
    parameters : Parameters or mapping of str to array
        Such as ``trainer.parameters``.
    path : path
        Where to write; the file appears only when it is complete.
    dtype : {"float32", "float64"}
        The precision of the file. ONNX Runtime has few operators in float64.
    state : State or mapping of str to array, optional
        Such as ``trainer.state``, for running statistics and the like; by default what each state
        is before the first step.
    outputs : sequence of str or Tensor
        What the file computes besides the output: tensors of the program.

    Returns
    -------
    Path
        The file. Its inputs and outputs have the names of the program's, and run-time extents are
        dimensions of the names that they have in the program.

    Raises
    ------
    SymbpError
        The package onnx is not installed, the program has no output, or the parameters are others.
    UnsupportedError
        Something in the equations cannot be said in ONNX.

    Examples
    --------
    >>> import pathlib, tempfile, symbp as bp
    >>> network = bp.mlp(2, 4, 1, activation="tanh")
    >>> trainer = bp.compile(network)
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> bp.to_onnx(network, trainer.parameters, folder / "xor.onnx").name
    'xor.onnx'
    """
    if Path(path).suffix != ".onnx":
        raise SymbpError(f"{os.fspath(path)}: expected a file that ends in .onnx")
    require_writable(path)
    model = onnx_model(program, parameters, dtype, state, outputs)
    return write_bytes(path, model.SerializeToString(deterministic=True))


def onnx_model(
    program: Program,
    parameters: Any,
    dtype: str = "float32",
    state: Any = None,
    outputs: Sequence[str | Tensor] = (),
) -> Any:
    """Return the inference of a network as an ``onnx.ModelProto``, checked.

    Parameters
    ----------
    program, parameters, dtype, state, outputs
        See :func:`to_onnx`.
    """
    if not isinstance(program, Program):
        raise SymbpError(f"to_onnx: expected a network or a program, got {no_program(program)}")
    if dtype not in DTYPES:
        raise SymbpError(f"dtype {dtype!r}: {suggest(str(dtype), DTYPES)}")
    if program.output is None:
        raise SymbpError("to_onnx: the program has no output that is computed without targets")
    helper = library("helper")
    wanted = _wanted(program, outputs)
    numbers = _numbers(program.parameters, parameters, "parameters")
    if state is None:
        state = {each.name: np.full(each.shape, each.initial[1]) for each in program.states}  # type: ignore[index]
    numbers |= _numbers(program.states, state, "state")
    prepared, rules = _prepared(program, wanted, dtype)

    graph = Graph(dtype)
    inputs = [tensor for tensor in program.inputs if tensor in prepared.tensors]
    if not inputs:
        inputs = list(program.inputs)
    expressions = Expressions(Values(graph, _extents(graph, inputs)), {})
    for tensor in inputs:
        expressions.tensors[tensor] = Value(tensor.name, tensor.indices, kind_of(tensor))
    for tensor in prepared.tensors:
        if tensor in numbers:
            graph.arrays[tensor.name] = numbers[tensor].astype(graph.dtype)
            expressions.tensors[tensor] = Value(tensor.name, tensor.indices)
        elif tensor.role == "constant":
            expressions.tensors[tensor] = Value(np.asarray(tensor.value), ())
    _Run(expressions, program, wanted, rules).run(prepared.equations)

    real = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    made = helper.make_graph(
        graph.protos(),
        "network",
        [_declared(tensor, 7 if tensor.kind == "integer" else real) for tensor in inputs],
        [_declared(tensor, real) for tensor in wanted],
        graph.used_arrays(),
        doc_string="\n".join(map(str, inference_form(program).prune(wanted).equations)),
    )
    model = helper.make_model(
        made,
        producer_name="symbp",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    library("checker").check_model(model, full_check=True)
    return model


def _wanted(program: Program, outputs: Sequence[str | Tensor]) -> tuple[Tensor, ...]:
    assert program.output is not None
    found = [program.output]
    for given in outputs:
        tensor = program.tensor(given) if isinstance(given, str) else given
        if tensor not in program.tensors or not program.equations_of(tensor):
            raise SymbpError(f"outputs: {tensor} is not defined by an equation of the program")
        found.append(tensor)
    found = list(dict.fromkeys(found))
    for target in program.targets:
        for tensor in found:
            if target in program.depends_on([tensor]):
                raise SymbpError(
                    f"to_onnx: {tensor.name} depends on the target {target.name}, which a file for "
                    f"inference is not given"
                )
    return tuple(found)


def _numbers(tensors: Sequence[Tensor], given: Any, what: str) -> dict[Tensor, Any]:
    """Return the numbers of tensors, checked."""
    fields = given._asdict() if hasattr(given, "_asdict") else given
    if not isinstance(fields, Mapping):
        raise SymbpError(
            f"{what}: expected a trainer's {what} or a dict of arrays, got {type(given).__name__}"
        )
    names = [tensor.name for tensor in tensors]
    if sorted(fields) != sorted(names):
        expected, came = ", ".join(names) or "none", ", ".join(map(str, fields)) or "none"
        raise SymbpError(f"{what}: expected {expected}, got {came}")
    found = {}
    for tensor in tensors:
        found[tensor] = numbers_for(
            tensor.shape, fields[tensor.name], f"{what}: {tensor.name}"
        ).astype(np.float64)
    return found


def _prepared(
    program: Program, wanted: tuple[Tensor, ...], dtype: str
) -> tuple[Program, dict[Equation, Rule]]:
    """Return the equations of what is wanted, and for some the operator that they are."""
    # a network -> its inference, where noise is its mean and states stay as they are
    inference = inference_form(program).prune(wanted)
    for tensor in inference.with_role("noise"):
        raise UnsupportedError(
            f"to_onnx: {tensor.name} is drawn at inference, too, and ONNX has no generator of the "
            f"same numbers"
        )
    for equation in normalise(inference).equations:
        if equation.operation not in ("sum", "max", "logsumexp"):
            raise UnsupportedError(
                f"to_onnx: {equation.lhs} is defined by linear algebra ({equation.operation}), "
                f"which ONNX has no operators for"
            )
    model = Model(program).inference
    # -> one reduction each, in forms that cannot overflow, scalar bodies written out
    computed = model.computing(model.plain, wanted)
    # -> those that are one operator; ONNX Runtime has no Conv of float64
    found, rules = recognised(computed, convolutions=dtype == "float32")
    # -> of the others, a maximum, a sum and a logarithm; sums of products of two tensors each
    equations: list[Equation] = []
    for equation in found.equations:
        alone = found.replace(equations=(equation,))
        plain = alone if equation in rules else contract(lower_logsumexp(alone))
        equations += plain.equations
    return found.replace(equations=tuple(equations)), rules


def _extents(graph: Graph, inputs: Sequence[Tensor]) -> dict[Any, str]:
    """Return, for each extent that is known at run time, the shape that tells it."""
    found: dict[Any, str] = {}
    for tensor in inputs:
        for axis, extent in enumerate(tensor.shape):
            if not isinstance(extent, int) and extent not in found:
                found[extent] = graph.add("Shape", [tensor.name], start=axis, end=axis + 1)
    return found


class _Run:
    """Writes the equations of a program, one after another, into a graph."""

    def __init__(
        self,
        expressions: Expressions,
        program: Program,
        wanted: tuple[Tensor, ...],
        rules: dict[Equation, Rule],
    ) -> None:
        self.expressions, self.wanted, self.rules = expressions, wanted, rules
        # Those have names; what passes added is called as the operator that computes it.
        self.named = {*program.tensors}

    def run(self, equations: Sequence[Equation]) -> None:
        """Write equations."""
        left = Counter(equation.tensor for equation in equations)
        stages = schedule(equations)
        for position, stage in enumerate(stages):
            if stage.steps:
                later = stages[position + 1 :]
                read = {e.tensor for s in later for q in s.equations for e in q.reads()}
                for tensor in scanned(self.expressions, stage, read | {*self.wanted}):
                    self.finish(tensor)
                continue
            for equation in stage.equations:
                self.add(equation)
                left[equation.tensor] -= 1
                if not left[equation.tensor]:
                    self.finish(equation.tensor)

    def add(self, equation: Equation) -> None:
        """Write an equation, and add it to what its tensor has so far."""
        values, tensors = self.expressions.values, self.expressions.tensors
        values.graph.remark = str(equation)
        rule = self.rules.get(equation)
        value = written(self.expressions, equation, equation.domain, rule)
        earlier = tensors.get(equation.tensor)
        if earlier is not None:
            values.order = equation.tensor.indices
            value = values.apply("Add", earlier, value)
        tensors[equation.tensor] = value

    def finish(self, tensor: Tensor) -> None:
        """Give a tensor all of its axes, and its name."""
        values, tensors = self.expressions.values, self.expressions.tensors
        name = values.name(values.full(tensors[tensor], tensor.indices))
        if tensor in self.named:
            name = values.graph.named(name, tensor.name)
        tensors[tensor] = Value(name, tensor.indices)


def _declared(tensor: Tensor, code: int) -> Any:
    shape = [each if isinstance(each, int) else each.name for each in tensor.shape]
    return library("helper").make_tensor_value_info(tensor.name, code, shape)
