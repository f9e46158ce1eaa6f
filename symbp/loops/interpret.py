"""interpret: run a loop program as it is written, one element after another, in float64.

It is what every pass over loop programs and every target is checked against, so it does nothing
clever: expressions become Python closures, loops are loops. A team runs member by member between
barriers. Whatever is not allowed ends it with one line: an element outside of its array, memory
that is read before anything wrote it, a return in the middle of a team.
"""

import math
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symbp.loops.evaluate import Closure, closure
from symbp.loops.expand_products import as_loops
from symbp.loops.nodes import (
    MEMBER,
    MEMBERS,
    Accumulate,
    Allocate,
    AllReduce,
    Assign,
    Barrier,
    Call,
    Divide,
    For,
    Function,
    If,
    Let,
    Product,
    Statement,
    View,
)
from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Element, Tensor

__all__ = ["interpret"]

Array = NDArray[Any]


def interpret(
    function: Function,
    arrays: Mapping[str, Array],
    sizes: Mapping[str, int] | None = None,
    members: int = 1,
    check_races: bool = False,
) -> float | None:
    """Run a function.

    Parameters
    ----------
    function : Function
        A loop program.
    arrays : mapping of str to ndarray
        For each argument, by name, an array of its shape, float64 or int64; those of role ``out``
        and ``inout`` are written to.
    sizes : mapping of str to int, optional
        The whole numbers that no argument's shape tells, such as the batch size.
    members : int
        How many members a team has.
    check_races : bool
        Whether to end with an error also where a member touches what another member touches before
        both have met, and one of them writes it.

    Returns
    -------
    float or None
        What the function returns.

    Raises
    ------
    SymbpError
        An argument is missing or has another shape, an element lies outside of its array or was
        never written, not all of an argument that goes out is written, members disagree on what
        they return, or, if asked for, two of them race.
    """
    count = members if function.team else 1
    known = _sizes(function, arrays, sizes or {})
    memory: dict[Tensor, Array] = {}
    for argument in function.arguments:
        array = arrays[argument.array.name]
        memory[argument.array] = array
    # What only goes out holds nothing yet.
    shared = _Shared(
        function,
        memory,
        {a.array: np.full(memory[a.array].shape, a.role != "out") for a in function.arguments},
        {tensor: np.zeros(array.shape, _TOUCH) for tensor, array in memory.items()},
        _Meetings(check_races and count > 1),
    )
    team = [_Member(shared, dict(known), number, count) for number in range(count)]
    running = [(member, member.run(function.body)) for member in team]
    with np.errstate(all="ignore"):
        while running:
            states = [(member, next(steps, _FINISHED)) for member, steps in running]
            reasons = {str(reason) for _, reason in states}
            if len(reasons) > 1:
                raise SymbpError(f"{function.name}: members meet at different places: {reasons}")
            (reason,) = reasons
            if reason == str(_FINISHED):
                break
            shared.meetings.number += 1
            if reason != str(Barrier()):
                _all_reduce(team, reason)
    for argument in function.arguments:
        if not shared.written[argument.array].all():
            name = argument.array.name
            raise SymbpError(f"{function.name}: not all of the argument {name} was written")
    results = {repr(member.returned) for member in team}
    if len(results) > 1:
        raise SymbpError(f"{function.name}: members return {', '.join(sorted(results))}")
    return team[0].returned


_FINISHED = object()


def _sizes(
    function: Function, arrays: Mapping[str, Array], given: Mapping[str, int]
) -> dict[sympy.Symbol, int]:
    known = {symbol: given[symbol.name] for symbol in function.sizes if symbol.name in given}
    for argument in function.arguments:
        tensor = argument.array
        if tensor.name not in arrays:
            raise SymbpError(f"{function.name}: no array for the argument {tensor.name}")
        shape = arrays[tensor.name].shape
        if len(shape) != tensor.rank:
            raise SymbpError(f"{function.name}: {tensor.name} has shape {shape}")
        for extent, size in zip(tensor.shape, shape, strict=True):
            expected = extent if isinstance(extent, int) else known.setdefault(extent, size)
            if expected != size:
                raise SymbpError(
                    f"{function.name}: {tensor.name} has shape {shape}, expected {tensor.shape}"
                )
    missing = [symbol.name for symbol in function.sizes if symbol not in known]
    if missing:
        raise SymbpError(f"{function.name}: no number for the size {', '.join(missing)}")
    return known


def _all_reduce(team: "Sequence[_Member]", name: str) -> None:
    (tensor,) = {t for t in team[0].memory if f"AllReduce {t.name}" == name}
    for member in team:
        if not member.written[tensor].all():
            raise SymbpError(f"{name}: member {member.number} has not written all of it")
    total = sum(member.memory[tensor] for member in team)
    for member in team:
        member.memory[tensor][...] = total


# Who wrote an element last and who read it last, as number of meetings and member.
_TOUCH = np.dtype([(what, np.int64, (2,)) for what in ("writer", "reader")])
_SEVERAL = -1


class _Meetings:
    """How often the members of a team have met, counted from 1."""

    def __init__(self, check_races: bool) -> None:
        self.number, self.check_races = 1, check_races


class _Shared:
    """What all members of a team see."""

    def __init__(
        self,
        function: Function,
        memory: dict[Tensor, Array],
        written: dict[Tensor, Array],
        touched: dict[Tensor, Array],
        meetings: _Meetings,
    ) -> None:
        self.function, self.memory, self.written = function, memory, written
        self.touched, self.meetings = touched, meetings
        self.closures: dict[Any, Closure] = {}
        self.products: dict[int, tuple[Statement, ...]] = {}

    def loops_of(self, product: Product) -> tuple[Statement, ...]:
        """Return the loops of a product, the same each time."""
        if id(product) not in self.products:
            self.products[id(product)] = as_loops(product)
        return self.products[id(product)]


class _Member:
    """One member of a team, or the only runner of a function."""

    def __init__(
        self, shared: _Shared, whole: dict[sympy.Symbol, int], number: int, count: int
    ) -> None:
        self.shared = shared
        self.whole: dict[Any, int] = {**whole, MEMBER: number, MEMBERS: count}
        self.number = number
        self.memory: dict[Tensor, Array] = dict(shared.memory)
        self.written: dict[Tensor, Array] = dict(shared.written)
        self.touched: dict[Tensor, Array] = dict(shared.touched)
        self.returned: float | None = None

    # Statements -------------------------------------------------------------------------------

    def run(self, body: Sequence[Statement]) -> Generator[str, None, bool]:
        """Run statements; yields where the team meets, and returns whether the function ended."""
        for statement in body:
            if isinstance(statement, Assign | Accumulate):
                self.store(statement)
            elif isinstance(statement, For):
                step = self.value(statement.step)
                start, end = self.value(statement.start), self.value(statement.end)
                for turn in range(int(start), int(end), int(step)):
                    self.whole[statement.index] = turn
                    if (yield from self.run(statement.body)):
                        return True
                self.whole.pop(statement.index, None)
            elif isinstance(statement, If):
                chosen = statement.body if self.value(statement.condition) else statement.otherwise
                if (yield from self.run(chosen)):
                    return True
            elif isinstance(statement, Product):
                yield from self.run(self.shared.loops_of(statement))
            elif isinstance(statement, Let):
                self.whole[statement.symbol] = int(self.value(statement.value))
            elif isinstance(statement, Divide):
                start, end = int(self.value(statement.start)), int(self.value(statement.end))
                count, team = max(end - start, 0), self.whole[MEMBERS]
                self.whole[statement.first] = start + count * self.number // team
                self.whole[statement.last] = start + count * (self.number + 1) // team
            elif isinstance(statement, Allocate):
                self.allocate(statement)
            elif isinstance(statement, View):
                self.view(statement)
            elif isinstance(statement, Barrier):
                yield str(statement)
            elif isinstance(statement, AllReduce):
                yield f"AllReduce {statement.array.name}"
            elif isinstance(statement, Call):
                yield from self.call(statement)
            else:
                if statement.value is not None:
                    self.returned = float(self.value(statement.value))
                return True
        return False

    def allocate(self, statement: Allocate) -> None:
        """Make memory that nothing has written."""
        tensor = statement.array
        shared = statement.kind == "heap" and self.shared.function.team
        if shared and self.number and tensor in self.shared.memory:
            self.memory[tensor] = self.shared.memory[tensor]
            self.written[tensor] = self.shared.written[tensor]
            self.touched[tensor] = self.shared.touched[tensor]
            return
        shape = tuple(int(self.value(extent)) for extent in statement.shape)
        kind = np.int64 if tensor.kind == "integer" else np.float64
        self.memory[tensor] = np.zeros(shape, dtype=kind)
        self.written[tensor] = np.zeros(shape, dtype=bool)
        self.touched[tensor] = np.zeros(shape, _TOUCH)
        if shared:
            self.shared.touched[tensor] = self.touched[tensor]
            self.shared.memory[tensor] = self.memory[tensor]
            self.shared.written[tensor] = self.written[tensor]

    def view(self, statement: View) -> None:
        """Make another shape of the same memory."""
        tensor = statement.array
        shape = statement.shape if statement.shape is not None else tensor.shape
        extents = tuple(int(self.value(extent)) for extent in shape)
        offset, size = int(self.value(statement.offset)), math.prod(extents)
        for arrays in (self.memory, self.written, self.touched):
            flat = arrays[statement.of].reshape(-1)
            if not 0 <= offset <= offset + size <= flat.size:
                raise SymbpError(
                    f"{tensor.name}: {size} elements from {offset} on, but {statement.of.name} "
                    f"has {flat.size}"
                )
            arrays[tensor] = flat[offset : offset + size].reshape(extents)

    def call(self, statement: Call) -> Generator[str, None, None]:
        """Run another function on arrays of this one."""
        called = statement.function
        shared = _Shared(called, {}, {}, {}, self.shared.meetings)
        inner = _Member(shared, {}, self.number, self.whole[MEMBERS])
        inner.whole.update({s: self.whole[s] for s in called.sizes if s in self.whole})
        for argument, tensor in zip(called.arguments, statement.arguments, strict=True):
            inner.memory[argument.array] = self.memory[tensor]
            inner.written[argument.array] = self.written[tensor]
            inner.touched[argument.array] = self.touched[tensor]
        yield from inner.run(called.body)

    def store(self, statement: Assign | Accumulate) -> None:
        """Write one element."""
        target = statement.target
        value = self.value(statement.value)
        place = self.place(target)
        array, written = self.memory[target.tensor], self.written[target.tensor]
        if isinstance(statement, Assign):
            array[place] = value
        else:
            before = self.read(target)
            if statement.operation == "max":
                array[place] = np.maximum(before, value)
            else:
                array[place] = before + value
        written[place] = True
        if self.shared.meetings.check_races:
            self.touch(target, place, writes=True)

    def place(self, element: Element) -> tuple[int, ...]:
        """Return where an element lies, inside of its array."""
        array = self.memory.get(element.tensor)
        if array is None:
            raise SymbpError(f"{element}: {element.tensor.name} has no memory here")
        place = tuple(int(self.value(subscript)) for subscript in element.args)
        for number, size in zip(place, array.shape, strict=True):
            if not 0 <= number < size:
                raise SymbpError(
                    f"{element}: subscripts {place} are outside of shape {array.shape}"
                )
        return place

    def read(self, element: Element) -> Any:
        """Return the value of an element that was written."""
        place = self.place(element)
        if not self.written[element.tensor][place]:
            raise SymbpError(f"{element}: read at {place}, where nothing was written")
        if self.shared.meetings.check_races:
            self.touch(element, place, writes=False)
        return self.memory[element.tensor][place]

    def touch(self, element: Element, place: tuple[int, ...], writes: bool) -> None:
        """Remember a read or write; no other member may have written, or read what is written."""
        touched, now = self.touched[element.tensor], self.shared.meetings.number
        for what in ("writer", "reader") if writes else ("writer",):
            meeting, member = touched[what][place]
            if meeting == now and member != self.number:
                raise SymbpError(f"{element}: members race at {place}")
        what = "writer" if writes else "reader"
        meeting, member = touched[what][place]
        several = meeting == now and member != self.number
        touched[what][place] = now, _SEVERAL if several else self.number

    # Expressions ------------------------------------------------------------------------------

    def value(self, node: Any) -> Any:
        """Return the value of an expression, a condition or a whole number."""
        if isinstance(node, int):
            return node
        evaluate = self.shared.closures.get(node)
        if evaluate is None:
            evaluate = self.shared.closures[node] = closure(node)
        return evaluate(self)
