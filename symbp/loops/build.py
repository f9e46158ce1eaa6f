"""build: from an entry point to a loop program that does, equation by equation, what it says.

Each equation gets a loop nest of its own; every intermediate tensor has memory for all of its
elements. Nothing is decided here but the order of equations and the order of the loops of a nest;
what follows (products, fusion, storage …) are passes over the result.
"""

from collections.abc import Sequence

import sympy
from sympy.core.expr import Expr

from symbp.calculus.flat_vector import length
from symbp.calculus.implicit import is_implicit
from symbp.calculus.in_place import in_place_updates
from symbp.calculus.matrix_products import as_column_sum, as_product
from symbp.calculus.schedule import Stage, schedule
from symbp.entries.entry import Entry, Slot
from symbp.loops.elimination import elimination
from symbp.loops.nodes import (
    Accumulate,
    Allocate,
    Argument,
    Assign,
    For,
    Function,
    If,
    Return,
    Statement,
    View,
)
from symbp.loops.order import in_order, with_fresh_indices
from symbp.notation.equation import Equation
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import span_of

__all__ = ["build"]


def build(entry: Entry, capacity: sympy.Symbol | None = None) -> Function:
    """Return the loop program of an entry point, for one batch.

    Parameters
    ----------
    entry : Entry
        Its program is normalised; contractions are worth products only if they are of two plain
        tensors (see :mod:`symbp.calculus.contract`).
    capacity : Symbol, optional
        How many rows there is memory for; by default as many as the batch has.

    Returns
    -------
    Function
        The arguments are those of the entry; an `entry.batches` is not looked at here (see
        :mod:`symbp.loops.batches`).
    """
    return _Builder(entry, capacity).function()


class _Builder:
    """Holds which tensors lie where, and which have been written so far."""

    def __init__(self, entry: Entry, capacity: sympy.Symbol | None) -> None:
        self.entry, self.program = entry, entry.program
        self.batch = entry.batch
        self.capacity = self.batch if capacity is None else capacity
        aliases, self.copied = in_place_updates(self.program)
        scalars = {new: old for old, new in self.program.updates if not old.rank}
        self.copied |= set(scalars)
        self.aliases = aliases
        self.written: set[Tensor] = set()
        self.names = {tensor.name for tensor in self.program.tensors}
        self.memory: list[Statement] = []

    def function(self) -> Function:
        """Return the function."""
        entry = self.entry
        names = self.names
        arguments: list[Argument] = []
        body: list[Statement] = []
        used = {*self.program.tensors, *entry.roots}
        placed: set[Tensor] = set()
        for slot in entry.slots:
            placed.update(slot.tensors)
            if not slot.packed:
                arguments.append(Argument(slot.tensors[0], slot.role))
                continue
            if not slot.tensors:
                continue  # an optimizer without memory
            flat = Tensor(fresh_name(slot.name, names), (Index("i", length(slot.tensors)),))
            arguments.append(Argument(flat, slot.role))
            body += _views(slot, flat, used)
        for tensor in self.program.tensors:
            if tensor.role == "constant" and tensor not in placed:
                body += [Allocate(tensor, (), "register"),
                         Assign(tensor[()], sympy.Float(tensor.value, 17))]  # fmt: skip
            elif tensor not in placed and tensor not in self.aliases:
                body.append(self.allocation(tensor))
        statements = self.statements()
        body += [*self.memory, *statements]
        body += [statement for pair in self.program.updates for statement in self.copy(*pair)]
        if entry.returns is not None:
            body.append(Return(entry.returns[()]))
        limits = {t: n for t, n in self.program.integer_limits.items() if t in placed}
        sizes = self.entry.sizes
        return Function(entry.name, tuple(arguments), sizes, tuple(body), limits)

    def allocation(self, tensor: Tensor) -> Allocate:
        """Return the memory of a whole intermediate tensor."""
        shape = tuple(self.capacity if e == self.batch else e for e in tensor.shape)
        return Allocate(tensor, shape, "heap" if tensor.rank else "register")

    def in_memory(self, made: Allocate) -> Allocate:
        """Return memory for something beside the tensors, with room for the rows of a batch."""
        return self.allocation(made.array)

    def copy(self, old: Tensor, new: Tensor) -> list[Statement]:
        """Return what puts an update where it belongs, if it was not computed in place."""
        if new not in self.copied:
            return []
        places = tuple(index.fresh() for index in old.indices)
        return _nest(places, [Assign(old[places], new[places])])

    # Equations --------------------------------------------------------------------------------

    def statements(self) -> list[Statement]:
        """Return the loop nests of all equations."""
        computed = [e for e in self.program.equations if not self.is_copy_in_place(e)]
        stages = [with_fresh_indices(stage) for stage in schedule(computed)]
        body: list[Statement] = []
        for stage in in_order(stages, self.aliases, _kind):
            body += self.recurrence(stage) if stage.steps else self.nests(stage.equations, ())
        return body

    def is_copy_in_place(self, equation: Equation) -> bool:
        """Whether an equation says that an updated tensor starts from what its memory holds."""
        return (
            equation.tensor in self.aliases
            and isinstance(equation.body, Element)
            and not equation.reduce
            and equation.body.tensor is self.aliases[equation.tensor]
            and equation.body.args == equation.lhs.args
        )

    def recurrence(self, stage: Stage) -> list[Statement]:
        """Return the loop over the steps, after zero is written where steps only add."""
        step = stage.steps[0]
        before: list[Statement] = []
        by_tensor: dict[Tensor, list[Equation]] = {}
        for equation in stage.equations:
            by_tensor.setdefault(equation.tensor, []).append(equation)
        for tensor, members in by_tensor.items():
            plain = all(e.lhs.is_plain and step in e.lhs.args for e in members)
            if tensor not in self.written and not plain:
                # An earlier step adds to a later one's element: nothing may overwrite it.
                before += self.fill(members[0])
                self.written.add(tensor)
        body = tuple(self.nests(stage.equations, (step,)))
        last = step.extent - 1
        loop = For(step, 0, step.extent, body) if stage.upwards else For(step, last, -1, body, -1)
        return [*before, loop]

    def nests(self, equations: Sequence[Equation], fixed: tuple[Index, ...]) -> list[Statement]:
        """Return the loop nest of each equation, in loops over some indices."""
        result: list[Statement] = []
        for equation in equations:
            in_place = equation.tensor in self.aliases
            # In place, ``W_next = W - …`` sets and ``W_next += …`` adds to what W held.
            first = equation.tensor not in self.written and not (in_place and equation.accumulate)
            self.written.add(equation.tensor)
            if first and equation.is_scatter:
                result += self.fill(equation)
                first = False
            result += self.nest(equation, first, frozenset(fixed))
        return result

    def nest(self, equation: Equation, first: bool, fixed: frozenset[Index]) -> list[Statement]:
        """Return the loop nest of an equation; the first that writes a tensor sets it."""
        if is_implicit(equation):
            assert first, "an implicit equation is the only one of its tensor"
            memory, loops = elimination(equation, fixed, self.stored, self.names)
            self.memory += [self.in_memory(each) for each in memory]
            return loops
        order = _loop_order(equation, fixed)
        reduced = set(equation.reduce)
        inner = order[len(order) - len(reduced) :]
        in_register = bool(reduced) and set(inner) == reduced and equation.lhs.is_plain
        # A normalised program adds no maximum to anything: it is a tensor of its own.
        assert first or equation.operation != "max"
        body = self.stored(equation.body)
        lhs = self.stored(equation.lhs)
        assert isinstance(lhs, Element)
        if not reduced:
            if equation.is_scatter or not first:
                added = Accumulate(lhs, body, equation=equation, free_order=True)
                return _nest(order, self.guarded(lhs, added))
            return _nest(order, _assigned(lhs, body, equation))
        operation = "max" if equation.operation == "max" else "sum"
        if not in_register:
            start = self.fill(equation, fixed) if first else []
            leaf = Accumulate(lhs, body, operation, equation, free_order=True)  # type: ignore[arg-type]
            return [*start, *_nest(order, self.guarded(lhs, leaf))]
        total = Tensor(f"{equation.tensor.name}_total")[()]
        adding = Accumulate(total, body, operation, equation, free_order=True)  # type: ignore[arg-type]
        ending = Assign(lhs, total, equation) if first else Accumulate(lhs, total, "sum", equation)
        return _nest(
            order[: len(order) - len(inner)],
            [
                Allocate(total.tensor, (), "register"),
                Assign(total, _identity(equation), equation),
                *_nest(inner, [adding]),
                ending,
            ],
        )

    def guarded(self, lhs: Element, leaf: Statement) -> list[Statement]:
        """Return a statement under the condition that the place that it writes exists."""
        limits = self.program.integer_limits
        conditions = [
            sympy.And(sympy.Ge(subscript, 0), sympy.Lt(subscript, extent))
            for subscript, extent in zip(lhs.args, lhs.tensor.shape, strict=True)
            if not (isinstance(subscript, Index) and subscript.extent == extent)
            and subscript.free_symbols
            and not isinstance(subscript, Element)  # checked where the data comes in
            and not (
                isinstance(extent, int) and span_of(subscript, limits).is_within(0, extent - 1)
            )
        ]
        return [If(sympy.And(*conditions), (leaf,))] if conditions else [leaf]

    def fill(self, equation: Equation, fixed: frozenset[Index] = frozenset()) -> list[Statement]:
        """Return the loops that set what an equation writes to where its reduction starts."""
        tensor = self.aliases.get(equation.tensor, equation.tensor)
        places = tuple(
            subscript if subscript in fixed else index.fresh()
            for subscript, index in zip(equation.lhs.args, tensor.indices, strict=True)
        )
        loops = tuple(place for place in places if place not in fixed)
        return _nest(loops, [Assign(tensor[places], _identity(equation), equation)])

    def stored(self, expression: Expr) -> Expr:
        """Return an expression with elements of the tensors in whose memory they lie."""
        mapping = {
            element: Element(self.aliases[element.tensor], *element.args, serial=element.serial)
            for element in expression.atoms(Element)
            if element.tensor in self.aliases
        }
        return expression.xreplace(mapping) if mapping else expression


def _loop_order(equation: Equation, fixed: frozenset[Index]) -> tuple[Index, ...]:
    """Return the loops of an equation from outside to inside.

    The batch first, then the left-hand side's order, then what is reduced; but innermost is the
    index that is the last axis of most tensors, so that the inner loop runs along memory.
    """
    domain = [index for index in equation.domain if index not in fixed]
    if not domain:
        return ()
    score = dict.fromkeys(domain, 0)
    for element in (equation.lhs, *equation.body.atoms(Element)):
        if element.args and element.args[-1] in score:
            score[element.args[-1]] += len(element.args) ** 2  # the larger tensor matters more
    position = {index: place for place, index in enumerate(domain)}
    inner = max(domain, key=lambda index: (score[index], position[index]))
    outer = sorted(
        (index for index in domain if index is not inner),
        key=lambda index: (isinstance(index.extent, int), position[index]),
    )
    return (*outer, inner)


def _kind(stage: Stage) -> object:
    """Return what makes two stages neighbours: the extent of the outermost loop."""
    equation = stage.equations[0]
    if stage.steps or as_product(equation) or as_column_sum(equation):
        return None
    order = _loop_order(equation, frozenset())
    return ("loop", order[0].extent) if order else None


def _nest(order: Sequence[Index], body: Sequence[Statement]) -> list[Statement]:
    statements = tuple(body)
    for index in reversed(order):
        statements = (For(index, 0, index.extent, statements),)
    return list(statements)


def _assigned(lhs: Element, body: Expr, equation: Equation) -> list[Statement]:
    """Return an assignment; of a sum that was written out, its terms one by one in any order."""
    source = equation.origin.source
    if not (
        equation.origin.rule == "unroll"
        and isinstance(body, sympy.Add)
        and source is not None
        and source.reduce
        and source.operation == "sum"
    ):
        return [Assign(lhs, body, equation)]
    first, *rest = body.args
    return [
        Assign(lhs, first, equation),
        *(Accumulate(lhs, term, equation=equation, free_order=True) for term in rest),
    ]


def _identity(equation: Equation) -> Expr:
    return -sympy.oo if equation.operation == "max" else sympy.S.Zero


def _views(slot: Slot, flat: Tensor, used: set[Tensor]) -> list[Statement]:
    result: list[Statement] = []
    offset = 0
    for tensor in slot.tensors:
        if tensor in used:
            result.append(View(tensor, flat, offset))
        offset += length((tensor,))
    return result
