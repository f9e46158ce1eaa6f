"""The loop language: what one function of a compiled module does, statement by statement.

Arrays are tensors of the notation, their elements are its elements, and what is computed is a
scalar SymPy body, so that a loop program can be read beside the equations that it came from. All
nodes are immutable; a pass returns new ones. The whole language::

    function   Function(name, arguments, sizes, body)       argument   array: in | out | inout
    statement  Allocate(array, shape, heap | member | register, wide)
               View(array, of, offset)                      the same numbers in another shape
               Let(symbol, value)                           a whole number
               Divide(first, last, start, end)              a member's own share of a range
               For(index, start, end, step, kind, body)     sequential | rows | lanes
               If(condition, body, otherwise)
               Assign(target, value)                        target = value
               Accumulate(target, value, sum | max)         target += value, or the larger
               Product(target, first, second, ranges, alpha, addend)
               Barrier()                                    the members of a team wait for all
               AllReduce(array)                             the sum over the members, to each
               Call(function, arguments)
               Return(value)

A gather is an assignment whose value has a subscript such as ``order[start + n]``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

import sympy
from sympy.core.expr import Expr

from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import Limit

__all__ = [
    "MEMBER", "MEMBERS", "Accumulate", "AllReduce", "Allocate", "Argument", "Assign", "Barrier",
    "Call", "Divide", "For", "Function", "If", "Let", "Product", "Return", "Span", "Statement",
    "View", "smaller", "statements_in",
]  # fmt: skip

#: A whole number: an int, a symbol such as the batch size, an index, or arithmetic of these.
Whole: TypeAlias = Any

ArgumentRole = Literal["in", "out", "inout"]
AllocationKind = Literal["heap", "member", "register"]
LoopKind = Literal["sequential", "rows", "lanes"]


@dataclass(frozen=True)
class Argument:
    """An array that the caller passes, and what the function may do with it."""

    array: Tensor
    role: ArgumentRole


@dataclass(frozen=True)
class Allocate:
    """Memory for an array; it holds nothing that may be read yet.

    Attributes
    ----------
    array : Tensor
        What the memory is for.
    shape : tuple of int or Symbol
        How many elements each axis has room for: the array's own shape, with the most rows of a
        batch where the array has those of one batch.
    kind : {"heap", "member", "register"}
        ``heap`` memory is one for the whole team, ``member`` memory is each member's own, and a
        register is a scalar that each member has.
    wide : bool
        Whether it is of double precision, whatever that of the function is: for long sums.
    """

    array: Tensor
    shape: tuple[Whole, ...]
    kind: AllocationKind = "heap"
    wide: bool = False


@dataclass(frozen=True)
class View:
    """The elements of another array from an offset on, row after row, in a shape of their own.

    The array may be written if the other may; both names stand for the same memory.
    """

    array: Tensor
    of: Tensor
    offset: Whole = 0
    shape: tuple[Whole, ...] | None = None
    """How many elements each axis has, where that is not the array's own shape."""


@dataclass(frozen=True)
class Let:
    """A whole number by name, such as the rows of this batch: ``N = min(B, examples - start)``."""

    symbol: sympy.Symbol
    value: Whole


@dataclass(frozen=True)
class Divide:
    """The range from `first` to `last` that this member of the team has of a range.

    The ranges of all members together are the whole, none twice, and in the order of the members.
    """

    first: sympy.Symbol
    last: sympy.Symbol
    start: Whole
    end: Whole


@dataclass(frozen=True)
class For:
    """A loop: the index takes the values ``start, start + step, …`` before `end`.

    Attributes
    ----------
    index : Index
        Another one for each loop of a function.
    start, end : whole number
        The end is not reached; with a negative step it lies below the start.
    step : int or Symbol
        Not zero; a symbol is positive.
    body : tuple of Statement
        What is done for each value.
    kind : {"sequential", "rows", "lanes"}
        In ``rows`` each turn has an example of its own: no turn reads what another wrote. In
        ``lanes`` this holds too, and the turns are to run side by side in vector registers.
    """

    index: Index
    start: Whole
    end: Whole
    body: tuple["Statement", ...]
    step: Whole = 1
    kind: LoopKind = "sequential"


@dataclass(frozen=True)
class If:
    """One of two bodies, by a condition on whole numbers or on elements."""

    condition: Any
    body: tuple["Statement", ...]
    otherwise: tuple["Statement", ...] = ()


@dataclass(frozen=True)
class Assign:
    """Set an element to a value."""

    target: Element
    value: Expr
    equation: Equation | None = field(default=None, compare=False)
    """The equation that is computed by it, for labels and listings."""


@dataclass(frozen=True)
class Accumulate:
    """Add a value to an element, or keep the larger of the two.

    The order in which a loop adds is the loop's; where that order is free, `free_order` says so.
    """

    target: Element
    value: Expr
    operation: Literal["sum", "max"] = "sum"
    equation: Equation | None = field(default=None, compare=False)
    free_order: bool = False


@dataclass(frozen=True)
class Span:
    """The values of one index in a product: all of ``start, …, end - 1``."""

    index: Index
    start: Whole
    end: Whole


@dataclass(frozen=True)
class Product:
    """A matrix product: ``target = addend + alpha Σ first · second`` for all rows and columns.

    Attributes
    ----------
    target : Element
        Holds the indices of rows and columns.
    first, second : Element or None
        Hold the indices of rows and summed, and of summed and columns. Without a first, the
        columns of the second are summed: the first is a row of ones.
    rows, columns, summed : tuple of Span
        Groups of indices, each one dimension of the product. Without columns, the second is a
        vector.
    alpha : Expr
        A scalar factor.
    addend : Element or None
        What the sum is added to; the target itself to add to what it holds, None for 0.
    """

    target: Element
    first: Element | None
    second: Element
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    summed: tuple[Span, ...]
    alpha: Expr = sympy.S.One
    addend: Element | None = None
    routine: Literal["tiles", "blas", "loops"] = "tiles"
    """What a target computes it with: tiles of registers, a library, or plain loops."""
    blocks: tuple[int, int, int] | None = None
    """Up to how many terms are added up as they come; of more, how many have a sum that is added
    to wide ones, and how many are added up in registers."""
    equation: Equation | None = field(default=None, compare=False)
    added: Equation | None = field(default=None, compare=False)
    """The equation of the addend, where the product took it over."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """All ranges: rows, columns, summed."""
        return (*self.rows, *self.columns, *self.summed)


@dataclass(frozen=True)
class Barrier:
    """All members of the team arrive before any goes on."""


@dataclass(frozen=True)
class AllReduce:
    """Replace an array that each member has by the sum over the members, in their order."""

    array: Tensor


@dataclass(frozen=True)
class Call:
    """Run another function with these arrays as its arguments, in its order."""

    function: "Function"
    arguments: tuple[Tensor, ...]


@dataclass(frozen=True)
class Return:
    """End the function; a value is the same on all members of a team."""

    value: Expr | None = None


Statement: TypeAlias = (
    Allocate | View | Let | Divide | For | If | Assign | Accumulate | Product | Barrier
    | AllReduce | Call | Return
)  # fmt: skip


def statements_in(body: Iterable[Statement]) -> list[Statement]:
    """Return every statement, a loop before what is in it."""
    found: list[Statement] = []
    for statement in body:
        found.append(statement)
        if isinstance(statement, For):
            found += statements_in(statement.body)
        elif isinstance(statement, If):
            found += statements_in(statement.body)
            found += statements_in(statement.otherwise)
    return found


@dataclass(frozen=True)
class Function:
    """A function: arrays go in and out, a number may be returned.

    Attributes
    ----------
    name : str
        Of the project's making, never a user's.
    arguments : tuple of Argument
        In the order in which they are passed.
    sizes : tuple of Symbol
        Whole numbers that the caller passes too, or that the shapes of the arguments tell; an
        argument's axis has one of them as its extent.
    body : tuple of Statement
        What it does.
    limits : dict of Tensor to Limit
        What the elements of an integer array are.
    team : bool
        Whether several members run it at once, each with its own registers.
    any_order : bool
        Whether products may be multiplied in any order: where everything is written out, many
        share factors.
    """

    name: str
    arguments: tuple[Argument, ...]
    sizes: tuple[sympy.Symbol, ...]
    body: tuple[Statement, ...]
    limits: dict[Tensor, Limit] = field(default_factory=dict, compare=False)
    team: bool = False
    any_order: bool = False

    def replace(self, **changes: Any) -> "Function":
        """Return the function with some fields changed."""
        return replace(self, **changes)

    @cached_property
    def statements(self) -> tuple["Statement", ...]:
        """Every statement, a loop before what is in it."""
        return tuple(statements_in(self.body))

    @cached_property
    def allocations(self) -> dict[Tensor, Allocate]:
        """Each array with memory of its own, and what makes it."""
        return {s.array: s for s in self.statements if isinstance(s, Allocate)}

    @cached_property
    def views(self) -> dict[Tensor, View]:
        """Each array that lies in another, and where."""
        return {s.array: s for s in self.statements if isinstance(s, View)}

    def memory(self, array: Tensor) -> Tensor:
        """Return the array in whose memory an array lies: itself, unless it is a view."""
        while array in self.views:
            array = self.views[array].of
        return array


def smaller(one: Whole, other: Whole) -> Whole:
    """Return the smaller of two whole numbers.

    Of two that both hold symbols SymPy would try for long to find out which it is.
    """
    both = [sympy.sympify(each, strict=True) for each in (one, other)]
    return sympy.Min(*both, evaluate=not all(each.free_symbols for each in both))


# The symbols that every function of a team may use.
MEMBER = sympy.Symbol("member", integer=True, nonnegative=True)
MEMBERS = sympy.Symbol("members", integer=True, positive=True)
