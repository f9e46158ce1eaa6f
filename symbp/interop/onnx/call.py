"""One node of a graph as what gives equations: its inputs as elements, its output as a tensor.

A function for each operator, in the folder ``operators``, takes a :class:`Call` and defines what
the node gives. What an input is, a number, an array that is known or a tensor, is the matter of
this file; so are broadcasting and names.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symbp.notation.equation import Equation
from symbp.notation.errors import UnsupportedError
from symbp.notation.functions import where
from symbp.notation.index import Extent, Index
from symbp.notation.naming import fresh_name
from symbp.notation.tensor import Tensor

__all__ = [
    "OPERATORS",
    "Call",
    "ConstantNeededError",
    "Given",
    "array_of",
    "number",
    "operator",
    "pieces",
    "reduced",
]

# A tensor, or numbers that are known before any data is seen.
Given = Tensor | NDArray[Any]

OPERATORS: dict[str, Callable[["Call"], None]] = {}


class ConstantNeededError(UnsupportedError):
    """What an operator needs to be known is only known at run time."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


def operator(*names: str) -> Callable[[Callable[["Call"], None]], Callable[["Call"], None]]:
    """Register a function as what reads operators.

    Parameters
    ----------
    *names : str
        As the format calls them.
    """

    def register(function: Callable[["Call"], None]) -> Callable[["Call"], None]:
        for name in names:
            OPERATORS[name] = function
        return function

    return register


@dataclass
class Call:
    """A node.

    Attributes
    ----------
    operator : str
        What it does.
    name : str
        What errors call it.
    inputs : list
        For each input a tensor, an array, or None where it is left out.
    input_names : list of str
        Their names in the file.
    outputs : list of str
        The names of what it gives; empty where nothing reads it.
    attributes : dict
        By name.
    opset : int
        The version of the operators.
    whole : list of bool
        For each input whether it is of whole numbers.
    names : set of str
        The names of tensors that are taken.
    own : mapping of str to str
        What values of the file are called.
    defined : mapping of Tensor to Equation
        The equations of nodes before.
    """

    operator: str
    name: str
    inputs: list[Given | None]
    input_names: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    opset: int
    whole: list[bool]
    names: set[str]
    own: Mapping[str, str] = field(default_factory=dict)
    defined: Mapping[Tensor, Equation] = field(default_factory=dict)
    equations: list[Equation] = field(default_factory=list)
    results: dict[int, Given] = field(default_factory=dict)
    # No two indices of a node have one name, so that each equation says which is meant.
    letters: Iterator[str] = field(default_factory=lambda: _letters())

    def refuse(self, why: str) -> UnsupportedError:
        """Return the error that says what of a node cannot be read."""
        return UnsupportedError(f"{self.operator} {self.name}: {why}")

    def has(self, place: int) -> bool:
        """Whether an input is given."""
        return place < len(self.inputs) and self.inputs[place] is not None

    def given(self, place: int) -> Given:
        """Return an input."""
        found = self.inputs[place] if place < len(self.inputs) else None
        if found is None:
            raise self.refuse(f"expected an input {place}")
        return found

    def shape(self, place: int) -> tuple[Extent, ...]:
        """Return the shape of an input."""
        return tuple(self.given(place).shape)

    def rank(self, place: int) -> int:
        """Return the number of axes of an input."""
        return len(self.shape(place))

    def sizes(self, place: int) -> tuple[int, ...]:
        """Return a shape of numbers."""
        shape = self.shape(place)
        if not all(isinstance(extent, int) for extent in shape):
            raise self.refuse(f"{self.input_names[place]} has a size known at run time only")
        return tuple(int(extent) for extent in shape)

    def size(self, place: int, axis: int) -> int:
        """Return one size, which has to be a number."""
        extent = self.shape(place)[axis]
        if not isinstance(extent, int):
            raise self.refuse(f"axis {axis} of {self.input_names[place]} is {extent}, no number")
        return extent

    def known(self, place: int, default: Any = None) -> Any:
        """Return an input that has to be known before any data is seen, or a default."""
        if not self.has(place):
            return default
        found = self.given(place)
        if isinstance(found, Tensor):
            name = self.input_names[place]
            raise ConstantNeededError(
                f"{self.operator} {self.name}: input {name} is computed; it has to be known when "
                f"the file is read: from_onnx(…, constants={{{name!r}: …}})",
                name,
            )
        return found

    def whole_numbers(self, place: int) -> list[int] | None:
        """Return a known input as integers, or None where it is not given."""
        found = self.known(place)
        if found is None:
            return None
        # A size that is known at run time only is its symbol.
        return [
            each if isinstance(each, sympy.Basic) else int(each)
            for each in np.asarray(found).ravel()
        ]

    def axis(self, value: int, rank: int) -> int:
        """Return an axis counted from the front."""
        return value + rank if value < 0 else value

    def indices(self, shape: Sequence[Extent]) -> list[Index]:
        """Return new indices for a shape."""
        return [
            Index("n" if isinstance(extent, sympy.Symbol) else next(self.letters), extent)
            for extent in shape
        ]

    def tensor(self, place: int) -> Tensor:
        """Return an input as a tensor; numbers become a constant."""
        found = self.given(place)
        if isinstance(found, Tensor):
            return found
        name = fresh_name(f"{self.name_of(place)}_values", self.names)
        made = array_of(name, found, trainable=False)
        self.inputs[place] = made
        return made

    def name_of(self, place: int) -> str:
        """Return what an input is called."""
        return identifier(self.input_names[place] or "value")

    def at(self, place: int, subscripts: Sequence[Any]) -> Any:
        """Return an element of an input, broadcast from the last axis on."""
        found = self.given(place)
        if isinstance(found, np.ndarray) and found.size == 1:
            return number(found.ravel()[0])
        rank = len(found.shape)
        return self.element(place, subscripts[len(subscripts) - rank :] if rank else ())

    def element(self, place: int, subscripts: Sequence[Any]) -> Any:
        """Return an element of an input; an axis of one element is read at it."""
        found = self.given(place)
        if isinstance(found, np.ndarray) and found.size == 1:
            return number(found.ravel()[0])
        tensor = self.tensor(place)
        chosen: list[Any] = []
        beyond = []
        for subscript, extent in zip(subscripts, tensor.shape, strict=True):
            shorter = isinstance(subscript, Index) and subscript.extent != extent != 1
            chosen.append(0 if extent == 1 else subscript)
            # The first few of an axis: the notation asks for a condition that says so.
            beyond += [subscript < subscript.extent] if shorter else []
        element = tensor[tuple(chosen)]
        return where(sympy.And(*beyond), element, 0) if beyond else element

    def broadcast(self, *places: int) -> list[Index]:
        """Return new indices for what inputs broadcast to."""
        shapes = [self.shape(place) for place in places]
        rank = max(map(len, shapes))
        result: list[Extent] = []
        for axis in range(-rank, 0):
            extents = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
            if len(extents) > 1:
                raise self.refuse(f"shapes {', '.join(map(str, shapes))} do not broadcast")
            result.append(extents.pop() if extents else 1)
        return self.indices(result)

    def define(
        self,
        subscripts: Sequence[Any],
        body: Any,
        output: int | None = 0,
        part: str = "",
        shape: Sequence[Extent] | None = None,
        sequential: int | None = None,
    ) -> Tensor:
        """Add an equation, and return the tensor that it defines.

        Parameters
        ----------
        subscripts : sequence
            Of the left-hand side: indices, or sums of them where a shape is given.
        body : expression
            The right-hand side.
        output : int, optional
            Which output of the node it is; None for a part of the way.
        part : str
            What a part is called.
        shape : sequence of extents, optional
            Of the tensor, where subscripts are more than indices.
        sequential : int, optional
            The axis of time.
        """
        tensor = self.declare(subscripts if shape is None else self.indices(shape), output, part)
        self.equations.append(Equation(tensor[tuple(subscripts)], body))
        return tensor

    def declare(self, indices: Sequence[Index], output: int | None = 0, part: str = "") -> Tensor:
        """Return a new tensor, an output of the node or a part of the way."""
        if output is not None and self.outputs[output] in self.own:
            name = self.own[self.outputs[output]]
        elif output is not None:
            name = fresh_name(identifier(self.outputs[output]), self.names)
        else:
            first = next(each for each in self.outputs if each)
            name = fresh_name(f"{identifier(first)}_{part}", self.names)
        tensor = Tensor(name, tuple(indices))
        if output is not None:
            self.results[output] = tensor
        return tensor

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or a default."""
        return self.attributes.get(name, default)


def _letters() -> Iterator[str]:
    for count in itertools.count(1):
        for letter in "ijklmpqrsuvw":
            yield letter if count == 1 else f"{letter}{count}"


def identifier(name: str) -> str:
    """Return a name of the file as one of the notation."""
    kept = "".join(each if each.isascii() and each.isalnum() else "_" for each in name).strip("_")
    kept = kept or "value"
    return f"v{kept}" if kept[0].isdigit() else kept


def number(value: Any) -> Any:
    """Return a number of an array as one of the notation."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, sympy.Basic):
        return plain
    if isinstance(plain, bool):
        return sympy.Integer(int(plain))
    if isinstance(plain, int) or (
        isinstance(plain, float) and plain == plain // 1 and abs(plain) < 2**53
    ):
        return sympy.Integer(int(plain))
    return sympy.sympify(float(plain), strict=True)


def array_of(name: str, array: NDArray[Any], trainable: bool) -> Tensor:
    """Return a parameter that starts from numbers."""
    indices = [
        Index(letter, size) for letter, size in zip("ijklmpqrsuvw", array.shape, strict=False)
    ]
    values = _nested(np.asarray(array, dtype=np.float64).tolist())
    return Tensor(
        name, tuple(indices), "parameter", initial=("constant", values), trainable=trainable
    )


def _nested(values: Any) -> Any:
    return tuple(map(_nested, values)) if isinstance(values, list) else values


def reduced(reduction: Any, body: Any, *indices: Index) -> Any:
    """Return a reduction over indices; of one element each are those that the body does not hold.

    Parameters
    ----------
    reduction : callable
        Such as ``Sum``.
    body : expression
        What is reduced.
    *indices : Index
        What it is reduced over.
    """
    held = [index for index in indices if index in body.free_symbols]
    return reduction(body, *held) if held else body


def pieces(places: Sequence[int], index: Index, read: Callable[[Any], Any]) -> Any:
    """Return what is read at places that are listed: pieces of them are affine in the index.

    Parameters
    ----------
    places : sequence of int
        For each value of the index.
    index : Index
        Of as many values.
    read : callable
        From a subscript to an expression.
    """
    runs: list[tuple[int, int, int]] = []
    start = 0
    while start < len(places):
        end = start + 1
        step = places[end] - places[start] if end < len(places) else 0
        while end < len(places) and places[end] - places[end - 1] == step:
            end += 1
        runs.append((end, step, places[start] - step * start))
        start = end
    result = None
    for end, step, offset in reversed(runs):
        value = read(step * index + offset)
        result = value if result is None else where(index < end, value, result)
    return result
