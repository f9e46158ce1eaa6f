"""places: where each array of a function lies, and how an element of it is written.

Parameters, states and hyperparameters are members of a struct; so is what a function computes on
the way. Views are resolved here: an element of a view is written as the element of the memory in
which it lies, so that the compiler sees which arrays are different ones.
"""

from dataclasses import dataclass
from typing import Any

import sympy

from symbp.loops.nodes import Allocate, Function, View
from symbp.notation.errors import UnsupportedError
from symbp.notation.tensor import Tensor
from symbp.targets.c.names import Names

__all__ = ["Field", "Packed", "Place", "Struct", "buffers_of", "fields_of", "size_of"]


@dataclass(frozen=True)
class Field:
    """A member of a struct: an array of numbers, or one number."""

    name: str
    shape: tuple[Any, ...]
    of: str
    """The name that its author gave it."""
    whole: bool = False
    """Whether it holds whole numbers."""
    wide: bool = False
    """Whether it is of double precision, whatever that of the unit is."""


@dataclass(frozen=True)
class Struct:
    """Several arrays under one name."""

    name: str
    fields: tuple[Field, ...]

    def at(self, offset: int, size: int) -> Field:
        """Return the field of a size that begins at an offset in a packed array."""
        start = 0
        for each in self.fields:
            if start == offset and size_of(each.shape) == size:
                return each
            start += size_of(each.shape)
        raise UnsupportedError(f"{self.name}: no field of {size} numbers at {offset}")


@dataclass(frozen=True)
class Place:
    """Where an array lies.

    Attributes
    ----------
    text : str
        The array, or the number if it is one.
    shape : tuple of int or Symbol
        How many elements there is room for along each axis.
    offset : whole number
        Where the first element is.
    single : bool
        Whether `text` is a number and no array.
    """

    text: str
    shape: tuple[Any, ...]
    offset: Any = 0
    single: bool = False

    def strides(self) -> list[Any]:
        """Return how far apart neighbours along each axis are."""
        result: list[Any] = []
        stride: Any = sympy.S.One
        for extent in reversed(self.shape):
            result.append(stride)
            stride = stride * extent
        return result[::-1]

    def viewed(self, view: View) -> "Place":
        """Return the place of a view of the array."""
        shape = view.array.shape if view.shape is None else view.shape
        return Place(self.text, shape, self.offset + view.offset, self.single)


@dataclass(frozen=True)
class Packed(Place):
    """A struct whose fields lie one after another, as in a packed array."""

    struct: Struct | None = None
    member: str = "->"

    def viewed(self, view: View) -> Place:
        """Return the place of a field."""
        assert self.struct is not None
        shape = view.array.shape if view.shape is None else view.shape
        field = self.struct.at(int(view.offset), size_of(shape))
        return Place(f"{self.text}{self.member}{field.name}", shape, single=not shape)


def fields_of(tensors: tuple[Tensor, ...]) -> tuple[Field, ...]:
    """Return a field for each tensor, in their order."""
    names = Names()
    return tuple(Field(names.unique(t.name), t.shape, t.name) for t in tensors)


def buffers_of(function: Function, name: str) -> tuple[Struct, dict[Tensor, Field]]:
    """Return the struct of what a function needs memory for, and where each array is in it."""
    names = Names({"packed"})
    found: dict[Tensor, Field] = {}
    for statement in function.statements:
        if isinstance(statement, Allocate) and statement.kind != "register":
            tensor = statement.array
            whole = tensor.kind == "integer"
            text, shape = names.unique(tensor.name), statement.shape
            found[tensor] = Field(text, shape, tensor.name, whole, statement.wide)
    # What is aligned most strictly comes first.
    order = sorted(found.values(), key=lambda field: (not field.wide, field.whole))
    return Struct(name, tuple(order)), found


def size_of(shape: tuple[Any, ...], batch: int | None = None) -> int:
    """Return how many elements a shape has, for the most rows of a batch."""
    size = 1
    for extent in shape:
        if isinstance(extent, int | sympy.Integer):
            size *= int(extent)
        elif batch is not None:
            value = sympy.sympify(extent, strict=True)
            size *= int(value.subs(dict.fromkeys(value.free_symbols, batch)))
        else:
            raise UnsupportedError(f"shape {shape}: only the rows of a batch are not known before")
    return size
