"""The output of a program as a differentiable function of arrays: what both libraries wrap."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbp.compiler import compile
from symbp.notation.errors import SymbpError
from symbp.notation.program import Program

__all__ = ["Differentiable"]

Array = NDArray[Any]


class Differentiable:
    """A program's output, and a weight of it times its Jacobians.

    Parameters
    ----------
    program : Program
        With a cost and an output.
    dtype : {"float64", "float32"}
        What is computed in.
    """

    def __init__(self, program: Program, dtype: str) -> None:
        if not isinstance(program, Program):
            raise SymbpError(f"expected a network or a program, got {program!r}")
        if program.states:
            names = ", ".join(tensor.name for tensor in program.states)
            raise SymbpError(f"the program has a state ({names}), and this function keeps none")
        real = [tensor for tensor in program.inputs if tensor.kind == "real"]
        entries = ("vjp", "input_vjp") if real else ("vjp",)
        self.module = compile(program, dtype=dtype, entries=entries).module
        self.names = tuple(self.module.Parameters._fields)
        taken = list(inspect.signature(self.module.predict).parameters)[1:]
        self.inputs = [tensor for tensor in program.inputs if tensor.name in taken]
        self.is_real = [tensor in real for tensor in self.inputs]
        assert program.output is not None, "predict has an output"
        self.output = program.output
        self.dtype = np.dtype(dtype)

    def parameters(self, given: Any) -> list[Any]:
        """Return parameters in their order; they are a dict by name, or a sequence."""
        if isinstance(given, Mapping):
            if set(given) != set(self.names):
                raise SymbpError(f"parameters: expected {self._names()}, got {', '.join(given)}")
            return [given[name] for name in self.names]
        if not isinstance(given, Sequence) or len(given) != len(self.names):
            count = f"{len(given)}" if isinstance(given, Sequence) else type(given).__name__
            raise SymbpError(
                f"parameters: expected a dict or a sequence of {self._names()}, got {count}"
            )
        return list(given)

    def check_inputs(self, given: Sequence[Any]) -> None:
        """Raise an error if there are more inputs, or fewer."""
        if len(given) != len(self.inputs):
            names = ", ".join(tensor.name for tensor in self.inputs)
            raise SymbpError(f"inputs: expected {len(self.inputs)} ({names}), got {len(given)}")

    def _names(self) -> str:
        return ", ".join(self.names)

    def output_shape(self, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """Return the shape of the output for inputs of these shapes."""
        extents: dict[Any, int] = {}
        for tensor, shape in zip(self.inputs, shapes, strict=True):
            if len(shape) != tensor.rank:
                expected = ", ".join(map(str, tensor.shape))
                raise SymbpError(f"{tensor.name}: expected the shape ({expected}), got {shape}")
            extents |= dict(zip(tensor.shape, shape, strict=True))
        return tuple(each if isinstance(each, int) else extents[each] for each in self.output.shape)

    def value(self, parameters: Sequence[Array], inputs: Sequence[Array]) -> Array:
        """Return the output."""
        found: Array = self.module.predict(tuple(parameters), *inputs)
        return found

    def parameter_adjoints(
        self, parameters: Sequence[Array], inputs: Sequence[Array], weight: Array
    ) -> list[Array]:
        """Return the weight times the Jacobian by each parameter."""
        return list(self.module.vjp(tuple(parameters), *inputs, weight)[1])

    def input_adjoints(
        self, parameters: Sequence[Array], inputs: Sequence[Array], weight: Array
    ) -> list[Array]:
        """Return the weight times the Jacobian by each input of real numbers."""
        return list(self.module.input_vjp(tuple(parameters), *inputs, weight)[1:])
