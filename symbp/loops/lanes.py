"""lanes: an epoch of one tiny network becomes an epoch of many, side by side in vector registers.

A replica is one more index, ``r``, on all that depends on the parameters::

    for start: for n: z = W x[n]; g += …       ─►   for block: for start: for n by 4:
               W = W - η g                              for r in lanes: four examples, g[r] += …
                                                        for r in lanes: W[r] = W[r] - η[r] g[r]

All numbers of a block of networks lie in one array, a row of `width` for each, so that a compiler
sees that no two of them are the same memory, and that stays in the first-level cache. Within the
loop over lanes everything is straight-line code, with sums in local names.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sympy

from symbp.loops.epoch_parts import Parts, parts_of
from symbp.loops.gather import BATCH_SIZE, EXAMPLES, START
from symbp.loops.interleave import as_soon_as_possible, in_turn
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
)
from symbp.loops.traverse import elements_of, map_statements, reads_of, renamed, writes_of
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor
from symbp.notation.whole_numbers import Limit

__all__ = ["OWN_ORDER", "Lanes", "lanes"]

BLOCKS = sympy.Symbol("blocks", integer=True, positive=True)
# Whether each network has its own order of the examples (1) or not.
OWN_ORDER = sympy.Symbol("own_order", integer=True, nonnegative=True)


@dataclass(frozen=True)
class Lanes:
    """An epoch of many networks.

    Attributes
    ----------
    function : Function
        Takes blocks of networks, their costs, the order of each, and one order for all.
    packed : dict of Tensor to int
        The first row of each packed argument of one network: its elements follow, row by row.
    rows : int
        How many rows a block has.
    width : int
        How many networks a block has.
    """

    function: Function
    packed: dict[Tensor, int]
    rows: int
    width: int


def lanes(function: Function, width: int, group: int) -> Lanes | None:
    """Return the epoch of many networks, or None if this one has not that form.

    Parameters
    ----------
    function : Function
        An epoch of one network that is written out by element, with one sum over the examples of a
        batch (see :mod:`symbp.loops.batches`, :mod:`symbp.loops.promote`).
    width : int
        How many networks lie side by side.
    group : int
        How many examples are written out one after another.
    """
    parts = parts_of(function)
    return None if parts is None else _Widened(function, parts, width, group).result()


class _Widened:
    """Writes the function of many networks."""

    def __init__(self, function: Function, parts: Parts, width: int, group: int) -> None:
        self.function, self.parts, self.width, self.group = function, parts, width, group
        self.block, self.lane = Index("block", BLOCKS), Index("r", width)
        self.packed: dict[Tensor, int] = {}
        rows = 0
        for argument in function.arguments:
            array = argument.array
            if array in {view.of for view in parts.views.values()}:
                self.packed[array] = rows
                rows += int(array.shape[0])
        self.count = rows
        self.row: dict[Tensor, int] = {
            register: self.packed[parts.views[view].of] + int(parts.views[view].offset)
            for register, view in parts.registers.items()
        }
        self.staged: dict[tuple[Tensor, int], int] = {}
        self.varying = self._varying()
        kept = self._kept()
        for tensor in kept:
            self._give_row(tensor)
        for tensor in parts.data:
            for copy in range(group):
                self.staged[tensor, copy] = self.count
                self.count += 1
        self.networks = Tensor(
            "networks", (Index("block", BLOCKS), Index("row", self.count), Index("r", width))
        )

    def _give_row(self, tensor: Tensor) -> None:
        if tensor not in self.row:
            self.row[tensor] = self.count
            self.count += 1

    # What differs from network to network ---------------------------------------------------------

    def _statements(self) -> list[Statement]:
        parts = self.parts
        assert parts.examples is not None
        return [*parts.before, *parts.first, *parts.examples.body, *parts.powers, *parts.last]

    def _varying(self) -> set[Tensor]:
        """Return the registers whose value a network has for itself."""
        varying = {*self.parts.registers, *self.parts.data}
        size = -1
        while len(varying) > size:
            size = len(varying)
            for statement in self._statements():
                read = {element.tensor for element in reads_of(statement)}
                if read & varying:
                    varying |= {element.tensor for element in writes_of(statement)}
        return varying

    def _kept(self) -> list[Tensor]:
        """Return the registers of a network that one loop over lanes writes and another reads."""
        parts = self.parts
        assert parts.examples is not None
        assert parts.added is not None
        segments = [
            parts.before, parts.first, parts.examples.body, parts.powers, parts.last, [parts.added],
        ]  # fmt: skip
        uses: dict[Tensor, set[int]] = {}
        for number, segment in enumerate(segments):
            for statement in segment:
                for element in (*reads_of(statement), *writes_of(statement)):
                    if element.tensor in self.varying:
                        uses.setdefault(element.tensor, set()).add(number)
        assert parts.total is not None
        uses.pop(parts.total, None)
        return [
            tensor
            for tensor, where in uses.items()
            if len(where) > 1 and tensor not in parts.data and tensor not in self.row
        ]

    def _element(self, row: int) -> Element:
        return self.networks[self.block, row, self.lane]

    # Loops over lanes -----------------------------------------------------------------------------

    def _lanes(
        self, copies: Sequence[tuple[Sequence[Statement], int]], dropped: Collection[Tensor] = ()
    ) -> For:
        """Return a loop over lanes: statements with their copies of the data, equal ones in turn.

        Rows that are read are loaded first; those that are written are stored, but for those that
        nobody reads any more.
        """
        local: dict[Tensor, Tensor] = {}
        body: list[Statement] = []
        loads: list[Statement] = []
        written: dict[Tensor, Tensor] = {}
        fresh: list[dict[Tensor, Tensor]] = [{} for _ in copies]
        assert self.parts.examples is not None
        early: list[bool] = []  # sums, and what is made of them
        for number, statement in in_turn(copies):
            copy = copies[number][1]
            if isinstance(statement, Allocate):
                continue
            assert isinstance(statement, Assign | Accumulate)
            mapping: dict[Element, Element] = {}
            for element in (*reads_of(statement), statement.target):
                tensor = element.tensor
                if tensor in self.parts.data:
                    mapping[element] = self._element(self.staged[tensor, copy])
                elif tensor in self.varying:
                    of = local if tensor in self.row else fresh[number]
                    if tensor not in of:
                        of[tensor] = Tensor(tensor.name, (), label=tensor.label)
                        loads.append(Allocate(of[tensor], (), "register"))
                        if tensor in self.row and self._is_read_first(tensor, statement):
                            row = self._element(self.row[tensor])
                            loads.append(Assign(of[tensor][()], row))
                    mapping[element] = of[tensor][()]
            if statement.target.tensor in self.row:
                written[statement.target.tensor] = local[statement.target.tensor]
            target = mapping[statement.target]
            value = statement.value.xreplace(mapping)
            after = number > 0 and copies[number][0] is not self.parts.examples.body
            early.append(after or isinstance(statement, Accumulate))
            body.append(
                Assign(target, value, statement.equation)
                if isinstance(statement, Assign)
                else Accumulate(
                    target, value, statement.operation, statement.equation,
                    statement.free_order,
                )
            )  # fmt: skip
        stores = [
            Assign(self._element(self.row[tensor]), register[()])
            for tensor, register in written.items()
            if tensor not in dropped
        ]
        whole = (*body, *stores)
        if len(copies) > 1:
            whole = as_soon_as_possible(whole, [*early, *[True] * len(stores)])
        return For(self.lane, 0, self.width, (*loads, *whole), kind="lanes")

    def _is_read_first(self, tensor: Tensor, statement: Statement) -> bool:
        return not isinstance(statement, Assign) or tensor in {
            element.tensor for element in elements_of(statement.value)
        }

    def _copied(self, first: sympy.Expr, copies: int) -> If:
        """Return what copies some examples into their rows: for each lane its own, or the same."""
        parts = self.parts
        assert parts.examples is not None
        own: list[Statement] = []
        same: list[Statement] = []
        for copy in range(copies):
            for found, order in ((own, self.own_order), (same, self.shared_order)):
                moves = []
                for tensor, read in parts.data.items():
                    source = read.value
                    (number,) = (e for e in elements_of(source) if e.tensor == self.old_order)
                    place = number.args[0].xreplace({read.target.args[0]: first + copy})
                    lookup = (
                        order[self.block, self.lane, place]
                        if order is self.own_order
                        else order[place]
                    )
                    target = self._element(self.staged[tensor, copy])
                    moves.append(Assign(target, source.xreplace({number: lookup})))
                found.append(For(self.lane, 0, self.width, tuple(moves)))
        return If(sympy.Eq(OWN_ORDER, 1), tuple(own), tuple(same))

    # The function ---------------------------------------------------------------------------------

    def result(self) -> Lanes | None:
        """Return the whole."""
        parts, function = self.parts, self.function
        loop = parts.examples
        assert loop is not None
        assert parts.added is not None
        self.old_order = next(a.array for a in function.arguments if a.array.kind == "integer")
        inputs = [a.array for a in function.arguments if a.array not in self.packed]
        place = Index("i", EXAMPLES)
        self.own_order = Tensor(
            "orders", (Index("block", BLOCKS), Index("r", self.width), place), kind="integer"
        )
        self.shared_order = Tensor("order", (Index("i", EXAMPLES),), kind="integer")
        costs = Tensor("costs", (Index("block", BLOCKS), Index("r", self.width)))
        totals = Tensor("totals", (Index("r", self.width),))
        fixed, own_before = self._divided(parts.before)
        scalars, first = self._divided(parts.first)
        loose, powers = self._divided(parts.powers)
        others, last = self._divided(parts.last)
        if loose or others:
            return None  # something that all networks share changes from step to step
        n = loop.index
        size = loop.end
        body = loop.body
        later = Index(n.name, size)
        fused = self._fused(first, body, powers, last) if self.group > 1 else ()
        groups = For(
            n, 0, size,
            (
                If(
                    sympy.Le(n + self.group, size),
                    (
                        self._copied(n, self.group),
                        self._lanes([(body, copy) for copy in range(self.group)]),
                    ),
                    (
                        For(later, n, size, (self._copied(later, 1), self._lanes([(body, 0)]))),
                    ),
                ),
            ),
            self.group,
        )  # fmt: skip
        general = (
            *self._some(first),
            groups,
            *self._some(powers),
            *self._some(last),
        )
        cost = parts.added.value.xreplace(
            {e: self._element(self.row[e.tensor]) for e in elements_of(parts.added.value)}
        )
        step = (
            *parts.let,
            *scalars,
            *([If(sympy.Eq(size, self.group), fused, general)] if self.group > 1 else general),
            For(self.lane, 0, self.width, (Accumulate(totals[self.lane], cost),)),
        )
        each = (
            *self._some(own_before),
            For(self.lane, 0, self.width, (Assign(totals[self.lane], sympy.S.Zero),)),
            For(START, 0, EXAMPLES, step, BATCH_SIZE),
            For(
                self.lane, 0, self.width,
                (Assign(costs[self.block, self.lane], totals[self.lane] / EXAMPLES),),
            ),
        )  # fmt: skip
        arguments = [
            Argument(self.networks, "inout"),
            Argument(costs, "out"),
            Argument(self.own_order, "in"),
            Argument(self.shared_order, "in"),
            *(Argument(array, "in") for array in inputs if array is not self.old_order),
        ]
        limits = {t: limit for t, limit in function.limits.items() if t is not self.old_order}
        limits |= dict.fromkeys((self.own_order, self.shared_order), Limit(0, EXAMPLES))
        made = Function(
            function.name,
            tuple(arguments),
            (BLOCKS, EXAMPLES, BATCH_SIZE, OWN_ORDER),
            (
                Allocate(totals, (self.width,), "heap", wide=True),
                *fixed,
                For(self.block, 0, BLOCKS, each),
                Return(),
            ),
            limits,
            any_order=function.any_order,
        )
        return Lanes(_own_indices(made), self.packed, self.count, self.width)

    def _fused(
        self,
        first: list[Statement],
        body: Sequence[Statement],
        powers: list[Statement],
        last: list[Statement],
    ) -> tuple[Statement, ...]:
        """Return a step whose batch is one group: a single loop over lanes, with all sums local.

        What has powers comes before it if no gradient is in it, which is so of all optimizers.
        """
        copies = [(body, copy) for copy in range(self.group)]
        assert self.parts.added is not None
        read = {element.tensor for element in elements_of(self.parts.added.value)}
        sums = {
            element.tensor
            for statement in (*first, *body)
            if isinstance(statement, Assign | Accumulate)
            for element in writes_of(statement)
        }
        copied = self._copied(sympy.S.Zero, self.group)
        before = {element.tensor for statement in powers for element in reads_of(statement)}
        if before & sums:
            steps = [self._lanes([(first, 0), *copies]), *self._some(powers), *self._some(last)]
            return (copied, *steps)
        within = [t for t in sums if t not in read]
        whole = self._lanes([(first, 0), *copies, (last, 0)], within)
        return (copied, *self._some(powers), whole)

    def _some(self, statements: list[Statement]) -> list[Statement]:
        return [self._lanes([(statements, 0)])] if statements else []

    def _divided(self, statements: Sequence[Statement]) -> tuple[list[Statement], list[Statement]]:
        """Return what all networks share, and what each has for itself."""
        shared: list[Statement] = []
        own: list[Statement] = []
        for statement in statements:
            target = (
                statement.array if isinstance(statement, Allocate) else statement.target.tensor  # type: ignore[union-attr]
            )
            (own if target in self.varying else shared).append(statement)
        return shared, [s for s in own if not isinstance(s, Allocate)]


def _own_indices(function: Function) -> Function:
    """Return the function with another index for each loop."""

    def change(statement: Statement) -> Statement:
        if not isinstance(statement, For) or statement.index == START:
            return statement
        fresh = statement.index.fresh()
        body = tuple(renamed(inner, {statement.index: fresh}) for inner in statement.body)
        return For(fresh, statement.start, statement.end, body, statement.step, statement.kind)

    return function.replace(body=map_statements(function.body, change))
