"""Values: arrays with an index for each axis, as a graph computes them or as numbers known already.

An axis of an index that a value does not vary with is left out. Where two values meet, both are
brought to one order of axes, and the format's own broadcasting does the rest. What depends on
indices of known extents alone, such as the mask of a padding, is computed here and now.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from symbp.interop.onnx.graph import Graph
from symbp.notation.index import Extent, Index

__all__ = ["Kind", "Value", "Values"]

Kind = Literal["float", "int", "bool"]


@dataclass(frozen=True)
class Value:
    """A scalar expression over indices.

    Attributes
    ----------
    data : str or ndarray
        The name of what a graph computes, or numbers.
    axes : tuple of Index
        One for each axis.
    kind : {"float", "int", "bool"}
        What its elements are.
    """

    data: str | NDArray[Any]
    axes: tuple[Index, ...]
    kind: Kind = "float"

    @property
    def is_known(self) -> bool:
        """Whether it is numbers."""
        return not isinstance(self.data, str)


class Values:
    """Operations on values, which add nodes to a graph.

    Parameters
    ----------
    graph : Graph
        Where nodes are added.
    extents : dict
        The names of arrays of one element for extents that are known at run time.
    """

    def __init__(self, graph: Graph, extents: dict[Any, str]) -> None:
        self.graph = graph
        self.extents = extents
        # The order of axes: that of the indices of the equation at hand.
        self.order: tuple[Index, ...] = ()

    def number(self, value: Any, kind: Kind = "float") -> Value:
        """Return a scalar."""
        return Value(np.asarray(value), (), kind)

    def name(self, value: Value) -> str:
        """Return the name of a value in the graph."""
        if isinstance(value.data, str):
            return value.data
        types: dict[str, Any] = {"float": np.float64, "int": np.int64, "bool": np.bool_}
        return self.graph.constant(value.data.astype(types[value.kind]))

    def cast(self, value: Value, kind: Kind) -> Value:
        """Return a value as another kind of number."""
        if value.kind == kind:
            return value
        if isinstance(value.data, np.ndarray):
            types: dict[str, Any] = {"float": np.float64, "int": np.int64, "bool": np.bool_}
            return Value(value.data.astype(types[kind]), value.axes, kind)
        codes = {"float": 11 if self.graph.dtype == np.float64 else 1, "int": 7, "bool": 9}
        return Value(self.graph.add("Cast", [value.data], to=codes[kind]), value.axes, kind)

    def sorted(self, axes: Sequence[Index]) -> tuple[Index, ...]:
        """Return indices in the order of the equation."""
        return tuple(index for index in self.order if index in axes)

    def transposed(self, value: Value, axes: Sequence[Index]) -> Value:
        """Return a value with its axes in another order."""
        if value.axes == tuple(axes):
            return value
        places = [value.axes.index(index) for index in axes]
        if isinstance(value.data, np.ndarray):
            return Value(value.data.transpose(places), tuple(axes), value.kind)
        return Value(
            self.graph.add("Transpose", [value.data], perm=places), tuple(axes), value.kind
        )

    def spread(self, value: Value, axes: Sequence[Index]) -> Value:
        """Return a value as it broadcasts to axes: in their order, with an axis of 1 for others."""
        value = self.transposed(value, [index for index in axes if index in value.axes])
        first = next((p for p, index in enumerate(axes) if index in value.axes), len(axes))
        missing = [p for p, index in enumerate(axes) if p > first and index not in value.axes]
        if not missing:
            return value
        added = [place - first for place in missing]
        if isinstance(value.data, np.ndarray):
            return Value(np.expand_dims(value.data, tuple(added)), tuple(axes[first:]), value.kind)
        places = self.graph.constant(np.asarray(added, dtype=np.int64))
        return Value(
            self.graph.add("Unsqueeze", [value.data, places]), tuple(axes[first:]), value.kind
        )

    def apply(
        self,
        operator: str,
        *given: Value,
        known: Callable[..., Any] | None = None,
        kind: Kind | None = None,
        **attributes: Any,
    ) -> Value:
        """Return an elementwise operator of values.

        Parameters
        ----------
        operator : str
            Of the format.
        *given : Value
            What it takes.
        known : callable, optional
            The same in NumPy, for values that are numbers.
        kind : {"float", "int", "bool"}, optional
            Of the result; by default that of the last value.
        """
        axes = self.sorted([index for value in given for index in value.axes])
        aligned = [self.spread(value, axes) for value in given]
        kind = given[-1].kind if kind is None else kind
        if known is not None and all(value.is_known for value in given):
            with np.errstate(all="ignore"):
                found = np.asarray(known(*(value.data for value in aligned)))
            return Value(found, axes, kind)
        names = [self.name(value) for value in aligned]
        return Value(self.graph.add(operator, names, **attributes), axes, kind)

    def size(self, extent: Extent) -> str:
        """Return the name of an array of one element: an extent."""
        if isinstance(extent, int):
            return self.graph.constant(np.asarray([extent], dtype=np.int64))
        return self.extents[extent]

    def shape(self, extents: Sequence[Extent]) -> str:
        """Return the name of an array: a shape."""
        if all(isinstance(extent, int) for extent in extents):
            return self.graph.constant(np.asarray(extents, dtype=np.int64))
        names = [self.size(extent) for extent in extents]
        return names[0] if len(names) == 1 else self.graph.add("Concat", names, axis=0)

    def full(self, value: Value, axes: Sequence[Index]) -> Value:
        """Return a value repeated over the axes that it does not vary with, in their order."""
        if tuple(axes) == value.axes:
            return value
        missing = [index for index in axes if index not in value.axes]
        value = self.spread(value, axes)
        if not missing:
            return value
        shape = self.shape([index.extent for index in axes])
        return Value(self.graph.add("Expand", [self.name(value), shape]), tuple(axes), value.kind)

    def positions(self, index: Index) -> Value:
        """Return an index as numbers."""
        if isinstance(index.extent, int):
            return Value(np.arange(index.extent), (index,), "int")
        scalar = self.scalar(index.extent)
        zero, one = (self.graph.constant(np.asarray(each, dtype=np.int64)) for each in (0, 1))
        return Value(self.graph.add("Range", [zero, scalar, one]), (index,), "int")

    def scalar(self, extent: Any) -> str:
        """Return the name of an extent as a scalar."""
        return self.graph.add("Squeeze", [self.size(extent)])
