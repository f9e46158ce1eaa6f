"""Random loop programs: what any pass may meet, and more than is ever built from equations.

Every array is written as a whole before it is read. What follows is free: loops in any order, over
parts, downwards or over an axis that the target has not; sums, maxima, branches, registers,
products, steps in time, views.
"""

import random
from collections.abc import Sequence
from typing import Any

import sympy

import symbp as bp
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Argument,
    Assign,
    For,
    Function,
    If,
    Product,
    Return,
    Span,
    Statement,
    View,
)
from symbp.notation.index import Index, batch_extent
from symbp.notation.tensor import Element, Tensor

__all__ = ["random_loops"]

N = batch_extent("N")
STEPS = 4
EXTENTS = (N, 3, 2)


def random_loops(seed: int) -> Function:
    """Return a sound function of one thread."""
    return _Drawing(random.Random(seed)).function()


class _Drawing:
    def __init__(self, draw: random.Random) -> None:
        self.random = draw
        self.count = 0
        self.arrays: list[Tensor] = []
        self.given: list[Tensor] = []
        self.registers: list[Element] = []
        self.memory: list[Statement] = []
        self.body: list[Statement] = []

    def function(self) -> Function:
        """Return the whole function."""
        draw = self.random
        self.given = [self.tensor(N, 3), self.tensor(3), self.tensor(3, 2), self.tensor(N, 2)]
        changed = self.tensor(N, 3)
        out = self.tensor(N, draw.choice((2, 3)))
        self.arrays = [changed]
        for extents in draw.sample([(N,), (N, 3), (N, 2), (3, N), (3, 2), (3,), (STEPS, 3)], 4):
            self.fill(self.made(extents))
        self.fill(out)
        for _ in range(draw.randint(3, 6)):
            draw.choice(
                (
                    self.change, self.change, self.change, self.change, self.two, self.fresh,
                    self.register, self.branch, self.product, self.steps, self.view,
                )
            )()  # fmt: skip
        self.nest(changed, sets=False)
        self.nest(out, sets=False)
        value = sum((r for r in self.registers), sympy.S.Zero)
        arguments = (
            *(Argument(tensor, "in") for tensor in self.given),
            Argument(changed, "inout"),
            Argument(out, "out"),
        )
        body = (*self.memory, *self.body, Return(value))
        return Function("loops", arguments, (N,), body)

    # Parts ----------------------------------------------------------------------------------------

    def tensor(self, *extents: Any) -> Tensor:
        self.count += 1
        return Tensor(f"T{self.count}", tuple(Index("i", extent) for extent in extents))

    def made(self, extents: Sequence[Any]) -> Tensor:
        """Return a new array with memory of its own."""
        tensor = self.tensor(*extents)
        self.memory.append(Allocate(tensor, tuple(extents)))
        return tensor

    def index(self, extent: Any) -> Index:
        return Index("t" if extent == STEPS else "n" if extent == N else "j", extent)

    def loops(self, places: Sequence[Index], leaf: Sequence[Statement]) -> Statement:
        """Return a nest over some indices, from outside to inside."""
        body = tuple(leaf)
        for place in reversed(places):
            down = self.random.random() < 0.1 and isinstance(place.extent, int)
            if down:
                body = (For(place, place.extent - 1, -1, body, -1),)
            else:
                body = (For(place, 0, place.extent, body),)
        (statement,) = body
        return statement

    def fill(self, tensor: Tensor) -> None:
        """Write all of an array, in any order of its loops."""
        places = [self.index(extent) for extent in tensor.shape]
        leaf = Assign(tensor[tuple(places)], self.value(places))
        order = self.random.sample(places, len(places))
        self.body.append(self.loops(order, [leaf]))
        self.arrays.append(tensor)

    def read(self, places: Sequence[Index]) -> Any:
        """Return an element of an array, or what is there without one."""
        tensor = self.random.choice([*self.given, *self.arrays])
        subscripts: list[Any] = []
        for extent in tensor.shape:
            fitting = [place for place in places if place.extent == extent]
            if fitting and self.random.random() < 0.9:
                subscripts.append(self.random.choice(fitting))
            else:
                subscripts.append(sympy.S.Zero)
        element = tensor[tuple(subscripts)]
        plain = [k for k, s in enumerate(subscripts) if isinstance(s, Index)]
        if plain and self.random.random() < 0.1:
            axis = self.random.choice(plain)
            index = subscripts[axis]
            before = [*subscripts[:axis], index - 1, *subscripts[axis + 1 :]]
            return bp.where(index > 0, tensor[tuple(before)], 0)
        return element

    def value(self, places: Sequence[Index]) -> Any:
        draw = self.random
        value = self.read(places)
        for _ in range(draw.randint(0, 2)):
            other = self.read(places)
            value = draw.choice(
                (
                    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - bp.tanh(b),
                    lambda a, b: bp.where(b > 0, a, b), lambda a, b: a / N + (b + 2) ** 2,
                    lambda a, b: a * bp.tanh(b) + bp.tanh(b),
                )
            )(value, other)  # fmt: skip
        if self.registers and draw.random() < 0.2:
            value = value + draw.choice(self.registers)
        return bp.tanh(value)

    def leaf(self, target: Element, places: Sequence[Index], sets: bool = True) -> Statement:
        kind = self.random.choice(("set", "sum", "sum", "max") if sets else ("sum", "max"))
        value = self.value(places)
        if kind == "set":
            return Assign(target, value)
        return Accumulate(target, value, kind)  # type: ignore[arg-type]

    def nest(self, tensor: Tensor, sets: bool = True) -> None:
        """Change an array in a nest, perhaps with a loop that it has no axis for."""
        self.body.append(self.nest_of(tensor, sets))

    def nest_of(self, tensor: Tensor, sets: bool = True) -> Statement:
        places = [self.index(extent) for extent in tensor.shape]
        loops = [*places]
        if self.random.random() < 0.3:
            loops.append(self.index(self.random.choice(EXTENTS)))
        leaf: list[Statement] = [self.leaf(tensor[tuple(places)], loops, sets)]
        if self.random.random() < 0.4 and self.arrays:
            # What was just written is read again at once.
            others = [a for a in self.arrays if set(a.shape) <= {p.extent for p in places}]
            if others:
                other = self.random.choice(others)
                subscripts = tuple(
                    next(p for p in places if p.extent == extent) for extent in other.shape
                )
                read = tensor[tuple(places)]
                leaf.append(Accumulate(other[subscripts], bp.tanh(read + self.read(loops))))
        if self.random.random() < 0.15:
            condition = sympy.Gt(self.read(places), 0)
            leaf = [If(condition, tuple(leaf))]
        return self.loops(self.random.sample(loops, len(loops)), leaf)

    # Statements -----------------------------------------------------------------------------------

    def own(self) -> list[Tensor]:
        return [tensor for tensor in self.arrays if tensor.rank]

    def change(self) -> None:
        self.nest(self.random.choice(self.own()))

    def two(self) -> None:
        """A loop with two nests in it."""
        first, second = (self.random.choice(self.own()) for _ in range(2))
        place = self.index(self.random.choice(EXTENTS))
        self.body.append(self.loops([place], [self.nest_of(first), self.nest_of(second)]))

    def fresh(self) -> None:
        extents = self.random.choice([(N,), (N, 3), (N, 2), (3,)])
        self.fill(self.made(extents))

    def register(self) -> None:
        """A sum in a register, then what reads it."""
        self.count += 1
        register = Tensor(f"r{self.count}")[()]
        place = self.index(self.random.choice(EXTENTS))
        adding = Accumulate(register, self.value([place]))
        self.body += [
            Allocate(register.tensor, (), "register"),
            Assign(register, sympy.S.Zero),
            self.loops([place], [adding]),
        ]
        self.registers.append(register)

    def branch(self) -> None:
        condition = sympy.Gt(self.read(()), 0)
        yes, no = (self.nest_of(self.random.choice(self.own())) for _ in range(2))
        self.body.append(If(condition, (yes,), (no,) if self.random.random() < 0.5 else ()))

    def product(self) -> None:
        """A product of rows and its addend, before it or behind."""
        rows, weights = self.given[0], self.given[2]
        target = self.made((N, 2))
        n, j, k = self.index(N), self.index(2), self.index(3)
        spans = tuple((Span(i, 0, i.extent),) for i in (n, j, k))
        made = Product(target[n, j], rows[n, k], weights[k, j], *spans)
        self.body.append(made)
        self.arrays.append(target)
        places = [self.index(extent) for extent in target.shape]
        addend: Any = self.random.choice([self.given[3][tuple(places)], self.read(places)])
        if isinstance(addend, Element):
            adding: Statement = Accumulate(target[tuple(places)], addend)
            if self.random.random() < 0.3:
                adding = If(sympy.Gt(self.read(()), 0), (adding,))
            if self.random.random() < 0.3:
                self.change()
            loops = [*places, *([self.index(3)] if self.random.random() < 0.2 else [])]
            nest = self.loops(loops, [adding])
            first = places[0]
            if self.random.random() < 0.2 and isinstance(nest, For) and nest.index is first:
                nest = For(first, 0, 1, nest.body)
            self.body.append(nest)

    def steps(self) -> None:
        """Steps in time, each from the one before."""
        state = self.made((STEPS,))
        t = Index("t", STEPS, sequential=True)
        earlier = bp.where(t > 0, state[t - 1], 1)
        leaf = Assign(state[t], bp.tanh(earlier + self.value([t])))
        self.body.append(For(t, 0, STEPS, (leaf,)))
        self.arrays.append(state)

    def view(self) -> None:
        """Another name for an array."""
        of = self.random.choice([a for a in self.own() if a in self._allocated()])
        tensor = self.tensor(*of.shape)
        self.memory.append(View(tensor, of))
        self.arrays.append(tensor)

    def _allocated(self) -> set[Tensor]:
        return {s.array for s in self.memory if isinstance(s, Allocate)}
