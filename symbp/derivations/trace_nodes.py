"""An evaluation trace: nodes and edges with numbers, and nothing of how they are shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.expr import Expr

from symbp.derivations.trace_signs import sign_of
from symbp.derivations.trace_values import Scalars
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError, suggest
from symbp.notation.tensor import Element, Tensor

__all__ = ["EvaluationTrace", "Quantities", "TraceEdge", "TraceNode"]


@dataclass(frozen=True)
class TraceNode:
    """A node of the graph: something given, or one elementary operation.

    Attributes
    ----------
    tensor : Tensor
        The scalar that it is.
    expression : SymPy expression or None
        The operation, of other nodes' elements and of numbers; None for what is given.
    value : float
        Of the forward pass.
    gradient : float or None
        The derivative of the result with respect to it; None for what is held constant, such as
        a target.
    named : bool
        Whether the user named it, or a program's equation; else it is one of ``v1``, ``v2``, …
    """

    tensor: Tensor
    expression: Expr | None
    value: float
    gradient: float | None
    named: bool = True

    @property
    def name(self) -> str:
        """The name of the scalar, such as ``v1``."""
        return self.tensor.name

    @property
    def operation(self) -> str:
        """The sign of the operation, such as ``+``, ``×2`` or ``exp``; empty if it is given."""
        return "" if self.expression is None else sign_of(self.expression)


@dataclass(frozen=True)
class TraceEdge:
    """An edge of the graph: the target's operation reads the source.

    Attributes
    ----------
    source, target : str
        The names of the nodes.
    derivative : SymPy expression
        The local derivative, ∂target/∂source.
    value : float
        Its value.
    """

    source: str
    target: str
    derivative: Expr
    value: float


class UnknownQuantityError(SymbpError, KeyError):
    """Something was asked for that the trace does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


class Quantities(Mapping[Any, Any]):
    """A number for each scalar, an array for each tensor, by symbol, name, tensor or element.

    Iteration gives what the user named; intermediate quantities can be asked for, too.
    """

    def __init__(
        self,
        scalars: Scalars,
        meaning: Mapping[Any, Tensor],
        numbers: Mapping[Tensor, float | None],
        elsewhere: Mapping[Tensor, NDArray[np.float64]],
    ) -> None:
        known = {tensor: number for tensor, number in numbers.items() if number is not None}
        self._keys = scalars.keys
        self._numbers = {key: known[t] for key, t in meaning.items() if t in known}
        self._arrays: dict[Tensor, dict[tuple[int, ...], float]] = {}
        for tensor, (whole, place) in scalars.places.items():
            if tensor in known:
                self._arrays.setdefault(whole, {})[place] = known[tensor]
        # What elements are that nothing reads, and that have no node.
        self._elsewhere = elsewhere
        self._names = {tensor.name: tensor for tensor in self._arrays}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, sympy.Symbol) and key not in self._numbers:
            key = key.name
        if isinstance(key, (str, Tensor, Element, sympy.Symbol)):
            # An array's name before a scalar's: a program may have both W_0 and W.
            tensor = self._names.get(key) if isinstance(key, str) else key
            if isinstance(tensor, Tensor) and tensor in self._arrays:
                return self._assembled(tensor)
            if key in self._numbers:
                return self._numbers[key]
            if isinstance(key, Element) and key.tensor in self._arrays:
                return float(self._assembled(key.tensor)[tuple(int(place) for place in key.args)])
        known = {str(k) for k in (*self._keys, *self._names)}
        raise UnknownQuantityError(f"no {key} in this trace; {suggest(str(key), known)}")

    def _assembled(self, tensor: Tensor) -> NDArray[np.float64]:
        parts = self._arrays[tensor]
        if tensor in self._elsewhere:
            array = self._elsewhere[tensor].copy()
        else:
            axes = range(tensor.rank)
            array = np.zeros([max(place[axis] for place in parts) + 1 for axis in axes])
        for place, number in parts.items():
            array[place] = number
        return array

    def __iter__(self) -> Iterator[Any]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{key}: {self[key]!r}' for key in self)}}}"


@dataclass(frozen=True, eq=False, repr=False)
class EvaluationTrace:
    """A computation, node by node, forward and backward; :class:`~.trace.Trace` can be shown.

    Attributes
    ----------
    nodes : tuple of TraceNode
        What is given, then the operations in the order of the forward pass; the last is the
        result.
    edges : tuple of TraceEdge
        Each with its local derivative.
    gradient : Quantities
        The derivative of the result by symbol, name, tensor or element.
    values : Quantities
        The value of everything that has a name, likewise.
    backward : tuple of Equation
        What the reverse rule made, in the order of the backward pass.
    formula : str
        What was traced, if it is short.
    """

    nodes: tuple[TraceNode, ...]
    edges: tuple[TraceEdge, ...]
    gradient: Quantities
    values: Quantities
    backward: tuple[Equation, ...] = field(default=())
    formula: str = ""

    @property
    def value(self) -> float:
        """The result of the forward pass."""
        return self.nodes[-1].value

    @cached_property
    def _by_name(self) -> dict[str, TraceNode]:
        return {node.name: node for node in self.nodes}

    def node(self, name: str) -> TraceNode:
        """Return the node of a name, such as ``"v1"``."""
        if name not in self._by_name:
            raise SymbpError(f"no node {name!r} in this trace; {suggest(name, self._by_name)}")
        return self._by_name[name]

    def __repr__(self) -> str:
        what = f"{self.formula} = " if self.formula else ""
        return f"<Trace: {what}{self.value:.6g}; {len(self.nodes)} nodes, {len(self.edges)} edges>"
