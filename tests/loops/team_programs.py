"""Random programs of teams that are sound by construction: divided loops, barriers between them.

Each phase is divided along one axis of what it writes. A barrier stands before a phase that
touches, along another axis or none, what a phase since the last barrier touched, if one of them
writes it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy

import symbp as bp
from symbp.loops.gather import BATCH_SIZE, EXAMPLES, START
from symbp.loops.nodes import (
    MEMBER,
    Accumulate,
    Allocate,
    AllReduce,
    Argument,
    Assign,
    Barrier,
    Divide,
    For,
    Function,
    If,
    Let,
    Product,
    Return,
    Span,
    Statement,
    View,
)
from symbp.notation.index import Index, batch_extent
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import Limit

__all__ = ["team_program"]

N = batch_extent("N")
STEPS = 3
Use = tuple[Tensor, int | None, bool]


def team_program(seed: int) -> Function:
    """Return a sound program of a team."""
    return _Drawing(seed).function()


@dataclass
class _Drawing:
    seed: int
    arrays: list[Tensor] = field(default_factory=list)
    scalars: list[Element] = field(default_factory=list)
    memory: list[Statement] = field(default_factory=list)
    body: list[Statement] = field(default_factory=list)
    touched: dict[Tensor, set[tuple[int | None, bool]]] = field(default_factory=dict)
    divided: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.batched = self.random.random() < 0.3

    def function(self) -> Function:
        """Return the whole function."""
        limits: dict[Tensor, Any] = {}
        sizes: tuple[Any, ...] = (N,)
        width = self.random.choice((2, 3))
        weights = self.tensor(self.axis(width), self.axis(2))
        arguments = [Argument(weights, "inout")]
        self.arrays.append(weights)
        if self.batched:
            sizes = (BATCH_SIZE, EXAMPLES)
            rows = Tensor("x_all", (Index("i", EXAMPLES), self.axis(width)))
            order = Tensor("order", (Index("i", EXAMPLES),), kind="integer")
            limits[order] = Limit(0, EXAMPLES)
            arguments += [Argument(rows, "in"), Argument(order, "in")]
            x = self.made(N, width)
            n, k = Index("n", N), self.axis(width)
            value = rows[order[START + n], k]
            self.add(*self.divide(x, (n, k), 0, value, [(x, 0, True)]))
            self.arrays.append(x)
        else:
            x = self.tensor(Index("n", N), self.axis(width))
            arguments.append(Argument(x, "in"))
            self.arrays.append(x)
        for _ in range(self.random.randint(3, 7)):
            self.random.choice(
                (
                    self.elementwise, self.elementwise, self.elementwise, self.total, self.steps,
                    self.scratch, self.by_one, self.strips, self.product, self.view,
                )
            )()  # fmt: skip
        self.update(weights)
        out = self.tensor(self.axis(width))
        arguments.append(Argument(out, "out"))
        self.fill_out(out)
        self.total()
        body = [*self.body]
        cost = self.scalars[-1]
        divides = [Divide(f, l, 0, extent) for extent, (f, l) in self.divided.items()]
        if self.batched:
            total = Tensor("cost")[()]
            loop = For(
                START, 0, EXAMPLES,
                (
                    Let(N, sympy.Min(BATCH_SIZE, EXAMPLES - START)),
                    *divides, *body, Accumulate(total, N * cost), Barrier(),
                ),
                BATCH_SIZE,
            )  # fmt: skip
            start = [Allocate(total.tensor, (), "register"), Assign(total, sympy.S.Zero)]
            whole = [*self.memory, *start, loop, Return(total / EXAMPLES)]
        else:
            whole = [*self.memory, *divides, *body, Return(cost)]
        return Function("team", tuple(arguments), sizes, tuple(whole), limits, team=True)

    # Parts ------------------------------------------------------------------------------------

    def axis(self, extent: Any) -> Index:
        return Index("nijkl"[0 if extent == N else self.random.randint(1, 4)], extent)

    def tensor(self, *axes: Index) -> Tensor:
        self.count += 1
        return Tensor(f"T{self.count}", axes)

    def made(self, *extents: Any) -> Tensor:
        """Return a new shared array."""
        tensor = self.tensor(*(self.axis(extent) for extent in extents))
        shape = tuple(BATCH_SIZE if e == N and self.batched else e for e in extents)
        self.memory.append(Allocate(tensor, shape))
        return tensor

    def ends(self, extent: Any) -> tuple[Any, Any]:
        if extent not in self.divided:
            suffix = "" if extent == N else f"_{extent}"
            self.divided[extent] = tuple(
                sympy.Symbol(f"{name}{suffix}", integer=True, nonnegative=True)
                for name in ("first", "last")
            )  # type: ignore[assignment]
        return self.divided[extent]

    def add(self, statements: Sequence[Statement], uses: Sequence[Use]) -> None:
        """Add a phase, after a barrier if it needs one."""
        clash = any(
            (writes or wrote) and (axis is None or axis != other)
            for tensor, axis, writes in uses
            for other, wrote in self.touched.get(tensor, ())
        )
        if clash or self.random.random() < 0.1:
            self.body.append(Barrier())
            self.touched = {}
        for tensor, axis, writes in uses:
            self.touched.setdefault(tensor, set()).add((axis, writes))
        self.body += statements

    def divide(
        self, target: Tensor, loops: Sequence[Index], axis: int, value: Any, uses: list[Use],
        before: Sequence[Statement] = (),
    ) -> tuple[list[Statement], list[Use]]:  # fmt: skip
        """Return a nest that writes a whole array, divided along an axis."""
        statement: list[Statement] = [*before, Assign(target[tuple(loops)], value)]
        order = list(range(len(loops)))
        self.random.shuffle(order)
        for place in order:
            start, end = self.ends(loops[place].extent) if place == axis else (0, None)
            end = loops[place].extent if end is None else end
            statement = [For(loops[place], start, end, tuple(statement))]
        return statement, uses

    def read(
        self, source: Tensor, loops: Sequence[Index], axis: int
    ) -> tuple[Any, list[Index], int | None]:
        """Return an element, what it is summed over, and where the divided index stands in it."""
        subscripts: list[Any] = []
        summed: list[Index] = []
        aligned: int | None = None
        for place, extent in enumerate(source.shape):
            fitting = [i for i in loops if i.extent == extent and i not in subscripts]
            if fitting and self.random.random() < 0.75:
                chosen = self.random.choice(fitting)
                if chosen is loops[axis]:
                    aligned = place
                elif isinstance(extent, int) and self.random.random() < 0.2:
                    subscripts.append(extent - 1 - chosen)
                    continue
                subscripts.append(chosen)
            elif isinstance(extent, int) and self.random.random() < 0.2:
                subscripts.append(sympy.Integer(self.random.randrange(extent)))
            else:
                summed.append(self.axis(extent))
                subscripts.append(summed[-1])
        return source[tuple(subscripts)], summed, aligned

    def value(
        self, loops: Sequence[Index], axis: int, uses: list[Use]
    ) -> tuple[Any, list[Statement]]:
        """Return a value of some arrays, and the statements that come before it."""
        before: list[Statement] = []
        total: Any = sympy.S.One
        for _ in range(self.random.randint(1, 2)):
            source = self.random.choice(self.arrays)
            element, summed, aligned = self.read(source, loops, axis)
            uses.append((source, aligned, False))
            if summed:
                self.count += 1
                register = Tensor(f"sum{self.count}")[()]
                loop: list[Statement] = [Accumulate(register, element)]
                for index in reversed(summed):
                    loop = [For(index, 0, index.extent, tuple(loop))]
                zero = Assign(register, sympy.S.Zero)
                before += [Allocate(register.tensor, (), "register"), zero, *loop]
                element = register
            total = total + element / 7
        if self.scalars and self.random.random() < 0.3:
            total = total * self.random.choice(self.scalars)
        return total, before

    # Phases -----------------------------------------------------------------------------------

    def elementwise(self) -> None:
        """Add an array computed from others."""
        extents = [self.random.choice((N, 2, 3)) for _ in range(self.random.randint(1, 2))]
        target = self.made(*extents)
        loops = [self.axis(extent) for extent in extents]
        axis = self.random.randrange(len(extents))
        uses: list[Use] = [(target, axis, True)]
        value, before = self.value(loops, axis, uses)
        self.add(*self.divide(target, loops, axis, value, uses, before))
        self.arrays.append(target)

    def view(self) -> None:
        """Add another name for an array, row after row, and read it backwards."""
        source = self.random.choice(self.arrays)
        if any(not isinstance(extent, int) for extent in source.shape):
            self.elementwise()
            return
        size = 1
        for extent in source.shape:
            size *= extent
        flat = self.tensor(self.axis(size))
        self.memory.append(View(flat, source))
        target, i = self.made(size), self.axis(size)
        uses: list[Use] = [(target, 0, True), (source, None, False)]
        self.add(*self.divide(target, [i], 0, flat[size - 1 - i] * 2, uses))
        self.arrays.append(target)

    def total(self) -> None:
        """Add a sum over an array, of which each member has a part."""
        source = self.random.choice(self.arrays)
        loops = [self.axis(extent) for extent in source.shape]
        axis = self.random.randrange(len(loops))
        self.count += 1
        register = Tensor(f"total{self.count}")[()]
        loop: list[Statement] = [Accumulate(register, source[tuple(loops)])]
        for place in reversed(range(len(loops))):
            extent = loops[place].extent
            start, end = self.ends(extent) if place == axis else (0, extent)
            loop = [For(loops[place], start, end, tuple(loop))]
        register_made = Allocate(register.tensor, (), "register")
        self.add([register_made, Assign(register, sympy.S.Zero), *loop], [(source, axis, False)])
        self.body.append(AllReduce(register.tensor))
        self.touched = {}
        self.scalars.append(register)

    def steps(self) -> None:
        """Add a recurrence, by rows or with all columns of the step before."""
        width = self.random.choice((2, 3))
        h, t = self.made(N, STEPS, width), Index("t", STEPS, sequential=True)
        n, k, l = Index("n", N), self.axis(width), self.axis(width)
        upwards = self.random.random() < 0.5
        before, exists = (t - 1, t > 0) if upwards else (t + 1, t + 1 < STEPS)
        self.count += 1
        register = Tensor(f"sum{self.count}")[()]
        inner = (
            Allocate(register.tensor, (), "register"),
            Assign(register, sympy.S.One),
            For(l, 0, width, (Accumulate(register, bp.where(exists, h[n, before, l], 0) / 5),)),
            Assign(h[n, t, k], register + self.random.choice((t, k, 1))),
        )
        by_rows = self.random.random() < 0.5
        rows = self.ends(N) if by_rows else (0, N)
        columns = (0, width) if by_rows else self.ends(width)
        nest = For(n, *rows, (For(k, *columns, inner),))
        body = (nest,) if by_rows else (nest, Barrier())
        loop = For(t, 0, STEPS, body) if upwards else For(t, STEPS - 1, -1, body, -1)
        axis = 0 if by_rows else None
        self.add([loop], [(h, axis, True), (h, axis, False)])
        if not by_rows:
            self.touched = {}
        self.arrays.append(h)

    def scratch(self) -> None:
        """Add an array by way of memory that each member has for itself."""
        width = self.random.choice((2, 3))
        target, own = self.made(N, width), self.tensor(self.axis(width))
        self.memory.append(Allocate(own, (width,), "member"))
        n, k, l = Index("n", N), self.axis(width), self.axis(width)
        uses: list[Use] = [(target, 0, True)]
        value, before = self.value([n, k], 0, uses)
        body = (
            For(k, 0, width, (*before, Assign(own[k], value))),
            For(l, 0, width, (Assign(target[n, l], own[width - 1 - l]),)),
        )
        self.add([For(n, *self.ends(N), body)], uses)
        self.arrays.append(target)

    def by_one(self) -> None:
        """Add a small array that one member computes."""
        target, k = self.made(2), self.axis(2)
        value: Any = k + 1
        if self.scalars:
            value = value * self.scalars[-1]
        loop = For(k, 0, 2, (Assign(target[k], value),))
        self.add([If(sympy.Eq(MEMBER, 0), (loop,))], [(target, None, True)])
        self.arrays.append(target)

    def strips(self) -> None:
        """Add an array of rows that are computed a few at a time."""
        width = self.random.choice((2, 3))
        target, other = self.made(N, width), self.made(N)
        start, end = self.ends(N)
        first = Index("row_first", N)
        last = sympy.Symbol("row_last", integer=True, nonnegative=True)
        n, m, k = Index("n", N), Index("n", N), self.axis(width)
        uses: list[Use] = [(target, 0, True), (other, 0, True)]
        value, before = self.value([n], 0, uses)
        body = (
            Let(last, sympy.Min(first + 2, end)),
            For(n, first, last, (*before, Assign(other[n], value))),
            For(m, first, last, (For(k, 0, width, (Assign(target[m, k], other[m] + k),)),)),
        )
        self.add([For(first, start, end, body, 2, "rows")], uses)
        self.arrays += [target, other]

    def product(self) -> None:
        """Add the product of two matrices."""
        pairs = [
            (one, other)
            for one in self.arrays
            for other in self.arrays
            if one.rank == 2 and other.rank == 2 and one.shape[1] == other.shape[0] != N
        ]
        if not pairs:
            self.elementwise()
            return
        one, other = self.random.choice(pairs)
        target = self.made(one.shape[0], other.shape[1])
        i, k, j = self.axis(one.shape[0]), self.axis(one.shape[1]), self.axis(other.shape[1])
        axis = self.random.randrange(2)
        rows = self.ends(i.extent) if axis == 0 else (0, i.extent)
        columns = self.ends(j.extent) if axis == 1 else (0, j.extent)
        product = Product(
            target[i, j], one[i, k], other[k, j],
            (Span(i, *rows),), (Span(j, *columns),), (Span(k, 0, k.extent),),
        )  # fmt: skip
        first, second = (0, None) if axis == 0 else (None, 1)
        uses: list[Use] = [(target, axis, True), (one, first, False), (other, second, False)]
        self.add([product], uses)
        self.arrays.append(target)

    def update(self, weights: Tensor) -> None:
        """Change an argument in place."""
        loops = [self.axis(extent) for extent in weights.shape]
        element = weights[tuple(loops)]
        nest: list[Statement] = [Accumulate(element, -element / 10)]
        for place in reversed(range(2)):
            extent = loops[place].extent
            start, end = self.ends(extent) if place == 0 else (0, extent)
            nest = [For(loops[place], start, end, tuple(nest))]
        self.add(nest, [(weights, 0, True), (weights, 0, False)])

    def fill_out(self, out: Tensor) -> None:
        """Write the argument that only goes out."""
        k = self.axis(out.shape[0])
        uses: list[Use] = [(out, 0, True)]
        value, before = self.value([k], 0, uses)
        self.add(*self.divide(out, [k], 0, value, uses, before))
        self.arrays.append(out)
